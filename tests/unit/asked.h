/* SPDX-License-Identifier: BSD-2-Clause
 *
 * asked.h - questions to one identifier, with payloads written as hexadecimal digits. For the unit tests of
 * identifiers that speak over TCP and UDP. Every question gets a copy of exactly its bytes, so that a
 * sanitizer sees a read beyond them; an identifier that writes facts without a yes fails the test.
 */
#ifndef ASKED_H
#define ASKED_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rolecall/proto.h"
#include "unity.h"

enum { PAYLOAD_SIZE = 4096 };

struct payload {
    uint8_t at[PAYLOAD_SIZE];
    size_t size;
};

struct asked {
    const struct protocol *protocol;
    enum proto_transport transport;
    bool customary, named, in_middle;
    struct proto_memory memory;
    struct proto_facts facts;
    struct proto_reply reply; /* the last */
};

static inline void payload_byte(struct payload *payload, unsigned value)
{
    TEST_ASSERT_TRUE(payload->size < PAYLOAD_SIZE);
    payload->at[payload->size++] = (uint8_t)value;
}

static inline void payload_text(struct payload *payload, const char *text)
{
    for (; *text; text++)
        payload_byte(payload, (uint8_t)*text);
}

static inline void payload_fill(struct payload *payload, unsigned value, size_t count)
{
    while (count-- > 0)
        payload_byte(payload, value);
}

/* "05 00 0b" is three bytes; blanks are free, 'text' between apostrophes stands for itself. */
static inline void payload_add(struct payload *payload, const char *hex)
{
    while (*hex) {
        if (*hex == '\'') {
            for (hex++; *hex != '\''; hex++)
                payload_byte(payload, (uint8_t)*hex);
            hex++;
        } else if (*hex == ' ') {
            hex++;
        } else {
            char pair[3] = {hex[0], hex[1], 0};
            payload_byte(payload, (unsigned)strtoul(pair, NULL, 16));
            hex += 2;
        }
    }
}

static inline struct payload payload_of(const char *hex)
{
    struct payload payload = {.size = 0};
    payload_add(&payload, hex);
    return payload;
}

static inline struct asked asked_new(const struct protocol *protocol, enum proto_transport transport)
{
    struct asked asked = {.protocol = protocol, .transport = transport};
    return asked;
}

/* One question: the first `caplen` bytes of the payload. A stream has no bytes that are cut off. */
static inline enum proto_answer asked_some(struct asked *asked, unsigned side, const struct payload *payload,
                                           size_t caplen)
{
    uint8_t *copy = malloc(caplen ? caplen : 1);
    memcpy(copy, payload->at, caplen);
    bool is_stream = asked->transport == OVER_TCP;
    size_t wirelen = is_stream ? caplen : payload->size;
    struct proto_question question = {.transport = asked->transport,
                                      .side = (uint8_t)side,
                                      .start = !is_stream || !asked->in_middle,
                                      .named = asked->named,
                                      .customary = asked->customary,
                                      .data = bytes_captured(copy, caplen, wirelen),
                                      .wirelen = (uint32_t)wirelen};
    struct proto_facts before = asked->facts;
    memset(&asked->reply, 0, sizeof asked->reply);
    asked->protocol->ask(&question, &asked->memory, &asked->facts, &asked->reply);
    free(copy);
    if (asked->reply.answer == PROTO_YES) {
        TEST_ASSERT_TRUE(asked->reply.evidence == 1 || asked->reply.evidence == 2);
        asked->named = true;
    } else {
        TEST_ASSERT_EQUAL_MEMORY(&before, &asked->facts, sizeof before);
        TEST_ASSERT_EQUAL_UINT(0, asked->reply.used);
    }
    return asked->reply.answer;
}

static inline enum proto_answer asked_all(struct asked *asked, unsigned side, const struct payload *payload)
{
    return asked_some(asked, side, payload, payload->size);
}

/* What a flow's first payload is called. */
static inline enum proto_answer asked_first(const struct protocol *protocol, enum proto_transport transport,
                                            const struct payload *payload)
{
    struct asked asked = asked_new(protocol, transport);
    return asked_all(&asked, 0, payload);
}

/* A whole payload is right; any beginning of it is right or too short, never wrong. */
static inline void assert_right_at_each_length(const struct protocol *protocol,
                                               enum proto_transport transport, bool customary,
                                               const struct payload *payload)
{
    for (size_t caplen = 0; caplen <= payload->size; caplen++) {
        struct asked asked = asked_new(protocol, transport);
        asked.customary = customary;
        if (caplen == 0 && transport == OVER_TCP)
            continue; /* never asked */
        char text[64];
        snprintf(text, sizeof text, "%s, first %zu of %zu bytes", protocol->name, caplen, payload->size);
        enum proto_answer answer = asked_some(&asked, 0, payload, caplen);
        TEST_ASSERT_TRUE_MESSAGE(answer != PROTO_NO, text);
        if (caplen == payload->size)
            TEST_ASSERT_EQUAL_UINT_MESSAGE(PROTO_YES, answer, text);
    }
}

/* The payload is right; with this one byte changed it is not. */
static inline void assert_matters(const struct protocol *protocol, enum proto_transport transport,
                                  bool customary, const struct payload *payload, size_t offset,
                                  unsigned value)
{
    struct payload broken = *payload;
    struct asked asked = asked_new(protocol, transport);
    asked.customary = customary;
    TEST_ASSERT_EQUAL_UINT(PROTO_YES, asked_all(&asked, 0, payload));
    asked = asked_new(protocol, transport);
    asked.customary = customary;
    broken.at[offset] = (uint8_t)value;
    char text[64];
    snprintf(text, sizeof text, "%s, byte %zu set to %02x", protocol->name, offset, value);
    TEST_ASSERT_TRUE_MESSAGE(asked_all(&asked, 0, &broken) != PROTO_YES, text);
}

#define ASSERT_TEXT(literal, text)                                                                           \
    do {                                                                                                     \
        TEST_ASSERT_EQUAL_UINT(sizeof(literal) - 1, (text).wirelen);                                         \
        TEST_ASSERT_EQUAL_MEMORY(literal, (text).bytes, sizeof(literal) - 1);                                \
    } while (0)

#endif
