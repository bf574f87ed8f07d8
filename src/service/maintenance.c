/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The service's work on the backups that are there: cleanup, holds, rescan, storage.
 */
#include <inttypes.h>
#include <string.h>

#include "base/memory.h"
#include "job/cleanup.h"
#include "job/rescan.h"
#include "job/storage.h"
#include "service/desk.h"
#include "service/internal.h"
#include "service/notify.h"
#include "service/supervisor.h"
#include "store/inventory.h"

enum { DAY_MS = 86400000 };

const char *scb_cleanup_action_name(enum scb_cleanup_action action)
{
    static const char *const names[] = {[SCB_CLEANUP_KEPT] = "kept",
                                        [SCB_CLEANUP_SKIPPED] = "skipped",
                                        [SCB_CLEANUP_WOULD_DELETE] = "would_delete",
                                        [SCB_CLEANUP_DELETED] = "deleted"};
    return names[action];
}

static enum scb_status open_parts(const struct scb_service *service, bool create_catalog,
                                  struct scb_cleanup_parts *ret_parts, struct scb_error *error)
{
    const char *url = scb_config_text(service->parts.config, "database.url");
    *ret_parts = (struct scb_cleanup_parts){
        .log = service->parts.log, .clock = service->clock, .cancel = service->cancel};
    enum scb_status status = scb_service_open_store(service, false, &ret_parts->store, error);
    if (status == SCB_OK)
        status = scb_catalog_open(url, create_catalog, &ret_parts->catalog, error);
    return status;
}

static void close_parts(struct scb_cleanup_parts *parts)
{
    scb_catalog_close(parts->catalog);
    scb_store_close(parts->store);
}

static void fill_policy(const struct scb_service *service, struct scb_retention_policy *policy)
{
    const struct scb_config *config = service->parts.config;
    policy->min_backups = (uint64_t)scb_config_integer(config, "backup.retention_min_backups");
    if (policy->older_than_ms < 0)
        policy->older_than_ms = scb_config_integer(config, "backup.retention_days") * DAY_MS;
}

enum scb_status scb_service_cleanup(struct scb_service *service,
                                    const struct scb_cleanup_options *options,
                                    scb_cleanup_visitor visit, void *state, struct scb_error *error)
{
    SCB_FILE_WATCHED(service->watch);
    struct scb_cleanup_options filled = *options;
    struct scb_cleanup_parts parts;
    fill_policy(service, &filled.policy);
    enum scb_status status = open_parts(service, false, &parts, error);
    parts.observe = service->parts.observe;
    parts.observe_state = service->parts.observe_state;
    if (status == SCB_OK)
        status = scb_cleanup_run(&parts, &filled, visit, state, error);
    close_parts(&parts);
    return status;
}

static enum scb_status log_skipped(void *state, const struct scb_cleanup_entry *entry,
                                   struct scb_error *error)
{
    (void)error;
    if (entry->action == SCB_CLEANUP_SKIPPED)
        scb_log_warn(state, "Backup not removed", SCB_TEXT("backup_date", entry->backup_date),
                     SCB_TEXT("reason", entry->reason));
    return SCB_OK;
}

/* Signs of life; what is shown is the backup. */
static void say_removal(void *state, const struct scb_run_progress *progress)
{
    scb_supervisor_say(state, "cleanup: %" PRIu64 "/%" PRIu64 " pages", progress->pages,
                       progress->total_pages);
}

void scb_service_retain(struct scb_service *service, struct scb_store *store,
                        struct scb_catalog *catalog, const char *backup_date)
{
    struct scb_cleanup_options options = {.policy = {.older_than_ms = -1}, .spare = backup_date};
    struct scb_cleanup_parts parts = {.store = store,
                                      .catalog = catalog,
                                      .log = service->parts.log,
                                      .clock = service->clock,
                                      .cancel = service->cancel,
                                      .observe = say_removal,
                                      .observe_state = service->supervisor};
    struct scb_error error = {0};
    fill_policy(service, &options.policy);
    enum scb_status status =
        options.policy.older_than_ms == 0
            ? scb_cleanup_empty_trash(&parts, &error)
            : scb_cleanup_run(&parts, &options, log_skipped, service->parts.log, &error);
    if (status == SCB_OK || status == SCB_ERROR_CANCELED) /* the next run goes on with it */
        return;
    scb_log_failure(service->parts.log, "Old backups not removed", NULL, &error);
    if (status != SCB_ERROR_BUSY) /* another process removes them */
        scb_notify_failed(service, "cleanup_failed", backup_date, &error);
}

enum scb_status scb_service_hold(struct scb_service *service, const char *backup_date, bool held,
                                 struct scb_error *error)
{
    SCB_FILE_WATCHED(service->watch);
    struct scb_catalog *catalog = NULL;
    enum scb_status status = scb_backup_date_parse(backup_date, NULL, error);
    if (status == SCB_OK)
        status = scb_service_open_catalog(service, &catalog, error);
    if (status == SCB_OK)
        status =
            scb_catalog_hold(catalog, backup_date, held, scb_clock_real_ms(service->clock), error);
    scb_catalog_close(catalog);
    return status;
}

enum scb_status scb_service_rescan(struct scb_service *service, struct scb_error *error)
{
    SCB_FILE_WATCHED(service->watch);
    struct scb_cleanup_parts parts;
    struct scb_rescan_result result = {0};
    enum scb_status status = open_parts(service, true, &parts, error);
    if (status == SCB_OK)
        status = scb_rescan_run(&parts, &result, error);
    close_parts(&parts);
    if (status == SCB_OK)
        scb_log_info(service->parts.log, "Backups rescanned",
                     SCB_NUMBER("restored", result.restored), SCB_NUMBER("lost", result.lost),
                     SCB_NUMBER("orphans", result.orphans), SCB_NUMBER("skipped", result.skipped));
    return status;
}

enum scb_status scb_service_check_space(const struct scb_service *service, struct scb_error *error)
{
    struct scb_store *store = NULL;
    enum scb_status status = scb_service_open_store(service, false, &store, error);
    if (status == SCB_OK)
        status = scb_store_check_space(store, error);
    scb_store_close(store);
    return status;
}

enum scb_status scb_service_storage(struct scb_service *service, scb_storage_visitor visit,
                                    void *state, struct scb_storage_status *ret_status,
                                    struct scb_error *error)
{
    SCB_FILE_WATCHED(service->watch);
    struct scb_store *store = NULL;
    struct scb_catalog *catalog = NULL;
    struct scb_error problem = {0};
    enum scb_status status = scb_service_open_store(service, false, &store, error);
    if (status != SCB_OK)
        return status;
    status = scb_service_open_catalog(service, &catalog, &problem);
    if (status == SCB_OK || status == SCB_ERROR_NOT_FOUND) /* then no backup is known to it */
        status = scb_storage_run(
            store, catalog,
            (uint64_t)scb_config_integer(service->parts.config, "backup.min_free_space"), visit,
            state, ret_status, error);
    else
        *error = problem;
    scb_catalog_close(catalog);
    scb_store_close(store);
    return status;
}
