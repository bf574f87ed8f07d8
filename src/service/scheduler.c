/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The service's loop: the present slot's backup where it is due, and what earlier slots left
 * unfinished (SPEC 9); between backups, and one at a time, what proves those that are there. When
 * is slot.c's and checks.c's; how a backup is made is service.c's, how it is proved reading.c's.
 */
#include "service/scheduler.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "job/backup.h"
#include "service/audited.h"
#include "service/checks.h"
#include "service/internal.h"
#include "service/notifier.h"
#include "service/notify.h"
#include "service/request_runner.h"
#include "service/slot.h"
#include "service/supervisor.h"

enum {
    MAX_UNFINISHED = 16,
    LONGEST_SLEEP_MS = 30000, /* so that a clock that jumps is noticed */
};

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
        scb_service_end_run(service);
    }
}

struct schedule {
    int64_t interval_ms;
    struct scb_slot slot;
    bool begun;           /* its backup */
    int64_t failures;     /* of it */
    bool told;            /* of one of them */
    int64_t again_ms;     /* when to look at the slot again */
    enum scb_status last; /* what came of its backup the last time */
    struct scb_check_intervals checks;
    int64_t check_failures; /* checks, one after the other, of which nothing was recorded */
    int64_t check_again_ms; /* none before that */
    void (*reloaded)(void *state);
    void *reloaded_state;
};

/* Makes the slot's backup where it is due. */
static void serve_slot(struct scb_service *service, struct schedule *schedule)
{
    const char *backup_date = schedule->slot.backup_date;
    struct scb_backup_result result;
    struct scb_error error = {0};
    const struct scb_backup_options options = {.backup_date = backup_date};
    scb_supervisor_say(service->supervisor, "backup %s: begins", backup_date);
    schedule->last = run_audited(service, &options, &result, &error);
    schedule->again_ms = schedule->slot.end_ms;
    if (schedule->last == SCB_OK) { /* nothing waits for another attempt */
        schedule->failures = 0;
        schedule->told = false;
    }
    if (schedule->last == SCB_OK || schedule->last == SCB_ERROR_CANCELED)
        return;
    scb_log_failure(service->parts.log, "Backup operation failed", backup_date, &error);
    schedule->failures++;
    if (scb_service_run_failed(schedule->last, &result) && !schedule->told) {
        scb_notify_failed(service, "backup_failed", backup_date, &error);
        schedule->told = true; /* the next attempts would only say it again */
    }
    schedule->again_ms = scb_slot_again_ms(&schedule->slot, &error, schedule->failures,
                                           scb_clock_real_ms(service->clock));
    char at[SCB_TIMESTAMP_SIZE];
    scb_timestamp_format(schedule->again_ms, at);
    scb_log_warn(service->parts.log, "Next attempt", SCB_TEXT("at", at));
}

/* The longest that the loop may wait for one answer of every endpoint, each of which is a sign of
 * life, and for the disk. */
static int64_t longest_silence_ms(const struct scb_config *config)
{
    int64_t endpoints = 0;
    for (const char *const *url = scb_config_list(config, "contract.rpc_urls"); *url != NULL; url++)
        endpoints++;
    int64_t answer_ms = scb_config_integer(config, "backup.smart_contract_timeout") +
                        scb_config_integer(config, "backup.retry_max_delay");
    return scb_config_integer(config, "backup.file_operation_timeout") +
           endpoints * scb_config_integer(config, "backup.retry_attempts") * answer_ms;
}

/* What the schedule is made of, from settings that may have changed. */
static void take_settings(struct scb_service *service, struct schedule *schedule)
{
    const struct scb_config *config = service->parts.config;
    schedule->interval_ms = scb_config_integer(config, "backup.chore_interval");
    schedule->checks.verify_ms = scb_config_integer(config, "backup.verify_interval");
    schedule->checks.test_restore_ms = scb_config_integer(config, "backup.test_restore_interval");
    scb_supervisor_allow(service->supervisor, longest_silence_ms(config));
}

/* Reads the settings again, while nobody else reads them; true where some have changed. */
static bool reload(struct scb_service *service, struct schedule *schedule)
{
    struct scb_error error = {0};
    if (service->parts.reload == NULL)
        return false;
    pthread_rwlock_wrlock(&service->config_lock);
    bool changed = service->parts.reload(service->parts.reload_state);
    if (changed && scb_service_take_settings(service, &error) != SCB_OK) /* it was checked */
        scb_log_failure(service->parts.log, "Setting not taken over", "", &error);
    pthread_rwlock_unlock(&service->config_lock);
    schedule->reloaded(schedule->reloaded_state);
    if (changed) {
        take_settings(service, schedule);
        scb_notify_check(service);
    }
    return changed;
}

/* SIGHUP: what waits for a person's attention has had it. */
static void reload_where_asked(struct scb_service *service, struct schedule *schedule)
{
    if (!scb_cancel_take(service->parts.reload_asked))
        return;
    scb_supervisor_reloading(service->supervisor);
    (void)reload(service, schedule);
    if (schedule->failures > 0)
        schedule->again_ms = schedule->slot.start_ms;
    schedule->check_again_ms = 0;
    scb_supervisor_ready(service->supervisor);
}

static void enter_slot(const struct scb_service *service, struct schedule *schedule,
                       const struct scb_slot *slot)
{
    schedule->slot = *slot;
    schedule->begun = false;
    schedule->failures = 0;
    schedule->told = false;
    schedule->last = SCB_OK;
    schedule->again_ms = scb_slot_begin_ms(
        slot, scb_config_integer(service->parts.config, "backup.start_jitter"), arc4random());
}

