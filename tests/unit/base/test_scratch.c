/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Covers base/scratch: what was appended is read back from any place on, in any pieces; nothing of
 * it lies on the disk as it is.
 */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/scratch.h"

enum { SIZE = 3 * 1024 * 1024 + 77, MOST_DESCRIPTORS = 256 };

static struct scb_error error;

#define assert_ok(call_)                                                                           \
    do {                                                                                           \
        if ((call_) != SCB_OK)                                                                     \
            fail_msg("%s", error.message);                                                         \
    } while (0)

static void fill(uint8_t *text, size_t size)
{
    for (size_t i = 0; i < size; i++)
        text[i] = (uint8_t)("user_profile_123"[i % 16]);
}

/* Appends text in pieces of odd sizes. */
static struct scb_scratch *written(const uint8_t *text)
{
    struct scb_scratch *scratch = NULL;
    uint8_t *piece = malloc(SIZE);
    assert_non_null(piece);
    assert_ok(scb_scratch_new(&scratch, &error));
    for (size_t done = 0, size = 1; done < SIZE; done += size, size = 3 * size + 1) {
        if (size > SIZE - done)
            size = SIZE - done;
        memcpy(piece, text + done, size);
        assert_ok(scb_scratch_append(scratch, piece, size, &error));
    }
    free(piece);
    return scratch;
}

static void gives_back_what_was_appended(void **state)
{
    (void)state;
    static const size_t places[][2] = {{0, SIZE}, {0, 0},   {0, 1},       {1, 15},
                                       {15, 2},   {16, 16}, {17, 100000}, {SIZE - 1, 1}};
    static uint8_t text[SIZE], got[SIZE];
    fill(text, SIZE);
    struct scb_scratch *scratch = written(text);
    for (size_t i = 0; i < SCB_LENGTH(places); i++) {
        assert_ok(scb_scratch_read(scratch, places[i][0], got, places[i][1], &error));
        assert_memory_equal(got, text + places[i][0], places[i][1]);
    }
    assert_int_equal(scb_scratch_read(scratch, SIZE - 1, got, 2, &error), SCB_ERROR_FILE);
    scb_scratch_free(scratch);
}

/* The descriptor of a file of this size without a name. */
static int find_file(void)
{
    for (int fd = 0; fd < MOST_DESCRIPTORS; fd++) {
        struct stat about;
        if (fstat(fd, &about) == 0 && S_ISREG(about.st_mode) && about.st_nlink == 0 &&
            about.st_size == SIZE)
            return fd;
    }
    return -1;
}

static void leaves_nothing_readable_on_the_disk(void **state)
{
    (void)state;
    static uint8_t text[SIZE], raw[SIZE];
    fill(text, SIZE);
    struct scb_scratch *scratch = written(text);
    int fd = find_file();
    assert_true(fd >= 0);
    assert_int_equal(pread(fd, raw, SIZE, 0), SIZE);
    assert_null(memmem(raw, SIZE, "profile", 7));
    /* The same text, yet no two places look alike. */
    assert_null(memmem(raw + 16, SIZE - 16, raw, 16));
    scb_scratch_free(scratch);
    assert_int_equal(find_file(), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gives_back_what_was_appended),
        cmocka_unit_test(leaves_nothing_readable_on_the_disk),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
