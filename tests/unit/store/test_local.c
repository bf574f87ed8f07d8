/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Covers store/local on real directories: modes and the group, free space, a backup's
 * files. test_latest.c has the rest of it.
 */
#include "fixture.h"

#include <time.h>

#include <grp.h>
#include <sys/statvfs.h>

#define NEXT_DIR "backups/" NEXT_DATE

/* What fstatvfs says, where it is to say something. */
static struct statvfs space;

int fstatvfs(int fd, struct statvfs *ret_space)
{
    (void)fd;
    *ret_space = space;
    return 0;
}

/* --- the store itself --- */

static void a_store_is_made_where_that_is_wanted(void **state)
{
    (void)state;
    struct scb_store_settings settings = {.dir = temp_path("none/yet"), .group = ""};
    struct scb_store *store = NULL;
    struct scb_error error = {0};
    assert_int_equal(scb_store_open(&settings, false, &store, &error), SCB_ERROR_NOT_FOUND);
    assert_non_null(strstr(error.message, "none/yet"));
    assert_non_null(strstr(error.hint, "backup.backup_dir"));
    assert_null(store);
    assert_int_equal(scb_store_open(&settings, true, &store, &error), SCB_OK);
    scb_store_close(store);
    scb_store_close(NULL);
    assert_int_equal(temp_mode("none/yet"), 0700);
}

/* The name of a group that files may be given to, another than they have by themselves if any. */
static const char *other_group(gid_t *ret_gid)
{
    static char name[64];
    gid_t groups[64];
    int count = getgroups(64, groups);
    *ret_gid = getuid() == 0 ? 65534 : getgid();
    for (int i = 0; i < count && getuid() != 0; i++)
        if (groups[i] != getgid())
            *ret_gid = groups[i];
    const struct group *found = getgrgid(*ret_gid);
    if (found == NULL)
        skip();
    (void)snprintf(name, sizeof(name), "%s", found->gr_name);
    return name;
}

static void modes_are_the_owners_or_the_groups(void **state)
{
    (void)state;
    gid_t gid = 0;
    const char *group = other_group(&gid);
    static const char *const files[] = {"backups/.source.json", "backups/.locks/" NEXT_DATE,
                                        NEXT_DIR "/page_0.json", LATEST,
                                        NEXT_DIR "/backup_2024-01-16.zip"};
    static const char *const dirs[] = {"backups/.locks", "backups/latest", NEXT_DIR};
    const struct {
        const char *group;
        bool create; /* a retry does not */
        unsigned dir_mode, file_mode;
    } table[] = {{"", true, 0700, 0600}, {group, true, 02750, 0640}, {group, false, 02750, 0640}};
    for (size_t i = 0; i < SCB_LENGTH(table); i++) {
        struct scb_store *store = open_store(table[i].create, table[i].group);
        struct scb_backup_dir *dir = open_dir(store, NEXT_DATE);
        struct scb_store_lock *lock = NULL;
        struct scb_durable_file file;
        assert_int_equal(scb_store_write(store, ".source.json", "{}", 2, NULL), SCB_OK);
        assert_int_equal(scb_store_lock(store, NEXT_DATE, &clock_2024, &lock, NULL), SCB_OK);
        scb_store_unlock(lock);
        write_file(dir, "page_0.json", "[]");
        assert_int_equal(scb_backup_dir_open_durable(dir, "backup_2024-01-16.zip", &file, NULL),
                         SCB_OK);
        assert_int_equal(scb_durable_commit(&file, NULL), SCB_OK);
        assert_int_equal(scb_backup_dir_publish(dir, NULL), SCB_OK);
        bool shared = table[i].group[0] != '\0';
        for (size_t n = 0; n < SCB_LENGTH(files); n++) {
            assert_int_equal(temp_mode(files[n]), table[i].file_mode);
            assert_int_equal(temp_stat(files[n]).st_gid == gid, shared || gid == getgid());
            assert_int_equal(unlink(temp_path(files[n])), 0);
        }
        for (size_t n = 0; n < SCB_LENGTH(dirs); n++) {
            assert_int_equal(temp_mode(dirs[n]), table[i].dir_mode);
            assert_int_equal(rmdir(temp_path(dirs[n])), 0);
        }
        assert_int_equal(temp_mode("backups"), table[i].dir_mode);
        scb_backup_dir_close(dir);
        scb_store_close(store);
    }
}

