/* SPDX-License-Identifier: Apache-2.0 */
#include "view/cell.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/text.h"

void scb_view_time(int64_t real_ms, char *ret_text, size_t size)
{
    char text[SCB_TIMESTAMP_SIZE] = "-";
    if (real_ms >= 0)
        scb_timestamp_format(real_ms, text);
    if (real_ms >= 0)
        (void)snprintf(ret_text, size, "%.10s %.8s UTC", text, text + 11);
    else
        (void)snprintf(ret_text, size, "-");
}

void scb_view_count(int64_t count, char *ret_text, size_t size)
{
    if (count < 0)
        (void)snprintf(ret_text, size, "-");
    else
        scb_text_format_count((uint64_t)count, ret_text, size);
}

void scb_view_size(int64_t bytes, char *ret_text, size_t size)
{
    if (bytes < 0)
        (void)snprintf(ret_text, size, "-");
    else
        scb_text_format_size_short((uint64_t)bytes, ret_text, size);
}
