/* SPDX-License-Identifier: BSD-2-Clause
 *
 * tls.c - TLS 1.2 or newer over a connected socket, by OpenSSL 3. The server's certificate must be signed by
 * one of the given authorities and hold the expected name or address (RFC 5425 section 5.2, RFC 6125); a
 * certificate of our own is shown where there is one. Used by stream.c.
 */
#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "output.h"

enum { HANDSHAKE_MS = 10000, RECORD_MAX = 16384 /* RFC 8446 section 5.1 */ };

struct tls_config {
    SSL_CTX *context;
    const char *name; /* the options' own */
};

struct tls {
    SSL *ssl;
};

/* Why OpenSSL refused: the first error is where it began, those after it are its callers'. The queue of
 * errors is empty afterwards. */
static const char *tls_reason(const char *otherwise)
{
    unsigned long error = ERR_peek_error();
    const char *reason = error ? ERR_reason_error_string(error) : NULL;
    if (error && ERR_SYSTEM_ERROR(error))
        reason = strerror(ERR_GET_REASON(error));
    ERR_clear_error();
    return reason ? reason : otherwise;
}

static bool load_own(SSL_CTX *context, const struct sink_options *options, struct mistakes *mistakes)
{
    const char *key = options->key_file ? options->key_file : options->cert_file;
    if (!options->cert_file)
        return true;
    if (SSL_CTX_use_certificate_chain_file(context, options->cert_file) != 1) {
        mistakes_add(mistakes, options->cert_file, 0, 0, "", tls_reason("no certificate"),
                     "a PEM file with our certificate and its chain");
        return false;
    }
    if (SSL_CTX_use_PrivateKey_file(context, key, SSL_FILETYPE_PEM) == 1 &&
        SSL_CTX_check_private_key(context) == 1)
        return true;
    mistakes_add(mistakes, key, 0, 0, "", tls_reason("no key"),
                 "a PEM file with the key of our certificate, without a password");
    return false;
}

static bool load_authorities(SSL_CTX *context, const struct sink_options *options, struct mistakes *mistakes)
{
    if (!options->ca_file)
        return SSL_CTX_set_default_verify_paths(context) == 1;
    if (SSL_CTX_load_verify_file(context, options->ca_file) == 1)
        return true;
    mistakes_add(mistakes, options->ca_file, 0, 0, "", tls_reason("no certificates"),
                 "a PEM file with certificates");
    return false;
}

/* A key with a password must not be asked for on the terminal. */
static int no_password(char *buffer, int size, int for_writing, void *context)
{
    (void)buffer, (void)size, (void)for_writing, (void)context;
    return -1;
}

