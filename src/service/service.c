/* SPDX-License-Identifier: Apache-2.0 */
#include "scb/service.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"
#include "base/thread.h"
#include "evm/address.h"
#include "job/backup.h"
#include "service/internal.h"
#include "service/slot.h"
#include "source/contract_source.h"
#include "store/store.h"

static int64_t integer(const struct scb_service *service, const char *name)
{
    return scb_config_integer(service->parts.config, name);
}

static const char *text(const struct scb_service *service, const char *name)
{
    return scb_config_text(service->parts.config, name);
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
    enum scb_status status = SCB_OK;
    const char *address = scb_config_text(parts->config, "contract.address");
    if (address[0] != '\0')
        status = scb_address_parse(address, &service->contract, error);
    if (status != SCB_OK)
        scb_error_wrap(error, "contract.address");
    if (status == SCB_OK && parts->cancel == NULL) {
        status = scb_cancel_new(&service->own_cancel, error);
        service->cancel = service->own_cancel;
    }
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
    scb_cancel_free(service->own_cancel);
    free(service);
}

void scb_service_stop(struct scb_service *service)
{
    if (service->own_cancel != NULL)
        scb_cancel_request(service->own_cancel);
}

enum scb_status scb_service_open_catalog(const struct scb_service *service,
                                         struct scb_catalog **ret_catalog, struct scb_error *error)
{
    return scb_catalog_open(text(service, "database.url"), false, ret_catalog, error);
}

static void note(void *state, const char *line)
{
    const struct scb_service *service = state;
    scb_log_warn(service->parts.log, "Endpoint", SCB_TEXT("note", line));
}

/* What scb_config_check leaves for answers on their way: see there for the rest. */
static size_t source_memory(const struct scb_service *service)
{
    int64_t rest = integer(service, "backup.memory_limit") - (INT64_C(32) << 20) -
                   (INT64_C(16) << 20) * integer(service, "backup.worker_concurrency");
    return (size_t)rest / 2;
}

enum scb_status scb_service_open_source(struct scb_service *service, struct scb_source **ret_source,
                                        struct scb_error *error)
{
    struct scb_contract_source_settings settings = {
        .client = {.urls = scb_config_list(service->parts.config, "contract.rpc_urls"),
                   .max_in_flight = (size_t)integer(service, "backup.max_concurrent_pages"),
                   .retry = {.attempts = integer(service, "backup.retry_attempts"),
                             .delay_ms = integer(service, "backup.retry_delay"),
                             .max_delay_ms = integer(service, "backup.retry_max_delay")},
                   .rate_per_minute = integer(service, "backup.smart_contract_rate_limit"),
                   .timeout_ms = integer(service, "backup.smart_contract_timeout"),
                   .clock = service->clock,
                   .cancel = service->cancel,
                   .note = note,
                   .note_state = service},
        .pin = {.contract = service->contract,
                .chain_id = (uint64_t)integer(service, "contract.chain_id"),
                .block = text(service, "contract.block"),
                .confirmations = (uint64_t)integer(service, "contract.confirmations"),
                .max_block_age_ms = integer(service, "contract.max_block_age"),
                .total_function = text(service, "contract.total_function"),
                .gas_limit = (uint64_t)integer(service, "contract.gas_limit"),
                .clock = service->clock,
                .note = note,
                .note_state = service},
        .page_function = text(service, "contract.page_function"),
        .gas_limit = (uint64_t)integer(service, "contract.gas_limit"),
        .memory_limit = source_memory(service),
        .max_value_size = (size_t)integer(service, "backup.max_value_size"),
        .max_key_size = (size_t)integer(service, "backup.max_key_size")};
    return scb_contract_source_open(&settings, ret_source, error);
}

enum scb_status scb_service_open_store(const struct scb_service *service, bool create,
                                       struct scb_store **ret_store, struct scb_error *error)
{
    struct scb_store_settings settings = {.dir = text(service, "backup.backup_dir"),
                                          .group = text(service, "backup.group"),
                                          .min_free_bytes =
                                              (uint64_t)integer(service, "backup.min_free_space")};
    return scb_store_open(&settings, create, ret_store, error);
}

static struct scb_backup_settings backup_settings(const struct scb_service *service,
                                                  const char *backup_date)
{
    return (struct scb_backup_settings){
        .backup_date = backup_date,
        .contract = service->contract,
        .chain_id = (uint64_t)integer(service, "contract.chain_id"),
        .block = text(service, "contract.block"),
        .page_size = (uint64_t)integer(service, "backup.page_size"),
        .max_concurrent_pages = (size_t)integer(service, "backup.max_concurrent_pages"),
        .worker_concurrency = (size_t)integer(service, "backup.worker_concurrency"),
        .memory_limit = (size_t)integer(service, "backup.memory_limit"),
        .max_backup_file_size = (uint64_t)integer(service, "backup.max_backup_file_size"),
        .rules = {.max_key_size = (size_t)integer(service, "backup.max_key_size"),
                  .max_value_size = (size_t)integer(service, "backup.max_value_size"),
                  .strict = strcmp(text(service, "backup.validation"), "strict") == 0},
        .page_deadline_ms = integer(service, "backup.page_deadline"),
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
    const char *url = text(service, "database.url");
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
                                     .clock = service->clock,
                                     .cancel = service->cancel,
                                     .observe = service->parts.observe,
                                     .observe_state = service->parts.observe_state};
    enum scb_status status = scb_service_open_source(service, &parts.source, error);
    if (status == SCB_OK && service->parts.stuck != NULL)
        status = scb_file_watch_start(integer(service, "backup.file_operation_timeout"),
                                      service->parts.stuck, service->parts.stuck_state,
                                      &parts.watch, error);
    scb_file_watch_join(parts.watch);
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
    scb_file_watch_leave();
    scb_file_watch_stop(parts.watch);
    return status;
}

