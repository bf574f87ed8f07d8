/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Covers base/sort: the order of keys and payloads, in memory, over several runs and over runs that
 * were merged on the way; nothing lost, nothing doubled, records up to the largest.
 */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/sort.h"

enum { MEMORY = 1 << 20, MAX_RECORD = 256 * 1024 };

static struct scb_error error;

#define assert_ok(call_)                                                                           \
    do {                                                                                           \
        if ((call_) != SCB_OK)                                                                     \
            fail_msg("%s", error.message);                                                         \
    } while (0)

static struct scb_bytes text(const char *text)
{
    return (struct scb_bytes){(const uint8_t *)text, strlen(text)};
}

static void add(struct scb_sorter *sorter, struct scb_bytes key, struct scb_bytes payload)
{
    assert_ok(scb_sorter_add(sorter, key, payload, &error));
}

static void assert_next(struct scb_sorter *sorter, struct scb_bytes key, struct scb_bytes payload)
{
    bool more = false;
    struct scb_bytes got_key, got_payload;
    assert_ok(scb_sorter_next(sorter, &more, &got_key, &got_payload, &error));
    assert_true(more);
    assert_int_equal(got_key.size, key.size);
    assert_memory_equal(got_key.data, key.data, key.size);
    assert_int_equal(got_payload.size, payload.size);
    assert_memory_equal(got_payload.data, payload.data, payload.size);
}

static void assert_end(struct scb_sorter *sorter)
{
    bool more = true;
    struct scb_bytes key, payload;
    for (int i = 0; i < 2; i++) {
        assert_ok(scb_sorter_next(sorter, &more, &key, &payload, &error));
        assert_false(more);
    }
}

static void orders_by_key_then_payload(void **state)
{
    (void)state;
    struct scb_sorter *sorter = NULL;
    const struct scb_bytes with_nul = {(const uint8_t *)"a\0", 2}, none = {NULL, 0};
    const struct scb_bytes keys[] = {none,
                                     none,
                                     text("a"),
                                     text("a"),
                                     with_nul,
                                     text("a long key"),
                                     text("a long key, longer"),
                                     text("b"),
                                     text("\xff")};
    const struct scb_bytes payloads[] = {none,      text("1"), text("1"), text("2"), text(""),
                                         text("x"), text("x"), none,      text("y")};
    static const size_t order[] = {4, 8, 2, 7, 1, 6, 0, 5, 3};
    assert_ok(scb_sorter_new(MEMORY, MAX_RECORD, &sorter, &error));
    for (size_t i = 0; i < SCB_LENGTH(order); i++)
        add(sorter, keys[order[i]], payloads[order[i]]);
    for (size_t i = 0; i < SCB_LENGTH(keys); i++)
        assert_next(sorter, keys[i], payloads[i]);
    assert_end(sorter);
    scb_sorter_free(sorter);
}

static void sorts_nothing(void **state)
{
    (void)state;
    struct scb_sorter *sorter = NULL;
    assert_ok(scb_sorter_new(MEMORY, MAX_RECORD, &sorter, &error));
    assert_end(sorter);
    scb_sorter_free(sorter);
}

/* The numbers below count, each once, in an order that looks random; count is no multiple of 7. */
static void sorts_numbers(uint64_t count, size_t padding)
{
    static uint8_t payload[MAX_RECORD];
    struct scb_sorter *sorter = NULL;
    assert_true(count % 7 != 0);
    assert_ok(scb_sorter_new(MEMORY, MAX_RECORD, &sorter, &error));
    for (uint64_t i = 0, number = 0; i < count; i++, number = (number + 7) % count) {
        char key[32];
        memset(payload, (int)(number & 0xff), padding);
        (void)snprintf(key, sizeof(key), "a long prefix %012llu", (unsigned long long)number);
        add(sorter, text(key), (struct scb_bytes){payload, padding});
    }
    for (uint64_t number = 0; number < count; number++) {
        char key[32];
        memset(payload, (int)(number & 0xff), padding);
        (void)snprintf(key, sizeof(key), "a long prefix %012llu", (unsigned long long)number);
        assert_next(sorter, text(key), (struct scb_bytes){payload, padding});
    }
    assert_end(sorter);
    scb_sorter_free(sorter);
}

