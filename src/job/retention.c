/* SPDX-License-Identifier: Apache-2.0 */
#include "job/retention.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/text.h"

enum { PERIOD_SIZE = 32 };

static int64_t instant_of(const struct scb_retention_item *item)
{
    int64_t real_ms = 0;
    (void)!scb_backup_date_parse(item->backup_date, &real_ms, NULL); /* it is valid */
    return real_ms;
}

/* The first reason to keep an item is the one that is shown. */
static void keep(struct scb_retention_item *item, const char *reason)
{
    if (item->reason[0] == '\0')
        (void)snprintf(item->reason, sizeof(item->reason), "%s", reason);
}

static void keep_newest(uint64_t min_backups, struct scb_retention_item *items, size_t count)
{
    char reason[64];
    (void)snprintf(reason, sizeof(reason), "one of the newest %" PRIu64, min_backups);
    uint64_t seen = 0;
    for (size_t i = 0; i < count && (seen < min_backups || seen == 0); i++) {
        if (!items[i].whole)
            continue;
        keep(&items[i], seen == 0 ? "the newest backup" : reason);
        seen++;
    }
}

/* The day, ISO week or month that a backup lies in, in UTC. */
static void name_period(const struct scb_retention_item *item, const char *rule,
                        char ret_name[PERIOD_SIZE])
{
    time_t seconds = (time_t)(instant_of(item) / 1000);
    struct tm parts = {0};
    (void)gmtime_r(&seconds, &parts);
    switch (rule[0]) { /* literals, for the compiler's check of formats */
    case 'd':
        (void)strftime(ret_name, PERIOD_SIZE, "%Y-%m-%d", &parts);
        break;
    case 'w':
        (void)strftime(ret_name, PERIOD_SIZE, "%G-W%V", &parts);
        break;
    default:
        (void)strftime(ret_name, PERIOD_SIZE, "%Y-%m", &parts);
        break;
    }
}

/* Newest first, so the items of a period follow each other and its first one is its newest. */
static void keep_periods(uint64_t periods, const char *rule, struct scb_retention_item *items,
                         size_t count)
{
    char last[PERIOD_SIZE] = "";
    for (size_t i = 0; i < count && periods > 0; i++) {
        char period[PERIOD_SIZE], reason[64];
        if (!items[i].whole)
            continue;
        name_period(&items[i], rule, period);
        if (strcmp(period, last) == 0)
            continue;
        memcpy(last, period, sizeof(last));
        (void)snprintf(reason, sizeof(reason), "%s %s", rule, period);
        keep(&items[i], reason);
        periods--;
    }
}

static void decide_by_age(const struct scb_retention_policy *policy, int64_t now_ms,
                          struct scb_retention_item *item)
{
    char age[32], reason[64];
    scb_text_format_duration(policy->older_than_ms, age, sizeof(age));
    if (policy->older_than_ms > 0 && policy->older_than_ms % 86400000 == 0)
        (void)snprintf(age, sizeof(age), "%" PRId64 "d", policy->older_than_ms / 86400000);
    int64_t oldest_ms = now_ms - policy->older_than_ms;
    item->remove = item->reason[0] == '\0' && instant_of(item) < oldest_ms;
    const char *state = item->state == SCB_BACKUP_FAILED        ? "failed, "
                        : item->state == SCB_BACKUP_IN_PROGRESS ? "interrupted, "
                                                                : "";
    (void)snprintf(reason, sizeof(reason), "%s%s %s", item->remove ? state : "",
                   item->remove ? "older than" : "not older than", age);
    keep(item, reason);
}

void scb_retention_decide(const struct scb_retention_policy *policy, int64_t now_ms,
                          struct scb_retention_item *items, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        items[i].remove = false;
        items[i].reason[0] = '\0';
        if (items[i].held)
            keep(&items[i], "held");
        else if (items[i].state == SCB_BACKUP_COMPLETED && !items[i].whole)
            keep(&items[i], "its archive is missing or damaged; see backup list --rescan");
    }
    keep_newest(policy->min_backups, items, count);
    keep_periods(policy->keep_daily, "daily", items, count);
    keep_periods(policy->keep_weekly, "weekly", items, count);
    keep_periods(policy->keep_monthly, "monthly", items, count);
    for (size_t i = 0; i < count; i++)
        decide_by_age(policy, now_ms, &items[i]);
}

enum scb_status scb_retention_check_shrunk(const struct scb_retention_item *items, size_t count,
                                           struct scb_error *error)
{
    const struct scb_retention_item *newest = NULL, *before = NULL;
    for (size_t i = 0; i < count && before == NULL; i++) {
        if (items[i].whole && newest == NULL)
            newest = &items[i];
        else if (items[i].whole)
            before = &items[i];
    }
    if (before == NULL || newest->total_keys < 0 || before->total_keys < 0 ||
        newest->total_keys >= before->total_keys - newest->total_keys)
        return SCB_OK;
    char keys[32], keys_before[32];
    scb_text_format_count((uint64_t)newest->total_keys, keys, sizeof(keys));
    scb_text_format_count((uint64_t)before->total_keys, keys_before, sizeof(keys_before));
    scb_error_set(error, SCB_ERROR_INTEGRITY,
                  "nothing removed: backup %s has %s keys, fewer than half the %s of %s",
                  newest->backup_date, keys, keys_before, before->backup_date);
    return scb_error_hint(error, "see what the contract has lost; --allow-shrunk if it is right");
}
