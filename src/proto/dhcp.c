/* SPDX-License-Identifier: BSD-2-Clause
 *
 * dhcp.c - recognises DHCP (RFC 2131, RFC 2132) with BOOTP, and DHCPv6 (RFC 8415), and notes what Lync and
 * Skype for Business phones ask by it: vendor class MS-UC-Client (option 60), its answer in option 43, and
 * the SIP server of option 120 (RFC 3361) or option 21 (RFC 3319). Ignored: leases, every other option,
 * options of more than 255 bytes.
 */
#include "rolecall/proto.h"

enum {
    REQUEST = 1, /* op of a client, RFC 2131 section 2 */
    REPLY = 2,
    HARDWARE_TYPE_MAX = 64, /* IANA's list ends at 38 */
    HARDWARE_MAX = 16,      /* size of chaddr */
    HOPS_MAX = 16,          /* RFC 1542 section 4.1.1 */
    SNAME_SIZE = 64,
    FILE_SIZE = 128,
    COOKIE = 0x63825363, /* RFC 2131 section 3 */
};

enum {
    OPTION_PAD = 0,
    OPTION_VENDOR = 43,
    OPTION_OVERLOAD = 52,
    OPTION_TYPE = 53,
    OPTION_CLASS = 60,
    OPTION_SIP_SERVERS = 120,
    OPTION_END = 255
};
enum { SUBOPTION_SERVICE = 1, SUBOPTION_HOST = 3 }; /* of option 43 to MS-UC-Client */
enum { TYPE_ACK = 5, TYPE_NAK = 6, TYPE_MAX = 18 }; /* 18: RFC 7724 */

enum {
    V6_ADVERTISE = 2,
    V6_REPLY = 7,
    V6_RECONFIGURE = 10,
    V6_RELAY_FORWARD = 12,
    V6_RELAY_REPLY = 13,
    V6_TYPE_MAX = 36
};
enum { /* RFC 8415 section 21 */
       V6_CLIENT_ID = 1,
       V6_SERVER_ID,
       V6_ADDRESSES,
       V6_TEMPORARY_ADDRESSES,
       V6_WANTED = 6,
       V6_PREFERENCE,
       V6_ELAPSED,
       V6_RELAY_MESSAGE,
       V6_RAPID_COMMIT = 14,
       V6_VENDOR_CLASS = 16,
       V6_SIP_NAMES = 21,
       V6_PREFIXES = 25,
       V6_OPTION_MAX = 150
};
enum { DUID_TYPE_MAX = 4, DUID_SIZE_MIN = 4, DUID_SIZE_MAX = 130 }; /* RFC 8415 section 11, RFC 6355 */

static const char uc_client[] = "MS-UC-Client";

/* What the options said; nothing reaches the facts before the message is accepted. */
struct options {
    uint8_t type, overload;
    bool is_uc_client;
    bool is_closed; /* walked to the end */
    bool has_duid;
    bool has_certain; /* DHCPv6: an option whose form is known and right */
    struct bytes vendor_class;
    struct bytes host; /* a DNS name in labels when is_labels, else text */
    bool is_labels;
};

struct dhcp_memory {
    uint8_t sides; /* bit per side that was confirmed */
};

static bool equals(struct bytes value, const char *text)
{
    return value.left == strlen(text) && bytes_begin(&value, text, value.left);
}

/* Option 43 in the form that answers MS-UC-Client: sub-option 1 repeats the class, 3 is the web server. */
static void read_vendor_option(struct bytes value, struct options *options)
{
    struct bytes host = {0};
    bool is_uc = false;
    while (value.left > 0) {
        uint8_t code = bytes_u8(&value);
        struct bytes part = bytes_prefixed8(&value);
        if (code == SUBOPTION_SERVICE)
            is_uc = equals(part, uc_client);
        else if (code == SUBOPTION_HOST)
            host = part;
    }
    if (!is_uc || !bytes_ok(&value))
        return;
    options->is_uc_client = true;
    options->host = host;
    options->is_labels = false;
}

static void read_option(uint8_t code, struct bytes value, struct options *options)
{
    if (code == OPTION_TYPE && value.left == 1) {
        options->type = bytes_u8(&value);
    } else if (code == OPTION_OVERLOAD && value.left == 1) {
        options->overload = bytes_u8(&value);
    } else if (code == OPTION_CLASS) {
        options->vendor_class = value;
        options->is_uc_client |= equals(value, uc_client);
    } else if (code == OPTION_VENDOR) {
        read_vendor_option(value, options);
    } else if (code == OPTION_SIP_SERVERS && bytes_peek(&value, 0) == 0) { /* encoding 0: names */
        bytes_skip(&value, 1);
        options->host = value;
        options->is_labels = true;
    }
}

