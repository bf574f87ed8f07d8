/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The service's loop: the present slot's backup where it is due, and what earlier slots left
 * unfinished (SPEC 9); between backups, and one at a time, what proves those that are there. When
 * is slot.c's and checks.c's; how a backup is made is service.c's, how it is proved reading.c's.
 */
#include <string.h>

#include "base/log.h"
#include "job/backup.h"
#include "service/audited.h"
#include "service/checks.h"
#include "service/internal.h"
#include "service/request_runner.h"
#include "service/slot.h"
#include "service/web.h"

enum { MAX_UNFINISHED = 16 };

/* Backups of earlier slots that a crash left in progress, or the end of the service. */
struct unfinished {
    const char *before; /* the present slot's date */
    char dates[MAX_UNFINISHED][SCB_BACKUP_DATE_SIZE];
    size_t count;
};

static enum scb_status add_unfinished(void *state, const struct scb_backup_record *backup,
                                      struct scb_error *error)
{
    (void)error;
    struct unfinished *found = state;
    bool open = backup->state == SCB_BACKUP_IN_PROGRESS || scb_backup_was_canceled(backup);
    if (open && found->count < MAX_UNFINISHED && strcmp(backup->backup_date, found->before) < 0)
        memcpy(found->dates[found->count++], backup->backup_date, SCB_BACKUP_DATE_SIZE);
    return SCB_OK;
}

static enum scb_status run_audited(struct scb_service *service,
                                   const struct scb_backup_options *options,
                                   struct scb_backup_result *ret_result, struct scb_error *error)
{
    struct scb_service_audited audited;
    scb_service_audit_begin(service, SCB_OPERATION_backup_run, options->backup_date, &audited);
    enum scb_status status = scb_service_run_one(service, options, ret_result, error);
    scb_service_audit_end(&audited, status);
    return status;
}

/* Finishes them where their block is still served, else they are marked failed (SPEC 9). */
static void finish_earlier(struct scb_service *service, const struct scb_slot *slot)
{
    struct unfinished found = {.before = slot->backup_date};
    struct scb_catalog *catalog = NULL;
    struct scb_error error = {0};
    enum scb_status status = scb_service_open_catalog(service, &catalog, &error);
    if (status == SCB_OK)
        status = scb_catalog_list(catalog, 0, add_unfinished, &found, &error);
    scb_catalog_close(catalog);
    if (status != SCB_OK && status != SCB_ERROR_NOT_FOUND)
        scb_log_failure(service->parts.log, "Earlier backups not looked at", "", &error);
    for (size_t i = 0; i < found.count && !scb_cancel_requested(service->cancel); i++) {
        const struct scb_backup_options options = {.backup_date = found.dates[i],
                                                   .resume_only = true};
        struct scb_backup_result result;
        error = (struct scb_error){0};
        if (run_audited(service, &options, &result, &error) != SCB_OK)
            scb_log_failure(service->parts.log, "Earlier backup not finished", found.dates[i],
                            &error);
    }
}

/* Makes the slot's backup where it is due; returns when to look again. */
static int64_t serve_slot(struct scb_service *service, const struct scb_slot *slot,
                          int64_t *failures)
{
    struct scb_backup_result result;
    struct scb_error error = {0};
    const struct scb_backup_options options = {.backup_date = slot->backup_date};
    enum scb_status status = run_audited(service, &options, &result, &error);
    if (status == SCB_OK || status == SCB_ERROR_CANCELED)
        return slot->end_ms;
    ++*failures;
    scb_log_failure(service->parts.log, "Backup operation failed", slot->backup_date, &error);
    int64_t again_ms =
        scb_slot_again_ms(slot, &error, *failures, scb_clock_real_ms(service->clock));
    char at[SCB_TIMESTAMP_SIZE];
    scb_timestamp_format(again_ms, at);
    scb_log_warn(service->parts.log, "Next attempt", SCB_TEXT("at", at));
    return again_ms;
}

static enum scb_status check_scheduled(const struct scb_service *service, struct scb_error *error)
{
    const char *block = scb_config_text(service->parts.config, "contract.block");
    if (block[0] < '0' || block[0] > '9')
        return SCB_OK;
    scb_error_set(error, SCB_ERROR_VALIDATION,
                  "contract.block is %s: every backup of the service would be the same", block);
    return scb_error_hint(error, "use auto, finalized, safe or latest");
}

struct schedule {
    int64_t interval_ms;
    struct scb_slot served;
    int64_t failures; /* of the slot's backup */
    int64_t again_ms; /* when to look at the slot again */
    struct scb_check_intervals checks;
    int64_t check_failures; /* checks, one after the other, of which nothing was recorded */
    int64_t check_again_ms; /* none before that */
};

/* True where there was something to do. */
static bool serve_backup(struct scb_service *service, struct schedule *schedule)
{
    int64_t now_ms = scb_clock_real_ms(service->clock);
    struct scb_slot slot = scb_slot_at(now_ms, schedule->interval_ms);
    bool is_new = slot.start_ms != schedule->served.start_ms;
    if (!is_new && now_ms < schedule->again_ms)
        return false;
    if (is_new) {
        schedule->failures = 0;
        finish_earlier(service, &slot);
    }
    schedule->served = slot;
    schedule->again_ms = serve_slot(service, &slot, &schedule->failures);
    return true;
}

