/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Takes text of one fixed form apart, from its begin on: literals, numbers, hex and plain strings
 * in turn. What is not exactly so is false. Not for JSON of any other form: that is
 * base/json_load's.
 */
#ifndef SCB_FORMAT_SCAN_H
#define SCB_FORMAT_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What is left of a text; borrowed. */
struct scb_scan {
    const char *at;
    const char *end;
};

/* Moves past literal, or up to where the text differs from it. */
bool scb_scan_take(struct scb_scan *scan, const char *literal);
/* A decimal number without leading zeros. */
bool scb_scan_number(struct scb_scan *scan, uint64_t *ret_value);
/* So many bytes in lower-case hex. */
bool scb_scan_hex(struct scb_scan *scan, uint8_t *ret_data, size_t size);
/* A string's content, which is plain, and its closing quote; size counts the NUL. */
bool scb_scan_text(struct scb_scan *scan, char *ret_text, size_t size);

/* Whether these bytes stand in a JSON string as they are. */
bool scb_scan_is_plain(const char *text, size_t size);

#endif
