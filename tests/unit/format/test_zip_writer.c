/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Covers format/zip_writer.c: exact bytes, entries of every kind as libzip and unzip see them,
 * zip64 where it is needed, sums that do not agree, failing sinks and inputs, the deflater.
 */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */
#include <inttypes.h>
#include <libdeflate.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <zip.h>

#include "base/memory.h"
#include "format/zip.h"
#include "streams.h"

enum { MAX = 64 * 1024 * 1024, STEP = 64 * 1024 };
static const uint64_t gib = 1024 * 1024 * 1024;

/* A file in memory; zeros are left out of it as holes, so that gigabytes of them cost nothing. */
static enum scb_status file_write(void *state, const void *data, size_t size,
                                  struct scb_error *error)
{
    const int *fd = state;
    const uint8_t *bytes = data;
    (void)error;
    if (size >= STEP && bytes[0] == 0 && memcmp(bytes, bytes + 1, size - 1) == 0)
        assert_true(lseek(*fd, (off_t)size, SEEK_CUR) > 0);
    else
        assert_int_equal(write(*fd, data, size), size);
    return SCB_OK;
}

static int new_file(void)
{
    int fd = memfd_create("archive", MFD_CLOEXEC);
    assert_true(fd >= 0);
    return fd;
}

static void add(struct scb_zip_writer *writer, struct scb_zip_entry *entry, struct scb_bytes data)
{
    struct scb_error error = {0};
    entry->stored = true;
    entry->size = data.size;
    entry->compressed_size = data.size;
    entry->crc32 = libdeflate_crc32(0, data.data, data.size);
    assert_int_equal(scb_zip_writer_add(writer, entry, data, &error), SCB_OK);
}

static void end(struct scb_zip_writer *writer, const struct scb_zip_entry *entries, size_t count)
{
    struct scb_error error = {0};
    scb_zip_writer_begin_directory(writer);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(scb_zip_writer_add_record(writer, &entries[i], &error), SCB_OK);
    assert_int_equal(scb_zip_writer_end(writer, &error), SCB_OK);
}

/* unzip tests the archive, or one entry of it. True where there is no unzip to ask. */
static bool unzip_agrees(int fd, const char *entry)
{
    if (system("command -v unzip > /dev/null") != 0)
        return true;
    SCB_AUTO(string)
    char *command = scb_format(NULL, "unzip -tqq /proc/%d/fd/%d %s", (int)getpid(), fd, entry);
    assert_non_null(command);
    return system(command) == 0;
}

static zip_t *open_with_libzip(int fd)
{
    int code = 0;
    zip_t *zip = zip_fdopen(dup(fd), ZIP_CHECKCONS | ZIP_RDONLY, &code);
    if (zip == NULL)
        fail_msg("libzip says %d", code);
    return zip;
}

static void assert_entry(zip_t *zip, uint64_t index, const char *name, struct scb_bytes content)
{
    zip_stat_t stat;
    uint8_t system = 0;
    uint32_t attributes = 0;
    assert_int_equal(zip_stat_index(zip, index, 0, &stat), 0);
    assert_string_equal(stat.name, name);
    assert_int_equal(stat.size, content.size);
    assert_int_equal(zip_file_get_external_attributes(zip, index, 0, &system, &attributes), 0);
    assert_int_equal(system, ZIP_OPSYS_UNIX);
    assert_int_equal(attributes >> 16, 0100600);
    struct tm time = {.tm_year = 80, .tm_mday = 1, .tm_isdst = -1};
    assert_int_equal(stat.mtime, mktime(&time)); /* DOS times are local */
    SCB_AUTO(memory) uint8_t *read = malloc(content.size + 1);
    assert_non_null(read);
    zip_file_t *file = zip_fopen_index(zip, index, 0);
    assert_non_null(file);
    assert_int_equal(zip_fread(file, read, content.size + 1), content.size);
    if (content.size > 0)
        assert_memory_equal(read, content.data, content.size);
    assert_int_equal(zip_fread(file, read, 1), 0);
    assert_int_equal(zip_fclose(file), 0);
}

