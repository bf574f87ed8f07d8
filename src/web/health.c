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

/* Before the first backup there is nothing in it. */
static enum scb_status check_database(const struct scb_web_call *call)
{
    struct scb_catalog *catalog = NULL;
    struct scb_backup_record newest;
    struct scb_error why = {0};
    enum scb_status status = scb_web_open_catalog(call, &catalog, &why);
    if (status == SCB_OK && catalog != NULL)
        status = scb_catalog_newest(catalog, false, &newest, &why);
    scb_catalog_close(catalog);
    return status == SCB_ERROR_NOT_FOUND ? SCB_OK : status;
}

/* A directory that is not there yet is the first backup's to make. */
static enum scb_status check_disk(const struct scb_web_call *call)
{
    struct scb_error why = {0};
    enum scb_status status = scb_service_check_space(call->desk->service, &why);
    return status == SCB_ERROR_NOT_FOUND ? SCB_OK : status;
}

static void write_check(struct scb_json *json, const char *name, enum scb_status status)
{
    scb_json_text(json, name, status == SCB_OK ? "ok" : scb_status_name(status));
}

enum scb_status scb_web_readyz(struct scb_web_call *call, struct scb_error *error)
{
    enum scb_status database = check_database(call), disk = check_disk(call);
    bool ready = database == SCB_OK && disk == SCB_OK;
    (void)error;
    scb_json_open_object(&call->json, NULL);
    scb_json_text(&call->json, "status", ready ? "ok" : "unavailable");
    write_check(&call->json, "database", database);
    write_check(&call->json, "disk", disk);
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
