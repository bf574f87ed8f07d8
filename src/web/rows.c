/* SPDX-License-Identifier: Apache-2.0 */
#include "web/rows.h"

#include <stdio.h>
#include <string.h>

#include "base/memory.h"

enum {
    DEFAULT_ROWS = 50,
    MOST_ROWS = 1000,
    MOST_BYTES = SCB_WEB_MAX_REPLY / 4 * 3, /* the rest is one row's, and the end's */
    MAX_NEXT = 4096,
};

enum scb_status scb_web_rows_begin(struct scb_web_call *call, const char *key,
                                   struct scb_web_rows *ret_rows, struct scb_error *error)
{
    *ret_rows = (struct scb_web_rows){
        .call = call, .key = key, .begin = scb_web_target_param(&call->target, key)};
    return scb_web_number(call, "limit", 1, MOST_ROWS, DEFAULT_ROWS, &ret_rows->limit, error);
}

enum scb_status scb_web_rows_of_backups(struct scb_web_call *call, struct scb_web_rows *ret_rows,
                                        struct scb_error *error)
{
    enum scb_status status = scb_web_rows_begin(call, "before", ret_rows, error);
    if (status == SCB_OK && ret_rows->begin != NULL)
        status = scb_backup_date_parse(ret_rows->begin, NULL, error);
    return status;
}

bool scb_web_rows_take(struct scb_web_rows *rows, const char *name)
{
    if (rows->taken == rows->limit || rows->call->reply->body.size > MOST_BYTES)
        rows->more = true;
    if (rows->more)
        return false;
    rows->taken++;
    (void)snprintf(rows->last, sizeof(rows->last), "%s", name);
    return true;
}

bool scb_web_rows_take_backup(struct scb_web_rows *rows, const char *backup_date)
{
    bool is_behind = rows->begin == NULL || strcmp(backup_date, rows->begin) < 0;
    return is_behind && scb_web_rows_take(rows, backup_date);
}

/* RFC 3986, 2.1. */
static enum scb_status append_escaped(struct scb_buffer *out, const char *text,
                                      struct scb_error *error)
{
    enum scb_status status = SCB_OK;
    for (; *text != '\0' && status == SCB_OK; text++)
        status = scb_web_is_unreserved(*text)
                     ? scb_buffer_append(out, text, 1, error)
                     : scb_buffer_printf(out, error, "%%%02x", (unsigned)(uint8_t)*text);
    return status;
}

/* The same request, but for where it begins. */
static enum scb_status write_next(const struct scb_web_rows *rows, struct scb_buffer *out,
                                  struct scb_error *error)
{
    const struct scb_web_target *target = &rows->call->target;
    enum scb_status status =
        scb_buffer_printf(out, error, "%s?%s=%s", target->path, rows->key, rows->last);
    for (size_t i = 0; i < target->param_count && status == SCB_OK; i++) {
        if (strcmp(target->params[i].name, rows->key) == 0)
            continue;
        status = scb_buffer_printf(out, error, "&%s=", target->params[i].name);
        if (status == SCB_OK)
            status = append_escaped(out, target->params[i].value, error);
    }
    return status == SCB_OK ? scb_buffer_append(out, "", 1, error) : status;
}

enum scb_status scb_web_rows_end(struct scb_web_rows *rows, enum scb_status status,
                                 struct scb_error *error)
{
    SCB_AUTO(buffer) struct scb_buffer next = {.max = MAX_NEXT};
    if (rows->more)
        status = write_next(rows, &next, error);
    if (status == SCB_OK)
        scb_json_text(&rows->call->json, "next", rows->more ? (const char *)next.data : NULL);
    return status;
}
