/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bech32 (BIP 173), as age writes its keys: text of one case with a checksum. Without Bitcoin's
 * addresses and their versions, and without the limit of 90 characters.
 */
#ifndef SCB_CRYPTO_BECH32_H
#define SCB_CRYPTO_BECH32_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "scb/entry.h"

/* The most bytes that one text stands for here. */
enum { SCB_BECH32_MAX_BYTES = 64 };

/* Room for the text of size bytes under a prefix of so many characters, its NUL included. */
#define SCB_BECH32_TEXT_SIZE(prefix_length, size) ((prefix_length) + 1 + ((size)*8 + 4) / 5 + 6 + 1)

/*
 * Writes size bytes, SCB_BECH32_MAX_BYTES at most, under prefix, in the case of prefix, which has
 * one. ret_text has room for SCB_BECH32_TEXT_SIZE.
 */
void scb_bech32_encode(const char *prefix, const uint8_t *data, size_t size, char *ret_text);

/*
 * Exactly size bytes out of text. False, with ret_data untouched, for anything that
 * scb_bech32_encode does not write: another prefix, case, length or padding, a wrong checksum.
 * Secrets are wiped on the way; text and ret_data are the caller's to wipe.
 */
bool scb_bech32_decode(const char *prefix, struct scb_bytes text, uint8_t *ret_data, size_t size);

#endif
