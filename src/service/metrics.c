/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The service's counting: what came of a run or a check, and how the totals are kept.
 */
#include "service/metrics.h"

#include <string.h>
#include <unistd.h>

#include "base/file_watch.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/sqlite_url.h"
#include "config/state_dir.h"
#include "observe/process.h"
#include "service/internal.h"
#include "store/inventory.h"

enum { KEEP_INTERVAL_MS = 30000 };

enum scb_status scb_service_metrics_begin(struct scb_service *service, struct scb_error *error)
{
    SCB_AUTO(string) char *dir = scb_config_state_dir(service->parts.config, error);
    if (dir == NULL)
        return error->status;
    service->kept_ms = scb_clock_monotonic_ms(service->clock);
    enum scb_status status = scb_metrics_new(&service->metrics, error);
    return status == SCB_OK ? scb_totals_init(&service->totals, dir, service->metrics, error)
                            : status;
}

/* Says a problem of the totals, but not again and again. */
static void say_once(struct scb_service *service, const char *event, const struct scb_error *error)
{
    if (error->status != SCB_OK && !atomic_exchange(&service->totals_said, true))
        scb_log_warn(service->parts.log, event, SCB_TEXT("error", error->message));
}

static bool has_database(const struct scb_service *service)
{
    SCB_FILE_OPERATION;
    const char *url = scb_config_text(service->parts.config, "database.url");
    const char *path = scb_sqlite_url_path(url, NULL);
    return path != NULL && access(path, F_OK) == 0;
}

/* A first run that fails leaves nothing half made, so not this either. */
static void keep(struct scb_service *service)
{
    struct scb_error error = {0}, damaged = {0};
    if (!has_database(service))
        return;
    enum scb_status status = scb_totals_keep(&service->totals, &damaged, &error);
    say_once(service, "Totals were damaged and begin anew", &damaged);
    if (status != SCB_OK)
        say_once(service, "Totals not kept", &error);
    else
        atomic_store(&service->totals_said, false);
}

void scb_service_keep_metrics(struct scb_service *service)
{
    SCB_FILE_WATCHED(service->watch);
    if (service->metrics != NULL && scb_totals_changed(&service->totals))
        keep(service);
}

void scb_service_metrics_end(struct scb_service *service)
{
    scb_service_keep_metrics(service);
    scb_totals_free(&service->totals);
    scb_metrics_free(service->metrics);
}

void scb_service_observe(void *state, const struct scb_run_progress *progress)
{
    struct scb_service *service = state;
    int64_t now_ms = scb_clock_monotonic_ms(service->clock);
    if (service->parts.observe != NULL)
        service->parts.observe(service->parts.observe_state, progress);
    if (now_ms - service->kept_ms < KEEP_INTERVAL_MS)
        return;
    service->kept_ms = now_ms;
    keep(service);
}

/* --- what came of it --- */

static uint64_t ms(int64_t value)
{
    return value > 0 ? (uint64_t)value : 0;
}

static void count_success(const struct scb_service *service, const struct scb_backup_result *result)
{
    struct scb_metrics *metrics = service->metrics;
    const struct scb_backup_record *backup = &result->backup;
    scb_metrics_add(metrics, SCB_METRIC_OPERATIONS, SCB_OPERATION_COMPLETED, 1);
    scb_metrics_set(metrics, SCB_METRIC_LAST_SUCCESS, 0, ms(backup->completed_at_ms));
    scb_metrics_set(metrics, SCB_METRIC_LAST_DURATION, 0, ms(result->duration_ms));
    scb_metrics_set(metrics, SCB_METRIC_LAST_KEYS, 0, ms(backup->total_keys));
    scb_metrics_set(metrics, SCB_METRIC_LAST_SIZE, 0, ms(backup->file_size));
    scb_metrics_set(metrics, SCB_METRIC_LAST_BLOCK, 0, ms(backup->block_number));
}

bool scb_service_run_failed(enum scb_status status, const struct scb_backup_result *result)
{
    return status != SCB_OK && status != SCB_ERROR_CANCELED && status != SCB_ERROR_BUSY &&
           (status != SCB_ERROR_NOT_FOUND || result->begun);
}

void scb_service_count_run(const struct scb_service *service, enum scb_status status,
                           const struct scb_backup_result *result, uint64_t cpu_ms)
{
    struct scb_metrics *metrics = service->metrics;
    bool failed = scb_service_run_failed(status, result);
    if (failed && !result->begun) /* by what had to be done before it */
        scb_metrics_add(metrics, SCB_METRIC_OPERATIONS, SCB_OPERATION_STARTED, 1);
    if (failed)
        scb_metrics_add(metrics, SCB_METRIC_OPERATIONS, SCB_OPERATION_FAILED, 1);
    if (!result->begun)
        return;
    if (status == SCB_OK)
        count_success(service, result);
    scb_metrics_set(metrics, SCB_METRIC_LAST_CPU, 0, cpu_ms);
    scb_metrics_set(metrics, SCB_METRIC_LAST_PEAK_MEMORY, 0, scb_process_peak_memory());
}

void scb_service_count_verify(const struct scb_service *service,
                              const struct scb_verify_result *result)
{
    static const enum scb_verify_count counts[] = {[SCB_VERIFY_VALID] = SCB_COUNT_VALID,
                                                   [SCB_VERIFY_INVALID] = SCB_COUNT_INVALID,
                                                   [SCB_VERIFY_NOT_CHECKED] = SCB_COUNT_ERROR};
    scb_metrics_add(service->metrics, SCB_METRIC_VERIFY, counts[result->outcome], 1);
    if (result->outcome == SCB_VERIFY_VALID)
        scb_metrics_set(service->metrics, SCB_METRIC_LAST_VALID, 0,
                        ms(scb_clock_real_ms(service->clock)));
}

void scb_service_count_test_restore(const struct scb_service *service, enum scb_status status)
{
    if (status == SCB_OK)
        scb_metrics_set(service->metrics, SCB_METRIC_LAST_TEST_RESTORE, 0,
                        ms(scb_clock_real_ms(service->clock)));
}

/* --- what is shown --- */

static void measure_disk(struct scb_service *service, struct scb_metrics_snapshot *snapshot)
{
    struct scb_store *store = NULL;
    struct scb_error error = {0};
    uint64_t used = 0, left = 0;
    enum scb_status status = scb_service_open_store(service, false, &store, &error);
    if (status == SCB_OK)
        status = scb_store_space(store, &used, &left, &error);
    scb_store_close(store);
    if (status != SCB_OK)
        return; /* before the first backup, or where the next one will say it */
    scb_metrics_snapshot_set(snapshot, SCB_METRIC_DISK_USED, used);
    scb_metrics_snapshot_set(snapshot, SCB_METRIC_DISK_FREE, left);
}

void scb_service_metrics(struct scb_service *service, struct scb_metrics_snapshot *ret_snapshot)
{
    SCB_FILE_WATCHED(service->watch);
    struct scb_error damaged = {0};
    scb_totals_read(&service->totals, ret_snapshot, &damaged);
    say_once(service, "Totals cannot be read", &damaged);
    scb_metrics_snapshot_set(ret_snapshot, SCB_METRIC_BUILD, 1);
    measure_disk(service, ret_snapshot);
    if (atomic_load(&service->running))
        scb_process_measure(ret_snapshot);
}
