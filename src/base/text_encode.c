/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes as text and back: hex, base64.
 */
#include "base/text.h"

void scb_text_hex(const uint8_t *data, size_t size, char *ret_text)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < size; i++) {
        ret_text[2 * i] = digits[data[i] >> 4];
        ret_text[2 * i + 1] = digits[data[i] & 15];
    }
    ret_text[2 * size] = '\0';
}

int scb_text_hex_digit(char digit)
{
    if (digit >= '0' && digit <= '9')
        return digit - '0';
    if (digit >= 'a' && digit <= 'f')
        return digit - 'a' + 10;
    if (digit >= 'A' && digit <= 'F')
        return digit - 'A' + 10;
    return -1;
}

bool scb_text_unhex(const char *digits, size_t size, uint8_t *ret_data)
{
    for (size_t i = 0; i < size; i++) {
        int high = scb_text_hex_digit(digits[2 * i]);
        int low = high < 0 ? -1 : scb_text_hex_digit(digits[2 * i + 1]);
        if (low < 0)
            return false;
        ret_data[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}

static const char base64_digits[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

enum scb_status scb_text_base64_append(struct scb_buffer *out, struct scb_bytes data,
                                       struct scb_error *error)
{
    enum scb_status status = scb_buffer_reserve(out, (data.size + 2) / 3 * 4, error);
    if (status != SCB_OK || data.size == 0)
        return status;
    uint8_t *to = out->data + out->size;
    for (size_t i = 0; i < data.size; i += 3) {
        size_t left = data.size - i;
        uint32_t group = (uint32_t)data.data[i] << 16 |
                         (left > 1 ? (uint32_t)data.data[i + 1] << 8 : 0) |
                         (left > 2 ? data.data[i + 2] : 0u);
        *to++ = (uint8_t)base64_digits[group >> 18];
        *to++ = (uint8_t)base64_digits[group >> 12 & 63];
        *to++ = left > 1 ? (uint8_t)base64_digits[group >> 6 & 63] : '=';
        *to++ = left > 2 ? (uint8_t)base64_digits[group & 63] : '=';
    }
    out->size = (size_t)(to - out->data);
    return SCB_OK;
}

static int base64_value(uint8_t digit)
{
    if (digit >= 'A' && digit <= 'Z')
        return digit - 'A';
    if (digit >= 'a' && digit <= 'z')
        return digit - 'a' + 26;
    if (digit >= '0' && digit <= '9')
        return digit - '0' + 52;
    return digit == '+' ? 62 : digit == '/' ? 63 : -1;
}

/* Decodes a group of four with padding digits at its end; -1 where it is not canonical. */
static int32_t base64_group(const uint8_t *digits, size_t padding)
{
    int32_t group = 0;
    for (size_t i = 0; i < 4; i++) {
        int value = i < 4 - padding ? base64_value(digits[i]) : digits[i] == '=' ? 0 : -1;
        if (value < 0)
            return -1;
        group = group << 6 | value;
    }
    int32_t unused = padding == 2 ? 0xffff : padding == 1 ? 0xff : 0;
    return (group & unused) == 0 ? group : -1;
}

enum scb_status scb_text_base64_decode(struct scb_buffer *out, struct scb_bytes text,
                                       struct scb_error *error)
{
    if (text.size % 4 != 0)
        return scb_error_set(error, SCB_ERROR_INTEGRITY, "base64 of %zu digits", text.size);
    enum scb_status status = scb_buffer_reserve(out, text.size / 4 * 3, error);
    if (status != SCB_OK)
        return status;
    for (size_t i = 0; i < text.size; i += 4) {
        const uint8_t *digits = text.data + i;
        bool last = i + 4 == text.size;
        size_t padding = !last || digits[3] != '=' ? 0 : digits[2] != '=' ? 1 : 2;
        int32_t group = base64_group(digits, padding);
        if (group < 0)
            return scb_error_set(error, SCB_ERROR_INTEGRITY, "bad base64 at digit %zu", i);
        uint8_t bytes[3] = {(uint8_t)(group >> 16), (uint8_t)(group >> 8), (uint8_t)group};
        status = scb_buffer_append(out, bytes, 3 - padding, error);
        if (status != SCB_OK)
            return status;
    }
    return SCB_OK;
}
