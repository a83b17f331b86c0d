/* SPDX-License-Identifier: BSD-2-Clause
 *
 * fuzz_fragment.c - fragments of many datagrams in any order, size and overlap, straight into the reassembly.
 * A byte's value follows from its datagram and its place, so that whatever comes out can be checked; a liar's
 * fragments carry other bytes, and its datagrams are only read through.
 */
#include "decode/fragment.h"
#include "fuzz.h"

static uint8_t byte_at(unsigned datagram, uint32_t place)
{
    return (uint8_t)((place * 2654435761u + datagram * 40503u) >> 13);
}

/* Ten bytes of input make one fragment. */
static struct fragment read_fragment(struct bytes *b, int64_t *now_ns, unsigned *datagram, bool *lies)
{
    static const uint8_t network[4] = {192, 0, 2, 1};
    uint8_t options = bytes_u8(b), count = bytes_u8(b);
    *datagram = bytes_u16(b);
    *lies = options & 2;
    *now_ns += INT64_C(1000) << (options >> 3);
    struct fragment f = {.source = addr_v4(network),
                         .destination = addr_v4(network),
                         .id = *datagram,
                         .kind = options & 4 ? FRAGMENT_KIND_IPV6 : IP_UDP,
                         .protocol = IP_UDP,
                         .more = options & 1,
                         .offset = bytes_u16(b) & 0xfff8u,
                         .time_ns = *now_ns};
    uint16_t missing = bytes_u16(b);
    f.missing = missing % 16 ? 0 : missing;
    f.data.left = f.more ? count * 8u + (missing & 1) : count + bytes_u16(b) % 2048u;
    return f;
}

/* The beginnings of datagrams that were given up, as the decoder asks for them. */
static void check_overdue(struct fragment_pool *pool, int64_t now_ns, const uint8_t *lied, bool ask_all)
{
    struct beginning beginning;
    for (unsigned i = 0; fragment_overdue(pool, now_ns, &beginning); i++) {
        unsigned name = beginning.packet.ip_id + (beginning.packet.ttl ? 65536u : 0);
        struct bytes b = beginning.datagram.data;
        CHECK(i <= FRAGMENT_DATAGRAMS_MAX && beginning.headers == 20);
        CHECK(b.left + beginning.datagram.missing <= FRAGMENT_DATAGRAM_SIZE);
        for (uint32_t place = 0; !lied[name] && b.left > 0; place++)
            CHECK(bytes_u8(&b) == byte_at(name, place));
        fuzz_touch(beginning.datagram.data);
        if (!ask_all)
            break;
    }
}

static void check_whole(const struct datagram *whole, unsigned datagram, bool honest)
{
    CHECK(whole->data.left + whole->missing <= FRAGMENT_DATAGRAM_SIZE);
    CHECK(whole->data.left > 0 || whole->missing > 0);
    CHECK(whole->data.cut == (whole->missing > 0));
    struct bytes b = whole->data;
    for (uint32_t place = 0; honest && b.left > 0; place++)
        CHECK(bytes_u8(&b) == byte_at(datagram, place));
    fuzz_touch(whole->data);
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size)
{
    static uint8_t lied[2 * 65536]; /* by kind and datagram */
    static struct decoder_counters counters;
    static struct fragment_pool *pool;
    if (!pool)
        CHECK(pool = fragment_pool_create(&counters));
    fragment_pool_reset(pool);
    struct bytes b = bytes_of(input, size);
    int64_t now_ns = 0;
    memset(lied, 0, sizeof lied);
    while (b.left > 0) {
        unsigned datagram;
        bool lies;
        struct fragment f = read_fragment(&b, &now_ns, &datagram, &lies);
        unsigned name = datagram + (f.kind == FRAGMENT_KIND_IPV6 ? 65536 : 0);
        uint8_t *bytes = malloc(f.data.left ? f.data.left : 1);
        CHECK(bytes);
        for (uint32_t i = 0; i < f.data.left; i++)
            bytes[i] = (uint8_t)(byte_at(name, f.offset + i) ^ lies);
        f.data = bytes_captured(bytes, f.data.left, f.data.left + f.missing);
        lied[name] |= lies;
        struct datagram whole;
        struct packet packet = {.ip_id = (uint16_t)datagram, .ttl = f.kind == FRAGMENT_KIND_IPV6};
        f.packet = &packet; /* a beginning that is given back tells whose it is */
        f.headers = 20;
        enum decode_result result = fragment_add(pool, &f, &whole);
        CHECK(result == DECODED || result == DECODE_FRAGMENT || result == DECODE_MALFORMED);
        free(bytes);
        if (result == DECODED)
            check_whole(&whole, name, !lied[name]);
        if (datagram & 1)
            check_overdue(pool, now_ns, lied, datagram & 2);
    }
    check_overdue(pool, INT64_MAX, lied, true);
    return 0;
}
