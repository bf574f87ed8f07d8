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
