/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Text in and out: numbers, times, sizes and dates as people write them, hex, base64, UTF-8.
 * Parsers take the whole string or refuse it with a ValidationError that quotes it.
 */
#ifndef SCB_BASE_TEXT_H
#define SCB_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "scb/error.h"

/* A decimal number without sign or blanks. */
SCB_MUST_CHECK enum scb_status scb_text_parse_u64(const char *text, uint64_t *ret_value,
                                                  struct scb_error *error);
/* "90s 5m 24h 7d 2w 500ms", and "0"; several parts may follow each other ("1h30m"). */
SCB_MUST_CHECK enum scb_status scb_text_parse_duration_ms(const char *text, int64_t *ret_ms,
                                                          struct scb_error *error);
/* "512KiB 1GB 64B 4096": KiB…TiB are powers of 1024, kB/KB…TB powers of 1000. */
SCB_MUST_CHECK enum scb_status scb_text_parse_size(const char *text, uint64_t *ret_bytes,
                                                   struct scb_error *error);

/* The shortest form that parses back to the same value: "24h", "500ms", "1h30m", "0s". */
void scb_text_format_duration(int64_t ms, char *ret_text, size_t size);
/* The largest binary unit that divides it: "256MiB", "0B". Parses back to the same value. */
void scb_text_format_size(uint64_t bytes, char *ret_text, size_t size);
/* For people: "1.4 MiB", "812 B". Does not parse back. */
void scb_text_format_size_short(uint64_t bytes, char *ret_text, size_t size);
/* For people: "41,200". */
void scb_text_format_count(uint64_t count, char *ret_text, size_t size);
/* For people: "5s", "0.25s" (below 10s, where not whole), "2m30s", "1h02m". */
void scb_text_format_elapsed(int64_t ms, char *ret_text, size_t size);

/* 2 × size lower-case hex digits and a NUL into ret_text, which has room for them. */
void scb_text_hex(const uint8_t *data, size_t size, char *ret_text);
/* Exactly size bytes from 2 × size hex digits; false when a digit is odd. No "0x". */
bool scb_text_unhex(const char *digits, size_t size, uint8_t *ret_data);
/* Value of one hex digit, or -1. */
int scb_text_hex_digit(char digit);

/* Padded base64 (RFC 4648, section 4) appended to out. */
SCB_MUST_CHECK enum scb_status scb_text_base64_append(struct scb_buffer *out, struct scb_bytes data,
                                                      struct scb_error *error);
/* Strict: canonical padding and bits, no blanks. IntegrityError otherwise. */
SCB_MUST_CHECK enum scb_status scb_text_base64_decode(struct scb_buffer *out, struct scb_bytes text,
                                                      struct scb_error *error);

/* True for well-formed UTF-8 (RFC 3629: no surrogates, no overlong forms). NUL is allowed. */
bool scb_text_is_utf8(struct scb_bytes text);

/*
 * Writes untrusted bytes for a terminal or a log: control bytes and malformed UTF-8 become \xNN;
 * cut with "…" where ret_text is too small. Returns ret_text.
 */
const char *scb_text_printable(struct scb_bytes bytes, char *ret_text, size_t size);

/* The URL without user info, path and query: "https://rpc.example.org:8545". Never a secret. */
void scb_text_url_origin(const char *url, char *ret_text, size_t size);

/* The candidate nearest to word by edit distance, or NULL where none is near. Borrowed. */
const char *scb_text_nearest(const char *word, const char *const *candidates, size_t count);

#endif
