/* SPDX-License-Identifier: BSD-2-Clause
 *
 * ssrp.c - recognises the SQL Server resolution protocol on UDP. Asked by the engine through proto_ssrp.
 * Specification: MC-SQLR 2.2.1 to 2.2.6. An answer with its text is exact and stands alone; requests and the
 * answer about a dedicated administrator connection are a handful of bytes and count on the customary port
 * only. TCP ports of instances are learned; pipes and cluster states are ignored.
 */
#include "rolecall/proto.h"

enum {
    CLNT_BCAST_EX = 0x02,   /* 2.2.1 */
    CLNT_UCAST_EX = 0x03,   /* 2.2.2 */
    CLNT_UCAST_INST = 0x04, /* 2.2.3 */
    SVR_RESP = 0x05,        /* 2.2.5 */
    CLNT_UCAST_DAC = 0x0f   /* 2.2.4 */
};
enum { INSTANCE_MAX = 32 }; /* 2.2.3 */

static const char first_key[] = "ServerName;"; /* 2.2.5: every instance's text begins with it */

/* A name of printable bytes and the zero that ends the datagram, 2.2.3. */
static enum proto_answer read_instance(struct bytes b, struct proto_text *instance)
{
    size_t size = bytes_find(&b, 0, INSTANCE_MAX + 1);
    if (size == SIZE_MAX)
        return b.cut && b.left <= INSTANCE_MAX ? PROTO_MORE : PROTO_NO;
    struct bytes name = bytes_take(&b, size);
    if (size == 0 || b.left != 1 || b.cut)
        return PROTO_NO;
    for (struct bytes rest = name; rest.left > 0;)
        if (bytes_u8(&rest) < 0x20)
            return PROTO_NO;
    proto_text_set(instance, name.at, name.left);
    return PROTO_YES;
}

/* The bytes up to the next semicolon, which is consumed too; or all that is left, cut when the text is. */
static struct bytes next_token(struct bytes *b)
{
    size_t size = bytes_find(b, ';', b->left);
    struct bytes token = bytes_take(b, size == SIZE_MAX ? b->left : size);
    token.cut = b->cut && size == SIZE_MAX;
    if (b->left > 0)
        bytes_skip(b, 1);
    return token;
}

static bool is_word(const struct bytes *token, const char *word)
{
    return token->left == strlen(word) && bytes_begin(token, word, token->left);
}

static void learn_port(struct bytes digits, struct proto_reply *reply)
{
    uint32_t port = 0;
    while (digits.left > 0 && port <= UINT16_MAX) {
        uint8_t digit = bytes_u8(&digits);
        if (digit < '0' || digit > '9')
            return;
        port = port * 10 + digit - '0';
    }
    if (port == 0 || port > UINT16_MAX || reply->learned_count == PROTO_LEARNED_MAX)
        return;
    reply->learned[reply->learned_count++] =
        (struct proto_learned){.kind = LEARNED_TDS, .transport = OVER_TCP, .port = (uint16_t)port};
}

/* Keys and values in turn, an empty key between two instances (2.2.5). */
static void read_instances(struct bytes text, struct proto_facts *facts, struct proto_reply *reply)
{
    while (text.left > 0) {
        struct bytes key = next_token(&text);
        if (key.left == 0)
            continue;
        struct bytes value = next_token(&text);
        if (value.cut || (value.left == 0 && text.cut && text.left == 0))
            return; /* the value may go on */
        if (is_word(&key, "ServerName") && facts->server_name.size == 0)
            proto_text_set(&facts->server_name, value.at, value.left);
        else if (is_word(&key, "InstanceName") && facts->detail.size == 0)
            proto_text_set(&facts->detail, value.at, value.left);
        else if (is_word(&key, "tcp"))
            learn_port(value, reply);
    }
}

static void answer_yes(struct proto_reply *reply, unsigned evidence, enum proto_speaker speaker)
{
    reply->answer = PROTO_YES;
    reply->evidence = (uint8_t)evidence;
    reply->speaker = speaker;
}

/* 2.2.5, and 2.2.6 where the text is missing. */
static void ask_response(const struct proto_question *question, struct bytes b, bool lifted,
                         struct proto_facts *facts, struct proto_reply *reply)
{
    uint16_t size = bytes_u16le(&b);
    if (lifted && size == 6 && question->wirelen == 6) { /* 2.2.6: the size counts the whole message here */
        uint8_t version = bytes_u8(&b);
        uint16_t port = bytes_u16le(&b);
        if (!bytes_ok(&b) || version != 1 || port == 0) {
            reply->answer = bytes_short(&b) ? PROTO_MORE : PROTO_NO;
            return;
        }
        reply->learned[reply->learned_count++] =
            (struct proto_learned){.kind = LEARNED_TDS, .transport = OVER_TCP, .port = port};
        answer_yes(reply, 1, SPEAKER_SERVER);
    } else {
        bool fits = (size_t)size + 3 == question->wirelen; /* the type and the size are not counted */
        if (!bytes_ok(&b) || !fits || b.left < strlen(first_key)) {
            reply->answer = b.cut && (!bytes_ok(&b) || fits) ? PROTO_MORE : PROTO_NO;
            return;
        }
        if (!bytes_begin(&b, first_key, strlen(first_key)))
            return;
        answer_yes(reply, 2, SPEAKER_SERVER);
        read_instances(b, facts, reply);
    }
    facts->query.response = true;
}

static void ask_request(const struct proto_question *question, uint8_t type, struct bytes b,
                        struct proto_facts *facts, struct proto_reply *reply)
{
    struct proto_text instance = {0};
    if (type == CLNT_BCAST_EX || type == CLNT_UCAST_EX) {
        if (question->wirelen != 1)
            return;
    } else {
        if (type == CLNT_UCAST_DAC && bytes_u8(&b) != 1 && bytes_ok(&b)) /* 2.2.4: protocol version */
            return;
        reply->answer = read_instance(b, &instance);
        if (reply->answer != PROTO_YES)
            return;
        facts->detail = instance;
    }
    answer_yes(reply, 1, SPEAKER_CLIENT);
    facts->query.request = true;
}

static void ask(const struct proto_question *question, struct proto_memory *memory, struct proto_facts *facts,
                struct proto_reply *reply)
{
    (void)memory;
    struct bytes b = question->data;
    bool lifted = question->customary || question->named;
    uint8_t type = bytes_u8(&b);
    if (!bytes_ok(&b)) {
        reply->answer = bytes_short(&b) ? PROTO_MORE : PROTO_NO;
        return;
    }
    if (type == SVR_RESP)
        ask_response(question, b, lifted, facts, reply);
    else if (lifted && (type == CLNT_BCAST_EX || type == CLNT_UCAST_EX || type == CLNT_UCAST_INST ||
                        type == CLNT_UCAST_DAC))
        ask_request(question, type, b, facts, reply);
}

static const uint16_t ports[] = {1434, 0};

const struct protocol proto_ssrp = {.name = "ssrp",
                                    .transports = OVER_UDP,
                                    .customary_ports = ports,
                                    .least = {1, 3 + sizeof first_key - 1},
                                    .begins = {{0, CLNT_BCAST_EX, CLNT_UCAST_DAC}},
                                    .ask = ask};
