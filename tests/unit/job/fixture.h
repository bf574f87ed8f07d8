/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For the tests of job/: answers as a contract's page function gives them, and pages made of them
 * in a backup directory. Every test that uses the directory also shows that no descriptor is left
 * open.
 */
#ifndef SCB_TESTS_JOB_FIXTURE_H
#define SCB_TESTS_JOB_FIXTURE_H

/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */
#include <libdeflate.h>

#include "../failing_calls.h"
#include "../temp_dir.h"
#include "base/memory.h"
#include "job/page_work.h"

#define DATE   "2024-01-15"
#define FOLDER "backups/" DATE "/"

enum { MAX_ANSWER = 64 * 1024 * 1024 };

static inline struct scb_bytes bytes_of(const char *text)
{
    return (struct scb_bytes){(const uint8_t *)text, strlen(text)};
}

/* --- (string[] keys, string[] values, string[] versionIds) --- */

static inline void put_word(struct scb_buffer *out, uint64_t value)
{
    uint8_t word[32] = {0};
    for (size_t i = 0; i < 8; i++)
        word[31 - i] = (uint8_t)(value >> (8 * i));
    assert_int_equal(scb_buffer_append(out, word, sizeof(word), NULL), SCB_OK);
}

static inline size_t padded(size_t size)
{
    return (size + 31) / 32 * 32;
}

static inline struct scb_bytes member(const struct scb_entry *entry, size_t array)
{
    return array == 0 ? entry->key : array == 1 ? entry->value : entry->version_id;
}

static inline void put_array(struct scb_buffer *out, const struct scb_entry *entries, size_t count,
                             size_t array)
{
    static const uint8_t zeros[32];
    size_t offset = 32 * count;
    put_word(out, count);
    for (size_t i = 0; i < count; i++) {
        put_word(out, offset);
        offset += 32 + padded(member(&entries[i], array).size);
    }
    for (size_t i = 0; i < count; i++) {
        struct scb_bytes bytes = member(&entries[i], array);
        put_word(out, bytes.size);
        assert_int_equal(scb_buffer_append(out, bytes.data, bytes.size, NULL), SCB_OK);
        assert_int_equal(scb_buffer_append(out, zeros, padded(bytes.size) - bytes.size, NULL),
                         SCB_OK);
    }
}

static inline void put_answer(struct scb_buffer *out, const struct scb_entry *entries, size_t count)
{
    size_t offset = 3 * 32;
    for (size_t array = 0; array < 3; array++) {
        put_word(out, offset);
        offset += 32 + 64 * count;
        for (size_t i = 0; i < count; i++)
            offset += padded(member(&entries[i], array).size);
    }
    for (size_t array = 0; array < 3; array++)
        put_array(out, entries, count, array);
}

/* --- pages --- */

static struct scb_store *store;
static struct scb_backup_dir *dir;
static struct scb_page_tools tools;
static struct scb_page_work page;
static struct scb_page_settings page_settings;    /* of all pages */
static struct scb_age_recipients page_recipients; /* nobody, unless a test says so */
static int descriptors;

static inline int count_descriptors(void)
{
    int count = 0;
    for (int fd = 0; fd < 256; fd++)
        count += fcntl(fd, F_GETFD) != -1;
    return count;
}

static inline int set_up(void **state)
{
    assert_int_equal(temp_set_up(state), 0);
    calls_reset();
    descriptors = count_descriptors();
    struct scb_store_settings place = {.dir = temp_path("backups"), .group = ""};
    assert_int_equal(scb_store_open(&place, true, &store, NULL), SCB_OK);
    assert_int_equal(scb_backup_dir_open(store, DATE, true, &dir, NULL), SCB_OK);
    page_recipients.count = 0; /* they stay, for a test that sets it again */
    assert_int_equal(scb_page_tools_init(&tools, &page_recipients, NULL), SCB_OK);
    page = (struct scb_page_work){0};
    page_settings =
        (struct scb_page_settings){.dir = dir,
                                   .rules = {.max_key_size = 1 << 16, .max_value_size = 1 << 26},
                                   .recipients = &page_recipients};
    return 0;
}

static inline int tear_down(void **state)
{
    calls_reset();
    scb_page_work_free(&page);
    scb_page_tools_free(&tools);
    scb_backup_dir_close(dir);
    scb_store_close(store);
    assert_int_equal(count_descriptors(), descriptors);
    return temp_tear_down(state);
}

static inline void begin_page(uint64_t number, uint64_t keys)
{
    assert_int_equal(scb_page_work_begin(&page, &page_settings, number, number * 100, keys, NULL),
                     SCB_OK);
}

/* Gives the page one answer. */
static inline enum scb_status add_answer(const struct scb_entry *entries, size_t count,
                                         struct scb_error *error)
{
    SCB_AUTO(buffer) struct scb_buffer answer = {.max = MAX_ANSWER};
    put_answer(&answer, entries, count);
    return scb_page_work_add(&page, &tools, scb_buffer_bytes(&answer), count, error);
}

/* A whole page from one answer. */
static inline void make_page(uint64_t number, const struct scb_entry *entries, size_t count)
{
    struct scb_error error = {0};
    begin_page(number, count);
    if (add_answer(entries, count, &error) != SCB_OK)
        fail_msg("%s", error.message);
    assert_int_equal(page.done, count);
}

/* What lies in a file of the backup. */
static inline void read_file(const char *name, struct scb_buffer *out)
{
    int fd = -1;
    assert_int_equal(scb_dir_open(temp_path(FOLDER), false, 0, &fd, NULL), SCB_OK);
    enum scb_status status = scb_file_read_all(fd, name, out, NULL);
    (void)close(fd);
    assert_int_equal(status, SCB_OK);
}

static inline void assert_bytes(struct scb_bytes actual, struct scb_bytes expected)
{
    assert_int_equal(actual.size, expected.size);
    assert_true(actual.size == 0 || memcmp(actual.data, expected.data, actual.size) == 0);
}

#define IN_BACKUP(test_) cmocka_unit_test_setup_teardown(test_, set_up, tear_down)

#endif