static void read_options(struct bytes list, struct options *options)
{
    while (list.left > 0) {
        uint8_t code = bytes_u8(&list);
        if (code == OPTION_PAD)
            continue;
        if (code == OPTION_END) {
            options->is_closed = true;
            return;
        }
        struct bytes value = bytes_prefixed8(&list);
        if (bytes_ok(&list))
            read_option(code, value, options);
    }
    options->is_closed = bytes_ok(&list) && !list.cut;
}

/* Labels to text with dots, as far as the first name goes; RFC 1035 section 3.1, without compression. */
static void tell_host(const struct options *options, struct proto_facts *facts)
{
    uint8_t name[PROTO_TEXT_SIZE];
    struct bytes labels = options->host;
    size_t size = 0;

    if (options->host.left == 0)
        return;
    if (!options->is_labels) {
        proto_text_set(&facts->server_name, options->host.at, options->host.left);
        return;
    }
    while (bytes_peek(&labels, 0) > 0) {
        struct bytes label = bytes_prefixed8(&labels);
        if (!bytes_ok(&labels) || size + label.left + 1 > sizeof name)
            return;
        if (size > 0)
            name[size++] = '.';
        size_t count = label.left;
        bytes_copy(&label, name + size, count);
        size += count;
    }
    if (size > 0)
        proto_text_set(&facts->server_name, name, size);
}

static void tell(const struct options *options, bool is_reply, struct proto_facts *facts,
                 struct proto_reply *reply)
{
    reply->answer = PROTO_YES;
    reply->speaker = is_reply ? SPEAKER_SERVER : SPEAKER_CLIENT;
    facts->query.request |= !is_reply;
    facts->query.response |= is_reply;
    facts->query.dhcp_type = options->type;
    facts->query.ms_uc_client |= options->is_uc_client;
    if (options->vendor_class.left > 0 && !is_reply)
        proto_text_set(&facts->agent, options->vendor_class.at, options->vendor_class.left);
    tell_host(options, facts);
}

static void ask_v4(const struct proto_question *question, struct proto_facts *facts,
                   struct proto_reply *reply)
{
    struct options options = {0};
    struct bytes b = question->data;
    uint8_t op = bytes_u8(&b), hardware = bytes_u8(&b), hardware_size = bytes_u8(&b), hops = bytes_u8(&b);
    bool has_begin = bytes_ok(&b);
    bool plausible = (op == REQUEST || op == REPLY) && hardware > 0 && hardware <= HARDWARE_TYPE_MAX &&
                     hardware_size <= HARDWARE_MAX && hops <= HOPS_MAX;

    bytes_skip(&b, 4 + 2 + 2 + 4 * 4 + HARDWARE_MAX); /* xid, secs, flags, four addresses, chaddr */
    struct bytes sname = bytes_take(&b, SNAME_SIZE);
    struct bytes file = bytes_take(&b, FILE_SIZE);
    bool has_fixed = bytes_ok(&b);
    bool has_cookie = bytes_u32(&b) == COOKIE;
    bool no_cookie = bytes_ok(&b) && !has_cookie;

    if (!plausible && has_begin) {
        reply->answer = PROTO_NO;
        return;
    }
    if (has_cookie)
        read_options(b, &options);
    if (options.overload & 1)
        read_options(file, &options);
    if (options.overload & 2)
        read_options(sname, &options);
    bool is_typed = options.type >= 1 && options.type <= TYPE_MAX;
    bool is_old =
        has_fixed && question->customary; /* BOOTP has no type, and its vendor area may be anything */
    if (is_typed || is_old) {
        tell(&options, op == REPLY, facts, reply);
        reply->evidence = is_typed && options.is_closed && question->customary ? 2 : 1;
    } else {
        bool may_be = question->data.cut && !no_cookie;
        reply->answer = may_be ? PROTO_MORE : PROTO_NO;
    }
}

static bool is_duid(struct bytes value)
{
    size_t size = value.left;
    uint16_t type = bytes_u16(&value);
    return type >= 1 && type <= DUID_TYPE_MAX && size >= DUID_SIZE_MIN && size <= DUID_SIZE_MAX;
}

/* Does the option's size, or its DUID, say that it is one? UNKNOWN: any size would do, so it proves nothing.
 */
