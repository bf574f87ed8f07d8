/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The catalog in SQLite. Every change is one transaction that takes the write lock first, looks
 * whether the backup may be changed, and changes it. Transactions are synced by checkpoints only
 * (synchronous=NORMAL: a power cut may undo the last ones, never tear one), which the checksums of
 * page files make good; completing a backup syncs at once.
 */
#include "catalog/sqlite.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/memory.h"

/* BusyError for a completed backup; NotFoundError for none unless it may be new. */
static enum scb_status check_unfinished(struct scb_sqlite *sqlite, const char *backup_date,
                                        bool may_be_new, struct scb_error *error)
{
    bool found = false;
    SCB_AUTO(query) struct scb_query query = {0};
    enum scb_status status =
        scb_query_begin(sqlite, SCB_STATEMENT_STATUS, "reading a backup's status", &query, error);
    if (status != SCB_OK)
        return status;
    scb_query_bind_text(&query, backup_date);
    status = scb_query_step(&query, &found, error);
    if (status == SCB_OK && !found)
        return may_be_new ? SCB_OK : scb_sqlite_not_found(backup_date, error);
    if (status != SCB_OK)
        return status;
    enum scb_backup_state state = scb_query_get_state(&query);
    status = scb_query_check(&query, error);
    if (status != SCB_OK || state != SCB_BACKUP_COMPLETED)
        return status;
    (void)scb_error_set(error, SCB_ERROR_BUSY,
                        "backup %s: it is completed, and a completed backup is never changed",
                        backup_date);
    (void)scb_error_hint(error, "'satellite backup run --force' makes another one");
    return SCB_ERROR_BUSY;
}

/* The beginning of every change. */
static enum scb_status begin_change(struct scb_sqlite *sqlite, const char *backup_date,
                                    const char *doing, struct scb_sqlite **ret_transaction,
                                    struct scb_error *error)
{
    enum scb_status status = scb_transaction_begin(sqlite, doing, ret_transaction, error);
    return status == SCB_OK ? check_unfinished(sqlite, backup_date, false, error) : status;
}

static enum scb_status start_run(struct scb_sqlite *sqlite, const struct scb_run_record *run,
                                 uint64_t *ret_generation, struct scb_error *error)
{
    bool row = false;
    SCB_AUTO(query) struct scb_query query = {0};
    enum scb_status status =
        scb_query_begin(sqlite, SCB_STATEMENT_START_RUN, "starting a backup", &query, error);
    if (status != SCB_OK)
        return status;
    scb_query_bind_text(&query, run->backup_date);
    scb_query_bind_unsigned(&query, run->chain_id);
    scb_query_bind_hex(&query, "0x", run->contract, sizeof(run->contract));
    scb_query_bind_unsigned(&query, run->block_number);
    scb_query_bind_hex(&query, "0x", run->block_hash, sizeof(run->block_hash));
    scb_query_bind_unsigned(&query, run->block_time);
    scb_query_bind_unsigned(&query, run->page_size);
    scb_query_bind_unsigned(&query, run->total_keys);
    scb_query_bind_unsigned(&query, run->total_pages);
    scb_query_bind_text(&query, run->page_function);
    scb_query_bind_text(&query, run->total_function);
    scb_query_bind_unsigned(&query, run->max_key_size);
    scb_query_bind_unsigned(&query, run->max_value_size);
    scb_query_bind_unsigned(&query, run->quorum);
    scb_query_bind_text(&query, run->recipients);
    scb_query_bind_text(&query, run->run_id);
    status = scb_query_step(&query, &row, error);
    if (status != SCB_OK)
        return status;
    *ret_generation = scb_query_get_unsigned(&query);
    status = scb_query_check(&query, error);
    return status == SCB_OK ? scb_query_step(&query, &row, error) : status;
}

static enum scb_status start_backup(struct scb_sqlite *sqlite, const struct scb_run_record *run,
                                    int64_t now_ms, struct scb_error *error)
{
    SCB_AUTO(query) struct scb_query query = {0};
    enum scb_status status =
        scb_query_begin(sqlite, SCB_STATEMENT_START, "starting a backup", &query, error);
    if (status != SCB_OK)
        return status;
    scb_query_bind_text(&query, run->backup_date);
    scb_query_bind_time(&query, now_ms);
    scb_query_bind_unsigned(&query, run->total_pages);
    scb_query_bind_unsigned(&query, run->total_keys);
    return scb_query_run(&query, error);
}

