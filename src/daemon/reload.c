/* SPDX-License-Identifier: BSD-2-Clause
 *
 * reload.c - see reload.h. One load at a time; the thread and the run loop hand the result over through the
 * thread's end, so nothing is shared.
 */
#include "reload.h"

#include <fcntl.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <unistd.h>

bool reload_init(struct reload *reload, const struct config *config)
{
    *reload = (struct reload){.config = config, .done = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
    return reload->done >= 0;
}

/* The file is only compared. It may be out of reach by now: the daemon has become another user since. */
static void compare_config(struct reload *reload)
{
    const char *path = reload->config->path;
    int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    *reload->changed = '\0';
    if (fd < 0)
        return;
    close(fd);
    struct config *now = config_load(path, &reload->mistakes);
    if (now)
        config_changed(reload->config, now, reload->changed);
    config_free(now);
}

static void *load(void *argument)
{
    struct reload *reload = argument;
    reload->book = rulebook_load(reload->config, &reload->mistakes);
    compare_config(reload);
    eventfd_write(reload->done, 1);
    return NULL;
}

bool reload_start(struct reload *reload)
{
    reload->is_running = pthread_create(&reload->thread, NULL, load, reload) == 0;
    return reload->is_running;
}

struct rulebook *reload_take(struct reload *reload, struct mistakes *mistakes)
{
    eventfd_t ignored;
    eventfd_read(reload->done, &ignored);
    pthread_join(reload->thread, NULL);
    struct rulebook *book = reload->book;
    *mistakes = reload->mistakes;
    reload->is_running = false;
    reload->book = NULL;
    reload->mistakes = (struct mistakes){0};
    return book;
}

void reload_fini(struct reload *reload)
{
    if (reload->is_running) {
        struct mistakes mistakes;
        rulebook_free(reload_take(reload, &mistakes));
        mistakes_clear(&mistakes);
    }
    if (reload->done >= 0)
        close(reload->done);
}
