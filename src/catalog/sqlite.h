/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The SQLite driver's inside: its connection, and queries, which are one use each of a prepared
 * statement. What the statements mean to backups is sqlite.c's.
 */
#ifndef SCB_CATALOG_SQLITE_H
#define SCB_CATALOG_SQLITE_H

#include <sqlite3.h>
#include <stddef.h>

#include "catalog/driver.h"

enum scb_sqlite_statement {
#define SCB_STATEMENT(name, sql) SCB_STATEMENT_##name,
#include "catalog/sqlite_statements.def"
#undef SCB_STATEMENT
    SCB_STATEMENT_COUNT
};

struct scb_sqlite {
    struct scb_catalog catalog;
    sqlite3 *db;
    char *path;
    sqlite3_stmt *statements[SCB_STATEMENT_COUNT]; /* NULL until first used */
};

static inline struct scb_sqlite *scb_sqlite_of(struct scb_catalog *catalog)
{
    return (struct scb_sqlite *)catalog; /* its first member */
}

/* scb_catalog_open and _close for SQLite. */
SCB_MUST_CHECK enum scb_status scb_sqlite_open(const char *url, bool create,
                                               struct scb_catalog **ret_catalog,
                                               struct scb_error *error);
void scb_sqlite_close(struct scb_catalog *catalog);

/* The reading half of the driver; scb/catalog.h says what each does. */
enum scb_status scb_sqlite_get_run(struct scb_catalog *catalog, const char *backup_date,
                                   struct scb_run_record *ret_run, struct scb_error *error);
enum scb_status scb_sqlite_get(struct scb_catalog *catalog, const char *backup_date,
                               struct scb_backup_record *ret_backup, struct scb_error *error);
enum scb_status scb_sqlite_newest(struct scb_catalog *catalog, bool completed_only,
                                  struct scb_backup_record *ret_backup, struct scb_error *error);
enum scb_status scb_sqlite_list(struct scb_catalog *catalog, const char *before, uint64_t limit,
                                scb_catalog_backup_visitor visit, void *state,
                                struct scb_error *error);
enum scb_status scb_sqlite_pages(struct scb_catalog *catalog, const char *backup_date,
                                 uint64_t first, uint64_t limit, scb_catalog_page_visitor visit,
                                 void *state, struct scb_error *error);

/* The part of the driver that keeps house (sqlite_keep.c). */
enum scb_status scb_sqlite_invalidate(struct scb_catalog *catalog, const char *backup_date,
                                      const char *message, struct scb_error *error);
enum scb_status scb_sqlite_hold(struct scb_catalog *catalog, const char *backup_date, bool held,
                                int64_t now_ms, struct scb_error *error);
enum scb_status scb_sqlite_forget(struct scb_catalog *catalog, const char *backup_date,
                                  struct scb_error *error);

/* What proved a backup (sqlite_check.c). */
enum scb_status scb_sqlite_record_check(struct scb_catalog *catalog, const char *backup_date,
                                        const struct scb_check_record *check,
                                        struct scb_error *error);
enum scb_status scb_sqlite_check_times(struct scb_catalog *catalog, int64_t until_ms,
                                       struct scb_check_times *ret_times, struct scb_error *error);
enum scb_status scb_sqlite_checks(struct scb_catalog *catalog, const char *backup_date,
                                  scb_catalog_check_visitor visit, void *state,
                                  struct scb_error *error);

/* NotFoundError for a backup. */
enum scb_status scb_sqlite_not_found(const char *backup_date, struct scb_error *error);

/* The version that this program works with, and the SQL that leads to one from the one before. */
extern const int64_t scb_sqlite_version;
const char *scb_sqlite_migration(int64_t version);

/*
 * Says that SQLite failed with code while doing something ("recording pages"): ResourceError for a
 * full disk and no memory, DatabaseError else, retryable where the database was busy.
 */
enum scb_status scb_sqlite_error(const struct scb_sqlite *sqlite, int code, const char *doing,
                                 struct scb_error *error);

/*
 * Binding and reading have a sticky error: what is wrong first is kept, and reported by the next
 * step or check. Parameters and columns are taken one after the other.
 */
