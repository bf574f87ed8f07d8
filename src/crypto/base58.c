/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/base58.h"

#include <assert.h>
#include <string.h>

#include "base/memory.h"
#include "crypto/digest.h"

enum { CHECK_SIZE = 4, MAX_BYTES = 1 + SCB_BASE58_MAX_DATA + CHECK_SIZE };

static const char alphabet[] = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";

static enum scb_status checksum(struct scb_bytes data, uint8_t ret_check[CHECK_SIZE],
                                struct scb_error *error)
{
    uint8_t sha256[SCB_SHA256_SIZE];
    SCB_AUTO(digest) struct scb_digest digest = {0};
    enum scb_status status = scb_digest_sha256(&digest, data, sha256, error);
    if (status == SCB_OK)
        status =
            scb_digest_sha256(&digest, (struct scb_bytes){sha256, sizeof(sha256)}, sha256, error);
    if (status == SCB_OK)
        memcpy(ret_check, sha256, CHECK_SIZE);
    return status;
}

/* number = number × factor + addend, in the base that its digits are of; least digit first. */
static size_t multiply_add(uint8_t *number, size_t size, unsigned base, unsigned factor,
                           unsigned addend)
{
    for (size_t i = 0; i < size; i++) {
        addend += number[i] * factor;
        number[i] = (uint8_t)(addend % base);
        addend /= base;
    }
    for (; addend > 0; addend /= base)
        number[size++] = (uint8_t)(addend % base);
    return size;
}

enum scb_status scb_base58check_encode(uint8_t prefix, struct scb_bytes data,
                                       char ret_text[SCB_BASE58_TEXT_SIZE], struct scb_error *error)
{
    assert(data.size <= SCB_BASE58_MAX_DATA);
    uint8_t bytes[MAX_BYTES] = {prefix}, digits[SCB_BASE58_TEXT_SIZE];
    size_t size = 1 + data.size, used = 0, zeros = 0, length = 0;
    if (data.size > 0)
        memcpy(bytes + 1, data.data, data.size);
    enum scb_status status = checksum((struct scb_bytes){bytes, size}, bytes + size, error);
    if (status != SCB_OK)
        return status;
    size += CHECK_SIZE;
    /* Zero bytes in front do not show in a number, so each is written as the digit zero. */
    while (zeros < size && bytes[zeros] == 0)
        zeros++;
    for (size_t i = zeros; i < size; i++)
        used = multiply_add(digits, used, 58, 256, bytes[i]);
    for (; length < zeros; length++)
        ret_text[length] = alphabet[0];
    while (used > 0)
        ret_text[length++] = alphabet[digits[--used]];
    ret_text[length] = '\0';
    return SCB_OK;
}

static enum scb_status refuse(const char *why, struct scb_error *error)
{
    return scb_error_set(error, SCB_ERROR_VALIDATION, "base58check: %s", why);
}

/* The bytes that the digits stand for, the checksum among them. */
static enum scb_status decode_bytes(const char *text, size_t length, uint8_t ret_bytes[MAX_BYTES],
                                    size_t *ret_size, struct scb_error *error)
{
    uint8_t number[SCB_BASE58_TEXT_SIZE];
    size_t zeros = 0, used = 0;
    while (zeros < length && text[zeros] == alphabet[0])
        zeros++;
    for (size_t i = zeros; i < length; i++) {
        const char *digit = strchr(alphabet, text[i]);
        if (digit == NULL)
            return refuse("a character that is no base58 digit", error);
        used = multiply_add(number, used, 256, 58, (unsigned)(digit - alphabet));
    }
    if (zeros + used > MAX_BYTES)
        return refuse("the text is too long", error);
    memset(ret_bytes, 0, zeros);
    for (size_t i = 0; i < used; i++)
        ret_bytes[zeros + i] = number[used - 1 - i];
    *ret_size = zeros + used;
    return SCB_OK;
}

enum scb_status scb_base58check_decode(const char *text, uint8_t *ret_prefix,
                                       uint8_t ret_data[SCB_BASE58_MAX_DATA], size_t *ret_size,
                                       struct scb_error *error)
{
    uint8_t bytes[MAX_BYTES], check[CHECK_SIZE];
    size_t size = 0, length = strnlen(text, SCB_BASE58_TEXT_SIZE);
    if (length >= SCB_BASE58_TEXT_SIZE)
        return refuse("the text is too long", error);
    enum scb_status status = decode_bytes(text, length, bytes, &size, error);
    if (status == SCB_OK && size < 1 + CHECK_SIZE)
        status = refuse("the text is too short", error);
    if (status == SCB_OK)
        status = checksum((struct scb_bytes){bytes, size - CHECK_SIZE}, check, error);
    if (status != SCB_OK)
        return status;
    if (memcmp(check, bytes + size - CHECK_SIZE, CHECK_SIZE) != 0)
        return refuse("the checksum is wrong: a character is missing or another one", error);
    *ret_prefix = bytes[0];
    *ret_size = size - 1 - CHECK_SIZE;
    memcpy(ret_data, bytes + 1, *ret_size);
    return SCB_OK;
}