static enum proto_tristate v6_option_fits(uint16_t code, struct bytes value)
{
    switch (code) {
    case V6_CLIENT_ID:
    case V6_SERVER_ID:
        return is_duid(value) ? TRI_YES : TRI_NO;
    case V6_ADDRESSES:
    case V6_PREFIXES:
        return value.left >= 12 ? TRI_YES : TRI_NO;
    case V6_TEMPORARY_ADDRESSES:
    case V6_RELAY_MESSAGE:
        return value.left >= 4 ? TRI_YES : TRI_NO;
    case V6_WANTED:
        return value.left % 2 == 0 ? TRI_YES : TRI_NO;
    case V6_PREFERENCE:
        return value.left == 1 ? TRI_YES : TRI_NO;
    case V6_ELAPSED:
        return value.left == 2 ? TRI_YES : TRI_NO;
    case V6_RAPID_COMMIT:
        return value.left == 0 ? TRI_YES : TRI_NO;
    default:
        return code >= 1 && code <= V6_OPTION_MAX ? TRI_UNKNOWN : TRI_NO;
    }
}

static void read_v6_options(struct bytes list, struct options *options)
{
    bool right = true;
    while (list.left > 0 && right) {
        uint16_t code = bytes_u16(&list);
        struct bytes value = bytes_prefixed16(&list);
        if (!bytes_ok(&list))
            break;
        enum proto_tristate fits = v6_option_fits(code, value);
        right = fits != TRI_NO;
        options->has_certain |= fits == TRI_YES;
        if (code == V6_CLIENT_ID || code == V6_SERVER_ID) {
            options->has_duid |= right;
        } else if (code == V6_RELAY_MESSAGE) {
            options->has_duid = true; /* the message inside has its own */
        } else if (code == V6_VENDOR_CLASS && value.left > 6) {
            bytes_skip(&value, 4); /* enterprise number */
            options->vendor_class = bytes_prefixed16(&value);
            options->is_uc_client |= equals(options->vendor_class, uc_client);
        } else if (code == V6_SIP_NAMES) {
            options->host = value;
            options->is_labels = true;
        }
    }
    options->is_closed = right && bytes_ok(&list) && !list.cut;
}

static bool is_v6_reply(uint8_t type)
{
    return type == V6_ADVERTISE || type == V6_REPLY || type == V6_RECONFIGURE || type == V6_RELAY_REPLY;
}

/* A list of options of known forms that ends with the datagram; away from its ports, a DUID among them (RFC
 * 8415 section 11). */
static void ask_v6(const struct proto_question *question, struct proto_facts *facts,
                   struct proto_reply *reply)
{
    struct options options = {0};
    struct bytes b = question->data;

    options.type = bytes_u8(&b);
    if (options.type == V6_RELAY_FORWARD || options.type == V6_RELAY_REPLY)
        bytes_skip(&b, 1 + 16 + 16); /* hops, link and peer address */
    else
        bytes_skip(&b, 3); /* transaction id */
    bool known = options.type >= 1 && options.type <= V6_TYPE_MAX;
    bool is_short = bytes_short(&b);
    if (bytes_ok(&b) && b.left > 0)
        read_v6_options(b, &options);
    if (known && options.is_closed && (options.has_duid || (options.has_certain && question->customary))) {
        tell(&options, is_v6_reply(options.type), facts, reply);
        reply->evidence = options.has_duid && question->customary ? 2 : 1;
    } else {
        reply->answer = is_short || (known && b.cut && !options.is_closed) ? PROTO_MORE : PROTO_NO;
    }
}

static bool is_last(const struct proto_facts *facts)
{
    uint8_t type = facts->query.dhcp_type;
    return type == TYPE_ACK || type == TYPE_NAK || type == V6_REPLY;
}

static void ask(const struct proto_question *question, struct proto_memory *lent, struct proto_facts *facts,
                struct proto_reply *reply)
{
    _Static_assert(sizeof(struct dhcp_memory) <= PROTO_MEMORY_SIZE, "does not fit into what a flow lends");
    struct dhcp_memory *memory = (struct dhcp_memory *)(void *)lent->bytes;

    ask_v4(question, facts, reply);
    if (reply->answer == PROTO_NO)
        ask_v6(question, facts, reply);
    if (reply->answer != PROTO_YES)
        return;
    memory->sides |= (uint8_t)(1u << (question->side & 1));
    reply->settled = memory->sides == 3 && is_last(facts);
}

static const uint16_t ports[] = {67, 68, 546, 547, 0};

const struct protocol proto_dhcp = {.name = "dhcp",
                                    .transports = OVER_UDP,
                                    .customary_ports = ports,
                                    .least = {8, 12}, /* DHCPv6 with one option, and with a DUID */
                                    .begins = {{0, 1, V6_TYPE_MAX}},
                                    .ask = ask};
