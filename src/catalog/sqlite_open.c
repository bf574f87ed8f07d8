/* SPDX-License-Identifier: Apache-2.0 */
#include "catalog/sqlite.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/file.h"
#include "base/file_watch.h"
#include "base/memory.h"
#include "base/sqlite_url.h"

static const char opening[] = "opening";

enum {
    BUSY_LOOKS = 56,          /* until a busy database is given up, after some 5 s */
    LONGEST_LOOK_MS = 100,    /* the first ones are shorter */
    MAX_VALUE_SIZE = 1 << 20, /* of one text or row; ours are far below */
};

/*
 * File locks and shared memory, which SQLite's WAL lives on, cannot be trusted there. FUSE and 9p
 * are not listed: they may be local, and where they cannot share memory WAL itself refuses.
 */
static enum scb_status refuse_network(int dir_fd, const char *path, struct scb_error *error)
{
    static const uint32_t network[] = {NFS_SUPER_MAGIC,  SMB_SUPER_MAGIC,  SMB2_SUPER_MAGIC,
                                       CIFS_SUPER_MAGIC, AFS_SUPER_MAGIC,  AFS_FS_MAGIC,
                                       CEPH_SUPER_MAGIC, CODA_SUPER_MAGIC, NCP_SUPER_MAGIC};
    struct statfs filesystem = {0};
    /* The file may be a link that leads elsewhere than its directory. */
    if (statfs(path, &filesystem) != 0 && fstatfs(dir_fd, &filesystem) != 0)
        return scb_error_set_errno(error, SCB_ERROR_FILE, errno,
                                   "status database %s: its filesystem not read", path);
    for (size_t i = 0; i < SCB_LENGTH(network); i++) {
        if ((uint32_t)filesystem.f_type != network[i])
            continue;
        (void)scb_error_set(error, SCB_ERROR_VALIDATION,
                            "status database %s: it is on a network filesystem, where SQLite "
                            "cannot keep it whole",
                            path);
        (void)scb_error_hint(error, "set database.url to a file on a local disk");
        return SCB_ERROR_VALIDATION;
    }
    return SCB_OK;
}

/*
 * Makes an empty file (a valid database) where there is none. SQLite gives its -wal and -shm the
 * mode of this file, and syncs the directory with the first -wal. Opened only when new: closing a
 * file drops all of a process's locks on it.
 */
static enum scb_status make_file(int dir_fd, const char *name, const char *path, bool *ret_made,
                                 struct scb_error *error)
{
    SCB_AUTO(fd) int fd = openat(dir_fd, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0 && errno == EEXIST)
        return SCB_OK;
    if (fd < 0 || fchmod(fd, 0600) != 0)
        return scb_error_set_errno(error, SCB_ERROR_FILE, errno, "status database %s: not made",
                                   path);
    *ret_made = true;
    return SCB_OK;
}

static enum scb_status prepare_file(const char *path, bool create, bool *ret_made,
                                    struct scb_error *error)
{
    if (!create && access(path, F_OK) != 0 && (errno == ENOENT || errno == ENOTDIR)) {
        (void)scb_error_set(error, SCB_ERROR_NOT_FOUND, "status database %s: there is none yet",
                            path);
        (void)scb_error_hint(error,
                             "the first 'satellite backup run' makes it, 'satellite backup list "
                             "--rescan' from archives; or check database.url");
        return SCB_ERROR_NOT_FOUND;
    }
    const char *name = strrchr(path, '/') + 1;
    /* With its last '/', so that the root directory is no special case. */
    SCB_AUTO(string) char *directory = scb_format(error, "%.*s", (int)(name - path), path);
    if (directory == NULL)
        return SCB_ERROR_RESOURCE;
    SCB_AUTO(fd) int dir_fd = -1;
    enum scb_status status = scb_dir_open(directory, create, 0700, &dir_fd, error);
    if (status == SCB_OK)
        status = refuse_network(dir_fd, path, error);
    if (status == SCB_OK && create)
        status = make_file(dir_fd, name, path, ret_made, error);
    if (status == SCB_ERROR_FILE)
        (void)scb_error_hint(error, "check database.url and that this user may write there");
    return status;
}

