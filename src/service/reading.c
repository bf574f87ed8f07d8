/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The service's reading side: what is in a backup, and whether it is what was written.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/memory.h"
#include "job/copy.h"
#include "job/diff.h"
#include "job/export.h"
#include "job/get.h"
#include "job/test_restore.h"
#include "job/verify.h"
#include "service/internal.h"
#include "service/notify.h"

/* Where backups are read from, and what their readers are given. */
struct reading {
    struct scb_store *store;
    struct scb_catalog *catalog;
    struct scb_backup_keys *keys;
    struct scb_reading_parts parts;
};

static void close_reading(struct reading *reading)
{
    scb_store_close(reading->store);
    scb_catalog_close(reading->catalog);
    scb_backup_keys_free(reading->keys);
}

static enum scb_status open_reading(const struct scb_service *service, struct reading *reading,
                                    struct scb_error *error)
{
    enum scb_status status = scb_service_open_catalog(service, &reading->catalog, error);
    if (status == SCB_OK)
        status = scb_service_open_store(service, false, &reading->store, error);
    if (status == SCB_OK)
        status = scb_service_open_keys(service, &reading->keys, error);
    reading->parts = (struct scb_reading_parts){
        .store = reading->store,
        .catalog = reading->catalog,
        .keys = reading->keys,
        .limits = scb_service_page_limits(service),
        .memory_limit = (size_t)scb_config_integer(service->parts.config, "backup.memory_limit"),
        .clock = service->clock,
        .cancel = service->cancel,
        .observe = service->parts.observe,
        .observe_state = service->parts.observe_state};
    return status;
}

enum scb_status scb_service_get(struct scb_service *service, const char *backup_date,
                                struct scb_bytes key, struct scb_get_result *ret_result,
                                struct scb_error *error)
{
    SCB_FILE_WATCHED(service->watch);
    struct reading reading = {0};
    enum scb_status status = open_reading(service, &reading, error);
    const struct scb_backup_reader_settings settings = {.backup_date = backup_date,
                                                        .limits = scb_service_page_limits(service),
                                                        .keys = reading.keys};
    if (status == SCB_OK)
        status = scb_get(reading.store, reading.catalog, &settings, key, ret_result, error);
    close_reading(&reading);
    return status;
}

static struct scb_verify_settings verify_settings(const struct scb_service *service)
{
    const struct scb_config *config = service->parts.config;
    return (struct scb_verify_settings){
        .limits = scb_service_page_limits(service),
        .worker_concurrency = (size_t)scb_config_integer(config, "backup.worker_concurrency"),
        .memory_limit = (size_t)scb_config_integer(config, "backup.memory_limit"),
        .contract = service->contract,
        .max_concurrent_pages = (size_t)scb_config_integer(config, "backup.max_concurrent_pages"),
        .page_deadline_ms = scb_config_integer(config, "backup.page_deadline")};
}

enum scb_status scb_service_copy(struct scb_service *service,
                                 const struct scb_copy_options *options,
                                 struct scb_copy_result *ret_result, struct scb_error *error)
{
    const struct scb_verify_settings settings = verify_settings(service);
    SCB_FILE_WATCHED(service->watch);
    struct reading reading = {0};
    enum scb_status status = open_reading(service, &reading, error);
    if (status == SCB_OK)
        status = scb_copy_run(&reading.parts, &settings, options, ret_result, error);
    close_reading(&reading);
    return status;
}

enum scb_status scb_service_export(struct scb_service *service,
                                   const struct scb_export_options *options,
                                   struct scb_export_result *ret_result, struct scb_error *error)
{
    SCB_FILE_WATCHED(service->watch);
    struct reading reading = {0};
    enum scb_status status = open_reading(service, &reading, error);
    if (status == SCB_OK)
        status = scb_export_run(&reading.parts, options, ret_result, error);
    close_reading(&reading);
    return status;
}

enum scb_status scb_service_diff(struct scb_service *service, const char *old_date,
                                 const char *new_date, scb_difference_visitor visit, void *state,
                                 struct scb_diff_result *ret_result, struct scb_error *error)
{
    SCB_FILE_WATCHED(service->watch);
    struct reading reading = {0};
    enum scb_status status = open_reading(service, &reading, error);
    if (status == SCB_OK)
        status = scb_diff_run(&reading.parts, old_date, new_date, visit, state, ret_result, error);
    close_reading(&reading);
    return status;
}

