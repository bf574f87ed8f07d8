/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Commands that read what backups there are: backup status, list.
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
#include "service/slot.h"
#include "view/backup_view.h"
#include "view/cell.h"

enum { MAX_TEXT = 256 * 1024 * 1024, WATCH_MS = 500 };

/* What `status` shows. */
struct shown {
    struct scb_backend *backend;
    struct scb_backup_record backup;
    enum scb_backend_work work; /* on a backup in progress */
    int64_t next_run_ms;        /* when the service makes the next one; 0: not shown */
};

struct page_rows {
    struct scb_json *json;
    struct scb_table *table;
};

static enum scb_status add_page(void *state, const struct scb_page_record *page,
                                struct scb_error *error)
{
    struct page_rows *rows = state;
    if (rows->json != NULL) {
        scb_json_open_object(rows->json, NULL);
        scb_view_page_columns(rows->json, page);
        scb_json_close_object(rows->json);
        return SCB_OK;
    }
    bool done = page->state == SCB_BACKUP_COMPLETED;
    char number[24], keys[32], size[32], checksum[65];
    (void)snprintf(number, sizeof(number), "%" PRIu64, page->page_number);
    scb_view_count(done ? (int64_t)page->keys_count : -1, keys, sizeof(keys));
    scb_view_size(done ? (int64_t)page->file_size : -1, size, sizeof(size));
    scb_text_hex(page->sha256, sizeof(page->sha256), checksum);
    return scb_table_add(rows->table,
                         (const char *[]){number, scb_backup_state_name(page->state), keys, size,
                                          done ? checksum : "-", page->error_message},
                         error);
}

static enum scb_status add_check(void *state, const struct scb_check_record *check,
                                 struct scb_error *error)
{
    (void)error;
    scb_view_check(state, check);
    return SCB_OK;
}

static enum scb_status status_json(const struct scb_command_context *context,
                                   const struct shown *shown, struct scb_error *error)
{
    const struct scb_backup_record *backup = &shown->backup;
    SCB_AUTO(buffer) struct scb_buffer text = {.max = MAX_TEXT};
    struct scb_json json;
    enum scb_status status = SCB_OK;
    scb_json_begin(&json, &text);
    scb_json_open_object(&json, NULL);
    scb_view_backup_columns(&json, backup);
    scb_view_backup_progress(&json, backup);
    if (shown->work == SCB_BACKEND_NOT_KNOWN)
        scb_json_null(&json, "interrupted");
    else
        scb_json_boolean(&json, "interrupted", shown->work == SCB_BACKEND_INTERRUPTED);
    if (shown->next_run_ms > 0) {
        char next[SCB_TIMESTAMP_SIZE];
        scb_timestamp_format(shown->next_run_ms, next);
        scb_json_text(&json, "next_run", next);
    }
    scb_json_open_array(&json, "checks");
    status = shown->backend->ops->checks(shown->backend, add_check, &json, error);
    scb_json_close_array(&json);
    if (status == SCB_OK && scb_command_option(context, "--pages") != NULL) {
        struct page_rows rows = {.json = &json};
        scb_json_open_array(&json, "pages");
        status = shown->backend->ops->pages(shown->backend, add_page, &rows, error);
        scb_json_close_array(&json);
    }
    scb_json_close_object(&json);
    return status == SCB_OK ? scb_output_json(&json, error) : status;
}

static void print_line(const char *name, const char *value)
{
    char printable[1200];
    if (value[0] != '\0')
        (void)printf("%-12s %s\n", name,
                     scb_text_printable((struct scb_bytes){(const uint8_t *)value, strlen(value)},
                                        printable, sizeof(printable)));
}

static void print_status(const struct shown *shown)
{
    const struct scb_backup_record *backup = &shown->backup;
    char text[96], done[32], total[32];
    print_line("backup", backup->backup_date);
    (void)snprintf(text, sizeof(text), "%s%s", scb_backup_state_name(backup->state),
                   shown->work == SCB_BACKEND_INTERRUPTED
                       ? " (interrupted: nobody works on it; backup retry goes on)"
                       : "");
    print_line("status", text);
    scb_view_count(backup->pages_completed, done, sizeof(done));
    scb_view_count(backup->total_pages, total, sizeof(total));
    (void)snprintf(text, sizeof(text), "%s of %s", done, total);
    print_line("pages", text);
    scb_view_count(backup->total_keys, text, sizeof(text));
    print_line("keys", text);
    if (backup->block_number >= 0) {
        (void)snprintf(text, sizeof(text), "%" PRId64 " %.66s", backup->block_number,
                       backup->block_hash);
        print_line("block", text);
    }
    scb_view_time(backup->created_at_ms, text, sizeof(text));
    print_line("started", text);
    scb_view_time(backup->completed_at_ms, text, sizeof(text));
    print_line("completed", text);
    print_line("archive", backup->backup_file_path);
    scb_view_size(backup->file_size, text, sizeof(text));
    print_line("size", text);
    print_line("sha256", backup->checksum);
    print_line("last error", backup->error_message);
    if (shown->next_run_ms > 0) {
        bool due = shown->next_run_ms <= scb_clock_real_ms(scb_clock_system());
        scb_view_time(shown->next_run_ms, text, sizeof(text));
        print_line("next run", due ? "due now" : text);
    }
}

