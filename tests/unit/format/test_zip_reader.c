/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Covers format/zip_reader.c: what the writer wrote is read by name, limits on inflated bytes,
 * damage of every kind.
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
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/memory.h"
#include "format/zip.h"
#include "streams.h"

enum { MAX = 1024 * 1024, LARGE = 200 * 1024 };

static int file_of(struct scb_bytes bytes)
{
    int fd = memfd_create("archive", MFD_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes.data, bytes.size), bytes.size);
    return fd;
}

static struct scb_bytes large(void)
{
    static char text[LARGE];
    for (size_t i = 0; i < sizeof(text); i++)
        text[i] = (char)('a' + i * i % 23);
    return (struct scb_bytes){(const uint8_t *)text, sizeof(text)};
}

/* "small" deflated whole, "large" streamed, "stored" stored. */
static void write_archive(struct scb_buffer *out)
{
    struct scb_error error = {0};
    struct scb_zip_writer writer;
    struct scb_deflater *deflater = NULL;
    SCB_AUTO(buffer) struct scb_buffer deflated = {.max = MAX};
    struct scb_bytes text = text_bytes("some text, some text, some text");
    struct scb_bytes stored = text_bytes("{}\n");
    struct scb_zip_entry entries[3] = {{.name = "small", .size = text.size},
                                       {.name = "large", .size = LARGE},
                                       {.name = "stored",
                                        .size = stored.size,
                                        .compressed_size = stored.size,
                                        .crc32 = libdeflate_crc32(0, stored.data, stored.size),
                                        .stored = true}};
    struct memory_input input = {.data = large(), .step = SIZE_MAX};
    assert_int_equal(scb_deflater_new(&deflater, &error), SCB_OK);
    assert_int_equal(scb_deflater_run(deflater, text, &deflated, &entries[0].crc32, &error),
                     SCB_OK);
    entries[0].compressed_size = deflated.size;
    scb_zip_writer_begin(&writer, buffer_sink(out));
    assert_int_equal(scb_zip_writer_add(&writer, &entries[0], scb_buffer_bytes(&deflated), &error),
                     SCB_OK);
    assert_int_equal(scb_zip_writer_stream(&writer, &entries[1], memory_input(&input), &error),
                     SCB_OK);
    assert_int_equal(scb_zip_writer_add(&writer, &entries[2], stored, &error), SCB_OK);
    scb_zip_writer_begin_directory(&writer);
    for (size_t i = 0; i < SCB_LENGTH(entries); i++)
        assert_int_equal(scb_zip_writer_add_record(&writer, &entries[i], &error), SCB_OK);
    assert_int_equal(scb_zip_writer_end(&writer, &error), SCB_OK);
    scb_deflater_free(deflater);
}

/* Reads a whole entry in reads of step bytes. */
static enum scb_status read_entry(struct scb_zip_reader *reader, const char *name,
                                  uint64_t max_size, size_t step, struct scb_buffer *out,
                                  struct scb_error *error)
{
    struct scb_input input;
    scb_buffer_clear(out);
    enum scb_status status = scb_zip_reader_open(reader, name, max_size, &input, error);
    for (size_t size = 1; status == SCB_OK && size > 0;) {
        assert_int_equal(scb_buffer_reserve(out, step, error), SCB_OK);
        status = input.read(input.state, out->data + out->size, step, &size, error);
        if (status == SCB_OK)
            out->size += size;
    }
    return status;
}

static void entries_by_name_in_any_order(void **state)
{
    (void)state;
    struct scb_error error = {0};
    struct scb_zip_reader *reader = NULL;
    SCB_AUTO(buffer) struct scb_buffer archive = {.max = MAX};
    SCB_AUTO(buffer) struct scb_buffer content = {.max = MAX};
    write_archive(&archive);
    int fd = file_of(scb_buffer_bytes(&archive));
    assert_int_equal(scb_zip_reader_new(fd, &reader, &error), SCB_OK);
    assert_int_equal(close(fd), 0); /* the reader has its own */
    static const size_t steps[] = {1, 1000, 65536};
    for (size_t i = 0; i < SCB_LENGTH(steps); i++) {
        assert_int_equal(read_entry(reader, "stored", 3, steps[i], &content, &error), SCB_OK);
        assert_int_equal(content.size, 3);
        assert_memory_equal(content.data, "{}\n", 3);
        assert_int_equal(read_entry(reader, "large", LARGE, steps[i], &content, &error), SCB_OK);
        assert_int_equal(content.size, LARGE);
        assert_memory_equal(content.data, large().data, LARGE);
        assert_int_equal(read_entry(reader, "small", 100, steps[i], &content, &error), SCB_OK);
        assert_int_equal(content.size, 31);
        assert_memory_equal(content.data, "some text, some text, some text", 31);
    }
    /* One that was left half read does not matter to the next. */
    struct scb_input input;
    assert_int_equal(scb_zip_reader_open(reader, "large", LARGE, &input, &error), SCB_OK);
    assert_int_equal(read_entry(reader, "stored", 3, 8, &content, &error), SCB_OK);
    assert_int_equal(scb_zip_reader_open(reader, "large", LARGE, &input, &error), SCB_OK);
    scb_zip_reader_free(reader);
}

