/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/connect.h"

#include <errno.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/sqlite_url.h"
#include "cli/gate.h"
#include "client/records.h"
#include "config/socket_path.h"
#include "config/state_dir.h"

/* Who may not open the files. */
static bool is_stranger(const struct scb_config *config)
{
    struct stat about;
    SCB_AUTO(string) char *state_dir = scb_config_state_dir(config, NULL);
    if (geteuid() == 0 || state_dir == NULL)
        return false;
    bool seen = stat(state_dir, &about) == 0;
    if (seen ? about.st_uid == geteuid() : errno != EACCES)
        return false;
    const char *database = scb_sqlite_url_path(scb_config_text(config, "database.url"), NULL);
    return database != NULL && access(database, R_OK | W_OK) != 0;
}

static bool is_shut_out(const struct scb_config *config)
{
    const char *database = scb_sqlite_url_path(scb_config_text(config, "database.url"), NULL);
    return database != NULL && access(database, R_OK) != 0 && errno == EACCES;
}

/* Another one listens where the machine's service would: that of other files. */
static enum scb_status check_same(struct scb_client *client, const char *state_dir,
                                  const char *path, struct scb_error *error)
{
    SCB_AUTO(json) json_t *answer = NULL;
    enum scb_status status = scb_client_ask(client, "/api/v1/whoami", NULL, &answer, error);
    if (status != SCB_OK)
        return status;
    const char *served = json_string_value(json_object_get(answer, "state_dir"));
    if (served != NULL && strcmp(served, state_dir) == 0)
        return SCB_OK;
    return scb_error_set(error, SCB_ERROR_NOT_FOUND, "the service at %s is of %s, not of %s", path,
                         served == NULL ? "others" : served, state_dir);
}

static enum scb_status try_at(const struct scb_config *config, const char *runtime_dir,
                              const struct scb_cancel *cancel, struct scb_client **ret_client,
                              struct scb_error *error)
{
    SCB_AUTO(string) char *path = scb_config_socket_path(config, runtime_dir, error);
    if (path == NULL)
        return error->status;
    if (path[0] == '\0')
        return scb_error_set(error, SCB_ERROR_NOT_FOUND, "server.socket is none");
    return scb_client_open(path, cancel, ret_client, error);
}

enum scb_status scb_connect(const struct scb_config *config, enum scb_connect_which which,
                            const struct scb_cancel *cancel, struct scb_client **ret_client,
                            struct scb_error *error)
{
    struct scb_client *client = NULL;
    enum scb_status status = try_at(config, NULL, cancel, ret_client, error);
    bool is_auto = strcmp(scb_config_text(config, "server.socket"), "auto") == 0;
    if (status == SCB_OK || !is_auto)
        return status;
    SCB_AUTO(string) char *state_dir = scb_config_state_dir(config, error);
    if (state_dir == NULL)
        return error->status;
    status = try_at(config, SCB_RUNTIME_DIR, cancel, &client, error);
    if (status == SCB_OK && which == SCB_CONNECT_SAME)
        status = check_same(client, state_dir, SCB_RUNTIME_DIR, error);
    if (status != SCB_OK) {
        scb_client_free(client);
        return status;
    }
    *ret_client = client;
    return SCB_OK;
}

/* What an operation is to who may not open the files. */
enum reach {
    FILES,   /* nothing for him */
    OWN,     /* touches none of them */
    SERVICE, /* the service does it */
};

static enum reach reach_of(enum scb_operation_id operation)
{
    static const enum reach reach[SCB_OPERATION_COUNT] = {
        [SCB_OPERATION_config_validate] = OWN,    [SCB_OPERATION_config_show] = OWN,
        [SCB_OPERATION_config_update] = OWN,      [SCB_OPERATION_backup_run] = SERVICE,
        [SCB_OPERATION_backup_retry] = SERVICE,   [SCB_OPERATION_backup_status] = SERVICE,
        [SCB_OPERATION_backup_list] = SERVICE,    [SCB_OPERATION_backup_verify] = SERVICE,
        [SCB_OPERATION_backup_cleanup] = SERVICE, [SCB_OPERATION_cleanup_plan] = SERVICE,
        [SCB_OPERATION_storage_status] = SERVICE, [SCB_OPERATION_backup_metrics] = SERVICE,
        [SCB_OPERATION_health_check] = SERVICE};
    return scb_operation_of(operation)->role == SCB_ROLE_ANYONE ? OWN : reach[operation];
}

