/* SPDX-License-Identifier: BSD-2-Clause
 *
 * yardstick.c - what rolecall's speed is measured against: the least that any program does with a capture.
 *
 *     yardstick loop FILE       an empty pcap_loop that counts bytes
 *     yardstick lookup FILE     the same, with Ethernet, VLAN, IPv4, IPv6, TCP and UDP parsed, and one
 * look-up and counters per packet in an open-addressing table of 64-byte entries that doubles at 70 %
 *
 * Bounds are checked as in any honest program; nothing else is. Not part of rolecall: it calls nothing of it.
 */
#include <pcap.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct entry {
    uint8_t addr[2][16];
    uint16_t port[2];
    uint8_t protocol, used;
    uint16_t flags;
    uint64_t packets, bytes;
    uint32_t first, last;
};
_Static_assert(sizeof(struct entry) == 64, "one cache line");

struct table {
    struct entry *entries;
    size_t count, mask;
    uint64_t bytes;
};

static uint64_t hash_of(const struct entry *key)
{
    uint64_t words[5] = {0}, hash = 0x9e3779b97f4a7c15;
    memcpy(words, key, 37);
    for (unsigned i = 0; i < 5; i++) {
        hash = (hash ^ words[i]) * 0xff51afd7ed558ccd;
        hash ^= hash >> 32;
    }
    return hash;
}

static struct entry *make_entries(size_t count)
{
    struct entry *entries = NULL;
    if (posix_memalign((void **)&entries, 64, count * sizeof *entries) != 0) {
        perror("yardstick");
        exit(2);
    }
    memset(entries, 0, count * sizeof *entries);
    return entries;
}

static struct entry *place_of(struct entry *entries, size_t mask, const struct entry *key)
{
    size_t at = hash_of(key) & mask;
    while (entries[at].used && memcmp(&entries[at], key, 37) != 0)
        at = (at + 1) & mask;
    return &entries[at];
}

static void grow(struct table *table)
{
    size_t count = (table->mask + 1) * 2;
    struct entry *entries = make_entries(count);
    for (size_t i = 0; i <= table->mask; i++)
        if (table->entries[i].used)
            *place_of(entries, count - 1, &table->entries[i]) = table->entries[i];
    free(table->entries);
    table->entries = entries;
    table->mask = count - 1;
}

/* The smaller end first, as any flow table sorts them. */
static void set_ends(struct entry *key, const uint8_t *source, const uint8_t *destination, size_t size,
                     const uint8_t *ports)
{
    int order = memcmp(source, destination, size);
    if (order == 0 && ports)
        order = memcmp(ports, ports + 2, 2);
    unsigned first = order > 0;
    memcpy(key->addr[first], source, size);
    memcpy(key->addr[1 - first], destination, size);
    if (ports) {
        memcpy(&key->port[first], ports, 2);
        memcpy(&key->port[1 - first], ports + 2, 2);
    }
}

static bool parse(const uint8_t *at, size_t left, struct entry *key)
{
    if (left < 14)
        return false;
    unsigned type = (unsigned)at[12] << 8 | at[13];
    size_t offset = 14;
    while ((type == 0x8100 || type == 0x88a8) && left >= offset + 4) {
        type = (unsigned)at[offset + 2] << 8 | at[offset + 3];
        offset += 4;
    }
    at += offset;
    left -= offset;
    size_t header = 40;
    if (type == 0x0800 && left >= 20) {
        header = (at[0] & 15u) * 4;
        key->protocol = at[9];
    } else if (type == 0x86dd && left >= 40) {
        key->protocol = at[6];
    } else {
        return false;
    }
    bool has_ports = (key->protocol == 6 || key->protocol == 17) && left >= header + 4;
    if (type == 0x0800)
        set_ends(key, at + 12, at + 16, 4, has_ports ? at + header : NULL);
    else
        set_ends(key, at + 8, at + 24, 16, has_ports ? at + header : NULL);
    return true;
}

static void count_bytes(u_char *context, const struct pcap_pkthdr *header, const u_char *data)
{
    (void)data;
    ((struct table *)context)->bytes += header->len;
}

static void look_up(u_char *context, const struct pcap_pkthdr *header, const u_char *data)
{
    struct table *table = (struct table *)context;
    struct entry key = {0};
    table->bytes += header->len;
    if (!parse(data, header->caplen, &key))
        return;
    struct entry *entry = place_of(table->entries, table->mask, &key);
    if (!entry->used) {
        if (++table->count * 10 > (table->mask + 1) * 7) {
            grow(table);
            entry = place_of(table->entries, table->mask, &key);
        }
        *entry = key;
        entry->used = 1;
        entry->first = (uint32_t)header->ts.tv_sec;
    }
    entry->packets++;
    entry->bytes += header->len;
    entry->last = (uint32_t)header->ts.tv_sec;
}

int main(int count, char **arguments)
{
    bool lookup = count == 3 && strcmp(arguments[1], "lookup") == 0;
    if (count != 3 || (!lookup && strcmp(arguments[1], "loop") != 0)) {
        fprintf(stderr, "usage: yardstick loop|lookup FILE\n");
        return 2;
    }
    char error[PCAP_ERRBUF_SIZE];
    pcap_t *pcap = pcap_open_offline(arguments[2], error);
    if (!pcap) {
        fprintf(stderr, "%s\n", error);
        return 2;
    }
    struct table table = {.mask = 1023};
    table.entries = make_entries(table.mask + 1);
    int status = pcap_loop(pcap, -1, lookup ? look_up : count_bytes, (u_char *)&table);
    printf("%zu flows, %llu bytes\n", table.count, (unsigned long long)table.bytes);
    pcap_close(pcap);
    free(table.entries);
    return status == 0 ? 0 : 1;
}
