/* SPDX-License-Identifier: BSD-2-Clause
 *
 * dcerpc.c - recognises DCE/RPC: connection-oriented PDUs on TCP and connectionless ones on UDP. Asked by the
 * engine through proto_dcerpc. Specifications: C706 chapter 12 (PDUs), appendices H, I and L (towers), O
 * (endpoint mapper); MS-RPCE 2.2.2, and MS-RPCH 2.1.1 for the greeting of port 593. The first interface bound
 * becomes a fact, ports in an endpoint mapper's answer are learned; authentication and all other stub data
 * are ignored. The secondary address of a bind_ack is not learned: a server that names itself proves nothing.
 */
#include <stdio.h>

#include "dcerpc_pdu.h"

enum { FIRST_FRAGMENT = 0x01 };                                          /* C706 12.6.3.1, pfc_flags */
enum { RESPONSE_HEADER = 24 };                                           /* C706 12.6.4.10 */
enum { CL_HEADER = 80, CL_TYPES = 11, CL_BODY_MAX = 65507 - CL_HEADER }; /* C706 12.5.1 */
enum { UUID_SIZE = 16, UUID_TEXT = 36 };

static const char mapper_uuid[] = "e1af8308-5d1f-11c9-91a4-08002b14a0fa"; /* C706 appendix O */
static const char greeting[] = "ncacn_http/1.0";                          /* MS-RPCH 2.1.1.1.1 */

struct memory {
    struct units_talk talk;
    bool is_bound;
    bool is_mapper;
};
_Static_assert(sizeof(struct memory) <= PROTO_MEMORY_SIZE, "fits what the flow lends");

static void read_uuid(struct bytes *b, bool little, char text[UUID_TEXT + 1])
{
    uint32_t low = dcerpc_u32(b, little);
    uint16_t middle = dcerpc_u16(b, little);
    uint16_t high = dcerpc_u16(b, little);
    uint16_t clock = bytes_u16(b);
    uint16_t node_high = bytes_u16(b);
    uint32_t node_low = bytes_u32(b);
    snprintf(text, UUID_TEXT + 1, "%08x-%04x-%04x-%04x-%04x%08x", low, middle, high, clock, node_high,
             node_low);
}

/* One floor pair after the other, C706 appendix L: protocol identifier left, address right. */
static bool read_tower(struct bytes tower, struct proto_learned *learned)
{
    enum {
        FLOOR_UUID = 0x0d,
        FLOOR_TCP = 0x07,
        FLOOR_UDP = 0x08,
        FLOOR_IP = 0x09,
        FLOORS_MAX = 8
    }; /* appendix I */
    unsigned floors = bytes_u16le(&tower);
    if (floors > FLOORS_MAX)
        return false;
    *learned = (struct proto_learned){.kind = LEARNED_DCERPC};
    for (unsigned i = 0; i < floors; i++) {
        size_t size = bytes_u16le(&tower);
        struct bytes left = bytes_take(&tower, size);
        size = bytes_u16le(&tower);
        struct bytes right = bytes_take(&tower, size);
        uint8_t id = bytes_u8(&left);
        uint8_t address[4];
        if (i == 0 && id != FLOOR_UUID)
            return false;
        if ((id == FLOOR_TCP || id == FLOOR_UDP) && right.left == 2) {
            learned->transport = id == FLOOR_TCP ? OVER_TCP : OVER_UDP;
            learned->port = bytes_u16(&right);
        } else if (id == FLOOR_IP && right.left == 4 && bytes_copy(&right, address, 4)) {
            learned->addr = addr_v4(address);
            learned->has_addr = !addr_is_unspecified(&learned->addr);
        }
    }
    return bytes_ok(&tower) && learned->port != 0;
}

static void learn(struct proto_reply *reply, const struct proto_learned *learned)
{
    for (unsigned i = 0; i < reply->learned_count; i++) {
        const struct proto_learned *old = &reply->learned[i];
        if (old->port == learned->port && old->transport == learned->transport &&
            addr_equal(&old->addr, &learned->addr))
            return;
    }
    if (reply->learned_count < PROTO_LEARNED_MAX)
        reply->learned[reply->learned_count++] = *learned;
}

