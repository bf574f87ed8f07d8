/* SPDX-License-Identifier: Apache-2.0 */
#include "catalog/sqlite.h"

#include "base/clock.h"
#include "base/memory.h"

enum scb_status scb_sqlite_not_found(const char *backup_date, struct scb_error *error)
{
    (void)scb_error_set(error, SCB_ERROR_NOT_FOUND,
                        "backup %.40s: the status database has no such backup", backup_date);
    (void)scb_error_hint(error, "'satellite backup list' shows those that there are");
    return SCB_ERROR_NOT_FOUND;
}

enum scb_status scb_sqlite_get_run(struct scb_catalog *catalog, const char *backup_date,
                                   struct scb_run_record *ret_run, struct scb_error *error)
{
    bool found = false;
    struct scb_run_record run = {0};
    SCB_AUTO(query) struct scb_query query = {0};
    enum scb_status status = scb_query_begin(scb_sqlite_of(catalog), SCB_STATEMENT_GET_RUN,
                                             "reading how a backup began", &query, error);
    if (status != SCB_OK)
        return status;
    scb_query_bind_text(&query, backup_date);
    status = scb_query_step(&query, &found, error);
    if (status == SCB_OK && !found)
        return scb_sqlite_not_found(backup_date, error);
    if (status != SCB_OK)
        return status;
    scb_query_get_text(&query, run.backup_date, sizeof(run.backup_date));
    run.chain_id = scb_query_get_unsigned(&query);
    scb_query_get_hex(&query, "0x", run.contract, sizeof(run.contract));
    run.block_number = scb_query_get_unsigned(&query);
    scb_query_get_hex(&query, "0x", run.block_hash, sizeof(run.block_hash));
    run.block_time = scb_query_get_unsigned(&query);
    run.page_size = scb_query_get_unsigned(&query);
    run.total_keys = scb_query_get_unsigned(&query);
    run.total_pages = scb_query_get_unsigned(&query);
    run.generation = scb_query_get_unsigned(&query);
    scb_query_get_text(&query, run.page_function, sizeof(run.page_function));
    scb_query_get_text(&query, run.total_function, sizeof(run.total_function));
    run.max_key_size = scb_query_get_unsigned(&query);
    run.max_value_size = scb_query_get_unsigned(&query);
    run.quorum = scb_query_get_unsigned(&query);
    scb_query_get_text(&query, run.recipients, sizeof(run.recipients));
    scb_query_get_text(&query, run.run_id, sizeof(run.run_id));
    status = scb_query_check(&query, error);
    if (status == SCB_OK)
        *ret_run = run;
    return status;
}

/* The row that a query of BACKUP_COLUMNS stands on. */
static enum scb_status read_backup(struct scb_query *query, struct scb_backup_record *ret_backup,
                                   struct scb_error *error)
{
    struct scb_backup_record backup = {0};
    scb_query_get_text(query, backup.backup_date, sizeof(backup.backup_date));
    if (scb_backup_date_parse(backup.backup_date, NULL, NULL) != SCB_OK)
        scb_query_complain(query, "is not a backup date");
    backup.state = scb_query_get_state(query);
    backup.created_at_ms = scb_query_get_time(query);
    backup.completed_at_ms = scb_query_get_time(query);
    backup.total_pages = scb_query_get_number(query);
    backup.total_keys = scb_query_get_number(query);
    scb_query_get_text(query, backup.backup_file_path, sizeof(backup.backup_file_path));
    scb_query_get_message(query, backup.error_message, sizeof(backup.error_message));
    scb_query_get_hex_text(query, "", 32, backup.checksum);
    backup.file_size = scb_query_get_number(query);
    backup.pages_completed = scb_query_get_number(query);
    backup.pages_failed = scb_query_get_number(query);
    backup.block_number = scb_query_get_number(query);
    scb_query_get_hex_text(query, "0x", 32, backup.block_hash);
    scb_query_get_text(query, backup.run_id, sizeof(backup.run_id));
    backup.held = scb_query_get_number(query) == 1;
    enum scb_status status = scb_query_check(query, error);
    if (status == SCB_OK)
        *ret_backup = backup;
    return status;
}

enum scb_status scb_sqlite_get(struct scb_catalog *catalog, const char *backup_date,
                               struct scb_backup_record *ret_backup, struct scb_error *error)
{
    bool found = false;
    SCB_AUTO(query) struct scb_query query = {0};
    enum scb_status status = scb_query_begin(scb_sqlite_of(catalog), SCB_STATEMENT_GET,
                                             "reading a backup's status", &query, error);
    if (status != SCB_OK)
        return status;
    scb_query_bind_text(&query, backup_date);
    status = scb_query_step(&query, &found, error);
    if (status == SCB_OK && !found)
        return scb_sqlite_not_found(backup_date, error);
    return status == SCB_OK ? read_backup(&query, ret_backup, error) : status;
}