/* clang-format off */
static const uint8_t smallest[] = {
    /* local header: signature, version 1.0, flags, stored, time, 1980-01-01 */
    'P', 'K', 3, 4,  10, 0,  0, 0,  0, 0,  0, 0,  0x21, 0,
    /* CRC, compressed size, size, name's size, extra's size */
    0xc2, 0x41, 0x24, 0x35,  3, 0, 0, 0,  3, 0, 0, 0,  1, 0,  0, 0,
    'a', 'a', 'b', 'c',
    /* central record: signature, made by Unix with 4.5, then as above */
    'P', 'K', 1, 2,  45, 3,  10, 0,  0, 0,  0, 0,  0, 0,  0x21, 0,
    0xc2, 0x41, 0x24, 0x35,  3, 0, 0, 0,  3, 0, 0, 0,  1, 0,  0, 0,
    /* comment, disk, internal attributes, external attributes (0100600), offset */
    0, 0,  0, 0,  0, 0,  0, 0, 0x80, 0x81,  0, 0, 0, 0,
    'a',
    /* end: signature, disks, entries, directory's size and offset, comment */
    'P', 'K', 5, 6,  0, 0,  0, 0,  1, 0,  1, 0,  47, 0, 0, 0,  34, 0, 0, 0,  0, 0,
};
/* clang-format on */

static void the_exact_bytes(void **state)
{
    (void)state;
    SCB_AUTO(buffer) struct scb_buffer out = {.max = MAX};
    struct scb_zip_writer writer;
    struct scb_zip_entry entry = {.name = "a"};
    scb_zip_writer_begin(&writer, buffer_sink(&out));
    add(&writer, &entry, text_bytes("abc"));
    end(&writer, &entry, 1);
    assert_int_equal(out.size, sizeof(smallest));
    assert_memory_equal(out.data, smallest, sizeof(smallest));
}

/* Half of its beginning compresses well, the rest not at all. */
static struct scb_bytes sample(size_t size)
{
    static uint8_t data[5 * STEP];
    assert_true(size <= sizeof(data));
    uint32_t random = 1;
    for (size_t i = 0; i < sizeof(data); i++) {
        random = random * 1664525 + 1013904223;
        data[i] = i % 512 < 256 && i < 3 * STEP ? 'x' : (uint8_t)(random >> 24);
    }
    return (struct scb_bytes){data, size};
}

static void add_deflated(struct scb_zip_writer *writer, struct scb_zip_entry *entry,
                         struct scb_bytes data)
{
    struct scb_error error = {0};
    struct scb_deflater *deflater = NULL;
    SCB_AUTO(buffer) struct scb_buffer out = {.max = MAX};
    assert_int_equal(scb_deflater_new(&deflater, &error), SCB_OK);
    assert_int_equal(scb_deflater_run(deflater, data, &out, &entry->crc32, &error), SCB_OK);
    entry->size = data.size;
    entry->compressed_size = out.size;
    assert_int_equal(scb_zip_writer_add(writer, entry, scb_buffer_bytes(&out), &error), SCB_OK);
    scb_deflater_free(deflater);
}

static void stream(struct scb_zip_writer *writer, struct scb_zip_entry *entry, bool stored,
                   struct scb_bytes data, size_t step)
{
    struct scb_error error = {0};
    struct memory_input input = {.data = data, .step = step};
    entry->stored = stored;
    entry->size = data.size;
    if (stored) {
        entry->compressed_size = data.size;
        entry->crc32 = libdeflate_crc32(0, data.data, data.size);
    }
    assert_int_equal(scb_zip_writer_stream(writer, entry, memory_input(&input), &error), SCB_OK);
    assert_int_equal(entry->streamed, !stored);
}

