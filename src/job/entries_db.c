/* SPDX-License-Identifier: Apache-2.0 */
#include "job/entries_db.h"

#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"

struct scb_entries_db {
    struct scb_entries_db_place place; /* its path is the caller's */
    sqlite3 *db;
    sqlite3_stmt *statement; /* the one that is run again and again */
    int64_t position;
};

static const char schema[] =
    /* Nobody reads it before it is whole; its owner throws it away otherwise. */
    "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;"
    "BEGIN;"
    "CREATE TABLE backup (name TEXT PRIMARY KEY, value) WITHOUT ROWID;"
    "CREATE TABLE entries (position INTEGER PRIMARY KEY, key NOT NULL, value NOT NULL,"
    " version_id NOT NULL);";

/* A full disk is not the database's fault. */
static enum scb_status failed(const struct scb_entries_db *db, const char *doing,
                              struct scb_error *error)
{
    int code = db->db == NULL ? SQLITE_NOMEM : sqlite3_errcode(db->db);
    const char *why = db->db == NULL ? "out of memory" : sqlite3_errmsg(db->db);
    enum scb_status status = SCB_ERROR_FILE;
    if (code == SQLITE_FULL || code == SQLITE_NOMEM || code == SQLITE_TOOBIG)
        status = SCB_ERROR_RESOURCE;
    if (code == SQLITE_CORRUPT || code == SQLITE_NOTADB)
        status = SCB_ERROR_INTEGRITY;
    return scb_error_set(error, status, "SQLite database: %s: %s", doing, why);
}

/* *ret_db is to be closed also where it could not be opened. */
static enum scb_status open_db(const struct scb_entries_db_place *place, int flags,
                               struct scb_entries_db **ret_db, struct scb_error *error)
{
    struct scb_entries_db *db = scb_alloc(1, sizeof(*db), error);
    *ret_db = db;
    if (db == NULL)
        return SCB_ERROR_RESOURCE;
    db->place = *place;
    flags |= SQLITE_OPEN_NOMUTEX;
    if (place->memory == 0)
        return sqlite3_open_v2(place->path, &db->db, flags, NULL) == SQLITE_OK
                   ? SCB_OK
                   : failed(db, "opening", error);
    /* With a slash before it, the name is the whole process's. */
    SCB_AUTO(string) char *uri = scb_format(error, "file:/%s?vfs=memdb", place->path);
    if (uri == NULL)
        return SCB_ERROR_RESOURCE;
    sqlite3_int64 limit = (sqlite3_int64)place->memory;
    if (sqlite3_open_v2(uri, &db->db, flags | SQLITE_OPEN_URI, NULL) != SQLITE_OK ||
        sqlite3_file_control(db->db, "main", SQLITE_FCNTL_SIZE_LIMIT, &limit) != SQLITE_OK)
        return failed(db, "opening", error);
    return SCB_OK;
}

void scb_entries_db_close(struct scb_entries_db *db)
{
    if (db == NULL)
        return;
    (void)sqlite3_finalize(db->statement);
    (void)sqlite3_close(db->db);
    free(db);
}

static enum scb_status execute(struct scb_entries_db *db, const char *sql, const char *doing,
                               struct scb_error *error)
{
    return sqlite3_exec(db->db, sql, NULL, NULL, NULL) == SQLITE_OK ? SCB_OK
                                                                    : failed(db, doing, error);
}

static enum scb_status prepare(struct scb_entries_db *db, const char *sql, struct scb_error *error)
{
    (void)sqlite3_finalize(db->statement);
    db->statement = NULL;
    return sqlite3_prepare_v2(db->db, sql, -1, &db->statement, NULL) == SQLITE_OK
               ? SCB_OK
               : failed(db, "preparing a statement", error);
}

static enum scb_status run(struct scb_entries_db *db, const char *doing, struct scb_error *error)
{
    enum scb_status status =
        sqlite3_step(db->statement) == SQLITE_DONE ? SCB_OK : failed(db, doing, error);
    (void)sqlite3_reset(db->statement);
    return status;
}

