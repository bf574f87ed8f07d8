/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Covers cli/output.c: tables fit what is in them and show control bytes escaped.
 */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "cli/output.h"

static void print(const char *const (*rows)[2], size_t count, char *ret_text, size_t size)
{
    static const struct scb_column columns[] = {{"NAME", false}, {"SIZE", true}};
    struct scb_error error = {0};
    struct scb_table *table = NULL;
    assert_int_equal(scb_table_new(columns, 2, &table, &error), SCB_OK);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(scb_table_add(table, rows[i], &error), SCB_OK);
    memset(ret_text, 0, size);
    FILE *out = fmemopen(ret_text, size, "w");
    assert_non_null(out);
    assert_int_equal(scb_table_print(table, out, &error), SCB_OK);
    assert_int_equal(fclose(out), 0);
    scb_table_free(table);
}

static void columns_are_aligned(void **state)
{
    (void)state;
    static const char *const rows[][2] = {{"a", "1"}, {"longer name", "1000"}, {"", ""}};
    char text[512];
    print(rows, 3, text, sizeof(text));
    assert_non_null(strstr(text, "NAME        SIZE\n"));
    assert_non_null(strstr(text, "a              1\n"));
    assert_non_null(strstr(text, "longer name 1000\n"));
}

static void nothing_is_cut(void **state)
{
    (void)state;
    char wide[300], text[2048];
    memset(wide, 'x', sizeof(wide) - 1);
    wide[sizeof(wide) - 1] = '\0';
    const char *const rows[][2] = {{wide, "1"}};
    print(rows, 1, text, sizeof(text));
    assert_non_null(strstr(text, wide));
}

static void control_bytes_are_escaped(void **state)
{
    (void)state;
    static const char *const rows[][2] = {{"a\x1b[31mb\nc\td", "1"}};
    char text[512];
    print(rows, 1, text, sizeof(text));
    assert_null(strchr(text, '\x1b'));
    assert_null(strchr(text, '\t'));
    assert_non_null(strstr(text, "a\\x1b[31mb\\x0ac\\x09d"));
}

static void no_color_is_obeyed(void **state)
{
    (void)state;
    assert_int_equal(unsetenv("NO_COLOR"), 0);
    int terminal = -1; /* no terminal at all */
    assert_false(scb_output_has_color(terminal));
    terminal = posix_openpt(2);
    if (terminal < 0)
        skip();
    assert_true(scb_output_has_color(terminal));
    assert_int_equal(setenv("NO_COLOR", "1", 1), 0);
    assert_false(scb_output_has_color(terminal));
    assert_int_equal(setenv("NO_COLOR", "", 1), 0);
    assert_true(scb_output_has_color(terminal));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(columns_are_aligned),
        cmocka_unit_test(nothing_is_cut),
        cmocka_unit_test(control_bytes_are_escaped),
        cmocka_unit_test(no_color_is_obeyed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
