/* SPDX-License-Identifier: Apache-2.0 */
#include "catalog/sqlite.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/text.h"

static const char *const statement_sql[] = {
#define SCB_STATEMENT(name, sql) sql,
#include "catalog/sqlite_statements.def"
#undef SCB_STATEMENT
};

static const char damaged_hint[] = "restore a copy of it, or move it away: 'satellite backup list "
                                   "--rescan' makes it from the manifests";

struct failure_kind {
    int code;
    enum scb_status status;
    bool retryable;
    const char *hint;
};

static const struct failure_kind failure_kinds[] = {
    {SQLITE_FULL, SCB_ERROR_RESOURCE, false, "free disk space where the status database is"},
    {SQLITE_NOMEM, SCB_ERROR_RESOURCE, false, "give the process more memory"},
    {SQLITE_BUSY, SCB_ERROR_DATABASE, true,
     "another process holds the status database; try again when it is done"},
    {SQLITE_LOCKED, SCB_ERROR_DATABASE, true,
     "another process holds the status database; try again when it is done"},
    {SQLITE_CORRUPT, SCB_ERROR_DATABASE, false, damaged_hint},
    {SQLITE_NOTADB, SCB_ERROR_DATABASE, false, damaged_hint},
    {SQLITE_CANTOPEN, SCB_ERROR_DATABASE, false,
     "check database.url and that this user may write the file and its directory"},
    {SQLITE_READONLY, SCB_ERROR_DATABASE, false,
     "check that this user may write the file and its directory"},
    {SQLITE_IOERR, SCB_ERROR_DATABASE, false, "check the disk under the status database"},
};

enum scb_status scb_sqlite_error(const struct scb_sqlite *sqlite, int code, const char *doing,
                                 struct scb_error *error)
{
    static const struct failure_kind other = {.status = SCB_ERROR_DATABASE, .hint = damaged_hint};
    const struct failure_kind *kind = &other;
    for (size_t i = 0; i < SCB_LENGTH(failure_kinds); i++) {
        if (failure_kinds[i].code == (code & 0xff))
            kind = &failure_kinds[i];
    }
    /* SQLite quotes names from the file's schema, which is not ours to trust. */
    const char *reason = sqlite->db != NULL ? sqlite3_errmsg(sqlite->db) : sqlite3_errstr(code);
    char printable[256];
    scb_text_printable((struct scb_bytes){(const uint8_t *)reason, strlen(reason)}, printable,
                       sizeof(printable));
    (void)scb_error_set(error, kind->status, "status database %s: %s: %s", sqlite->path, doing,
                        printable);
    (void)scb_error_hint(error, "%s", kind->hint);
    if (error != NULL)
        error->retryable = kind->retryable;
    return kind->status;
}

enum scb_status scb_query_begin(struct scb_sqlite *sqlite, enum scb_sqlite_statement id,
                                const char *doing, struct scb_query *ret_query,
                                struct scb_error *error)
{
    sqlite3_stmt **statement = &sqlite->statements[id];
    if (*statement == NULL) {
        int code = sqlite3_prepare_v3(sqlite->db, statement_sql[id], -1, SQLITE_PREPARE_PERSISTENT,
                                      statement, NULL);
        if (code != SQLITE_OK)
            return scb_sqlite_error(sqlite, code, doing, error);
    }
    assert(!sqlite3_stmt_busy(*statement)); /* a visitor began the walk that called it */
    *ret_query = (struct scb_query){.sqlite = sqlite, .statement = *statement, .doing = doing};
    return SCB_OK;
}

void scb_query_cleanup(struct scb_query *query)
{
    if (query->statement == NULL)
        return;
    (void)sqlite3_reset(query->statement); /* repeats the error of the last step */
    (void)sqlite3_clear_bindings(query->statement);
}

static void keep_bind_code(struct scb_query *query, int code)
{
    if (query->bind_code == SQLITE_OK)
        query->bind_code = code;
}

void scb_query_bind_text(struct scb_query *query, const char *text)
{
    int index = ++query->position;
    if (text != NULL && text[0] != '\0')
        keep_bind_code(query, sqlite3_bind_text(query->statement, index, text, -1, SQLITE_STATIC));
    else
        keep_bind_code(query, sqlite3_bind_null(query->statement, index));
}

void scb_query_bind_number(struct scb_query *query, int64_t value)
{
    int index = ++query->position;
    keep_bind_code(query, value >= 0 ? sqlite3_bind_int64(query->statement, index, value)
                                     : sqlite3_bind_null(query->statement, index));
}