/* The one number that a query gives; untouched where it gives no row. */
static enum scb_status read_number(struct scb_sqlite *sqlite, const char *sql, int64_t *ret_number,
                                   struct scb_error *error)
{
    sqlite3_stmt *statement = NULL;
    int code = sqlite3_prepare_v2(sqlite->db, sql, -1, &statement, NULL);
    if (code == SQLITE_OK)
        code = sqlite3_step(statement);
    if (code == SQLITE_ROW)
        *ret_number = sqlite3_column_int64(statement, 0);
    enum scb_status status = code == SQLITE_ROW || code == SQLITE_DONE
                                 ? SCB_OK
                                 : scb_sqlite_error(sqlite, code, opening, error);
    (void)sqlite3_finalize(statement);
    return status;
}

/* A database that another process holds is no stuck disk: with each look the disk comes back. */
static int wait_while_busy(void *unused, int looks)
{
    (void)unused;
    if (looks == BUSY_LOOKS)
        return 0;
    scb_file_operation_renew();
    (void)sqlite3_sleep(looks < 7 ? 1 << looks : LONGEST_LOOK_MS);
    return 1;
}

/*
 * SQLite does not ask its busy handler about the change to WAL (two that change at once would wait
 * for each other), so that is tried again here.
 */
static enum scb_status use_wal(struct scb_sqlite *sqlite, struct scb_error *error)
{
    sqlite3_stmt *statement = NULL;
    int code = SQLITE_OK, looks = 0;
    bool wal = false;
    do {
        code = sqlite3_prepare_v2(sqlite->db, "PRAGMA journal_mode = WAL", -1, &statement, NULL);
        if (code == SQLITE_OK)
            code = sqlite3_step(statement);
        const unsigned char *mode = code == SQLITE_ROW ? sqlite3_column_text(statement, 0) : NULL;
        wal = mode != NULL && strcmp((const char *)mode, "wal") == 0;
        (void)sqlite3_finalize(statement);
    } while ((code & 0xff) == SQLITE_BUSY && wait_while_busy(NULL, looks++));
    if (code != SQLITE_ROW)
        return scb_sqlite_error(sqlite, code, opening, error);
    if (wal)
        return SCB_OK;
    (void)scb_error_set(error, SCB_ERROR_DATABASE,
                        "status database %s: opening: its filesystem does not allow a "
                        "write-ahead log",
                        sqlite->path);
    (void)scb_error_hint(error, "set database.url to a file on a local disk");
    return SCB_ERROR_DATABASE;
}

