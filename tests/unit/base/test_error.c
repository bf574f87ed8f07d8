/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Covers base/error: the table of types, texts that are cut and never overrun, system errors.
 */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */
#include <errno.h>
#include <string.h>

#include "base/memory.h"
#include "scb/error.h"

/* SPEC 2, word by word: scripts rely on these. */
static const struct {
    int code;
    const char *name;
} types[] = {{0, "OK"},
             {1, "InternalError"},
             {2, "UsageError"},
             {3, "ValidationError"},
             {4, "ContractConnectionError"},
             {5, "FileSystemError"},
             {6, "DatabaseError"},
             {7, "ResourceError"},
             {8, "IntegrityError"},
             {9, "AccessError"},
             {10, "BusyError"},
             {11, "NotFoundError"},
             {130, "Canceled"}};

static void types_have_the_promised_codes_and_names(void **state)
{
    (void)state;
    for (size_t i = 0; i < SCB_LENGTH(types); i++) {
        assert_string_equal(scb_status_name((enum scb_status)types[i].code), types[i].name);
        assert_string_not_equal(scb_status_meaning((enum scb_status)types[i].code), "unknown");
    }
}

static void set_replaces_all_that_was_there(void **state)
{
    (void)state;
    struct scb_error error = {.status = SCB_ERROR_BUSY, .retryable = true, .hint = "old"};
    assert_int_equal(scb_error_set(&error, SCB_ERROR_FILE, "page %d", 17), SCB_ERROR_FILE);
    assert_int_equal(error.status, SCB_ERROR_FILE);
    assert_string_equal(error.message, "page 17");
    assert_string_equal(error.hint, "");
    assert_false(error.retryable);
    /* Its own texts may be among the arguments. */
    assert_int_equal(scb_error_set(&error, SCB_ERROR_FILE, "<%s>", error.message), SCB_ERROR_FILE);
    assert_string_equal(error.message, "<page 17>");
}

static void hint_and_wrap_add_to_it(void **state)
{
    (void)state;
    struct scb_error error = {0};
    (void)scb_error_set(&error, SCB_ERROR_CONTRACT, "HTTP 429");
    error.retryable = true;
    assert_int_equal(scb_error_hint(&error, "add %s", "an endpoint"), SCB_ERROR_CONTRACT);
    assert_int_equal(scb_error_wrap(&error, "page %d (keys %d-%d)", 17, 1700, 1799),
                     SCB_ERROR_CONTRACT);
    assert_string_equal(error.message, "page 17 (keys 1700-1799): HTTP 429");
    assert_string_equal(error.hint, "add an endpoint");
    assert_true(error.retryable);
    assert_int_equal(scb_error_wrap(&error, "%s", error.message), SCB_ERROR_CONTRACT);
    assert_string_equal(error.message,
                        "page 17 (keys 1700-1799): HTTP 429: page 17 (keys 1700-1799): HTTP 429");
}

static void long_texts_are_cut(void **state)
{
    (void)state;
    char text[3000];
    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    struct {
        struct scb_error error;
        char guard[16];
    } room = {.guard = "guard"};
    struct scb_error *error = &room.error;
    (void)scb_error_set(error, SCB_ERROR_FILE, "%s", text);
    assert_int_equal(strlen(error->message), sizeof(error->message) - 1);
    (void)scb_error_hint(error, "%s", text);
    assert_int_equal(strlen(error->hint), sizeof(error->hint) - 1);
    (void)scb_error_wrap(error, "page 17");
    assert_int_equal(strlen(error->message), sizeof(error->message) - 1);
    assert_memory_equal(error->message, "page 17: xxx", 12);
    (void)scb_error_wrap(error, "%s", text); /* no room for what it says: the message stays */
    assert_memory_equal(error->message, "page 17: xxx", 12);
    (void)scb_error_set_errno(error, SCB_ERROR_FILE, ENOENT, "%s", text);
    assert_int_equal(strlen(error->message), sizeof(error->message) - 1);
    assert_string_equal(room.guard, "guard");
}

static void system_errors_are_named(void **state)
{
    (void)state;
    static const struct {
        int errnum;
        enum scb_status status;
        const char *message;
        const char *hint;
        bool retryable;
    } table[] = {
        {ENOENT, SCB_ERROR_FILE, "file 'x': No such file or directory", "", false},
        {EIO, SCB_ERROR_FILE, "file 'x': Input/output error", "", false},
        {ENOSPC, SCB_ERROR_RESOURCE, "file 'x': No space left on device", "free disk space", false},
        {EDQUOT, SCB_ERROR_RESOURCE, "file 'x': Disk quota exceeded", "free disk space", false},
        {EMFILE, SCB_ERROR_FILE, "file 'x': Too many open files", "raise the limit", true},
        {ENFILE, SCB_ERROR_FILE, "file 'x': Too many open files in system", "raise the limit",
         true},
        {123456, SCB_ERROR_FILE, "file 'x': unknown error", "", false}};
    for (size_t i = 0; i < SCB_LENGTH(table); i++) {
        struct scb_error error = {.hint = "old"};
        assert_int_equal(
            scb_error_set_errno(&error, SCB_ERROR_FILE, table[i].errnum, "file '%s'", "x"),
            table[i].status);
        assert_int_equal(error.status, table[i].status);
        assert_string_equal(error.message, table[i].message);
        assert_int_equal(strncmp(error.hint, table[i].hint, strlen(table[i].hint)), 0);
        assert_int_equal(error.hint[0] == '\0', table[i].hint[0] == '\0');
        assert_int_equal(error.retryable, table[i].retryable);
    }
}

static void nobody_needs_to_listen(void **state)
{
    (void)state;
    assert_int_equal(scb_error_set(NULL, SCB_ERROR_FILE, "x"), SCB_ERROR_FILE);
    assert_int_equal(scb_error_set_errno(NULL, SCB_ERROR_FILE, EIO, "x"), SCB_ERROR_FILE);
    assert_int_equal(scb_error_set_errno(NULL, SCB_ERROR_FILE, ENOSPC, "x"), SCB_ERROR_RESOURCE);
    assert_int_not_equal(scb_error_hint(NULL, "x"), SCB_OK);
    assert_int_not_equal(scb_error_wrap(NULL, "x"), SCB_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(types_have_the_promised_codes_and_names),
        cmocka_unit_test(set_replaces_all_that_was_there),
        cmocka_unit_test(hint_and_wrap_add_to_it),
        cmocka_unit_test(long_texts_are_cut),
        cmocka_unit_test(system_errors_are_named),
        cmocka_unit_test(nobody_needs_to_listen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
