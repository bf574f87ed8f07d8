/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Covers crypto/age_writer, read back with age_reader: sizes around multiples of a chunk, whole and
 * in pieces; several recipients; one changed, missing or added byte; a sink or a buffer that fails.
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
#include "crypto/age_reader.h"
#include "crypto/age_stream.h"
#include "crypto/age_writer.h"

enum { MAX = 1 << 20, RECIPIENTS = 3, HEADER_OF_ONE = 22 + 98 + 48 };

static struct scb_age_identities *identities[RECIPIENTS];
static struct scb_age_recipient recipients[RECIPIENTS];
static uint8_t text[4 * SCB_AGE_CHUNK];

static int set_up(void **state)
{
    (void)state;
    for (size_t i = 0; i < RECIPIENTS; i++) {
        char identity[SCB_AGE_IDENTITY_TEXT_SIZE];
        assert_int_equal(scb_age_identity_generate(identity, &recipients[i], NULL), SCB_OK);
        struct scb_bytes bytes = {(const uint8_t *)identity, strlen(identity)};
        assert_int_equal(scb_age_identities_parse(bytes, &identities[i], NULL), SCB_OK);
    }
    for (size_t i = 0; i < sizeof(text); i++)
        text[i] = (uint8_t)(i * 7 + i / 251);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    for (size_t i = 0; i < RECIPIENTS; i++)
        scb_age_identities_free(identities[i]);
    return 0;
}

static struct scb_age_writer *new_writer(size_t count)
{
    struct scb_age_writer *writer = NULL;
    assert_int_equal(scb_age_writer_new(recipients, count, &writer, NULL), SCB_OK);
    return writer;
}

static enum scb_status decrypt(size_t identity, struct scb_bytes file, struct scb_buffer *out,
                               struct scb_error *error)
{
    SCB_AUTO(age_reader) struct scb_age_reader *reader = NULL;
    assert_int_equal(scb_age_reader_new(identities[identity], &reader, NULL), SCB_OK);
    return scb_age_reader_decrypt(reader, file, out, error);
}

static void assert_opens(size_t identity, const struct scb_buffer *file, size_t size)
{
    SCB_AUTO(buffer) struct scb_buffer out = {.max = MAX};
    assert_int_equal(decrypt(identity, scb_buffer_bytes(file), &out, NULL), SCB_OK);
    assert_int_equal(out.size, size);
    if (size > 0)
        assert_memory_equal(out.data, text, size);
}

static enum scb_status append(void *state, const void *data, size_t size, struct scb_error *error)
{
    return scb_buffer_append(state, data, size, error);
}

static const size_t sizes[] = {0,
                               1,
                               100,
                               SCB_AGE_CHUNK - 1,
                               SCB_AGE_CHUNK,
                               SCB_AGE_CHUNK + 1,
                               2 * SCB_AGE_CHUNK - 1,
                               2 * SCB_AGE_CHUNK,
                               2 * SCB_AGE_CHUNK + 1,
                               3 * SCB_AGE_CHUNK + 17,
                               4 * SCB_AGE_CHUNK};

static void a_whole_text(void **state)
{
    (void)state;
    SCB_AUTO(age_writer) struct scb_age_writer *writer = new_writer(1);
    SCB_AUTO(buffer) struct scb_buffer file = {.max = MAX};
    for (size_t i = 0; i < SCB_LENGTH(sizes); i++) {
        scb_buffer_clear(&file);
        struct scb_bytes whole = {sizes[i] == 0 ? NULL : text, sizes[i]};
        assert_int_equal(scb_age_writer_encrypt(writer, whole, &file, NULL), SCB_OK);
        assert_int_equal(file.size, scb_age_writer_file_size(writer, sizes[i]));
        assert_opens(0, &file, sizes[i]);
    }
}

