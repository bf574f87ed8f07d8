/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Covers base/file: nothing leaves a directory or follows a symbolic link, with openat2 and
 * without; modes; whole reads and writes; a durable write is old or new, whatever call fails.
 */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>

#include "../failing_calls.h"
#include "../temp_dir.h"
#include "base/file.h"
#include "base/memory.h"

static int set_up(void **state)
{
    calls_reset();
    return temp_set_up(state);
}

static int tear_down(void **state)
{
    calls_reset();
    return temp_tear_down(state);
}

/* --- directories --- */

static void directories_are_made_with_their_parents(void **state)
{
    (void)state;
    static const char *const paths[] = {"a", "b/c/d", "e//f/", "b/c/x"};
    for (size_t i = 0; i < SCB_LENGTH(paths); i++) {
        struct scb_error error = {0};
        int fd = -1;
        assert_int_equal(scb_dir_open(temp_path(paths[i]), false, 0700, &fd, &error),
                         SCB_ERROR_NOT_FOUND);
        assert_non_null(strstr(error.message, paths[i]));
        assert_int_equal(fd, -1);
        for (int again = 0; again < 2; again++) {
            assert_int_equal(scb_dir_open(temp_path(paths[i]), true, 0700, &fd, &error), SCB_OK);
            assert_int_equal(scb_file_close(fd, "x", NULL), SCB_OK);
        }
        assert_int_equal(temp_mode(paths[i]), 0700);
    }
    assert_string_equal(temp_list("."), "a b e");
    assert_string_equal(temp_list("b/c"), "d x");
}

static void what_is_made_is_synced_and_nothing_else(void **state)
{
    (void)state;
    static const struct {
        const char *path, *syncs;
    } table[] = {{"a/b/c", "sss"}, {"a/b/c", ""}, {"a/b/d/", "s"}, {"e//f", "ss"}};
    for (size_t i = 0; i < SCB_LENGTH(table); i++) {
        struct scb_error error = {0};
        int fd = -1;
        char syncs[8] = "";
        calls_reset();
        assert_int_equal(scb_dir_open(temp_path(table[i].path), true, 0700, &fd, &error), SCB_OK);
        for (const char *call = calls_made; *call != '\0'; call++)
            if (*call == 's')
                (void)strcat(syncs, "s");
        assert_string_equal(syncs, table[i].syncs);
        (void)close(fd);
    }
    struct scb_error error = {0};
    int fd = -1;
    calls_reset();
    calls_fail(CALL_SYNC, 2, EIO);
    assert_int_equal(scb_dir_open(temp_path("g/h"), true, 0700, &fd, &error), SCB_ERROR_FILE);
    assert_non_null(strstr(error.message, "/g/' not synced"));
    assert_int_equal(fd, -1);
}

static void a_path_that_cannot_be_made_is_named(void **state)
{
    (void)state;
    temp_write("file", "");
    const struct {
        const char *path;
        enum scb_status status;
        const char *message;
    } table[] = {{temp_path("file"), SCB_ERROR_FILE, "Not a directory"},
                 {temp_path("file/below"), SCB_ERROR_FILE, "Not a directory"},
                 {"", SCB_ERROR_FILE, "directory '' not made: No such file or directory"}};
    for (size_t i = 0; i < SCB_LENGTH(table); i++) {
        struct scb_error error = {0};
        int fd = -1;
        assert_int_equal(scb_dir_open(table[i].path, true, 0700, &fd, &error), table[i].status);
        assert_non_null(strstr(error.message, table[i].message));
        assert_non_null(strstr(error.message, table[i].path));
    }
}

static void the_operators_own_links_are_followed(void **state)
{
    (void)state;
    temp_mkdir("real");
    temp_link("real", "link");
    int fd = -1;
    assert_int_equal(scb_dir_open(temp_path("link"), false, 0700, &fd, NULL), SCB_OK);
    (void)close(fd);
}

