/* SPDX-License-Identifier: Apache-2.0 */
#include "service/checks.h"

#include <stdio.h>

/* A check later than now by more than this was made by a clock that has gone back since: it would
 * be the last one for long. */
enum { SKEW_MS = 3600000 };

static int64_t due_ms(int64_t last_ms, int64_t interval_ms)
{
    return interval_ms == 0 ? INT64_MAX : last_ms <= 0 ? 0 : last_ms + interval_ms;
}

static void set_next(struct scb_due_check *next, enum scb_check_kind kind, const char *backup_date,
                     int64_t at_ms)
{
    *next = (struct scb_due_check){.kind = kind, .at_ms = at_ms};
    (void)snprintf(next->backup_date, sizeof(next->backup_date), "%s", backup_date);
}

enum scb_status scb_check_next(struct scb_catalog *catalog,
                               const struct scb_check_intervals *intervals, int64_t now_ms,
                               struct scb_due_check *ret_next, struct scb_error *error)
{
    struct scb_check_times times;
    enum scb_status status = scb_catalog_check_times(catalog, now_ms + SKEW_MS, &times, error);
    if (status != SCB_OK)
        return status;
    *ret_next = (struct scb_due_check){.at_ms = INT64_MAX};
    if (times.newest[0] == '\0')
        return SCB_OK;
    int64_t verify_ms = due_ms(times.verified_at_ms, intervals->verify_ms);
    int64_t restore_ms = due_ms(times.restored_at_ms, intervals->test_restore_ms);
    /* The one test restore goes before as many verifications as there may be. */
    if (restore_ms != INT64_MAX && restore_ms <= verify_ms)
        set_next(ret_next, SCB_CHECK_TEST_RESTORE, times.newest, restore_ms);
    else if (verify_ms != INT64_MAX)
        set_next(ret_next, SCB_CHECK_VERIFY, times.longest_ago, verify_ms);
    return SCB_OK;
}
