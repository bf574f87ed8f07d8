/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Covers base/durable_apart: two who write the same file, names that are too long, and temporary
 * files: what a killed process left goes with the next, what somebody is writing stays.
 */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */
#include <limits.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "../temp_dir.h"
#include "base/durable_apart.h"

static const char *sweep; /* this name goes before the next file is locked; NULL: none does */

/* Stands before the C library's. */
int flock(int fd, int operation)
{
    if (sweep != NULL && operation == LOCK_EX) {
        const char *name = temp_list(".");
        assert_non_null(strstr(name, sweep));
        assert_int_equal(unlink(temp_path(name)), 0);
        sweep = NULL;
    }
    return (int)syscall(SYS_flock, fd, operation);
}

static struct scb_durable_file open_apart(void)
{
    struct scb_durable_file file;
    struct scb_error error = {0};
    if (scb_durable_open_apart(&file, temp_fd, "file", 0600, &error) != SCB_OK)
        fail_msg("%s", error.message);
    return file;
}

static void two_who_write_apart_do_not_meet(void **state)
{
    (void)state;
    struct scb_durable_file one, two;
    temp_write(".file.tmp", "somebody's");
    assert_int_equal(chmod(temp_path(".file.tmp"), 0666), 0);
    assert_int_equal(scb_durable_open_apart(&one, temp_fd, "file", 0600, NULL), SCB_OK);
    assert_int_equal(scb_durable_open_apart(&two, temp_fd, "file", 0600, NULL), SCB_OK);
    assert_string_not_equal(one.temporary, two.temporary);
    assert_int_equal(temp_mode(one.temporary), 0600);
    assert_int_equal(scb_durable_write(&one, "the first", 9, NULL), SCB_OK);
    assert_int_equal(scb_durable_write(&two, "2", 1, NULL), SCB_OK);
    assert_int_equal(scb_durable_commit(&one, NULL), SCB_OK);
    assert_string_equal(temp_read("file"), "the first");
    assert_int_equal(scb_durable_commit(&two, NULL), SCB_OK);
    assert_string_equal(temp_read("file"), "2");
    assert_int_equal(temp_mode("file"), 0600);
    assert_string_equal(temp_read(".file.tmp"), "somebody's");
}

static void a_name_that_is_too_long_is_refused(void **state)
{
    (void)state;
    struct scb_durable_file file;
    char name[NAME_MAX + 2];
    memset(name, 'x', sizeof(name));
    name[NAME_MAX + 1] = '\0';
    assert_int_equal(scb_durable_open_apart(&file, temp_fd, name, 0600, NULL),
                     SCB_ERROR_VALIDATION);
    assert_string_equal(temp_list("."), "");
    name[NAME_MAX] = '\0';
    assert_int_equal(scb_durable_open_apart(&file, temp_fd, name, 0600, NULL), SCB_OK);
    assert_int_equal(scb_durable_commit(&file, NULL), SCB_OK);
    assert_string_equal(temp_list("."), name);
}

static void what_a_killed_process_left_goes_with_the_next(void **state)
{
    (void)state;
    temp_write(".satellite-notes.tmp", "somebody's");
    temp_write(".satellite-0123456789abcdef.tmpx", "somebody's");
    temp_link(".satellite-notes.tmp", ".satellite-0123456789abcdef.tmp");
    struct scb_durable_file mine = open_apart();
    pid_t child = fork();
    if (child == 0) {
        struct scb_durable_file file = open_apart();
        if (scb_durable_write(&file, "a secret", 8, NULL) == SCB_OK)
            (void)raise(SIGKILL);
        _exit(1);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
    char expected[512];
    assert_int_equal(strlen(temp_list(".")),
                     strlen(".satellite-0123456789abcdef.tmp .satellite-0123456789abcdef.tmpx "
                            ".satellite-notes.tmp") +
                         2 * (1 + strlen(mine.temporary)));
    struct scb_durable_file next = open_apart();
    scb_durable_abort(&next);
    (void)snprintf(expected, sizeof(expected), "%s", mine.temporary);
    assert_non_null(strstr(temp_list("."), expected));
    assert_int_equal(scb_durable_write(&mine, "new", 3, NULL), SCB_OK);
    assert_int_equal(scb_durable_commit(&mine, NULL), SCB_OK);
    assert_string_equal(temp_list("."),
                        ".satellite-0123456789abcdef.tmp .satellite-0123456789abcdef.tmpx "
                        ".satellite-notes.tmp file");
    assert_string_equal(temp_read("file"), "new");
}

/* Another looks for abandoned ones just then. */
static void one_that_goes_before_it_is_locked_is_made_again(void **state)
{
    (void)state;
    sweep = ".satellite-";
    struct scb_durable_file file = open_apart();
    assert_null(sweep);
    assert_string_equal(temp_list("."), file.temporary);
    assert_int_equal(scb_durable_commit(&file, NULL), SCB_OK);
    assert_string_equal(temp_list("."), "file");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_TEMP(two_who_write_apart_do_not_meet),
        IN_TEMP(a_name_that_is_too_long_is_refused),
        IN_TEMP(what_a_killed_process_left_goes_with_the_next),
        IN_TEMP(one_that_goes_before_it_is_locked_is_made_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
