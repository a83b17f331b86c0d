/* SPDX-License-Identifier: BSD-2-Clause
 *
 * esp.c - ESP (RFC 4303 section 2), over IP and in UDP 4500 (RFC 3948), and what stands readable inside it
 * where nothing was encrypted: ESP-NULL (RFC 2410) and AES-GMAC without encryption (RFC 4543). The header
 * does not say which it is, so three packets running must agree on one reading (the idea of RFC 5879;
 * PROTOCOLS 16.6); until then, and for packets whose end was not captured, ESP is the inner-most header. SCTP
 * alone, which these tests do not look into, does not make an association readable.
 */
#include "esp.h"
#include "walk.h"

#include <stdlib.h>
#include <string.h>

enum {
    HEADER_SIZE = 8,
    ENOUGH = 3, /* packets running that agree, or that cannot be read at all */
    SETS = 512, /* of WAYS associations each, so that a flood costs no more to search */
    WAYS = ESP_ASSOCIATIONS_MAX / SETS,
};

enum nature { NATURE_UNSURE, NATURE_READABLE, NATURE_ENCRYPTED };

/* How much stands before and behind the contents. Windows' algorithms come first: HMAC-SHA1-96 and
 * HMAC-MD5-96, HMAC-SHA2-256-128; AES-GMAC has its initialization vector in the packet (RFC 4543 section 3).
 */
static const struct form {
    uint8_t icv, iv;
} forms[] = {{12, 0}, {16, 0}, {24, 0}, {32, 0}, {16, 8}};

enum { FORMS = sizeof(forms) / sizeof(forms[0]) };

/* One direction of a security association. Empty while `used` is 0. */
struct association {
    struct addr source, destination;
    uint32_t spi;
    uint32_t sequence; /* highest that was looked at */
    uint64_t used;     /* the table's clock when last asked for */
    uint8_t nature;    /* enum nature */
    uint8_t readings;  /* one bit for each form that all of the last `agreed` packets could be read in */
    uint8_t agreed, failed;
};

struct esp_table {
    struct decoder_counters *counters;
    uint64_t clock;
    struct association sets[SETS][WAYS];
};

/* What one form makes of a packet. */
struct contents {
    uint8_t protocol;
    struct bytes data;
};

size_t esp_table_memory(void)
{
    return sizeof(struct esp_table);
}

struct esp_table *esp_table_create(struct decoder_counters *counters)
{
    struct esp_table *table = calloc(1, sizeof(*table));
    if (table)
        table->counters = counters;
    return table;
}

void esp_table_destroy(struct esp_table *table)
{
    free(table);
}

void esp_table_reset(struct esp_table *table)
{
    table->clock = 0;
    memset(table->sets, 0, sizeof table->sets);
}

/* The association of this packet; a new one takes the place of the set's least recently used one. */
static struct association *association_of(struct esp_table *table, const struct packet *p, uint32_t spi)
{
    struct association *set = table->sets[address_pair_hash(&p->source, &p->destination, spi, 0) % SETS];
    struct association *oldest = set;
    for (unsigned i = 0; i < WAYS; i++) {
        struct association *a = &set[i];
        if (a->used && a->spi == spi && addr_equal(&a->source, &p->source) &&
            addr_equal(&a->destination, &p->destination)) {
            a->used = ++table->clock;
            return a;
        }
        if (a->used < oldest->used)
            oldest = a;
    }
    table->counters->esp.evicted += oldest->used != 0;
    *oldest = (struct association){
        .source = p->source, .destination = p->destination, .spi = spi, .used = ++table->clock};
    return oldest;
}

/* Takes the packet apart: [IV] contents, padding 1 2 3..., its length 1, next header 1, ICV (RFC 4303 section
 * 2.4: padding makes the trailer end on 4 bytes). `b` stands behind the sequence number. */