static void a_group_must_exist(void **state)
{
    (void)state;
    struct scb_store_settings settings = {.dir = temp_path("backups"), .group = "no such group"};
    struct scb_store *store = NULL;
    struct scb_error error = {0};
    assert_int_equal(scb_store_open(&settings, true, &store, &error), SCB_ERROR_VALIDATION);
    assert_string_equal(error.message, "backup.group: no group 'no such group'");
}

static void space_is_watched(void **state)
{
    (void)state;
    static const struct {
        struct statvfs space;
        uint64_t min_free;
        enum scb_status status;
        const char *message;
    } table[] = {{{.f_bavail = 256, .f_frsize = 4096}, 1 << 20, SCB_OK, ""},
                 {{.f_bavail = 255, .f_frsize = 4096},
                  1 << 20,
                  SCB_ERROR_RESOURCE,
                  "1020.0 KiB free in '%s', less than min_free_space (1.0 MiB)"},
                 {{.f_bavail = 255, .f_bfree = 1000, .f_frsize = 4096},
                  1 << 20,
                  SCB_ERROR_RESOURCE,
                  "1020.0 KiB free in '%s', less than min_free_space (1.0 MiB)"},
                 {{.f_bavail = 0, .f_frsize = 4096}, 0, SCB_OK, ""},
                 {{.f_bavail = 1ull << 40, .f_frsize = 65536}, 1ull << 50, SCB_OK, ""},
                 {{.f_bavail = 9, .f_frsize = 1, .f_files = 1000, .f_favail = 64}, 0, SCB_OK, ""},
                 {{.f_bavail = 9, .f_frsize = 1, .f_files = 1000, .f_favail = 63, .f_ffree = 900},
                  0,
                  SCB_ERROR_RESOURCE,
                  "no inodes left in '%s'"},
                 {{.f_bavail = 9, .f_frsize = 1, .f_files = 0, .f_favail = 0}, 0, SCB_OK, ""}};
    for (size_t i = 0; i < SCB_LENGTH(table); i++) {
        struct scb_store_settings settings = {
            .dir = temp_path("backups"), .group = "", .min_free_bytes = table[i].min_free};
        struct scb_store *store = NULL;
        struct scb_error error = {0};
        assert_int_equal(scb_store_open(&settings, false, &store, NULL), SCB_OK);
        space = table[i].space;
        assert_int_equal(scb_store_check_space(store, &error), table[i].status);
        char message[512];
        const char *hole = strstr(table[i].message, "%s");
        (void)snprintf(message, sizeof(message), "%.*s%s%s",
                       hole == NULL ? 0 : (int)(hole - table[i].message), table[i].message,
                       hole == NULL ? "" : settings.dir, hole == NULL ? "" : hole + 2);
        assert_string_equal(error.message, message);
        assert_int_equal(error.hint[0] != '\0', table[i].status != SCB_OK);
        scb_store_close(store);
    }
}

static void small_files_are_written_durably(void **state)
{
    (void)state;
    SCB_AUTO(buffer) struct scb_buffer out = {.max = 8};
    assert_int_equal(scb_store_read(fixture.store, ".source.json", &out, NULL),
                     SCB_ERROR_NOT_FOUND);
    calls_reset();
    assert_int_equal(scb_store_write(fixture.store, ".source.json", "{\"a\":1}", 7, NULL), SCB_OK);
    assert_string_equal(calls_made, "wscrs");
    assert_int_equal(scb_store_read(fixture.store, ".source.json", &out, NULL), SCB_OK);
    assert_int_equal(out.size, 7);
    assert_memory_equal(out.data, "{\"a\":1}", 7);
    temp_write("backups/.source.json", "too long for it");
    scb_buffer_clear(&out);
    assert_int_equal(scb_store_read(fixture.store, ".source.json", &out, NULL), SCB_ERROR_RESOURCE);
}

static void no_date_no_path(void **state)
{
    (void)state;
    static const char *const bad[] = {"",     ".",      "..",         "../x",
                                      "/tmp", "latest", "2024-02-30", "2024-01-15/x"};
    for (size_t i = 0; i < SCB_LENGTH(bad); i++) {
        struct scb_backup_dir *dir = NULL;
        assert_int_equal(try_lock(bad[i], NULL), SCB_ERROR_VALIDATION);
        assert_int_equal(scb_backup_dir_open(fixture.store, bad[i], true, &dir, NULL),
                         SCB_ERROR_VALIDATION);
    }
    assert_string_equal(temp_list("."), "backups");
    assert_string_equal(temp_list("backups"), DATE);
}

