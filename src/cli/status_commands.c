/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Commands that read what backups there are and what is in them: backup status, list, get.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/json.h"
#include "base/memory.h"
#include "base/text.h"
#include "cli/backup_view.h"
#include "cli/handlers.h"
#include "cli/output.h"
#include "cli/progress.h"
#include "scb/service.h"
#include "service/slot.h"

enum { MAX_TEXT = 256 * 1024 * 1024, WATCH_MS = 500 };

static enum scb_status open_catalog(const struct scb_command_context *context,
                                    struct scb_catalog **ret_catalog, struct scb_error *error)
{
    return scb_catalog_open(scb_config_text(context->config, "database.url"), false, ret_catalog,
                            error);
}

/* When the service would make the next backup, given the newest one. */
static int64_t next_run_ms(const struct scb_command_context *context,
                           const struct scb_backup_record *newest)
{
    int64_t now_ms = scb_clock_real_ms(scb_clock_system());
    struct scb_slot slot =
        scb_slot_at(now_ms, scb_config_integer(context->config, "backup.chore_interval"));
    bool done =
        newest->state == SCB_BACKUP_COMPLETED && strcmp(newest->backup_date, slot.backup_date) >= 0;
    return done ? slot.end_ms : slot.start_ms;
}

struct page_rows {
    struct scb_json *json;
    struct scb_table *table;
    const char *backup_date;
};

static enum scb_status add_page(void *state, const struct scb_page_record *page,
                                struct scb_error *error)
{
    struct page_rows *rows = state;
    if (rows->json != NULL) {
        scb_json_open_object(rows->json, NULL);
        scb_view_page_columns(rows->json, rows->backup_date, page);
        scb_json_close_object(rows->json);
        return SCB_OK;
    }
    char number[24], keys[32], size[32], checksum[65];
    (void)snprintf(number, sizeof(number), "%" PRIu64, page->page_number);
    scb_view_count((int64_t)page->keys_count, keys, sizeof(keys));
    scb_view_size((int64_t)page->file_size, size, sizeof(size));
    scb_text_hex(page->sha256, sizeof(page->sha256), checksum);
    return scb_table_add(
        rows->table,
        (const char *[]){number, scb_backup_state_name(page->state), keys, size, checksum}, error);
}

static enum scb_status add_check(void *state, const struct scb_check_record *check,
                                 struct scb_error *error)
{
    (void)error;
    struct scb_json *json = state;
    char checked_at[SCB_TIMESTAMP_SIZE];
    scb_timestamp_format(check->checked_at_ms, checked_at);
    scb_json_open_object(json, NULL);
    scb_json_text(json, "kind", scb_check_kind_name(check->kind));
    scb_json_text(json, "checked_at", checked_at);
    scb_json_text(json, "outcome", scb_verify_outcome_name(check->outcome));
    scb_json_unsigned(json, "keys", check->keys);
    scb_json_integer(json, "duration_ms", check->duration_ms);
    scb_json_text(json, "message", check->message[0] == '\0' ? NULL : check->message);
    scb_json_close_object(json);
    return SCB_OK;
}

static enum scb_status status_json(const struct scb_command_context *context,
                                   struct scb_catalog *catalog,
                                   const struct scb_backup_record *backup, bool with_next,
                                   struct scb_error *error)
{
    SCB_AUTO(buffer) struct scb_buffer text = {.max = MAX_TEXT};
    struct scb_json json;
    enum scb_status status = SCB_OK;
    scb_json_begin(&json, &text);
    scb_json_open_object(&json, NULL);
    scb_view_backup_columns(&json, backup);
    scb_view_backup_progress(&json, backup);
    if (with_next) {
        char next[SCB_TIMESTAMP_SIZE];
        scb_timestamp_format(next_run_ms(context, backup), next);
        scb_json_text(&json, "next_run", next);
    }
    scb_json_open_array(&json, "checks");
    status = scb_catalog_checks(catalog, backup->backup_date, add_check, &json, error);
    scb_json_close_array(&json);
    if (status == SCB_OK && scb_command_option(context, "--pages") != NULL) {
        struct page_rows rows = {.json = &json, .backup_date = backup->backup_date};
        scb_json_open_array(&json, "pages");
        status = scb_catalog_pages(catalog, backup->backup_date, add_page, &rows, error);
        scb_json_close_array(&json);
    }
    scb_json_close_object(&json);
    if (status == SCB_OK)
        status = scb_json_finish(&json, error);
    if (status == SCB_OK)
        scb_output_json(&text);
    return status;
}

