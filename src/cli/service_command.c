/* SPDX-License-Identifier: Apache-2.0 */
/*
 * run backup: the service, and what it does with settings that change while it runs. SIGHUP is its
 * own here: read the settings again, open the log file again.
 */
#include <signal.h>
#include <string.h>

#include "cli/gate.h"
#include "cli/handlers.h"
#include "cli/open.h"
#include "cli/sandbox.h"
#include "service/scheduler.h"

static struct scb_cancel *reload_asked;
static struct scb_log *reopened_log;

static void on_hangup(int number)
{
    (void)number;
    scb_log_reopen(reopened_log);
    scb_cancel_request(reload_asked);
}

struct changes {
    struct scb_log *log;
    size_t taken;
};

static void log_change(void *state, const char *name, bool taken)
{
    struct changes *changes = state;
    changes->taken += taken ? 1 : 0;
    if (taken)
        scb_log_info(changes->log, "Setting changed", SCB_TEXT("setting", name));
    else
        scb_log_warn(changes->log, "Setting changed, but it needs a restart",
                     SCB_TEXT("setting", name));
}

static void say_why_not(const struct scb_command_context *context, struct scb_error *error)
{
    bool has_walls = strcmp(scb_config_text(context->config, "backup.sandbox"), "off") != 0;
    if (has_walls && (error->status == SCB_ERROR_FILE || error->status == SCB_ERROR_NOT_FOUND))
        (void)scb_error_hint(error, "is it there, and in a directory that was configured at the "
                                    "start? The sandbox lets no other in until a restart");
    scb_log_failure(context->log, "Configuration not taken over, the old one stays", NULL, error);
}

/* An invalid configuration is logged; what is in force stays. */
static bool reload(void *state)
{
    const struct scb_command_context *context = state;
    struct changes changes = {.log = context->log};
    struct scb_config *fresh = NULL;
    struct scb_error error = {0};
    enum scb_status status = context->read_config(context->run, &fresh, &error);
    if (status == SCB_OK)
        status = scb_service_check_backups(fresh, true, &error); /* TLS is for its server to see */
    if (status == SCB_OK)
        status = scb_command_gate_check(fresh, &error);
    if (status == SCB_OK)
        status = scb_config_take_over(context->config, fresh, log_change, &changes, &error);
    if (status == SCB_OK) /* before the old texts go, which some of it may still point to */
        context->take_settings(context->run);
    else
        say_why_not(context, &error);
    scb_config_free(fresh);
    return changes.taken > 0;
}

static enum scb_status serve(const struct scb_command_context *context, struct scb_error *error)
{
    struct scb_progress_line line;
    struct scb_service *service = NULL;
    struct scb_service_parts parts = {
        .reload = reload, .reload_state = (void *)(uintptr_t)context, .reload_asked = reload_asked};
    enum scb_status status = scb_sandbox_service(context, error);
    if (status == SCB_OK)
        status = scb_command_open_with(context, &parts, &line, &service, error);
    if (status != SCB_OK)
        return status;
    status = scb_service_run(service, error);
    scb_command_close(&line, service);
    return status;
}

enum scb_status scb_command_run_backup(const struct scb_command_context *context,
                                       struct scb_error *error)
{
    enum scb_status status = scb_cancel_new(&reload_asked, error);
    if (status != SCB_OK)
        return status;
    reopened_log = context->log;
    struct sigaction action = {.sa_handler = on_hangup, .sa_flags = SA_RESTART}, before;
    (void)sigemptyset(&action.sa_mask);
    (void)sigaction(SIGHUP, &action, &before);
    status = serve(context, error);
    (void)sigaction(SIGHUP, &before, NULL);
    scb_cancel_free(reload_asked);
    return status;
}