/* --- a backup's files --- */

static void a_backups_directory_is_made_or_missed(void **state)
{
    (void)state;
    struct scb_backup_dir *dir = NULL;
    struct scb_error error = {0};
    assert_int_equal(scb_backup_dir_open(fixture.store, NEXT_DATE, false, &dir, &error),
                     SCB_ERROR_NOT_FOUND);
    assert_non_null(strstr(error.message, NEXT_DATE));
    scb_backup_dir_close(open_dir(fixture.store, NEXT_DATE));
    assert_int_equal(scb_backup_dir_open(fixture.store, NEXT_DATE, false, &dir, NULL), SCB_OK);
    scb_backup_dir_remove_if_empty(dir);
    scb_backup_dir_close(dir);
    scb_backup_dir_close(NULL);
    assert_string_equal(temp_list("backups"), DATE);
    write_file(fixture.dir, "page_0.json", "[]");
    scb_backup_dir_remove_if_empty(fixture.dir);
    assert_string_equal(temp_list("backups/" DATE), "page_0.json");
}

static void files_are_written_and_read(void **state)
{
    (void)state;
    struct scb_error error = {0};
    int fd = -1;
    uint64_t size = 7;
    write_file(fixture.dir, "page_0.json", "something longer");
    write_file(fixture.dir, "page_0.json", "[]");
    assert_string_equal(temp_read("backups/" DATE "/page_0.json"), "[]");
    assert_int_equal(scb_backup_dir_read(fixture.dir, "page_0.json", &fd, &size, NULL), SCB_OK);
    assert_int_equal(size, 2);
    (void)close(fd);
    assert_int_equal(scb_backup_dir_create(fixture.dir, "page_1.json", &fd, NULL), SCB_OK);
    assert_int_equal(scb_file_write(fd, "page_1.json", "abc", 3, NULL), SCB_OK);
    (void)close(fd);
    assert_string_equal(temp_read("backups/" DATE "/page_1.json"), "abc");
    assert_int_equal(scb_backup_dir_remove(fixture.dir, "page_1.json", NULL), SCB_OK);
    assert_int_equal(scb_backup_dir_remove(fixture.dir, "page_1.json", NULL), SCB_OK);
    assert_int_equal(scb_backup_dir_read(fixture.dir, "page_1.json", &fd, &size, &error),
                     SCB_ERROR_NOT_FOUND);
    assert_non_null(strstr(error.message, "page_1.json"));
}

static void only_files_are_read(void **state)
{
    (void)state;
    static const char *const names[] = {"dir", "fifo"};
    temp_mkdir("backups/" DATE "/dir");
    assert_int_equal(mkfifo(temp_path("backups/" DATE "/fifo"), 0600), 0);
    for (size_t i = 0; i < SCB_LENGTH(names); i++) { /* hangs where it waits for a writer */
        struct scb_error error = {0};
        int fd = -1;
        uint64_t size = 0;
        assert_int_equal(scb_backup_dir_read(fixture.dir, names[i], &fd, &size, &error),
                         SCB_ERROR_FILE);
        assert_non_null(strstr(error.message, "is no regular file"));
    }
}

static void a_failed_write_is_reported(void **state)
{
    (void)state;
    static const struct {
        enum call call;
        int errnum;
        enum scb_status status;
    } table[] = {{CALL_WRITE, ENOSPC, SCB_ERROR_RESOURCE},
                 {CALL_WRITE, EIO, SCB_ERROR_FILE},
                 {CALL_CLOSE, EIO, SCB_ERROR_FILE}};
    for (size_t i = 0; i < SCB_LENGTH(table); i++) {
        struct scb_error error = {0};
        calls_fail(table[i].call, 1, table[i].errnum);
        assert_int_equal(scb_backup_dir_write(fixture.dir, "page_0.json", bytes_of("[]"), &error),
                         table[i].status);
        calls_reset();
        assert_non_null(strstr(error.message, "page_0.json"));
    }
}

