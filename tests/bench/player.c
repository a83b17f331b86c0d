/* SPDX-License-Identifier: BSD-2-Clause
 *
 * player.c - sends the frames of a capture into an interface at a steady rate; live.py measures with it.
 *
 *     player FILE INTERFACE RATE COUNT
 *
 * FILE is a plain pcap file of this machine's byte order, and is sent from its beginning, again when it ends,
 * until COUNT frames are out. RATE is in frames a second, 0: as fast as it goes. Its own times are ignored.
 * Prints the frames sent and the seconds that it took. packet(7).
 */
#include <fcntl.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* A turn is what goes into one system call; frames of a turn leave back to back. */
enum { TURN = 32, FILE_HEADER = 24, RECORD_HEADER = 16 };

struct player {
    const uint8_t *file;
    size_t size, at;
    int out;
    uint64_t sent;
};

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void give_up(const char *what)
{
    perror(what);
    exit(2);
}

static void open_file(struct player *player, const char *path)
{
    struct stat about;
    int file = open(path, O_RDONLY);
    if (file < 0 || fstat(file, &about) != 0 || about.st_size <= FILE_HEADER + RECORD_HEADER)
        give_up(path);
    player->size = (size_t)about.st_size;
    player->at = FILE_HEADER;
    player->file = mmap(NULL, player->size, PROT_READ, MAP_SHARED | MAP_POPULATE, file, 0);
    if (player->file == MAP_FAILED)
        give_up(path);
    close(file);
}

/* Past the queueing discipline, straight to the driver, as a mirror port is fed. */
static void open_interface(struct player *player, const char *name)
{
    int on = 1;
    struct sockaddr_ll to = {.sll_family = AF_PACKET, .sll_ifindex = (int)if_nametoindex(name)};
    player->out = socket(AF_PACKET, SOCK_RAW, 0); /* protocol 0: it receives nothing */
    if (player->out < 0 || to.sll_ifindex == 0 || bind(player->out, (struct sockaddr *)&to, sizeof to) != 0 ||
        setsockopt(player->out, SOL_PACKET, PACKET_QDISC_BYPASS, &on, sizeof on) != 0)
        give_up(name);
}

static struct iovec next_frame(struct player *player)
{
    uint32_t caplen;
    if (player->at + RECORD_HEADER > player->size)
        player->at = FILE_HEADER;
    memcpy(&caplen, player->file + player->at + 8, sizeof caplen);
    player->at += RECORD_HEADER;
    if (caplen > player->size - player->at) {
        fprintf(stderr, "player: the file is cut\n");
        exit(2);
    }
    struct iovec frame = {.iov_base = (void *)(uintptr_t)(player->file + player->at), .iov_len = caplen};
    player->at += caplen;
    return frame;
}

static void send_turn(struct player *player, unsigned count)
{
    struct iovec frames[TURN];
    struct mmsghdr messages[TURN];
    memset(messages, 0, sizeof messages);
    for (unsigned i = 0; i < count; i++) {
        frames[i] = next_frame(player);
        messages[i].msg_hdr.msg_iov = &frames[i];
        messages[i].msg_hdr.msg_iovlen = 1;
    }
    for (unsigned done = 0; done < count;) {
        int sent = sendmmsg(player->out, messages + done, count - done, 0);
        if (sent < 0)
            give_up("sendmmsg");
        done += (unsigned)sent;
    }
    player->sent += count;
}

int main(int count, char **arguments)
{
    if (count != 5) {
        fprintf(stderr, "usage: player FILE INTERFACE RATE COUNT\n");
        return 2;
    }
    struct player player = {.sent = 0};
    double rate = strtod(arguments[3], NULL);
    uint64_t wanted = strtoull(arguments[4], NULL, 10);
    open_file(&player, arguments[1]);
    open_interface(&player, arguments[2]);
    double start = now();
    while (player.sent < wanted) {
        while (rate > 0 && (double)player.sent > (now() - start) * rate)
            ; /* a sleep would be too coarse */
        send_turn(&player, wanted - player.sent < TURN ? (unsigned)(wanted - player.sent) : TURN);
    }
    printf("%llu %.6f\n", (unsigned long long)player.sent, now() - start);
    return 0;
}
