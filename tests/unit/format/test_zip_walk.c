/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Covers format/zip_walk, zip_content and zip_form: what the writer wrote is walked in order and
 * read whole or as a stream; every changed, missing or added byte is found, or changes nothing;
 * zip64; limits on what is held.
 */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */
#include <fcntl.h>
#include <libdeflate.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/memory.h"
#include "format/zip.h"
#include "format/zip_walk.h"
#include "streams.h"

enum { MAX = 8 * 1024 * 1024, ENTRIES = 4 };

/* Deflated whole, streamed, empty and deflated, stored. */
static const struct {
    const char *name, *text;
    bool streamed, stored;
} contents[ENTRIES] = {
    {"page_0.json", "some text, some text, some text", false, false},
    {"page_1.json", "a text that is streamed, some text that is streamed", true, false},
    {"page_2.json", "[]", false, false},
    {"manifest.json", "{}\n", false, true},
};

static struct scb_inflater *inflater;
static struct scb_zip_walk walk;
static struct scb_zip_place places[ENTRIES];
static size_t place_count;

static void write_entry(struct scb_zip_writer *writer, size_t i, struct scb_zip_entry *entry)
{
    struct scb_bytes text = text_bytes(contents[i].text);
    SCB_AUTO(buffer) struct scb_buffer deflated = {.max = MAX};
    struct scb_deflater *deflater = NULL;
    struct memory_input input = {.data = text, .step = SIZE_MAX};
    *entry = (struct scb_zip_entry){.name = contents[i].name,
                                    .size = text.size,
                                    .compressed_size = text.size,
                                    .crc32 = libdeflate_crc32(0, text.data, text.size),
                                    .stored = contents[i].stored};
    if (contents[i].streamed) {
        assert_int_equal(scb_zip_writer_stream(writer, entry, memory_input(&input), NULL), SCB_OK);
    } else if (contents[i].stored) {
        assert_int_equal(scb_zip_writer_add(writer, entry, text, NULL), SCB_OK);
    } else {
        assert_int_equal(scb_deflater_new(&deflater, NULL), SCB_OK);
        assert_int_equal(scb_deflater_run(deflater, text, &deflated, &entry->crc32, NULL), SCB_OK);
        entry->compressed_size = deflated.size;
        assert_int_equal(scb_zip_writer_add(writer, entry, scb_buffer_bytes(&deflated), NULL),
                         SCB_OK);
        scb_deflater_free(deflater);
    }
}

static void write_archive(struct scb_buffer *out)
{
    struct scb_zip_writer writer;
    struct scb_zip_entry entries[ENTRIES];
    scb_zip_writer_begin(&writer, buffer_sink(out));
    for (size_t i = 0; i < ENTRIES; i++)
        write_entry(&writer, i, &entries[i]);
    scb_zip_writer_begin_directory(&writer);
    for (size_t i = 0; i < ENTRIES; i++)
        assert_int_equal(scb_zip_writer_add_record(&writer, &entries[i], NULL), SCB_OK);
    assert_int_equal(scb_zip_writer_end(&writer, NULL), SCB_OK);
}

static int file_of(struct scb_bytes bytes)
{
    int fd = memfd_create("archive", MFD_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes.data, bytes.size), bytes.size);
    return fd;
}

/* The walk to its end, the places kept. */
static enum scb_status walk_all(int fd, uint64_t size, struct scb_error *error)
{
    bool more = true;
    place_count = 0;
    enum scb_status status = scb_zip_walk_begin(&walk, fd, size, error);
    while (status == SCB_OK && more) {
        struct scb_zip_place place;
        status = scb_zip_walk_next(&walk, &more, &place, error);
        if (status == SCB_OK && more && place_count < ENTRIES)
            places[place_count++] = place;
    }
    return status;
}

static enum scb_status read_stream(int fd, const struct scb_zip_place *place, size_t step,
                                   struct scb_buffer *out, struct scb_error *error)
{
    struct scb_zip_content *content = NULL;
    scb_buffer_clear(out);
    enum scb_status status = scb_zip_content_open(fd, place, &content, error);
    if (status != SCB_OK)
        return status;
    struct scb_input input = scb_zip_content_input(content);
    for (size_t size = 1; status == SCB_OK && size > 0;) {
        assert_int_equal(scb_buffer_reserve(out, step, NULL), SCB_OK);
        status = input.read(input.state, out->data + out->size, step, &size, error);
        if (status == SCB_OK)
            out->size += size;
    }
    scb_zip_content_close(content);
    return status;
}