static void modes_are_exact_whatever_the_umask(void **state)
{
    (void)state;
    static const mode_t masks[] = {0, 022, 077};
    for (size_t i = 0; i < SCB_LENGTH(masks); i++) {
        int fd = -1;
        mode_t before = umask(masks[i]);
        assert_int_equal(scb_dir_open_below(temp_fd, "dir", true, 02750, &fd, NULL), SCB_OK);
        (void)close(fd);
        assert_int_equal(scb_file_open(temp_fd, "file", O_WRONLY | O_CREAT, 0640, &fd, NULL),
                         SCB_OK);
        (void)umask(before);
        assert_true((fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
        (void)close(fd);
        assert_int_equal(temp_mode("dir"), 02750);
        assert_int_equal(temp_mode("file"), 0640);
        /* A directory that is there keeps its own; a file that is created again does not. */
        assert_int_equal(chmod(temp_path("dir"), 0711), 0);
        assert_int_equal(chmod(temp_path("file"), 0604), 0);
        assert_int_equal(scb_dir_open_below(temp_fd, "dir", true, 02750, &fd, NULL), SCB_OK);
        (void)close(fd);
        assert_int_equal(scb_file_open(temp_fd, "file", O_RDONLY, 0640, &fd, NULL), SCB_OK);
        (void)close(fd);
        assert_int_equal(temp_mode("dir"), 0711);
        assert_int_equal(temp_mode("file"), 0604);
        assert_int_equal(rmdir(temp_path("dir")) + unlink(temp_path("file")), 0);
    }
}

/* --- links, and ways out --- */

/* inside/ is the directory; what is beside it must stay as it is. */
static int plant(void)
{
    temp_mkdir("inside");
    temp_mkdir("inside/dir");
    temp_mkdir("outside");
    temp_write("outside/file", "untouched");
    temp_write("inside/dir/file", "inner");
    temp_link("dir/file", "inside/to_inner_file");
    temp_link("dir", "inside/to_inner_dir");
    temp_link("../outside/file", "inside/to_file");
    temp_link("../outside", "inside/to_dir");
    temp_link("../outside/new", "inside/dangling");
    temp_link(temp_path("outside/file"), "inside/absolute");
    temp_link("loop", "inside/loop");
    int fd = -1;
    assert_int_equal(scb_dir_open(temp_path("inside"), false, 0700, &fd, NULL), SCB_OK);
    return fd;
}

static void links_and_ways_out_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        bool link; /* it is a link itself */
    } table[] = {{"to_inner_file", true},
                 {"to_inner_dir", true},
                 {"to_file", true},
                 {"to_dir", true},
                 {"dangling", true},
                 {"absolute", true},
                 {"loop", true},
                 {"to_dir/file", false},
                 {"to_dir/new", false},
                 {"to_inner_dir/file", false},
                 {"../outside/file", false},
                 {"dir/../../outside/file", false},
                 {"/etc/passwd", false},
                 {"..", false}};
    static const int flags[] = {O_RDONLY, O_WRONLY | O_CREAT | O_TRUNC, O_RDONLY | O_DIRECTORY};
    int dir_fd = plant();
    for (size_t i = 0; i < SCB_LENGTH(table) * SCB_LENGTH(flags); i++) {
        const char *name = table[i / SCB_LENGTH(flags)].name;
        struct scb_error error = {0};
        int fd = -1;
        enum scb_status status =
            scb_file_open(dir_fd, name, flags[i % SCB_LENGTH(flags)], 0600, &fd, &error);
        if (status != SCB_ERROR_FILE || fd != -1)
            fail_msg("%s with flags %o: %d", name, flags[i % SCB_LENGTH(flags)], status);
        assert_non_null(strstr(error.message, name));
        assert_int_equal(scb_dir_open_below(dir_fd, name, false, 0700, &fd, &error),
                         SCB_ERROR_FILE);
        if (table[i / SCB_LENGTH(flags)].link)
            assert_int_equal(scb_dir_open_below(dir_fd, name, true, 0700, &fd, &error),
                             SCB_ERROR_FILE);
    }
    (void)close(dir_fd);
    assert_string_equal(temp_list("outside"), "file");
    assert_string_equal(temp_read("outside/file"), "untouched");
    assert_string_equal(temp_list("."), "inside outside");
}

