/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Covers format/gzip, and zip's scb_deflater_gzip: another's reader reads both, in pieces of any
 * size, and neither says when it was made.
 */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */
#include <libdeflate.h>
#include <stdlib.h>

#include "base/memory.h"
#include "format/gzip.h"
#include "format/zip.h"
#include "streams.h"

enum { TEXT = 300000, MAX = 1 << 20 };

static uint8_t text[TEXT];

static void fill(bool random)
{
    uint32_t seed = 1;
    for (size_t i = 0; i < TEXT; i++) {
        seed = seed * 1103515245 + 12345;
        text[i] = random ? (uint8_t)(seed >> 16) : (uint8_t)("key value "[i % 10]);
    }
}

static void assert_gunzips(const struct scb_buffer *gzip, size_t size)
{
    static const uint8_t head[] = {0x1f, 0x8b, 8, 0, 0, 0, 0, 0}; /* the last four: no time */
    static uint8_t back[TEXT + 1];
    size_t got = 0, used = 0;
    assert_true(gzip->size > sizeof(head));
    assert_memory_equal(gzip->data, head, sizeof(head));
    struct libdeflate_decompressor *inflater = libdeflate_alloc_decompressor();
    assert_non_null(inflater);
    enum libdeflate_result result = libdeflate_gzip_decompress_ex(inflater, gzip->data, gzip->size,
                                                                  back, sizeof(back), &used, &got);
    libdeflate_free_decompressor(inflater);
    assert_int_equal(result, LIBDEFLATE_SUCCESS);
    assert_int_equal(used, gzip->size);
    assert_int_equal(got, size);
    assert_memory_equal(back, text, size);
}

static void a_stream_in_pieces_of_any_size(void **state)
{
    (void)state;
    static const size_t sizes[] = {0, 1, 100, TEXT}, steps[] = {1, 977, TEXT};
    for (size_t i = 0; i < 2 * SCB_LENGTH(sizes) * SCB_LENGTH(steps); i++) {
        size_t size = sizes[i / 2 % SCB_LENGTH(sizes)];
        size_t step = steps[i / 2 / SCB_LENGTH(sizes)];
        SCB_AUTO(buffer) struct scb_buffer out = {.max = MAX};
        struct scb_gzip *gzip = NULL;
        fill(i % 2 == 0);
        assert_int_equal(scb_gzip_new(buffer_sink(&out), &gzip, NULL), SCB_OK);
        for (size_t at = 0; at < size; at += step)
            assert_int_equal(
                scb_gzip_write(gzip, text + at, step < size - at ? step : size - at, NULL), SCB_OK);
        assert_int_equal(scb_gzip_end(gzip, NULL), SCB_OK);
        scb_gzip_free(gzip);
        assert_gunzips(&out, size);
    }
}

static void a_sink_that_fails_fails_it(void **state)
{
    (void)state;
    fill(true);
    SCB_AUTO(buffer) struct scb_buffer out = {.max = 100};
    struct scb_gzip *gzip = NULL;
    assert_int_equal(scb_gzip_new(buffer_sink(&out), &gzip, NULL), SCB_OK);
    assert_int_equal(scb_gzip_write(gzip, text, TEXT, NULL), SCB_ERROR_RESOURCE);
    scb_gzip_free(gzip);
    assert_int_equal(scb_gzip_new(buffer_sink(&out), &gzip, NULL), SCB_OK);
    assert_int_equal(scb_gzip_write(gzip, text, 1000, NULL), SCB_OK);
    assert_int_equal(scb_gzip_end(gzip, NULL), SCB_ERROR_RESOURCE);
    scb_gzip_free(gzip);
}

static void a_whole_buffer(void **state)
{
    (void)state;
    static const size_t sizes[] = {2, 100, TEXT};
    SCB_AUTO(buffer) struct scb_buffer out = {.max = MAX};
    struct scb_deflater *deflater = NULL;
    assert_int_equal(scb_deflater_new(&deflater, NULL), SCB_OK);
    for (size_t i = 0; i < 2 * SCB_LENGTH(sizes); i++) {
        fill(i % 2 == 0);
        struct scb_bytes bytes = {text, sizes[i / 2]};
        assert_int_equal(scb_deflater_gzip(deflater, bytes, &out, NULL), SCB_OK);
        assert_gunzips(&out, bytes.size);
    }
    SCB_AUTO(buffer) struct scb_buffer small = {.max = 1000};
    fill(true);
    assert_int_equal(scb_deflater_gzip(deflater, (struct scb_bytes){text, TEXT}, &small, NULL),
                     SCB_ERROR_RESOURCE);
    scb_deflater_free(deflater);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_stream_in_pieces_of_any_size),
        cmocka_unit_test(a_sink_that_fails_fails_it),
        cmocka_unit_test(a_whole_buffer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