struct tls_config *tls_config_create(const struct sink_options *options, struct mistakes *mistakes)
{
    struct tls_config *config = calloc(1, sizeof *config);
    if (!config)
        return NULL;
    config->name = options->server_name ? options->server_name : options->host;
    config->context = SSL_CTX_new(TLS_client_method());
    if (config->context) {
        SSL_CTX_set_min_proto_version(config->context, TLS1_2_VERSION);
        SSL_CTX_set_verify(config->context, SSL_VERIFY_PEER, NULL);
        SSL_CTX_set_mode(config->context,
                         SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
        SSL_CTX_set_default_passwd_cb(config->context, no_password);
        bool good = load_authorities(config->context, options, mistakes);
        if (load_own(config->context, options, mistakes) && good)
            return config;
    }
    tls_config_free(config);
    return NULL;
}

void tls_config_free(struct tls_config *config)
{
    if (config)
        SSL_CTX_free(config->context);
    free(config);
}

/* The certificate must hold this name or address. Only names are sent ahead (SNI: RFC 6066 section 3). */
static bool expect_name(SSL *ssl, const char *name)
{
    X509_VERIFY_PARAM *expected = SSL_get0_param(ssl);
    if (X509_VERIFY_PARAM_set1_ip_asc(expected, name) == 1)
        return true;
    ERR_clear_error();
    X509_VERIFY_PARAM_set_hostflags(expected, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    return X509_VERIFY_PARAM_set1_host(expected, name, 0) == 1 &&
           SSL_set_tlsext_host_name(ssl, (char *)(uintptr_t)name) == 1;
}

/* What the socket must be ready for; 0: the connection is broken. */
static short wanted_events(int error)
{
    return error == SSL_ERROR_WANT_READ ? POLLIN : error == SSL_ERROR_WANT_WRITE ? POLLOUT : 0;
}

static void tell_trouble(struct output *output, SSL *ssl, int error)
{
    const char *otherwise =
        errno && error == SSL_ERROR_SYSCALL ? strerror(errno) : "the receiver closed the connection";
    long verdict = ssl ? SSL_get_verify_result(ssl) : X509_V_OK;
    if (verdict != X509_V_OK)
        output_trouble(output, "%s: its certificate is refused: %s", output->options.host,
                       X509_verify_cert_error_string(verdict));
    else
        output_trouble(output, "%s: TLS: %s", output->options.host, tls_reason(otherwise));
    ERR_clear_error();
}

static bool shake_hands(SSL *ssl, int fd, struct output *output)
{
    int64_t until = clock_steady_ms() + HANDSHAKE_MS;
    for (;;) {
        ERR_clear_error();
        errno = 0;
        int done = SSL_connect(ssl);
        if (done == 1)
            return true;
        int error = SSL_get_error(ssl, done);
        struct pollfd ready = {.fd = fd, .events = wanted_events(error)};
        if (!ready.events) {
            tell_trouble(output, ssl, error);
            return false;
        }
        poll(&ready, 1, SLICE_MS);
        if (clock_steady_ms() > until || output_must_stop(output)) {
            output_trouble(output, "%s: TLS: no answer to the handshake", output->options.host);
            return false;
        }
    }
}

struct tls *tls_connect(struct tls_config *config, int fd, struct output *output)
{
    struct tls *tls = calloc(1, sizeof *tls);
    if (tls)
        tls->ssl = SSL_new(config->context);
    if (!tls || !tls->ssl || !expect_name(tls->ssl, config->name) || SSL_set_fd(tls->ssl, fd) != 1)
        output_trouble(output, "%s: TLS: %s", output->options.host, tls_reason("too little memory"));
    else if (shake_hands(tls->ssl, fd, output))
        return tls;
    if (tls)
        SSL_free(tls->ssl);
    free(tls);
    return NULL;
}

long tls_send(struct tls *tls, const char *bytes, size_t size, short *events, struct output *output)
{
    ERR_clear_error();
    errno = 0;
    int took = SSL_write(tls->ssl, bytes, (int)(size < RECORD_MAX ? size : RECORD_MAX));
    if (took > 0)
        return took;
    int error = SSL_get_error(tls->ssl, took);
    *events = wanted_events(error);
    if (*events)
        return 0;
    tell_trouble(output, NULL, error);
    return -1;
}

enum stream_life tls_listen(struct tls *tls, struct output *output)
{
    char dropped[4096];
    for (unsigned i = 0; i < 16; i++) {
        ERR_clear_error();
        errno = 0;
        int got = SSL_read(tls->ssl, dropped, sizeof dropped);
        if (got > 0)
            continue;
        int error = SSL_get_error(tls->ssl, got);
        if (wanted_events(error))
            break;
        tell_trouble(output, NULL, error);
        return error == SSL_ERROR_ZERO_RETURN ? STREAM_ENDED : STREAM_BROKEN;
    }
    return STREAM_LIVES;
}

uint64_t tls_carried(struct tls *tls)
{
    return BIO_number_written(SSL_get_wbio(tls->ssl));
}

void tls_free(struct tls *tls)
{
    if (!tls)
        return;
    ERR_clear_error();
    SSL_shutdown(tls->ssl);
    SSL_free(tls->ssl);
    ERR_clear_error();
    free(tls);
}
