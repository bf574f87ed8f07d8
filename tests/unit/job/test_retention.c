/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Covers job/retention: one table of policies over short lists, and when a backup has shrunk.
 */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/memory.h"
#include "job/retention.h"

enum { MAX_ITEMS = 12 };
#define DAY_MS INT64_C(86400000)

/*
 * One backup: its date, and behind a blank what is different about it: f failed, p in progress,
 * h held, l completed but lost. Then the wanted answer: "-" it goes, "+" it stays, and why.
 */
struct line {
    const char *backup, *wanted;
};

struct test_case {
    const char *name;
    struct scb_retention_policy policy;
    const char *now; /* NULL: 2024-03-01 */
    struct line lines[MAX_ITEMS];
};

static const struct test_case cases[] = {
    {.name = "age alone; exactly as old as that is not older",
     .policy = {.older_than_ms = 30 * DAY_MS, .min_backups = 1},
     .lines = {{"2024-02-29", "+the newest backup"},
               {"2024-01-31", "+not older than 30d"},
               {"2024-01-30T235959Z", "-older than 30d"},
               {"2024-01-30", "-older than 30d"}}},
    {.name = "an age that is no number of days",
     .policy = {.older_than_ms = 90 * 60 * 1000, .min_backups = 1},
     .now = "2024-03-01T120000Z",
     .lines = {{"2024-03-01T120000Z", "+the newest backup"},
               {"2024-03-01T103000Z", "+not older than 1h30m"},
               {"2024-03-01T102959Z", "-older than 1h30m"}}},
    {.name = "age 0 leaves the newest, even where nothing is asked to stay",
     .policy = {.older_than_ms = 0, .min_backups = 0},
     .lines = {{"2024-02-02", "+the newest backup"}, {"2024-02-01", "-older than 0s"}}},
    {.name = "a date in the future is young",
     .policy = {.older_than_ms = 0, .min_backups = 1},
     .lines = {{"2025-01-01", "+the newest backup"},
               {"2024-12-31", "+not older than 0s"},
               {"2024-03-01", "+not older than 0s"},
               {"2024-02-29", "-older than 0s"}}},
    {.name = "the newest so many completed ones stay; others do not count",
     .policy = {.older_than_ms = DAY_MS, .min_backups = 3},
     .lines = {{"2024-01-09 f", "-failed, older than 1d"},
               {"2024-01-08", "+the newest backup"},
               {"2024-01-07 p", "-interrupted, older than 1d"},
               {"2024-01-06 l", "+its archive is missing or damaged; see backup list --rescan"},
               {"2024-01-05", "+one of the newest 3"},
               {"2024-01-04", "+one of the newest 3"},
               {"2024-01-03", "-older than 1d"}}},
    {.name = "more are asked for than there are",
     .policy = {.older_than_ms = 0, .min_backups = 100000, .keep_daily = 9, .keep_monthly = 9},
     .lines = {{"2024-01-08", "+the newest backup"}, {"2024-01-07", "+one of the newest 100000"}}},
    {.name = "young failed and interrupted runs stay, for retry",
     .policy = {.older_than_ms = 30 * DAY_MS, .min_backups = 1},
     .lines = {{"2024-02-28 p", "+not older than 30d"}, {"2024-02-27 f", "+not older than 30d"}}},
    {.name = "held ones stay whatever they are",
     .policy = {.older_than_ms = 0, .min_backups = 1},
     .lines = {{"2024-01-09 h", "+held"},
               {"2024-01-08", "-older than 0s"},
               {"2024-01-07 fh", "+held"},
               {"2024-01-06 ph", "+held"},
               {"2024-01-05 lh", "+held"}}},
    {.name = "days: the newest of each, and only days that have one count",
     .policy = {.older_than_ms = DAY_MS, .min_backups = 1, .keep_daily = 3},
     .lines = {{"2024-01-20T180000Z", "+the newest backup"},
               {"2024-01-20T060000Z", "-older than 1d"},
               {"2024-01-20", "-older than 1d"},
               {"2024-01-11 f", "-failed, older than 1d"},
               {"2024-01-10T235959Z", "+daily 2024-01-10"},
               {"2024-01-10", "-older than 1d"},
               {"2024-01-09", "+daily 2024-01-09"},
               {"2024-01-08", "-older than 1d"}}},
    {.name = "ISO weeks begin on Monday and do not care for the year's end",
     .policy = {.older_than_ms = DAY_MS, .min_backups = 1, .keep_weekly = 4},
     .lines = {{"2021-01-11", "+the newest backup"}, /* Monday of W02 */
               {"2021-01-10", "+weekly 2021-W01"},   /* Sunday */
               {"2021-01-04", "-older than 1d"},     /* Monday */
               {"2021-01-03", "+weekly 2020-W53"},   /* Sunday */
               {"2021-01-01", "-older than 1d"},
               {"2020-12-31", "-older than 1d"},
               {"2020-12-28", "-older than 1d"}, /* Monday */
               {"2020-12-27", "+weekly 2020-W52"},
               {"2020-12-20", "-older than 1d"}}},
    {.name = "months, a leap day among them",
     .policy = {.older_than_ms = DAY_MS, .min_backups = 1, .keep_monthly = 3},
     .lines = {{"2024-02-29T000000Z", "+the newest backup"},
               {"2024-02-28", "-older than 1d"},
               {"2024-01-31", "+monthly 2024-01"},
               {"2023-12-31T235959Z", "+monthly 2023-12"},
               {"2023-12-31", "-older than 1d"},
               {"2022-12-31", "-older than 1d"}}},
    {.name = "an hour that summer time lacks elsewhere is one like others",
     .policy = {.older_than_ms = 2 * 3600000, .min_backups = 1, .keep_daily = 2},
     .now = "2024-03-31T040000Z",
     .lines = {{"2024-03-31T023000Z", "+the newest backup"},
               {"2024-03-31T020000Z", "+not older than 2h"},
               {"2024-03-31T013000Z", "-older than 2h"},
               {"2024-03-31", "-older than 2h"},
               {"2024-03-30T233000Z", "+daily 2024-03-30"}}},
    {.name = "rules together: the first reason is shown, each rule counts for itself",
     .policy = {.older_than_ms = DAY_MS,
                .min_backups = 2,
                .keep_daily = 3,
                .keep_weekly = 2,
                .keep_monthly = 2},
     .lines = {{"2024-02-10", "+the newest backup"},
               {"2024-02-09", "+one of the newest 2"},
               {"2024-02-08", "+daily 2024-02-08"},
               {"2024-02-07", "-older than 1d"},
               {"2024-02-04", "+weekly 2024-W05"},
               {"2024-02-03", "-older than 1d"},
               {"2024-01-20", "+monthly 2024-01"},
               {"2024-01-19", "-older than 1d"}}},
    {.name = "a lost one keeps no place in a rule",
     .policy = {.older_than_ms = DAY_MS, .min_backups = 1, .keep_monthly = 2},
     .lines = {{"2024-02-10", "+the newest backup"},
               {"2024-01-20 l", "+its archive is missing or damaged; see backup list --rescan"},
               {"2024-01-19", "+monthly 2024-01"}}},
    {.name = "nothing", .policy = {.min_backups = 1}, .lines = {{NULL, NULL}}},
};

