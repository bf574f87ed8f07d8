/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Covers crypto/age_armor beyond the published vectors, which test_age_reader runs: bounds, blanks
 * at every place, what is armored at all.
 */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */
#include <stdio.h>
#include <string.h>

#include "base/buffer.h"
#include "base/memory.h"
#include "crypto/age_armor.h"

#define BEGIN "-----BEGIN AGE ENCRYPTED FILE-----\n"
#define END   "-----END AGE ENCRYPTED FILE-----\n"
#define FULL  "MDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAw\n"

static enum scb_status append(void *state, const void *data, size_t size, struct scb_error *error)
{
    return scb_buffer_append(state, data, size, error);
}

static enum scb_status read_armor(const char *text, struct scb_buffer *out, struct scb_error *error)
{
    struct scb_age_armor armor;
    scb_age_armor_begin(&armor, (struct scb_sink){append, out});
    enum scb_status status = scb_age_armor_write(&armor, text, strlen(text), error);
    return status == SCB_OK ? scb_age_armor_end(&armor, error) : status;
}

static void armor_that_is_read(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t size;
    } table[] = {
        {BEGIN END, 0},
        {BEGIN FULL END, 48},
        {BEGIN FULL FULL "YQ==\n" END, 97},
        {" \r\n\t\n" BEGIN "YWJj\r\n" END "  \n\n", 3},
        {BEGIN "YWI=\n-----END AGE ENCRYPTED FILE-----", 2},
        {BEGIN "YWI=\n-----END AGE ENCRYPTED FILE-----\r", 2},
    };
    for (size_t i = 0; i < SCB_LENGTH(table); i++) {
        struct scb_error error = {0};
        SCB_AUTO(buffer) struct scb_buffer out = {.max = 4096};
        if (read_armor(table[i].text, &out, &error) != SCB_OK)
            fail_msg("%zu: %s", i, error.message);
        assert_int_equal(out.size, table[i].size);
    }
}

static void armor_that_is_refused(void **state)
{
    (void)state;
    static const char *const table[] = {
        "",
        "\n",
        "YWJj\n",
        BEGIN,
        BEGIN FULL,
        BEGIN BEGIN END,
        " "
        "x" BEGIN END,
        BEGIN "\n" END,
        BEGIN "YWJj\nYWJj\n" END,
        BEGIN "YWJjY\n" END,
        BEGIN "YWJ\n" END,
        BEGIN "YWJ=YWJj\n" END,
        BEGIN "YWJj \n" END,
        BEGIN "YWJj\r\r\n" END,
        BEGIN FULL END END,
        BEGIN FULL END "x",
        BEGIN "MDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAw\n" END,
    };
    for (size_t i = 0; i < SCB_LENGTH(table); i++) {
        struct scb_error error = {0};
        SCB_AUTO(buffer) struct scb_buffer out = {.max = 4096};
        if (read_armor(table[i], &out, &error) != SCB_ERROR_INTEGRITY)
            fail_msg("%zu was taken", i);
        assert_memory_equal(error.message, "age armor: ", 11);
    }
}

static void blanks_outside_are_bounded(void **state)
{
    (void)state;
    char text[4096];
    for (int blanks = 1020; blanks <= 1030; blanks++) {
        SCB_AUTO(buffer) struct scb_buffer out = {.max = 4096};
        (void)snprintf(text, sizeof(text), "%*s" BEGIN END "%*s", blanks / 2, "",
                       blanks - blanks / 2, "");
        assert_int_equal(read_armor(text, &out, NULL),
                         blanks <= 1024 ? SCB_OK : SCB_ERROR_INTEGRITY);
    }
}

static void armor_is_known_by_its_begin(void **state)
{
    (void)state;
    static const char *const yes[] = {BEGIN, "\r\n \t" BEGIN}, *const no[] = {"", "\n",
                                                                              "-----BEGIN"};
    for (size_t i = 0; i < SCB_LENGTH(yes); i++)
        assert_true(scb_age_armor_is((struct scb_bytes){(const uint8_t *)yes[i], strlen(yes[i])}));
    for (size_t i = 0; i < SCB_LENGTH(no); i++)
        assert_false(scb_age_armor_is((struct scb_bytes){(const uint8_t *)no[i], strlen(no[i])}));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(armor_that_is_read),
        cmocka_unit_test(armor_that_is_refused),
        cmocka_unit_test(blanks_outside_are_bounded),
        cmocka_unit_test(armor_is_known_by_its_begin),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