static void a_text_in_pieces(void **state)
{
    (void)state;
    static const size_t pieces[] = {
        1, 4097, SCB_AGE_CHUNK - 1, SCB_AGE_CHUNK, SCB_AGE_CHUNK + 1, sizeof(text)};
    SCB_AUTO(age_writer) struct scb_age_writer *writer = new_writer(2);
    SCB_AUTO(buffer) struct scb_buffer file = {.max = MAX};
    for (size_t i = 0; i < SCB_LENGTH(sizes) * SCB_LENGTH(pieces); i++) {
        size_t size = sizes[i / SCB_LENGTH(pieces)], piece = pieces[i % SCB_LENGTH(pieces)];
        scb_buffer_clear(&file);
        assert_int_equal(scb_age_writer_begin(writer, (struct scb_sink){append, &file}, NULL),
                         SCB_OK);
        for (size_t at = 0; at < size; at += piece) {
            size_t take = size - at < piece ? size - at : piece;
            assert_int_equal(scb_age_writer_write(writer, text + at, take, NULL), SCB_OK);
        }
        assert_int_equal(scb_age_writer_end(writer, NULL), SCB_OK);
        assert_int_equal(file.size, scb_age_writer_file_size(writer, size));
        assert_opens(1, &file, size);
    }
}

static void every_recipient_and_nobody_else(void **state)
{
    (void)state;
    SCB_AUTO(buffer) struct scb_buffer out = {.max = MAX};
    for (size_t count = 1; count <= RECIPIENTS; count++) {
        SCB_AUTO(age_writer) struct scb_age_writer *writer = new_writer(count);
        SCB_AUTO(buffer) struct scb_buffer file = {.max = MAX};
        assert_int_equal(
            scb_age_writer_encrypt(writer, (struct scb_bytes){text, 1000}, &file, NULL), SCB_OK);
        for (size_t i = 0; i < count; i++)
            assert_opens(i, &file, 1000);
        for (size_t i = count; i < RECIPIENTS; i++) {
            struct scb_error error = {0};
            assert_int_equal(decrypt(i, scb_buffer_bytes(&file), &out, &error), SCB_ERROR_ACCESS);
            assert_non_null(strstr(error.message, "no identity matches"));
            assert_int_equal(out.size, 0);
        }
    }
}

static void the_same_text_is_never_the_same_file(void **state)
{
    (void)state;
    SCB_AUTO(age_writer) struct scb_age_writer *writer = new_writer(1);
    SCB_AUTO(buffer) struct scb_buffer file = {.max = MAX};
    struct scb_bytes same = {text, 16};
    assert_int_equal(scb_age_writer_encrypt(writer, same, &file, NULL), SCB_OK);
    size_t size = file.size;
    assert_int_equal(scb_age_writer_encrypt(writer, same, &file, NULL), SCB_OK);
    assert_int_equal(file.size, 2 * size);
    assert_memory_not_equal(file.data + 32, file.data + size + 32, 43);            /* the share */
    assert_memory_not_equal(file.data + size - 48, file.data + 2 * size - 48, 16); /* the nonce */
    assert_memory_not_equal(file.data + size - 32, file.data + 2 * size - 32, 32);
}

static void one_changed_byte_is_found(void **state)
{
    (void)state;
    SCB_AUTO(age_writer) struct scb_age_writer *writer = new_writer(1);
    SCB_AUTO(buffer) struct scb_buffer file = {.max = MAX};
    SCB_AUTO(buffer) struct scb_buffer out = {.max = MAX};
    assert_int_equal(scb_age_writer_encrypt(writer, (struct scb_bytes){text, 300}, &file, NULL),
                     SCB_OK);
    for (size_t i = 0; i < file.size; i++)
        for (int bit = 0; bit < 8; bit++) {
            file.data[i] ^= (uint8_t)(1 << bit);
            enum scb_status status = decrypt(0, scb_buffer_bytes(&file), &out, NULL);
            /* A changed stanza may be one of somebody else's. */
            assert_true(status == SCB_ERROR_INTEGRITY ||
                        (status == SCB_ERROR_ACCESS && i < HEADER_OF_ONE));
            assert_int_equal(out.size, 0);
            file.data[i] ^= (uint8_t)(1 << bit);
        }
}