/* NDR counts and pointers: 4 bytes, or 8 in NDR64 (MS-RPCE 2.2.5.3), each aligned to its size. */
struct stub {
    struct bytes b;
    size_t whole;
    bool little;
    unsigned width;
};

static void align(struct stub *stub)
{
    size_t done = stub->whole - stub->b.left;
    bytes_skip(&stub->b, -done & (stub->width - 1));
}

static uint64_t read_count(struct stub *stub)
{
    align(stub);
    uint32_t first = dcerpc_u32(&stub->b, stub->little);
    if (stub->width == 4)
        return first;
    uint32_t second = dcerpc_u32(&stub->b, stub->little);
    return stub->little ? (uint64_t)second << 32 | first : (uint64_t)first << 32 | second;
}

/* ept_map's answer, C706 appendix O: handle, count, array of pointers, towers. False: it is not laid out so.
 */
static bool read_towers(struct stub stub, struct proto_reply *reply)
{
    enum { HANDLE = 20, TOWERS_MAX = 64 };
    bytes_skip(&stub.b, HANDLE);
    uint32_t towers = dcerpc_u32(&stub.b, stub.little);
    uint64_t room = read_count(&stub);
    uint64_t offset = read_count(&stub);
    uint64_t actual = read_count(&stub);
    if (!bytes_ok(&stub.b) || towers > TOWERS_MAX || actual != towers || room < towers || offset != 0)
        return false;
    for (uint32_t i = 0; i < towers; i++)
        read_count(&stub);
    for (uint32_t i = 0; i < towers; i++) {
        struct proto_learned learned;
        uint64_t counted = read_count(&stub);
        uint32_t size = dcerpc_u32(&stub.b, stub.little);
        if (counted != size)
            return false;
        struct bytes tower = bytes_take(&stub.b, size);
        if (bytes_ok(&stub.b) && read_tower(tower, &learned))
            learn(reply, &learned);
    }
    return true;
}

static void read_response(struct bytes stub, bool little, struct proto_reply *reply)
{
    struct stub narrow = {.b = stub, .whole = stub.left, .little = little, .width = 4};
    struct stub wide = {.b = stub, .whole = stub.left, .little = little, .width = 8};
    if (!read_towers(narrow, reply))
        read_towers(wide, reply);
}

/* `b` stands behind the common header, C706 12.6.4.3: the first interface of the list. */
static enum proto_answer read_bind(struct bytes b, bool little, struct memory *memory,
                                   struct proto_facts *facts)
{
    char uuid[UUID_TEXT + 1];
    bytes_skip(&b, 8); /* fragment sizes, association group */
    uint8_t contexts = bytes_u8(&b);
    bytes_skip(&b, 3 + 2 + 1 + 1); /* reserved, context id, number of transfer syntaxes, reserved */
    if (contexts == 0 && bytes_ok(&b))
        return PROTO_NO;
    read_uuid(&b, little, uuid);
    if (!bytes_ok(&b))
        return units_answer(&b);
    memory->is_bound = true;
    memory->is_mapper |= strcmp(uuid, mapper_uuid) == 0;
    if (facts->detail.size == 0)
        proto_text_set(&facts->detail, uuid, UUID_TEXT);
    return PROTO_YES;
}

static enum proto_answer read_greeting(const struct bytes *b, struct proto_reply *reply, size_t *size)
{
    reply->speaker = SPEAKER_SERVER;
    *size = strlen(greeting);
    if (!bytes_may_begin(b, greeting, *size))
        return PROTO_NO;
    return b->left < *size ? PROTO_MORE : PROTO_YES;
}

static enum proto_answer read_pdu(const struct proto_question *question, struct bytes b, void *lent,
                                  struct proto_facts *facts, struct proto_reply *reply, size_t *size)
{
    struct memory *memory = lent;
    struct dcerpc_header header = {0};
    struct bytes whole = b;
    (void)question;
    if (bytes_peek(&b, 0) == greeting[0])
        return read_greeting(&b, reply, size);
    enum proto_answer answer = dcerpc_read_header(&b, &header);
    if (answer != PROTO_YES)
        return answer;

