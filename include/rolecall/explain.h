/* SPDX-License-Identifier: BSD-2-Clause
 *
 * explain.h - why a flow is judged as it is: its ends, its scope, and every row that was considered.
 *
 * A question describes one flow; explanation_create() makes that flow up, has the judge give its verdict, and
 * says of each row and allow entry what it had to do with it. The verdict is the judge's own. Which rows
 * matched is asked of the same functions that the judge asks; only the words for rows that did not match are
 * found here. Rules, site and policy must outlive the explanation. Nothing is kept between two questions.
 */
#ifndef ROLECALL_EXPLAIN_H
#define ROLECALL_EXPLAIN_H

#include "rolecall/judge.h"

struct site;

enum explain_outcome {
    EXPLAIN_ANSWERED,
    EXPLAIN_UNANSWERED,
    EXPLAIN_REFUSED,     /* an RST answered the SYN */
    EXPLAIN_UNREACHABLE, /* an ICMP error did */
    EXPLAIN_SILENT       /* tried often and long enough to call it blocked */
};

struct explain_question {
    struct addr initiator, responder;
    uint16_t initiator_port, responder_port; /* initiator_port 0: not given */
    uint8_t protocol;                        /* IP_TCP, IP_UDP, IP_ESP or IP_AH */
    enum proto_id name;
    enum proto_tristate mutual_tls;
    uint16_t tls_version; /* 0: not known */
    bool tls_resumed;
    bool from_middle;   /* TCP: its SYN was not seen */
    bool learned_port;  /* an endpoint mapper handed out the responder's port */
    bool media_of_pair; /* these two addresses exchange media */
    enum explain_outcome outcome;
    int64_t time_ns; /* allow entries expire */
};

enum explain_list {
    EXPLAIN_ANSWERS,         /* the responder answers: inbound, and either */
    EXPLAIN_OPENS,           /* the initiator opens: outbound, and either */
    EXPLAIN_RESPONDER_MEDIA, /* own media ports */
    EXPLAIN_INITIATOR_MEDIA,
    EXPLAIN_IPSEC,
    EXPLAIN_LIST_COUNT
};

enum explain_answer { EXPLAIN_YES, EXPLAIN_LISTED, EXPLAIN_NEARLY, EXPLAIN_NO };

/* What stands in the way, or-ed. */
enum explain_why {
    WHY_OFF = 1 << 0, /* the site has its feature or load balancing off */
    WHY_TRANSPORT = 1 << 1,
    WHY_PORT = 1 << 2,
    WHY_PEER = 1 << 3,     /* the other end has none of the roles; allow: the initiator is not in `from` */
    WHY_PROTOCOL = 1 << 4, /* it names the port, but does not accept the protocol */
    WHY_LISTED =
        1 << 5, /* a server answers for its own ports: what others may open to anyone does not decide */
    WHY_NO_MEDIA = 1 << 6,  /* ipsec: holds once the pair has media */
    WHY_RESPONDER = 1 << 7, /* allow: the responder is not in `to` */
    WHY_EXPIRED = 1 << 8,
    WHY_EARLIER = 1 << 9 /* allow: an earlier entry lets the flow pass */
};

struct explain_row {
    const struct matrix_row *row;
    const struct policy_row *held; /* as the role holds it here; NULL: off */
    enum explain_list list;
    enum explain_answer answer;
    unsigned why;
    unsigned distance; /* with WHY_PORT: to the nearest documented port */
    bool learned;      /* yes, because an endpoint mapper hands out such ports */
};

struct explain_allow {
    enum explain_answer answer;
    unsigned why;
};

/* How an address came by its roles. */
enum explain_source { EXPLAIN_NOBODY, EXPLAIN_HOST, EXPLAIN_TRANSLATED, EXPLAIN_PREFIX, EXPLAIN_GROUP };
struct explain_end {
    struct addr addr;
    uint16_t port;
    enum explain_source source;
    const struct policy_entry *entry; /* NULL with EXPLAIN_NOBODY and EXPLAIN_GROUP */
    struct prefix prefix;             /* with EXPLAIN_PREFIX */
    struct policy_party party;
};

struct explanation {
    struct explain_end initiator, responder;
    struct flow flow; /* made up */
    struct proto_facts facts;
    bool port_assumed; /* a port of the initiator's media range was taken, because none was given */
    bool in_scope;
    const char *scope; /* one sentence */
    bool media_asked;  /* no row named the port, so media rows were considered */
    struct verdict verdict;
    enum finding_id finding; /* what the sentences below tell of; FINDING_COUNT: none */
    char reason[512], advice[256];

    struct explain_row *rows; /* by list, then in file order */
    unsigned row_count;
    struct explain_allow *allow; /* in the site's order */
    unsigned allow_count;
};

/* NULL: out of memory. */
struct explanation *explanation_create(const struct policy *policy, const struct site *site,
                                       const struct explain_question *question);
void explanation_destroy(struct explanation *explanation);

#endif