void scb_query_bind_time(struct scb_query *query, int64_t real_ms)
{
    char text[SCB_TIMESTAMP_SIZE] = "";
    if (real_ms >= 0)
        scb_timestamp_format(real_ms, text);
    int index = ++query->position;
    keep_bind_code(
        query, real_ms >= 0 ? sqlite3_bind_text(query->statement, index, text, -1, SQLITE_TRANSIENT)
                            : sqlite3_bind_null(query->statement, index));
}

void scb_query_bind_unsigned(struct scb_query *query, uint64_t value)
{
    if (value > INT64_MAX)
        query->too_large = true;
    keep_bind_code(query, sqlite3_bind_int64(query->statement, ++query->position, (int64_t)value));
}

void scb_query_bind_hex(struct scb_query *query, const char *prefix, const uint8_t *data,
                        size_t size)
{
    char text[2 + 2 * 32 + 1];
    size_t used = strlen(prefix);
    assert(used <= 2 && size <= 32);
    memcpy(text, prefix, used);
    scb_text_hex(data, size, text + used);
    keep_bind_code(
        query, sqlite3_bind_text(query->statement, ++query->position, text, -1, SQLITE_TRANSIENT));
}

enum scb_status scb_query_step(struct scb_query *query, bool *ret_row, struct scb_error *error)
{
    if (query->too_large)
        return scb_error_set(error, SCB_ERROR_VALIDATION,
                             "status database %s: %s: a number is over 9223372036854775807",
                             query->sqlite->path, query->doing);
    int code = query->bind_code != SQLITE_OK ? query->bind_code : sqlite3_step(query->statement);
    if (code != SQLITE_ROW && code != SQLITE_DONE)
        return scb_sqlite_error(query->sqlite, code, query->doing, error);
    query->position = 0;
    *ret_row = code == SQLITE_ROW;
    return SCB_OK;
}

enum scb_status scb_query_run(struct scb_query *query, struct scb_error *error)
{
    bool row = false;
    enum scb_status status = scb_query_step(query, &row, error);
    assert(!row);
    (void)sqlite3_reset(query->statement);
    return status;
}

enum scb_status scb_query_run_for(struct scb_sqlite *sqlite, enum scb_sqlite_statement id,
                                  const char *backup_date, const char *doing,
                                  struct scb_error *error)
{
    SCB_AUTO(query) struct scb_query query = {0};
    enum scb_status status = scb_query_begin(sqlite, id, doing, &query, error);
    if (status != SCB_OK)
        return status;
    scb_query_bind_text(&query, backup_date);
    return scb_query_run(&query, error);
}

void scb_query_complain(struct scb_query *query, const char *complaint)
{
    if (query->complaint != NULL)
        return;
    query->complaint = complaint;
    query->bad_column = query->position - 1;
}

enum scb_status scb_query_check(const struct scb_query *query, struct scb_error *error)
{
    if (query->no_memory)
        return scb_sqlite_error(query->sqlite, SQLITE_NOMEM, query->doing, error);
    if (query->complaint == NULL)
        return SCB_OK;
    (void)scb_error_set(error, SCB_ERROR_DATABASE, "status database %s: %s: column %s %s",
                        query->sqlite->path, query->doing,
                        sqlite3_column_name(query->statement, query->bad_column), query->complaint);
    (void)scb_error_hint(error, "%s", damaged_hint);
    return SCB_ERROR_DATABASE;
}

/* The next column's text; nothing for NULL and for what is no text. */
static struct scb_bytes next_text(struct scb_query *query)
{
    int column = query->position++;
    if (sqlite3_column_type(query->statement, column) == SQLITE_NULL)
        return (struct scb_bytes){0};
    const uint8_t *text = NULL;
    if (sqlite3_column_type(query->statement, column) == SQLITE_TEXT)
        text = sqlite3_column_text(query->statement, column);
    if (text == NULL)
        query->no_memory |= sqlite3_errcode(query->sqlite->db) == SQLITE_NOMEM;
    if (text == NULL) {
        scb_query_complain(query, "is not text");
        return (struct scb_bytes){0};
    }
    return (struct scb_bytes){text, (size_t)sqlite3_column_bytes(query->statement, column)};
}

void scb_query_get_text(struct scb_query *query, char *ret_text, size_t size)
{
    struct scb_bytes text = next_text(query);
    ret_text[0] = '\0';
    if (text.size == 0)
        return;
    if (text.size >= size || memchr(text.data, '\0', text.size) != NULL) {
        scb_query_complain(query, "is too long or has a NUL in it");
        return;
    }
    memcpy(ret_text, text.data, text.size);
    ret_text[text.size] = '\0';
}

