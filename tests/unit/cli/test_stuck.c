/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Covers cli/stuck: the process ends with the error's exit code, and says why where it can.
 */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/stuck.h"

static int said[2];

static void say(const void *state, const struct scb_error *error)
{
    (void)state;
    (void)!write(said[1], error->message, strlen(error->message));
}

/* As on the disk that hangs. */
static void hang(const void *state, const struct scb_error *error)
{
    say(state, error);
    for (;;)
        (void)pause();
}

static int end_with(scb_stuck_say how, int64_t say_ms)
{
    struct scb_error error = {0};
    int status = 0;
    (void)scb_error_set(&error, SCB_ERROR_FILE, "the disk hangs");
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0)
        scb_stuck_end(how, NULL, &error, say_ms);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void says_why_and_ends(void **state)
{
    (void)state;
    char text[64] = "";
    assert_int_equal(pipe(said), 0);
    assert_int_equal(end_with(say, 3600000), SCB_ERROR_FILE);
    assert_int_equal(read(said[0], text, sizeof(text) - 1), strlen("the disk hangs"));
    assert_string_equal(text, "the disk hangs");
}

/* Where it is waited for, this does not come back. */
static void ends_where_saying_hangs_too(void **state)
{
    (void)state;
    assert_int_equal(pipe(said), 0);
    assert_int_equal(end_with(hang, 10), SCB_ERROR_FILE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(says_why_and_ends),
        cmocka_unit_test(ends_where_saying_hangs_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