enum scb_status scb_service_backup(struct scb_service *service,
                                   const struct scb_backup_options *options,
                                   struct scb_backup_result *ret_result, struct scb_error *error)
{
    int64_t now_ms = scb_clock_real_ms(service->clock);
    struct scb_slot slot = scb_slot_at(now_ms, integer(service, "backup.chore_interval"));
    if (options->force)
        scb_backup_date_format(now_ms, true, slot.backup_date);
    const char *backup_date = slot.backup_date;
    if (options->backup_date != NULL) {
        backup_date = options->backup_date;
        enum scb_status status = scb_backup_date_parse(backup_date, NULL, error);
        if (status != SCB_OK)
            return status;
    }
    struct scb_backup_options named = *options;
    named.backup_date = backup_date;
    return run_one(service, &named, ret_result, error);
}

enum { MAX_UNFINISHED = 16 };

/* Backups of earlier slots that a crash left in progress. */
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
    if (backup->state == SCB_BACKUP_IN_PROGRESS && found->count < MAX_UNFINISHED &&
        strcmp(backup->backup_date, found->before) < 0)
        memcpy(found->dates[found->count++], backup->backup_date, SCB_BACKUP_DATE_SIZE);
    return SCB_OK;
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
        if (run_one(service, &options, &result, &error) != SCB_OK)
            scb_log_failure(service->parts.log, "Earlier backup not finished", found.dates[i],
                            &error);
    }
}

/* Whether such trouble may have gone in a minute; the rest waits for the next slot. */
static bool passes(enum scb_status status)
{
    return status == SCB_ERROR_CONTRACT || status == SCB_ERROR_FILE ||
           status == SCB_ERROR_DATABASE || status == SCB_ERROR_RESOURCE || status == SCB_ERROR_BUSY;
}

/* Makes the slot's backup where it is due; returns when to look again. */
static int64_t serve_slot(struct scb_service *service, const struct scb_slot *slot,
                          int64_t *failures)
{
    struct scb_backup_result result;
    struct scb_error error = {0};
    const struct scb_backup_options options = {.backup_date = slot->backup_date};
    enum scb_status status = run_one(service, &options, &result, &error);
    if (status == SCB_OK || status == SCB_ERROR_CANCELED) {
        *failures = 0;
        return slot->end_ms;
    }
    ++*failures;
    scb_log_failure(service->parts.log, "Backup operation failed", slot->backup_date, &error);
    if (!passes(status))
        return slot->end_ms;
    int64_t again_ms = scb_clock_real_ms(service->clock) + scb_slot_retry_delay_ms(*failures);
    return again_ms < slot->end_ms ? again_ms : slot->end_ms;
}

static enum scb_status check_scheduled(const struct scb_service *service, struct scb_error *error)
{
    const char *block = text(service, "contract.block");
    if (block[0] < '0' || block[0] > '9')
        return SCB_OK;
    scb_error_set(error, SCB_ERROR_VALIDATION,
                  "contract.block is %s: every backup of the service would be the same", block);
    return scb_error_hint(error, "use auto, finalized, safe or latest");
}

enum scb_status scb_service_run(struct scb_service *service, struct scb_error *error)
{
    enum {
        LONGEST_SLEEP_MS = 30000, /* so that a clock that jumps is noticed */
    };
    enum scb_status status = check_scheduled(service, error);
    if (status != SCB_OK)
        return status;
    int64_t interval_ms = integer(service, "backup.chore_interval"), failures = 0;
    struct scb_slot served = {0};
    int64_t again_ms = 0;
    scb_log_info(service->parts.log, "Service started", SCB_TEXT("version", SCB_VERSION),
                 SCB_NUMBER("chore_interval_ms", interval_ms));
    while (!scb_cancel_requested(service->cancel)) {
        int64_t now_ms = scb_clock_real_ms(service->clock);
        struct scb_slot slot = scb_slot_at(now_ms, interval_ms);
        if (slot.start_ms != served.start_ms || now_ms >= again_ms) {
            if (slot.start_ms != served.start_ms) {
                failures = 0;
                finish_earlier(service, &slot);
            }
            served = slot;
            again_ms = serve_slot(service, &slot, &failures);
            continue;
        }
        int64_t left_ms = again_ms - now_ms;
        (void)scb_cancel_sleep(service->cancel,
                               left_ms < LONGEST_SLEEP_MS ? left_ms : LONGEST_SLEEP_MS);
    }
    scb_log_info(service->parts.log, "Service stopped", SCB_TEXT("version", SCB_VERSION));
    return SCB_OK;
}
