/* SPDX-License-Identifier: Apache-2.0 */
#include "scb/service.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"
#include "base/thread.h"
#include "crypto/identity.h"
#include "evm/address.h"
#include "job/backup.h"
#include "observe/process.h"
#include "service/internal.h"
#include "service/notifier.h"
#include "service/notify.h"
#include "service/scheduler.h"
#include "service/slot.h"
#include "service/supervisor.h"
#include "source/pin.h"
#include "store/store.h"

/* What is wrong with a setting shows at the start, not when it is needed first. */
static enum scb_status check_keys(const struct scb_service *service, struct scb_error *error)
{
    struct scb_backup_keys *keys = NULL;
    enum scb_status status = scb_service_open_keys(service, &keys, error);
    scb_backup_keys_free(keys);
    return status;
}

enum scb_status scb_service_take_settings(struct scb_service *service, struct scb_error *error)
{
    const char *address = scb_service_text(service, "contract.address");
    if (address[0] != '\0' && scb_address_parse(address, &service->contract, error) != SCB_OK)
        return scb_error_wrap(error, "contract.address");
    if (scb_age_recipients_parse(scb_config_list(service->parts.config, "encryption.recipients"),
                                 &service->recipients, error) != SCB_OK)
        return scb_error_wrap(error, "encryption.recipients");
    scb_file_watch_set_timeout(service->watch,
                               scb_service_integer(service, "backup.file_operation_timeout"));
    return check_keys(service, error);
}

static void observe(void *state, const struct scb_run_progress *progress)
{
    struct scb_service *service = state;
    const char *what = progress->activity == NULL ? "backup" : progress->activity;
    scb_supervisor_say(service->supervisor, "%s %s: %" PRIu64 "/%" PRIu64 " pages", what,
                       progress->backup_date, progress->pages, progress->total_pages);
    scb_live_note(service->live, progress);
    if (service->shown != NULL)
        service->shown(service->shown_state, progress);
}

enum scb_status scb_service_new(const struct scb_service_parts *parts,
                                struct scb_service **ret_service, struct scb_error *error)
{
    struct scb_service *service = scb_alloc(1, sizeof(*service), error);
    if (service == NULL)
        return SCB_ERROR_RESOURCE;
    service->parts = *parts;
    service->clock = scb_clock_system();
    service->cancel = parts->cancel;
    service->shown = parts->observe;
    service->shown_state = parts->observe_state;
    service->parts.observe = observe;
    service->parts.observe_state = service;
    scb_rwlock_init(&service->config_lock);
    enum scb_status status = SCB_OK;
    if (parts->stuck != NULL)
        status = scb_file_watch_start(scb_service_integer(service, "backup.file_operation_timeout"),
                                      parts->stuck, parts->stuck_state, &service->watch, error);
    if (status == SCB_OK)
        status = scb_service_take_settings(service, error);
    if (status == SCB_OK && parts->cancel == NULL) {
        status = scb_cancel_new(&service->own_cancel, error);
        service->cancel = service->own_cancel;
    }
    if (status == SCB_OK)
        status = scb_service_metrics_begin(service, error);
    if (status != SCB_OK) {
        scb_service_free(service);
        return status;
    }
    *ret_service = service;
    return SCB_OK;
}

void scb_service_free(struct scb_service *service)
{
    if (service == NULL)
        return;
    scb_service_metrics_end(service);
    scb_notifier_free(service->notifier);
    scb_file_watch_stop(service->watch);
    scb_cancel_free(service->own_cancel);
    pthread_rwlock_destroy(&service->config_lock);
    free(service);
}

void scb_service_stop(struct scb_service *service)
{
    if (service->own_cancel != NULL)
        scb_cancel_request(service->own_cancel);
}

static enum scb_status check_scheduled(const struct scb_config *config, struct scb_error *error)
{
    const char *block = scb_config_text(config, "contract.block");
    if (!scb_pin_is_fixed(block))
        return SCB_OK;
    scb_error_set(error, SCB_ERROR_VALIDATION,
                  "contract.block is %s: every backup of the service would be the same", block);
    return scb_error_hint(error, "use auto, finalized, safe or latest");
}

/* What is read when it is needed first, and has a name now. */
static enum scb_status check_names(const struct scb_config *config, struct scb_error *error)
{
    static const char *const files[] = {"contract.ca_file", "notify.ca_file",
                                        "encryption.identity_file"};
    const char *group = scb_config_text(config, "backup.group");
    gid_t gid = 0;
    for (size_t i = 0; i < SCB_LENGTH(files); i++) {
        const char *path = scb_config_text(config, files[i]);
        if (path[0] == '\0' || access(path, R_OK) == 0)
            continue;
        scb_error_set_errno(error, SCB_ERROR_VALIDATION, errno, "%s '%s' not opened", files[i],
                            path);
        return scb_error_hint(error, "check the path and who may read it");
    }
    return group[0] == '\0' ? SCB_OK : scb_store_find_group(group, &gid, error);
}