static enum scb_status refuse(const struct scb_connect_question *question, struct scb_error *error)
{
    char memory[16384];
    struct stat about;
    struct passwd entry, *owner = NULL;
    SCB_AUTO(string) char *state_dir = scb_config_state_dir(question->config, error);
    (void)scb_error_set(error, SCB_ERROR_ACCESS,
                        "%s opens the backups' files, which only their owner and root may; the "
                        "service does not do it for others",
                        question->line->command->path);
    if (state_dir != NULL && stat(state_dir, &about) == 0 &&
        getpwuid_r(about.st_uid, &entry, memory, sizeof(memory), &owner) == 0 && owner != NULL)
        return scb_error_hint(error, "sudo -u %.64s satellite %s", owner->pw_name,
                              question->line->command->path);
    return scb_error_hint(error, "run it as the owner of the backups");
}

static enum scb_status need_configuration(const struct scb_connect_question *question,
                                          struct scb_error *error)
{
    if (question->hidden_path == NULL)
        return SCB_OK;
    (void)scb_error_set_errno(error, SCB_ERROR_FILE, EACCES, "'%s' not opened",
                              question->hidden_path);
    return scb_error_hint(error, "no service answers you either (server.socket): start it, or run "
                                 "this as the owner of the backups");
}

/* Flags that only say how the command line itself works, and where it finds the service. */
static bool is_of_the_line(const char *setting)
{
    return strncmp(setting, "log.", strlen("log.")) == 0 || strcmp(setting, "server.socket") == 0 ||
           strcmp(setting, "database.url") == 0 || strcmp(setting, "backup.backup_dir") == 0;
}

static enum scb_status refuse_flag(const char *flag, const char *why, struct scb_error *error)
{
    (void)scb_error_set(error, SCB_ERROR_USAGE, "%s: %s", flag, why);
    return scb_error_hint(error, "leave it out, or run it as the owner of the backups");
}

/* What is not sent along would be ignored. */
static enum scb_status check_flags(const struct scb_connect_question *question,
                                   struct scb_error *error)
{
    const struct scb_command_line *line = question->line;
    for (size_t i = 0; i < line->setting_count; i++) {
        struct scb_setting_view view;
        scb_config_describe(question->config, line->settings[i].index, &view);
        if (!is_of_the_line(view.name))
            return refuse_flag(view.flag, "the service does this, with its own settings", error);
    }
    for (size_t i = 0; i < line->option_count; i++)
        if (strcmp(line->options[i].flag, "--passphrase-file") == 0)
            return refuse_flag(line->options[i].flag, "the service takes no passphrase", error);
    return SCB_OK;
}

enum scb_status scb_connect_where_needed(const struct scb_connect_question *question,
                                         struct scb_client **ret_client,
                                         struct scb_error *ret_unreached, struct scb_error *error)
{
    struct scb_error problem = {0};
    bool is_hidden = question->hidden_path != NULL;
    enum reach reach = reach_of(scb_command_operation(question->line));
    if (reach == OWN)
        return need_configuration(question, error);
    if (!is_hidden && !is_stranger(question->config))
        return SCB_OK;
    enum scb_status status =
        scb_connect(question->config, is_hidden ? SCB_CONNECT_ANY : SCB_CONNECT_SAME,
                    question->cancel, ret_client, &problem);
    if (status == SCB_OK)
        return reach == SERVICE ? check_flags(question, error) : refuse(question, error);
    if (!is_hidden && reach == SERVICE && is_shut_out(question->config)) {
        (void)scb_error_wrap(&problem, "no service answers you");
        (void)scb_error_hint(&problem, "start the service, or run this as the owner of the "
                                       "backups");
        *ret_unreached = problem;
    }
    return need_configuration(question, error);
}