static struct scb_retention_item item_of(const char *text)
{
    struct scb_retention_item item = {.state = SCB_BACKUP_COMPLETED, .whole = true, .remove = true};
    size_t size = strcspn(text, " ");
    memcpy(item.backup_date, text, size);
    const char *marks = text + size;
    item.held = strchr(marks, 'h') != NULL;
    if (strchr(marks, 'f') != NULL)
        item.state = SCB_BACKUP_FAILED;
    if (strchr(marks, 'p') != NULL)
        item.state = SCB_BACKUP_IN_PROGRESS;
    item.whole = strpbrk(marks, "fpl") == NULL;
    return item;
}

static void decides(void **state)
{
    (void)state;
    for (size_t i = 0; i < SCB_LENGTH(cases); i++) {
        struct scb_retention_item items[MAX_ITEMS];
        size_t count = 0;
        int64_t now_ms = 0;
        const char *now = cases[i].now != NULL ? cases[i].now : "2024-03-01";
        assert_int_equal(scb_backup_date_parse(now, &now_ms, NULL), SCB_OK);
        for (; count < MAX_ITEMS && cases[i].lines[count].backup != NULL; count++)
            items[count] = item_of(cases[i].lines[count].backup);
        scb_retention_decide(&cases[i].policy, now_ms, items, count);
        for (size_t j = 0; j < count; j++) {
            const struct line *line = &cases[i].lines[j];
            if (items[j].remove != (line->wanted[0] == '-') ||
                strcmp(items[j].reason, line->wanted + 1) != 0)
                fail_msg("%s: %s: %c%s", cases[i].name, line->backup, items[j].remove ? '-' : '+',
                         items[j].reason);
        }
    }
}