static void entries_of_every_kind(void **state)
{
    (void)state;
    static const size_t sizes[] = {0, 1, STEP - 1, STEP, STEP + 1, 4 * STEP, 5 * STEP - 7};
    enum { KINDS = 4, COUNT = KINDS * SCB_LENGTH(sizes) };
    static char names[COUNT][16];
    struct scb_zip_entry entries[COUNT] = {0};
    int fd = new_file();
    struct scb_zip_writer writer;
    scb_zip_writer_begin(&writer, (struct scb_sink){file_write, &fd});
    for (size_t i = 0; i < COUNT; i++) {
        struct scb_bytes data = sample(sizes[i / KINDS]);
        (void)snprintf(names[i], sizeof(names[i]), "entry_%zu", i);
        entries[i].name = names[i];
        if (i % KINDS == 0)
            add(&writer, &entries[i], data);
        else if (i % KINDS == 1)
            add_deflated(&writer, &entries[i], data);
        else
            stream(&writer, &entries[i], i % KINDS == 2, data, 1000);
    }
    end(&writer, entries, COUNT);
    assert_true(unzip_agrees(fd, ""));
    zip_t *zip = open_with_libzip(fd);
    assert_int_equal(zip_get_num_entries(zip, 0), COUNT);
    for (size_t i = 0; i < COUNT; i++)
        assert_entry(zip, i, names[i], sample(sizes[i / KINDS]));
    zip_discard(zip);
    assert_int_equal(close(fd), 0);
}

static void read_sizes_do_not_show(void **state)
{
    (void)state;
    static const size_t steps[] = {1, 333, STEP, STEP + 1, SIZE_MAX};
    SCB_AUTO(buffer) struct scb_buffer first = {.max = MAX};
    for (size_t i = 0; i < SCB_LENGTH(steps); i++) {
        SCB_AUTO(buffer) struct scb_buffer out = {.max = MAX};
        struct scb_buffer *to = i == 0 ? &first : &out;
        struct scb_zip_writer writer;
        struct scb_zip_entry entry = {.name = "page_0.json"};
        scb_zip_writer_begin(&writer, buffer_sink(to));
        stream(&writer, &entry, false, sample(5 * STEP - 7), steps[i]);
        assert_int_equal(to->size, first.size);
        assert_memory_equal(to->data, first.data, first.size);
    }
}

static void inputs_of_another_size(void **state)
{
    (void)state;
    static const struct {
        size_t said, given;
        const char *message;
    } cases[] = {
        {0, 1, "p has changed since it was written: more than its 0 bytes"},
        {1, 0, "p has changed since it was written: fewer than its 1 bytes"},
        {STEP, STEP + 1, "p has changed since it was written: more than its 65536 bytes"},
        {STEP, STEP - 1, "p has changed since it was written: fewer than its 65536 bytes"},
        {2 * STEP, STEP, "p has changed since it was written: fewer than its 131072 bytes"},
        {STEP, 5 * STEP, "p has changed since it was written: more than its 65536 bytes"},
    };
    for (size_t i = 0; i < SCB_LENGTH(cases); i++) {
        SCB_AUTO(buffer) struct scb_buffer out = {.max = MAX};
        struct scb_error error = {0};
        struct scb_zip_writer writer;
        struct scb_zip_entry entry = {.name = "p", .size = cases[i].said};
        struct memory_input input = {.data = sample(cases[i].given), .step = SIZE_MAX};
        scb_zip_writer_begin(&writer, buffer_sink(&out));
        assert_int_equal(scb_zip_writer_stream(&writer, &entry, memory_input(&input), &error),
                         SCB_ERROR_INTEGRITY);
        assert_string_equal(error.message, cases[i].message);
        assert_true(input.at <= 2 * STEP);
    }
}