static void a_link_in_the_way_is_named(void **state)
{
    (void)state;
    int dir_fd = plant(), fd = -1;
    struct scb_error error = {0};
    assert_int_equal(scb_file_open(dir_fd, "to_file", O_RDONLY, 0, &fd, &error), SCB_ERROR_FILE);
    assert_string_equal(error.hint, "a symbolic link stands there; remove it");
    error = (struct scb_error){0};
    assert_int_equal(scb_dir_open_below(dir_fd, "to_dir", true, 0700, &fd, &error), SCB_ERROR_FILE);
    assert_string_equal(error.hint, "a symbolic link stands there; remove it");
    assert_int_equal(scb_file_open(dir_fd, "none", O_RDONLY, 0, &fd, &error), SCB_ERROR_NOT_FOUND);
    assert_string_equal(error.hint, "");
    assert_int_equal(scb_file_open(dir_fd, "none", O_RDONLY, 0, &fd, NULL), SCB_ERROR_NOT_FOUND);
    assert_int_equal(scb_file_open(dir_fd, "to_file", O_RDONLY, 0, &fd, NULL), SCB_ERROR_FILE);
    (void)close(dir_fd);
}

static void removing_a_link_leaves_what_it_points_to(void **state)
{
    (void)state;
    int dir_fd = plant();
    assert_int_equal(scb_file_remove(dir_fd, "to_file", NULL), SCB_OK);
    assert_int_equal(scb_file_remove(dir_fd, "to_file", NULL), SCB_OK); /* gone is fine */
    struct scb_error error = {0};
    assert_int_equal(scb_file_remove(dir_fd, "dir", &error), SCB_ERROR_FILE);
    assert_non_null(strstr(error.message, "file 'dir' not removed"));
    assert_string_equal(temp_read("outside/file"), "untouched");
    assert_string_equal(temp_list("inside"),
                        "absolute dangling dir loop to_dir to_inner_dir to_inner_file");
    (void)close(dir_fd);
}

/* --- reading and writing --- */

static void writes_go_on_until_all_is_written(void **state)
{
    (void)state;
    static const struct {
        size_t longest;
        int fail_at, errnum;
        enum scb_status status;
        const char *content;
    } table[] = {{0, 0, 0, SCB_OK, "0123456789"},
                 {3, 0, 0, SCB_OK, "0123456789"},
                 {1, 4, EINTR, SCB_OK, "0123456789"},
                 {0, 1, EIO, SCB_ERROR_FILE, ""},
                 {4, 3, ENOSPC, SCB_ERROR_RESOURCE, "01234567"}};
    for (size_t i = 0; i < SCB_LENGTH(table); i++) {
        struct scb_error error = {0};
        int fd = -1;
        assert_int_equal(
            scb_file_open(temp_fd, "file", O_WRONLY | O_CREAT | O_TRUNC, 0600, &fd, NULL), SCB_OK);
        calls_reset();
        longest_write = table[i].longest;
        calls_fail(CALL_WRITE, table[i].fail_at, table[i].errnum);
        assert_int_equal(scb_file_write(fd, "file", "0123456789", 10, &error), table[i].status);
        calls_reset();
        assert_int_equal(scb_file_close(fd, "file", NULL), SCB_OK);
        assert_string_equal(temp_read("file"), table[i].content);
        if (table[i].status != SCB_OK)
            assert_non_null(strstr(error.message, "file 'file' not written"));
    }
}