/* --- writing --- */

static enum scb_status say_text(struct scb_entries_db *db, const char *name, const char *value,
                                struct scb_error *error)
{
    if (sqlite3_bind_text(db->statement, 1, name, -1, SQLITE_STATIC) != SQLITE_OK ||
        sqlite3_bind_text(db->statement, 2, value, -1, SQLITE_STATIC) != SQLITE_OK)
        return failed(db, "binding a value", error);
    return run(db, "inserting", error);
}

static enum scb_status say_number(struct scb_entries_db *db, const char *name, uint64_t value,
                                  struct scb_error *error)
{
    if (sqlite3_bind_text(db->statement, 1, name, -1, SQLITE_STATIC) != SQLITE_OK ||
        sqlite3_bind_int64(db->statement, 2, (int64_t)value) != SQLITE_OK)
        return failed(db, "binding a value", error);
    return run(db, "inserting", error);
}

static enum scb_status describe(struct scb_entries_db *db, const struct scb_manifest *manifest,
                                struct scb_error *error)
{
    char contract[43] = "0x", hash[67] = "0x", pages[65];
    scb_text_hex(manifest->contract, sizeof(manifest->contract), contract + 2);
    scb_text_hex(manifest->block_hash, sizeof(manifest->block_hash), hash + 2);
    scb_text_hex(manifest->pages_sha256, sizeof(manifest->pages_sha256), pages);
    enum scb_status status = say_text(db, "backup_date", manifest->backup_date, error);
    if (status == SCB_OK)
        status = say_number(db, "chain_id", manifest->chain_id, error);
    if (status == SCB_OK)
        status = say_text(db, "contract_address", contract, error);
    if (status == SCB_OK)
        status = say_number(db, "block_number", manifest->block_number, error);
    if (status == SCB_OK)
        status = say_text(db, "block_hash", hash, error);
    if (status == SCB_OK)
        status = say_number(db, "block_time", manifest->block_time, error);
    if (status == SCB_OK)
        status = say_number(db, "total_keys", manifest->total_keys, error);
    if (status == SCB_OK)
        status = say_text(db, "pages_sha256", pages, error);
    return status;
}

/* Made of entries that are there, an index is sorted on temporary files; a database of the drill's
 * needs none. */
static enum scb_status make_index(struct scb_entries_db *db, struct scb_error *error)
{
    return db->place.memory > 0 ? SCB_OK
                                : execute(db, "CREATE INDEX entries_key ON entries (key)",
                                          "making its index", error);
}

static enum scb_status keep_from_disk(struct scb_entries_db *db, struct scb_error *error)
{
    SCB_AUTO(string)
    char *sql = scb_format(error, "PRAGMA temp_store = MEMORY; PRAGMA cache_size = -%zu",
                           db->place.cache / 1024 + 1);
    return sql == NULL ? SCB_ERROR_RESOURCE : execute(db, sql, "setting it up", error);
}

enum scb_status scb_entries_db_create(const struct scb_entries_db_place *place,
                                      const struct scb_manifest *manifest,
                                      struct scb_entries_db **ret_db, struct scb_error *error)
{
    struct scb_entries_db *db = NULL;
    enum scb_status status = open_db(place, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, &db, error);
    if (status == SCB_OK)
        status = execute(db, schema, "making its tables", error);
    if (status == SCB_OK && place->secret)
        status = keep_from_disk(db, error);
    if (status == SCB_OK && place->secret)
        status = make_index(db, error);
    if (status == SCB_OK)
        status = prepare(db, "INSERT INTO backup (name, value) VALUES (?1, ?2)", error);
    if (status == SCB_OK)
        status = describe(db, manifest, error);
    if (status == SCB_OK)
        status = prepare(db,
                         "INSERT INTO entries (position, key, value, version_id)"
                         " VALUES (?1, ?2, ?3, ?4)",
                         error);
    if (status != SCB_OK) {
        scb_entries_db_close(db);
        return status;
    }
    *ret_db = db;
    return SCB_OK;
}