static void a_stored_file_that_changed(void **state)
{
    (void)state;
    SCB_AUTO(buffer) struct scb_buffer out = {.max = MAX};
    struct scb_error error = {0};
    struct scb_zip_writer writer;
    struct scb_zip_entry entry = {.name = "manifest.json",
                                  .size = 3,
                                  .compressed_size = 3,
                                  .crc32 = libdeflate_crc32(0, "abc", 3),
                                  .stored = true};
    struct memory_input input = {.data = text_bytes("abd"), .step = SIZE_MAX};
    scb_zip_writer_begin(&writer, buffer_sink(&out));
    assert_int_equal(scb_zip_writer_stream(&writer, &entry, memory_input(&input), &error),
                     SCB_ERROR_INTEGRITY);
    assert_string_equal(error.message,
                        "manifest.json has changed since it was written: others than its 3 bytes");
}

static void failures_are_passed_on(void **state)
{
    (void)state;
    SCB_AUTO(buffer) struct scb_buffer whole = {.max = MAX};
    struct scb_zip_writer writer;
    struct scb_error error = {0};
    struct scb_zip_entry entry = {.name = "p"};
    scb_zip_writer_begin(&writer, buffer_sink(&whole));
    stream(&writer, &entry, false, sample(2 * STEP), STEP);
    for (size_t max = 0; max < whole.size; max += whole.size / 16) {
        SCB_AUTO(buffer) struct scb_buffer out = {.max = max};
        struct memory_input input = {.data = sample(2 * STEP), .step = SIZE_MAX};
        scb_zip_writer_begin(&writer, buffer_sink(&out));
        assert_int_equal(scb_zip_writer_stream(&writer, &entry, memory_input(&input), &error),
                         SCB_ERROR_RESOURCE);
    }
    struct memory_input failing = {.data = sample(2 * STEP), .step = 1, .fail_at = STEP + 1};
    scb_buffer_clear(&whole);
    scb_zip_writer_begin(&writer, buffer_sink(&whole));
    assert_int_equal(scb_zip_writer_stream(&writer, &entry, memory_input(&failing), &error),
                     SCB_ERROR_FILE);
}

static void a_directory_that_does_not_add_up(void **state)
{
    (void)state;
    for (size_t i = 0; i < 5; i++) {
        SCB_AUTO(buffer) struct scb_buffer out = {.max = MAX};
        struct scb_error error = {0};
        struct scb_zip_writer writer;
        struct scb_zip_entry entries[2] = {{.name = "a"}, {.name = "b"}};
        scb_zip_writer_begin(&writer, buffer_sink(&out));
        add(&writer, &entries[0], text_bytes("abc"));
        stream(&writer, &entries[1], false, text_bytes("abcd"), 1);
        scb_zip_writer_begin_directory(&writer);
        entries[1].compressed_size += i == 1;
        entries[1].name = i == 2 ? "bb" : "b";
        entries[1].streamed = i != 3;
        if (i == 4) /* one that is as long as both */
            entries[0].compressed_size += 30 + 1 + entries[1].compressed_size + 16;
        for (size_t k = 0; k < (i == 0 || i == 4 ? 1u : 2u); k++)
            assert_int_equal(scb_zip_writer_add_record(&writer, &entries[k], &error), SCB_OK);
        assert_int_equal(scb_zip_writer_end(&writer, &error), SCB_ERROR_INTERNAL);
    }
}