static void what_is_not_there(void **state)
{
    (void)state;
    static const char *const names[] = {"", "smal", "SMALL", "./small", "small/", "../small"};
    struct scb_error error = {0};
    struct scb_zip_reader *reader = NULL;
    SCB_AUTO(buffer) struct scb_buffer archive = {.max = MAX};
    write_archive(&archive);
    int fd = file_of(scb_buffer_bytes(&archive));
    assert_int_equal(scb_zip_reader_new(fd, &reader, &error), SCB_OK);
    for (size_t i = 0; i < SCB_LENGTH(names); i++) {
        struct scb_input input;
        assert_int_equal(scb_zip_reader_open(reader, names[i], MAX, &input, &error),
                         SCB_ERROR_NOT_FOUND);
    }
    scb_zip_reader_free(reader);
    assert_int_equal(close(fd), 0);
}

static void inflated_bytes_are_limited(void **state)
{
    (void)state;
    struct scb_error error = {0};
    struct scb_zip_reader *reader = NULL;
    SCB_AUTO(buffer) struct scb_buffer archive = {.max = MAX};
    SCB_AUTO(buffer) struct scb_buffer content = {.max = MAX};
    write_archive(&archive);
    int fd = file_of(scb_buffer_bytes(&archive));
    assert_int_equal(scb_zip_reader_new(fd, &reader, &error), SCB_OK);
    assert_int_equal(read_entry(reader, "large", LARGE - 1, 65536, &content, &error),
                     SCB_ERROR_RESOURCE);
    assert_string_equal(error.message, "archive: large inflates to more than 204799 bytes");
    assert_int_equal(content.size, 0);
    scb_zip_reader_free(reader);
    assert_int_equal(close(fd), 0);

    /* The same where the directory lies about it: "large" claims to inflate to 5 bytes. */
    uint8_t *record = memmem(archive.data, archive.size, "PK\1\2", 4);
    assert_non_null(record);
    record = memmem(record + 4, archive.size - (size_t)(record + 4 - archive.data), "PK\1\2", 4);
    assert_non_null(record);
    memcpy(record + 24, "\5\0\0\0", 4);
    fd = file_of(scb_buffer_bytes(&archive));
    assert_int_equal(scb_zip_reader_new(fd, &reader, &error), SCB_OK);
    assert_int_equal(read_entry(reader, "large", 1000, 300, &content, &error), SCB_ERROR_RESOURCE);
    assert_true(content.size <= 1000);
    assert_int_equal(read_entry(reader, "large", MAX, 300, &content, &error), SCB_ERROR_INTEGRITY);
    scb_zip_reader_free(reader);
    assert_int_equal(close(fd), 0);
}

static void what_is_no_zip(void **state)
{
    (void)state;
    static const char *const files[] = {
        "",
        "x",
        "[]",
        "not a zip, but long enough to hold an end of directory record",
        "PK\5\6\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0",
    };
    for (size_t i = 0; i < SCB_LENGTH(files); i++) {
        struct scb_error error = {0};
        struct scb_zip_reader *reader = NULL;
        size_t size = i + 1 == SCB_LENGTH(files) ? 22 : strlen(files[i]);
        int fd = file_of((struct scb_bytes){(const uint8_t *)files[i], size});
        assert_int_equal(scb_zip_reader_new(fd, &reader, &error), SCB_ERROR_INTEGRITY);
        assert_null(reader);
        assert_int_equal(close(fd), 0);
    }
    struct scb_error error = {0};
    struct scb_zip_reader *reader = NULL;
    assert_int_equal(scb_zip_reader_new(-1, &reader, &error), SCB_ERROR_FILE);
    int fd = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_not_equal(scb_zip_reader_new(fd, &reader, &error), SCB_OK);
    assert_int_equal(close(fd), 0);
}

/* An archive with something done to it: each entry is read as it was, or its reading fails. */
static size_t damaged_reads(struct scb_bytes archive)
{
    static const char *const names[] = {"small", "large", "stored"};
    const struct scb_bytes contents[] = {text_bytes("some text, some text, some text"), large(),
                                         text_bytes("{}\n")};
    struct scb_error error = {0};
    struct scb_zip_reader *reader = NULL;
    SCB_AUTO(buffer) struct scb_buffer content = {.max = MAX};
    size_t good = 0;
    int fd = file_of(archive);
    enum scb_status opened = scb_zip_reader_new(fd, &reader, &error);
    assert_true(opened == SCB_OK || opened == SCB_ERROR_INTEGRITY);
    for (size_t i = 0; i < SCB_LENGTH(names) && opened == SCB_OK; i++) {
        enum scb_status status = read_entry(reader, names[i], LARGE, 65536, &content, &error);
        if (status != SCB_OK) {
            assert_true(status == SCB_ERROR_INTEGRITY || status == SCB_ERROR_NOT_FOUND ||
                        status == SCB_ERROR_RESOURCE);
            continue;
        }
        assert_int_equal(content.size, contents[i].size);
        assert_memory_equal(content.data, contents[i].data, content.size);
        good++;
    }
    scb_zip_reader_free(opened == SCB_OK ? reader : NULL);
    assert_int_equal(close(fd), 0);
    return good;
}

