/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Base58Check, as Bitcoin and Storj write short binary names: a prefix byte, the data and four
 * bytes of SHA-256 twice, in the alphabet without 0, O, I and l. For a few dozen bytes: its time
 * grows with the square of the size. Not for secrets.
 */
#ifndef SCB_CRYPTO_BASE58_H
#define SCB_CRYPTO_BASE58_H

#include <stddef.h>
#include <stdint.h>

#include "scb/entry.h"
#include "scb/error.h"

/* Data of at most so many bytes; its text, NUL counted, in at most so many. */
enum { SCB_BASE58_MAX_DATA = 64, SCB_BASE58_TEXT_SIZE = 100 };

/* ResourceError where OpenSSL fails; data.size is at most SCB_BASE58_MAX_DATA. */
SCB_MUST_CHECK enum scb_status scb_base58check_encode(uint8_t prefix, struct scb_bytes data,
                                                      char ret_text[SCB_BASE58_TEXT_SIZE],
                                                      struct scb_error *error);

/*
 * The whole text, no blanks. ValidationError for a character that is none, a text that is too
 * short or long, and a checksum that is wrong.
 */
SCB_MUST_CHECK enum scb_status scb_base58check_decode(const char *text, uint8_t *ret_prefix,
                                                      uint8_t ret_data[SCB_BASE58_MAX_DATA],
                                                      size_t *ret_size, struct scb_error *error);

#endif
