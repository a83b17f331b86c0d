/* SPDX-License-Identifier: BSD-2-Clause
 *
 * esp.h - which security associations can be read, within memory fixed at creation. decode.c owns the table;
 * esp.c alone asks it.
 */
#ifndef ROLECALL_DECODE_ESP_H
#define ROLECALL_DECODE_ESP_H

#include "rolecall/decode.h"

enum { ESP_ASSOCIATIONS_MAX = 4096 }; /* remembered at the same time; each has one direction */

struct esp_table;

size_t esp_table_memory(void);
struct esp_table *esp_table_create(struct decoder_counters *counters); /* NULL: no memory */
void esp_table_destroy(struct esp_table *table);
void esp_table_reset(struct esp_table *table); /* forgets every association */

#endif