/* Whatever the policy: a newest backup stays, and so do the held ones. */
static void never_removes_all(void **state)
{
    (void)state;
    static const char *const dates[] = {"2024-01-06 f", "2024-01-05", "2024-01-04 h", "2024-01-03"};
    for (unsigned bits = 0; bits < 1 << 5; bits++) {
        struct scb_retention_item items[SCB_LENGTH(dates)];
        for (size_t i = 0; i < SCB_LENGTH(dates); i++)
            items[i] = item_of(dates[i]);
        struct scb_retention_policy policy = {.older_than_ms = (bits & 1) != 0 ? INT64_MAX : 0,
                                              .keep_daily = (bits & 2) != 0,
                                              .keep_weekly = (bits & 4) != 0 ? UINT64_MAX : 0,
                                              .keep_monthly = (bits & 8) != 0,
                                              .min_backups = (bits & 16) != 0 ? UINT64_MAX : 0};
        scb_retention_decide(&policy, 1800000000000, items, SCB_LENGTH(dates));
        assert_false(items[1].remove);
        assert_false(items[2].remove);
    }
}

static void sees_what_has_shrunk(void **state)
{
    (void)state;
    static const struct {
        int64_t keys[3]; /* newest first; -2: not a whole backup, -3: none */
        bool shrunk;
    } table[] = {
        {{-3, -3, -3}, false},    {{5, -3, -3}, false},  {{50, 100, -3}, false},
        {{49, 100, -3}, true},    {{0, 1, -3}, true},    {{0, 0, -3}, false},
        {{1, 3, -3}, true},       {{2, 3, -3}, false},   {{100, 10, 1000}, false},
        {{-2, 49, 100}, true},    {{49, -2, 100}, true}, {{100, 100, 1000}, false},
        {{-1, 100, -3}, false},   {{1, -1, -3}, false},  {{INT64_MAX, INT64_MAX, -3}, false},
        {{0, INT64_MAX, 0}, true}};
    for (size_t i = 0; i < SCB_LENGTH(table); i++) {
        struct scb_retention_item items[3];
        size_t count = 0;
        for (; count < 3 && table[i].keys[count] != -3; count++) {
            items[count] = item_of(count == 0 ? "2024-01-03" : "2024-01-02");
            items[count].total_keys = table[i].keys[count];
            items[count].whole = table[i].keys[count] != -2;
        }
        struct scb_error error = {0};
        enum scb_status status = scb_retention_check_shrunk(items, count, &error);
        if (status != (table[i].shrunk ? SCB_ERROR_INTEGRITY : SCB_OK))
            fail_msg("case %zu: %s", i, error.message);
        if (table[i].shrunk)
            assert_non_null(strstr(error.hint, "--allow-shrunk"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(decides),
        cmocka_unit_test(never_removes_all),
        cmocka_unit_test(sees_what_has_shrunk),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
