/* SPDX-License-Identifier: BSD-2-Clause
 *
 * evidence.c - `analyze --evidence DIR`: the packets behind each finding. A second pass over the captures
 * picks the first packets of the finding's first flows, the ICMP errors that quote them, and for pairs
 * whatever the two addresses sent each other. A datagram in fragments shows its last one only.
 */
#include "evidence.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "rolecall/decode.h"
#include "rolecall/map.h"
#include "rolecall/pcap_out.h"

enum { FILES_MAX = 1024, PACKETS_PER_FINDING = 200, PATH_SIZE = 4096 };

struct file {
    const struct finding *finding;
    int linktype; /* of its first frame; -1: none yet */
    unsigned packets;
};

struct evidence {
    const char *directory;
    struct file files[FILES_MAX];
    unsigned count;
    struct map keys; /* flow key, or pair as a key without ports -> first file number + 1 */
    uint32_t next[FILES_MAX][FINDING_FLOWS_MAX + 1]; /* further files of the same key */
    bool failed;
};

static struct flow_key pair_of(const struct flow_key *key)
{
    return (struct flow_key){.addr = {key->addr[0], key->addr[1]}};
}

/* A key leads to a list of files: each entry holds file * (flows + 1) + place in that file's row, plus one.
 */
static void add_key(struct evidence *evidence, const struct flow_key *key, unsigned file, unsigned place)
{
    uint32_t *head = map_add(&evidence->keys, key, NULL);
    if (!head)
        return;
    evidence->next[file][place] = *head;
    *head = file * (FINDING_FLOWS_MAX + 1) + place + 1;
}

static void gather_findings(struct evidence *evidence, const struct judge *judge)
{
    const struct finding *finding;
    for (uint32_t i = 0; (finding = judge_finding(judge, i)) && evidence->count < FILES_MAX; i++) {
        if (finding->muted || !finding->count || finding->is_sensor)
            continue;
        unsigned file = evidence->count++;
        evidence->files[file] = (struct file){.finding = finding, .linktype = -1};
        for (unsigned f = 0; f < finding->flow_count; f++)
            add_key(evidence, &finding->flows[f], file, f);
        if (finding->is_pair) {
            struct flow_key pair = pair_of(&finding->flow.key);
            add_key(evidence, &pair, file, FINDING_FLOWS_MAX);
        }
    }
}

static void append(struct evidence *evidence, struct file *file, const struct frame *frame)
{
    char path[PATH_SIZE];
    if (file->packets >= PACKETS_PER_FINDING || (file->linktype >= 0 && file->linktype != frame->linktype))
        return;
    snprintf(path, sizeof path, "%s/%016" PRIx64 "-%s.pcap", evidence->directory, file->finding->fingerprint,
             finding_id_name(file->finding->id));
    if (file->linktype < 0 && !pcap_out_create(path, frame->linktype))
        evidence->failed = true;
    file->linktype = frame->linktype;
    file->packets++;
    if (!evidence->failed && !pcap_out_append(path, frame))
        evidence->failed = true;
}

/* Each finding that the key leads to gets the frame, once. */
static void offer(struct evidence *evidence, const struct flow_key *key, const struct frame *frame,
                  const struct file **last)
{
    const uint32_t *head = map_find(&evidence->keys, key);
    for (uint32_t at = head ? *head : 0; at;
         at = evidence->next[(at - 1) / (FINDING_FLOWS_MAX + 1)][(at - 1) % (FINDING_FLOWS_MAX + 1)]) {
        struct file *file = &evidence->files[(at - 1) / (FINDING_FLOWS_MAX + 1)];
        if (file != *last)
            append(evidence, file, frame);
        *last = file;
    }
}

static const uint64_t secret[2] = {0x65766964, 0x656e6365};

static void offer_packet(struct evidence *evidence, const struct packet *packet, const struct frame *frame)
{
    struct flow_key key;
    unsigned side;
    const struct file *last = NULL;
    if (packet->has_quoted)
        flow_key_of(&packet->quoted.source, &packet->quoted.destination, packet->quoted.source_port,
                    packet->quoted.destination_port, packet->quoted.protocol, &key, &side);
    else
        flow_key_of_packet(packet, secret, &key, &side);
    offer(evidence, &key, frame, &last);
    struct flow_key pair = pair_of(&key);
    offer(evidence, &pair, frame, &last);
}

bool evidence_write(const char *directory, struct capture *capture, const struct judge *judge)
{
    struct evidence *evidence = calloc(1, sizeof *evidence);
    struct decoder *decoder = decoder_create();
    bool ok = evidence && decoder && (mkdir(directory, 0777) == 0 || errno == EEXIST) &&
              map_init(&evidence->keys, sizeof(struct flow_key), sizeof(uint32_t),
                       FILES_MAX * (FINDING_FLOWS_MAX + 1), secret) &&
              capture_rewind(capture);
    if (ok) {
        struct frame frame;
        struct packet packet;
        int status;
        evidence->directory = directory;
        gather_findings(evidence, judge);
        while (!evidence->failed && (status = capture_next(capture, &frame, 1)) != CAPTURE_END)
            if (status != CAPTURE_PROBLEM && decode_frame(decoder, &frame, &packet) == DECODED)
                offer_packet(evidence, &packet, &frame);
        ok = !evidence->failed;
        int error = errno;
        map_fini(&evidence->keys);
        errno = error;
    }
    decoder_destroy(decoder);
    free(evidence);
    return ok;
}
