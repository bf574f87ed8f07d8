/* SPDX-License-Identifier: Apache-2.0 */
#include "service/notify.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/file.h"
#include "base/json.h"
#include "base/memory.h"
#include "service/internal.h"
#include "service/notifier.h"

enum { MAX_BODY = 16 * 1024, HOST_SIZE = 256 };

static bool is_readable(const char *path)
{
    SCB_AUTO(fd) int fd = open(path, O_RDONLY | O_CLOEXEC);
    return fd >= 0;
}

/* Why a program cannot be run; NULL where it can. Landlock lets access(2) see what open(2) may
 * not. */
static const char *find_obstacle(const char *program)
{
    if (access(program, X_OK) != 0)
        return strerrordesc_np(errno);
    if (access(program, R_OK) == 0 && !is_readable(program))
        return "it stands outside of what the service may run since its start";
    return NULL;
}

static void check_commands(const struct scb_service *service, const char *setting)
{
    const char *const *targets = scb_config_list(service->parts.config, setting);
    for (; *targets != NULL; targets++) {
        char program[4096];
        if (**targets != '/')
            continue;
        (void)snprintf(program, sizeof(program), "%.*s", (int)strcspn(*targets, " "), *targets);
        const char *obstacle = find_obstacle(program);
        if (obstacle != NULL)
            scb_log_warn(service->parts.log, "Notification command cannot be run",
                         SCB_TEXT("setting", setting), SCB_TEXT("target", program),
                         SCB_TEXT("error", obstacle),
                         SCB_TEXT("hint", "check the path and who may run it; a command in another "
                                          "directory needs a restart of the service"));
    }
}

void scb_notify_check(const struct scb_service *service)
{
    check_commands(service, "notify.on_success");
    check_commands(service, "notify.on_failure");
}

/* The notifier is there once there is somebody to tell. */
static struct scb_notifier *notifier_of(struct scb_service *service)
{
    struct scb_error error = {0};
    const struct scb_notifier_settings settings = {
        .log = service->parts.log,
        .ca_file = scb_config_text(service->parts.config, "notify.ca_file")};
    if (service->notifier == NULL &&
        scb_notifier_new(&settings, &service->notifier, &error) != SCB_OK)
        scb_log_warn(service->parts.log, "Notification not delivered",
                     SCB_TEXT("error", error.message));
    return service->notifier;
}

static void send(struct scb_service *service, const char *target, struct scb_bytes body)
{
    struct scb_notifier *notifier = notifier_of(service);
    if (notifier != NULL)
        scb_notifier_send(notifier, target,
                          scb_config_text(service->parts.config, "notify.webhook_secret"), body);
}

static void send_all(struct scb_service *service, const char *setting, struct scb_json *json)
{
    struct scb_error error = {0};
    scb_json_close_object(json);
    if (scb_json_finish(json, &error) != SCB_OK) {
        scb_log_warn(service->parts.log, "Notification not made", SCB_TEXT("error", error.message));
        return;
    }
    const char *const *targets = scb_config_list(service->parts.config, setting);
    for (; *targets != NULL; targets++)
        send(service, *targets, scb_buffer_bytes(json->out));
}

/* What every body begins with. */
static void begin(const struct scb_service *service, const char *event, const char *backup_date,
                  struct scb_json *json, struct scb_buffer *body)
{
    char now[SCB_TIMESTAMP_SIZE], host[HOST_SIZE] = "";
    scb_timestamp_format(scb_clock_real_ms(service->clock), now);
    (void)gethostname(host, sizeof(host) - 1);
    scb_json_begin(json, body);
    scb_json_open_object(json, NULL);
    scb_json_text(json, "event", event);
    scb_json_text(json, "ts", now);
    scb_json_text(json, "host", host);
    scb_json_text(json, "version", SCB_VERSION);
    scb_json_text(json, "backup_date", backup_date);
    if (service->run_id[0] != '\0')
        scb_json_text(json, "run_id", service->run_id);
    scb_json_text(json, "contract", scb_config_text(service->parts.config, "contract.address"));
}

void scb_notify_completed(struct scb_service *service, const struct scb_backup_result *result)
{
    const struct scb_backup_record *backup = &result->backup;
    const char *heartbeat = scb_config_text(service->parts.config, "notify.heartbeat_url");
    SCB_AUTO(buffer) struct scb_buffer body = {.max = MAX_BODY};
    struct scb_json json;
    if (heartbeat[0] != '\0')
        send(service, heartbeat, (struct scb_bytes){0});
    begin(service, "backup_completed", backup->backup_date, &json, &body);
    scb_json_integer(&json, "total_keys", backup->total_keys);
    scb_json_integer(&json, "total_pages", backup->total_pages);
    scb_json_integer(&json, "file_size", backup->file_size);
    scb_json_text(&json, "file_path", backup->backup_file_path);
    scb_json_text(&json, "checksum", backup->checksum);
    scb_json_integer(&json, "block_number", backup->block_number);
    scb_json_text(&json, "block_hash", backup->block_hash);
    scb_json_integer(&json, "duration_ms", result->duration_ms);
    send_all(service, "notify.on_success", &json);
}

void scb_notify_failed(struct scb_service *service, const char *event, const char *backup_date,
                       const struct scb_error *failure)
{
    SCB_AUTO(buffer) struct scb_buffer body = {.max = MAX_BODY};
    struct scb_json json;
    if (failure->status == SCB_ERROR_CANCELED)
        return;
    begin(service, event, backup_date, &json, &body);
    scb_json_text(&json, "error_type", scb_status_name(failure->status));
    scb_json_text(&json, "error", failure->message);
    scb_json_text(&json, "hint", failure->hint);
    scb_json_boolean(&json, "retryable", failure->retryable);
    send_all(service, "notify.on_failure", &json);
}
