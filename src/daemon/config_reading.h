/* SPDX-License-Identifier: BSD-2-Clause
 *
 * config_reading.h - what the readers of the configuration's parts share (config.c, config_outputs.c).
 */
#ifndef ROLECALL_DAEMON_CONFIG_READING_H
#define ROLECALL_DAEMON_CONFIG_READING_H

#include "rolecall/config.h"

#define KEYS(table) table, sizeof table / sizeof *table

void *config_keep(struct config *config, size_t size); /* zeroed, lives as long */

/* Stores an absolute path, or adds a mistake. */
void config_read_path(const struct json_value *value, const char **out);

bool config_parse_port(const char *text, uint16_t *out); /* "1" to "65535" */

/* The `read` function of `outputs`: target is the struct config. */
void config_read_outputs(const struct json_value *list, void *target, void *context);
/* The output of a configuration that names none: a file. */
void config_default_output(struct config *config);

#endif