static void a_file_cut_or_grown_is_found(void **state)
{
    (void)state;
    SCB_AUTO(age_writer) struct scb_age_writer *writer = new_writer(1);
    SCB_AUTO(buffer) struct scb_buffer file = {.max = MAX};
    SCB_AUTO(buffer) struct scb_buffer out = {.max = MAX};
    struct scb_bytes whole = {text, 2 * SCB_AGE_CHUNK + 5};
    assert_int_equal(scb_age_writer_encrypt(writer, whole, &file, NULL), SCB_OK);
    size_t first = HEADER_OF_ONE + SCB_AGE_STREAM_NONCE_SIZE;
    for (size_t size = 0; size < file.size; size += size < 400 ? 1 : 997)
        assert_int_equal(decrypt(0, (struct scb_bytes){file.data, size}, &out, NULL),
                         SCB_ERROR_INTEGRITY);
    for (size_t chunk = 0; chunk < 3; chunk++) /* at the chunks' own ends */
        assert_int_equal(
            decrypt(0, (struct scb_bytes){file.data, first + chunk * SCB_AGE_SEALED_CHUNK}, &out,
                    NULL),
            SCB_ERROR_INTEGRITY);
    assert_int_equal(scb_buffer_append(&file, "\n", 1, NULL), SCB_OK);
    assert_int_equal(decrypt(0, scb_buffer_bytes(&file), &out, NULL), SCB_ERROR_INTEGRITY);
}

static void swapped_chunks_are_found(void **state)
{
    (void)state;
    SCB_AUTO(age_writer) struct scb_age_writer *writer = new_writer(1);
    SCB_AUTO(buffer) struct scb_buffer file = {.max = MAX};
    SCB_AUTO(buffer) struct scb_buffer out = {.max = MAX};
    static uint8_t other[SCB_AGE_SEALED_CHUNK];
    struct scb_bytes whole = {text, 3 * SCB_AGE_CHUNK};
    assert_int_equal(scb_age_writer_encrypt(writer, whole, &file, NULL), SCB_OK);
    uint8_t *first = file.data + HEADER_OF_ONE + SCB_AGE_STREAM_NONCE_SIZE;
    memcpy(other, first, sizeof(other));
    memcpy(first, first + sizeof(other), sizeof(other));
    memcpy(first + sizeof(other), other, sizeof(other));
    struct scb_error error = {0};
    assert_int_equal(decrypt(0, scb_buffer_bytes(&file), &out, &error), SCB_ERROR_INTEGRITY);
    assert_non_null(strstr(error.message, "chunk 1"));
}

/* Fails at the count-th write. */
static enum scb_status fail_later(void *state, const void *data, size_t size,
                                  struct scb_error *error)
{
    int *left = state;
    (void)data;
    (void)size;
    return --*left > 0 ? SCB_OK : scb_error_set(error, SCB_ERROR_FILE, "the disk is gone");
}

static void a_sink_that_fails_is_passed_on(void **state)
{
    (void)state;
    SCB_AUTO(age_writer) struct scb_age_writer *writer = new_writer(1);
    SCB_AUTO(buffer) struct scb_buffer file = {.max = MAX};
    for (int at = 1; at <= 3; at++) {
        int left = at;
        struct scb_error error = {0};
        enum scb_status status =
            scb_age_writer_begin(writer, (struct scb_sink){fail_later, &left}, &error);
        if (status == SCB_OK)
            status = scb_age_writer_write(writer, text, SCB_AGE_CHUNK + 1, &error);
        if (status == SCB_OK)
            status = scb_age_writer_end(writer, &error);
        assert_int_equal(status, SCB_ERROR_FILE);
        assert_string_equal(error.message, "the disk is gone");
    }
    /* It is as good as new. */
    assert_int_equal(scb_age_writer_encrypt(writer, (struct scb_bytes){text, 10}, &file, NULL),
                     SCB_OK);
    assert_opens(0, &file, 10);
}

