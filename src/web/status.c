/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The routes that show how it stands: status, progress.
 */
#include <stdio.h>

#include "web/view.h"

static void write_progress(struct scb_web_call *call, const char *name)
{
    struct scb_live_view live;
    struct scb_json *json = &call->json;
    scb_live_look(call->desk->live, &live);
    scb_json_open_object(json, name);
    scb_json_text(json, "activity", scb_live_activity_name(live.activity));
    scb_json_text(json, "backup_date", live.backup_date[0] == '\0' ? NULL : live.backup_date);
    scb_json_unsigned(json, "pages", live.pages);
    scb_json_unsigned(json, "total_pages", live.total_pages);
    scb_json_unsigned(json, "reused_pages", live.reused_pages);
    scb_json_unsigned(json, "keys", live.keys);
    scb_json_unsigned(json, "total_keys", live.total_keys);
    scb_json_integer(json, "elapsed_ms", live.elapsed_ms);
    scb_json_time(json, "next_run", live.next_run_ms);
    scb_json_close_object(json);
}

enum scb_status scb_web_progress(struct scb_web_call *call, struct scb_error *error)
{
    (void)error;
    write_progress(call, NULL);
    return SCB_OK;
}

/* How it stands with the backups, in one word. */
struct health {
    const char *word; /* "ok", "empty", "failing", "late", "damaged" */
    char text[512];
};

static enum scb_status note_damage(void *state, const struct scb_check_record *check,
                                   struct scb_error *error)
{
    struct health *health = state;
    (void)error;
    if (check->outcome == SCB_VERIFY_INVALID) {
        health->word = "damaged";
        (void)snprintf(health->text, sizeof(health->text), "%s", check->message);
    }
    return SCB_OK;
}

/* The newest of any state, and the newest completed one; "" as the date where there is none. */
struct newest {
    struct scb_backup_record any, completed;
};

static enum scb_status read_newest(struct scb_catalog *catalog, struct newest *newest,
                                   struct scb_error *error)
{
    struct scb_error problem = {0};
    enum scb_status status = SCB_ERROR_NOT_FOUND;
    if (catalog != NULL)
        status = scb_catalog_newest(catalog, false, &newest->any, &problem);
    if (status == SCB_OK)
        status = scb_catalog_newest(catalog, true, &newest->completed, &problem);
    if (status == SCB_OK || status == SCB_ERROR_NOT_FOUND)
        return SCB_OK;
    *error = problem;
    return status;
}

static enum scb_status judge(const struct scb_web_call *call, struct scb_catalog *catalog,
                             const struct newest *newest, struct health *health,
                             struct scb_error *error)
{
    const struct scb_backup_record *completed = &newest->completed;
    int64_t interval_ms = scb_config_integer(call->desk->config, "backup.chore_interval");
    int64_t now_ms = scb_clock_real_ms(call->desk->clock);
    *health = (struct health){.word = "ok"};
    if (newest->any.backup_date[0] != '\0' && newest->any.state == SCB_BACKUP_FAILED) {
        health->word = "failing";
        (void)snprintf(health->text, sizeof(health->text), "%.511s", newest->any.error_message);
    } else if (completed->backup_date[0] == '\0') {
        health->word = "empty";
    } else if (now_ms - completed->completed_at_ms > 2 * interval_ms) {
        health->word = "late";
    }
    if (completed->backup_date[0] == '\0')
        return SCB_OK;
    return scb_catalog_checks(catalog, completed->backup_date, note_damage, health, error);
}

static enum scb_status write_newest(struct scb_web_call *call, struct scb_catalog *catalog,
                                    const char *name, const struct scb_backup_record *backup,
                                    struct scb_error *error)
{
    if (backup->backup_date[0] != '\0')
        return scb_web_write_backup(call, catalog, name, backup, error);
    scb_json_null(&call->json, name);
    return SCB_OK;
}

static enum scb_status write_status(struct scb_web_call *call, struct scb_catalog *catalog,
                                    struct scb_error *error)
{
    const struct scb_config *config = call->desk->config;
    struct scb_json *json = &call->json;
    struct newest newest = {0};
    struct health health;
    enum scb_status status = read_newest(catalog, &newest, error);
    if (status == SCB_OK)
        status = judge(call, catalog, &newest, &health, error);
    if (status != SCB_OK)
        return status;
    scb_json_open_object(json, NULL);
    scb_json_text(json, "version", SCB_VERSION);
    scb_json_time(json, "now", scb_clock_real_ms(call->desk->clock));
    scb_json_text(json, "health", health.word);
    scb_json_text(json, "health_reason", health.text[0] == '\0' ? NULL : health.text);
    scb_json_text(json, "contract_address", scb_config_text(config, "contract.address"));
    scb_json_integer(json, "chore_interval_ms",
                     scb_config_integer(config, "backup.chore_interval"));
    scb_json_integer(json, "retention_days", scb_config_integer(config, "backup.retention_days"));
    write_progress(call, "progress");
    status = write_newest(call, catalog, "newest", &newest.any, error);
    if (status == SCB_OK)
        status = write_newest(call, catalog, "newest_completed", &newest.completed, error);
    scb_json_close_object(json);
    return status;
}

enum scb_status scb_web_status(struct scb_web_call *call, struct scb_error *error)
{
    struct scb_catalog *catalog = NULL;
    enum scb_status status = scb_web_open_catalog(call, &catalog, error);
    if (status == SCB_OK)
        status = write_status(call, catalog, error);
    scb_catalog_close(catalog);
    return status;
}
