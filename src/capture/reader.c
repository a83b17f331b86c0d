/* SPDX-License-Identifier: BSD-2-Clause
 *
 * reader.c - one pcap or pcapng file through libpcap. Called by file.c. Turns libpcap's errors into sentences
 * for the operator, and its times into nanoseconds that can be subtracted without overflow. The file formats
 * themselves are left to libpcap (pcap-savefile(5), the pcapng draft); only what names the input's content is
 * taken from the bytes beside it.
 */
#include "reader.h"
#include "unpack.h"

#include <errno.h>
#include <fcntl.h>
#include <pcap.h>
#include <stdlib.h>
#include <unistd.h>

struct reader {
    const char *path;
    struct unpack *unpack;
    pcap_t *pcap;
    bool has_filter;
    bool is_pcapng;
    struct bpf_program filter;
    uint64_t records; /* read, those that the filter held back too */
    int result;       /* pcap_next_ex()'s, with the record it returned */
    struct pcap_pkthdr *header;
    const u_char *data;
    bool is_held; /* this record was looked at and is still to be read */
};

static const int64_t second_ns = 1000000000;
static const int64_t latest_ns = (INT64_C(1) << 62) - 1;

static const uint8_t pcapng_magic[] = {0x0a, 0x0d, 0x0d, 0x0a};

/* Could these be the first bytes of a capture file? pcap-savefile(5) and its nanosecond and "modified"
 * variants, written by machines of either byte order; pcapng. */
static bool is_capture_magic(const struct bytes *head)
{
    static const uint8_t magics[][4] = {
        {0xa1, 0xb2, 0xc3, 0xd4}, {0xd4, 0xc3, 0xb2, 0xa1}, {0xa1, 0xb2, 0x3c, 0x4d},
        {0x4d, 0x3c, 0xb2, 0xa1}, {0xa1, 0xb2, 0xcd, 0x34}, {0x34, 0xcd, 0xb2, 0xa1},
        {0x0a, 0x0d, 0x0d, 0x0a},
    };
    for (size_t i = 0; i < sizeof(magics) / sizeof(magics[0]); i++)
        if (bytes_may_begin(head, magics[i], 4))
            return true;
    return false;
}

/* What the unpacking met, as the end of a sentence; NULL when nothing. */
static const char *unpack_complaint(const struct unpack *unpack, char text[CAPTURE_TEXT_SIZE])
{
    switch (unpack_state(unpack)) {
    case UNPACK_DAMAGED:
        snprintf(text, CAPTURE_TEXT_SIZE, "its %s data are damaged", unpack_method(unpack));
        return text;
    case UNPACK_FAILED:
        snprintf(text, CAPTURE_TEXT_SIZE, "cannot be read: %s", strerror(unpack_error(unpack)));
        return text;
    default:
        return NULL;
    }
}

/* Why libpcap took no capture from this stream. */
static void explain_refusal(const char *path, const struct unpack *unpack, const char *libpcap_says,
                            char why[CAPTURE_TEXT_SIZE])
{
    char text[CAPTURE_TEXT_SIZE];
    const char *complaint = unpack_complaint(unpack, text);
    struct bytes head = unpack_head(unpack);
    if (complaint)
        snprintf(why, CAPTURE_TEXT_SIZE, "%s: %s", path, complaint);
    else if (head.left == 0 && unpack_state(unpack) == UNPACK_FINE)
        snprintf(why, CAPTURE_TEXT_SIZE, "%s: the file is empty", path);
    else if (!is_capture_magic(&head))
        snprintf(why, CAPTURE_TEXT_SIZE,
                 "%s: not a capture file (neither pcap nor pcapng, plain, gzip or zstd)", path);
    else if (unpack_at_end(unpack))
        snprintf(why, CAPTURE_TEXT_SIZE, "%s: cut inside the file header", path);
    else
        snprintf(why, CAPTURE_TEXT_SIZE, "%s: %s", path, libpcap_says);
}

static enum reader_opened refuse(struct reader *reader, enum reader_opened answer)
{
    reader_close(reader);
    return answer;
}

static int open_descriptor(const char *path)
{
    return strcmp(path, "-") == 0 ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0)
                                  : open(path, O_RDONLY | O_CLOEXEC);
}

