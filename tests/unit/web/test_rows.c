/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Covers web/rows: a part ends at its limit or where it is long, and says where the next one is.
 */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */
#include <string.h>

#include "base/memory.h"
#include "web/rows.h"

/* A request on its way, and its answer. */
struct asked {
    struct scb_web_reply reply;
    struct scb_web_call call;
    struct scb_web_rows rows;
};

static enum scb_status ask(struct asked *asked, const char *target)
{
    struct scb_error error = {0};
    *asked = (struct asked){.reply = {.body = {.max = SCB_WEB_MAX_REPLY}}};
    asked->call.reply = &asked->reply;
    assert_int_equal(scb_web_target_parse(target, &asked->call.target, &error), SCB_OK);
    scb_json_begin(&asked->call.json, &asked->reply.body);
    scb_json_open_object(&asked->call.json, NULL);
    return scb_web_rows_of_backups(&asked->call, &asked->rows, &error);
}

static void assert_answer(struct asked *asked, const char *text)
{
    struct scb_error error = {0};
    assert_int_equal(scb_web_rows_end(&asked->rows, SCB_ERROR_CANCELED, &error), SCB_OK);
    scb_json_close_object(&asked->call.json);
    assert_int_equal(scb_json_finish(&asked->call.json, &error), SCB_OK);
    assert_int_equal(asked->reply.body.size, strlen(text));
    assert_memory_equal(asked->reply.body.data, text, strlen(text));
    scb_buffer_free(&asked->reply.body);
}

static void a_part_ends_at_its_limit(void **state)
{
    (void)state;
    struct asked asked;
    assert_int_equal(ask(&asked, "/list?keep=a%26b+c&before=2024-01-15&limit=2&older_than=30d"),
                     SCB_OK);
    assert_false(scb_web_rows_take_backup(&asked.rows, "2024-01-16"));
    assert_false(scb_web_rows_take_backup(&asked.rows, "2024-01-15"));
    assert_true(scb_web_rows_take_backup(&asked.rows, "2024-01-14"));
    assert_true(scb_web_rows_take_backup(&asked.rows, "2024-01-13T010203Z"));
    assert_false(asked.rows.more);
    assert_false(scb_web_rows_take_backup(&asked.rows, "2024-01-13"));
    assert_false(scb_web_rows_take_backup(&asked.rows, "2024-01-12"));
    assert_answer(&asked, "{\"next\":\"/list?before=2024-01-13T010203Z&keep=a%26b%20c&limit=2"
                          "&older_than=30d\"}");
}

static void the_last_part_has_no_next(void **state)
{
    (void)state;
    struct asked asked;
    struct scb_error error = {0};
    assert_int_equal(ask(&asked, "/list?limit=1"), SCB_OK);
    assert_true(scb_web_rows_take(&asked.rows, "2024-01-14"));
    assert_int_equal(scb_web_rows_end(&asked.rows, SCB_ERROR_DATABASE, &error), SCB_ERROR_DATABASE);
    assert_int_equal(scb_web_rows_end(&asked.rows, SCB_OK, &error), SCB_OK);
    scb_json_close_object(&asked.call.json);
    assert_int_equal(scb_json_finish(&asked.call.json, &error), SCB_OK);
    assert_memory_equal(asked.reply.body.data, "{\"next\":null}", 13);
    scb_buffer_free(&asked.reply.body);
}

static void a_part_of_long_rows_ends_earlier(void **state)
{
    (void)state;
    enum { LONG = 8000 };
    struct asked asked;
    char text[LONG + 1];
    size_t taken = 0;
    memset(text, 'x', LONG);
    text[LONG] = '\0';
    assert_int_equal(ask(&asked, "/list?limit=1000"), SCB_OK);
    scb_json_open_array(&asked.call.json, "rows");
    for (; scb_web_rows_take(&asked.rows, "2024-01-14"); taken++)
        scb_json_text(&asked.call.json, NULL, text);
    scb_json_close_array(&asked.call.json);
    struct scb_error error = {0};
    assert_in_range(taken, 10, 999);
    assert_int_equal(scb_web_rows_end(&asked.rows, SCB_OK, &error), SCB_OK);
    scb_json_close_object(&asked.call.json);
    assert_int_equal(scb_json_finish(&asked.call.json, &error), SCB_OK);
    assert_true(asked.rows.more);
    scb_buffer_free(&asked.reply.body);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_part_ends_at_its_limit),
                                       cmocka_unit_test(the_last_part_has_no_next),
                                       cmocka_unit_test(a_part_of_long_rows_ends_earlier)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