/* 65,534 entries need no zip64; 65,535 is the number that says "look there". */
static void many_entries(void **state)
{
    (void)state;
    static const struct {
        size_t count;
        bool zip64;
    } cases[] = {{65534, false}, {65535, true}, {65536, true}, {70000, true}};
    enum { NAME_SIZE = 32 };
    for (size_t i = 0; i < SCB_LENGTH(cases); i++) {
        size_t count = cases[i].count;
        int fd = new_file();
        SCB_AUTO(buffer) struct scb_buffer out = {.max = MAX};
        struct scb_zip_writer writer;
        SCB_AUTO(memory) struct scb_zip_entry *entries = calloc(count, sizeof(*entries));
        SCB_AUTO(memory) char *names = calloc(count, NAME_SIZE);
        assert_true(entries != NULL && names != NULL);
        scb_zip_writer_begin(&writer, buffer_sink(&out));
        for (size_t k = 0; k < count; k++) {
            entries[k].name = names + k * NAME_SIZE;
            (void)snprintf(names + k * NAME_SIZE, NAME_SIZE, "page_%zu.json", k);
            add(&writer, &entries[k], text_bytes(entries[k].name));
        }
        end(&writer, entries, count);
        assert_int_equal(write(fd, out.data, out.size), out.size);
        assert_int_equal(memcmp(out.data + out.size - 42, "PK\6\7", 4) == 0, cases[i].zip64);
        zip_t *zip = open_with_libzip(fd);
        assert_int_equal(zip_get_num_entries(zip, 0), count);
        assert_entry(zip, count - 1, entries[count - 1].name, text_bytes(entries[count - 1].name));
        zip_discard(zip);
        assert_true(unzip_agrees(fd, ""));
        assert_int_equal(close(fd), 0);
    }
}