static void clear_takes_what_a_run_leaves(void **state)
{
    (void)state;
    static const char *const gone[] = {"page_0.json", "page_1234567.json", ".manifest.json.tmp",
                                       "." ARCHIVE ".tmp", "page_3.json.gz.age"};
    static const char *const kept[] = {"manifest.json", "manifest.sig", ARCHIVE, "mypage_1.json",
                                       "notes.tmpx",    ".tmp",         "page"};
    for (size_t i = 0; i < SCB_LENGTH(gone); i++)
        write_file(fixture.dir, gone[i], "x");
    for (size_t i = 0; i < SCB_LENGTH(kept); i++)
        write_file(fixture.dir, kept[i], "x");
    temp_write("outside", "untouched");
    temp_link("../../outside", "backups/" DATE "/page_9.json");
    for (int i = 100; i < 1300; i++) {
        char name[32];
        (void)snprintf(name, sizeof(name), "page_%d.json", i);
        write_file(fixture.dir, name, "x");
    }
    assert_int_equal(scb_backup_dir_clear(fixture.dir, NULL), SCB_OK);
    assert_string_equal(temp_list("backups/" DATE),
                        ".tmp backup_2024-01-15.zip manifest.json manifest.sig mypage_1.json "
                        "notes.tmpx page");
    assert_string_equal(temp_read("outside"), "untouched");
    temp_mkdir("backups/" DATE "/page_5.json");
    assert_int_equal(scb_backup_dir_clear(fixture.dir, NULL), SCB_ERROR_FILE);
}

static struct scb_durable_file open_apart(void)
{
    struct scb_durable_file file;
    assert_int_equal(scb_backup_dir_open_apart(fixture.dir, "keys.index", &file, NULL), SCB_OK);
    return file;
}

static void two_files_of_one_name_do_not_meet(void **state)
{
    (void)state;
    struct scb_durable_file first = open_apart(), second = open_apart();
    assert_int_equal(scb_durable_write(&first, "first", 5, NULL), SCB_OK);
    assert_int_equal(scb_durable_write(&second, "second one", 10, NULL), SCB_OK);
    assert_int_equal(scb_durable_commit(&first, NULL), SCB_OK);
    assert_string_equal(temp_read("backups/" DATE "/keys.index"), "first");
    assert_int_equal(scb_durable_commit(&second, NULL), SCB_OK);
    assert_string_equal(temp_read("backups/" DATE "/keys.index"), "second one");
    assert_string_equal(temp_list("backups/" DATE), "keys.index");
    assert_int_equal(temp_mode("backups/" DATE "/keys.index"), 0600);
}

/* What a killed one left goes, what another is writing stays, and so do other files. */
static void an_abandoned_file_goes_with_the_next(void **state)
{
    (void)state;
    struct scb_durable_file file = open_apart();
    const struct timespec old[] = {{time(NULL) - 3700, 0}, {time(NULL) - 3700, 0}};
    static const char *const names[] = {".satellite-0123456789abcdef.tmp", "manifest.json"};
    for (size_t i = 0; i < SCB_LENGTH(names); i++) {
        char path[64];
        write_file(fixture.dir, names[i], "x");
        (void)snprintf(path, sizeof(path), "backups/" DATE "/%s", names[i]);
        assert_int_equal(utimensat(AT_FDCWD, temp_path(path), old, 0), 0);
    }
    struct scb_durable_file next = open_apart();
    scb_durable_abort(&next);
    assert_null(strstr(temp_list("backups/" DATE), "0123456789abcdef"));
    assert_int_equal(scb_durable_commit(&file, NULL), SCB_OK);
    assert_string_equal(temp_list("backups/" DATE), "keys.index manifest.json");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORED(a_store_is_made_where_that_is_wanted),
        STORED(modes_are_the_owners_or_the_groups),
        STORED(a_group_must_exist),
        STORED(space_is_watched),
        STORED(small_files_are_written_durably),
        STORED(no_date_no_path),
        STORED(a_backups_directory_is_made_or_missed),
        STORED(files_are_written_and_read),
        STORED(only_files_are_read),
        STORED(a_failed_write_is_reported),
        STORED(clear_takes_what_a_run_leaves),
        STORED(two_files_of_one_name_do_not_meet),
        STORED(an_abandoned_file_goes_with_the_next),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