static void put_checks_off(const struct scb_service *service, struct schedule *schedule)
{
    schedule->check_again_ms =
        scb_clock_real_ms(service->clock) + scb_slot_retry_delay_ms(++schedule->check_failures);
}

static struct scb_due_check find_check(const struct scb_service *service, struct schedule *schedule)
{
    struct scb_due_check next = {.at_ms = INT64_MAX};
    struct scb_catalog *catalog = NULL;
    struct scb_error error = {0};
    int64_t now_ms = scb_clock_real_ms(service->clock);
    if (schedule->checks.verify_ms == 0 && schedule->checks.test_restore_ms == 0)
        return next;
    enum scb_status status = scb_service_open_catalog(service, &catalog, &error);
    if (status == SCB_OK)
        status = scb_check_next(catalog, &schedule->checks, now_ms, &next, &error);
    scb_catalog_close(catalog);
    if (status != SCB_OK && status != SCB_ERROR_NOT_FOUND) {
        scb_log_failure(service->parts.log, "Checks of backups not looked at", "", &error);
        put_checks_off(service, schedule);
    }
    return next;
}

/* What came of it is in the catalog; where that was not to be, the next one waits. */
static void serve_check(struct scb_service *service, struct schedule *schedule,
                        const struct scb_due_check *due)
{
    bool verify = due->kind == SCB_CHECK_VERIFY;
    struct scb_error error = {0};
    struct scb_service_audited audited;
    scb_service_audit_begin(
        service, verify ? SCB_OPERATION_backup_verify : SCB_OPERATION_backup_test_restore,
        due->backup_date, &audited);
    enum scb_status status = verify ? scb_service_verify_one(service, due->backup_date, &error)
                                    : scb_service_restore_one(service, due->backup_date, &error);
    scb_service_audit_end(&audited, status);
    if (status == SCB_ERROR_CANCELED)
        return;
    if (status != SCB_OK)
        scb_log_failure(service->parts.log, verify ? "Verification failed" : "Test restore failed",
                        due->backup_date, &error);
    struct scb_due_check next = find_check(service, schedule);
    if (next.at_ms == due->at_ms && next.kind == due->kind &&
        strcmp(next.backup_date, due->backup_date) == 0)
        put_checks_off(service, schedule);
    else
        schedule->check_failures = 0;
}

/* Makes a due check, or sleeps until there is something to do. */
static void serve_check_or_sleep(struct scb_service *service, struct schedule *schedule)
{
    enum {
        LONGEST_SLEEP_MS = 30000, /* so that a clock that jumps is noticed */
    };
    int64_t now_ms = scb_clock_real_ms(service->clock), wake_ms = INT64_MAX;
    if (now_ms >= schedule->check_again_ms) {
        struct scb_due_check due = find_check(service, schedule);
        if (due.at_ms <= now_ms) {
            serve_check(service, schedule, &due);
            return;
        }
        wake_ms = due.at_ms;
    }
    if (schedule->check_again_ms > now_ms)
        wake_ms = schedule->check_again_ms;
    if (schedule->again_ms < wake_ms)
        wake_ms = schedule->again_ms;
    int64_t left_ms = wake_ms - now_ms;
    scb_live_next_run(service->live, schedule->again_ms);
    scb_requests_wait(service->requests, service->cancel, NULL,
                      left_ms < LONGEST_SLEEP_MS ? left_ms : LONGEST_SLEEP_MS);
}

/* What others look at and ask for while the loop runs. */
static enum scb_status open_desk(struct scb_service *service, struct scb_web **ret_web,
                                 struct scb_error *error)
{
    enum scb_status status = scb_live_new(&service->live, error);
    if (status == SCB_OK)
        status = scb_requests_new(&service->requests, error);
    return status == SCB_OK ? scb_web_start(service, ret_web, error) : status;
}

static void close_desk(struct scb_service *service, struct scb_web *web)
{
    scb_web_stop(web);
    scb_requests_free(service->requests);
    scb_live_free(service->live);
    service->requests = NULL;
    service->live = NULL;
}

enum scb_status scb_service_run(struct scb_service *service, struct scb_error *error)
{
    const struct scb_config *config = service->parts.config;
    enum scb_status status = check_scheduled(service, error);
    if (status != SCB_OK)
        return status;
    struct schedule schedule = {
        .interval_ms = scb_config_integer(config, "backup.chore_interval"),
        .checks = {.verify_ms = scb_config_integer(config, "backup.verify_interval"),
                   .test_restore_ms = scb_config_integer(config, "backup.test_restore_interval")}};
    struct scb_web *web = NULL;
    status = open_desk(service, &web, error);
    if (status != SCB_OK) {
        close_desk(service, web);
        return status;
    }
    scb_log_info(service->parts.log, "Service started", SCB_TEXT("version", SCB_VERSION),
                 SCB_NUMBER("chore_interval_ms", schedule.interval_ms));
    atomic_store(&service->running, true);
    while (!scb_cancel_requested(service->cancel)) {
        if (!scb_service_serve_request(service) && !serve_backup(service, &schedule))
            serve_check_or_sleep(service, &schedule);
        scb_service_keep_metrics(service);
    }
    atomic_store(&service->running, false);
    close_desk(service, web);
    scb_log_info(service->parts.log, "Service stopped", SCB_TEXT("version", SCB_VERSION));
    return SCB_OK;
}