/* True where there was something to do. */
static bool serve_backup(struct scb_service *service, struct schedule *schedule)
{
    int64_t now_ms = scb_clock_real_ms(service->clock);
    struct scb_slot slot = scb_slot_at(now_ms, schedule->interval_ms);
    if (slot.start_ms != schedule->slot.start_ms || slot.end_ms != schedule->slot.end_ms)
        enter_slot(service, schedule, &slot);
    if (now_ms < schedule->again_ms)
        return false;
    if (reload(service, schedule))
        return true; /* is it still due? */
    if (!schedule->begun)
        finish_earlier(service, &slot);
    schedule->begun = true;
    serve_slot(service, schedule);
    scb_service_end_run(service);
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
    scb_service_begin_run(service);
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
    if (status != SCB_OK && !verify)
        scb_notify_failed(service, "test_restore_failed", due->backup_date, &error);
    struct scb_due_check next = find_check(service, schedule);
    if (next.at_ms == due->at_ms && next.kind == due->kind &&
        strcmp(next.backup_date, due->backup_date) == 0)
        put_checks_off(service, schedule);
    else
        schedule->check_failures = 0;
}

static void say_idle(const struct scb_service *service, const struct schedule *schedule)
{
    char at[SCB_TIMESTAMP_SIZE];
    scb_timestamp_format(schedule->again_ms, at);
    if (schedule->failures == 0)
        scb_supervisor_say(service->supervisor, "idle; next backup at %s", at);
    else
        scb_supervisor_say(
            service->supervisor, "backup %s failed %" PRId64 " times (%s); next at %s",
            schedule->slot.backup_date, schedule->failures, scb_status_name(schedule->last), at);
}

/* Makes a due check, or sleeps until there is something to do. */
static void serve_check_or_sleep(struct scb_service *service, struct schedule *schedule)
{
    int64_t now_ms = scb_clock_real_ms(service->clock), wake_ms = INT64_MAX;
    if (now_ms >= schedule->check_again_ms) {
        struct scb_due_check due = find_check(service, schedule);
        if (due.at_ms <= now_ms) {
            serve_check(service, schedule, &due);
            scb_service_end_run(service);
            return;
        }
        wake_ms = due.at_ms;
    }
    if (schedule->check_again_ms > now_ms)
        wake_ms = schedule->check_again_ms;
    if (schedule->again_ms < wake_ms)
        wake_ms = schedule->again_ms;
    int64_t left_ms = wake_ms - now_ms < LONGEST_SLEEP_MS ? wake_ms - now_ms : LONGEST_SLEEP_MS;
    say_idle(service, schedule);
    scb_supervisor_rest(service->supervisor, left_ms);
    scb_live_next_run(service->live, schedule->again_ms);
    scb_requests_wait(service->requests, service->cancel, service->parts.reload_asked, left_ms);
}

enum scb_status scb_service_loop_begin(struct scb_service *service, struct scb_error *error)
{
    SCB_FILE_WATCHED(service->watch);
    const struct scb_supervisor_settings supervised = {.log = service->parts.log,
                                                       .cancel = service->cancel,
                                                       .stuck = service->parts.stuck,
                                                       .stuck_state = service->parts.stuck_state};
    enum scb_status status = scb_service_check_backups(service->parts.config, true, error);
    if (status == SCB_OK)
        status = scb_supervisor_start(&supervised, &service->supervisor, error);
    if (status != SCB_OK)
        return status;
    scb_supervisor_allow(service->supervisor, longest_silence_ms(service->parts.config));
    status = scb_live_new(&service->live, error);
    return status == SCB_OK ? scb_requests_new(&service->requests, error) : status;
}

bool scb_service_is_silent(const struct scb_service *service)
{
    return scb_supervisor_is_silent(service->supervisor);
}

struct scb_desk scb_service_desk(struct scb_service *service)
{
    return (struct scb_desk){.service = service,
                             .config_lock = &service->config_lock,
                             .config = service->parts.config,
                             .clock = service->clock,
                             .gate = service->parts.gate,
                             .log = service->parts.log,
                             .watch = service->watch,
                             .live = service->live,
                             .requests = service->requests};
}

void scb_service_loop(struct scb_service *service, void (*reloaded)(void *state), void *state)
{
    SCB_FILE_WATCHED(service->watch);
    struct schedule schedule = {.reloaded = reloaded, .reloaded_state = state};
    take_settings(service, &schedule);
    scb_log_info(service->parts.log, "Service started", SCB_TEXT("version", SCB_VERSION),
                 SCB_NUMBER("chore_interval_ms", schedule.interval_ms));
    scb_notify_check(service);
    scb_supervisor_ready(service->supervisor);
    atomic_store(&service->running, true);
    while (!scb_cancel_requested(service->cancel)) {
        scb_supervisor_beat(service->supervisor);
        reload_where_asked(service, &schedule);
        /* A due backup goes first: nobody keeps it waiting by asking for something else. */
        if (!serve_backup(service, &schedule) && !scb_service_serve_request(service))
            serve_check_or_sleep(service, &schedule);
        scb_service_keep_metrics(service);
    }
}

void scb_service_loop_end(struct scb_service *service)
{
    SCB_FILE_WATCHED(service->watch);
    scb_notifier_free(service->notifier); /* while the supervisor bounds that, too */
    service->notifier = NULL;
    scb_requests_free(service->requests);
    scb_live_free(service->live);
    service->requests = NULL;
    service->live = NULL;
    if (atomic_exchange(&service->running, false))
        scb_log_info(service->parts.log, "Service stopped", SCB_TEXT("version", SCB_VERSION));
    scb_supervisor_stop(service->supervisor);
    service->supervisor = NULL;
}
