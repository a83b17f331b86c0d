/* SPDX-License-Identifier: BSD-2-Clause
 *
 * community_id.c - the hash by which Zeek, Suricata and others name the same flow. Specification: corelight
 * community-id-spec, version 1: SHA-1 over seed, both end points in order, protocol and ports, as base64.
 * ESP, AH and other protocols without ports end after the protocol's padding byte.
 */
#include "rolecall/event.h"

#include <openssl/evp.h>
#include <openssl/sha.h>

/* One context for all of a thread's flows: making one, and finding the algorithm, costs more than the hash.
 */
static void sha1(const uint8_t *from, size_t size, uint8_t digest[SHA_DIGEST_LENGTH])
{
    static _Thread_local EVP_MD_CTX *context;
    if (!context && (context = EVP_MD_CTX_new()) && !EVP_DigestInit_ex(context, EVP_sha1(), NULL)) {
        EVP_MD_CTX_free(context);
        context = NULL;
    }
    if (!context || !EVP_DigestInit_ex(context, NULL, NULL) || !EVP_DigestUpdate(context, from, size) ||
        !EVP_DigestFinal_ex(context, digest, NULL))
        SHA1(from, size, digest); /* no memory for a context: as slow as it is */
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