static void print_line(const char *name, const char *value)
{
    char printable[1200];
    if (value[0] != '\0')
        (void)printf("%-12s %s\n", name,
                     scb_text_printable((struct scb_bytes){(const uint8_t *)value, strlen(value)},
                                        printable, sizeof(printable)));
}

static void print_status(const struct scb_command_context *context,
                         const struct scb_backup_record *backup, bool with_next)
{
    char text[96], done[32], total[32];
    print_line("backup", backup->backup_date);
    print_line("status", scb_backup_state_name(backup->state));
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
    if (with_next) {
        int64_t next_ms = next_run_ms(context, backup);
        bool due = next_ms <= scb_clock_real_ms(scb_clock_system());
        scb_view_time(next_ms, text, sizeof(text));
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

static enum scb_status print_pages(struct scb_catalog *catalog, const char *backup_date,
                                   struct scb_error *error)
{
    static const struct scb_column columns[] = {
        {"PAGE", true}, {"STATUS", false}, {"KEYS", true}, {"SIZE", true}, {"SHA256", false}};
    SCB_AUTO(table) struct scb_table *table = NULL;
    enum scb_status status = scb_table_new(columns, SCB_LENGTH(columns), &table, error);
    struct page_rows rows = {.table = table};
    if (status == SCB_OK)
        status = scb_catalog_pages(catalog, backup_date, add_page, &rows, error);
    return status != SCB_OK ? status : scb_table_print(table, stdout, error);
}

static enum scb_status read_backup(const struct scb_command_context *context,
                                   struct scb_catalog *catalog,
                                   struct scb_backup_record *ret_backup, struct scb_error *error)
{
    const char *backup_date = scb_command_option(context, "--backup-date");
    if (backup_date == NULL)
        return scb_catalog_newest(catalog, false, ret_backup, error);
    enum scb_status status = scb_backup_date_parse(backup_date, NULL, error);
    return status != SCB_OK ? status : scb_catalog_get(catalog, backup_date, ret_backup, error);
}

/* Shows how far the backup is until it is no longer in progress. */
static enum scb_status watch(const struct scb_command_context *context, struct scb_catalog *catalog,
                             struct scb_backup_record *backup, struct scb_error *error)
{
    struct scb_progress_line line;
    scb_progress_begin(&line, context);
    enum scb_status status = read_backup(context, catalog, backup, error);
    while (status == SCB_OK && backup->state == SCB_BACKUP_IN_PROGRESS) {
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
        scb_progress_show(&line, &progress);
        if (scb_cancel_sleep(context->cancel, WATCH_MS)) {
            status = scb_error_set(error, SCB_ERROR_CANCELED, "interrupted");
            break;
        }
        status = read_backup(context, catalog, backup, error);
    }
    scb_progress_end(&line);
    return status;
}

enum scb_status scb_command_backup_status(const struct scb_command_context *context,
                                          struct scb_error *error)
{
    struct scb_catalog *catalog = NULL;
    struct scb_backup_record backup;
    enum scb_status status = open_catalog(context, &catalog, error);
    if (status != SCB_OK)
        return status;
    bool with_next = scb_command_option(context, "--backup-date") == NULL;
    if (scb_command_option(context, "--watch") != NULL)
        status = watch(context, catalog, &backup, error);
    else
        status = read_backup(context, catalog, &backup, error);
    if (status == SCB_OK && context->json) {
        status = status_json(context, catalog, &backup, with_next, error);
    } else if (status == SCB_OK) {
        print_status(context, &backup, with_next);
        status = scb_catalog_checks(catalog, backup.backup_date, print_check, NULL, error);
        if (status == SCB_OK && scb_command_option(context, "--pages") != NULL)
            status = print_pages(catalog, backup.backup_date, error);
    }
    scb_catalog_close(catalog);
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

static enum scb_status list_json(struct scb_catalog *catalog, uint64_t limit,
                                 struct scb_error *error)
{
    SCB_AUTO(buffer) struct scb_buffer text = {.max = MAX_TEXT};
    struct scb_json json;
    struct backup_rows rows = {.json = &json};
    scb_json_begin(&json, &text);
    scb_json_open_array(&json, NULL);
    enum scb_status status =
        catalog == NULL ? SCB_OK : scb_catalog_list(catalog, limit, add_backup, &rows, error);
    scb_json_close_array(&json);
    if (status == SCB_OK)
        status = scb_json_finish(&json, error);
    if (status == SCB_OK)
        scb_output_json(&text);
    return status;
}

static enum scb_status list_table(struct scb_catalog *catalog, uint64_t limit,
                                  struct scb_error *error)
{
    static const struct scb_column columns[] = {
        {"BACKUP", false}, {"STATUS", false},    {"KEYS", true},  {"PAGES", true},
        {"SIZE", true},    {"COMPLETED", false}, {"HELD", false}, {"LAST ERROR", false}};
    SCB_AUTO(table) struct scb_table *table = NULL;
    enum scb_status status = scb_table_new(columns, SCB_LENGTH(columns), &table, error);
    struct backup_rows rows = {.table = table};
    if (status == SCB_OK && catalog != NULL)
        status = scb_catalog_list(catalog, limit, add_backup, &rows, error);
    return status != SCB_OK ? status : scb_table_print(table, stdout, error);
}

static enum scb_status rescan(const struct scb_command_context *context, struct scb_error *error)
{
    struct scb_service_parts parts = {
        .config = context->config, .log = context->log, .cancel = context->cancel};
    struct scb_service *service = NULL;
    enum scb_status status = scb_service_new(&parts, &service, error);
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
    struct scb_catalog *catalog = NULL;
    struct scb_error none = {0};
    status = open_catalog(context, &catalog, &none);
    if (status != SCB_OK && status != SCB_ERROR_NOT_FOUND) { /* no database yet: no backups yet */
        *error = none;
        return status;
    }
    status = context->json ? list_json(catalog, limit, error) : list_table(catalog, limit, error);
    scb_catalog_close(catalog);
    return status;
}

static enum scb_status get_json(const struct scb_get_result *found, struct scb_error *error)
{
    SCB_AUTO(buffer) struct scb_buffer text = {.max = MAX_TEXT};
    struct scb_json json;
    struct scb_view_members members = {.json = &json};
    scb_json_begin(&json, &text);
    scb_json_open_object(&json, NULL);
    enum scb_status status = scb_view_member(&members, "key", found->entry.key, error);
    if (status == SCB_OK)
        status = scb_view_member(&members, "value", found->entry.value, error);
    if (status == SCB_OK)
        status = scb_view_member(&members, "version_id", found->entry.version_id, error);
    if (status != SCB_OK)
        return status;
    scb_view_members_end(&members);
    scb_json_close_object(&json);
    status = scb_json_finish(&json, error);
    if (status == SCB_OK)
        scb_output_json(&text);
    return status;
}

/*
 * The value itself, for the next program; on a terminal with its control bytes escaped, since
 * bytes from the chain may hold anything.
 */
static enum scb_status print_value(struct scb_bytes value, struct scb_error *error)
{
    if (isatty(STDOUT_FILENO) != 1) {
        (void)fwrite(value.data, 1, value.size, stdout);
        return SCB_OK;
    }
    size_t size = value.size * 4 + 8;
    SCB_AUTO(memory) char *printable = scb_alloc(size, 1, error);
    if (printable == NULL)
        return SCB_ERROR_RESOURCE;
    (void)puts(scb_text_printable(value, printable, size));
    return SCB_OK;
}

enum scb_status scb_command_backup_get(const struct scb_command_context *context,
                                       struct scb_error *error)
{
    struct scb_service_parts parts = {
        .config = context->config, .log = context->log, .cancel = context->cancel};
    struct scb_service *service = NULL;
    enum scb_status status = scb_service_new(&parts, &service, error);
    if (status != SCB_OK)
        return status;
    const char *key = context->arguments[0];
    struct scb_get_result found;
    status = scb_service_get(service, scb_command_option(context, "--backup-date"),
                             (struct scb_bytes){(const uint8_t *)key, strlen(key)}, &found, error);
    scb_service_free(service);
    if (status != SCB_OK)
        return status;
    if (context->json)
        status = get_json(&found, error);
    else
        status = print_value(found.entry.value, error);
    scb_get_result_free(&found);
    return status;
}
