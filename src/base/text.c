/* SPDX-License-Identifier: Apache-2.0 */
#include "base/text.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Reads decimal digits at *text and moves past them; false when there is none or too many. */
static bool take_number(const char **text, uint64_t *ret_value)
{
    const char *at = *text;
    uint64_t value = 0;
    for (; *at >= '0' && *at <= '9'; at++) {
        if (__builtin_mul_overflow(value, 10u, &value) ||
            __builtin_add_overflow(value, (uint64_t)(*at - '0'), &value))
            return false;
    }
    bool any = at != *text;
    *text = at;
    *ret_value = value;
    return any;
}

enum scb_status scb_text_parse_u64(const char *text, uint64_t *ret_value, struct scb_error *error)
{
    const char *at = text;
    uint64_t value = 0;
    if (!take_number(&at, &value) || *at != '\0')
        return scb_error_set(error, SCB_ERROR_VALIDATION, "not a whole number: '%.40s'", text);
    *ret_value = value;
    return SCB_OK;
}

struct unit {
    const char *name;
    uint64_t factor;
};

/* Largest first, so that formatting finds the shortest form. */
static const struct unit durations[] = {{"w", 604800000}, {"d", 86400000}, {"h", 3600000},
                                        {"m", 60000},     {"s", 1000},     {"ms", 1}};
static const struct unit sizes[] = {{"TiB", 1ull << 40},   {"GiB", 1ull << 30},
                                    {"MiB", 1ull << 20},   {"KiB", 1ull << 10},
                                    {"TB", 1000000000000}, {"GB", 1000000000},
                                    {"MB", 1000000},       {"kB", 1000},
                                    {"KB", 1000},          {"B", 1}};

