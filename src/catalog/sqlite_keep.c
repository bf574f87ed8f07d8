/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The SQLite driver's housekeeping: which backups stay, which are forgotten, which are gone.
 */
#include "catalog/sqlite.h"

#include "base/memory.h"

/* Whether a query for the date gives a row. */
static enum scb_status has_row(struct scb_sqlite *sqlite, enum scb_sqlite_statement id,
                               const char *backup_date, bool *ret_found, struct scb_error *error)
{
    SCB_AUTO(query) struct scb_query query = {0};
    enum scb_status status = scb_query_begin(sqlite, id, "looking for a backup", &query, error);
    if (status != SCB_OK)
        return status;
    scb_query_bind_text(&query, backup_date);
    return scb_query_step(&query, ret_found, error);
}

enum scb_status scb_sqlite_invalidate(struct scb_catalog *catalog, const char *backup_date,
                                      const char *message, struct scb_error *error)
{
    SCB_AUTO(query) struct scb_query query = {0};
    enum scb_status status = scb_query_begin(scb_sqlite_of(catalog), SCB_STATEMENT_INVALIDATE,
                                             "recording a missing backup", &query, error);
    if (status != SCB_OK)
        return status;
    scb_query_bind_text(&query, backup_date);
    scb_query_bind_text(&query, message);
    return scb_query_run(&query, error);
}

static enum scb_status insert_hold(struct scb_sqlite *sqlite, const char *backup_date,
                                   int64_t now_ms, const char *doing, struct scb_error *error)
{
    SCB_AUTO(query) struct scb_query query = {0};
    enum scb_status status = scb_query_begin(sqlite, SCB_STATEMENT_HOLD, doing, &query, error);
    if (status != SCB_OK)
        return status;
    scb_query_bind_text(&query, backup_date);
    scb_query_bind_time(&query, now_ms);
    return scb_query_run(&query, error);
}

/* Synced at once: a power cut must not undo what keeps or removes a backup. */
static enum scb_status sync_commits(struct scb_sqlite *sqlite, const char *doing,
                                    struct scb_error *error)
{
    int code = sqlite3_exec(sqlite->db, "PRAGMA synchronous = FULL", NULL, NULL, NULL);
    return code == SQLITE_OK ? SCB_OK : scb_sqlite_error(sqlite, code, doing, error);
}

static void sync_later(struct scb_sqlite *sqlite)
{
    /* Should this fail, later changes are only slower. */
    (void)sqlite3_exec(sqlite->db, "PRAGMA synchronous = NORMAL", NULL, NULL, NULL);
}

static enum scb_status set_held(struct scb_sqlite *sqlite, const char *backup_date, bool held,
                                int64_t now_ms, struct scb_error *error)
{
    const char *doing = held ? "holding a backup" : "releasing a backup";
    bool found = false;
    SCB_AUTO(transaction) struct scb_sqlite *transaction = NULL;
    enum scb_status status = scb_transaction_begin(sqlite, doing, &transaction, error);
    if (status == SCB_OK)
        status = has_row(sqlite, SCB_STATEMENT_STATUS, backup_date, &found, error);
    if (status == SCB_OK && !found)
        return scb_sqlite_not_found(backup_date, error);
    if (status == SCB_OK)
        status = held ? insert_hold(sqlite, backup_date, now_ms, doing, error)
                      : scb_query_run_for(sqlite, SCB_STATEMENT_RELEASE, backup_date, doing, error);
    return status == SCB_OK ? scb_transaction_commit(&transaction, doing, error) : status;
}

enum scb_status scb_sqlite_hold(struct scb_catalog *catalog, const char *backup_date, bool held,
                                int64_t now_ms, struct scb_error *error)
{
    struct scb_sqlite *sqlite = scb_sqlite_of(catalog);
    enum scb_status status = sync_commits(sqlite, "holding a backup", error);
    if (status == SCB_OK)
        status = set_held(sqlite, backup_date, held, now_ms, error);
    sync_later(sqlite);
    return status;
}

static enum scb_status forget(struct scb_sqlite *sqlite, const char *backup_date,
                              struct scb_error *error)
{
    static const char doing[] = "forgetting a backup";
    static const enum scb_sqlite_statement statements[] = {
        SCB_STATEMENT_DELETE_WARNINGS, SCB_STATEMENT_DELETE_PAGES, SCB_STATEMENT_DELETE_RUN,
        SCB_STATEMENT_DELETE_CHECKS, SCB_STATEMENT_DELETE};
    bool held = false;
    SCB_AUTO(transaction) struct scb_sqlite *transaction = NULL;
    enum scb_status status = scb_transaction_begin(sqlite, doing, &transaction, error);
    if (status == SCB_OK)
        status = has_row(sqlite, SCB_STATEMENT_IS_HELD, backup_date, &held, error);
    if (status == SCB_OK && held) {
        (void)scb_error_set(error, SCB_ERROR_BUSY, "backup %s is held", backup_date);
        return scb_error_hint(error, "'satellite backup release %s' lets it go", backup_date);
    }
    for (size_t i = 0; status == SCB_OK && i < SCB_LENGTH(statements); i++)
        status = scb_query_run_for(sqlite, statements[i], backup_date, doing, error);
    return status == SCB_OK ? scb_transaction_commit(&transaction, doing, error) : status;
}

enum scb_status scb_sqlite_forget(struct scb_catalog *catalog, const char *backup_date,
                                  struct scb_error *error)
{
    struct scb_sqlite *sqlite = scb_sqlite_of(catalog);
    enum scb_status status = sync_commits(sqlite, "forgetting a backup", error);
    if (status == SCB_OK)
        status = forget(sqlite, backup_date, error);
    sync_later(sqlite);
    return status;
}