static void a_file_is_read_whole_or_refused(void **state)
{
    (void)state;
    static const size_t sizes[] = {0, 1, 255, 65535, 65536, 65537, 131072, 200000};
    static char content[200001];
    memset(content, 'x', sizeof(content));
    for (size_t i = 0; i < SCB_LENGTH(sizes); i++) {
        assert_int_equal(scb_file_write_durably(temp_fd, "file", content, sizes[i], 0600, NULL),
                         SCB_OK);
        for (size_t max = sizes[i]; max <= sizes[i] + 1; max++) {
            SCB_AUTO(buffer) struct scb_buffer out = {.max = max};
            assert_int_equal(scb_file_read_all(temp_fd, "file", &out, NULL), SCB_OK);
            assert_int_equal(out.size, sizes[i]);
            if (out.size > 0)
                assert_memory_equal(out.data, content, out.size);
        }
        struct scb_error error = {0};
        SCB_AUTO(buffer) struct scb_buffer out = {.max = sizes[i] - (sizes[i] > 0)};
        if (sizes[i] > 0)
            assert_int_equal(scb_file_read_all(temp_fd, "file", &out, &error), SCB_ERROR_RESOURCE);
        if (sizes[i] > 0)
            assert_non_null(strstr(error.message, "file 'file': more than"));
    }
    SCB_AUTO(buffer) struct scb_buffer out = {.max = 100};
    assert_int_equal(scb_file_read_all(temp_fd, "none", &out, NULL), SCB_ERROR_NOT_FOUND);
    temp_mkdir("dir");
    assert_int_equal(scb_file_read_all(temp_fd, "dir", &out, NULL), SCB_ERROR_FILE);
}

static void a_read_is_short_only_at_the_end(void **state)
{
    (void)state;
    int fd = -1;
    char room[8] = "";
    size_t got = 0;
    temp_write("file", "0123456789");
    assert_int_equal(scb_file_open(temp_fd, "file", O_RDONLY, 0, &fd, NULL), SCB_OK);
    assert_int_equal(scb_file_read(fd, "file", room, 7, &got, NULL), SCB_OK);
    assert_int_equal(got, 7);
    assert_string_equal(room, "0123456");
    assert_int_equal(scb_file_read(fd, "file", room, 7, &got, NULL), SCB_OK);
    assert_int_equal(got, 3);
    assert_int_equal(scb_file_read(fd, "file", room, 7, &got, NULL), SCB_OK);
    assert_int_equal(got, 0);
    assert_int_equal(scb_file_write(fd, "file", "x", 1, NULL), SCB_ERROR_FILE);
    (void)close(fd);
}

static void what_close_says_is_reported(void **state)
{
    (void)state;
    static const struct {
        int errnum;
        enum scb_status status;
    } table[] = {{0, SCB_OK}, {EINTR, SCB_OK}, {EIO, SCB_ERROR_FILE}, {EDQUOT, SCB_ERROR_RESOURCE}};
    for (size_t i = 0; i < SCB_LENGTH(table); i++) {
        int fd = -1;
        assert_int_equal(scb_file_open(temp_fd, "file", O_WRONLY | O_CREAT, 0600, &fd, NULL),
                         SCB_OK);
        calls_fail(CALL_CLOSE, table[i].errnum == 0 ? 0 : 1, table[i].errnum);
        assert_int_equal(scb_file_close(fd, "file", NULL), table[i].status);
        assert_int_equal(fcntl(fd, F_GETFD), -1);
    }
}

/* --- the durable write --- */

static void a_durable_write_goes_in_the_safe_order(void **state)
{
    (void)state;
    calls_reset();
    assert_int_equal(scb_file_write_durably(temp_fd, "file", "new", 3, 0640, NULL), SCB_OK);
    assert_string_equal(calls_made, "wscrs"); /* write, sync, close, rename, sync the directory */
    assert_string_equal(temp_list("."), "file");
    assert_string_equal(temp_read("file"), "new");
    assert_int_equal(temp_mode("file"), 0640);
}

