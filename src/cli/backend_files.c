/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The backend at the files: for their owner and root.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "cli/backend.h"
#include "cli/connect.h"
#include "cli/open.h"
#include "service/metrics.h"

struct files {
    struct scb_backend backend; /* first: it is found by it */
    struct scb_service *service;
    struct scb_catalog *catalog;
    char found[sizeof(((struct scb_backup_record *)NULL)->backup_date)];
};

static struct files *of(struct scb_backend *backend)
{
    return (struct files *)(void *)backend;
}

static void close_files(struct scb_backend *backend)
{
    struct files *files = of(backend);
    scb_service_free(files->service);
    scb_catalog_close(files->catalog);
    free(files);
}

static enum scb_status need_service(struct files *files, struct scb_error *error)
{
    return files->service != NULL
               ? SCB_OK
               : scb_command_service(files->backend.context, &files->service, error);
}

static enum scb_status need_catalog(struct files *files, struct scb_error *error)
{
    if (files->catalog != NULL)
        return SCB_OK;
    return scb_catalog_open(scb_config_text(files->backend.context->config, "database.url"), false,
                            &files->catalog, error);
}

static enum scb_status find(struct scb_backend *backend, const char *backup_date,
                            struct scb_backup_record *ret_backup, enum scb_backend_work *ret_work,
                            struct scb_error *error)
{
    struct files *files = of(backend);
    bool interrupted = false;
    struct scb_error none = {0};
    enum scb_status status = need_catalog(files, error);
    if (status == SCB_OK)
        status = need_service(files, error);
    if (status == SCB_OK)
        status = backup_date == NULL
                     ? scb_catalog_newest(files->catalog, false, ret_backup, error)
                     : scb_catalog_get(files->catalog, backup_date, ret_backup, error);
    if (status != SCB_OK)
        return status;
    memcpy(files->found, ret_backup->backup_date, sizeof(files->found));
    /* Those who may not read backup_dir are shown the rest. */
    status =
        scb_service_interrupted(files->service, files->catalog, ret_backup, &interrupted, &none);
    *ret_work = status != SCB_OK ? SCB_BACKEND_NOT_KNOWN
                : interrupted    ? SCB_BACKEND_INTERRUPTED
                                 : SCB_BACKEND_WORKED_ON;
    return SCB_OK;
}

static enum scb_status checks(struct scb_backend *backend, scb_catalog_check_visitor visit,
                              void *state, struct scb_error *error)
{
    return scb_catalog_checks(of(backend)->catalog, of(backend)->found, visit, state, error);
}

static enum scb_status pages(struct scb_backend *backend, scb_catalog_page_visitor visit,
                             void *state, struct scb_error *error)
{
    return scb_catalog_pages(of(backend)->catalog, of(backend)->found, visit, state, error);
}

/* No database yet: no backups yet. */
static enum scb_status list(struct scb_backend *backend, uint64_t limit,
                            scb_catalog_backup_visitor visit, void *state, struct scb_error *error)
{
    struct scb_error problem = {0};
    enum scb_status status = need_catalog(of(backend), &problem);
    if (status == SCB_ERROR_NOT_FOUND)
        return SCB_OK;
    if (status == SCB_OK)
        return scb_catalog_list(of(backend)->catalog, limit, visit, state, error);
    *error = problem;
    return status;
}

static enum scb_status interval(struct scb_backend *backend, int64_t *ret_ms,
                                struct scb_error *error)
{
    (void)error;
    *ret_ms = scb_config_integer(backend->context->config, "backup.chore_interval");
    return SCB_OK;
}

static enum scb_status storage(struct scb_backend *backend, scb_storage_visitor visit, void *state,
                               struct scb_storage_status *ret_status, struct scb_error *error)
{
    enum scb_status status = need_service(of(backend), error);
    return status == SCB_OK
               ? scb_service_storage(of(backend)->service, visit, state, ret_status, error)
               : status;
}

static enum scb_status cleanup(struct scb_backend *backend,
                               const struct scb_cleanup_options *options, scb_cleanup_visitor visit,
                               void *state, struct scb_error *error)
{
    enum scb_status status = need_service(of(backend), error);
    return status == SCB_OK
               ? scb_service_cleanup(of(backend)->service, options, visit, state, error)
               : status;
}