static void damage_is_found(void **state)
{
    (void)state;
    SCB_AUTO(buffer) struct scb_buffer archive = {.max = MAX};
    write_archive(&archive);
    assert_int_equal(damaged_reads(scb_buffer_bytes(&archive)), 3);
    for (size_t size = 0; size < archive.size; size += 1 + size / 64)
        assert_int_equal(damaged_reads((struct scb_bytes){archive.data, size}), 0);
    /* Every byte of the headers, one in 13 of the large content. */
    for (size_t i = 0; i<archive.size; i += i> 200 && i + 400 < archive.size ? 13 : 1) {
        uint8_t kept = archive.data[i];
        for (unsigned mask = 1; mask < 256; mask = mask == 1 ? 0x80 : mask == 0x80 ? 0xff : 256) {
            archive.data[i] = (uint8_t)(kept ^ mask);
            (void)damaged_reads(scb_buffer_bytes(&archive));
        }
        archive.data[i] = kept;
    }
    assert_int_equal(damaged_reads(scb_buffer_bytes(&archive)), 3);
}

/* A directory that points past the file, or past what can be seeked to. */
static void offsets_that_lead_nowhere(void **state)
{
    (void)state;
    static const uint64_t offsets[] = {
        1000, UINT32_MAX, 1ull << 40, INT64_MAX, (uint64_t)INT64_MAX + 1, UINT64_MAX};
    for (size_t i = 0; i < SCB_LENGTH(offsets); i++) {
        SCB_AUTO(buffer) struct scb_buffer archive = {.max = MAX};
        SCB_AUTO(buffer) struct scb_buffer content = {.max = MAX};
        struct scb_error error = {0};
        struct scb_zip_reader *reader = NULL;
        struct scb_zip_writer writer;
        struct scb_bytes data = text_bytes("abc");
        struct scb_zip_entry entry = {
            .name = "a", .size = 3, .compressed_size = 3, .crc32 = 0x352441c2, .stored = true};
        scb_zip_writer_begin(&writer, buffer_sink(&archive));
        assert_int_equal(scb_zip_writer_add(&writer, &entry, data, &error), SCB_OK);
        scb_zip_writer_begin_directory(&writer);
        writer.directory_entry_offset = offsets[i];
        assert_int_equal(scb_zip_writer_add_record(&writer, &entry, &error), SCB_OK);
        writer.directory_entry_offset = writer.directory_offset;
        assert_int_equal(scb_zip_writer_end(&writer, &error), SCB_OK);
        int fd = file_of(scb_buffer_bytes(&archive));
        enum scb_status status = scb_zip_reader_new(fd, &reader, &error);
        if (status == SCB_OK) {
            status = read_entry(reader, "a", 3, 16, &content, &error);
            scb_zip_reader_free(reader);
        }
        assert_int_equal(status, SCB_ERROR_INTEGRITY);
        assert_int_equal(close(fd), 0);
    }
}

static void a_bad_crc_is_an_integrity_error(void **state)
{
    (void)state;
    SCB_AUTO(buffer) struct scb_buffer archive = {.max = MAX};
    SCB_AUTO(buffer) struct scb_buffer content = {.max = MAX};
    struct scb_error error = {0};
    struct scb_zip_reader *reader = NULL;
    write_archive(&archive);
    uint8_t *stored = memmem(archive.data, archive.size, "{}\n", 3);
    assert_non_null(stored);
    stored[0] = '[';
    int fd = file_of(scb_buffer_bytes(&archive));
    assert_int_equal(scb_zip_reader_new(fd, &reader, &error), SCB_OK);
    assert_int_equal(read_entry(reader, "stored", 3, 16, &content, &error), SCB_ERROR_INTEGRITY);
    assert_string_equal(error.message, "archive: stored is damaged: CRC error");
    assert_string_not_equal(error.hint, "");
    scb_zip_reader_free(reader);
    assert_int_equal(close(fd), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(entries_by_name_in_any_order),
        cmocka_unit_test(what_is_not_there),
        cmocka_unit_test(inflated_bytes_are_limited),
        cmocka_unit_test(what_is_no_zip),
        cmocka_unit_test(damage_is_found),
        cmocka_unit_test(offsets_that_lead_nowhere),
        cmocka_unit_test(a_bad_crc_is_an_integrity_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
