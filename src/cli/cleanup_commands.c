/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Commands that keep house: backup cleanup, hold, release, storage status.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "base/text.h"
#include "cli/backend.h"
#include "cli/handlers.h"
#include "cli/open.h"
#include "cli/output.h"
#include "view/cell.h"

enum { MAX_TEXT = 64 * 1024 * 1024 };

/* Where rows go: one of the two. */
struct rows {
    struct scb_json *json;
    struct scb_table *table;
    uint64_t deleted, freed_bytes;
};

/* --- cleanup --- */

static enum scb_status read_count(const struct scb_command_context *context, const char *flag,
                                  uint64_t *ret_count, struct scb_error *error)
{
    const char *text = scb_command_option(context, flag);
    if (text == NULL || scb_text_parse_u64(text, ret_count, error) == SCB_OK)
        return SCB_OK;
    error->status = SCB_ERROR_USAGE;
    return scb_error_wrap(error, "%s", flag);
}

static enum scb_status read_options(const struct scb_command_context *context,
                                    struct scb_cleanup_options *options, struct scb_error *error)
{
    struct scb_retention_policy *policy = &options->policy;
    const char *age = scb_command_option(context, "--older-than");
    options->allow_shrunk = scb_command_option(context, "--allow-shrunk") != NULL;
    options->dry_run = scb_command_option(context, "--dry-run") != NULL;
    policy->older_than_ms = -1;
    if (age == NULL && context->client == NULL &&
        scb_config_integer(context->config, "backup.retention_days") == 0) {
        scb_error_set(error, SCB_ERROR_USAGE,
                      "--older-than is missing, and backup.retention_days is 0");
        return scb_error_hint(error, "satellite backup cleanup --older-than 30d --dry-run");
    }
    if (age != NULL && scb_text_parse_duration_ms(age, &policy->older_than_ms, error) != SCB_OK) {
        error->status = SCB_ERROR_USAGE;
        return scb_error_wrap(error, "--older-than");
    }
    enum scb_status status = read_count(context, "--keep-daily", &policy->keep_daily, error);
    if (status == SCB_OK)
        status = read_count(context, "--keep-weekly", &policy->keep_weekly, error);
    if (status == SCB_OK)
        status = read_count(context, "--keep-monthly", &policy->keep_monthly, error);
    return status;
}

static enum scb_status add_decision(void *state, const struct scb_cleanup_entry *entry,
                                    struct scb_error *error)
{
    struct rows *rows = state;
    const char *action = scb_cleanup_action_name(entry->action);
    if (entry->action == SCB_CLEANUP_DELETED || entry->action == SCB_CLEANUP_WOULD_DELETE) {
        rows->deleted++;
        rows->freed_bytes += entry->bytes;
    }
    if (rows->json != NULL) {
        scb_json_open_object(rows->json, NULL);
        scb_json_text(rows->json, "backup_date", entry->backup_date);
        scb_json_unsigned(rows->json, "size", entry->bytes);
        scb_json_text(rows->json, "action", action);
        scb_json_text(rows->json, "reason", entry->reason);
        scb_json_close_object(rows->json);
        return SCB_OK;
    }
    char size[32];
    scb_view_size((int64_t)entry->bytes, size, sizeof(size));
    return scb_table_add(rows->table,
                         (const char *[]){entry->backup_date, size, action, entry->reason}, error);
}

static enum scb_status cleanup_json(struct scb_backend *backend,
                                    const struct scb_cleanup_options *options,
                                    struct scb_error *error)
{
    SCB_AUTO(buffer) struct scb_buffer text = {.max = MAX_TEXT};
    struct scb_json json;
    struct rows rows = {.json = &json};
    scb_json_begin(&json, &text);
    scb_json_open_object(&json, NULL);
    scb_json_boolean(&json, "dry_run", options->dry_run);
    scb_json_open_array(&json, "backups");
    enum scb_status status = backend->ops->cleanup(backend, options, add_decision, &rows, error);
    scb_json_close_array(&json);
    scb_json_unsigned(&json, "deleted", rows.deleted);
    scb_json_unsigned(&json, "freed_bytes", rows.freed_bytes);
    scb_json_close_object(&json);
    return status == SCB_OK ? scb_output_json(&json, error) : status;
}

static enum scb_status cleanup_table(struct scb_backend *backend,
                                     const struct scb_cleanup_options *options, bool quiet,
                                     struct scb_error *error)
{
    static const struct scb_column columns[] = {
        {"BACKUP", false}, {"SIZE", true}, {"ACTION", false}, {"REASON", false}};
    SCB_AUTO(table) struct scb_table *table = NULL;
    enum scb_status status = scb_table_new(columns, SCB_LENGTH(columns), &table, error);
    struct rows rows = {.table = table};
    if (status == SCB_OK)
        status = backend->ops->cleanup(backend, options, add_decision, &rows, error);
    if (status != SCB_OK || quiet)
        return status;
    status = scb_table_print(table, stdout, error);
    char size[32];
    scb_text_format_size_short(rows.freed_bytes, size, sizeof(size));
    (void)printf("\n%" PRIu64 " %s, %s\n", rows.deleted,
                 options->dry_run ? "would be deleted" : "deleted", size);
    return status;
}

enum scb_status scb_command_backup_cleanup(const struct scb_command_context *context,
                                           struct scb_error *error)
{
    struct scb_cleanup_options options = {0};
    struct scb_backend *backend = NULL;
    enum scb_status status = read_options(context, &options, error);
    if (status == SCB_OK)
        status = scb_backend_open(context, &backend, error);
    if (status != SCB_OK)
        return status;
    status = context->json ? cleanup_json(backend, &options, error)
                           : cleanup_table(backend, &options, context->quiet, error);
    scb_backend_close(backend);
    return status;
}

