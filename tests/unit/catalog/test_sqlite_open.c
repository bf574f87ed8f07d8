/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The way to an open database: its URL, file modes, filesystems, migrations and versions, many
 * processes that make the same one, what is no database.
 */
#include "catalog/sqlite.h"
#include "shim.h"

#include <sys/stat.h>
#include <sys/wait.h>

static void refuses_other_urls(void **state)
{
    struct fixture *fixture = *state;
    static const char *const urls[] = {
        "",
        "/var/lib/satellite.db",
        "sqlite",
        "sqlite:",
        "sqlite:relative.db",
        "sqlite:/one/slash.db",
        "sqlite://host/path.db",
        "sqlite:///",
        "sqlite:///directory/",
        "sqlite:///tmp/x.db?mode=ro",
        "sqlite:///tmp/x.db#part",
        "sqlite:///tmp/%78.db",
        "SQLITE:///tmp/x.db",
        "mysql://user:secret@host/db",
        "postgres://user:secret@host/db",
        "postgresql://user:secret@host/db",
    };
    for (size_t i = 0; i < sizeof(urls) / sizeof(urls[0]); i++) {
        struct scb_error *error = &fixture->error;
        *error = (struct scb_error){0};
        assert_status(SCB_ERROR_VALIDATION,
                      scb_catalog_open(urls[i], true, &fixture->catalog, error));
        assert_null(fixture->catalog);
        assert_non_null(strstr(error->hint, "sqlite:///"));
        assert_null(strstr(error->message, "secret"));
        if (strncmp(urls[i], "postgres", 8) == 0)
            assert_non_null(strstr(error->message, "not supported in this version"));
    }
}

static void refuses_an_overlong_path(void **state)
{
    struct fixture *fixture = *state;
    char url[8192];
    memset(url, 'x', sizeof(url));
    memcpy(url, "sqlite:///", 10);
    url[sizeof(url) - 1] = '\0';
    assert_status(SCB_ERROR_VALIDATION,
                  scb_catalog_open(url, true, &fixture->catalog, &fixture->error));
}

static void does_not_make_what_is_only_read(void **state)
{
    struct fixture *fixture = *state;
    assert_status(SCB_ERROR_NOT_FOUND,
                  scb_catalog_open(fixture->url, false, &fixture->catalog, &fixture->error));
    assert_non_null(strstr(fixture->error.hint, "satellite backup run"));
    assert_int_not_equal(access(fixture->path, F_OK), 0);
    (void)snprintf(fixture->url, sizeof(fixture->url), "sqlite://%s/no/such/x.db",
                   fixture->directory);
    assert_status(SCB_ERROR_NOT_FOUND,
                  scb_catalog_open(fixture->url, false, &fixture->catalog, &fixture->error));
}

static void assert_mode(const char *directory, const char *name, mode_t wanted)
{
    char path[300];
    struct stat info = {0};
    (void)snprintf(path, sizeof(path), "%s/%s", directory, name);
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_mode & 0777, wanted);
}

static void makes_private_files(void **state)
{
    struct fixture *fixture = *state;
    mode_t before = umask(0);
    (void)snprintf(fixture->url, sizeof(fixture->url), "sqlite://%s/a/b/x.db", fixture->directory);
    enum scb_status status =
        scb_catalog_open(fixture->url, true, &fixture->catalog, &fixture->error);
    (void)umask(before);
    assert_ok(status);
    start(fixture, DATE);
    assert_mode(fixture->directory, "a", 0700);
    assert_mode(fixture->directory, "a/b", 0700);
    assert_mode(fixture->directory, "a/b/x.db", 0600);
    assert_mode(fixture->directory, "a/b/x.db-wal", 0600);
    assert_mode(fixture->directory, "a/b/x.db-shm", 0600);
}

static void migrates_from_nothing(void **state)
{
    struct fixture *fixture = *state;
    for (int i = 0; i < 2; i++) { /* the second time there is nothing to do */
        assert_sql(fixture, "SELECT group_concat(version) FROM schema_migrations", "1,2,3,4,5,6");
        assert_sql(fixture,
                   "SELECT count(*) FROM schema_migrations"
                   " WHERE applied_at GLOB '[0-9]*-[0-9]*-[0-9]*T[0-9]*:[0-9]*:[0-9]*.[0-9]*Z'",
                   "6");
        reopen(fixture);
    }
    assert_sql(fixture, "PRAGMA journal_mode", "wal");
    /* The tables of SPEC 4. */
#define COLUMNS_OF(table)                                                                          \
    "SELECT group_concat(name || ' ' || type || iif(\"notnull\", ' NOT NULL', '')"                 \
    " || ifnull(' DEFAULT ' || dflt_value, '') || iif(pk, ' KEY' || pk, ''), ', ')"                \
    " FROM pragma_table_info('" table "')"
    assert_sql(fixture, COLUMNS_OF("backup_final_status"),
               "backup_date TEXT KEY1, status TEXT NOT NULL, "
               "created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP, completed_at TIMESTAMP, "
               "total_pages INTEGER, total_keys INTEGER, backup_file_path TEXT, "
               "error_message TEXT, checksum TEXT, file_size BIGINT");
    assert_sql(fixture, COLUMNS_OF("backup_page_status"),
               "backup_date TEXT KEY1, page_number INTEGER KEY2, status TEXT NOT NULL, "
               "created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP, completed_at TIMESTAMP, "
               "keys_count INTEGER, file_path TEXT, error_message TEXT, checksum TEXT, "
               "file_size BIGINT");
}

