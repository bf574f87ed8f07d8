/* SPDX-License-Identifier: Apache-2.0 */
/*
 * backup health check: a line per check; the exit code is that of the first failure.
 */
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "cli/backend.h"
#include "cli/handlers.h"
#include "cli/output.h"

enum { MAX_TEXT = 256 * 1024 };

/* The checks as they come, into the form that is wanted. */
struct shown {
    struct scb_table *table;
    struct scb_json *json;
    bool any;
    enum scb_health_state worst;
    enum scb_status status; /* of the table */
    struct scb_error *error;
};

static void add_to_json(struct scb_json *json, const struct scb_health_check *check)
{
    scb_json_open_object(json, NULL);
    scb_json_text(json, "check", check->name);
    scb_json_text(json, "target", check->target);
    scb_json_text(json, "state", scb_health_state_name(check->state));
    scb_json_text(json, "detail", check->detail);
    if (check->latency_ms >= 0)
        scb_json_integer(json, "latency_ms", check->latency_ms);
    if (check->error.status != SCB_OK) {
        scb_json_text(json, "error_type", scb_status_name(check->error.status));
        scb_json_text(json, "hint", check->error.hint);
    }
    scb_json_close_object(json);
}

static void show(void *state, const struct scb_health_check *check)
{
    static const int badness[] = {0, 2, 3, 1};
    struct shown *shown = state;
    shown->any = true;
    if (badness[check->state] > badness[shown->worst])
        shown->worst = check->state;
    add_to_json(shown->json, check);
    if (shown->status == SCB_OK)
        shown->status = scb_table_add(shown->table,
                                      (const char *[]){scb_health_state_name(check->state),
                                                       check->name, check->target, check->detail},
                                      shown->error);
}

enum scb_status scb_command_health_check(const struct scb_command_context *context,
                                         struct scb_error *error)
{
    static const struct scb_column columns[] = {
        {"STATE", false}, {"CHECK", false}, {"WHAT", false}, {"DETAIL", false}};
    SCB_AUTO(buffer) struct scb_buffer text = {.max = MAX_TEXT};
    SCB_AUTO(table) struct scb_table *table = NULL;
    struct scb_backend *backend = NULL;
    struct scb_json json;
    struct scb_error output = {0};
    enum scb_status status = scb_table_new(columns, SCB_LENGTH(columns), &table, error);
    if (status != SCB_OK)
        return status;
    struct shown shown = {.table = table, .json = &json, .error = &output};
    scb_json_begin(&json, &text);
    scb_json_open_object(&json, NULL);
    scb_json_open_array(&json, "checks");
    status = scb_backend_open(context, &backend, error);
    if (status == SCB_OK)
        status = backend->ops->health(backend, show, &shown, error);
    scb_backend_close(backend);
    if (!shown.any) /* refused, say */
        return status;
    scb_json_close_array(&json);
    scb_json_text(&json, "state", scb_health_state_name(shown.worst));
    scb_json_close_object(&json);
    if (context->json)
        shown.status = scb_output_json(&json, &output);
    else if (shown.status == SCB_OK)
        shown.status = scb_table_print(table, stdout, &output);
    if (status == SCB_OK && shown.status != SCB_OK)
        *error = output;
    return status != SCB_OK ? status : shown.status;
}
