/* SPDX-License-Identifier: BSD-2-Clause
 *
 * fuzz_identify.c - a conversation of two sides through identification, as datagrams or as a stream. A stream
 * is told three times: message by message, cut into segments of other sizes, and with some of them lost,
 * repeated or out of order. How it was cut into segments must not change its name. One datagram is told again
 * with less of it captured, which must not change its name into another. Everything that was lent comes back.
 */
#include "fuzz.h"
#include "rolecall/identify.h"

enum { LENT = 2, WINDOWS = 3, MESSAGES_MAX = 64 };

enum manner { AS_SENT, CUT_UP, DISTURBED, FIRST_ONLY, SNAPPED };

struct talk {
    struct identifier *identifier;
    struct identity identity;
    uint32_t sequence[2];
    uint32_t random;
    uint16_t ports[2];
};

static uint32_t random_of(struct talk *talk)
{
    talk->random = talk->random * 1664525u + 1013904223u;
    return talk->random >> 8;
}

static void check(const struct talk *talk, const struct identify_learned *learned)
{
    const struct identity *identity = &talk->identity;
    const struct proto_facts *facts = identify_facts(talk->identifier, identity);
    CHECK(identity->name < PROTO_COUNT && identity->upgraded_to < PROTO_COUNT);
    CHECK(identity->evidence <= 3 && (identity->name != 0) == (identity->evidence != 0));
    CHECK(identity->client <= SIDE_NONE);
    CHECK(!identity->settled || (!identity->is_stream && !identity->syn_sides));
    CHECK(learned->count <= PROTO_LEARNED_MAX);
    CHECK(facts->tls.mutual <= TRI_YES && facts->modality < MODALITY_COUNT);
}

static void tell_segment(struct talk *talk, unsigned side, uint32_t sequence, struct bytes payload)
{
    struct identify_learned learned = {.count = 0};
    struct bytes exact = fuzz_copy(&payload, payload.left);
    struct identify_input input = {.payload = exact,
                                   .payload_wirelen = (uint32_t)exact.left,
                                   .side = (uint8_t)side,
                                   .ports = {talk->ports[0], talk->ports[1]},
                                   .has_acknowledgement = true,
                                   .sequence = sequence,
                                   .acknowledgement = talk->sequence[1 - side]};
    identify_segment(talk->identifier, &talk->identity, &input, &learned);
    check(talk, &learned);
    fuzz_free(exact);
}

static void tell_syn(struct talk *talk, unsigned side)
{
    struct identify_learned learned = {.count = 0};
    struct identify_input input = {
        .side = (uint8_t)side, .is_syn = true, .sequence = talk->sequence[side] - 1};
    identify_segment(talk->identifier, &talk->identity, &input, &learned);
}

static void tell_message(struct talk *talk, unsigned side, struct bytes message, enum manner manner)
{
    while (message.left > 0) {
        size_t n = manner == AS_SENT ? message.left : 1 + random_of(talk) % 700;
        if (n > message.left)
            n = message.left;
        unsigned fate = manner == DISTURBED ? random_of(talk) % 8 : 7;
        struct bytes segment = bytes_take(&message, n), again = segment;
        uint32_t sequence = talk->sequence[side];
        talk->sequence[side] += (uint32_t)n;
        if (fate == 1 && message.left > 0) { /* what follows comes first */
            struct bytes next = message;
            next.left = next.left < 100 ? next.left : 100;
            tell_segment(talk, side, talk->sequence[side], next);
        }
        if (fate != 0)
            tell_segment(talk, side, sequence, segment);
        if (fate == 2)
            tell_segment(talk, side, sequence, again);
    }
}

static void tell_datagram(struct talk *talk, unsigned side, struct bytes message, size_t missing,
                          enum manner manner)
{
    struct identify_learned learned = {.count = 0};
    size_t caplen = manner == SNAPPED ? random_of(talk) % (message.left + 1) : message.left;
    missing += message.left - caplen;
    struct bytes exact = fuzz_copy(&message, caplen);
    struct identify_input input = {.payload = bytes_captured(exact.at, exact.left, exact.left + missing),
                                   .payload_wirelen = (uint32_t)(exact.left + missing),
                                   .side = (uint8_t)side,
                                   .ports = {talk->ports[0], talk->ports[1]}};
    if (!identify_goes_on(talk->identifier, &talk->identity, side, input.payload, input.payload_wirelen, 0))
        identify_datagram(talk->identifier, &talk->identity, &input, &learned);
    check(talk, &learned);
    fuzz_free(exact);
}

/* One flow from the input's messages: a byte with the side and what is missing, a 16-bit size, the bytes. */
static struct identity tell(struct talk *talk, struct bytes b, bool is_stream, enum manner manner)
{
    identity_init(&talk->identity);
    talk->sequence[0] = 0xfffff000u;
    talk->sequence[1] = 1000;
    if (is_stream) {
        tell_syn(talk, 0);
        tell_syn(talk, 1);
    }
    for (unsigned i = 0; i < (manner >= FIRST_ONLY ? 1 : MESSAGES_MAX) && b.left > 0; i++) {
        uint8_t options = bytes_u8(&b);
        uint16_t size = bytes_u16(&b);
        b.cut = true; /* the last message is as long as the input is */
        struct bytes message = bytes_take(&b, size);
        message.cut = false;
        if (is_stream)
            tell_message(talk, options & 1, message, manner);
        else
            tell_datagram(talk, options & 1, message, options & 2 ? options >> 2 : 0u, manner);
    }
    struct identity result = talk->identity;
    identity_release(talk->identifier, &talk->identity);
    CHECK(identifier_is_empty(talk->identifier));
    return result;
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size)
{
    struct bytes b = bytes_of(input, size);
    uint8_t options = bytes_u8(&b);
    struct talk talk = {.identifier = identifier_create(LENT, WINDOWS), .random = bytes_u16(&b)};
    CHECK(talk.identifier);
    talk.ports[0] = bytes_u16(&b);
    talk.ports[1] = bytes_u16(&b);
    for (unsigned round = 0; round < LENT + 1; round++) {
        struct identity first = tell(&talk, b, options & 1, AS_SENT);
        CHECK(!first.starved); /* each round finds everything given back */
    }
    if (options & 1) {
        struct identity sent = tell(&talk, b, true, AS_SENT), cut = tell(&talk, b, true, CUT_UP);
        CHECK(!sent.name || !cut.name || sent.name == cut.name);
        tell(&talk, b, true, DISTURBED);
    } else {
        struct identity whole = tell(&talk, b, false, FIRST_ONLY), snapped = tell(&talk, b, false, SNAPPED);
        CHECK(!whole.name || !snapped.name || whole.name == snapped.name);
    }
    identifier_destroy(talk.identifier);
    return 0;
}
