/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A store in a temporary directory with one backup in it. Every test that uses it also shows that
 * no descriptor is left open.
 */
#ifndef SCB_TESTS_STORE_FIXTURE_H
#define SCB_TESTS_STORE_FIXTURE_H

/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */

#include "../failing_calls.h"
#include "../temp_dir.h"
#include "base/memory.h"
#include "store/store.h"

#define DATE       "2024-01-15"
#define NEXT_DATE  "2024-01-16"
#define ARCHIVE    "backup_2024-01-15.zip"
#define LATEST     "backups/latest/backup_latest.zip"
#define LATEST_TMP "backups/latest/.backup_latest.zip.tmp"

static inline int64_t fixed_ms(void *state)
{
    (void)state;
    return 1705307400123;
}

static const struct scb_clock clock_2024 = {fixed_ms, fixed_ms, NULL};

static inline struct scb_store *open_store(bool create, const char *group)
{
    struct scb_store_settings settings = {.dir = temp_path("backups"), .group = group};
    struct scb_store *store = NULL;
    struct scb_error error = {0};
    if (scb_store_open(&settings, create, &store, &error) != SCB_OK)
        fail_msg("%s", error.message);
    return store;
}

static inline struct scb_backup_dir *open_dir(const struct scb_store *store, const char *date)
{
    struct scb_backup_dir *dir = NULL;
    assert_int_equal(scb_backup_dir_open(store, date, true, &dir, NULL), SCB_OK);
    return dir;
}

static inline struct scb_bytes bytes_of(const char *text)
{
    return (struct scb_bytes){(const uint8_t *)text, strlen(text)};
}

static inline void write_file(const struct scb_backup_dir *dir, const char *name, const char *text)
{
    assert_int_equal(scb_backup_dir_write(dir, name, bytes_of(text), NULL), SCB_OK);
}

static inline int count_descriptors(void)
{
    int count = 0;
    for (int fd = 0; fd < 256; fd++)
        count += fcntl(fd, F_GETFD) != -1;
    return count;
}

/* A store in the directory backups, and one backup in it. */
struct fixture {
    int descriptors;
    struct scb_store *store;
    struct scb_backup_dir *dir;
};

static struct fixture fixture;

static inline int set_up(void **state)
{
    assert_int_equal(temp_set_up(state), 0);
    calls_reset();
    fixture.descriptors = count_descriptors();
    fixture.store = open_store(true, "");
    fixture.dir = open_dir(fixture.store, DATE);
    return 0;
}

static inline int tear_down(void **state)
{
    calls_reset();
    scb_backup_dir_close(fixture.dir);
    scb_store_close(fixture.store);
    assert_int_equal(count_descriptors(), fixture.descriptors); /* none was left open */
    return temp_tear_down(state);
}

static inline enum scb_status try_lock(const char *date, struct scb_error *error)
{
    struct scb_store_lock *lock = NULL;
    enum scb_status status = scb_store_lock(fixture.store, date, &clock_2024, &lock, error);
    scb_store_unlock(lock);
    return status;
}

#define STORED(test_) cmocka_unit_test_setup_teardown(test_, set_up, tear_down)

#endif