static bool take_unit(const char **text, const struct unit *units, size_t count,
                      uint64_t *ret_factor)
{
    size_t length = strspn(*text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ");
    for (size_t i = 0; i < count; i++) {
        if (strlen(units[i].name) == length && strncmp(units[i].name, *text, length) == 0) {
            *text += length;
            *ret_factor = units[i].factor;
            return true;
        }
    }
    return false;
}

enum scb_status scb_text_parse_duration_ms(const char *text, int64_t *ret_ms,
                                           struct scb_error *error)
{
    if (strcmp(text, "0") == 0) {
        *ret_ms = 0;
        return SCB_OK;
    }
    const char *at = text;
    int64_t total = 0;
    do {
        uint64_t value = 0, factor = 0;
        int64_t part = 0;
        if (!take_number(&at, &value) ||
            !take_unit(&at, durations, sizeof(durations) / sizeof(durations[0]), &factor) ||
            __builtin_mul_overflow(value, factor, &part) ||
            __builtin_add_overflow(total, part, &total)) {
            (void)scb_error_set(error, SCB_ERROR_VALIDATION, "not a duration: '%.40s'", text);
            (void)scb_error_hint(error, "write it like 500ms, 90s, 5m, 24h, 7d or 2w");
            return SCB_ERROR_VALIDATION;
        }
    } while (*at != '\0');
    *ret_ms = total;
    return SCB_OK;
}

enum scb_status scb_text_parse_size(const char *text, uint64_t *ret_bytes, struct scb_error *error)
{
    const char *at = text;
    uint64_t value = 0, factor = 1;
    bool good = take_number(&at, &value) &&
                (*at == '\0' || take_unit(&at, sizes, sizeof(sizes) / sizeof(sizes[0]), &factor)) &&
                *at == '\0' && !__builtin_mul_overflow(value, factor, &value) && value <= INT64_MAX;
    if (!good) {
        (void)scb_error_set(error, SCB_ERROR_VALIDATION, "not a size: '%.40s'", text);
        (void)scb_error_hint(error, "write it like 512KiB, 64MiB or 1GB");
        return SCB_ERROR_VALIDATION;
    }
    *ret_bytes = value;
    return SCB_OK;
}

void scb_text_format_duration(int64_t ms, char *ret_text, size_t size)
{
    if (ms <= 0) {
        (void)snprintf(ret_text, size, "0s");
        return;
    }
    /* One part where one divides it ("24h", not "1d": as operators write it), else several. */
    static const struct unit preferred[] = {{"h", 3600000}, {"m", 60000}, {"s", 1000}, {"ms", 1}};
    size_t used = 0;
    for (size_t i = 0; i < sizeof(preferred) / sizeof(preferred[0]) && used < size; i++) {
        int64_t part = ms / (int64_t)preferred[i].factor;
        ms %= (int64_t)preferred[i].factor;
        if (part > 0)
            used += (size_t)snprintf(ret_text + used, size - used, "%" PRId64 "%s", part,
                                     preferred[i].name);
    }
}

void scb_text_format_size(uint64_t bytes, char *ret_text, size_t size)
{
    size_t i = 0;
    while (i < 4 && (bytes == 0 || bytes % sizes[i].factor != 0))
        i++;
    if (i < 4)
        (void)snprintf(ret_text, size, "%" PRIu64 "%s", bytes / sizes[i].factor, sizes[i].name);
    else
        (void)snprintf(ret_text, size, "%" PRIu64 "B", bytes);
}

void scb_text_format_size_short(uint64_t bytes, char *ret_text, size_t size)
{
    for (size_t i = 0; i < 4; i++) {
        if (bytes >= sizes[i].factor) {
            (void)snprintf(ret_text, size, "%.1f %s", (double)bytes / (double)sizes[i].factor,
                           sizes[i].name);
            return;
        }
    }
    (void)snprintf(ret_text, size, "%" PRIu64 " B", bytes);
}

void scb_text_format_count(uint64_t count, char *ret_text, size_t size)
{
    char digits[24];
    int length = snprintf(digits, sizeof(digits), "%" PRIu64, count);
    size_t used = 0;
    for (int i = 0; i < length && used + 2 < size; i++) {
        if (i > 0 && (length - i) % 3 == 0)
            ret_text[used++] = ',';
        ret_text[used++] = digits[i];
    }
    ret_text[used] = '\0';
}

void scb_text_format_elapsed(int64_t ms, char *ret_text, size_t size)
{
    int64_t seconds = ms < 0 ? 0 : (ms + 500) / 1000;
    if (ms > 0 && ms < 9995 && ms % 1000 != 0)
        (void)snprintf(ret_text, size, "%.2fs", (double)ms / 1000);
    else if (seconds < 60)
        (void)snprintf(ret_text, size, "%" PRId64 "s", seconds);
    else if (seconds < 3600)
        (void)snprintf(ret_text, size, "%" PRId64 "m%02" PRId64 "s", seconds / 60, seconds % 60);
    else
        (void)snprintf(ret_text, size, "%" PRId64 "h%02" PRId64 "m", seconds / 3600,
                       seconds / 60 % 60);
}

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

/* Length of the well-formed sequence at data (RFC 3629, section 4), or 0. */
static size_t utf8_sequence(const uint8_t *data, size_t size)
{
    uint8_t first = data[0];
    if (first < 0x80)
        return 1;
    size_t length = first >= 0xc2 && first <= 0xdf   ? 2
                    : first >= 0xe0 && first <= 0xef ? 3
                    : first >= 0xf0 && first <= 0xf4 ? 4
                                                     : 0;
    if (length == 0 || size < length)
        return 0;
    uint8_t lowest = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
    uint8_t highest = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
    if (data[1] < lowest || data[1] > highest)
        return 0;
    for (size_t i = 2; i < length; i++)
        if ((data[i] & 0xc0) != 0x80)
            return 0;
    return length;
}

bool scb_text_is_utf8(struct scb_bytes text)
{
    size_t i = 0;
    while (i < text.size) {
        uint64_t word = 0;
        while (i + sizeof(word) <= text.size) { /* eight ASCII bytes at a time */
            memcpy(&word, text.data + i, sizeof(word));
            if ((word & 0x8080808080808080u) != 0)
                break;
            i += sizeof(word);
        }
        if (i >= text.size)
            break;
        size_t length = utf8_sequence(text.data + i, text.size - i);
        if (length == 0)
            return false;
        i += length;
    }
    return true;
}

const char *scb_text_printable(struct scb_bytes bytes, char *ret_text, size_t size)
{
    static const char ellipsis[] = "\xe2\x80\xa6";
    size_t used = 0, i = 0;
    size_t before = 0; /* what can stay where an ellipsis must follow */
    while (i < bytes.size) {
        size_t length = utf8_sequence(bytes.data + i, bytes.size - i);
        /* C1 controls (U+0080…U+009F) drive terminals too. */
        bool control = length == 0 || bytes.data[i] < 0x20 || bytes.data[i] == 0x7f ||
                       (length == 2 && bytes.data[i] == 0xc2 && bytes.data[i + 1] < 0xa0);
        size_t wanted = control ? 4 : length;
        if (used + wanted >= size) {
            used = before;
            if (used + sizeof(ellipsis) <= size) {
                memcpy(ret_text + used, ellipsis, sizeof(ellipsis) - 1);
                used += sizeof(ellipsis) - 1;
            }
            break;
        }
        if (control)
            (void)snprintf(ret_text + used, size - used, "\\x%02x", bytes.data[i]);
        else
            memcpy(ret_text + used, bytes.data + i, length);
        used += wanted;
        i += control ? 1 : length;
        if (used + sizeof(ellipsis) <= size)
            before = used;
    }
    if (size > 0)
        ret_text[used] = '\0';
    return ret_text;
}

void scb_text_url_origin(const char *url, char *ret_text, size_t size)
{
    size_t scheme = strcspn(url, ":/?#@");
    scheme = strncmp(url + scheme, "://", 3) == 0 ? scheme + 3 : 0;
    const char *host = url + scheme;
    size_t length = strcspn(host, "/?#");
    const char *at = memrchr(host, '@', length);
    if (at != NULL) { /* what stands before the last one is user info */
        length -= (size_t)(at + 1 - host);
        host = at + 1;
    }
    (void)snprintf(ret_text, size, "%.*s%.*s", (int)scheme, url, (int)length, host);
}

/* Edit distance, bounded: words longer than the table are simply far away. */
static size_t edit_distance(const char *a, const char *b)
{
    enum { LONGEST = 64 };
    size_t a_size = strlen(a), b_size = strlen(b);
    if (a_size > LONGEST || b_size > LONGEST)
        return SIZE_MAX;
    size_t row[LONGEST + 1];
    for (size_t j = 0; j <= b_size; j++)
        row[j] = j;
    for (size_t i = 1; i <= a_size; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= b_size; j++) {
            size_t best = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
            if (row[j] + 1 < best)
                best = row[j] + 1;
            if (row[j - 1] + 1 < best)
                best = row[j - 1] + 1;
            diagonal = row[j];
            row[j] = best;
        }
    }
    return row[b_size];
}

const char *scb_text_nearest(const char *word, const char *const *candidates, size_t count)
{
    const char *nearest = NULL;
    size_t best = strlen(word) / 3 + 2; /* farther than this is another word */
    for (size_t i = 0; i < count; i++) {
        size_t distance = edit_distance(word, candidates[i]);
        if (distance < best) {
            best = distance;
            nearest = candidates[i];
        }
    }
    return nearest;
}