static bool read_contents(struct bytes b, const struct form *form, struct contents *contents)
{
    size_t frame = form->iv + 2u + form->icv;
    if (b.left < frame)
        return false;
    size_t size = b.left - frame; /* of contents and padding */
    struct bytes trailer = b;
    bytes_skip(&trailer, form->iv + size);
    size_t padding = bytes_u8(&trailer);
    contents->protocol = bytes_u8(&trailer);
    if (padding > size || (size + 2) % 4 != 0)
        return false;
    bytes_skip(&b, form->iv);
    contents->data = bytes_take(&b, size - padding);
    for (unsigned i = 1; i <= padding; i++)
        if (bytes_u8(&b) != i)
            return false;
    return true;
}

static uint32_t add_words(uint32_t sum, struct bytes b)
{
    while (b.left > 1)
        sum += bytes_u16(&b);
    if (b.left > 0)
        sum += (uint32_t)bytes_u8(&b) << 8;
    return sum;
}

static uint32_t add_address(uint32_t sum, const struct addr *address)
{
    unsigned size;
    const uint8_t *wire = addr_wire(address, &size);
    return add_words(sum, bytes_of(wire, size));
}

/* The Internet checksum (RFC 1071), over the pseudo-header where the protocol has one (RFC 9293 section 3.1).
 * At most 64 KiB are summed, so 32 bits are enough. */