static void sorts_more_than_memory_holds(void **state)
{
    (void)state;
    sorts_numbers(40000, 10); /* two runs */
}

static void merges_on_the_way(void **state)
{
    (void)state;
    sorts_numbers(300000, 100); /* so many runs that they are merged more than once */
}

static void takes_the_largest_record_and_no_larger_one(void **state)
{
    (void)state;
    static uint8_t key[MAX_RECORD + 1];
    struct scb_sorter *sorter = NULL;
    sorts_numbers(20, MAX_RECORD - 26);
    assert_ok(scb_sorter_new(MEMORY, MAX_RECORD, &sorter, &error));
    assert_int_equal(scb_sorter_add(sorter, (struct scb_bytes){key, sizeof(key)}, text(""), &error),
                     SCB_ERROR_RESOURCE);
    assert_int_equal(
        scb_sorter_add(sorter, (struct scb_bytes){key, sizeof(key) - 1}, text("x"), &error),
        SCB_ERROR_RESOURCE);
    assert_end(sorter);
    scb_sorter_free(sorter);
}

/* The descriptor of the file without a name. */
static int find_scratch(void)
{
    for (int fd = 3; fd < 256; fd++) {
        struct stat about;
        if (fstat(fd, &about) == 0 && S_ISREG(about.st_mode) && about.st_nlink == 0)
            return fd;
    }
    fail_msg("no scratch file");
    return -1;
}

/* One bit of a record's size, as a disk or another's hand changes it. */
static void finds_sizes_that_were_changed(void **state)
{
    (void)state;
    static const struct {
        off_t offset;
        uint8_t mask;
    } table[] = {{3, 0x80}, {7, 0x01}, {1, 0x40}, {4, 0x01}};
    for (size_t i = 0; i < SCB_LENGTH(table); i++) {
        struct scb_sorter *sorter = NULL;
        bool more = true;
        uint8_t byte = 0;
        assert_ok(scb_sorter_new(MEMORY, 4096, &sorter, &error));
        for (int j = 0; j < 40000; j++) {
            char key[32];
            (void)snprintf(key, sizeof(key), "a long prefix %012d", j);
            add(sorter, text(key), text("payload"));
        }
        int fd = find_scratch();
        assert_int_equal(pread(fd, &byte, 1, table[i].offset), 1);
        byte ^= table[i].mask;
        assert_int_equal(pwrite(fd, &byte, 1, table[i].offset), 1);
        enum scb_status status = SCB_OK;
        for (int j = 0; status == SCB_OK && more; j++) {
            struct scb_bytes key, payload;
            assert_true(j < 2 * 40000);
            status = scb_sorter_next(sorter, &more, &key, &payload, &error);
        }
        assert_int_equal(status, SCB_ERROR_FILE);
        assert_non_null(strstr(error.message, "not what was written"));
        scb_sorter_free(sorter);
    }
}

static void finds_another_directory_where_tmpdir_is_none(void **state)
{
    (void)state;
    char before[512];
    (void)snprintf(before, sizeof(before), "%s", getenv("TMPDIR") == NULL ? "" : getenv("TMPDIR"));
    assert_int_equal(setenv("TMPDIR", "/nonexistent", 1), 0);
    sorts_numbers(40000, 10);
    assert_int_equal(setenv("TMPDIR", before, 1), 0);
}

static void tells_what_memory_holds_all(void **state)
{
    (void)state;
    assert_int_equal(scb_sorter_memory(0, 24), 0);
    assert_int_equal(scb_sorter_memory(1000, 24), 1000 * (24 + 24));
    assert_true(scb_sorter_memory(UINT64_MAX / 2, 24) == SIZE_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(orders_by_key_then_payload),
        cmocka_unit_test(sorts_nothing),
        cmocka_unit_test(sorts_more_than_memory_holds),
        cmocka_unit_test(tells_what_memory_holds_all),
        cmocka_unit_test(merges_on_the_way),
        cmocka_unit_test(takes_the_largest_record_and_no_larger_one),
        cmocka_unit_test(finds_sizes_that_were_changed),
        cmocka_unit_test(finds_another_directory_where_tmpdir_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
