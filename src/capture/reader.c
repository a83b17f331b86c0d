/* SPDX-License-Identifier: BSD-2-Clause
 *
 * reader.c - one pcap file through pcap_file.c or, where it is of a rarer kind, libpcap; or one pcapng file
 * through pcapng.c. Called by file.c. Turns errors into sentences for the operator, and times into
 * nanoseconds that can be subtracted without overflow. Filters are libpcap's (pcap-filter(7)), compiled for
 * each link type that a file has. What names the input's content is taken from the bytes beside it.
 */
#include "pcap_file.h"
#include "pcapng.h"
#include "reader.h"
#include "unpack.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pcap.h>
#include <stdlib.h>
#include <unistd.h>

enum { LINKTYPES_MAX = 32, FILTER_SNAPLEN = 262144 };

/* The filter for one link type. */
struct filter {
    int linktype;
    bool is_possible; /* "ether host" is not, where there is no Ethernet: no packet passes then */
    struct bpf_program program;
};

struct reader {
    const char *path;
    struct unpack *unpack;
    struct blocks *blocks;
    bool is_ordinary;       /* read by pcap_file.c */
    struct pcap_file file;  /* likewise */
    pcap_t *pcap;           /* a pcap file that is not; closes the stream, too */
    FILE *stream;           /* a pcapng file */
    struct pcapng *pcapng;  /* likewise */
    const char *expression; /* of the filter; NULL: none */
    struct filter filters[LINKTYPES_MAX];
    size_t filter_count;
    int linktype;              /* of the first packet, or the first interface where there is none */
    uint64_t records;          /* read, those that the filter held back too */
    enum reader_status status; /* of the last try to read one */
    bool is_held;              /* a record was looked at and is still to be read: */
    struct frame held;         /* this one, where the status says so */
};

static const int64_t second_ns = 1000000000;
static const int64_t latest_ns = (INT64_C(1) << 62) - 1;

enum { PCAPNG_FIRST_BYTE = 0x0a }; /* of the section header's type; no pcap file begins with it */

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