static void a_buffer_that_is_too_small_stays_as_it_is(void **state)
{
    (void)state;
    SCB_AUTO(age_writer) struct scb_age_writer *writer = new_writer(1);
    SCB_AUTO(buffer) struct scb_buffer file = {.max = scb_age_writer_file_size(writer, 100) + 2};
    assert_int_equal(scb_buffer_append(&file, "abc", 3, NULL), SCB_OK);
    assert_int_equal(scb_age_writer_encrypt(writer, (struct scb_bytes){text, 100}, &file, NULL),
                     SCB_ERROR_RESOURCE);
    assert_int_equal(file.size, 3);
    assert_int_equal(scb_age_writer_encrypt(writer, (struct scb_bytes){text, 99}, &file, NULL),
                     SCB_OK);
    assert_memory_equal(file.data, "abcage-encryption.org/v1\n", 25);
}

static void a_file_may_be_given_up(void **state)
{
    (void)state;
    SCB_AUTO(age_writer) struct scb_age_writer *writer = new_writer(1);
    SCB_AUTO(buffer) struct scb_buffer file = {.max = MAX};
    struct scb_sink sink = {append, &file};
    assert_int_equal(scb_age_writer_begin(writer, sink, NULL), SCB_OK);
    assert_int_equal(scb_age_writer_write(writer, text, 1000, NULL), SCB_OK);
    scb_buffer_clear(&file);
    assert_int_equal(scb_age_writer_begin(writer, sink, NULL), SCB_OK);
    struct scb_sink to = scb_age_writer_sink(writer);
    assert_int_equal(to.write(to.state, text, 5, NULL), SCB_OK);
    assert_int_equal(scb_age_writer_end(writer, NULL), SCB_OK);
    assert_opens(0, &file, 5);
}

static void the_number_of_recipients_is_bounded(void **state)
{
    (void)state;
    static struct scb_age_recipient many[SCB_AGE_MAX_RECIPIENTS + 1];
    struct scb_age_writer *none = NULL;
    for (size_t i = 0; i < SCB_LENGTH(many); i++)
        many[i] = recipients[0];
    assert_int_equal(scb_age_writer_new(many, 0, &none, NULL), SCB_ERROR_VALIDATION);
    assert_int_equal(scb_age_writer_new(many, SCB_LENGTH(many), &none, NULL), SCB_ERROR_VALIDATION);
    assert_null(none);
    SCB_AUTO(age_writer) struct scb_age_writer *most = NULL;
    SCB_AUTO(buffer) struct scb_buffer file = {.max = MAX};
    assert_int_equal(scb_age_writer_new(many, SCB_AGE_MAX_RECIPIENTS, &most, NULL), SCB_OK);
    assert_int_equal(scb_age_writer_encrypt(most, (struct scb_bytes){text, 9}, &file, NULL),
                     SCB_OK);
    assert_opens(0, &file, 9);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_whole_text),
        cmocka_unit_test(a_text_in_pieces),
        cmocka_unit_test(every_recipient_and_nobody_else),
        cmocka_unit_test(the_same_text_is_never_the_same_file),
        cmocka_unit_test(one_changed_byte_is_found),
        cmocka_unit_test(a_file_cut_or_grown_is_found),
        cmocka_unit_test(swapped_chunks_are_found),
        cmocka_unit_test(a_sink_that_fails_is_passed_on),
        cmocka_unit_test(a_buffer_that_is_too_small_stays_as_it_is),
        cmocka_unit_test(a_file_may_be_given_up),
        cmocka_unit_test(the_number_of_recipients_is_bounded),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