/* A running service knows more than it has kept; where it does not answer, what is kept does. */
static enum scb_status metrics(struct scb_backend *backend,
                               struct scb_metrics_snapshot *ret_snapshot, const char **ret_source,
                               struct scb_error *error)
{
    struct scb_command_context asking = *backend->context;
    struct scb_backend *other = NULL;
    struct scb_client *client = NULL;
    struct scb_error none = {0};
    enum scb_status status =
        scb_connect(asking.config, SCB_CONNECT_SAME, asking.cancel, &client, &none);
    asking.client = client;
    if (status == SCB_OK)
        status = scb_backend_of_service(&asking, &other, &none);
    if (status == SCB_OK)
        status = other->ops->metrics(other, ret_snapshot, ret_source, &none);
    scb_backend_close(other);
    scb_client_free(client);
    if (status == SCB_OK)
        return status;
    *ret_source = "kept totals";
    status = need_service(of(backend), error);
    if (status == SCB_OK)
        scb_service_metrics(of(backend)->service, ret_snapshot);
    return status;
}

/* Everything else needs a valid configuration: where it is not, that is all there is to say. */
static enum scb_status health(struct scb_backend *backend, scb_health_visitor visit, void *state,
                              struct scb_error *error)
{
    struct scb_health_check invalid = {
        .name = "config", .state = SCB_HEALTH_FAIL, .latency_ms = -1};
    enum scb_status status = scb_config_check(backend->context->config, &invalid.error);
    if (status == SCB_OK)
        status = need_service(of(backend), &invalid.error);
    if (status == SCB_OK)
        return scb_service_health(of(backend)->service, visit, state, error);
    (void)snprintf(invalid.detail, sizeof(invalid.detail), "%.511s", invalid.error.message);
    visit(state, &invalid);
    *error = invalid.error;
    return status;
}

static enum scb_status backup(struct scb_backend *backend, const struct scb_backup_options *options,
                              struct scb_backup_result *ret_result, struct scb_error *error)
{
    struct scb_progress_line line;
    struct scb_service *service = NULL;
    enum scb_status status = scb_command_open(backend->context, &line, &service, error);
    if (status != SCB_OK)
        return status;
    status = scb_service_backup(service, options, ret_result, error);
    scb_command_close(&line, service);
    return status;
}

static enum scb_status verify(struct scb_backend *backend, const struct scb_verify_options *options,
                              const struct scb_verify_observer *observer,
                              struct scb_progress_line *line, struct scb_error *error)
{
    struct scb_service *service = NULL;
    enum scb_status status = scb_command_open(backend->context, line, &service, error);
    if (status != SCB_OK)
        return status;
    status = scb_service_verify(service, options, observer, error);
    scb_command_close(line, service);
    return status;
}

static const struct scb_backend_ops ops = {.close = close_files,
                                           .find = find,
                                           .checks = checks,
                                           .pages = pages,
                                           .list = list,
                                           .interval = interval,
                                           .storage = storage,
                                           .cleanup = cleanup,
                                           .metrics = metrics,
                                           .health = health,
                                           .backup = backup,
                                           .verify = verify};

enum scb_status scb_backend_of_files(const struct scb_command_context *context,
                                     struct scb_backend **ret_backend, struct scb_error *error)
{
    struct files *files = scb_alloc(1, sizeof(*files), error);
    if (files == NULL)
        return SCB_ERROR_RESOURCE;
    files->backend = (struct scb_backend){&ops, context};
    *ret_backend = &files->backend;
    return SCB_OK;
}

enum scb_status scb_backend_open(const struct scb_command_context *context,
                                 struct scb_backend **ret_backend, struct scb_error *error)
{
    return context->client != NULL ? scb_backend_of_service(context, ret_backend, error)
                                   : scb_backend_of_files(context, ret_backend, error);
}

void scb_backend_close(struct scb_backend *backend)
{
    if (backend != NULL)
        backend->ops->close(backend);
}