    if (header.type == PDU_BIND || header.type == PDU_ALTER_CONTEXT) {
        answer = read_bind(bytes_take(&b, header.size - DCERPC_HEADER), header.little, memory, facts);
        if (answer != PROTO_YES)
            return answer;
    }
    bool may_map = header.type == PDU_RESPONSE && (header.flags & FIRST_FRAGMENT) &&
                   (memory->is_mapper || !memory->is_bound);
    if (may_map && whole.left < header.size && header.size <= PROTO_WINDOW_SIZE)
        return PROTO_MORE;
    if (may_map && whole.left >= header.size) {
        bytes_skip(&b, RESPONSE_HEADER - DCERPC_HEADER);
        size_t trailer = header.auth ? header.auth + (size_t)DCERPC_AUTH_TRAILER : 0;
        read_response(bytes_take(&b, header.size - RESPONSE_HEADER - trailer), header.little, reply);
    }
    facts->version = header.version;
    memory->talk.known = memory->is_bound && !memory->is_mapper;
    reply->speaker = dcerpc_pdus[header.type].speaker;
    *size = header.size;
    return PROTO_YES;
}

/* C706 12.5.1. */
static enum proto_answer read_datagram(const struct proto_question *question, struct bytes b, void *lent,
                                       struct proto_facts *facts, struct proto_reply *reply, size_t *size)
{
    char uuid[UUID_TEXT + 1];
    uint8_t version = bytes_u8(&b);
    uint8_t type = bytes_u8(&b);
    bytes_skip(&b, 1); /* flags */
    uint8_t more_flags = bytes_u8(&b);
    uint8_t first = bytes_u8(&b);
    uint8_t second = bytes_u8(&b);
    uint8_t third = bytes_u8(&b);
    /* Of the second flags only "cancel pending" is defined. */
    if (bytes_ok(&b) && (version != 4 || type >= CL_TYPES || (more_flags & ~0x02) || third != 0 ||
                         !dcerpc_is_representation(first, second)))
        return PROTO_NO;
    bool little = dcerpc_is_little(first);
    bytes_skip(&b, 1 + UUID_SIZE); /* serial number, object */
    struct bytes interface = bytes_take(&b, UUID_SIZE);
    bytes_skip(&b,
               UUID_SIZE + 4 + 4 + 4 + 2 + 2 + 2); /* activity, boot time, version, sequence, opnum, hints */
    size_t length = dcerpc_u16(&b, little);
    bytes_skip(&b, 2);
    uint8_t authentication = bytes_u8(&b);
    bytes_skip(&b, 1);
    if (!bytes_ok(&b))
        return units_answer(&b);
    size_t whole = CL_HEADER + length; /* a verifier may follow where calls are authenticated */
    if (length > CL_BODY_MAX || (authentication ? whole > question->wirelen : whole != question->wirelen))
        return PROTO_NO;

    facts->version = 0x0400;
    if (facts->detail.size == 0) {
        read_uuid(&interface, little, uuid);
        proto_text_set(&facts->detail, uuid, UUID_TEXT);
    }
    ((struct memory *)lent)->talk.known = true;
    bool asks = type == 0 || type == 1 || type == 7 || type == 8 || type == 10; /* C706 12.5.3 */
    reply->speaker = type == 9 ? SPEAKER_UNKNOWN : asks ? SPEAKER_CLIENT : SPEAKER_SERVER;
    *size = question->wirelen;
    return PROTO_YES;
}

static void ask(const struct proto_question *question, struct proto_memory *memory, struct proto_facts *facts,
                struct proto_reply *reply)
{
    units_reader read = question->transport == OVER_TCP ? read_pdu : read_datagram;
    units_ask(question, read, memory->bytes, facts, reply);
}

static const uint16_t ports[] = {135, 593, 0};

const struct protocol proto_dcerpc = {.name = "dcerpc",
                                      .transports = OVER_TCP | OVER_UDP,
                                      .customary_ports = ports,
                                      .least = {CL_HEADER, CL_HEADER},
                                      .begins = {{0, 4, 4}},
                                      .ask = ask};
