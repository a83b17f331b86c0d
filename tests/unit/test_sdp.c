/* SPDX-License-Identifier: BSD-2-Clause
 *
 * test_sdp.c - media end points of session descriptions: default ones, RTCP, and candidates of both kinds.
 */
#include <stdio.h>

#include "proto/line.h"
#include "proto/sdp.h"
#include "unity.h"

static struct proto_reply reply;

void setUp(void)
{
    memset(&reply, 0, sizeof reply);
}

void tearDown(void)
{
}

static void read_sdp(const char *description)
{
    struct sdp sdp = {0};
    struct bytes text = bytes_of(description, strlen(description)), line;
    while (line_next(&text, true, &line))
        sdp_line(&sdp, line, &reply);
    sdp_end(&sdp, &reply);
    static const struct sdp zero;
    TEST_ASSERT_EQUAL_UINT(zero.in_media, sdp.in_media);
    TEST_ASSERT_FALSE(sdp.has_session_addr);
}

/* "udp audio srtp 192.0.2.1:50018" */
static void assert_learned(unsigned number, const char *expected)
{
    static const char *const modalities[] = {"-", "audio", "video", "sharing"};
    char got[128], addr[ADDR_TEXT_SIZE];
    TEST_ASSERT_TRUE(number < reply.learned_count);
    const struct proto_learned *l = &reply.learned[number];
    TEST_ASSERT_EQUAL_UINT(LEARNED_MEDIA, l->kind);
    snprintf(got, sizeof got, "%s %s %s %s:%u", l->transport == OVER_TCP ? "tcp" : "udp",
             modalities[l->modality], l->srtp ? "srtp" : "rtp",
             l->has_addr ? addr_text(&l->addr, addr) : "speaker", l->port);
    TEST_ASSERT_EQUAL_STRING(expected, got);
}

static void test_address_of_the_session_and_rtcp_one_above(void)
{
    read_sdp("v=0\r\nc=IN IP4 192.0.2.1\r\nm=audio 50018 RTP/AVP 0 8\r\na=rtpmap:0 PCMU/8000\r\n");
    TEST_ASSERT_EQUAL_UINT(2, reply.learned_count);
    assert_learned(0, "udp audio rtp 192.0.2.1:50018");
    assert_learned(1, "udp audio rtp 192.0.2.1:50019");
}

static void test_address_of_a_medium_wins_for_that_one_alone(void)
{
    read_sdp("v=0\nc=IN IP4 192.0.2.1\nm=audio 50018 RTP/SAVP 0\nc=IN IP6 2001:db8::5\na=rtcp-mux\n"
             "m=video 50020/2 RTP/SAVPF 121\na=rtcp-mux\n");
    TEST_ASSERT_EQUAL_UINT(2, reply.learned_count);
    assert_learned(0, "udp audio srtp 2001:db8::5:50018");
    assert_learned(1, "udp video srtp 192.0.2.1:50020");
}

static void test_rtcp_says_its_own_port_and_address(void)
{
    read_sdp("v=0\nc=IN IP4 192.0.2.1\nm=audio 50018 RTP/AVP 0\na=rtcp:53020\n"
             "m=video 50030 RTP/AVP 34\na=rtcp:53030 IN IP4 192.0.2.9\n");
    TEST_ASSERT_EQUAL_UINT(4, reply.learned_count);
    assert_learned(0, "udp audio rtp 192.0.2.1:53020");
    assert_learned(1, "udp audio rtp 192.0.2.1:50018");
    assert_learned(2, "udp video rtp 192.0.2.9:53030");
    assert_learned(3, "udp video rtp 192.0.2.1:50030");
}

static void test_without_address_it_is_the_speakers(void)
{
    read_sdp("v=0\nm=applicationsharing 50040 TCP/RTP/SAVP 127\n");
    TEST_ASSERT_EQUAL_UINT(1, reply.learned_count);
    assert_learned(0, "tcp sharing srtp speaker:50040");
}

static void test_ice_candidates(void)
{
    read_sdp("v=0\nm=audio 9 RTP/SAVP 114\nc=IN IP4 0.0.0.0\na=rtcp-mux\n"
             "a=candidate:1 1 UDP 2130706431 192.0.2.1 50018 typ host \n"
             "a=candidate:1 2 udp 2130705918 192.0.2.1 50019 typ host\n"
             "a=x-candidate-ipv6:2 1 UDP 33553407 2001:db8::1 50020 typ host\n"
             "a=candidate:4 1 TCP-PASS 6556159 203.0.113.12 57000 typ relay raddr 203.0.113.50 rport 5000\n"
             "a=candidate:5 1 TCP-ACT 7076863 203.0.113.12 57001 typ relay raddr 203.0.113.50 rport 5000\n"
             "a=candidate:6 1 TCP 7076863 192.0.2.1 9 typ host tcptype active\n");
    TEST_ASSERT_EQUAL_UINT(5, reply.learned_count);
    assert_learned(0, "udp audio srtp 192.0.2.1:50018");
    assert_learned(1, "udp audio srtp 192.0.2.1:50019");
    assert_learned(2, "udp audio srtp 2001:db8::1:50020");
    assert_learned(3, "tcp audio srtp 203.0.113.12:57000");
    assert_learned(4, "tcp audio srtp 203.0.113.12:57001");
}