struct scb_query {
    struct scb_sqlite *sqlite;
    sqlite3_stmt *statement;
    const char *doing;     /* for messages; borrowed */
    int position;          /* parameters bound, or columns read, so far */
    int bind_code;         /* SQLite's code of the first bind that failed */
    bool too_large;        /* a number over INT64_MAX was bound */
    bool no_memory;        /* a column could not be read for want of it */
    const char *complaint; /* what is wrong with the first bad column; NULL for nothing */
    int bad_column;
};

/* One use of a statement at a time; ends with scb_query_cleanup (SCB_AUTO(query)). */
SCB_MUST_CHECK enum scb_status scb_query_begin(struct scb_sqlite *sqlite,
                                               enum scb_sqlite_statement id, const char *doing,
                                               struct scb_query *ret_query,
                                               struct scb_error *error);
void scb_query_cleanup(struct scb_query *query);

/* Text is borrowed until the query has run; NULL and "" are stored as NULL. */
void scb_query_bind_text(struct scb_query *query, const char *text);
/* A negative number or time is stored as NULL. */
void scb_query_bind_number(struct scb_query *query, int64_t value);
void scb_query_bind_time(struct scb_query *query, int64_t real_ms);
void scb_query_bind_unsigned(struct scb_query *query, uint64_t value);
/* prefix ("0x" or "") and lower-case digits of at most 32 bytes. */
void scb_query_bind_hex(struct scb_query *query, const char *prefix, const uint8_t *data,
                        size_t size);

/* The next row; *ret_row is false after the last. */
SCB_MUST_CHECK enum scb_status scb_query_step(struct scb_query *query, bool *ret_row,
                                              struct scb_error *error);
/* A statement without rows, from beginning to end; then it can be bound and run again. */
SCB_MUST_CHECK enum scb_status scb_query_run(struct scb_query *query, struct scb_error *error);

/* Runs a statement without rows of which the date is the only parameter. */
SCB_MUST_CHECK enum scb_status scb_query_run_for(struct scb_sqlite *sqlite,
                                                 enum scb_sqlite_statement id,
                                                 const char *backup_date, const char *doing,
                                                 struct scb_error *error);

/* The next column of the row, in a type that is checked: the database is an outside file. */
void scb_query_get_text(struct scb_query *query, char *ret_text, size_t size); /* "" for NULL */
/* Made printable, and cut where it is too long. */
void scb_query_get_message(struct scb_query *query, char *ret_text, size_t size);
int64_t scb_query_get_number(struct scb_query *query); /* -1 for NULL, else not negative */
int64_t scb_query_get_time(struct scb_query *query);   /* -1 for NULL */
uint64_t scb_query_get_unsigned(struct scb_query *query);
enum scb_backup_state scb_query_get_state(struct scb_query *query);
/* prefix and 2 × size digits, as bytes. */
void scb_query_get_hex(struct scb_query *query, const char *prefix, uint8_t *ret_data, size_t size);
/* The same as text; "" for NULL. ret_text has room for all of it. */
void scb_query_get_hex_text(struct scb_query *query, const char *prefix, size_t size,
                            char *ret_text);
/* Objects to the column that was read last. */
void scb_query_complain(struct scb_query *query, const char *complaint);
/* DatabaseError where a column was not what it must be. */
SCB_MUST_CHECK enum scb_status scb_query_check(const struct scb_query *query,
                                               struct scb_error *error);

/*
 * A transaction that may write, from its begin on. SCB_AUTO(transaction) rolls back what has not
 * been committed; declare it before the queries inside.
 */
SCB_MUST_CHECK enum scb_status scb_transaction_begin(struct scb_sqlite *sqlite, const char *doing,
                                                     struct scb_sqlite **ret_transaction,
                                                     struct scb_error *error);
SCB_MUST_CHECK enum scb_status scb_transaction_commit(struct scb_sqlite **transaction,
                                                      const char *doing, struct scb_error *error);
void scb_transaction_cleanup(struct scb_sqlite **transaction);

#endif
