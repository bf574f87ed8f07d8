/* SPDX-License-Identifier: Apache-2.0 */
#include "format/scan.h"

#include <string.h>

#include "base/text.h"

bool scb_scan_is_plain(const char *text, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (text[i] < 0x20 || text[i] > 0x7e || text[i] == '"' || text[i] == '\\')
            return false;
    return true;
}

bool scb_scan_take(struct scb_scan *scan, const char *literal)
{
    for (; *literal != '\0'; literal++, scan->at++)
        if (scan->at == scan->end || *scan->at != *literal)
            return false;
    return true;
}

bool scb_scan_number(struct scb_scan *scan, uint64_t *ret_value)
{
    const char *start = scan->at;
    uint64_t value = 0;
    for (; scan->at < scan->end && *scan->at >= '0' && *scan->at <= '9'; scan->at++)
        if (__builtin_mul_overflow(value, 10u, &value) ||
            __builtin_add_overflow(value, (uint64_t)(*scan->at - '0'), &value))
            return false;
    *ret_value = value;
    return scan->at - start == 1 || (scan->at > start && *start != '0');
}

bool scb_scan_hex(struct scb_scan *scan, uint8_t *ret_data, size_t size)
{
    if ((size_t)(scan->end - scan->at) < 2 * size || !scb_text_unhex(scan->at, size, ret_data))
        return false;
    for (size_t i = 0; i < 2 * size; i++)
        if (scan->at[i] >= 'A' && scan->at[i] <= 'F')
            return false;
    scan->at += 2 * size;
    return true;
}

bool scb_scan_text(struct scb_scan *scan, char *ret_text, size_t size)
{
    const char *quote = memchr(scan->at, '"', (size_t)(scan->end - scan->at));
    size_t length = quote == NULL ? 0 : (size_t)(quote - scan->at);
    if (quote == NULL || length >= size || !scb_scan_is_plain(scan->at, length))
        return false;
    memcpy(ret_text, scan->at, length);
    ret_text[length] = '\0';
    scan->at = quote + 1;
    return true;
}
