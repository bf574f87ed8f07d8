/* SPDX-License-Identifier: Apache-2.0 */
/*
 * UTF-8, and untrusted bytes as they may be shown.
 */
#include "base/text.h"

#include <stdio.h>
#include <string.h>

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
