/* SPDX-License-Identifier: BSD-2-Clause
 *
 * capture.h - packets from capture files, some frames at a time.
 *
 * capture_open_files() takes files, folders and "-", looks at each input once (format, link type, first
 * record), orders them by their first packet's time and returns a struct capture. capture_next() then hands
 * out frames until CAPTURE_END; an input that ends badly is one CAPTURE_PROBLEM, and reading goes on with the
 * next one. capture_rewind() starts the same list again. pcap (its rarer kinds by libpcap) and pcapng are
 * read; gzip and zstd are unpacked on the way. What a file is, its first bytes tell, never its name.
 *
 * A capture belongs to one thread. Everything it returns lives until capture_close(), a frame's bytes until
 * the next capture_next(), or as long as their memory is held (packet.h). Mistakes of the operator (a missing
 * file, a wrong filter) are collected as sentences in a struct capture_errors.
 */
#ifndef ROLECALL_CAPTURE_H
#define ROLECALL_CAPTURE_H

#include "rolecall/packet.h"

struct capture;

enum { CAPTURE_TEXT_SIZE = 512, CAPTURE_ERRORS_MAX = 16 };

struct capture_errors {
    size_t count;  /* all mistakes; only the first CAPTURE_ERRORS_MAX have their text kept */
    bool is_usage; /* the call itself was wrong: the filter, a stream beside other inputs */
    char text[CAPTURE_ERRORS_MAX][CAPTURE_TEXT_SIZE];
};

struct capture_options {
    const char *const
        *paths; /* files, folders (the regular files directly inside, hidden ones skipped), or "-" */
    size_t path_count;
    const char *filter; /* a BPF expression, or NULL */
    bool may_hold;      /* frames may be held (packet.h); who holds them lets go before capture_close() */
    bool (*reads_linktype)(int number); /* who reads the frames; NULL: every link type is welcome */
};

/* What capture_next() says instead of a number of frames. */
enum {
    CAPTURE_END = 0,
    CAPTURE_PROBLEM = -1 /* an input ended badly: capture_problem() says how; call again for the next input */
};

enum capture_input_state {
    CAPTURE_WAITING, /* not its turn yet */
    CAPTURE_READING,
    CAPTURE_READ,   /* to its proper end */
    CAPTURE_CUT,    /* it ended in the middle of a record */
    CAPTURE_DAMAGED /* unreadable from some point on, or from the start */
};

/* pcap's file header, a record header and up to 256 bytes of the first packet. */
enum { CAPTURE_SIGNATURE_MAX = 24 + 16 + 256 };

struct capture_input {
    const char *name; /* as given, or folder/file; "-" for standard input */
    enum capture_input_state state;
    int linktype; /* DLT number, of pcapng the first packet's; -1 when the file could not be opened as a
                     capture */
    const char *linktype_name; /* libpcap's, "EN10MB"; "" when it has none */
    uint64_t size;             /* bytes of the file as stored; 0 for a stream */
    uint64_t packets, bytes;   /* delivered since the start or the last rewind; bytes on the wire */
    uint64_t filtered;         /* read, and left out by the filter */
    int64_t first_ns, last_ns; /* of the packets delivered; 0 while there are none */
    /* What names this input's content whatever it was packed with: the unpacked file header and first record,
     * shortened. */
    uint8_t signature[CAPTURE_SIGNATURE_MAX];
    size_t signature_size;
};

/*
 * Opens all inputs. An input that cannot be read is an entry in *errors and is left out, or is read as far as
 * it goes; the capture is made from the rest. NULL: nothing at all can be read, or the filter is wrong, or
 * standard input (or another stream) was mixed with other inputs.
 */
struct capture *capture_open_files(const struct capture_options *options, struct capture_errors *errors);
void capture_close(struct capture *capture);

/*
 * The next frames, at most `max` of them, and how many; or one of the above. There is one at least, and none
 * is waited for where there is one. Times are never negative and at most 2^62 - 1 ns, so that the difference
 * of two fits an int64_t. A file's own order is kept, even where its times go back.
 */
int capture_next(struct capture *capture, struct frame frames[], unsigned max);

/* The last CAPTURE_PROBLEM as a sentence: "a.pcap: cut after packet 17". */
const char *capture_problem(const struct capture *capture);

/* Starts again with the first input. False for a stream, which can be read once only: nothing changes then.
 */
bool capture_rewind(struct capture *capture);
bool capture_can_rewind(const struct capture *capture);

/* Inputs in reading order; frame.interface is the index. Those that could not be opened are not among them.
 */
size_t capture_input_count(const struct capture *capture);
const struct capture_input *capture_input(const struct capture *capture, size_t index);

/* Bytes of all inputs as stored (compressed), and how many of them have been read: a progress bar. 0: a
 * stream. */
uint64_t capture_size(const struct capture *capture);
uint64_t capture_position(const struct capture *capture);

/* libpcap's version text, for `version`. */
const char *capture_library_version(void);

#endif