/* Text where it is one for every program: valid UTF-8 without NUL. */
static int bind(sqlite3_stmt *statement, int parameter, struct scb_bytes bytes)
{
    const void *data = bytes.size == 0 ? "" : (const void *)bytes.data;
    bool text =
        bytes.size == 0 || (memchr(data, '\0', bytes.size) == NULL && scb_text_is_utf8(bytes));
    return text ? sqlite3_bind_text64(statement, parameter, data, bytes.size, SQLITE_STATIC,
                                      SQLITE_UTF8)
                : sqlite3_bind_blob64(statement, parameter, data, bytes.size, SQLITE_STATIC);
}

enum scb_status scb_entries_db_add(struct scb_entries_db *db, const struct scb_entry *entry,
                                   struct scb_error *error)
{
    if (sqlite3_bind_int64(db->statement, 1, db->position++) != SQLITE_OK ||
        bind(db->statement, 2, entry->key) != SQLITE_OK ||
        bind(db->statement, 3, entry->value) != SQLITE_OK ||
        bind(db->statement, 4, entry->version_id) != SQLITE_OK)
        return failed(db, "binding an entry", error);
    return run(db, "inserting an entry", error);
}

enum scb_status scb_entries_db_finish(struct scb_entries_db *db, struct scb_error *error)
{
    (void)sqlite3_finalize(db->statement);
    db->statement = NULL;
    enum scb_status status = db->place.secret ? SCB_OK : make_index(db, error);
    return status == SCB_OK ? execute(db, "COMMIT", "committing", error) : status;
}

/* --- reading --- */

static enum scb_status check(struct scb_entries_db *db, struct scb_error *error)
{
    enum scb_status status = prepare(db, "PRAGMA quick_check(1)", error);
    if (status != SCB_OK)
        return status;
    if (sqlite3_step(db->statement) != SQLITE_ROW)
        return failed(db, "checking it", error);
    const unsigned char *text = sqlite3_column_text(db->statement, 0);
    if (text == NULL)
        return scb_error_set(error, SCB_ERROR_RESOURCE, "SQLite database: no memory to check it");
    return strcmp((const char *)text, "ok") == 0
               ? SCB_OK
               : scb_error_set(error, SCB_ERROR_INTEGRITY, "SQLite database: %s", text);
}

enum scb_status scb_entries_db_open(const struct scb_entries_db_place *place,
                                    struct scb_entries_db **ret_db, struct scb_error *error)
{
    struct scb_entries_db *db = NULL;
    enum scb_status status = open_db(place, SQLITE_OPEN_READONLY, &db, error);
    if (status == SCB_OK)
        status = check(db, error);
    if (status == SCB_OK)
        status = prepare(db, "SELECT key, value, version_id FROM entries ORDER BY position", error);
    if (status != SCB_OK) {
        scb_entries_db_close(db);
        return status;
    }
    *ret_db = db;
    return SCB_OK;
}

/* As it is stored: text is UTF-8, which is what was given. */
static struct scb_bytes column(sqlite3_stmt *statement, int index)
{
    const void *data = sqlite3_column_blob(statement, index);
    int size = sqlite3_column_bytes(statement, index);
    return (struct scb_bytes){data, (size_t)size};
}

enum scb_status scb_entries_db_next(struct scb_entries_db *db, bool *ret_more,
                                    struct scb_entry *ret_entry, struct scb_error *error)
{
    int code = sqlite3_step(db->statement);
    if (code != SQLITE_ROW && code != SQLITE_DONE)
        return failed(db, "reading an entry", error);
    *ret_more = code == SQLITE_ROW;
    if (*ret_more)
        *ret_entry = (struct scb_entry){column(db->statement, 0), column(db->statement, 1),
                                        column(db->statement, 2)};
    return SCB_OK;
}