static enum scb_status print_check(void *state, const struct scb_check_record *check,
                                   struct scb_error *error)
{
    (void)state;
    (void)error;
    static const char *const names[] = {[SCB_CHECK_VERIFY] = "verified",
                                        [SCB_CHECK_TEST_RESTORE] = "test restore",
                                        [SCB_CHECK_TEST_RESTORE_CHAIN] = "on a chain"};
    char time[64], text[sizeof(check->message) + 96];
    scb_view_time(check->checked_at_ms, time, sizeof(time));
    (void)snprintf(text, sizeof(text), "%s, %s%s%s", scb_verify_outcome_name(check->outcome), time,
                   check->message[0] == '\0' ? "" : ": ", check->message);
    print_line(names[check->kind], text);
    return SCB_OK;
}

static enum scb_status print_pages(struct scb_backend *backend, struct scb_error *error)
{
    static const struct scb_column columns[] = {{"PAGE", true},    {"STATUS", false},
                                                {"KEYS", true},    {"SIZE", true},
                                                {"SHA256", false}, {"ERROR", false}};
    SCB_AUTO(table) struct scb_table *table = NULL;
    enum scb_status status = scb_table_new(columns, SCB_LENGTH(columns), &table, error);
    struct page_rows rows = {.table = table};
    if (status == SCB_OK)
        status = backend->ops->pages(backend, add_page, &rows, error);
    return status != SCB_OK ? status : scb_table_print(table, stdout, error);
}

static enum scb_status look(const struct scb_command_context *context, struct shown *shown,
                            struct scb_error *error)
{
    return shown->backend->ops->find(shown->backend, scb_command_option(context, "--backup-date"),
                                     &shown->backup, &shown->work, error);
}

static void show_progress(struct scb_progress_line *line, const struct scb_backup_record *backup)
{
    int64_t pages = backup->pages_completed < 0 ? 0 : backup->pages_completed;
    int64_t total = backup->total_pages < 1 ? 1 : backup->total_pages;
    int64_t keys = backup->total_keys < 0 ? 0 : backup->total_keys;
    struct scb_run_progress progress = {
        .backup_date = backup->backup_date,
        .pages = (uint64_t)pages,
        .total_pages = (uint64_t)total,
        .keys = (uint64_t)((double)keys * (double)pages / (double)total),
        .total_keys = (uint64_t)keys,
        .elapsed_ms = scb_clock_real_ms(scb_clock_system()) - backup->created_at_ms};
    scb_progress_show(line, &progress);
}

/* Shows how far the backup is until nobody works on it any more. */
static enum scb_status watch(const struct scb_command_context *context, struct shown *shown,
                             struct scb_error *error)
{
    struct scb_progress_line line;
    scb_progress_begin(&line, context);
    enum scb_status status = look(context, shown, error);
    while (status == SCB_OK && shown->backup.state == SCB_BACKUP_IN_PROGRESS &&
           shown->work != SCB_BACKEND_INTERRUPTED) {
        show_progress(&line, &shown->backup);
        if (scb_cancel_sleep(context->cancel, WATCH_MS))
            status = scb_error_set(error, SCB_ERROR_CANCELED, "interrupted");
        else
            status = look(context, shown, error);
    }
    scb_progress_end(&line);
    if (status != SCB_OK || shown->work != SCB_BACKEND_INTERRUPTED)
        return status;
    const char *backup_date = shown->backup.backup_date;
    scb_error_set(error, SCB_ERROR_CANCELED, "backup %s was interrupted, nobody works on it",
                  backup_date);
    error->retryable = true;
    return scb_error_hint(error, "satellite backup retry --backup-date %s goes on with it",
                          backup_date);
}

static enum scb_status show_status(const struct scb_command_context *context, struct shown *shown,
                                   struct scb_error *error)
{
    struct scb_backend *backend = shown->backend;
    if (context->json)
        return status_json(context, shown, error);
    print_status(shown);
    enum scb_status status = backend->ops->checks(backend, print_check, NULL, error);
    if (status == SCB_OK && scb_command_option(context, "--pages") != NULL)
        status = print_pages(backend, error);
    return status;
}

