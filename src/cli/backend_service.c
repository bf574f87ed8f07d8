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

/* One answer's backups; *ret_more where others follow, which are asked for with before. */
static enum scb_status list_some(struct scb_backend *backend, uint64_t count, char before[64],
                                 scb_catalog_backup_visitor visit, void *state, bool *ret_more,
                                 struct scb_error *error)
{
    SCB_AUTO(json) json_t *answer = NULL;
    const json_t *object;
    size_t i;
    enum scb_status status = scb_backend_ask(backend, NULL, &answer, error,
                                             "/api/v1/backups?limit=%" PRIu64 "%s", count, before);
    json_array_foreach(json_object_get(answer, "backups"), i, object)
    {
        struct scb_backup_record backup;
        if (status == SCB_OK)
            status = scb_client_backup(object, &backup, error);
        if (status == SCB_OK)
            status = visit(state, &backup, error);
        if (status == SCB_OK)
            (void)snprintf(before, 64, "&before=%s", backup.backup_date);
    }
    *ret_more = i > 0 && json_is_string(json_object_get(answer, "next"));
    return status;
}

static enum scb_status list(struct scb_backend *backend, uint64_t limit,
                            scb_catalog_backup_visitor visit, void *state, struct scb_error *error)
{
    char before[64] = "";
    uint64_t left = limit == 0 ? UINT64_MAX : limit;
    for (bool more = true; more && left > 0;) {
        uint64_t count = left < ROWS ? left : ROWS;
        enum scb_status status = list_some(backend, count, before, visit, state, &more, error);
        if (status != SCB_OK)
            return status;
        left -= count;
    }
    return SCB_OK;
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

static enum scb_status storage(struct scb_backend *backend, scb_storage_visitor visit, void *state,
                               struct scb_storage_status *ret_status, struct scb_error *error)
{
    SCB_AUTO(json) json_t *answer = NULL;
    const json_t *object;
    size_t i;
    enum scb_status status = scb_backend_ask(backend, NULL, &answer, error, "/api/v1/storage");
    if (status != SCB_OK)
        return status;
    int64_t left = scb_client_number(answer, "free_bytes");
    if (left < 0)
        return scb_error_set(error, SCB_ERROR_NOT_FOUND, "there are no backups yet");
    const json_t *backups = json_object_get(answer, "backups");
    *ret_status = (struct scb_storage_status){
        .backups = json_array_size(backups),
        .used_bytes = (uint64_t)scb_client_number(answer, "used_bytes"),
        .free_bytes = (uint64_t)left,
        .bytes_per_backup = scb_client_number(answer, "bytes_per_backup"),
        .days_until_full = scb_client_number(answer, "days_until_full")};
    json_array_foreach(backups, i, object)
    {
        struct scb_storage_backup backup;
        scb_client_storage(object, &backup);
        if (status == SCB_OK)
            status = visit(state, &backup, error);
    }
    return status;
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
