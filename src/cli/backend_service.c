/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The backend at a running service: its API (docs/api.md) over its Unix socket.
 */
#include "cli/backend_service.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "client/records.h"
#include "observe/metrics_json.h"

enum { ROWS = 500 };

struct service {
    struct scb_backend backend; /* first: it is found by it */
    json_t *found;              /* the answer that the last found backup is in; */
    const json_t *backup;       /* there */
};

static struct service *of(struct scb_backend *backend)
{
    return (struct service *)(void *)backend;
}

static struct scb_client *client_of(struct scb_backend *backend)
{
    return backend->context->client;
}

static void close_service(struct scb_backend *backend)
{
    json_decref(of(backend)->found);
    free(backend);
}

enum scb_status scb_backend_ask(struct scb_backend *backend, const char *body, json_t **ret_answer,
                                struct scb_error *error, const char *format, ...)
{
    char target[256];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(target, sizeof(target), format, arguments);
    va_end(arguments);
    return scb_client_ask(client_of(backend), target, body, ret_answer, error);
}

static enum scb_status ask_for(struct service *service, const char *backup_date,
                               struct scb_error *error)
{
    json_decref(service->found);
    service->found = NULL;
    if (backup_date != NULL) {
        enum scb_status status = scb_backend_ask(&service->backend, NULL, &service->found, error,
                                                 "/api/v1/backups/%s", backup_date);
        service->backup = service->found;
        return status;
    }
    enum scb_status status =
        scb_backend_ask(&service->backend, NULL, &service->found, error, "/api/v1/status");
    if (status != SCB_OK)
        return status;
    service->backup = json_object_get(service->found, "newest");
    if (json_is_object(service->backup))
        return SCB_OK;
    (void)scb_error_set(error, SCB_ERROR_NOT_FOUND, "there are no backups yet");
    return scb_error_hint(error, "satellite backup run makes the first one");
}

static enum scb_status find(struct scb_backend *backend, const char *backup_date,
                            struct scb_backup_record *ret_backup, enum scb_backend_work *ret_work,
                            struct scb_error *error)
{
    enum scb_status status = ask_for(of(backend), backup_date, error);
    if (status == SCB_OK)
        status = scb_client_backup(of(backend)->backup, ret_backup, error);
    if (status != SCB_OK)
        return status;
    const json_t *interrupted = json_object_get(of(backend)->backup, "interrupted");
    *ret_work = json_is_true(interrupted)    ? SCB_BACKEND_INTERRUPTED
                : json_is_false(interrupted) ? SCB_BACKEND_WORKED_ON
                                             : SCB_BACKEND_NOT_KNOWN;
    return SCB_OK;
}

static enum scb_status checks(struct scb_backend *backend, scb_catalog_check_visitor visit,
                              void *state, struct scb_error *error)
{
    const json_t *object;
    size_t i;
    enum scb_status status = SCB_OK;
    json_array_foreach(json_object_get(of(backend)->backup, "checks"), i, object)
    {
        struct scb_check_record check;
        scb_client_check(object, &check);
        if (status == SCB_OK)
            status = visit(state, &check, error);
    }
    return status;
}

static enum scb_status pages(struct scb_backend *backend, scb_catalog_page_visitor visit,
                             void *state, struct scb_error *error)
{
    char backup_date[SCB_BACKUP_DATE_SIZE], after[40] = "";
    scb_client_text(of(backend)->backup, "backup_date", backup_date, sizeof(backup_date));
    for (bool more = true; more;) {
        SCB_AUTO(json) json_t *answer = NULL;
        const json_t *object;
        size_t i;
        enum scb_status status =
            scb_backend_ask(backend, NULL, &answer, error, "/api/v1/backups/%s/pages?limit=%d%s",
                            backup_date, ROWS, after);
        json_array_foreach(json_object_get(answer, "pages"), i, object)
        {
            struct scb_page_record page;
            scb_client_page(object, &page);
            (void)snprintf(after, sizeof(after), "&after=%" PRIu64, page.page_number);
            if (status == SCB_OK)
                status = visit(state, &page, error);
        }
        if (status != SCB_OK)
            return status;
        more = i > 0 && json_is_string(json_object_get(answer, "next"));
    }
    return SCB_OK;
}