/* Entries of 4 GiB and offsets past it. The zeros are holes, in memory and in the file. */
static void past_4_gib(void **state)
{
    (void)state;
    size_t size = 4 * gib;
    uint8_t *zeros =
        mmap(NULL, size, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    assert_true(zeros != MAP_FAILED);
    int fd = new_file();
    struct scb_zip_writer writer;
    struct scb_zip_entry entries[] = {{.name = "first"},
                                      {.name = "whole"},
                                      {.name = "between"},
                                      {.name = "streamed"},
                                      {.name = "last"}};
    scb_zip_writer_begin(&writer, (struct scb_sink){file_write, &fd});
    add(&writer, &entries[0], text_bytes("one"));
    add(&writer, &entries[1], (struct scb_bytes){zeros, size});
    add_deflated(&writer, &entries[2], text_bytes("two"));
    stream(&writer, &entries[3], true, (struct scb_bytes){zeros, size}, STEP);
    stream(&writer, &entries[4], false, text_bytes("three"), 1);
    end(&writer, entries, SCB_LENGTH(entries));
    assert_true(writer.offset > 8 * gib);
    zip_t *zip = open_with_libzip(fd);
    zip_stat_t stat;
    assert_entry(zip, 0, "first", text_bytes("one"));
    assert_entry(zip, 2, "between", text_bytes("two"));
    assert_entry(zip, 4, "last", text_bytes("three"));
    for (size_t i = 1; i < 4; i += 2) {
        assert_int_equal(zip_stat_index(zip, i, 0, &stat), 0);
        assert_int_equal(stat.size, size);
        assert_int_equal(stat.comp_size, size);
        assert_int_equal(stat.crc, entries[1].crc32);
    }
    zip_discard(zip);
    assert_true(unzip_agrees(fd, "first between last"));
    assert_int_equal(close(fd), 0);
    assert_int_equal(munmap(zeros, size), 0);
}

/* Deflating 4 GiB takes too long here: the header that promises it, and what it is counted as. */
static void a_stream_that_may_pass_4_gib(void **state)
{
    (void)state;
    static const struct {
        uint64_t size;
        uint64_t span; /* from one local header to the next */
        uint8_t version;
    } cases[] = {{UINT32_MAX - (UINT32_MAX >> 4) - 1, 30 + 1 + 5 + 16, 20},
                 {UINT32_MAX - (UINT32_MAX >> 4), 30 + 1 + 20 + 5 + 24, 45}};
    for (size_t i = 0; i < SCB_LENGTH(cases); i++) {
        SCB_AUTO(buffer) struct scb_buffer out = {.max = MAX};
        struct scb_error error = {0};
        struct scb_zip_writer writer;
        struct scb_zip_entry entry = {.name = "p", .size = cases[i].size};
        struct memory_input input = {.data = {NULL, 0}};
        scb_zip_writer_begin(&writer, buffer_sink(&out));
        assert_int_equal(scb_zip_writer_stream(&writer, &entry, memory_input(&input), &error),
                         SCB_ERROR_INTEGRITY);
        assert_int_equal(out.data[4], cases[i].version);
        assert_int_equal(out.data[18], cases[i].version == 45 ? 0xff : 0);
        assert_int_equal(out.data[28], cases[i].version == 45 ? 20 : 0);
        assert_int_equal(out.size, 31 + out.data[28]);
        entry.compressed_size = 5;
        scb_zip_writer_begin_directory(&writer);
        assert_int_equal(scb_zip_writer_add_record(&writer, &entry, &error), SCB_OK);
        assert_int_equal(writer.directory_entry_offset, cases[i].span);
    }
}

/* The offset 0xffffffff fits into 32 bits, but means "see the zip64 extra". */
static void the_offset_that_is_a_mark(void **state)
{
    (void)state;
    size_t size = UINT32_MAX - 30 - strlen("first");
    uint8_t *zeros =
        mmap(NULL, size, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    assert_true(zeros != MAP_FAILED);
    int fd = new_file();
    struct scb_zip_writer writer;
    struct scb_zip_entry entries[] = {{.name = "first"}, {.name = "last"}};
    scb_zip_writer_begin(&writer, (struct scb_sink){file_write, &fd});
    add(&writer, &entries[0], (struct scb_bytes){zeros, size});
    assert_int_equal(writer.offset, UINT32_MAX);
    add(&writer, &entries[1], text_bytes("one"));
    end(&writer, entries, SCB_LENGTH(entries));
    zip_t *zip = open_with_libzip(fd);
    assert_entry(zip, 1, "last", text_bytes("one"));
    zip_discard(zip);
    assert_true(unzip_agrees(fd, "last"));
    assert_int_equal(close(fd), 0);
    assert_int_equal(munmap(zeros, size), 0);
}

static void the_deflater_respects_max(void **state)
{
    (void)state;
    struct scb_error error = {0};
    struct scb_deflater *deflater = NULL;
    uint32_t crc32 = 0;
    SCB_AUTO(buffer) struct scb_buffer roomy = {.max = MAX};
    assert_int_equal(scb_deflater_new(&deflater, &error), SCB_OK);
    assert_int_equal(scb_deflater_run(deflater, text_bytes("123456789"), &roomy, &crc32, &error),
                     SCB_OK);
    assert_int_equal(crc32, 0xcbf43926); /* the check value of CRC-32 */
    assert_int_equal(scb_deflater_run(deflater, sample(STEP), &roomy, &crc32, &error), SCB_OK);
    size_t needed = roomy.size;
    SCB_AUTO(buffer) struct scb_buffer tight = {.max = needed + 16};
    assert_int_equal(scb_deflater_run(deflater, sample(STEP), &tight, &crc32, &error), SCB_OK);
    assert_int_equal(tight.size, needed);
    assert_memory_equal(tight.data, roomy.data, needed);
    SCB_AUTO(buffer) struct scb_buffer small = {.max = needed - 1};
    assert_int_equal(scb_deflater_run(deflater, sample(STEP), &small, &crc32, &error),
                     SCB_ERROR_RESOURCE);
    scb_deflater_free(deflater);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_exact_bytes),
        cmocka_unit_test(entries_of_every_kind),
        cmocka_unit_test(read_sizes_do_not_show),
        cmocka_unit_test(inputs_of_another_size),
        cmocka_unit_test(a_stored_file_that_changed),
        cmocka_unit_test(failures_are_passed_on),
        cmocka_unit_test(a_directory_that_does_not_add_up),
        cmocka_unit_test(many_entries),
        cmocka_unit_test(past_4_gib),
        cmocka_unit_test(a_stream_that_may_pass_4_gib),
        cmocka_unit_test(the_offset_that_is_a_mark),
        cmocka_unit_test(the_deflater_respects_max),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