/* Why no capture can be read from this stream. */
static void explain_refusal(const char *path, const struct unpack *unpack, const char *format_says,
                            char why[CAPTURE_TEXT_SIZE])
{
    char text[CAPTURE_TEXT_SIZE];
    const char *complaint = unpack_complaint(unpack, text);
    struct bytes head = unpack_head(unpack);
    if (complaint)
        snprintf(why, CAPTURE_TEXT_SIZE, "%.300s: %.200s", path, complaint);
    else if (head.left == 0 && unpack_state(unpack) == UNPACK_FINE)
        snprintf(why, CAPTURE_TEXT_SIZE, "%s: the file is empty", path);
    else if (!is_capture_magic(&head))
        snprintf(why, CAPTURE_TEXT_SIZE,
                 "%s: not a capture file (neither pcap nor pcapng, plain, gzip or zstd)", path);
    else if (unpack_at_end(unpack))
        snprintf(why, CAPTURE_TEXT_SIZE, "%s: cut inside the file header", path);
    else
        snprintf(why, CAPTURE_TEXT_SIZE, "%s: %s", path, format_says);
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

static unsigned read_records(struct reader *reader, struct frame frames[], unsigned max);

static bool open_pcap(struct reader *reader, FILE *stream, char why[CAPTURE_TEXT_SIZE])
{
    char error[PCAP_ERRBUF_SIZE] = "";
    reader->pcap = pcap_fopen_offline_with_tstamp_precision(stream, PCAP_TSTAMP_PRECISION_NANO, error);
    if (!reader->pcap) {
        fclose(stream);
        explain_refusal(reader->path, reader->unpack, error, why);
        return false;
    }
    reader->linktype = pcap_datalink(reader->pcap);
    return true;
}

/* LINKTYPE_ numbers of files are DLT_ numbers but for a few old ones, which libpcap turns into this system's
 * own. */
static int dlt_of(uint16_t linktype)
{
    switch (linktype) {
    case 100:
        return DLT_ATM_RFC1483;
    case 101:
        return DLT_RAW;
    case 102:
        return DLT_SLIP_BSDOS;
    case 103:
        return DLT_PPP_BSDOS;
    case 106:
        return DLT_ATM_CLIP;
    default:
        return linktype;
    }
}

/* Reads up to the first packet, whose link type is the file's. */
static bool open_pcapng(struct reader *reader, FILE *stream, char why[CAPTURE_TEXT_SIZE])
{
    reader->stream = stream;
    reader->pcapng = pcapng_create(stream);
    if (!reader->pcapng) {
        snprintf(why, CAPTURE_TEXT_SIZE, "%s: %s", reader->path, strerror(ENOMEM));
        return false;
    }
    uint16_t linktype;
    if (pcapng_begin(reader->pcapng, &linktype) != PCAPNG_PACKET) {
        explain_refusal(reader->path, reader->unpack, pcapng_complaint(reader->pcapng), why);
        return false;
    }
    reader->linktype = dlt_of(linktype);
    if (read_records(reader, &reader->held, 1))
        reader->linktype = reader->held.linktype;
    reader->is_held = true;
    return true;
}

static bool is_ordinary_pcap(struct reader *reader)
{
    uint8_t header[PCAP_FILE_HEADER_SIZE];
    size_t size = 0, more = 1;
    for (; size < sizeof(header) && more > 0; size += more)
        more = unpack_read(reader->unpack, header + size, sizeof(header) - size);
    return pcap_file_begin(&reader->file, bytes_of(header, size));
}

/* False: refused, or no memory. */
static bool open_stream(struct reader *reader, char why[CAPTURE_TEXT_SIZE])
{
    reader->is_ordinary = is_ordinary_pcap(reader);
    if (reader->is_ordinary) {
        reader->linktype = DLT_EN10MB;
        return true;
    }
    unpack_again(reader->unpack);
    FILE *stream = unpack_stream(reader->unpack);
    if (!stream) {
        snprintf(why, CAPTURE_TEXT_SIZE, "%s: %s", reader->path, strerror(ENOMEM));
        return false;
    }
    int first = getc(stream);
    ungetc(first, stream);
    return first == PCAPNG_FIRST_BYTE ? open_pcapng(reader, stream, why) : open_pcap(reader, stream, why);
}

/* The filter for this link type, compiled when the first packet of it comes. NULL: too many link types. */
static struct filter *filter_for(struct reader *reader, int linktype, char error[CAPTURE_TEXT_SIZE])
{
    for (size_t i = 0; i < reader->filter_count; i++)
        if (reader->filters[i].linktype == linktype)
            return &reader->filters[i];
    if (reader->filter_count == LINKTYPES_MAX)
        return NULL;
    struct filter *filter = &reader->filters[reader->filter_count++];
    filter->linktype = linktype;
    pcap_t *compiler = pcap_open_dead(linktype, FILTER_SNAPLEN);
    filter->is_possible = compiler && pcap_compile(compiler, &filter->program, reader->expression, 1,
                                                   PCAP_NETMASK_UNKNOWN) == 0;
    if (!filter->is_possible)
        snprintf(error, CAPTURE_TEXT_SIZE, "%s", compiler ? pcap_geterr(compiler) : strerror(ENOMEM));
    if (compiler)
        pcap_close(compiler);
    return filter;
}

/* Tells a wrong filter at once, as far as the file's link type can. */
static bool compile_filter(struct reader *reader, char why[CAPTURE_TEXT_SIZE])
{
    char error[CAPTURE_TEXT_SIZE] = "";
    if (filter_for(reader, reader->linktype, error)->is_possible)
        return true;
    snprintf(why, CAPTURE_TEXT_SIZE, "filter \"%.200s\": %.200s (link type of %s: %s)", reader->expression,
             error, reader->path, reader_linktype_name(reader));
    return false;
}

static bool passes(struct reader *reader, const struct frame *frame)
{
    char error[CAPTURE_TEXT_SIZE];
    struct filter *filter = filter_for(reader, frame->linktype, error);
    struct pcap_pkthdr header = {.caplen = frame->caplen, .len = frame->wirelen};
    return filter && filter->is_possible && pcap_offline_filter(&filter->program, &header, frame->at) != 0;
}

enum reader_opened reader_open(const char *path, const char *filter, struct blocks *blocks,
                               struct reader **out, char why[CAPTURE_TEXT_SIZE])
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
    reader->blocks = blocks;
    blocks_restart(blocks);
    reader->expression = filter;
    if (!open_stream(reader, why))
        return refuse(reader, READER_REFUSED);
    if (filter && !compile_filter(reader, why))
        return refuse(reader, READER_BAD_FILTER);
    *out = reader;
    return READER_OPEN;
}

void reader_close(struct reader *reader)
{
    if (!reader)
        return;
    for (size_t i = 0; i < reader->filter_count; i++)
        if (reader->filters[i].is_possible)
            pcap_freecode(&reader->filters[i].program);
    if (reader->pcap)
        pcap_close(reader->pcap);
    pcapng_destroy(reader->pcapng);
    if (reader->stream)
        fclose(reader->stream);
    unpack_close(reader->unpack);
    free(reader);
}