static void a_durable_write_is_old_or_new(void **state)
{
    (void)state;
    static const struct {
        enum call call;
        int at, errnum;
        enum scb_status status;
        const char *content;
        const char *message;
    } table[] = {{CALL_WRITE, 1, ENOSPC, SCB_ERROR_RESOURCE, "old", "file 'file' not written"},
                 {CALL_SYNC, 1, EIO, SCB_ERROR_FILE, "old", "file 'file' not synced"},
                 {CALL_CLOSE, 1, EIO, SCB_ERROR_FILE, "old", "file 'file' not closed"},
                 {CALL_RENAME, 1, EROFS, SCB_ERROR_FILE, "old", "file 'file' not renamed"},
                 {CALL_SYNC, 2, EIO, SCB_ERROR_FILE, "new", "directory 'file' not synced"}};
    for (size_t i = 0; i < SCB_LENGTH(table); i++) {
        struct scb_error error = {0};
        temp_write("file", "old");
        calls_fail(table[i].call, table[i].at, table[i].errnum);
        assert_int_equal(scb_file_write_durably(temp_fd, "file", "new", 3, 0600, &error),
                         table[i].status);
        calls_reset();
        assert_non_null(strstr(error.message, table[i].message));
        assert_string_equal(temp_read("file"), table[i].content);
        assert_string_equal(temp_list("."), "file");
    }
}

static enum scb_status write_new(struct scb_error *error)
{
    struct scb_durable_file file;
    assert_int_equal(scb_durable_open(&file, temp_fd, "file", 0600, error), SCB_OK);
    assert_int_equal(scb_durable_write(&file, "new", 3, error), SCB_OK);
    return scb_durable_commit_new(&file, error);
}

/* Also where the file system does not know how to refuse by itself. */
static void a_new_durable_file_takes_no_name_that_is_taken(void **state)
{
    (void)state;
    static const int knows[] = {0, EINVAL, ENOSYS};
    for (size_t i = 0; i < SCB_LENGTH(knows); i++) {
        struct scb_error error = {0};
        calls_reset();
        calls_fail(CALL_RENAME, knows[i] == 0 ? 0 : 1, knows[i]);
        assert_int_equal(write_new(&error), SCB_OK);
        assert_string_equal(temp_read("file"), "new");
        temp_write("file", "old");
        calls_fail(CALL_RENAME, knows[i] == 0 ? 0 : 1, knows[i]);
        assert_int_equal(write_new(&error), SCB_ERROR_FILE);
        assert_string_equal(error.message, "file 'file' is there already");
        assert_string_equal(temp_read("file"), "old");
        assert_string_equal(temp_list("."), "file");
        assert_int_equal(unlink(temp_path("file")), 0);
    }
    temp_link("nowhere", "file");
    assert_int_equal(write_new(NULL), SCB_ERROR_FILE);
    calls_fail(CALL_RENAME, 1, EINVAL);
    assert_int_equal(write_new(NULL), SCB_ERROR_FILE);
    assert_string_equal(temp_list("."), "file");
}

static void a_durable_file_appears_when_it_is_committed(void **state)
{
    (void)state;
    struct scb_durable_file file;
    temp_write(".file.tmp", "what a crash left, longer than the new one");
    assert_int_equal(scb_durable_open(&file, temp_fd, "file", 0600, NULL), SCB_OK);
    assert_int_equal(scb_durable_write(&file, "ne", 2, NULL), SCB_OK);
    assert_int_equal(scb_durable_write(&file, "w", 1, NULL), SCB_OK);
    assert_string_equal(temp_list("."), ".file.tmp");
    assert_int_equal(scb_durable_commit(&file, NULL), SCB_OK);
    assert_int_equal(file.fd, -1);
    assert_string_equal(temp_list("."), "file");
    assert_string_equal(temp_read("file"), "new");

    assert_int_equal(scb_durable_open(&file, temp_fd, "file", 0600, NULL), SCB_OK);
    assert_int_equal(scb_durable_write(&file, "newer", 5, NULL), SCB_OK);
    scb_durable_abort(&file);
    assert_string_equal(temp_list("."), "file");
    assert_string_equal(temp_read("file"), "new");
}