enum scb_status scb_backend_rows(struct scb_backend *backend, const char *target, uint64_t limit,
                                 enum scb_status (*visit)(void *state, const json_t *row,
                                                          struct scb_error *error),
                                 void *state, json_t **ret_last, struct scb_error *error)
{
    char before[64] = "", date[SCB_BACKUP_DATE_SIZE];
    uint64_t left = limit == 0 ? UINT64_MAX : limit;
    for (bool more = true; more;) {
        SCB_AUTO(json) json_t *answer = NULL;
        const json_t *row;
        size_t i;
        enum scb_status status =
            scb_backend_ask(backend, NULL, &answer, error, "%slimit=%" PRIu64 "%s", target,
                            left < ROWS ? left : ROWS, before);
        json_array_foreach(json_object_get(answer, "backups"), i, row)
        {
            if (status == SCB_OK)
                status = visit(state, row, error);
            scb_client_text(row, "backup_date", date, sizeof(date));
            (void)snprintf(before, sizeof(before), "&before=%s", date);
        }
        if (status != SCB_OK)
            return status;
        left -= i < left ? i : left;
        more = i > 0 && left > 0 && json_is_string(json_object_get(answer, "next"));
        if (!more && ret_last != NULL)
            *ret_last = SCB_TAKE(answer);
    }
    return SCB_OK;
}

struct backups {
    scb_catalog_backup_visitor visit;
    void *state;
};

static enum scb_status list_one(void *state, const json_t *row, struct scb_error *error)
{
    const struct backups *backups = state;
    struct scb_backup_record backup;
    enum scb_status status = scb_client_backup(row, &backup, error);
    return status == SCB_OK ? backups->visit(backups->state, &backup, error) : status;
}

static enum scb_status list(struct scb_backend *backend, uint64_t limit,
                            scb_catalog_backup_visitor visit, void *state, struct scb_error *error)
{
    struct backups backups = {visit, state};
    return scb_backend_rows(backend, "/api/v1/backups?", limit, list_one, &backups, NULL, error);
}

static enum scb_status interval(struct scb_backend *backend, int64_t *ret_ms,
                                struct scb_error *error)
{
    SCB_AUTO(json) json_t *answer = NULL;
    enum scb_status status = scb_backend_ask(backend, NULL, &answer, error, "/api/v1/status");
    int64_t ms = scb_client_number(answer, "chore_interval_ms");
    if (status == SCB_OK && ms < 1)
        return scb_error_set(error, SCB_ERROR_INTEGRITY,
                             "the service does not say how often it "
                             "makes backups");
    *ret_ms = ms;
    return status;
}

struct stored {
    scb_storage_visitor visit;
    void *state;
    uint64_t count;
};

static enum scb_status store_one(void *state, const json_t *row, struct scb_error *error)
{
    struct stored *stored = state;
    struct scb_storage_backup backup;
    scb_client_storage(row, &backup);
    stored->count++;
    return stored->visit(stored->state, &backup, error);
}

static enum scb_status storage(struct scb_backend *backend, scb_storage_visitor visit, void *state,
                               struct scb_storage_status *ret_status, struct scb_error *error)
{
    SCB_AUTO(json) json_t *answer = NULL;
    struct stored stored = {visit, state, 0};
    enum scb_status status =
        scb_backend_rows(backend, "/api/v1/storage?", 0, store_one, &stored, &answer, error);
    if (status != SCB_OK)
        return status;
    int64_t left = scb_client_number(answer, "free_bytes");
    if (left < 0)
        return scb_error_set(error, SCB_ERROR_NOT_FOUND, "there are no backups yet");
    *ret_status = (struct scb_storage_status){
        .backups = stored.count,
        .used_bytes = (uint64_t)scb_client_number(answer, "used_bytes"),
        .free_bytes = (uint64_t)left,
        .bytes_per_backup = scb_client_number(answer, "bytes_per_backup"),
        .days_until_full = scb_client_number(answer, "days_until_full")};
    return SCB_OK;
}

static enum scb_status metrics(struct scb_backend *backend,
                               struct scb_metrics_snapshot *ret_snapshot, const char **ret_source,
                               struct scb_error *error)
{
    SCB_AUTO(json) json_t *answer = NULL;
    enum scb_status status = scb_backend_ask(backend, NULL, &answer, error, "/api/v1/metrics");
    if (status != SCB_OK)
        return status;
    scb_metrics_json_read(answer, ret_snapshot);
    *ret_source = "the running service";
    return SCB_OK;
}

static const struct scb_backend_ops ops = {.close = close_service,
                                           .find = find,
                                           .checks = checks,
                                           .pages = pages,
                                           .list = list,
                                           .interval = interval,
                                           .storage = storage,
                                           .cleanup = scb_backend_order_cleanup,
                                           .metrics = metrics,
                                           .health = scb_backend_service_health,
                                           .backup = scb_backend_order_backup,
                                           .verify = scb_backend_order_verify};

enum scb_status scb_backend_of_service(const struct scb_command_context *context,
                                       struct scb_backend **ret_backend, struct scb_error *error)
{
    struct service *service = scb_alloc(1, sizeof(*service), error);
    if (service == NULL)
        return SCB_ERROR_RESOURCE;
    service->backend = (struct scb_backend){&ops, context};
    *ret_backend = &service->backend;
    return SCB_OK;
}
