/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Covers service/notify_command: input, arguments, exit codes, and an end to what does not end.
 */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "service/notify_command.h"

enum { LONG_MS = 600000 };

static enum scb_status run(const char *command, const char *input, int64_t timeout_ms,
                           const struct scb_cancel *cancel, struct scb_error *error)
{
    struct scb_bytes bytes = {(const uint8_t *)input, strlen(input)};
    *error = (struct scb_error){0};
    return scb_notify_command_run(command, bytes, timeout_ms, cancel, error);
}

static void it_gets_input_and_arguments(void **state)
{
    (void)state;
    char path[] = "/tmp/test-command-XXXXXX", command[64], text[64] = "";
    struct scb_error error;
    (void)close(mkstemp(path));
    (void)snprintf(command, sizeof(command), "/usr/bin/tee   -a %s", path);
    assert_int_equal(run(command, "one ", LONG_MS, NULL, &error), SCB_OK);
    assert_int_equal(run(command, "two", LONG_MS, NULL, &error), SCB_OK);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    assert_int_equal(fread(text, 1, sizeof(text) - 1, file), strlen("one two"));
    (void)fclose(file);
    (void)unlink(path);
    assert_string_equal(text, "one two");
    assert_int_equal(run("/bin/true", "nobody reads it", LONG_MS, NULL, &error), SCB_OK);
}

static void its_failure_is_said(void **state)
{
    (void)state;
    char many[512] = "/bin/true";
    struct scb_error error;
    assert_int_equal(run("/bin/false", "", LONG_MS, NULL, &error), SCB_ERROR_INTERNAL);
    assert_string_equal(error.message, "command ended with exit code 1");
    assert_int_equal(run("/usr/bin/perl -e kill(9,$$)", "", LONG_MS, NULL, &error),
                     SCB_ERROR_INTERNAL);
    assert_string_equal(error.message, "command ended by signal 9");
    assert_int_equal(run("/nonexistent/command", "", LONG_MS, NULL, &error), SCB_ERROR_FILE);
    for (int i = 0; i < 64; i++)
        (void)strcat(many, " x");
    assert_int_equal(run(many, "", LONG_MS, NULL, &error), SCB_ERROR_VALIDATION);
}

static void one_that_does_not_end_is_ended(void **state)
{
    (void)state;
    struct scb_error error;
    struct scb_cancel *cancel = NULL;
    assert_int_equal(run("/bin/sleep 1000000", "", 1, NULL, &error), SCB_ERROR_INTERNAL);
    assert_non_null(strstr(error.message, "killed"));
    assert_int_equal(scb_cancel_new(&cancel, NULL), SCB_OK);
    scb_cancel_request(cancel);
    assert_int_equal(run("/bin/sleep 1000000", "", LONG_MS, cancel, &error), SCB_ERROR_CANCELED);
    scb_cancel_free(cancel);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_gets_input_and_arguments),
        cmocka_unit_test(its_failure_is_said),
        cmocka_unit_test(one_that_does_not_end_is_ended),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
