/* SPDX-License-Identifier: BSD-2-Clause
 *
 * reload.h - reads rules and site again on a thread of its own, beside those in force. The run loop starts
 * it, hears of its end on a descriptor, and takes the result; packets go on meanwhile.
 */
#ifndef ROLECALL_DAEMON_RELOAD_H
#define ROLECALL_DAEMON_RELOAD_H

#include <pthread.h>

#include "rolecall/config.h"
#include "rolecall/rulebook.h"

struct reload {
    const struct config *config;
    int done; /* an eventfd: readable when the thread is through */
    bool is_running;
    pthread_t thread;
    struct rulebook *book;
    struct mistakes mistakes;
    /* Keys of the configuration's file that are not as they were at the start: a reload leaves them alone. */
    char changed[CONFIG_CHANGED_SIZE];
};

bool reload_init(struct reload *reload, const struct config *config); /* false: errno says why */
bool reload_start(struct reload *reload);                             /* false: there is no thread for it */
/* After `done` became readable. NULL: the mistakes say why; they belong to the caller either way. */
struct rulebook *reload_take(struct reload *reload, struct mistakes *mistakes);
void reload_fini(struct reload *reload); /* waits for the thread */

#endif
