/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json.h"

#include <inttypes.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"

static void append(struct scb_json *json, const char *data, size_t size)
{
    if (json->status == SCB_OK)
        json->status = scb_buffer_append(json->out, data, size, &json->error);
}

static void append_text(struct scb_json *json, const char *text)
{
    append(json, text, strlen(text));
}

void scb_json_begin(struct scb_json *json, struct scb_buffer *out)
{
    *json = (struct scb_json){.out = out};
}

/* One escaped byte in [0, 0x20) or one of " and \; returns the length of its escape. */
static size_t escape(uint8_t byte, char ret_text[6])
{
    static const char short_forms[] = "btn\0fr"; /* 8, 9, 10, 12, 13 */
    ret_text[0] = '\\';
    if (byte == '"' || byte == '\\') {
        ret_text[1] = (char)byte;
        return 2;
    }
    if (byte >= 8 && byte <= 13 && byte != 11) {
        ret_text[1] = short_forms[byte - 8];
        return 2;
    }
    memcpy(ret_text, "\\u00", 4);
    static const char digits[] = "0123456789abcdef";
    ret_text[4] = digits[byte >> 4];
    ret_text[5] = digits[byte & 15];
    return 6;
}

static bool needs_escape(uint8_t byte)
{
    return byte < 0x20 || byte == '"' || byte == '\\';
}

enum scb_status scb_json_append_escaped(struct scb_buffer *out, struct scb_bytes text,
                                        struct scb_error *error)
{
    size_t done = 0;
    while (done < text.size) {
        size_t end = done;
        while (end < text.size && !needs_escape(text.data[end]))
            end++;
        enum scb_status status = scb_buffer_append(out, text.data + done, end - done, error);
        if (status == SCB_OK && end < text.size) {
            char escaped[6];
            status = scb_buffer_append(out, escaped, escape(text.data[end], escaped), error);
            end++;
        }
        if (status != SCB_OK)
            return status;
        done = end;
    }
    return SCB_OK;
}

/* Length of the well-formed UTF-8 sequence that text begins with, or 0. */
static size_t sequence(struct scb_bytes text)
{
    for (size_t size = 1; size <= 4 && size <= text.size; size++)
        if (scb_text_is_utf8((struct scb_bytes){text.data, size}))
            return size;
    return 0;
}

static void append_repaired(struct scb_json *json, struct scb_bytes text)
{
    while (text.size > 0 && json->status == SCB_OK) {
        size_t size = sequence(text);
        if (size == 0)
            append_text(json, "\xef\xbf\xbd"); /* U+FFFD */
        else
            json->status = scb_json_append_escaped(json->out, (struct scb_bytes){text.data, size},
                                                   &json->error);
        size_t step = size == 0 ? 1 : size;
        text = (struct scb_bytes){text.data + step, text.size - step};
    }
}

static void append_string(struct scb_json *json, struct scb_bytes text)
{
    append_text(json, "\"");
    if (!scb_text_is_utf8(text))
        append_repaired(json, text);
    else if (json->status == SCB_OK)
        json->status = scb_json_append_escaped(json->out, text, &json->error);
    append_text(json, "\"");
}

/* What stands before every value: a comma where one is due, and the member's name. */
static void begin_value(struct scb_json *json, const char *name)
{
    if (json->needs_comma)
        append_text(json, ",");
    if (name != NULL) {
        append_string(json, (struct scb_bytes){(const uint8_t *)name, strlen(name)});
        append_text(json, ":");
    }
    json->needs_comma = true;
}

static void open_with(struct scb_json *json, const char *name, const char *bracket)
{
    begin_value(json, name);
    append_text(json, bracket);
    json->needs_comma = false;
}

static void close_with(struct scb_json *json, const char *bracket)
{
    append_text(json, bracket);
    json->needs_comma = true;
}

void scb_json_open_object(struct scb_json *json, const char *name)
{
    open_with(json, name, "{");
}

void scb_json_close_object(struct scb_json *json)
{
    close_with(json, "}");
}

void scb_json_open_array(struct scb_json *json, const char *name)
{
    open_with(json, name, "[");
}

void scb_json_close_array(struct scb_json *json)
{
    close_with(json, "]");
}

void scb_json_text(struct scb_json *json, const char *name, const char *text)
{
    if (text == NULL)
        scb_json_null(json, name);
    else
        scb_json_bytes(json, name, (struct scb_bytes){(const uint8_t *)text, strlen(text)});
}

void scb_json_bytes(struct scb_json *json, const char *name, struct scb_bytes text)
{
    begin_value(json, name);
    append_string(json, text);
}

void scb_json_integer(struct scb_json *json, const char *name, int64_t value)
{
    begin_value(json, name);
    if (json->status == SCB_OK)
        json->status = scb_buffer_printf(json->out, &json->error, "%" PRId64, value);
}

void scb_json_unsigned(struct scb_json *json, const char *name, uint64_t value)
{
    begin_value(json, name);
    if (json->status == SCB_OK)
        json->status = scb_buffer_printf(json->out, &json->error, "%" PRIu64, value);
}

void scb_json_count(struct scb_json *json, const char *name, int64_t value)
{
    if (value < 0)
        scb_json_null(json, name);
    else
        scb_json_integer(json, name, value);
}

void scb_json_time(struct scb_json *json, const char *name, int64_t real_ms)
{
    char text[SCB_TIMESTAMP_SIZE] = "";
    if (real_ms > 0)
        scb_timestamp_format(real_ms, text);
    scb_json_text(json, name, real_ms > 0 ? text : NULL);
}

void scb_json_number(struct scb_json *json, const char *name, const char *digits)
{
    begin_value(json, name);
    append_text(json, digits);
}

void scb_json_boolean(struct scb_json *json, const char *name, bool value)
{
    begin_value(json, name);
    append_text(json, value ? "true" : "false");
}

void scb_json_null(struct scb_json *json, const char *name)
{
    begin_value(json, name);
    append_text(json, "null");
}

enum scb_status scb_json_finish(struct scb_json *json, struct scb_error *error)
{
    if (json->status != SCB_OK && error != NULL)
        *error = json->error;
    return json->status;
}
