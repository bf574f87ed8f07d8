/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Covers store/local on real directories: symbolic links at every place, latest swapped whole.
 */
#include "fixture.h"

/* --- symbolic links --- */

static enum scb_status open_planted(struct scb_error *error)
{
    struct scb_backup_dir *dir = NULL;
    enum scb_status status = scb_backup_dir_open(fixture.store, NEXT_DATE, true, &dir, error);
    scb_backup_dir_close(dir);
    return status;
}

static enum scb_status lock_planted(struct scb_error *error)
{
    return try_lock(NEXT_DATE, error);
}

static enum scb_status write_planted(struct scb_error *error)
{
    return scb_backup_dir_write(fixture.dir, "page_0.json", bytes_of("[]"), error);
}

static enum scb_status read_planted(struct scb_error *error)
{
    int fd = -1;
    uint64_t size = 0;
    return scb_backup_dir_read(fixture.dir, "page_0.json", &fd, &size, error);
}

static enum scb_status read_store_planted(struct scb_error *error)
{
    SCB_AUTO(buffer) struct scb_buffer out = {.max = 100};
    return scb_store_read(fixture.store, ".source.json", &out, error);
}

static enum scb_status write_store_planted(struct scb_error *error)
{
    return scb_store_write(fixture.store, ".source.json", "{}", 2, error);
}

static enum scb_status publish_planted(struct scb_error *error)
{
    return scb_backup_dir_publish(fixture.dir, error);
}

static void links_are_followed_nowhere(void **state)
{
    (void)state;
    static const struct {
        const char *place; /* below backups */
        bool to_dir;
        enum scb_status (*act)(struct scb_error *error);
        enum scb_status status; /* OK: the link is replaced */
    } table[] = {{NEXT_DATE, true, open_planted, SCB_ERROR_FILE},
                 {".locks", true, lock_planted, SCB_ERROR_FILE},
                 {".locks/" NEXT_DATE, false, lock_planted, SCB_ERROR_FILE},
                 {DATE "/page_0.json", false, write_planted, SCB_ERROR_FILE},
                 {DATE "/page_0.json", false, read_planted, SCB_ERROR_FILE},
                 {".source.json", false, read_store_planted, SCB_ERROR_FILE},
                 {".source.json", false, write_store_planted, SCB_OK},
                 {"..source.json.tmp", false, write_store_planted, SCB_ERROR_FILE},
                 {"latest", true, publish_planted, SCB_ERROR_FILE},
                 {"latest/backup_latest.zip", false, publish_planted, SCB_OK},
                 {"latest/.backup_latest.zip.tmp", false, publish_planted, SCB_OK},
                 {DATE "/" ARCHIVE, false, publish_planted, SCB_ERROR_FILE}};
    temp_mkdir("outside");
    for (size_t i = 0; i < SCB_LENGTH(table); i++) {
        struct scb_error error = {0};
        char place[128];
        (void)snprintf(place, sizeof(place), "backups/%s", table[i].place);
        temp_write("outside/file", "untouched");
        temp_write("backups/" DATE "/" ARCHIVE, "archive");
        if (strncmp(table[i].place, "latest/", 7) == 0)
            (void)mkdir(temp_path("backups/latest"), 0700);
        if (strncmp(table[i].place, ".locks/", 7) == 0)
            (void)mkdir(temp_path("backups/.locks"), 0700);
        (void)unlink(temp_path(place));
        temp_link(table[i].to_dir ? temp_path("outside") : temp_path("outside/file"), place);
        if (table[i].act(&error) != table[i].status)
            fail_msg("%s: %s", table[i].place, error.message);
        if (table[i].status != SCB_OK)
            assert_string_equal(error.hint, "a symbolic link stands there; remove it");
        assert_string_equal(temp_list("outside"), "file");
        assert_string_equal(temp_read("outside/file"), "untouched");
        (void)unlink(temp_path(place));
    }
}

/* --- latest --- */

static void archive(const char *date, const char *content)
{
    struct scb_backup_dir *dir = open_dir(fixture.store, date);
    char name[SCB_ARCHIVE_NAME_SIZE];
    scb_archive_name(date, name);
    write_file(dir, name, content);
    scb_backup_dir_close(dir);
}

static void publish(const char *date)
{
    struct scb_error error = {0};
    struct scb_backup_dir *dir = open_dir(fixture.store, date);
    if (scb_backup_dir_publish(dir, &error) != SCB_OK)
        fail_msg("%s", error.message);
    scb_backup_dir_close(dir);
    assert_string_equal(temp_list("backups/latest"), "backup_latest.zip");
}

static void latest_is_a_link_swapped_whole(void **state)
{
    (void)state;
    char before[16] = "";
    archive(DATE, "first");
    archive(NEXT_DATE, "second");
    publish(DATE);
    assert_string_equal(temp_read(LATEST), "first");
    int reader = open(temp_path(LATEST), O_RDONLY | O_CLOEXEC);
    calls_reset();
    publish(NEXT_DATE);
    assert_non_null(strstr(calls_made, "lrs")); /* link, rename, sync */
    assert_string_equal(temp_read(LATEST), "second");
    assert_int_equal(read(reader, before, sizeof(before) - 1), 5);
    assert_string_equal(before, "first"); /* who reads it goes on with the one before */
    (void)close(reader);
    ino_t inode = temp_stat("backups/" NEXT_DATE "/backup_2024-01-16.zip").st_ino;
    for (int again = 0; again < 2; again++) { /* also onto itself */
        assert_int_equal(temp_stat(LATEST).st_ino, inode);
        publish(NEXT_DATE);
    }
    temp_write(LATEST_TMP, "what a crash left");
    publish(DATE);
    assert_string_equal(temp_read(LATEST), "first");
}

