/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Commands that make a backup: backup run, backup retry.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/json.h"
#include "base/memory.h"
#include "base/text.h"
#include "cli/backend.h"
#include "cli/handlers.h"
#include "cli/output.h"
#include "view/backup_view.h"
#include "view/cell.h"

enum { MAX_TEXT = 64 * 1024 };

static enum scb_status print_json(const struct scb_backup_result *result, bool dry_run,
                                  struct scb_error *error)
{
    SCB_AUTO(buffer) struct scb_buffer text = {.max = MAX_TEXT};
    struct scb_json json;
    scb_json_begin(&json, &text);
    scb_json_open_object(&json, NULL);
    if (dry_run) {
        scb_json_boolean(&json, "dry_run", true);
        scb_json_text(&json, "backup_date", result->backup.backup_date);
        scb_json_integer(&json, "total_keys", result->backup.total_keys);
        scb_json_integer(&json, "total_pages", result->backup.total_pages);
        scb_json_integer(&json, "block_number", result->backup.block_number);
        scb_json_text(&json, "block_chosen", result->pin.reason);
    } else {
        scb_view_backup_columns(&json, &result->backup);
        scb_view_backup_progress(&json, &result->backup);
        scb_json_boolean(&json, "already_done", result->already_done);
        scb_json_boolean(&json, "resumed", result->resumed);
        scb_json_unsigned(&json, "reused_pages", result->reused_pages);
        scb_json_unsigned(&json, "repins", result->repins);
        scb_json_integer(&json, "duration_ms", result->duration_ms);
    }
    scb_json_close_object(&json);
    return scb_output_json(&json, error);
}

static void print_text(const struct scb_command_context *context,
                       const struct scb_backup_result *result, bool dry_run)
{
    const struct scb_backup_record *backup = &result->backup;
    char keys[32], pages[32], size[32], duration[32];
    scb_view_count(backup->total_keys, keys, sizeof(keys));
    scb_view_count(backup->total_pages, pages, sizeof(pages));
    scb_view_size(backup->file_size, size, sizeof(size));
    scb_text_format_elapsed(result->duration_ms, duration, sizeof(duration));
    if (dry_run) {
        (void)printf("Would back up %s keys in %s pages at block %" PRId64 " (%s) as %s\n", keys,
                     pages, backup->block_number, result->pin.reason, backup->backup_date);
    } else if (result->already_done) {
        (void)printf("Backup %s is done already: %s keys, %s; --force makes another\n",
                     backup->backup_date, keys, size);
    } else {
        (void)printf("Backup %s completed: %s keys in %s pages, %s, block %" PRId64 ", %s\n",
                     backup->backup_date, keys, pages, size, backup->block_number, duration);
        (void)printf("%s/%s\n", scb_config_text(context->config, "backup.backup_dir"),
                     backup->backup_file_path);
    }
}

static enum scb_status read_lock_wait(const struct scb_command_context *context, int64_t *ret_ms,
                                      struct scb_error *error)
{
    const char *text = scb_command_option(context, "--lock-wait");
    if (text == NULL || scb_text_parse_duration_ms(text, ret_ms, error) == SCB_OK)
        return SCB_OK;
    error->status = SCB_ERROR_USAGE;
    return scb_error_wrap(error, "--lock-wait");
}

static enum scb_status make_backup(const struct scb_command_context *context,
                                   struct scb_backup_options *options, struct scb_error *error)
{
    struct scb_backend *backend = NULL;
    struct scb_backup_result result;
    enum scb_status status = read_lock_wait(context, &options->lock_wait_ms, error);
    if (status == SCB_OK)
        status = scb_backend_open(context, &backend, error);
    if (status == SCB_OK)
        status = backend->ops->backup(backend, options, &result, error);
    scb_backend_close(backend);
    if (status != SCB_OK)
        return status;
    if (context->json)
        return print_json(&result, options->dry_run, error);
    if (!context->quiet)
        print_text(context, &result, options->dry_run);
    return SCB_OK;
}

enum scb_status scb_command_backup_run(const struct scb_command_context *context,
                                       struct scb_error *error)
{
    struct scb_backup_options options = {
        .backup_date = scb_command_option(context, "--backup-date"),
        .force = scb_command_option(context, "--force") != NULL,
        .dry_run = scb_command_option(context, "--dry-run") != NULL};
    if (options.force && options.backup_date != NULL)
        return scb_error_set(error, SCB_ERROR_USAGE,
                             "--force names the backup itself; leave --backup-date out");
    return make_backup(context, &options, error);
}

enum scb_status scb_command_backup_retry(const struct scb_command_context *context,
                                         struct scb_error *error)
{
    struct scb_backup_options options = {
        .backup_date = scb_command_option(context, "--backup-date"), .retry = true};
    return make_backup(context, &options, error);
}