static void test_candidates_of_the_older_form(void)
{
    read_sdp("v=0\nm=video 0 RTP/AVP 121\n"
             "a=candidate:ZyM4pA+/q2/x3sPA== 1 nC0y/w1Qz8mA== UDP 0.830 192.0.2.1 50018\n"
             "a=candidate:ZyM4pA+/q2/x3sPA== 2 nC0y/w1Qz8mA== TCP 0.150 203.0.113.12 57002\n");
    TEST_ASSERT_EQUAL_UINT(2, reply.learned_count);
    assert_learned(0, "udp video rtp 192.0.2.1:50018");
    assert_learned(1, "tcp video rtp 203.0.113.12:57002");
}

static void test_what_is_no_end_point_is_not_learned(void)
{
    read_sdp("v=0\nc=IN IP4 0.0.0.0\nm=audio 50018 RTP/AVP 0\n"); /* on hold */
    read_sdp("v=0\nc=IN IP4 192.0.2.1\nm=audio 0 RTP/AVP 0\n");   /* refused */
    read_sdp(
        "v=0\nc=IN IP4 192.0.2.1\nm=image 50018 udptl t38\na=candidate:1 1 UDP 1 192.0.2.1 50020 typ host\n");
    read_sdp("v=0\nc=IN IP4 192.0.2.1\nm=audio 70000 RTP/AVP 0\n");
    read_sdp("v=0\na=candidate:1 1 UDP 1 192.0.2.1 50020 typ host\n"); /* of no medium */
    read_sdp("v=0\nm=audio 0 RTP/AVP 0\na=candidate:1 1 SCTP 1 192.0.2.1 50020 typ host\n"
             "a=candidate:1 1 UDP 1 host.example 50020 typ host\na=candidate:1 1 UDP 1 192.0.2.1 0 typ host\n"
             "a=candidate:1 1 UDP 1 192.0.2.1\na=candidate\na=\nx\n\n");
    TEST_ASSERT_EQUAL_UINT(0, reply.learned_count);
}

static void test_an_address_behind_a_refused_medium_is_not_the_sessions(void)
{
    read_sdp(
        "v=0\nc=IN IP4 192.0.2.1\nm=image 50018 udptl t38\nc=IN IP4 192.0.2.66\nm=audio 50020 RTP/AVP 0\n"
        "a=rtcp-mux\n");
    TEST_ASSERT_EQUAL_UINT(1, reply.learned_count);
    assert_learned(0, "udp audio rtp 192.0.2.1:50020");
}

static void test_two_descriptions_of_a_multipart_body_tell_each_end_point_once(void)
{
    read_sdp(
        "--boundary\nContent-Type: application/sdp\n\nv=0\nc=IN IP4 192.0.2.1\nm=audio 50018 RTP/SAVP 114\n"
        "a=rtcp-mux\n--boundary\nContent-Type: application/sdp\n\nv=0\nm=audio 50018 RTP/SAVP 114\n"
        "c=IN IP4 192.0.2.1\na=rtcp-mux\n--boundary--\n");
    TEST_ASSERT_EQUAL_UINT(1, reply.learned_count);
}

static void test_no_more_than_a_reply_holds(void)
{
    char description[4096] = "v=0\nm=audio 0 RTP/AVP 0\n";
    for (unsigned i = 0; i < PROTO_LEARNED_MAX + 4; i++) {
        char line[64];
        snprintf(line, sizeof line, "a=candidate:1 1 UDP 1 192.0.2.1 %u typ host\n", 50000 + i);
        strcat(description, line);
    }
    read_sdp(description);
    TEST_ASSERT_EQUAL_UINT(PROTO_LEARNED_MAX, reply.learned_count);
    TEST_ASSERT_EQUAL_UINT(50000 + PROTO_LEARNED_MAX - 1, reply.learned[PROTO_LEARNED_MAX - 1].port);
}

int main(void)
{
    UNITY_BEGIN();
    RUN_TEST(test_address_of_the_session_and_rtcp_one_above);
    RUN_TEST(test_address_of_a_medium_wins_for_that_one_alone);
    RUN_TEST(test_rtcp_says_its_own_port_and_address);
    RUN_TEST(test_without_address_it_is_the_speakers);
    RUN_TEST(test_ice_candidates);
    RUN_TEST(test_candidates_of_the_older_form);
    RUN_TEST(test_what_is_no_end_point_is_not_learned);
    RUN_TEST(test_an_address_behind_a_refused_medium_is_not_the_sessions);
    RUN_TEST(test_two_descriptions_of_a_multipart_body_tell_each_end_point_once);
    RUN_TEST(test_no_more_than_a_reply_holds);
    return UNITY_END();
}