static enum scb_status sqlite_start(struct scb_catalog *catalog, struct scb_run_record *run,
                                    int64_t now_ms, struct scb_error *error)
{
    static const char doing[] = "starting a backup";
    struct scb_sqlite *sqlite = scb_sqlite_of(catalog);
    const char *date = run->backup_date;
    uint64_t generation = 0;
    SCB_AUTO(transaction) struct scb_sqlite *transaction = NULL;
    enum scb_status status = scb_transaction_begin(sqlite, doing, &transaction, error);
    if (status == SCB_OK)
        status = check_unfinished(sqlite, date, true, error);
    if (status == SCB_OK)
        status = start_backup(sqlite, run, now_ms, error);
    if (status == SCB_OK)
        status = start_run(sqlite, run, &generation, error);
    if (status == SCB_OK)
        status = scb_query_run_for(sqlite, SCB_STATEMENT_DELETE_PAGES, date, doing, error);
    if (status == SCB_OK)
        status = scb_query_run_for(sqlite, SCB_STATEMENT_DELETE_WARNINGS, date, doing, error);
    if (status == SCB_OK) /* they were of an archive that is no more */
        status = scb_query_run_for(sqlite, SCB_STATEMENT_DELETE_CHECKS, date, doing, error);
    if (status == SCB_OK)
        status = scb_transaction_commit(&transaction, doing, error);
    if (status == SCB_OK)
        run->generation = generation;
    return status;
}

static enum scb_status resume_run(struct scb_sqlite *sqlite, const struct scb_run_record *run,
                                  struct scb_error *error)
{
    SCB_AUTO(query) struct scb_query query = {0};
    enum scb_status status =
        scb_query_begin(sqlite, SCB_STATEMENT_RESUME_RUN, "resuming a backup", &query, error);
    if (status != SCB_OK)
        return status;
    scb_query_bind_text(&query, run->backup_date);
    scb_query_bind_unsigned(&query, run->max_key_size);
    scb_query_bind_unsigned(&query, run->max_value_size);
    scb_query_bind_unsigned(&query, run->quorum);
    scb_query_bind_text(&query, run->run_id);
    return scb_query_run(&query, error);
}

static enum scb_status sqlite_resume(struct scb_catalog *catalog, const struct scb_run_record *run,
                                     struct scb_error *error)
{
    static const char doing[] = "resuming a backup";
    struct scb_sqlite *sqlite = scb_sqlite_of(catalog);
    SCB_AUTO(transaction) struct scb_sqlite *transaction = NULL;
    enum scb_status status = begin_change(sqlite, run->backup_date, doing, &transaction, error);
    if (status == SCB_OK)
        status = scb_query_run_for(sqlite, SCB_STATEMENT_RESUME, run->backup_date, doing, error);
    if (status == SCB_OK)
        status = resume_run(sqlite, run, error);
    return status == SCB_OK ? scb_transaction_commit(&transaction, doing, error) : status;
}

static enum scb_status fail_backup(struct scb_sqlite *sqlite, const char *backup_date,
                                   const char *message, int64_t now_ms, struct scb_error *error)
{
    SCB_AUTO(query) struct scb_query query = {0};
    enum scb_status status =
        scb_query_begin(sqlite, SCB_STATEMENT_FAIL, "recording a failed backup", &query, error);
    if (status != SCB_OK)
        return status;
    scb_query_bind_text(&query, backup_date);
    scb_query_bind_time(&query, now_ms);
    scb_query_bind_text(&query, message);
    return scb_query_run(&query, error);
}

static enum scb_status sqlite_fail(struct scb_catalog *catalog, const char *backup_date,
                                   const char *message, int64_t now_ms, struct scb_error *error)
{
    static const char doing[] = "recording a failed backup";
    struct scb_sqlite *sqlite = scb_sqlite_of(catalog);
    SCB_AUTO(transaction) struct scb_sqlite *transaction = NULL;
    enum scb_status status = scb_transaction_begin(sqlite, doing, &transaction, error);
    if (status == SCB_OK)
        status = check_unfinished(sqlite, backup_date, true, error);
    if (status == SCB_OK)
        status = fail_backup(sqlite, backup_date, message, now_ms, error);
    return status == SCB_OK ? scb_transaction_commit(&transaction, doing, error) : status;
}

static enum scb_status complete_backup(struct scb_sqlite *sqlite,
                                       const struct scb_backup_record *backup,
                                       struct scb_error *error)
{
    static const char doing[] = "completing a backup";
    SCB_AUTO(transaction) struct scb_sqlite *transaction = NULL;
    SCB_AUTO(query) struct scb_query query = {0};
    enum scb_status status = begin_change(sqlite, backup->backup_date, doing, &transaction, error);
    if (status == SCB_OK)
        status = scb_query_begin(sqlite, SCB_STATEMENT_COMPLETE, doing, &query, error);
    if (status != SCB_OK)
        return status;
    scb_query_bind_text(&query, backup->backup_date);
    scb_query_bind_time(&query, backup->completed_at_ms);
    scb_query_bind_number(&query, backup->total_pages);
    scb_query_bind_number(&query, backup->total_keys);
    scb_query_bind_text(&query, backup->backup_file_path);
    scb_query_bind_text(&query, backup->checksum);
    scb_query_bind_number(&query, backup->file_size);
    status = scb_query_run(&query, error);
    return status == SCB_OK ? scb_transaction_commit(&transaction, doing, error) : status;
}

