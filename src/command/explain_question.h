/* SPDX-License-Identifier: BSD-2-Clause
 *
 * explain_question.h - what `explain` is asked: a flow in words, or an event. Private to src/command.
 */
#ifndef ROLECALL_COMMAND_EXPLAIN_QUESTION_H
#define ROLECALL_COMMAND_EXPLAIN_QUESTION_H

#include "rolecall/explain.h"
#include "rolecall/mistakes.h"

enum { QUESTION_ERROR_SIZE = 200, TOLD_TEXT_SIZE = 600 };

/* "tcp 10.0.0.5 -> 10.0.0.9:5061 [tls]": answered, seen from its beginning, mutual TLS only where it says
 * "mtls". False: `error` tells what was found and what was expected. */
bool question_from_text(const char *text, int64_t now_ns, struct explain_question *out,
                        char error[QUESTION_ERROR_SIZE]);

/* What the event itself said of its flow; empty texts where it did not. */
struct question_told {
    char status[32], reason[TOLD_TEXT_SIZE];
};

/* One flow, alert or ipsec event as analyze writes it. False: mistakes were added. */
bool question_from_event(const char *text, size_t size, struct explain_question *out,
                         struct question_told *told, struct mistakes *mistakes);

#endif