enum scb_status scb_sqlite_newest(struct scb_catalog *catalog, bool completed_only,
                                  struct scb_backup_record *ret_backup, struct scb_error *error)
{
    bool found = false;
    SCB_AUTO(query) struct scb_query query = {0};
    enum scb_status status =
        scb_query_begin(scb_sqlite_of(catalog),
                        completed_only ? SCB_STATEMENT_NEWEST_COMPLETED : SCB_STATEMENT_NEWEST,
                        "reading the newest backup", &query, error);
    if (status == SCB_OK)
        status = scb_query_step(&query, &found, error);
    if (status == SCB_OK && found)
        return read_backup(&query, ret_backup, error);
    if (status != SCB_OK)
        return status;
    (void)scb_error_set(error, SCB_ERROR_NOT_FOUND, "there is no %sbackup yet",
                        completed_only ? "completed " : "");
    (void)scb_error_hint(error, "'satellite backup run' makes one");
    return SCB_ERROR_NOT_FOUND;
}

static uint64_t most_rows(uint64_t limit)
{
    return limit == 0 || limit > INT64_MAX ? INT64_MAX : limit;
}

enum scb_status scb_sqlite_list(struct scb_catalog *catalog, const char *before, uint64_t limit,
                                scb_catalog_backup_visitor visit, void *state,
                                struct scb_error *error)
{
    bool more = false;
    SCB_AUTO(query) struct scb_query query = {0};
    enum scb_status status = scb_query_begin(
        scb_sqlite_of(catalog), before == NULL ? SCB_STATEMENT_LIST : SCB_STATEMENT_LIST_BEFORE,
        "listing backups", &query, error);
    if (status != SCB_OK)
        return status;
    if (before != NULL)
        scb_query_bind_text(&query, before);
    scb_query_bind_unsigned(&query, most_rows(limit));
    status = scb_query_step(&query, &more, error);
    while (status == SCB_OK && more) {
        struct scb_backup_record backup;
        status = read_backup(&query, &backup, error);
        if (status == SCB_OK)
            status = visit(state, &backup, error);
        if (status == SCB_OK)
            status = scb_query_step(&query, &more, error);
    }
    return status;
}

static enum scb_status read_page(struct scb_query *query, struct scb_page_record *ret_page,
                                 struct scb_error *error)
{
    struct scb_page_record page = {0};
    page.page_number = scb_query_get_unsigned(query);
    page.state = scb_query_get_state(query);
    page.completed_at_ms = scb_query_get_time(query);
    page.keys_count = scb_query_get_unsigned(query);
    page.file_size = scb_query_get_unsigned(query);
    scb_query_get_message(query, page.error_message, sizeof(page.error_message));
    page.empty_keys = scb_query_get_unsigned(query);
    page.empty_versions = scb_query_get_unsigned(query);
    page.duplicate_keys = scb_query_get_unsigned(query);
    if (page.state == SCB_BACKUP_COMPLETED) {
        scb_query_get_hex(query, "", page.sha256, sizeof(page.sha256));
        scb_query_get_text(query, page.file_path, sizeof(page.file_path));
    }
    enum scb_status status = scb_query_check(query, error);
    if (status == SCB_OK)
        *ret_page = page;
    return status;
}

enum scb_status scb_sqlite_pages(struct scb_catalog *catalog, const char *backup_date,
                                 uint64_t first, uint64_t limit, scb_catalog_page_visitor visit,
                                 void *state, struct scb_error *error)
{
    bool all = first == 0 && limit == 0; /* then what no page can be shows as well */
    bool more = false;
    SCB_AUTO(query) struct scb_query query = {0};
    enum scb_status status = scb_query_begin(scb_sqlite_of(catalog),
                                             all ? SCB_STATEMENT_PAGES : SCB_STATEMENT_PAGES_FROM,
                                             "reading a backup's pages", &query, error);
    if (status != SCB_OK)
        return status;
    scb_query_bind_text(&query, backup_date);
    if (!all) {
        scb_query_bind_unsigned(&query, first);
        scb_query_bind_unsigned(&query, most_rows(limit));
    }
    status = scb_query_step(&query, &more, error);
    while (status == SCB_OK && more) {
        struct scb_page_record page;
        status = read_page(&query, &page, error);
        if (status == SCB_OK)
            status = visit(state, &page, error);
        if (status == SCB_OK)
            status = scb_query_step(&query, &more, error);
    }
    return status;
}
