/* SPDX-License-Identifier: Apache-2.0 */
#include "web/view.h"

#include "base/text.h"
#include "view/backup_view.h"

enum scb_status scb_web_open_catalog(const struct scb_web_call *call,
                                     struct scb_catalog **ret_catalog, struct scb_error *error)
{
    struct scb_error problem = {0};
    enum scb_status status = scb_service_open_catalog(call->desk->service, ret_catalog, &problem);
    if (status == SCB_OK || status == SCB_ERROR_NOT_FOUND)
        return SCB_OK;
    *error = problem;
    return status;
}

static enum scb_status add_check(void *state, const struct scb_check_record *check,
                                 struct scb_error *error)
{
    struct scb_json *json = state;
    (void)error;
    scb_view_check(json, check);
    return SCB_OK;
}

/* Whoever may not read backup_dir's locks is not told who works. */
static void write_interrupted(struct scb_web_call *call, struct scb_catalog *catalog,
                              struct scb_backup_record *backup)
{
    bool interrupted = false;
    struct scb_error none = {0};
    enum scb_status status =
        scb_service_interrupted(call->desk->service, catalog, backup, &interrupted, &none);
    if (status == SCB_OK)
        scb_json_boolean(&call->json, "interrupted", interrupted);
    else
        scb_json_null(&call->json, "interrupted");
}

enum scb_status scb_web_write_backup(struct scb_web_call *call, struct scb_catalog *catalog,
                                     const char *name, const struct scb_backup_record *record,
                                     struct scb_error *error)
{
    struct scb_backup_record backup = *record;
    scb_json_open_object(&call->json, name);
    if (backup.state == SCB_BACKUP_IN_PROGRESS)
        write_interrupted(call, catalog, &backup);
    else
        scb_json_boolean(&call->json, "interrupted", false);
    scb_view_backup_columns(&call->json, &backup);
    scb_view_backup_progress(&call->json, &backup);
    scb_json_boolean(&call->json, "held", backup.held);
    scb_json_open_array(&call->json, "checks");
    enum scb_status status =
        scb_catalog_checks(catalog, backup.backup_date, add_check, &call->json, error);
    scb_json_close_array(&call->json);
    scb_json_close_object(&call->json);
    return status;
}

enum scb_status scb_web_find_backup(const struct scb_web_call *call,
                                    struct scb_catalog **ret_catalog,
                                    struct scb_backup_record *ret_backup, struct scb_error *error)
{
    enum scb_status status = scb_web_date(call, error);
    if (status == SCB_OK)
        status = scb_service_open_catalog(call->desk->service, ret_catalog, error);
    if (status == SCB_OK)
        status = scb_catalog_get(*ret_catalog, call->segment, ret_backup, error);
    return status;
}

enum scb_status scb_web_age(const struct scb_web_call *call, const char *age,
                            struct scb_retention_policy *policy, struct scb_error *error)
{
    policy->older_than_ms = -1;
    if (age != NULL && scb_text_parse_duration_ms(age, &policy->older_than_ms, error) != SCB_OK)
        return scb_error_wrap(error, "older_than");
    if (age != NULL || scb_config_integer(call->desk->config, "backup.retention_days") > 0)
        return SCB_OK;
    scb_error_set(error, SCB_ERROR_VALIDATION,
                  "older_than is missing, and backup.retention_days is 0");
    return scb_error_hint(error, "older_than is a time as in 30d");
}