enum scb_status scb_service_check_backups(const struct scb_config *config, bool scheduled,
                                          struct scb_error *error)
{
    struct scb_service service = {.parts = {.config = config}};
    SCB_AUTO(identity) struct scb_identity *identity = NULL;
    enum scb_status status = scb_config_check(config, error);
    if (status == SCB_OK)
        status = scb_service_take_settings(&service, error);
    if (status == SCB_OK)
        status = scb_service_load_identity(&service, &identity, error);
    if (status == SCB_OK)
        status = check_names(config, error);
    return status == SCB_OK && scheduled ? check_scheduled(config, error) : status;
}

static struct scb_backup_settings backup_settings(const struct scb_service *service,
                                                  const char *backup_date)
{
    return (struct scb_backup_settings){
        .backup_date = backup_date,
        .run_id = service->run_id,
        .contract = service->contract,
        .chain_id = (uint64_t)scb_service_integer(service, "contract.chain_id"),
        .block = scb_service_text(service, "contract.block"),
        .page_function = scb_service_text(service, "contract.page_function"),
        .total_function = scb_service_text(service, "contract.total_function"),
        .page_size = (uint64_t)scb_service_integer(service, "backup.page_size"),
        .max_concurrent_pages = (size_t)scb_service_integer(service, "backup.max_concurrent_pages"),
        .worker_concurrency = (size_t)scb_service_integer(service, "backup.worker_concurrency"),
        .memory_limit = (size_t)scb_service_integer(service, "backup.memory_limit"),
        .max_backup_file_size =
            (uint64_t)scb_service_integer(service, "backup.max_backup_file_size"),
        .rules = {.max_key_size = (size_t)scb_service_integer(service, "backup.max_key_size"),
                  .max_value_size = (size_t)scb_service_integer(service, "backup.max_value_size"),
                  .strict = strcmp(scb_service_text(service, "backup.validation"), "strict") == 0},
        .recipients = &service->recipients,
        .page_deadline_ms = scb_service_integer(service, "backup.page_deadline"),
        .file_operation_timeout_ms = scb_service_integer(service, "backup.file_operation_timeout"),
        .quorum = (uint64_t)scb_service_integer(service, "contract.quorum"),
        .keep_page_files = scb_config_boolean(service->parts.config, "backup.keep_page_files")};
}

/*
 * Opens what a backup is written to. The first one makes directory and database only once the chain
 * has answered: a wrong address leaves nothing half made.
 */
static enum scb_status open_target(struct scb_service *service,
                                   const struct scb_backup_settings *settings,
                                   struct scb_backup_parts *parts, struct scb_backup_result *plan,
                                   struct scb_error *error)
{
    const char *url = scb_service_text(service, "database.url");
    struct scb_error none = {0};
    enum scb_status status = scb_catalog_open(url, false, &parts->catalog, &none);
    bool first = status == SCB_ERROR_NOT_FOUND && !settings->must_exist;
    if (status != SCB_OK && !first) {
        *error = none;
        return status;
    }
    if (first) {
        status = scb_backup_plan(parts, settings, plan, error);
        parts->pinned = &plan->pin;
    }
    if (status == SCB_OK)
        status = scb_service_open_store(service, !settings->must_exist, &parts->store, error);
    if (status == SCB_OK && first)
        status = scb_catalog_open(url, true, &parts->catalog, error);
    return status;
}

static enum scb_status run_one(struct scb_service *service,
                               const struct scb_backup_options *options,
                               struct scb_backup_result *ret_result, struct scb_error *error)
{
    struct scb_backup_settings settings = backup_settings(service, options->backup_date);
    settings.must_exist = options->retry || options->resume_only;
    settings.resume_only = options->resume_only;
    settings.lock_wait_ms = options->lock_wait_ms;
    bool dry_run = options->dry_run;
    struct scb_backup_result plan;
    struct scb_backup_parts parts = {.log = service->parts.log,
                                     .metrics = service->metrics,
                                     .clock = service->clock,
                                     .cancel = service->cancel,
                                     .observe = scb_service_observe,
                                     .observe_state = service};
    uint64_t cpu_ms = scb_process_cpu_ms();
    *ret_result = (struct scb_backup_result){0};
    SCB_AUTO(identity) struct scb_identity *identity = NULL;
    struct scb_backup_keys *keys = NULL;
    enum scb_status status = scb_service_load_identity(service, &identity, error);
    settings.identity = identity;
    if (status == SCB_OK)
        status = scb_service_open_keys(service, &keys, error);
    settings.trusted = scb_backup_keys_trusted(keys);
    if (status == SCB_OK)
        status = scb_service_open_source(service, &parts.source, error);
    if (status == SCB_OK && !dry_run)
        status = open_target(service, &settings, &parts, &plan, error);
    if (status == SCB_OK)
        status = dry_run ? scb_backup_plan(&parts, &settings, ret_result, error)
                         : scb_backup_run(&parts, &settings, ret_result, error);
    if (status == SCB_OK && !dry_run && !ret_result->already_done)
        scb_service_retain(service, parts.store, parts.catalog, settings.backup_date);
    if (parts.source != NULL)
        parts.source->ops->close(parts.source);
    scb_catalog_close(parts.catalog);
    scb_store_close(parts.store);
    scb_backup_keys_free(keys);
    if (!dry_run)
        scb_service_count_run(service, status, ret_result, scb_process_cpu_ms() - cpu_ms);
    return status;
}