static enum scb_status connect_to(struct scb_sqlite *sqlite, bool made, struct scb_error *error)
{
    int code =
        sqlite3_open_v2(sqlite->path, &sqlite->db,
                        SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, NULL);
    if (code != SQLITE_OK)
        return scb_sqlite_error(sqlite, code, opening, error);
    /* The file may be anybody's: its schema runs no code, its values have a limit. */
    (void)sqlite3_db_config(sqlite->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    (void)sqlite3_db_config(sqlite->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    (void)sqlite3_db_config(sqlite->db, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, NULL);
    (void)sqlite3_db_config(sqlite->db, SQLITE_DBCONFIG_ENABLE_VIEW, 0, NULL);
    (void)sqlite3_limit(sqlite->db, SQLITE_LIMIT_LENGTH, MAX_VALUE_SIZE);
    if (made) /* nothing to lose yet: until it is a WAL it needs no journal on the disk */
        (void)sqlite3_exec(sqlite->db, "PRAGMA journal_mode = MEMORY", NULL, NULL, NULL);
    enum scb_status status = use_wal(sqlite, error);
    if (status != SCB_OK)
        return status;
    (void)sqlite3_busy_handler(sqlite->db, wait_while_busy, NULL);
    code = sqlite3_exec(sqlite->db, "PRAGMA synchronous = NORMAL; PRAGMA cell_size_check = ON",
                        NULL, NULL, NULL);
    return code == SQLITE_OK ? SCB_OK : scb_sqlite_error(sqlite, code, opening, error);
}

static enum scb_status read_version(struct scb_sqlite *sqlite, int64_t *ret_version,
                                    struct scb_error *error)
{
    int64_t tables = 0;
    *ret_version = 0;
    enum scb_status status = read_number(sqlite,
                                         "SELECT count(*) FROM sqlite_schema"
                                         " WHERE type = 'table' AND name = 'schema_migrations'",
                                         &tables, error);
    if (status == SCB_OK && tables > 0)
        status = read_number(sqlite, "SELECT ifnull(max(version), 0) FROM schema_migrations",
                             ret_version, error);
    if (status != SCB_OK || (*ret_version >= 0 && *ret_version <= scb_sqlite_version))
        return status;
    (void)scb_error_set(error, SCB_ERROR_VALIDATION,
                        "status database %s: its version is %lld, this program knows versions up "
                        "to %lld",
                        sqlite->path, (long long)*ret_version, (long long)scb_sqlite_version);
    (void)scb_error_hint(error, "use the newer satellite that made it, or another database.url");
    return SCB_ERROR_VALIDATION;
}

static enum scb_status record_migration(struct scb_sqlite *sqlite, int64_t version,
                                        struct scb_error *error)
{
    SCB_AUTO(query) struct scb_query query = {0};
    enum scb_status status =
        scb_query_begin(sqlite, SCB_STATEMENT_RECORD_MIGRATION, opening, &query, error);
    if (status != SCB_OK)
        return status;
    scb_query_bind_number(&query, version);
    return scb_query_run(&query, error);
}

/* One migration, one transaction; none where another process was faster. */
static enum scb_status migrate_once(struct scb_sqlite *sqlite, int64_t *ret_version,
                                    struct scb_error *error)
{
    SCB_AUTO(transaction) struct scb_sqlite *transaction = NULL;
    enum scb_status status = scb_transaction_begin(sqlite, opening, &transaction, error);
    if (status == SCB_OK)
        status = read_version(sqlite, ret_version, error);
    if (status != SCB_OK || *ret_version == scb_sqlite_version)
        return status;
    int64_t next = *ret_version + 1;
    int code = sqlite3_exec(sqlite->db, scb_sqlite_migration(next), NULL, NULL, NULL);
    if (code != SQLITE_OK)
        return scb_sqlite_error(sqlite, code, "bringing it to this version", error);
    status = record_migration(sqlite, next, error);
    if (status == SCB_OK)
        status = scb_transaction_commit(&transaction, opening, error);
    if (status == SCB_OK)
        *ret_version = next;
    return status;
}

static enum scb_status migrate(struct scb_sqlite *sqlite, struct scb_error *error)
{
    int64_t version = 0;
    enum scb_status status = read_version(sqlite, &version, error);
    while (status == SCB_OK && version < scb_sqlite_version)
        status = migrate_once(sqlite, &version, error);
    return status;
}

void scb_sqlite_close(struct scb_catalog *catalog)
{
    struct scb_sqlite *sqlite = scb_sqlite_of(catalog);
    for (size_t i = 0; i < SCB_STATEMENT_COUNT; i++)
        (void)sqlite3_finalize(sqlite->statements[i]);
    (void)sqlite3_close(sqlite->db);
    free(sqlite->path);
    free(sqlite);
}

enum scb_status scb_sqlite_open(const char *url, bool create, struct scb_catalog **ret_catalog,
                                struct scb_error *error)
{
    const char *path = scb_sqlite_url_path(url, error);
    bool made = false;
    if (path == NULL)
        return SCB_ERROR_VALIDATION;
    enum scb_status status = prepare_file(path, create, &made, error);
    if (status != SCB_OK)
        return status;
    struct scb_sqlite *sqlite = scb_alloc(1, sizeof(*sqlite), error);
    if (sqlite == NULL)
        return SCB_ERROR_RESOURCE;
    sqlite->catalog.ops = &scb_sqlite_ops;
    sqlite->path = scb_strdup(path, error);
    status = sqlite->path == NULL ? SCB_ERROR_RESOURCE : connect_to(sqlite, made, error);
    if (status == SCB_OK)
        status = migrate(sqlite, error);
    if (status == SCB_OK)
        *ret_catalog = &sqlite->catalog;
    else
        scb_sqlite_close(&sqlite->catalog);
    return status;
}
