/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Covers job/storage's forecast; what is on the disk is tests/integration/cleanup.test.mjs's.
 */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */

#include <stdio.h>

#include "base/memory.h"
#include "job/storage.h"

static struct scb_storage_backup backup(const char *date, uint64_t bytes)
{
    struct scb_storage_backup made = {.known = true, .state = SCB_BACKUP_COMPLETED, .bytes = bytes};
    (void)snprintf(made.backup_date, sizeof(made.backup_date), "%s", date);
    return made;
}

static void assert_forecast(const struct scb_storage_backup *backups, size_t count,
                            uint64_t free_bytes, int64_t each, int64_t days)
{
    struct scb_storage_status status = {.free_bytes = free_bytes};
    scb_storage_forecast(backups, count, 1000, &status);
    assert_int_equal(status.bytes_per_backup, each);
    assert_int_equal(status.days_until_full, days);
}

static void says_when_the_disk_is_full(void **state)
{
    (void)state;
    struct scb_storage_backup daily[] = {backup("2024-01-03", 300), backup("2024-01-02", 200),
                                         backup("2024-01-01", 100)};
    assert_forecast(daily, 3, 3000, 200, 10);
    assert_forecast(daily, 3, 1199, 200, 0);
    assert_forecast(daily, 3, 1000, 200, 0);
    assert_forecast(daily, 3, 999, 200, 0); /* runs stop at min_free_space, 1000 */
    assert_forecast(daily, 3, UINT64_MAX, 200, 100000);
    assert_forecast(daily, 1, 3000, 300, -1); /* one alone has no pace */
    assert_forecast(daily, 0, 3000, -1, -1);
    struct scb_storage_backup hourly[] = {backup("2024-01-01T120000Z", 100),
                                          backup("2024-01-01T110000Z", 100),
                                          backup("2024-01-01T100000Z", 100)};
    assert_forecast(hourly, 3, 1000 + 48 * 100, 100, 2);
}

static void counts_completed_ones_only(void **state)
{
    (void)state;
    struct scb_storage_backup some[] = {backup("2024-01-09", 77), backup("2024-01-08", 77),
                                        backup("2024-01-07", 0), backup("2024-01-05", 100),
                                        backup("2024-01-03", 100)};
    some[0].known = false;
    some[1].state = SCB_BACKUP_FAILED;
    assert_forecast(some, SCB_LENGTH(some), 1000 + 500, 100, 10); /* one in two days */
}

static void looks_at_the_last_ten(void **state)
{
    (void)state;
    struct scb_storage_backup many[12];
    for (int i = 0; i < 12; i++) {
        char date[24];
        (void)snprintf(date, sizeof(date), "2024-01-%02d", 20 - i);
        many[i] = backup(date, i < 10 ? 100 : 1000000);
    }
    assert_forecast(many, 12, 1000 + 700, 100, 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(says_when_the_disk_is_full),
        cmocka_unit_test(counts_completed_ones_only),
        cmocka_unit_test(looks_at_the_last_ten),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