enum scb_status scb_service_test_restore(struct scb_service *service, const char *backup_date,
                                         struct scb_restore_test_result *ret_result,
                                         struct scb_error *error)
{
    SCB_FILE_WATCHED(service->watch);
    struct reading reading = {0};
    enum scb_status status = open_reading(service, &reading, error);
    if (status == SCB_OK)
        status = scb_test_restore_run(&reading.parts, backup_date, ret_result, error);
    scb_service_count_test_restore(service, status);
    close_reading(&reading);
    return status;
}

/* --- verify --- */

/* The backups to be verified. */
struct choice {
    char (*dates)[24];
    size_t count, room;
};

static enum scb_status choose(void *state, const struct scb_backup_record *backup,
                              struct scb_error *error)
{
    struct choice *choice = state;
    if (backup->state != SCB_BACKUP_COMPLETED)
        return SCB_OK;
    if (choice->count == choice->room) {
        choice->room = choice->room == 0 ? 64 : choice->room * 2;
        void *grown = scb_realloc(choice->dates, choice->room, sizeof(*choice->dates), error);
        if (grown == NULL)
            return SCB_ERROR_RESOURCE;
        choice->dates = grown;
    }
    memcpy(choice->dates[choice->count++], backup->backup_date, sizeof(*choice->dates));
    return SCB_OK;
}

static enum scb_status choose_all(struct scb_catalog *catalog,
                                  const struct scb_verify_options *options, struct choice *choice,
                                  struct scb_error *error)
{
    struct scb_backup_record backup;
    enum scb_status status = SCB_OK;
    if (options->all)
        status = scb_catalog_list(catalog, 0, choose, choice, error);
    if (status == SCB_OK && choice->count == 0)
        status = scb_backup_find(catalog, options->backup_date, &backup, error);
    if (status == SCB_OK && choice->count == 0)
        status = choose(choice, &backup, error);
    return status;
}

/* What one backup's result makes of the whole: an invalid one counts more than an unchecked one. */
static void take_result(const struct scb_verify_result *result, struct scb_error *whole)
{
    if (result->outcome == SCB_VERIFY_INVALID && whole->status != SCB_ERROR_INTEGRITY) {
        (void)scb_error_set(whole, SCB_ERROR_INTEGRITY,
                            "backup %s is invalid, %" PRIu64 " problem%s: %s: %s",
                            result->backup_date, result->problems, result->problems == 1 ? "" : "s",
                            result->first_problem.where, result->first_problem.what);
        (void)scb_error_hint(whole, "take it from a copy; the next backup is not touched by this");
    } else if (result->outcome == SCB_VERIFY_NOT_CHECKED && whole->status == SCB_OK) {
        *whole = result->error;
        (void)scb_error_wrap(whole, "backup %s could not be checked", result->backup_date);
    }
}

/* Whoever verified it: data that is not what was written is everybody's concern. */
static void tell_invalid(struct scb_service *service, const struct scb_verify_result *result)
{
    struct scb_error invalid = {0};
    take_result(result, &invalid);
    if (result->outcome == SCB_VERIFY_INVALID)
        scb_notify_failed(service, "verify_invalid", result->backup_date, &invalid);
}

/* Kept for status; a reader who may not write there verifies all the same. */
static void keep_result(const struct scb_service *service, struct scb_catalog *catalog,
                        const struct scb_verify_result *result)
{
    struct scb_check_record check = {.kind = SCB_CHECK_VERIFY,
                                     .checked_at_ms = scb_clock_real_ms(service->clock),
                                     .outcome = result->outcome,
                                     .keys = result->keys,
                                     .duration_ms = result->duration_ms};
    struct scb_error error = {0};
    if (result->outcome == SCB_VERIFY_INVALID)
        (void)snprintf(check.message, sizeof(check.message), "%.63s: %.440s",
                       result->first_problem.where, result->first_problem.what);
    else
        (void)snprintf(check.message, sizeof(check.message), "%.511s",
                       result->error.status != SCB_OK ? result->error.message : result->unseen);
    if (result->error.status != SCB_ERROR_NOT_FOUND &&
        scb_catalog_record_check(catalog, result->backup_date, &check, &error) != SCB_OK)
        scb_log_warn(service->parts.log, "Outcome of the verification not recorded",
                     SCB_TEXT("backup_date", result->backup_date),
                     SCB_TEXT("error", error.message));
}

