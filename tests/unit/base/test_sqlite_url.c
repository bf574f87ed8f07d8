/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Covers base/sqlite_url: the path of a database, and what is none.
 */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "base/sqlite_url.h"

static void gives_the_path(void **state)
{
    (void)state;
    static const char *const paths[] = {"/x.db", "/var/lib/satellite/satellite.db", "//x",
                                        "/with blank & =.db"};
    for (size_t i = 0; i < SCB_LENGTH(paths); i++) {
        char url[128];
        struct scb_error error = {0};
        (void)snprintf(url, sizeof(url), "sqlite://%s", paths[i]);
        const char *path = scb_sqlite_url_path(url, &error);
        assert_non_null(path);
        assert_string_equal(path, paths[i]);
    }
}

static void says_what_is_wrong(void **state)
{
    (void)state;
    static const struct {
        const char *url, *why;
    } cases[] = {
        {"", "not the URL of a status database"},
        {"sqlite", "not the URL of a status database"},
        {"/var/lib/x.db", "not the URL of a status database"},
        {"SQLITE:///x.db", "not the URL of a status database"},
        {"mysql://user:secret@host/db", "not the URL of a status database"},
        {"postgres://user:secret@host/db", "PostgreSQL is not supported in this version"},
        {"postgresql://user:secret@host/db", "PostgreSQL is not supported in this version"},
        {"sqlite:", "is not an absolute path"},
        {"sqlite:x.db", "is not an absolute path"},
        {"sqlite:/x.db", "is not an absolute path"},
        {"sqlite://", "is not an absolute path"},
        {"sqlite://host/x.db", "is not an absolute path"},
        {"sqlite:///", "names no file"},
        {"sqlite:///directory/", "names no file"},
        {"sqlite:///x.db?mode=ro", "mean something else"},
        {"sqlite:///x.db#part", "mean something else"},
        {"sqlite:///%78.db", "mean something else"},
    };
    for (size_t i = 0; i < SCB_LENGTH(cases); i++) {
        struct scb_error error = {0};
        assert_null(scb_sqlite_url_path(cases[i].url, &error));
        assert_int_equal(error.status, SCB_ERROR_VALIDATION);
        if (strstr(error.message, cases[i].why) == NULL || strstr(error.message, "secret") != NULL)
            fail_msg("%s: %s", cases[i].url, error.message);
        assert_non_null(strstr(error.hint, "sqlite:///"));
    }
}

static void a_path_has_a_longest(void **state)
{
    (void)state;
    char url[PATH_MAX + 32] = "sqlite:///";
    size_t used = strlen(url);
    struct scb_error error = {0};
    memset(url + used, 'a', PATH_MAX - 2); /* with its '/' and the NUL: PATH_MAX */
    assert_non_null(scb_sqlite_url_path(url, &error));
    url[used + PATH_MAX - 2] = 'a';
    assert_null(scb_sqlite_url_path(url, &error));
    assert_non_null(strstr(error.message, "too long"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gives_the_path),
        cmocka_unit_test(says_what_is_wrong),
        cmocka_unit_test(a_path_has_a_longest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
