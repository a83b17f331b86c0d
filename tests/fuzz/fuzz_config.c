/* SPDX-License-Identifier: BSD-2-Clause
 *
 * fuzz_config.c - any bytes as the daemon's configuration. One that is accepted keeps to every bound that its
 * readers rely on.
 */
#include <netinet/in.h>
#include <string.h>

#include "fuzz.h"
#include "rolecall/config.h"

static void check_path(const char *path)
{
    CHECK(!path || *path == '/');
}

static void check_output(const struct sink_options *output)
{
    bool syslog = output->kind == SINK_SYSLOG_TCP || output->kind == SINK_SYSLOG_TLS;
    CHECK(output->name && strlen(output->name) <= 32);
    CHECK((unsigned)output->kind < SINK_KIND_COUNT && (unsigned)output->format < SINK_FORMAT_COUNT);
    CHECK(output->datasets < 1u << DATASET_COUNT && output->min_severity <= 100 && output->facility <= 23);
    CHECK(output->queue_size >= SINK_QUEUE_MIN);
    CHECK(!syslog == !output->host && !syslog == !output->port);
    CHECK((output->kind == SINK_FILE || output->kind == SINK_UNIX) == (output->path != NULL));
    CHECK((output->kind == SINK_KAFKA) == (output->topic && output->brokers));
    CHECK(!output->key_file == !output->cert_file);
    check_path(output->path);
    check_path(output->ca_file);
    check_path(output->cert_file);
    check_path(output->key_file);
}

static void check_config(const struct config *config)
{
    CHECK(config->capture.interface_count <= CONFIG_INTERFACES_MAX &&
          config->matrix_count <= CONFIG_MATRICES_MAX);
    CHECK(config->output_count >= 1 && config->output_count <= CONFIG_OUTPUTS_MAX);
    CHECK(config->capture.workers >= 1 && config->capture.workers <= CONFIG_WORKERS_MAX);
    CHECK(config->capture.ring_mib >= 1 && config->flows.max >= 1024);
    for (unsigned i = 0; i < config->capture.interface_count; i++)
        CHECK(*config->capture.interfaces[i] &&
              strlen(config->capture.interfaces[i]) <= CONFIG_INTERFACE_NAME_MAX);
    for (unsigned i = 0; i < config->output_count; i++)
        check_output(&config->outputs[i]);
    check_path(config->site);
    check_path(config->rules);
    check_path(config->control);
    check_path(config->metrics.file);
    struct sockaddr_storage address;
    unsigned size;
    CHECK(!config->metrics.listen || config_listen_address(config->metrics.listen, &address, &size));
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size)
{
    struct mistakes mistakes = {0};
    struct bytes text = bytes_of(input, size), copy = fuzz_copy(&text, size);
    struct config *config = config_from_text("fuzz", (const char *)copy.at, copy.left, &mistakes);
    CHECK(!config == (mistakes.count > 0));
    if (config)
        check_config(config);
    config_free(config);
    mistakes_clear(&mistakes);
    fuzz_free(copy);
    return 0;
}