/* A run that an earlier program began: how it read its pages is not known, the rest is. */
static void migrates_from_version_2(void **state)
{
    struct fixture *fixture = *state;
    struct scb_run_record run, wanted = sample_run(DATE);
    for (int64_t version = 1; version <= 2; version++)
        run_sql_beside(fixture, scb_sqlite_migration(version));
    run_sql_beside(fixture, "INSERT INTO schema_migrations VALUES (1, ''), (2, '');"
                            "INSERT INTO backup_run VALUES ('" DATE "', 50,"
                            " '0x' || replace(hex(zeroblob(10)), '0', 'ab'), 70000001,"
                            " '0x' || replace(hex(zeroblob(16)), '0', 'cd'), 1705307390, 100, 250,"
                            " 3, 7)");
    assert_ok(scb_catalog_open(fixture->url, false, &fixture->catalog, &fixture->error));
    assert_ok(scb_catalog_get_run(fixture->catalog, DATE, &run, &fixture->error));
    wanted.generation = 7;
    wanted.page_function[0] = wanted.total_function[0] = wanted.recipients[0] = wanted.run_id[0] =
        '\0';
    wanted.max_key_size = wanted.max_value_size = wanted.quorum = 0;
    assert_same_run(&run, &wanted);
}

static void refuses_other_versions(void **state)
{
    struct fixture *fixture = *state;
    static const char *const versions[] = {"99", "-1"};
    for (size_t i = 0; i < 2; i++) {
        char sql[128];
        (void)snprintf(sql, sizeof(sql),
                       "DELETE FROM schema_migrations; INSERT INTO schema_migrations"
                       " VALUES (%s, '')",
                       versions[i]);
        run_sql_beside(fixture, sql);
        struct scb_catalog *catalog = NULL;
        assert_status(SCB_ERROR_VALIDATION,
                      scb_catalog_open(fixture->url, true, &catalog, &fixture->error));
        assert_null(catalog);
        assert_non_null(strstr(fixture->error.message, versions[i]));
        assert_non_null(strstr(fixture->error.hint, "newer satellite"));
    }
}

/* A migration that fails halfway leaves nothing of itself. */
static void undoes_a_failed_migration(void **state)
{
    struct fixture *fixture = *state;
    run_sql_beside(fixture, "CREATE TABLE backup_run (other TEXT)");
    assert_status(SCB_ERROR_DATABASE,
                  scb_catalog_open(fixture->url, true, &fixture->catalog, &fixture->error));
    assert_non_null(strstr(fixture->error.message, "backup_run"));
    assert_sql(fixture, "SELECT group_concat(name) FROM sqlite_schema WHERE type = 'table'",
               "backup_run");
}

/* In a child process: waits until all are there, opens, works, and gives its status. */
static void work_in_child(struct fixture *fixture, int barrier, unsigned number)
{
    char byte, date[24];
    struct scb_catalog *catalog = NULL;
    (void)snprintf(date, sizeof(date), "2024-01-%02u", number);
    struct scb_run_record run = sample_run(date);
    struct scb_page_record page = sample_page(number);
    (void)!read(barrier, &byte, 1); /* ends when the parent closes its side */
    enum scb_status status = scb_catalog_open(fixture->url, true, &catalog, &fixture->error);
    if (status == SCB_OK)
        status = scb_catalog_start(catalog, &run, NOW_MS, &fixture->error);
    for (int i = 0; status == SCB_OK && i < 20; i++)
        status = scb_catalog_record_pages(catalog, date, &page, 1, &fixture->error);
    scb_catalog_close(catalog);
    if (status != SCB_OK)
        (void)fprintf(stderr, "%s\n", fixture->error.message);
    _exit((int)status);
}

static void is_made_by_many_processes_at_once(void **state)
{
    struct fixture *fixture = *state;
    enum { CHILDREN = 8 };
    pid_t children[CHILDREN];
    int barrier[2];
    assert_int_equal(pipe(barrier), 0);
    for (unsigned i = 0; i < CHILDREN; i++) {
        children[i] = fork();
        assert_true(children[i] >= 0);
        if (children[i] == 0) {
            (void)close(barrier[1]);
            work_in_child(fixture, barrier[0], i + 1);
        }
    }
    (void)close(barrier[0]);
    (void)close(barrier[1]);
    int failures = 0;
    for (size_t i = 0; i < CHILDREN; i++) {
        int status = 0;
        assert_int_equal(waitpid(children[i], &status, 0), children[i]);
        failures += status != 0;
    }
    assert_int_equal(failures, 0);
    assert_sql(fixture, "SELECT group_concat(version) FROM schema_migrations", "1,2,3,4,5,6");
    assert_sql(fixture, "SELECT count(*) FROM backup_final_status", "8");
    assert_sql(fixture, "SELECT count(*) FROM backup_page_status", "8");
}

