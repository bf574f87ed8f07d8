/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Covers crypto/age_input: the text comes whole whatever the pieces, its end only behind a whole
 * file; a file that is cut, changed or goes on, and an input that fails, are errors.
 */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */
#include <string.h>

#include "../format/streams.h"
#include "base/memory.h"
#include "crypto/age_input.h"
#include "crypto/age_writer.h"

enum { MAX = 1 << 20, CHUNK = 64 * 1024 };

static uint8_t text[3 * CHUNK + 17];
static struct scb_age_identities *identities;
static struct scb_age_writer *writer;
static struct scb_age_reader *reader;

static int set_up(void **state)
{
    (void)state;
    char identity[SCB_AGE_IDENTITY_TEXT_SIZE];
    struct scb_age_recipient recipient;
    assert_int_equal(scb_age_identity_generate(identity, &recipient, NULL), SCB_OK);
    assert_int_equal(scb_age_identities_parse(text_bytes(identity), &identities, NULL), SCB_OK);
    assert_int_equal(scb_age_writer_new(&recipient, 1, &writer, NULL), SCB_OK);
    assert_int_equal(scb_age_reader_new(identities, &reader, NULL), SCB_OK);
    for (size_t i = 0; i < sizeof(text); i++)
        text[i] = (uint8_t)(i * 7 + i / 251);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    scb_age_reader_free(reader);
    scb_age_writer_free(writer);
    scb_age_identities_free(identities);
    return 0;
}

static void encrypt(size_t size, struct scb_buffer *file)
{
    scb_buffer_clear(file);
    assert_int_equal(scb_age_writer_encrypt(writer, (struct scb_bytes){text, size}, file, NULL),
                     SCB_OK);
}

/* Reads all of it, in pieces of piece bytes. */
static enum scb_status read_all(struct memory_input *file, size_t piece, struct scb_buffer *out,
                                struct scb_error *error)
{
    struct scb_age_input age = {.reader = reader, .file = memory_input(file)};
    uint8_t data[CHUNK];
    size_t got = 1;
    enum scb_status status = scb_age_input_begin(&age, error);
    struct scb_input input = scb_age_input_text(&age);
    while (status == SCB_OK && got > 0) {
        status = input.read(input.state, data, piece, &got, error);
        if (status == SCB_OK)
            assert_int_equal(scb_buffer_append(out, data, got, NULL), SCB_OK);
    }
    scb_age_input_free(&age);
    return status;
}

static void gives_the_text_in_any_pieces(void **state)
{
    (void)state;
    static const size_t sizes[] = {0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, sizeof(text)};
    static const size_t steps[] = {1000, CHUNK, MAX};
    SCB_AUTO(buffer) struct scb_buffer file = {.max = MAX};
    for (size_t i = 0; i < SCB_LENGTH(sizes); i++) {
        for (size_t j = 0; j < SCB_LENGTH(steps); j++) {
            SCB_AUTO(buffer) struct scb_buffer out = {.max = MAX};
            encrypt(sizes[i], &file);
            struct memory_input input = {.data = scb_buffer_bytes(&file), .step = steps[j]};
            assert_int_equal(read_all(&input, j == 0 ? 7 : CHUNK, &out, NULL), SCB_OK);
            assert_int_equal(out.size, sizes[i]);
            if (out.size > 0)
                assert_memory_equal(out.data, text, out.size);
        }
    }
}

static void never_ends_before_a_whole_file(void **state)
{
    (void)state;
    SCB_AUTO(buffer) struct scb_buffer file = {.max = MAX};
    struct scb_error error = {0};
    encrypt(CHUNK + 100, &file);
    for (size_t size = 0; size < file.size; size += size < 300 ? 1 : 997) {
        SCB_AUTO(buffer) struct scb_buffer out = {.max = MAX};
        struct memory_input input = {.data = {file.data, size}, .step = MAX};
        assert_int_equal(read_all(&input, CHUNK, &out, &error), SCB_ERROR_INTEGRITY);
    }
    for (size_t at = 0; at < file.size; at += at < 300 ? 1 : 997) {
        SCB_AUTO(buffer) struct scb_buffer out = {.max = MAX};
        struct memory_input input = {.data = scb_buffer_bytes(&file), .step = MAX};
        file.data[at] ^= 1;
        assert_int_not_equal(read_all(&input, CHUNK, &out, &error), SCB_OK);
        file.data[at] ^= 1;
    }
    SCB_AUTO(buffer) struct scb_buffer out = {.max = MAX};
    assert_int_equal(scb_buffer_append(&file, "x", 1, NULL), SCB_OK);
    struct memory_input input = {.data = scb_buffer_bytes(&file), .step = MAX};
    assert_int_equal(read_all(&input, CHUNK, &out, &error), SCB_ERROR_INTEGRITY);
}

static void passes_on_what_fails_below(void **state)
{
    (void)state;
    SCB_AUTO(buffer) struct scb_buffer file = {.max = MAX};
    SCB_AUTO(buffer) struct scb_buffer out = {.max = MAX};
    struct scb_error error = {0};
    encrypt(sizeof(text), &file);
    struct memory_input input = {.data = scb_buffer_bytes(&file), .step = 1000, .fail_at = CHUNK};
    assert_int_equal(read_all(&input, CHUNK, &out, &error), SCB_ERROR_FILE);
    assert_string_equal(error.message, "a read that fails");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gives_the_text_in_any_pieces),
        cmocka_unit_test(never_ends_before_a_whole_file),
        cmocka_unit_test(passes_on_what_fails_below),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
