/* SPDX-License-Identifier: BSD-2-Clause
 *
 * fuzz_control.c - any bytes from a client of the control socket, in the pieces that the first byte tells, to
 * a server that answers at once. The server takes every one, answers only whole requests, and ends the
 * connection in time.
 */
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "fuzz.h"
#include "rolecall/control.h"

static struct control *control;
static unsigned asked;

static void answer(void *context, const struct control_call *call)
{
    (void)context;
    CHECK(call->command < CONTROL_COMMANDS);
    asked++;
    control_answer(control, call, 0, "{}\n", 3);
}

static int connect_to_server(void)
{
    static struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (!control) {
        snprintf(address.sun_path, sizeof address.sun_path, "/tmp/rolecall-fuzz.%d", getpid());
        control = control_open(address.sun_path, answer, NULL);
        CHECK(control);
    }
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
    CHECK(fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof address) == 0);
    return fd;
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size)
{
    static int64_t now_ns = 1;
    struct bytes b = bytes_of(input, size);
    size_t piece = bytes_u8(&b);
    unsigned before = asked;
    char heard[256];
    int fd = connect_to_server();
    control_serve(control, now_ns);
    while (b.left > 0) {
        struct bytes part = fuzz_copy(&b, piece ? piece : 1);
        ssize_t unused = send(fd, part.at, part.left, MSG_NOSIGNAL);
        (void)unused;
        control_serve(control, now_ns);
        fuzz_free(part);
    }
    now_ns += (CONTROL_CLIENT_S + 1) * INT64_C(1000000000);
    control_serve(control, now_ns);
    ssize_t n = recv(fd, heard, sizeof heard, 0);
    if (asked > before)
        CHECK(asked == before + 1 && n == 23 && memcmp(heard, "{\"exit\":0,\"size\":3}\n{}\n", 23) == 0);
    else
        CHECK(n <= 0 || memcmp(heard, "{\"exit\":2,", 10) == 0);
    close(fd);
    return 0;
}
