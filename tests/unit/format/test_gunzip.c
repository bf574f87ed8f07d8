/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Covers format/gunzip, whole and as a stream: what zlib made comes back; a file that is cut,
 * changed, goes on, or is larger than it may be, is an error and never more than that.
 */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */
#include <stdlib.h>
#include <zlib.h>

#include "base/hash.h"
#include "base/memory.h"
#include "format/gunzip.h"
#include "streams.h"

enum { MAX = 1 << 20, HEAD = 10, TAIL = 8, LARGE = 300 * 1024 };

static uint8_t text[LARGE];
static struct scb_gunzipper *gunzipper;

static int set_up(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(text); i++)
        text[i] = (uint8_t)(scb_hash(1, (struct scb_bytes){(const uint8_t *)&i, sizeof(i)}) % 16);
    assert_int_equal(scb_gunzipper_new(&gunzipper, NULL), SCB_OK);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    scb_gunzipper_free(gunzipper);
    return 0;
}

static void gzip(size_t size, struct scb_buffer *file)
{
    z_stream zlib = {0};
    scb_buffer_clear(file);
    assert_int_equal(scb_buffer_reserve(file, MAX, NULL), SCB_OK);
    assert_int_equal(deflateInit2(&zlib, 6, Z_DEFLATED, MAX_WBITS + 16, 8, Z_DEFAULT_STRATEGY),
                     Z_OK);
    zlib.next_in = text;
    zlib.avail_in = (uInt)size;
    zlib.next_out = file->data;
    zlib.avail_out = MAX;
    assert_int_equal(deflate(&zlib, Z_FINISH), Z_STREAM_END);
    file->size = zlib.total_out;
    assert_int_equal(deflateEnd(&zlib), Z_OK);
}

static enum scb_status stream(struct scb_bytes file, size_t step, uint64_t max_size,
                              struct scb_buffer *out, struct scb_error *error)
{
    struct memory_input memory = {.data = file, .step = step};
    struct scb_gunzip *gunzip = NULL;
    uint8_t data[4096];
    size_t got = 1;
    assert_int_equal(scb_gunzip_open(memory_input(&memory), max_size, &gunzip, NULL), SCB_OK);
    struct scb_input input = scb_gunzip_input(gunzip);
    enum scb_status status = SCB_OK;
    while (status == SCB_OK && got > 0) {
        status = input.read(input.state, data, sizeof(data), &got, error);
        if (status == SCB_OK)
            assert_int_equal(scb_buffer_append(out, data, got, NULL), SCB_OK);
    }
    scb_gunzip_close(gunzip);
    return status;
}

static void assert_text(const struct scb_buffer *out, size_t size)
{
    assert_int_equal(out->size, size);
    if (size > 0)
        assert_memory_equal(out->data, text, size);
}

static void gives_back_what_zlib_made(void **state)
{
    (void)state;
    static const size_t sizes[] = {0, 1, 100, 65536, LARGE};
    SCB_AUTO(buffer) struct scb_buffer file = {.max = MAX};
    for (size_t i = 0; i < SCB_LENGTH(sizes); i++) {
        SCB_AUTO(buffer) struct scb_buffer out = {.max = MAX};
        SCB_AUTO(buffer) struct scb_buffer streamed = {.max = MAX};
        gzip(sizes[i], &file);
        struct scb_bytes bytes = scb_buffer_bytes(&file);
        assert_int_equal(scb_gunzip_size(bytes), sizes[i]);
        assert_int_equal(scb_gunzipper_run(gunzipper, bytes, &out, NULL), SCB_OK);
        assert_text(&out, sizes[i]);
        assert_int_equal(stream(bytes, i % 2 == 0 ? 3 : MAX, sizes[i], &streamed, NULL), SCB_OK);
        assert_text(&streamed, sizes[i]);
    }
}

/* The six bytes of the head that say when and where it was made, and the bits that pad the deflated
 * data. */
static bool means_nothing(size_t at, size_t size)
{
    return (at >= 4 && at < HEAD) || at + TAIL + 1 == size;
}

static void finds_what_is_cut_or_changed_or_goes_on(void **state)
{
    (void)state;
    SCB_AUTO(buffer) struct scb_buffer file = {.max = MAX};
    SCB_AUTO(buffer) struct scb_buffer out = {.max = MAX};
    struct scb_error error = {0};
    size_t damaged = 0;
    gzip(2000, &file);
    for (size_t at = 0; at < file.size; at++) {
        struct scb_bytes cut = {file.data, at}, whole = scb_buffer_bytes(&file);
        assert_int_not_equal(scb_gunzipper_run(gunzipper, cut, &out, &error), SCB_OK);
        scb_buffer_clear(&out);
        assert_int_equal(stream(cut, MAX, MAX, &out, &error), SCB_ERROR_INTEGRITY);
        scb_buffer_clear(&out);
        if (means_nothing(at, file.size))
            continue;
        file.data[at] ^= 0x80;
        /* Or else it is another way to say the same: a match elsewhere. */
        if (scb_gunzipper_run(gunzipper, whole, &out, &error) == SCB_OK)
            assert_text(&out, 2000);
        scb_buffer_clear(&out);
        if (stream(whole, MAX, MAX, &out, &error) == SCB_OK)
            assert_text(&out, 2000);
        else
            damaged++;
        scb_buffer_clear(&out);
        file.data[at] ^= 0x80;
    }
    assert_true(damaged > file.size / 10 * 9);
    assert_int_equal(scb_buffer_append(&file, "x", 1, NULL), SCB_OK);
    assert_int_equal(stream(scb_buffer_bytes(&file), MAX, MAX, &out, &error), SCB_ERROR_INTEGRITY);
    scb_buffer_clear(&out);
    assert_int_equal(stream(scb_buffer_bytes(&file), 1, MAX, &out, &error), SCB_ERROR_INTEGRITY);
}

static void gives_no_more_than_it_may(void **state)
{
    (void)state;
    SCB_AUTO(buffer) struct scb_buffer file = {.max = MAX};
    SCB_AUTO(buffer) struct scb_buffer out = {.max = 1999};
    struct scb_error error = {0};
    gzip(2000, &file);
    struct scb_bytes bytes = scb_buffer_bytes(&file);
    assert_int_equal(scb_gunzipper_run(gunzipper, bytes, &out, &error), SCB_ERROR_RESOURCE);
    assert_int_equal(stream(bytes, MAX, 1999, &out, &error), SCB_ERROR_RESOURCE);
    assert_non_null(strstr(error.message, "more than 1999 bytes"));
    assert_int_equal(out.size, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gives_back_what_zlib_made),
        cmocka_unit_test(finds_what_is_cut_or_changed_or_goes_on),
        cmocka_unit_test(gives_no_more_than_it_may),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