/* Everything there is to read, whole and as a stream, which have to agree. */
static enum scb_status read_all(struct scb_bytes archive, bool *ret_same, struct scb_error *error)
{
    SCB_AUTO(buffer) struct scb_buffer whole = {.max = 1 << 20};
    SCB_AUTO(buffer) struct scb_buffer streamed = {.max = 1 << 20};
    int fd = file_of(archive);
    enum scb_status status = walk_all(fd, archive.size, error);
    *ret_same = status == SCB_OK && place_count == ENTRIES;
    for (size_t i = 0; status == SCB_OK && i < place_count; i++) {
        status = scb_inflater_run(inflater, fd, &places[i], &whole, error);
        enum scb_status other = read_stream(fd, &places[i], 7, &streamed, NULL);
        assert_int_equal(status, other);
        if (status != SCB_OK)
            break;
        assert_int_equal(whole.size, streamed.size);
        assert_memory_equal(whole.data, streamed.data, whole.size);
        *ret_same = *ret_same && strcmp(places[i].name, contents[i].name) == 0 &&
                    whole.size == strlen(contents[i].text) &&
                    memcmp(whole.data, contents[i].text, whole.size) == 0;
    }
    (void)close(fd);
    return status;
}

static void gives_what_was_written(void **state)
{
    (void)state;
    struct scb_error error = {0};
    bool same = false;
    SCB_AUTO(buffer) struct scb_buffer archive = {.max = MAX};
    write_archive(&archive);
    if (read_all(scb_buffer_bytes(&archive), &same, &error) != SCB_OK)
        fail_msg("%s", error.message);
    assert_true(same);
    assert_true(places[1].streamed && places[3].stored && !places[0].streamed);
}

/*
 * Every bit of every byte. What a flipped bit of deflated data leaves undetected must be data that
 * inflates to the same bytes.
 */
static void finds_every_flipped_bit_that_matters(void **state)
{
    (void)state;
    SCB_AUTO(buffer) struct scb_buffer archive = {.max = MAX};
    write_archive(&archive);
    size_t unseen = 0;
    for (size_t i = 0; i < archive.size; i++) {
        for (int bit = 0; bit < 8; bit++) {
            bool same = false;
            struct scb_error error = {0};
            archive.data[i] ^= (uint8_t)(1 << bit);
            enum scb_status status = read_all(scb_buffer_bytes(&archive), &same, &error);
            archive.data[i] ^= (uint8_t)(1 << bit);
            if (status == SCB_OK && !same)
                fail_msg("byte %zu, bit %d: other content, and no error", i, bit);
            if (status != SCB_OK)
                assert_int_equal(status, SCB_ERROR_INTEGRITY);
            unseen += status == SCB_OK;
        }
    }
    assert_true(unseen <= 32); /* the unused bits of the last byte of three deflated entries */
}

static void finds_every_cut_and_every_addition(void **state)
{
    (void)state;
    bool same = false;
    SCB_AUTO(buffer) struct scb_buffer archive = {.max = MAX};
    SCB_AUTO(buffer) struct scb_buffer longer = {.max = MAX};
    write_archive(&archive);
    struct scb_bytes bytes = scb_buffer_bytes(&archive);
    for (size_t size = 0; size < bytes.size; size++)
        assert_int_equal(read_all((struct scb_bytes){bytes.data, size}, &same, NULL),
                         SCB_ERROR_INTEGRITY);
    for (size_t at = 0; at <= bytes.size; at++) {
        scb_buffer_clear(&longer);
        assert_int_equal(scb_buffer_append(&longer, bytes.data, at, NULL), SCB_OK);
        assert_int_equal(scb_buffer_append(&longer, "x", 1, NULL), SCB_OK);
        assert_int_equal(scb_buffer_append(&longer, bytes.data + at, bytes.size - at, NULL),
                         SCB_OK);
        assert_int_equal(read_all(scb_buffer_bytes(&longer), &same, NULL), SCB_ERROR_INTEGRITY);
    }
}

/* One stored entry, then bytes that the directory does not know of. */
static void finds_bytes_that_belong_to_no_entry(void **state)
{
    (void)state;
    const struct scb_zip_entry entry = {.name = "n",
                                        .size = 1,
                                        .compressed_size = 1,
                                        .crc32 = libdeflate_crc32(0, "x", 1),
                                        .stored = true};
    for (uint64_t gap = 0; gap < 3; gap++) {
        SCB_AUTO(buffer) struct scb_buffer archive = {.max = MAX};
        struct scb_zip_writer writer;
        scb_zip_writer_begin(&writer, buffer_sink(&archive));
        assert_int_equal(scb_zip_writer_add(&writer, &entry, text_bytes("x"), NULL), SCB_OK);
        assert_int_equal(scb_buffer_append(&archive, "yy", gap, NULL), SCB_OK);
        writer.offset += gap;
        scb_zip_writer_begin_directory(&writer);
        assert_int_equal(scb_zip_writer_add_record(&writer, &entry, NULL), SCB_OK);
        writer.directory_entry_offset += gap;
        assert_int_equal(scb_zip_writer_end(&writer, NULL), SCB_OK);
        int fd = file_of(scb_buffer_bytes(&archive));
        assert_int_equal(walk_all(fd, archive.size, NULL), gap == 0 ? SCB_OK : SCB_ERROR_INTEGRITY);
        (void)close(fd);
    }
}