/* The change to the write-ahead log is outside of SQLite's own waiting. */
static void waits_while_it_is_made(void **state)
{
    struct fixture *fixture = *state;
    sqlite3 *holder = open_beside(fixture);
    run_sql(holder, "CREATE TABLE other (x); BEGIN EXCLUSIVE");
    assert_status(SCB_ERROR_DATABASE,
                  scb_catalog_open(fixture->url, false, &fixture->catalog, &fixture->error));
    assert_true(fixture->error.retryable);
    assert_in_range(slept_ms(), 5000, 5100);

    shim.sleeps = 0;
    shim.holder = holder;
    shim.release_after = 4;
    assert_ok(scb_catalog_open(fixture->url, false, &fixture->catalog, &fixture->error));
    assert_int_equal(shim.sleeps, 4);
    for (size_t i = 1; i < 4; i++)
        assert_int_equal(shim.sleep_us[i], 2 * shim.sleep_us[i - 1]);
    assert_int_equal(sqlite3_close(holder), SQLITE_OK);
}

static void refuses_a_filesystem_without_shared_memory(void **state)
{
    struct fixture *fixture = *state;
    shim.no_shared_memory = true;
    assert_status(SCB_ERROR_DATABASE,
                  scb_catalog_open(fixture->url, true, &fixture->catalog, &fixture->error));
    assert_non_null(strstr(fixture->error.message, "write-ahead log"));
}

static void refuses_network_filesystems(void **state)
{
    struct fixture *fixture = *state;
    static const uint32_t network[] = {NFS_SUPER_MAGIC, SMB_SUPER_MAGIC, CIFS_SUPER_MAGIC,
                                       SMB2_SUPER_MAGIC};
    static const uint32_t local[] = {TMPFS_MAGIC, FUSE_SUPER_MAGIC, OVERLAYFS_SUPER_MAGIC};
    for (size_t i = 0; i < sizeof(network) / sizeof(network[0]); i++) {
        shim_filesystem = network[i];
        assert_status(SCB_ERROR_VALIDATION,
                      scb_catalog_open(fixture->url, true, &fixture->catalog, &fixture->error));
        assert_non_null(strstr(fixture->error.message, "network filesystem"));
        assert_non_null(strstr(fixture->error.hint, "local disk"));
        assert_int_not_equal(access(fixture->path, F_OK), 0);
    }
    for (size_t i = 0; i < sizeof(local) / sizeof(local[0]); i++) {
        shim_filesystem = shim_file_filesystem = local[i];
        struct scb_catalog *catalog = NULL;
        assert_ok(scb_catalog_open(fixture->url, true, &catalog, &fixture->error));
        scb_catalog_close(catalog);
    }
    shim_filesystem = EXT4_SUPER_MAGIC;
    shim_file_filesystem = NFS_SUPER_MAGIC; /* a link out of a local directory */
    assert_status(SCB_ERROR_VALIDATION,
                  scb_catalog_open(fixture->url, true, &fixture->catalog, &fixture->error));
    shim_file_filesystem = EXT4_SUPER_MAGIC;
}

static void refuses_what_is_no_database(void **state)
{
    struct fixture *fixture = *state;
    char text[4096];
    memset(text, 'x', sizeof(text));
    write_file(fixture->path, text, sizeof(text));
    assert_status(SCB_ERROR_DATABASE,
                  scb_catalog_open(fixture->url, true, &fixture->catalog, &fixture->error));
    assert_non_null(strstr(fixture->error.message, "not a database"));
    assert_non_null(strstr(fixture->error.hint, "manifests"));
    assert_int_equal(remove(fixture->path), 0);
    assert_int_equal(mkdir(fixture->path, 0700), 0);
    assert_status(SCB_ERROR_DATABASE,
                  scb_catalog_open(fixture->url, true, &fixture->catalog, &fixture->error));
    assert_non_null(strstr(fixture->error.message, "unable to open"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CLOSED(refuses_other_urls),
        CLOSED(refuses_an_overlong_path),
        CLOSED(does_not_make_what_is_only_read),
        CLOSED(makes_private_files),
        OPEN(migrates_from_nothing),
        CLOSED(migrates_from_version_2),
        OPEN(refuses_other_versions),
        CLOSED(undoes_a_failed_migration),
        CLOSED(is_made_by_many_processes_at_once),
        SHIM(waits_while_it_is_made),
        SHIM(refuses_a_filesystem_without_shared_memory),
        CLOSED(refuses_network_filesystems),
        CLOSED(refuses_what_is_no_database),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