void scb_service_begin_run(struct scb_service *service)
{
    scb_run_id_new(service->run_id);
    scb_log_set_run(service->parts.log, service->run_id);
}

void scb_service_end_run(struct scb_service *service)
{
    service->run_id[0] = '\0';
    scb_log_set_run(service->parts.log, "");
}

enum scb_status scb_service_run_one(struct scb_service *service,
                                    const struct scb_backup_options *options,
                                    struct scb_backup_result *ret_result, struct scb_error *error)
{
    SCB_FILE_WATCHED(service->watch);
    scb_service_begin_run(service);
    scb_live_begin(service->live, SCB_LIVE_BACKUP, options->backup_date);
    enum scb_status status = run_one(service, options, ret_result, error);
    scb_live_end(service->live);
    if (status == SCB_OK && !options->dry_run && !ret_result->already_done)
        scb_notify_completed(service, ret_result);
    return status;
}

/*
 * A backup of a day that has not come would be the newest by its name, and `latest`, until then. A
 * day's difference between two clocks is none.
 */
static enum scb_status check_date(const char *backup_date, int64_t now_ms, struct scb_error *error)
{
    enum { SKEW_MS = 86400000 };
    int64_t date_ms = 0;
    enum scb_status status = scb_backup_date_parse(backup_date, &date_ms, error);
    if (status != SCB_OK || date_ms <= now_ms + SKEW_MS)
        return status;
    scb_error_set(error, SCB_ERROR_VALIDATION, "backup date %s: it is in the future", backup_date);
    return scb_error_hint(error, "leave --backup-date out for the present one, or set the clock");
}

static enum scb_status back_up(struct scb_service *service,
                               const struct scb_backup_options *options,
                               struct scb_backup_result *ret_result, struct scb_error *error)
{
    int64_t now_ms = scb_clock_real_ms(service->clock);
    struct scb_slot slot =
        scb_slot_at(now_ms, scb_service_integer(service, "backup.chore_interval"));
    if (options->force)
        scb_backup_date_format(now_ms, true, slot.backup_date);
    const char *backup_date = slot.backup_date;
    if (options->backup_date != NULL) {
        backup_date = options->backup_date;
        enum scb_status status = check_date(backup_date, now_ms, error);
        if (status != SCB_OK)
            return status;
    }
    struct scb_backup_options named = *options;
    named.backup_date = backup_date;
    enum scb_status status = scb_service_run_one(service, &named, ret_result, error);
    if (scb_service_run_failed(status, ret_result) && !options->dry_run)
        scb_notify_failed(service, "backup_failed", backup_date, error);
    return status;
}

/* What was waited for or tried again on the way is no error of a backup that was made. */
enum scb_status scb_service_backup(struct scb_service *service,
                                   const struct scb_backup_options *options,
                                   struct scb_backup_result *ret_result, struct scb_error *error)
{
    struct scb_error problem = {0};
    enum scb_status status = back_up(service, options, ret_result, &problem);
    if (status != SCB_OK && error != NULL)
        *error = problem;
    return status;
}

enum scb_status scb_service_interrupted(const struct scb_service *service,
                                        struct scb_catalog *catalog,
                                        struct scb_backup_record *backup, bool *ret_interrupted,
                                        struct scb_error *error)
{
    SCB_FILE_WATCHED(service->watch);
    *ret_interrupted = false;
    if (backup->state != SCB_BACKUP_IN_PROGRESS)
        return SCB_OK;
    bool worked_on = false;
    struct scb_store *store = NULL;
    enum scb_status status = scb_service_open_store(service, false, &store, error);
    if (status == SCB_OK)
        status = scb_store_is_worked_on(store, backup->backup_date, &worked_on, error);
    scb_store_close(store);
    if (status == SCB_OK && !worked_on) /* whoever did may have ended it before letting go */
        status = scb_catalog_get(catalog, backup->backup_date, backup, error);
    *ret_interrupted = status == SCB_OK && !worked_on && backup->state == SCB_BACKUP_IN_PROGRESS;
    return status;
}