static enum scb_status verify_all(struct scb_service *service, const struct scb_verify_parts *parts,
                                  const struct scb_verify_settings *settings,
                                  const struct choice *choice, struct scb_error *error)
{
    struct scb_error whole = {0};
    for (size_t i = 0; i < choice->count; i++) {
        struct scb_verify_result result;
        scb_verify_run(parts, settings, choice->dates[i], &result);
        if (result.error.status == SCB_ERROR_CANCELED) {
            *error = result.error;
            return SCB_ERROR_CANCELED;
        }
        scb_service_count_verify(service, &result);
        keep_result(service, parts->catalog, &result);
        tell_invalid(service, &result);
        take_result(&result, &whole);
    }
    if (whole.status != SCB_OK)
        *error = whole;
    return whole.status;
}

enum scb_status scb_service_verify(struct scb_service *service,
                                   const struct scb_verify_options *options,
                                   const struct scb_verify_observer *observer,
                                   struct scb_error *error)
{
    const struct scb_verify_settings settings = verify_settings(service);
    SCB_FILE_WATCHED(service->watch);
    struct reading reading = {0};
    struct choice choice = {0};
    struct scb_source *source = NULL;
    enum scb_status status = open_reading(service, &reading, error);
    if (status == SCB_OK)
        status = choose_all(reading.catalog, options, &choice, error);
    if (status == SCB_OK && options->against_chain)
        status = scb_service_open_source(service, &source, error);
    const struct scb_verify_parts parts = {.store = reading.store,
                                           .catalog = reading.catalog,
                                           .source = source,
                                           .keys = reading.keys,
                                           .clock = service->clock,
                                           .cancel = service->cancel,
                                           .observer = *observer,
                                           .observe = service->parts.observe,
                                           .observe_state = service->parts.observe_state};
    if (status == SCB_OK)
        status = verify_all(service, &parts, &settings, &choice, error);
    if (source != NULL)
        source->ops->close(source);
    free(choice.dates);
    close_reading(&reading);
    return status;
}

/* --- for the schedule --- */

static void ignore_finding(void *state, const struct scb_verify_finding *finding)
{
    (void)state;
    (void)finding; /* the first is in the error, and kept */
}

static void log_verified(void *state, const struct scb_verify_result *result)
{
    const struct scb_service *service = state;
    if (result->outcome == SCB_VERIFY_VALID)
        scb_log_info(service->parts.log, "Backup verified",
                     SCB_TEXT("backup_date", result->backup_date), SCB_NUMBER("keys", result->keys),
                     SCB_NUMBER("duration_ms", result->duration_ms));
}

enum scb_status scb_service_verify_one(struct scb_service *service, const char *backup_date,
                                       struct scb_error *error)
{
    const struct scb_verify_options options = {.backup_date = backup_date};
    const struct scb_verify_observer observer = {ignore_finding, log_verified, service};
    scb_live_begin(service->live, SCB_LIVE_CHECK, backup_date);
    enum scb_status status = scb_service_verify(service, &options, &observer, error);
    scb_live_end(service->live);
    return status;
}

enum scb_status scb_service_restore_one(struct scb_service *service, const char *backup_date,
                                        struct scb_error *error)
{
    struct scb_restore_test_result result;
    scb_live_begin(service->live, SCB_LIVE_CHECK, backup_date);
    enum scb_status status = scb_service_test_restore(service, backup_date, &result, error);
    scb_live_end(service->live);
    if (status == SCB_OK)
        scb_log_info(service->parts.log, "Test restore completed",
                     SCB_TEXT("backup_date", result.backup_date), SCB_NUMBER("keys", result.keys),
                     SCB_NUMBER("duration_ms", result.duration_ms));
    return status;
}