static void a_durable_file_follows_no_link(void **state)
{
    (void)state;
    temp_write("target", "untouched");
    temp_link("target", ".file.tmp");
    assert_int_equal(scb_file_write_durably(temp_fd, "file", "new", 3, 0600, NULL), SCB_ERROR_FILE);
    assert_int_equal(unlink(temp_path(".file.tmp")), 0);
    temp_link("target", "file"); /* replaced, not followed */
    assert_int_equal(scb_file_write_durably(temp_fd, "file", "new", 3, 0600, NULL), SCB_OK);
    assert_string_equal(temp_read("target"), "untouched");
    assert_string_equal(temp_read("file"), "new");
    assert_true(S_ISREG(temp_stat("file").st_mode));
}

static void names_that_are_too_long_are_refused(void **state)
{
    (void)state;
    struct scb_durable_file file;
    char name[NAME_MAX + 1];
    memset(name, 'x', sizeof(name));
    name[NAME_MAX - 4] = '\0'; /* with a dot and .tmp it is too long */
    assert_int_equal(scb_durable_open(&file, temp_fd, name, 0600, NULL), SCB_ERROR_VALIDATION);
    assert_string_equal(temp_list("."), "");
    name[NAME_MAX - 5] = '\0';
    assert_int_equal(scb_file_write_durably(temp_fd, name, "new", 3, 0600, NULL), SCB_OK);
    assert_string_equal(temp_list("."), name);
}

/* --- a kernel without openat2 --- */

/* False where filters are not allowed. There is no way back. */
static bool take_openat2_away(void)
{
    struct sock_filter program[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_openat2, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog filter = {SCB_LENGTH(program), program};
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) == 0;
}

static void plain_names_still_work(void **state)
{
    (void)state;
    if (syscall(SYS_openat2, -1, "", NULL, 0) != -1 || errno != ENOSYS)
        skip();
    int fd = -1;
    assert_int_equal(scb_dir_open_below(temp_fd, "dir", true, 0700, &fd, NULL), SCB_OK);
    assert_int_equal(scb_file_write_durably(fd, "file", "new", 3, 0600, NULL), SCB_OK);
    (void)close(fd);
    assert_string_equal(temp_read("dir/file"), "new");
    assert_int_equal(scb_file_open(temp_fd, ".", O_RDONLY | O_DIRECTORY, 0, &fd, NULL), SCB_OK);
    (void)close(fd);
}

#define TEST(test_) cmocka_unit_test_setup_teardown(test_, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(directories_are_made_with_their_parents),
        TEST(what_is_made_is_synced_and_nothing_else),
        TEST(a_path_that_cannot_be_made_is_named),
        TEST(the_operators_own_links_are_followed),
        TEST(modes_are_exact_whatever_the_umask),
        TEST(links_and_ways_out_are_refused),
        TEST(a_link_in_the_way_is_named),
        TEST(removing_a_link_leaves_what_it_points_to),
        TEST(writes_go_on_until_all_is_written),
        TEST(a_file_is_read_whole_or_refused),
        TEST(a_read_is_short_only_at_the_end),
        TEST(what_close_says_is_reported),
        TEST(a_durable_write_goes_in_the_safe_order),
        TEST(a_durable_write_is_old_or_new),
        TEST(a_new_durable_file_takes_no_name_that_is_taken),
        TEST(a_durable_file_appears_when_it_is_committed),
        TEST(a_durable_file_follows_no_link),
        TEST(names_that_are_too_long_are_refused),
    };
    const struct CMUnitTest without_openat2[] = {
        TEST(plain_names_still_work),         TEST(links_and_ways_out_are_refused),
        TEST(a_link_in_the_way_is_named),     TEST(modes_are_exact_whatever_the_umask),
        TEST(a_durable_file_follows_no_link),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    if (take_openat2_away())
        failed += cmocka_run_group_tests(without_openat2, NULL, NULL);
    return failed;
}
