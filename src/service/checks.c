/* SPDX-License-Identifier: Apache-2.0 */
#include "service/checks.h"

#include <stdio.h>

enum { SKEW_MS = 3600000 };

struct walk {
    struct scb_catalog *catalog;
    const struct scb_check_intervals *intervals;
    int64_t now_ms;
    char newest[SCB_BACKUP_DATE_SIZE]; /* completed one; "" for none */
    int64_t verified_ms;               /* when the present one was; 0: never */
    int64_t restored_ms;               /* when any was */
    struct scb_due_check next;
};

static enum scb_status note_check(void *state, const struct scb_check_record *check,
                                  struct scb_error *error)
{
    (void)error;
    struct walk *walk = state;
    if (check->checked_at_ms > walk->now_ms + SKEW_MS)
        return SCB_OK; /* by a clock that has gone back since: it would be the last one for long */
    int64_t *last = check->kind == SCB_CHECK_VERIFY ? &walk->verified_ms : &walk->restored_ms;
    if (check->checked_at_ms > *last)
        *last = check->checked_at_ms;
    return SCB_OK;
}

static int64_t due_ms(int64_t last_ms, int64_t interval_ms)
{
    return interval_ms == 0 ? INT64_MAX : last_ms == 0 ? 0 : last_ms + interval_ms;
}

static void set_next(struct walk *walk, enum scb_check_kind kind, const char *backup_date,
                     int64_t at_ms)
{
    walk->next = (struct scb_due_check){.kind = kind, .at_ms = at_ms};
    (void)snprintf(walk->next.backup_date, sizeof(walk->next.backup_date), "%s", backup_date);
}

/* Newest first, so that of several which never were verified the newest is. */
static enum scb_status look(void *state, const struct scb_backup_record *backup,
                            struct scb_error *error)
{
    struct walk *walk = state;
    walk->verified_ms = 0;
    enum scb_status status =
        scb_catalog_checks(walk->catalog, backup->backup_date, note_check, walk, error);
    if (status != SCB_OK || backup->state != SCB_BACKUP_COMPLETED)
        return status;
    if (walk->newest[0] == '\0')
        (void)snprintf(walk->newest, sizeof(walk->newest), "%s", backup->backup_date);
    int64_t at_ms = due_ms(walk->verified_ms, walk->intervals->verify_ms);
    if (at_ms < walk->next.at_ms)
        set_next(walk, SCB_CHECK_VERIFY, backup->backup_date, at_ms);
    return SCB_OK;
}

enum scb_status scb_check_next(struct scb_catalog *catalog,
                               const struct scb_check_intervals *intervals, int64_t now_ms,
                               struct scb_due_check *ret_next, struct scb_error *error)
{
    struct walk walk = {
        .catalog = catalog, .intervals = intervals, .now_ms = now_ms, .next = {.at_ms = INT64_MAX}};
    enum scb_status status = scb_catalog_list(catalog, 0, look, &walk, error);
    if (status != SCB_OK)
        return status;
    int64_t at_ms = due_ms(walk.restored_ms, intervals->test_restore_ms);
    /* The one test restore goes before as many verifications as there may be. */
    if (walk.newest[0] != '\0' && at_ms != INT64_MAX && at_ms <= walk.next.at_ms)
        set_next(&walk, SCB_CHECK_TEST_RESTORE, walk.newest, at_ms);
    *ret_next = walk.next;
    return SCB_OK;
}