/* Due is the present slot's backup, whatever newer ones there are: --force names its own. */
static enum scb_status find_next_run(struct shown *shown, struct scb_error *error)
{
    struct scb_backend *backend = shown->backend;
    struct scb_backup_record of_slot;
    enum scb_backend_work work;
    struct scb_error none = {0};
    int64_t interval_ms = 0;
    enum scb_status status = backend->ops->interval(backend, &interval_ms, error);
    if (status != SCB_OK)
        return status;
    struct scb_slot slot = scb_slot_at(scb_clock_real_ms(scb_clock_system()), interval_ms);
    status = backend->ops->find(backend, slot.backup_date, &of_slot, &work, &none);
    if (status != SCB_OK && status != SCB_ERROR_NOT_FOUND) {
        *error = none;
        return status;
    }
    bool done = status == SCB_OK && of_slot.state == SCB_BACKUP_COMPLETED;
    shown->next_run_ms = done ? slot.end_ms : slot.start_ms;
    /* What is asked for next is of the backup that was found last. */
    return backend->ops->find(backend, shown->backup.backup_date, &shown->backup, &shown->work,
                              error);
}

enum scb_status scb_command_backup_status(const struct scb_command_context *context,
                                          struct scb_error *error)
{
    struct shown shown = {0};
    enum scb_status status = scb_backend_open(context, &shown.backend, error);
    if (status == SCB_OK)
        status = scb_command_option(context, "--watch") != NULL ? watch(context, &shown, error)
                                                                : look(context, &shown, error);
    if (status == SCB_OK && scb_command_option(context, "--backup-date") == NULL)
        status = find_next_run(&shown, error);
    if (status == SCB_OK)
        status = show_status(context, &shown, error);
    scb_backend_close(shown.backend);
    return status;
}

struct backup_rows {
    struct scb_json *json;
    struct scb_table *table;
};

static enum scb_status add_backup(void *state, const struct scb_backup_record *backup,
                                  struct scb_error *error)
{
    struct backup_rows *rows = state;
    if (rows->json != NULL) {
        scb_json_open_object(rows->json, NULL);
        scb_view_backup_columns(rows->json, backup);
        scb_json_boolean(rows->json, "held", backup->held);
        scb_json_close_object(rows->json);
        return SCB_OK;
    }
    char keys[32], pages[32], size[32], completed[32];
    scb_view_count(backup->total_keys, keys, sizeof(keys));
    scb_view_count(backup->total_pages, pages, sizeof(pages));
    scb_view_size(backup->file_size, size, sizeof(size));
    scb_view_time(backup->completed_at_ms, completed, sizeof(completed));
    return scb_table_add(rows->table,
                         (const char *[]){backup->backup_date, scb_backup_state_name(backup->state),
                                          keys, pages, size, completed, backup->held ? "held" : "",
                                          backup->error_message},
                         error);
}

static enum scb_status list_json(struct scb_backend *backend, uint64_t limit,
                                 struct scb_error *error)
{
    SCB_AUTO(buffer) struct scb_buffer text = {.max = MAX_TEXT};
    struct scb_json json;
    struct backup_rows rows = {.json = &json};
    scb_json_begin(&json, &text);
    scb_json_open_array(&json, NULL);
    enum scb_status status = backend->ops->list(backend, limit, add_backup, &rows, error);
    scb_json_close_array(&json);
    return status == SCB_OK ? scb_output_json(&json, error) : status;
}

static enum scb_status list_table(struct scb_backend *backend, uint64_t limit,
                                  struct scb_error *error)
{
    static const struct scb_column columns[] = {
        {"BACKUP", false}, {"STATUS", false},    {"KEYS", true},  {"PAGES", true},
        {"SIZE", true},    {"COMPLETED", false}, {"HELD", false}, {"LAST ERROR", false}};
    SCB_AUTO(table) struct scb_table *table = NULL;
    enum scb_status status = scb_table_new(columns, SCB_LENGTH(columns), &table, error);
    struct backup_rows rows = {.table = table};
    if (status == SCB_OK)
        status = backend->ops->list(backend, limit, add_backup, &rows, error);
    return status != SCB_OK ? status : scb_table_print(table, stdout, error);
}

static enum scb_status rescan(const struct scb_command_context *context, struct scb_error *error)
{
    struct scb_service *service = NULL;
    enum scb_status status = scb_command_service(context, &service, error);
    if (status == SCB_OK)
        status = scb_service_rescan(service, error);
    scb_service_free(service);
    return status;
}

enum scb_status scb_command_backup_list(const struct scb_command_context *context,
                                        struct scb_error *error)
{
    uint64_t limit = 0;
    const char *limit_text = scb_command_option(context, "--limit");
    if (limit_text != NULL && scb_text_parse_u64(limit_text, &limit, error) != SCB_OK) {
        scb_error_wrap(error, "--limit");
        error->status = SCB_ERROR_USAGE;
        return error->status;
    }
    enum scb_status status = SCB_OK;
    if (scb_command_option(context, "--rescan") != NULL)
        status = rescan(context, error);
    if (status != SCB_OK)
        return status;
    struct scb_backend *backend = NULL;
    status = scb_backend_open(context, &backend, error);
    if (status != SCB_OK)
        return status;
    status = context->json ? list_json(backend, limit, error) : list_table(backend, limit, error);
    scb_backend_close(backend);
    return status;
}