static enum scb_status sqlite_complete(struct scb_catalog *catalog,
                                       const struct scb_backup_record *backup,
                                       struct scb_error *error)
{
    struct scb_sqlite *sqlite = scb_sqlite_of(catalog);
    int code = sqlite3_exec(sqlite->db, "PRAGMA synchronous = FULL", NULL, NULL, NULL);
    if (code != SQLITE_OK)
        return scb_sqlite_error(sqlite, code, "completing a backup", error);
    enum scb_status status = complete_backup(sqlite, backup, error);
    /* Should this fail, later changes are only slower. */
    (void)sqlite3_exec(sqlite->db, "PRAGMA synchronous = NORMAL", NULL, NULL, NULL);
    return status;
}

static enum scb_status record_page(struct scb_query *query, const char *backup_date,
                                   const struct scb_page_record *page, struct scb_error *error)
{
    bool completed = page->state == SCB_BACKUP_COMPLETED;
    query->position = 0;
    scb_query_bind_text(query, backup_date);
    scb_query_bind_unsigned(query, page->page_number);
    scb_query_bind_text(query, scb_backup_state_name(page->state));
    scb_query_bind_time(query, page->completed_at_ms);
    scb_query_bind_unsigned(query, page->keys_count);
    scb_query_bind_unsigned(query, page->file_size);
    scb_query_bind_text(query, completed ? page->file_path : NULL);
    scb_query_bind_text(query, page->error_message);
    if (completed)
        scb_query_bind_hex(query, "", page->sha256, sizeof(page->sha256));
    else
        scb_query_bind_text(query, NULL);
    return scb_query_run(query, error);
}

static enum scb_status record_warnings(struct scb_query *record, struct scb_query *forget,
                                       const char *backup_date, const struct scb_page_record *page,
                                       struct scb_error *error)
{
    bool any = page->empty_keys != 0 || page->empty_versions != 0 || page->duplicate_keys != 0;
    struct scb_query *query = any ? record : forget;
    query->position = 0;
    scb_query_bind_text(query, backup_date);
    scb_query_bind_unsigned(query, page->page_number);
    if (any) {
        scb_query_bind_unsigned(query, page->empty_keys);
        scb_query_bind_unsigned(query, page->empty_versions);
        scb_query_bind_unsigned(query, page->duplicate_keys);
    }
    return scb_query_run(query, error);
}

static enum scb_status sqlite_record_pages(struct scb_catalog *catalog, const char *backup_date,
                                           const struct scb_page_record *pages, size_t count,
                                           struct scb_error *error)
{
    static const char doing[] = "recording pages";
    struct scb_sqlite *sqlite = scb_sqlite_of(catalog);
    SCB_AUTO(transaction) struct scb_sqlite *transaction = NULL;
    SCB_AUTO(query) struct scb_query page = {0};
    SCB_AUTO(query) struct scb_query warning = {0};
    SCB_AUTO(query) struct scb_query no_warning = {0};
    enum scb_status status = begin_change(sqlite, backup_date, doing, &transaction, error);
    if (status == SCB_OK)
        status = scb_query_begin(sqlite, SCB_STATEMENT_RECORD_PAGE, doing, &page, error);
    if (status == SCB_OK)
        status = scb_query_begin(sqlite, SCB_STATEMENT_RECORD_WARNING, doing, &warning, error);
    if (status == SCB_OK)
        status = scb_query_begin(sqlite, SCB_STATEMENT_FORGET_WARNING, doing, &no_warning, error);
    for (size_t i = 0; status == SCB_OK && i < count; i++) {
        status = record_page(&page, backup_date, &pages[i], error);
        if (status == SCB_OK)
            status = record_warnings(&warning, &no_warning, backup_date, &pages[i], error);
    }
    return status == SCB_OK ? scb_transaction_commit(&transaction, doing, error) : status;
}

const struct scb_catalog_ops scb_sqlite_ops = {
    .scheme = "sqlite",
    .open = scb_sqlite_open,
    .close = scb_sqlite_close,
    .start = sqlite_start,
    .resume = sqlite_resume,
    .get_run = scb_sqlite_get_run,
    .record_pages = sqlite_record_pages,
    .complete = sqlite_complete,
    .fail = sqlite_fail,
    .invalidate = scb_sqlite_invalidate,
    .hold = scb_sqlite_hold,
    .forget = scb_sqlite_forget,
    .get = scb_sqlite_get,
    .newest = scb_sqlite_newest,
    .list = scb_sqlite_list,
    .pages = scb_sqlite_pages,
    .record_check = scb_sqlite_record_check,
    .checks = scb_sqlite_checks,
    .check_times = scb_sqlite_check_times,
};