static void without_links_it_is_a_copy(void **state)
{
    (void)state;
    static const int refusals[] = {EPERM, EOPNOTSUPP, EMLINK, EXDEV, ENOSYS};
    static char content[150001];
    memset(content, 'z', sizeof(content) - 1);
    archive(DATE, content);
    archive(NEXT_DATE, "short");
    for (size_t i = 0; i < SCB_LENGTH(refusals); i++) {
        calls_fail(CALL_LINK, 1, refusals[i]);
        publish(DATE);
        assert_int_equal(temp_stat(LATEST).st_size, sizeof(content) - 1);
        assert_int_equal(temp_stat(LATEST).st_nlink, 1);
        assert_int_equal(temp_mode(LATEST), 0600);
        calls_fail(CALL_LINK, 1, refusals[i]);
        publish(NEXT_DATE);
        assert_string_equal(temp_read(LATEST), "short");
    }
}

static void a_copy_is_not_made_again(void **state)
{
    (void)state;
    const struct timespec before[2] = {{.tv_sec = 1705307400}, {.tv_sec = 1705307400}};
    archive(DATE, "first");
    archive(NEXT_DATE, "other"); /* as long */
    assert_int_equal(utimensat(AT_FDCWD, temp_path("backups/" DATE "/" ARCHIVE), before, 0), 0);
    calls_fail(CALL_LINK, 1, EPERM);
    publish(DATE);
    ino_t copy = temp_stat(LATEST).st_ino;
    calls_fail(CALL_LINK, 1, EPERM);
    publish(DATE);
    assert_int_equal(temp_stat(LATEST).st_ino, copy);
    assert_int_equal(utimensat(AT_FDCWD, temp_path(LATEST), before, 0), 0);
    calls_fail(CALL_LINK, 1, EPERM);
    publish(NEXT_DATE); /* which is newer than the copy */
    assert_string_equal(temp_read(LATEST), "other");
}

static void a_failed_swap_leaves_the_old_one(void **state)
{
    (void)state;
    static const struct {
        enum call call;
        int errnum;
        bool no_links;
        enum scb_status status;
    } table[] = {
        {CALL_LINK, EIO, false, SCB_ERROR_FILE},   {CALL_LINK, ENOSPC, false, SCB_ERROR_RESOURCE},
        {CALL_RENAME, EIO, false, SCB_ERROR_FILE}, {CALL_WRITE, ENOSPC, true, SCB_ERROR_RESOURCE},
        {CALL_SYNC, EIO, true, SCB_ERROR_FILE},    {CALL_RENAME, EIO, true, SCB_ERROR_FILE}};
    archive(DATE, "first");
    archive(NEXT_DATE, "second");
    publish(NEXT_DATE);
    for (size_t i = 0; i < SCB_LENGTH(table); i++) {
        struct scb_error error = {0};
        if (table[i].no_links)
            calls_fail(CALL_LINK, 1, EPERM);
        calls_fail(table[i].call, 1, table[i].errnum);
        assert_int_equal(scb_backup_dir_publish(fixture.dir, &error), table[i].status);
        calls_reset();
        assert_string_equal(temp_read(LATEST), "second");
        assert_string_equal(temp_list("backups/latest"), "backup_latest.zip");
        assert_non_null(strstr(error.message, "latest"));
    }
    calls_fail(CALL_SYNC, 1, EIO); /* swapped, but perhaps not for good */
    assert_int_equal(scb_backup_dir_publish(fixture.dir, NULL), SCB_ERROR_FILE);
}

static void only_an_archive_is_published(void **state)
{
    (void)state;
    struct scb_error error = {0};
    archive(NEXT_DATE, "second");
    publish(NEXT_DATE);
    assert_int_equal(scb_backup_dir_publish(fixture.dir, &error), SCB_ERROR_NOT_FOUND);
    assert_non_null(strstr(error.message, ARCHIVE));
    temp_mkdir("backups/" DATE "/" ARCHIVE);
    assert_int_equal(scb_backup_dir_publish(fixture.dir, &error), SCB_ERROR_FILE);
    assert_string_equal(temp_read(LATEST), "second");
}

static void archives_have_names(void **state)
{
    (void)state;
    char name[SCB_ARCHIVE_NAME_SIZE];
    scb_archive_name(DATE, name);
    assert_string_equal(name, "backup_2024-01-15.zip");
    scb_archive_name("2024-01-15T083000Z", name);
    assert_string_equal(name, "backup_2024-01-15T083000Z.zip");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORED(links_are_followed_nowhere),
        STORED(latest_is_a_link_swapped_whole),
        STORED(without_links_it_is_a_copy),
        STORED(a_copy_is_not_made_again),
        STORED(a_failed_swap_leaves_the_old_one),
        STORED(only_an_archive_is_published),
        STORED(archives_have_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
