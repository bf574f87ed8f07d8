/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The routes that show whether all is well around the backups: health, disk; and who asks.
 */
#include "base/memory.h"
#include "config/state_dir.h"
#include "web/view.h"

enum scb_status scb_web_healthz(struct scb_web_call *call, struct scb_error *error)
{
    bool silent = scb_service_is_silent(call->desk->service);
    (void)error;
    scb_json_open_object(&call->json, NULL);
    scb_json_text(&call->json, "status", silent ? "silent" : "ok");
    scb_json_text(&call->json, "version", SCB_VERSION);
    scb_json_close_object(&call->json);
    call->reply->status = silent ? 503 : 200;
    return SCB_OK;
}

static enum scb_status check_database(const struct scb_web_call *call, struct scb_error *error)
{
    struct scb_catalog *catalog = NULL;
    struct scb_backup_record newest;
    enum scb_status status = scb_web_open_catalog(call, &catalog, error);
    if (status == SCB_OK && catalog != NULL)
        status = scb_catalog_newest(catalog, false, &newest, error);
    scb_catalog_close(catalog);
    return status == SCB_ERROR_NOT_FOUND ? SCB_OK : status;
}

/* A directory that is not there yet is the first backup's to make. */
static enum scb_status check_disk(const struct scb_web_call *call, struct scb_error *error)
{
    struct scb_error problem = {0};
    enum scb_status status = scb_service_check_space(call->desk->service, &problem);
    if (status == SCB_OK || status == SCB_ERROR_NOT_FOUND)
        return SCB_OK;
    *error = problem;
    return status;
}

static void write_check(struct scb_json *json, const char *name, enum scb_status status)
{
    scb_json_text(json, name, status == SCB_OK ? "ok" : scb_status_name(status));
}

enum scb_status scb_web_readyz(struct scb_web_call *call, struct scb_error *error)
{
    struct scb_error database = {0}, disk = {0};
    (void)error;
    (void)check_database(call, &database);
    (void)check_disk(call, &disk);
    bool ready = database.status == SCB_OK && disk.status == SCB_OK;
    scb_json_open_object(&call->json, NULL);
    scb_json_text(&call->json, "status", ready ? "ok" : "unavailable");
    write_check(&call->json, "database", database.status);
    write_check(&call->json, "disk", disk.status);
    scb_json_close_object(&call->json);
    call->reply->status = ready ? 200 : 503;
    return SCB_OK;
}

/* Users of this machine are told whose service this is, too: they look for the one of a
 * configuration. */
enum scb_status scb_web_whoami(struct scb_web_call *call, struct scb_error *error)
{
    SCB_AUTO(string) char *state_dir = scb_config_state_dir(call->desk->config, error);
    if (state_dir == NULL)
        return error->status;
    scb_json_open_object(&call->json, NULL);
    scb_json_text(&call->json, "caller", call->is_known ? call->caller.text : NULL);
    scb_json_text(&call->json, "role", scb_role_name(call->role));
    if (call->request->peer.is_local)
        scb_json_text(&call->json, "state_dir", state_dir);
    scb_json_close_object(&call->json);
    return SCB_OK;
}

static enum scb_status add_storage(void *state, const struct scb_storage_backup *backup,
                                   struct scb_error *error)
{
    struct scb_json *json = state;
    (void)error;
    scb_json_open_object(json, NULL);
    scb_json_text(json, "backup_date", backup->backup_date);
    scb_json_boolean(json, "known", backup->known);
    scb_json_text(json, "status", backup->known ? scb_backup_state_name(backup->state) : NULL);
    scb_json_boolean(json, "held", backup->held);
    scb_json_count(json, "total_keys", backup->total_keys);
    scb_json_unsigned(json, "size", backup->bytes);
    scb_json_close_object(json);
    return SCB_OK;
}

enum scb_status scb_web_storage(struct scb_web_call *call, struct scb_error *error)
{
    struct scb_storage_status storage = {0};
    struct scb_json *json = &call->json;
    struct scb_error problem = {0};
    scb_json_open_object(json, NULL);
    scb_json_open_array(json, "backups");
    enum scb_status status =
        scb_service_storage(call->desk->service, add_storage, json, &storage, &problem);
    bool none = status == SCB_ERROR_NOT_FOUND;
    scb_json_close_array(json);
    scb_json_unsigned(json, "used_bytes", storage.used_bytes);
    if (none)
        scb_json_null(json, "free_bytes");
    else
        scb_json_unsigned(json, "free_bytes", storage.free_bytes);
    scb_json_count(json, "bytes_per_backup", none ? -1 : storage.bytes_per_backup);
    scb_json_count(json, "days_until_full", none ? -1 : storage.days_until_full);
    scb_json_close_object(json);
    if (status != SCB_OK && !none)
        *error = problem;
    return none ? SCB_OK : status;
}
