/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The routes that show what the backups take, and what a cleanup would remove.
 */
#include "web/rows.h"
#include "web/view.h"

static enum scb_status add_storage(void *state, const struct scb_storage_backup *backup,
                                   struct scb_error *error)
{
    struct scb_web_rows *rows = state;
    struct scb_json *json = &rows->call->json;
    (void)error;
    if (!scb_web_rows_take_backup(rows, backup->backup_date))
        return SCB_OK; /* it is in the sums */
    scb_json_open_object(json, NULL);
    scb_json_text(json, "backup_date", backup->backup_date);
    scb_json_boolean(json, "known", backup->known);
    scb_json_text(json, "status", backup->known ? scb_backup_state_name(backup->state) : NULL);
    scb_json_boolean(json, "held", backup->held);
    scb_json_count(json, "total_keys", backup->total_keys);
    scb_json_unsigned(json, "size", backup->bytes);
    scb_json_close_object(json);
    return SCB_OK;
}

static void write_sums(struct scb_json *json, const struct scb_storage_status *storage, bool none)
{
    scb_json_unsigned(json, "total_backups", storage->backups);
    scb_json_unsigned(json, "used_bytes", storage->used_bytes);
    if (none)
        scb_json_null(json, "free_bytes");
    else
        scb_json_unsigned(json, "free_bytes", storage->free_bytes);
    scb_json_count(json, "bytes_per_backup", none ? -1 : storage->bytes_per_backup);
    scb_json_count(json, "days_until_full", none ? -1 : storage->days_until_full);
}

enum scb_status scb_web_storage(struct scb_web_call *call, struct scb_error *error)
{
    struct scb_web_rows rows;
    struct scb_storage_status storage = {0};
    struct scb_error problem = {0};
    enum scb_status status =
        scb_web_only(call, (const char *const[]){"before", "limit", NULL}, error);
    if (status == SCB_OK)
        status = scb_web_rows_of_backups(call, &rows, error);
    if (status != SCB_OK)
        return status;
    scb_json_open_object(&call->json, NULL);
    scb_json_open_array(&call->json, "backups");
    status = scb_service_storage(call->desk->service, add_storage, &rows, &storage, &problem);
    bool none = status == SCB_ERROR_NOT_FOUND; /* before the first backup */
    if (status != SCB_OK && !none) {
        *error = problem;
        return status;
    }
    scb_json_close_array(&call->json);
    status = scb_web_rows_end(&rows, SCB_OK, error);
    write_sums(&call->json, &storage, none);
    scb_json_close_object(&call->json);
    return status;
}

static enum scb_status add_decision(void *state, const struct scb_cleanup_entry *entry,
                                    struct scb_error *error)
{
    struct scb_web_rows *rows = state;
    struct scb_json *json = &rows->call->json;
    (void)error;
    if (!scb_web_rows_take_backup(rows, entry->backup_date))
        return SCB_OK;
    scb_json_open_object(json, NULL);
    scb_json_text(json, "backup_date", entry->backup_date);
    scb_json_unsigned(json, "size", entry->bytes);
    scb_json_text(json, "action", scb_cleanup_action_name(entry->action));
    scb_json_text(json, "reason", entry->reason);
    scb_json_close_object(json);
    return SCB_OK;
}

static enum scb_status take_shrunk(const struct scb_web_call *call, bool *ret_allowed,
                                   struct scb_error *error)
{
    const char *text = scb_web_target_param(&call->target, "allow_shrunk");
    *ret_allowed = text != NULL && strcmp(text, "true") == 0;
    if (text == NULL || *ret_allowed || strcmp(text, "false") == 0)
        return SCB_OK;
    return scb_error_set(error, SCB_ERROR_VALIDATION, "allow_shrunk: neither true nor false");
}

static enum scb_status take_policy(const struct scb_web_call *call,
                                   struct scb_retention_policy *policy, struct scb_error *error)
{
    enum scb_status status =
        scb_web_age(call, scb_web_target_param(&call->target, "older_than"), policy, error);
    if (status == SCB_OK)
        status = scb_web_number(call, "keep_daily", 0, 100000, 0, &policy->keep_daily, error);
    if (status == SCB_OK)
        status = scb_web_number(call, "keep_weekly", 0, 100000, 0, &policy->keep_weekly, error);
    if (status == SCB_OK)
        status = scb_web_number(call, "keep_monthly", 0, 100000, 0, &policy->keep_monthly, error);
    return status;
}

enum scb_status scb_web_cleanup_plan(struct scb_web_call *call, struct scb_error *error)
{
    struct scb_web_rows rows;
    struct scb_cleanup_options options = {.dry_run = true};
    enum scb_status status =
        scb_web_only(call,
                     (const char *const[]){"older_than", "keep_daily", "keep_weekly",
                                           "keep_monthly", "allow_shrunk", "before", "limit", NULL},
                     error);
    if (status == SCB_OK)
        status = take_policy(call, &options.policy, error);
    if (status == SCB_OK)
        status = take_shrunk(call, &options.allow_shrunk, error);
    if (status == SCB_OK)
        status = scb_web_rows_of_backups(call, &rows, error);
    if (status != SCB_OK)
        return status;
    scb_json_open_object(&call->json, NULL);
    scb_json_open_array(&call->json, "backups");
    status = scb_service_cleanup(call->desk->service, &options, add_decision, &rows, error);
    scb_json_close_array(&call->json);
    if (status == SCB_ERROR_INTEGRITY) /* nor would the cleanup be done */
        call->reply->status = 409;
    if (status == SCB_OK)
        status = scb_web_rows_end(&rows, status, error);
    scb_json_close_object(&call->json);
    return status;
}