/* Gives the stream to libpcap. False: refused, or no memory. */
static bool open_pcap(struct reader *reader, char why[CAPTURE_TEXT_SIZE])
{
    FILE *stream = unpack_stream(reader->unpack);
    if (!stream) {
        snprintf(why, CAPTURE_TEXT_SIZE, "%s: %s", reader->path, strerror(ENOMEM));
        return false;
    }
    char error[PCAP_ERRBUF_SIZE] = "";
    reader->pcap = pcap_fopen_offline_with_tstamp_precision(stream, PCAP_TSTAMP_PRECISION_NANO, error);
    if (!reader->pcap) {
        fclose(stream);
        explain_refusal(reader->path, reader->unpack, error, why);
        return false;
    }
    struct bytes head = unpack_head(reader->unpack);
    reader->is_pcapng = bytes_begin(&head, pcapng_magic, sizeof(pcapng_magic));
    return true;
}

static bool compile_filter(struct reader *reader, const char *filter, char why[CAPTURE_TEXT_SIZE])
{
    if (pcap_compile(reader->pcap, &reader->filter, filter, 1, PCAP_NETMASK_UNKNOWN) != 0) {
        snprintf(why, CAPTURE_TEXT_SIZE, "filter \"%.200s\": %s (link type of %s: %s)", filter,
                 pcap_geterr(reader->pcap), reader->path, reader_linktype_name(reader));
        return false;
    }
    reader->has_filter = true;
    return true;
}

enum reader_opened reader_open(const char *path, const char *filter, struct reader **out,
                               char why[CAPTURE_TEXT_SIZE])
{
    int descriptor = open_descriptor(path);
    if (descriptor < 0) {
        snprintf(why, CAPTURE_TEXT_SIZE, "%s: %s", path, strerror(errno));
        return READER_REFUSED;
    }
    struct reader *reader = calloc(1, sizeof(*reader));
    struct unpack *unpack = unpack_open(descriptor);
    if (!reader || !unpack) {
        snprintf(why, CAPTURE_TEXT_SIZE, "%s: %s", path, strerror(ENOMEM));
        unpack_close(unpack);
        free(reader);
        return READER_REFUSED;
    }
    reader->path = path;
    reader->unpack = unpack;
    if (!open_pcap(reader, why))
        return refuse(reader, READER_REFUSED);
    if (filter && !compile_filter(reader, filter, why))
        return refuse(reader, READER_BAD_FILTER);
    *out = reader;
    return READER_OPEN;
}

void reader_close(struct reader *reader)
{
    if (!reader)
        return;
    if (reader->has_filter)
        pcap_freecode(&reader->filter);
    if (reader->pcap)
        pcap_close(reader->pcap); /* closes the stream, too */
    unpack_close(reader->unpack);
    free(reader);
}

/* libpcap reads a pcap file's unsigned seconds into a signed number (pcap-savefile(5)); pcapng's may be
 * negative. */
static int64_t record_time(const struct reader *reader, const struct pcap_pkthdr *header)
{
    int64_t seconds = header->ts.tv_sec;
    int64_t ns = header->ts.tv_usec; /* nanoseconds, as asked for */
    if (!reader->is_pcapng)
        seconds = (uint32_t)seconds;
    if (seconds < 0)
        return 0;
    if (seconds > latest_ns / second_ns)
        return latest_ns;
    if (ns < 0)
        ns = 0;
    if (ns >= second_ns)
        ns = second_ns - 1;
    int64_t time_ns = seconds * second_ns + ns;
    return time_ns < latest_ns ? time_ns : latest_ns;
}

static bool read_record(struct reader *reader)
{
    if (!reader->is_held)
        reader->result = pcap_next_ex(reader->pcap, &reader->header, &reader->data);
    reader->is_held = false;
    return reader->result == 1;
}

bool reader_first_time(struct reader *reader, int64_t *time_ns)
{
    bool is_there = read_record(reader);
    reader->is_held = true;
    if (is_there)
        *time_ns = record_time(reader, reader->header);
    return is_there;
}

