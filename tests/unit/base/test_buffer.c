/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Covers base/buffer: growing up to a maximum and not one byte over it.
 */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */
#include <string.h>

#include "base/buffer.h"
#include "base/memory.h"

static void assert_content(const struct scb_buffer *buffer, const char *text)
{
    assert_int_equal(buffer->size, strlen(text));
    assert_memory_equal(buffer->data, text, buffer->size);
}

static void texts_follow_each_other(void **state)
{
    (void)state;
    struct scb_error error = {0};
    SCB_AUTO(buffer) struct scb_buffer buffer = {.max = 64};
    assert_int_equal(scb_buffer_append(&buffer, "a\0b", 3, &error), SCB_OK);
    assert_int_equal(scb_buffer_append(&buffer, NULL, 0, &error), SCB_OK);
    assert_int_equal(buffer.size, 3);
    assert_memory_equal(buffer.data, "a\0b", 3);
    scb_buffer_clear(&buffer);
    assert_int_equal(scb_buffer_append_text(&buffer, "page ", &error), SCB_OK);
    assert_int_equal(scb_buffer_append_text(&buffer, "", &error), SCB_OK);
    assert_int_equal(scb_buffer_printf(&buffer, &error, "%d of %s", 17, "many"), SCB_OK);
    assert_content(&buffer, "page 17 of many");
    struct scb_bytes bytes = scb_buffer_bytes(&buffer);
    assert_ptr_equal(bytes.data, buffer.data);
    assert_int_equal(bytes.size, buffer.size);
}

static void nothing_passes_the_maximum(void **state)
{
    (void)state;
    static const size_t maxima[] = {1, 255, 256, 257, 511, 512, 513, 1000, 100000};
    for (size_t i = 0; i < SCB_LENGTH(maxima); i++) {
        struct scb_error error = {0};
        SCB_AUTO(buffer) struct scb_buffer buffer = {.max = maxima[i]};
        for (size_t n = 0; n < maxima[i]; n++)
            assert_int_equal(scb_buffer_append(&buffer, "x", 1, &error), SCB_OK);
        assert_int_equal(buffer.size, maxima[i]);
        assert_int_equal(buffer.data[maxima[i] - 1], 'x');
        assert_int_equal(scb_buffer_reserve(&buffer, 0, &error), SCB_OK);
        assert_int_equal(scb_buffer_append(&buffer, "y", 1, &error), SCB_ERROR_RESOURCE);
        assert_int_equal(scb_buffer_append_text(&buffer, "y", &error), SCB_ERROR_RESOURCE);
        assert_int_equal(scb_buffer_printf(&buffer, &error, "%d", 7), SCB_ERROR_RESOURCE);
        assert_int_equal(scb_buffer_reserve(&buffer, SIZE_MAX, &error), SCB_ERROR_RESOURCE);
        assert_int_equal(buffer.size, maxima[i]);
        assert_non_null(strstr(error.message, "bytes allowed here"));
    }
}

static void memory_grows_by_doubling(void **state)
{
    (void)state;
    SCB_AUTO(buffer) struct scb_buffer buffer = {.max = 1 << 20};
    size_t grown = 0, capacity = 0;
    for (size_t n = 0; n < buffer.max; n++) {
        assert_int_equal(scb_buffer_append(&buffer, "x", 1, NULL), SCB_OK);
        grown += buffer.capacity != capacity;
        capacity = buffer.capacity;
    }
    assert_int_equal(grown, 13); /* 256 bytes, doubled twelve times */
    assert_int_equal(capacity, buffer.max);
}

static void a_maximum_of_zero_lets_nothing_in(void **state)
{
    (void)state;
    struct scb_error error = {0};
    SCB_AUTO(buffer) struct scb_buffer buffer = {0};
    assert_int_equal(scb_buffer_append(&buffer, "x", 1, &error), SCB_ERROR_RESOURCE);
    assert_null(buffer.data);
}

static void room_is_made_at_once(void **state)
{
    (void)state;
    SCB_AUTO(buffer) struct scb_buffer buffer = {.max = 5000};
    assert_int_equal(scb_buffer_reserve(&buffer, 5000, NULL), SCB_OK);
    uint8_t *before = buffer.data;
    for (size_t n = 0; n < 5000; n++)
        assert_int_equal(scb_buffer_append(&buffer, "x", 1, NULL), SCB_OK);
    assert_ptr_equal(buffer.data, before);
}

static void clear_keeps_memory_and_free_keeps_the_maximum(void **state)
{
    (void)state;
    struct scb_buffer buffer = {.max = 300};
    assert_int_equal(scb_buffer_append_text(&buffer, "something", NULL), SCB_OK);
    uint8_t *before = buffer.data;
    scb_buffer_clear(&buffer);
    assert_int_equal(buffer.size, 0);
    assert_int_equal(scb_buffer_append_text(&buffer, "else", NULL), SCB_OK);
    assert_ptr_equal(buffer.data, before);
    assert_content(&buffer, "else");
    scb_buffer_free(&buffer);
    assert_null(buffer.data);
    assert_int_equal(buffer.size + buffer.capacity, 0);
    assert_int_equal(buffer.max, 300);
    assert_int_equal(scb_buffer_append_text(&buffer, "again", NULL), SCB_OK);
    assert_content(&buffer, "again");
    scb_buffer_free(&buffer);
}

static void a_sink_appends(void **state)
{
    (void)state;
    SCB_AUTO(buffer) struct scb_buffer buffer = {.max = 9};
    struct scb_sink sink = scb_buffer_sink(&buffer);
    assert_int_equal(sink.write(sink.state, "some", 4, NULL), SCB_OK);
    assert_int_equal(sink.write(sink.state, "thing", 5, NULL), SCB_OK);
    assert_content(&buffer, "something");
    assert_int_equal(sink.write(sink.state, "x", 1, NULL), SCB_ERROR_RESOURCE);
}

static void bytes_have_an_order(void **state)
{
    (void)state;
    static const struct scb_bytes order[] = {{NULL, 0},
                                             {(const uint8_t *)"\0", 1},
                                             {(const uint8_t *)"a", 1},
                                             {(const uint8_t *)"a\0", 2},
                                             {(const uint8_t *)"ab", 2},
                                             {(const uint8_t *)"b", 1},
                                             {(const uint8_t *)"\xff", 1}};
    for (size_t i = 0; i < SCB_LENGTH(order); i++)
        for (size_t j = 0; j < SCB_LENGTH(order); j++) {
            int found = scb_bytes_compare(order[i], order[j]);
            assert_int_equal((found > 0) - (found < 0), (i > j) - (i < j));
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_follow_each_other),
        cmocka_unit_test(nothing_passes_the_maximum),
        cmocka_unit_test(memory_grows_by_doubling),
        cmocka_unit_test(a_maximum_of_zero_lets_nothing_in),
        cmocka_unit_test(room_is_made_at_once),
        cmocka_unit_test(clear_keeps_memory_and_free_keeps_the_maximum),
        cmocka_unit_test(a_sink_appends),
        cmocka_unit_test(bytes_have_an_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
