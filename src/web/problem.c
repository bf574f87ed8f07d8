/* SPDX-License-Identifier: Apache-2.0 */
#include "web/problem.h"

#include "base/json.h"
#include "base/memory.h"

static unsigned status_of(enum scb_status status)
{
    switch (status) {
    case SCB_OK:
        return 200;
    case SCB_ERROR_USAGE:
    case SCB_ERROR_VALIDATION:
        return 400;
    case SCB_ERROR_ACCESS:
        return 403;
    case SCB_ERROR_NOT_FOUND:
        return 404;
    case SCB_ERROR_BUSY:
        return 409;
    case SCB_ERROR_RESOURCE:
    case SCB_ERROR_DATABASE:
    case SCB_ERROR_CANCELED:
        return 503;
    case SCB_ERROR_INTERNAL:
    case SCB_ERROR_CONTRACT:
    case SCB_ERROR_FILE:
    case SCB_ERROR_INTEGRITY:
    case SCB_ERROR_DIFFERENT:
    default:
        return 500;
    }
}

static const char *title_of(unsigned status)
{
    static const struct {
        unsigned status;
        const char *title;
    } titles[] = {{400, "Bad Request"},
                  {401, "Unauthorized"},
                  {403, "Forbidden"},
                  {404, "Not Found"},
                  {405, "Method Not Allowed"},
                  {406, "Not Acceptable"},
                  {409, "Conflict"},
                  {413, "Content Too Large"},
                  {415, "Unsupported Media Type"},
                  {421, "Misdirected Request"},
                  {429, "Too Many Requests"},
                  {503, "Service Unavailable"}};
    for (size_t i = 0; i < SCB_LENGTH(titles); i++)
        if (titles[i].status == status)
            return titles[i].title;
    return "Internal Server Error";
}

void scb_web_write_problem(struct scb_web_reply *reply, const struct scb_error *error)
{
    struct scb_json json;
    struct scb_error none = {0};
    reply->status = reply->status != 0 ? reply->status : status_of(error->status);
    reply->content_type = "application/problem+json";
    reply->fixed = (struct scb_bytes){0};
    if (reply->status == 503 && reply->retry_after_s == 0)
        reply->retry_after_s = 5;
    scb_buffer_clear(&reply->body);
    scb_json_begin(&json, &reply->body);
    scb_json_open_object(&json, NULL);
    scb_json_text(&json, "type", "about:blank");
    scb_json_text(&json, "title", title_of(reply->status));
    scb_json_unsigned(&json, "status", reply->status);
    scb_json_text(&json, "detail", error->message);
    scb_json_text(&json, "error_type", scb_status_name(error->status));
    scb_json_text(&json, "hint", error->hint[0] == '\0' ? NULL : error->hint);
    scb_json_boolean(&json, "retryable", error->retryable);
    scb_json_close_object(&json);
    if (scb_json_finish(&json, &none) != SCB_OK ||
        scb_buffer_append_text(&reply->body, "\n", &none) != SCB_OK)
        scb_buffer_clear(&reply->body); /* then the status has to do */
}