static bool checksum_holds(const struct packet *p, const struct contents *contents, bool pseudo_header)
{
    uint32_t sum = add_words(0, contents->data);
    if (pseudo_header) {
        sum += contents->protocol + (uint32_t)contents->data.left;
        sum = add_address(add_address(sum, &p->source), &p->destination);
    }
    sum = (sum & 0xffff) + (sum >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
    return sum == 0xffff;
}

static bool is_udp(const struct packet *p, const struct contents *contents, bool with_checksum)
{
    struct bytes b = contents->data;
    bytes_skip(&b, 4);
    size_t length = bytes_u16(&b);
    uint16_t checksum = bytes_u16(&b);
    return bytes_ok(&b) && length == contents->data.left &&
           (checksum == 0 || !with_checksum || checksum_holds(p, contents, true));
}

/* Of the byte with the data offset, three bits are reserved still (RFC 9293 section 3.1; the fourth is RFC
 * 9768's). */
static bool is_tcp(const struct packet *p, const struct contents *contents, bool with_checksum)
{
    struct bytes b = contents->data;
    bytes_skip(&b, 12);
    uint8_t offset = bytes_u8(&b);
    bytes_skip(&b, 7);
    return bytes_ok(&b) && (offset & 0x0e) == 0 && offset >> 4 >= 5 &&
           (offset >> 4) * 4u <= contents->data.left && (!with_checksum || checksum_holds(p, contents, true));
}

static bool is_icmp(const struct packet *p, const struct contents *contents, bool with_checksum)
{
    if (contents->data.left < 8)
        return false;
    return contents->protocol == IP_ICMP ? checksum_holds(p, contents, false)
                                         : with_checksum && checksum_holds(p, contents, true);
}

/* Tunnel mode: the inner packet fills the contents. RFC 791 section 3.1, RFC 8200 section 3. */
static bool is_ipv4(const struct contents *contents)
{
    struct bytes b = contents->data;
    uint8_t version_size = bytes_u8(&b);
    bytes_skip(&b, 1);
    size_t total = bytes_u16(&b);
    return bytes_ok(&b) && version_size >> 4 == 4 && (version_size & 15) >= 5 && total >= 20 &&
           total == contents->data.left;
}

static bool is_ipv6(const struct contents *contents)
{
    struct bytes b = contents->data;
    uint32_t version = bytes_u32(&b) >> 28;
    size_t length = bytes_u16(&b);
    return bytes_ok(&b) && version == 6 && length + 40 == contents->data.left;
}

/* Are the contents what the trailer announces? Behind a NAT the pseudo-header's addresses are other ones, and
 * the checksums that need them are not verified. */
static bool are_plausible(const struct packet *p, const struct contents *contents, bool with_checksum)
{
    switch (contents->protocol) {
    case IP_UDP:
        return is_udp(p, contents, with_checksum);
    case IP_TCP:
        return is_tcp(p, contents, with_checksum);
    case IP_ICMP:
    case IP_ICMPV6:
        return is_icmp(p, contents, with_checksum);
    case IP_IPIP:
        return is_ipv4(contents);
    case IP_IPV6:
        return is_ipv6(contents);
    default:
        return false;
    }
}

/* Looks at one more packet of an association that is not decided yet. Copies and late packets tell nothing
 * new. */
static void learn(struct esp_table *table, struct association *a, const struct packet *p, uint32_t sequence,
                  struct bytes body, bool with_checksum)
{
    if (sequence <= a->sequence || body.left < 8) /* too little is a dummy (RFC 4303 section 2.6) */
        return;
    a->sequence = sequence;
    uint8_t readings = 0;
    for (unsigned i = 0; i < FORMS; i++) {
        struct contents contents;
        if (read_contents(body, &forms[i], &contents) && are_plausible(p, &contents, with_checksum))
            readings |= (uint8_t)(1 << i);
    }
    bool agrees = a->readings & readings;
    a->readings = agrees ? a->readings & readings : readings;
    a->agreed = readings ? (uint8_t)(agrees ? a->agreed + 1 : 1) : 0;
    a->failed = readings ? 0 : (uint8_t)(a->failed + 1);
    if (a->agreed == ENOUGH) {
        a->nature = NATURE_READABLE;
        table->counters->esp.readable++;
    } else if (a->failed == ENOUGH) {
        a->nature = NATURE_ENCRYPTED;
        table->counters->esp.encrypted++;
    }
}

/* The readable contents of a packet, of an association that is known to have them. */
static bool look_inside(struct walk *w, uint32_t spi, uint32_t sequence, bool with_checksum,
                        struct contents *contents, uint32_t *header_size)
{
    struct esp_table *table = w->decoder->esp;
    struct packet *p = w->packet;
    if (spi == 0 || w->missing > 0 || p->is_doubtful_length) /* the trailer's place must be known */
        return false;
    struct association *a = association_of(table, p, spi);
    if (a->nature == NATURE_UNSURE)
        learn(table, a, p, sequence, w->data, with_checksum);
    if (a->nature != NATURE_READABLE)
        return false;
    const struct form *form = &forms[__builtin_ctz(a->readings)];
    *header_size = HEADER_SIZE + form->iv;
    return read_contents(w->data, form, contents) &&
           (contents->protocol == IP_SCTP || are_plausible(p, contents, false));
}

/* Reads on inside the contents. False: nothing was found there, the walk is where it was. */
static bool read_on(struct walk *w, const struct contents *contents, uint32_t header_size,
                    enum decode_result *result)
{
    struct walk outer = *w;
    struct packet outer_packet = *w->packet;
    w->data = contents->data;
    *result =
        walk_enter(w, LAYER_ESP_NULL, header_size) ? walk_protocol(w, contents->protocol) : DECODE_TOO_DEEP;
    if (*result != DECODE_MALFORMED && !walk_found_nothing(*result))
        return true;
    *w = outer;
    *w->packet = outer_packet;
    return false;
}

enum decode_result walk_esp(struct walk *w)
{
    struct walk outer = *w;
    uint32_t spi = bytes_u32(&w->data);
    uint32_t sequence = bytes_u32(&w->data);
    if (!bytes_ok(&w->data))
        return walk_failed(&w->data);
    w->packet->esp_spi = spi;
    w->packet->esp_sequence = sequence;
    struct contents contents;
    uint32_t header_size;
    enum decode_result result;
    if (look_inside(w, spi, sequence, true, &contents, &header_size) &&
        read_on(w, &contents, header_size, &result))
        return result;
    return walk_deliver(&outer, IP_ESP, outer.data, outer.missing);
}

enum decode_result walk_esp_in_udp(struct walk *w)
{
    uint32_t spi =
        bytes_u32(&w->data); /* 0 marks IKE, a single byte keeps the NAT open: RFC 3948 section 2 */
    uint32_t sequence = bytes_u32(&w->data);
    struct contents contents;
    uint32_t header_size;
    enum decode_result result;
    if (!bytes_ok(&w->data) || !look_inside(w, spi, sequence, false, &contents, &header_size))
        return DECODE_NOT_IP;
    w->packet->esp_spi = spi;
    w->packet->esp_sequence = sequence;
    return read_on(w, &contents, header_size, &result) ? result : DECODE_NOT_IP;
}