/* --- hold and release --- */

static enum scb_status set_held(const struct scb_command_context *context, bool held,
                                struct scb_error *error)
{
    const char *backup_date = context->arguments[0];
    struct scb_service *service = NULL;
    enum scb_status status = scb_command_service(context, &service, error);
    if (status != SCB_OK)
        return status;
    status = scb_service_hold(service, backup_date, held, error);
    scb_service_free(service);
    if (status != SCB_OK)
        return status;
    if (!context->json) {
        if (!context->quiet)
            (void)printf("Backup %s is %s\n", backup_date,
                         held ? "held: cleanup leaves it" : "no longer held");
        return SCB_OK;
    }
    SCB_AUTO(buffer) struct scb_buffer text = {.max = MAX_TEXT};
    struct scb_json json;
    scb_json_begin(&json, &text);
    scb_json_open_object(&json, NULL);
    scb_json_text(&json, "backup_date", backup_date);
    scb_json_boolean(&json, "held", held);
    scb_json_close_object(&json);
    return scb_output_json(&json, error);
}

enum scb_status scb_command_backup_hold(const struct scb_command_context *context,
                                        struct scb_error *error)
{
    return set_held(context, true, error);
}

enum scb_status scb_command_backup_release(const struct scb_command_context *context,
                                           struct scb_error *error)
{
    return set_held(context, false, error);
}

/* --- storage status --- */

static enum scb_status add_storage(void *state, const struct scb_storage_backup *backup,
                                   struct scb_error *error)
{
    struct rows *rows = state;
    const char *status = backup->known ? scb_backup_state_name(backup->state) : "unknown";
    if (rows->json != NULL) {
        scb_json_open_object(rows->json, NULL);
        scb_json_text(rows->json, "backup_date", backup->backup_date);
        scb_json_text(rows->json, "status", status);
        scb_json_unsigned(rows->json, "size", backup->bytes);
        if (backup->total_keys >= 0)
            scb_json_integer(rows->json, "total_keys", backup->total_keys);
        else
            scb_json_null(rows->json, "total_keys");
        scb_json_boolean(rows->json, "held", backup->held);
        scb_json_close_object(rows->json);
        return SCB_OK;
    }
    char size[32], keys[32];
    scb_view_size((int64_t)backup->bytes, size, sizeof(size));
    scb_view_count(backup->total_keys, keys, sizeof(keys));
    return scb_table_add(
        rows->table,
        (const char *[]){backup->backup_date, status, keys, size, backup->held ? "held" : ""},
        error);
}

static enum scb_status storage_json(struct scb_backend *backend, struct scb_error *error)
{
    SCB_AUTO(buffer) struct scb_buffer text = {.max = MAX_TEXT};
    struct scb_json json;
    struct rows rows = {.json = &json};
    struct scb_storage_status sums;
    scb_json_begin(&json, &text);
    scb_json_open_object(&json, NULL);
    scb_json_open_array(&json, "backups");
    enum scb_status status = backend->ops->storage(backend, add_storage, &rows, &sums, error);
    if (status != SCB_OK)
        return status;
    scb_json_close_array(&json);
    scb_json_unsigned(&json, "used_bytes", sums.used_bytes);
    scb_json_unsigned(&json, "free_bytes", sums.free_bytes);
    scb_json_count(&json, "bytes_per_backup", sums.bytes_per_backup);
    scb_json_count(&json, "days_until_full", sums.days_until_full);
    scb_json_close_object(&json);
    return scb_output_json(&json, error);
}

static enum scb_status storage_table(struct scb_backend *backend, struct scb_error *error)
{
    static const struct scb_column columns[] = {
        {"BACKUP", false}, {"STATUS", false}, {"KEYS", true}, {"SIZE", true}, {"HELD", false}};
    SCB_AUTO(table) struct scb_table *table = NULL;
    struct scb_storage_status sums;
    enum scb_status status = scb_table_new(columns, SCB_LENGTH(columns), &table, error);
    struct rows rows = {.table = table};
    if (status == SCB_OK)
        status = backend->ops->storage(backend, add_storage, &rows, &sums, error);
    if (status == SCB_OK)
        status = scb_table_print(table, stdout, error);
    if (status != SCB_OK)
        return status;
    char text[32];
    scb_text_format_size_short(sums.used_bytes, text, sizeof(text));
    (void)printf("\n%-18s %s in %" PRIu64 " backups\n", "used", text, sums.backups);
    scb_text_format_size_short(sums.free_bytes, text, sizeof(text));
    (void)printf("%-18s %s\n", "free", text);
    scb_view_size(sums.bytes_per_backup, text, sizeof(text));
    (void)printf("%-18s %s\n", "growth per backup", text);
    scb_view_count(sums.days_until_full, text, sizeof(text));
    (void)printf("%-18s %s\n", "days until full", text);
    return SCB_OK;
}

enum scb_status scb_command_storage_status(const struct scb_command_context *context,
                                           struct scb_error *error)
{
    struct scb_backend *backend = NULL;
    enum scb_status status = scb_backend_open(context, &backend, error);
    if (status != SCB_OK)
        return status;
    status = context->json ? storage_json(backend, error) : storage_table(backend, error);
    scb_backend_close(backend);
    return status;
}