static int64_t time_of(int64_t seconds, int64_t ns)
{
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

static enum reader_status read_ordinary(struct reader *reader, struct frame frames[], unsigned max,
                                        unsigned *count)
{
    switch (pcap_file_next(&reader->file, reader->blocks, reader->unpack, frames, max, count)) {
    case PCAP_FILE_RECORD:
        return READER_PACKET;
    case PCAP_FILE_CUT:
        return READER_CUT;
    case PCAP_FILE_DAMAGED:
        return READER_DAMAGED;
    default:
        return READER_END;
    }
}

static uint32_t at_least(uint32_t wirelen, uint32_t caplen)
{
    return wirelen < caplen ? caplen : wirelen;
}

/* libpcap reads a pcap file's unsigned seconds into a signed number (pcap-savefile(5)). */
static enum reader_status read_by_libpcap(struct reader *reader, struct frame *frame)
{
    struct pcap_pkthdr *header;
    const u_char *data;
    int result = pcap_next_ex(reader->pcap, &header, &data);
    if (result == PCAP_ERROR_BREAK) /* libpcap's word for the end of a file */
        return READER_END;
    if (result != 1)
        return unpack_at_end(reader->unpack) ? READER_CUT : READER_DAMAGED;
    *frame = (struct frame){
        .time_ns = time_of((uint32_t)header->ts.tv_sec, header->ts.tv_usec), /* nanoseconds, as asked for */
        .caplen = header->caplen,
        .wirelen = at_least(header->len, header->caplen),
        .linktype = (uint16_t)reader->linktype,
        .at = data,
    };
    return READER_PACKET;
}

static enum reader_status read_pcapng(struct reader *reader, struct frame *frame)
{
    struct pcapng_packet packet;
    switch (pcapng_next(reader->pcapng, &packet)) {
    case PCAPNG_END:
        return READER_END;
    case PCAPNG_CUT:
        return READER_CUT;
    case PCAPNG_DAMAGED:
        return READER_DAMAGED;
    case PCAPNG_PACKET:
        break;
    }
    *frame = (struct frame){
        .time_ns = time_of(packet.seconds, packet.nanoseconds),
        .caplen = packet.caplen,
        .wirelen = at_least(packet.wirelen, packet.caplen),
        .linktype = (uint16_t)dlt_of(packet.linktype),
        .at = packet.at,
    };
    return READER_PACKET;
}

/* How the file ended: packed data that end early look like a file that ends. */
static enum reader_status how_it_ended(const struct reader *reader, enum reader_status format_says)
{
    switch (unpack_state(reader->unpack)) {
    case UNPACK_CUT:
        return READER_CUT;
    case UNPACK_DAMAGED:
    case UNPACK_FAILED:
        return READER_DAMAGED;
    default:
        return format_says;
    }
}

/* The next records, one at least; 0: there are none, and the status says why. */
static unsigned read_records(struct reader *reader, struct frame frames[], unsigned max)
{
    unsigned count = 1;
    if (reader->is_held) {
        reader->is_held = false;
        frames[0] = reader->held;
        return reader->status == READER_PACKET;
    }
    reader->status = reader->is_ordinary ? read_ordinary(reader, frames, max, &count)
                     : reader->pcapng    ? read_pcapng(reader, frames)
                                         : read_by_libpcap(reader, frames);
    if (reader->status == READER_PACKET)
        return count;
    reader->status = how_it_ended(reader, reader->status);
    return 0;
}

bool reader_first_time(struct reader *reader, int64_t *time_ns)
{
    bool is_there = read_records(reader, &reader->held, 1);
    reader->is_held = true;
    if (is_there)
        *time_ns = reader->held.time_ns;
    return is_there;
}

static unsigned filter_frames(struct reader *reader, struct frame frames[], unsigned count)
{
    unsigned kept = 0;
    for (unsigned i = 0; i < count; i++)
        if (passes(reader, &frames[i]))
            frames[kept++] = frames[i];
    return kept;
}

enum reader_status reader_next(struct reader *reader, struct frame frames[], unsigned max, unsigned *count,
                               uint64_t *filtered)
{
    for (unsigned read; (read = read_records(reader, frames, max));) {
        reader->records += read;
        *count = reader->expression ? filter_frames(reader, frames, read) : read;
        *filtered += read - *count;
        if (*count)
            return READER_PACKET;
    }
    return reader->status;
}

/* What the format's reader says of damage. */
static const char *format_complaint(const struct reader *reader, char text[CAPTURE_TEXT_SIZE])
{
    if (!reader->is_ordinary)
        return reader->pcapng ? pcapng_complaint(reader->pcapng) : pcap_geterr(reader->pcap);
    snprintf(text, CAPTURE_TEXT_SIZE, "a record of %" PRIu32 " captured bytes, more than a frame can have",
             reader->file.refused);
    return text;
}

void reader_problem(const struct reader *reader, char text[CAPTURE_TEXT_SIZE])
{
    char complaint_text[CAPTURE_TEXT_SIZE];
    const char *complaint = unpack_complaint(reader->unpack, complaint_text);
    unsigned long long records = reader->records;
    if (complaint)
        snprintf(text, CAPTURE_TEXT_SIZE, "%s: %.200s after packet %llu", reader->path, complaint, records);
    else if (reader->status == READER_CUT)
        snprintf(text, CAPTURE_TEXT_SIZE, "%s: cut after packet %llu", reader->path, records);
    else
        snprintf(text, CAPTURE_TEXT_SIZE, "%s: cannot be read beyond packet %llu: %.200s", reader->path,
                 records, format_complaint(reader, complaint_text));
}

int reader_linktype(const struct reader *reader)
{
    return reader->linktype;
}

const char *reader_linktype_name(const struct reader *reader)
{
    const char *name = pcap_datalink_val_to_name(reader->linktype);
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
    size_t size = reader->pcapng ? pcapng_signature_size(head) : pcap_signature_size(head);
    if (size > head.left)
        size = head.left;
    bytes_copy(&head, signature, size);
    return size;
}

const char *capture_library_version(void)
{
    return pcap_lib_version();
}