/* As many stored entries "n", each of one byte. */
static void write_many(struct scb_buffer *out, uint64_t count)
{
    const struct scb_zip_entry entry = {.name = "n",
                                        .size = 1,
                                        .compressed_size = 1,
                                        .crc32 = libdeflate_crc32(0, "x", 1),
                                        .stored = true};
    struct scb_zip_writer writer;
    scb_zip_writer_begin(&writer, buffer_sink(out));
    for (uint64_t i = 0; i < count; i++)
        assert_int_equal(scb_zip_writer_add(&writer, &entry, text_bytes("x"), NULL), SCB_OK);
    scb_zip_writer_begin_directory(&writer);
    for (uint64_t i = 0; i < count; i++)
        assert_int_equal(scb_zip_writer_add_record(&writer, &entry, NULL), SCB_OK);
    assert_int_equal(scb_zip_writer_end(&writer, NULL), SCB_OK);
}

static void walks_more_entries_than_fit_without_zip64(void **state)
{
    (void)state;
    static const uint64_t counts[] = {65534, 65535, 70000};
    for (size_t i = 0; i < SCB_LENGTH(counts); i++) {
        struct scb_error error = {0};
        SCB_AUTO(buffer) struct scb_buffer archive = {.max = MAX};
        write_many(&archive, counts[i]);
        int fd = file_of(scb_buffer_bytes(&archive));
        if (walk_all(fd, archive.size, &error) != SCB_OK)
            fail_msg("%s", error.message);
        assert_int_equal(walk.given, counts[i]);
        (void)close(fd);
    }
}

/* A writer's sink to a file that skips the content of one large entry: a hole of zeros. */
struct sparse {
    int fd;
    uint64_t offset;
};

static enum scb_status sparse_write(void *state, const void *data, size_t size,
                                    struct scb_error *error)
{
    (void)error;
    struct sparse *sparse = state;
    if (data != NULL)
        assert_int_equal(pwrite(sparse->fd, data, size, (off_t)sparse->offset), size);
    sparse->offset += size;
    return SCB_OK;
}

/* Sizes and offsets past 4 GiB; the content, zeros, is not read. */
static void walks_past_4_gib(void **state)
{
    (void)state;
    struct scb_error error = {0};
    const uint64_t size = (5ull << 30) + 3;
    const struct scb_zip_entry large = {
        .name = "large", .size = size, .compressed_size = size, .crc32 = 1, .stored = true};
    const struct scb_zip_entry small = {.name = "small",
                                        .size = 1,
                                        .compressed_size = 1,
                                        .crc32 = libdeflate_crc32(0, "x", 1),
                                        .stored = true};
    struct sparse sparse = {.fd = memfd_create("archive", MFD_CLOEXEC)};
    struct scb_zip_writer writer;
    SCB_AUTO(buffer) struct scb_buffer content = {.max = 100};
    scb_zip_writer_begin(&writer, (struct scb_sink){sparse_write, &sparse});
    assert_int_equal(scb_zip_writer_add(&writer, &large, (struct scb_bytes){NULL, size}, &error),
                     SCB_OK);
    assert_int_equal(scb_zip_writer_add(&writer, &small, text_bytes("x"), &error), SCB_OK);
    scb_zip_writer_begin_directory(&writer);
    assert_int_equal(scb_zip_writer_add_record(&writer, &large, &error), SCB_OK);
    assert_int_equal(scb_zip_writer_add_record(&writer, &small, &error), SCB_OK);
    assert_int_equal(scb_zip_writer_end(&writer, &error), SCB_OK);
    if (walk_all(sparse.fd, sparse.offset, &error) != SCB_OK)
        fail_msg("%s", error.message);
    assert_int_equal(places[0].size, size);
    assert_true(places[1].offset > size);
    assert_int_equal(scb_inflater_run(inflater, sparse.fd, &places[1], &content, &error), SCB_OK);
    assert_int_equal(content.size, 1);
    /* What is too large to be held is refused before any memory is taken. */
    assert_int_equal(scb_inflater_run(inflater, sparse.fd, &places[0], &content, &error),
                     SCB_ERROR_RESOURCE);
    (void)close(sparse.fd);
}

static void reports_a_file_that_cannot_be_read_as_such(void **state)
{
    (void)state;
    assert_int_equal(walk_all(-1, 1000, NULL), SCB_ERROR_FILE);
}

static int set_up(void **state)
{
    (void)state;
    return scb_inflater_new(&inflater, NULL) == SCB_OK ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    scb_inflater_free(inflater);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gives_what_was_written),
        cmocka_unit_test(finds_every_flipped_bit_that_matters),
        cmocka_unit_test(finds_every_cut_and_every_addition),
        cmocka_unit_test(finds_bytes_that_belong_to_no_entry),
        cmocka_unit_test(walks_more_entries_than_fit_without_zip64),
        cmocka_unit_test(walks_past_4_gib),
        cmocka_unit_test(reports_a_file_that_cannot_be_read_as_such),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