void scb_query_get_message(struct scb_query *query, char *ret_text, size_t size)
{
    scb_text_printable(next_text(query), ret_text, size);
}

int64_t scb_query_get_number(struct scb_query *query)
{
    int column = query->position++;
    int type = sqlite3_column_type(query->statement, column);
    int64_t value = sqlite3_column_int64(query->statement, column);
    if (type == SQLITE_NULL)
        return -1;
    if (type != SQLITE_INTEGER || value < 0)
        scb_query_complain(query, "is not a number from 0 on");
    return value;
}

uint64_t scb_query_get_unsigned(struct scb_query *query)
{
    int64_t value = scb_query_get_number(query);
    if (value < 0)
        scb_query_complain(query, "is not a number from 0 on");
    return value < 0 ? 0 : (uint64_t)value;
}

int64_t scb_query_get_time(struct scb_query *query)
{
    char text[SCB_TIMESTAMP_SIZE];
    int64_t real_ms = -1;
    scb_query_get_text(query, text, sizeof(text));
    if (text[0] != '\0' && (scb_timestamp_parse(text, &real_ms, NULL) != SCB_OK || real_ms < 0))
        scb_query_complain(query, "is not a time in UTC");
    return real_ms;
}

enum scb_backup_state scb_query_get_state(struct scb_query *query)
{
    char text[16];
    scb_query_get_text(query, text, sizeof(text));
    for (int state = SCB_BACKUP_IN_PROGRESS; state <= SCB_BACKUP_FAILED; state++) {
        if (strcmp(text, scb_backup_state_name((enum scb_backup_state)state)) == 0)
            return (enum scb_backup_state)state;
    }
    scb_query_complain(query, "is not in_progress, completed or failed");
    return SCB_BACKUP_FAILED;
}

void scb_query_get_hex(struct scb_query *query, const char *prefix, uint8_t *ret_data, size_t size)
{
    struct scb_bytes text = next_text(query);
    size_t used = strlen(prefix);
    const char *digits = (const char *)text.data;
    if (digits == NULL || text.size != used + 2 * size || strncmp(digits, prefix, used) != 0 ||
        !scb_text_unhex(digits + used, size, ret_data))
        scb_query_complain(query, "is not hex of the right length");
}

void scb_query_get_hex_text(struct scb_query *query, const char *prefix, size_t size,
                            char *ret_text)
{
    uint8_t bytes[32];
    assert(size <= sizeof(bytes));
    ret_text[0] = '\0';
    if (sqlite3_column_type(query->statement, query->position) == SQLITE_NULL) {
        query->position++;
        return;
    }
    scb_query_get_hex(query, prefix, bytes, size);
    if (query->complaint != NULL)
        return;
    memcpy(ret_text, prefix, strlen(prefix));
    scb_text_hex(bytes, size, ret_text + strlen(prefix));
}

/* BEGIN, COMMIT or ROLLBACK. */
static enum scb_status run_bare(struct scb_sqlite *sqlite, enum scb_sqlite_statement id,
                                const char *doing, struct scb_error *error)
{
    SCB_AUTO(query) struct scb_query query = {0};
    enum scb_status status = scb_query_begin(sqlite, id, doing, &query, error);
    return status == SCB_OK ? scb_query_run(&query, error) : status;
}

enum scb_status scb_transaction_begin(struct scb_sqlite *sqlite, const char *doing,
                                      struct scb_sqlite **ret_transaction, struct scb_error *error)
{
    enum scb_status status = run_bare(sqlite, SCB_STATEMENT_BEGIN, doing, error);
    if (status == SCB_OK)
        *ret_transaction = sqlite;
    return status;
}

enum scb_status scb_transaction_commit(struct scb_sqlite **transaction, const char *doing,
                                       struct scb_error *error)
{
    enum scb_status status = run_bare(*transaction, SCB_STATEMENT_COMMIT, doing, error);
    if (status == SCB_OK)
        *transaction = NULL;
    return status;
}

void scb_transaction_cleanup(struct scb_sqlite **transaction)
{
    struct scb_sqlite *sqlite = *transaction;
    /* SQLite rolls back by itself on a full disk and the like. */
    if (sqlite != NULL && !sqlite3_get_autocommit(sqlite->db))
        (void)run_bare(sqlite, SCB_STATEMENT_ROLLBACK, "rolling back", NULL);
}