/* After the last record: the end, or an early one. */
static enum reader_status how_it_ended(const struct reader *reader)
{
    switch (unpack_state(reader->unpack)) {
    case UNPACK_CUT:
        return READER_CUT;
    case UNPACK_DAMAGED:
    case UNPACK_FAILED:
        return READER_DAMAGED;
    default:
        break;
    }
    if (reader->result == PCAP_ERROR_BREAK) /* libpcap's word for the end of a file */
        return READER_END;
    return unpack_at_end(reader->unpack) ? READER_CUT : READER_DAMAGED;
}

enum reader_status reader_next(struct reader *reader, struct frame *frame, uint64_t *filtered)
{
    while (read_record(reader)) {
        const struct pcap_pkthdr *header = reader->header;
        reader->records++;
        if (reader->has_filter && pcap_offline_filter(&reader->filter, header, reader->data) == 0) {
            ++*filtered;
            continue;
        }
        frame->time_ns = record_time(reader, header);
        frame->at = reader->data;
        frame->caplen = header->caplen;
        frame->wirelen = header->len < header->caplen ? header->caplen : header->len;
        frame->linktype = (uint16_t)pcap_datalink(reader->pcap);
        return READER_PACKET;
    }
    return how_it_ended(reader);
}

void reader_problem(const struct reader *reader, char text[CAPTURE_TEXT_SIZE])
{
    char complaint_text[CAPTURE_TEXT_SIZE];
    const char *complaint = unpack_complaint(reader->unpack, complaint_text);
    unsigned long long records = reader->records;
    if (complaint)
        snprintf(text, CAPTURE_TEXT_SIZE, "%s: %.200s after packet %llu", reader->path, complaint, records);
    else if (unpack_at_end(reader->unpack))
        snprintf(text, CAPTURE_TEXT_SIZE, "%s: cut after packet %llu", reader->path, records);
    else
        snprintf(text, CAPTURE_TEXT_SIZE, "%s: cannot be read beyond packet %llu: %s", reader->path, records,
                 pcap_geterr(reader->pcap));
}

int reader_linktype(const struct reader *reader)
{
    return pcap_datalink(reader->pcap);
}

const char *reader_linktype_name(const struct reader *reader)
{
    const char *name = pcap_datalink_val_to_name(pcap_datalink(reader->pcap));
    return name ? name : "";
}

uint64_t reader_position(const struct reader *reader)
{
    return unpack_position(reader->unpack);
}

/* pcap: file header 24, record header 16 with the captured length at 8, data. */
static size_t pcap_signature_size(struct bytes head)
{
    bool is_little = bytes_peek(&head, 0) != 0xa1;
    bytes_skip(&head, 24 + 8);
    size_t caplen = is_little ? bytes_u32le(&head) : bytes_u32(&head);
    size_t size = 24 + 16 + caplen;
    return bytes_ok(&head) && size < CAPTURE_SIGNATURE_MAX ? size : CAPTURE_SIGNATURE_MAX;
}

/* pcapng: blocks of type 4, length 4, ..., up to the first that holds a packet: simple 3, enhanced 6, old 2.
 * The byte order stands at 8 of the section header, as 1a2b3c4d or reversed. */
static size_t pcapng_signature_size(struct bytes head)
{
    bool is_little = bytes_peek(&head, 8) == 0x4d;
    size_t size = 0;
    while (size < CAPTURE_SIGNATURE_MAX) {
        uint32_t type = is_little ? bytes_u32le(&head) : bytes_u32(&head);
        size_t length = is_little ? bytes_u32le(&head) : bytes_u32(&head);
        if (!bytes_ok(&head) || length < 12 || length > CAPTURE_SIGNATURE_MAX - size)
            break;
        bytes_skip(&head, length - 8);
        size += length;
        if (type == 2 || type == 3 || type == 6)
            return size;
    }
    return CAPTURE_SIGNATURE_MAX;
}

size_t reader_signature(const struct reader *reader, uint8_t signature[CAPTURE_SIGNATURE_MAX])
{
    struct bytes head = unpack_head(reader->unpack);
    size_t size = reader->is_pcapng ? pcapng_signature_size(head) : pcap_signature_size(head);
    if (size > head.left)
        size = head.left;
    bytes_copy(&head, signature, size);
    return size;
}

const char *capture_library_version(void)
{
    return pcap_lib_version();
}
