/* SPDX-License-Identifier: BSD-2-Clause
 *
 * community_id.c - the hash by which Zeek, Suricata and others name the same flow. Specification: corelight
 * community-id-spec, version 1: SHA-1 over seed, both end points in order, protocol and ports, as base64.
 * ESP, AH and other protocols without ports end after the protocol's padding byte.
 */
#define OPENSSL_SUPPRESS_DEPRECATED /* SHA1_Init() and so on: see sha1() */
#include "rolecall/event.h"

#include <openssl/evp.h>
#include <openssl/sha.h>

/* OpenSSL 3 would rather have EVP used, which costs nearly as much again as the one block that is hashed. */
static void sha1(const uint8_t *from, size_t size, uint8_t digest[SHA_DIGEST_LENGTH])
{
    SHA_CTX context;
    SHA1_Init(&context);
    SHA1_Update(&context, from, size);
    SHA1_Final(digest, &context);
}

void community_id(const struct flow_key *key, char out[COMMUNITY_ID_SIZE])
{
    uint8_t input[2 + 16 + 16 + 2 + 4] = {0}; /* the first two bytes are the seed, 0 */
    size_t used = 2;
    for (unsigned side = 0; side < 2; side++) {
        unsigned size;
        const uint8_t *wire = addr_wire(&key->addr[side], &size);
        memcpy(input + used, wire, size);
        used += size;
    }
    input[used++] = key->protocol;
    input[used++] = 0;
    if (key->protocol == IP_TCP || key->protocol == IP_UDP || key->protocol == IP_SCTP) {
        for (unsigned side = 0; side < 2; side++) {
            input[used++] = (uint8_t)(key->port[side] >> 8);
            input[used++] = (uint8_t)key->port[side];
        }
    }
    uint8_t digest[SHA_DIGEST_LENGTH];
    sha1(input, used, digest);
    out[0] = '1';
    out[1] = ':';
    EVP_EncodeBlock((unsigned char *)out + 2, digest, sizeof digest);
}
