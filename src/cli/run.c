/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/run.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/file_watch.h"
#include "base/log.h"
#include "base/memory.h"
#include "cli/command_line.h"
#include "cli/connect.h"
#include "cli/failure.h"
#include "cli/gate.h"
#include "cli/help.h"
#include "cli/output.h"
#include "cli/owner.h"
#include "cli/stuck.h"
#include "scb/config.h"

const char scb_default_config_path[] = "/etc/satellite/backup-config.yaml";

enum { MAX_WARNINGS = 16, LAST_WORDS_MS = 5000 };

/* All that a run of a command holds. */
struct run {
    struct scb_command_line line;
    const char *const *environment;
    struct scb_config *config;
    const char *config_path; /* that was loaded; NULL for none */
    struct scb_log *log;
    char run_id[SCB_RUN_ID_SIZE];
    int log_fd;
    bool log_is_json;
    struct scb_caller caller;        /* who has called, also where root has become another */
    char owner[SCB_OWNER_NAME_SIZE]; /* whom root has become; "" */
    bool config_is_hidden;           /* the default file, from this user */
    struct scb_client *client;       /* of the service that does it; else NULL */
    struct scb_error unreached;      /* why that does not do it where only it could; else SCB_OK */
    struct scb_config *gate_config;  /* where it is not config */
    struct scb_command_gate *gate;   /* NULL where anyone may */
    /* Unknown variables, until there is a log. */
    struct {
        char name[128], nearest[SCB_CONFIG_NAME_SIZE];
    } warnings[MAX_WARNINGS];
    size_t warning_count;
};

static void run_cleanup(struct run *run)
{
    scb_client_free(run->client);
    scb_command_gate_free(run->gate);
    scb_config_free(run->gate_config);
    scb_log_free(run->log);
    if (run->log_fd > STDERR_FILENO)
        (void)close(run->log_fd);
    scb_config_free(run->config);
    scb_command_line_cleanup(&run->line);
}

static void note_unknown_variable(void *state, const char *name, const char *nearest)
{
    struct run *run = state;
    if (run->warning_count == MAX_WARNINGS)
        return;
    size_t i = run->warning_count++;
    (void)snprintf(run->warnings[i].name, sizeof(run->warnings[i].name), "%s", name);
    (void)snprintf(run->warnings[i].nearest, sizeof(run->warnings[i].nearest), "%s",
                   nearest == NULL ? "" : nearest);
}

/* The file that was asked for must be there, the default one need not. */
static const char *find_file(const struct run *run)
{
    if (run->line.config_path != NULL)
        return run->line.config_path;
    bool none = access(scb_default_config_path, F_OK) != 0 && errno == ENOENT;
    return none ? NULL : scb_default_config_path;
}

static enum scb_status load_flags(const struct run *run, struct scb_config *config,
                                  struct scb_error *error)
{
    enum scb_status status = SCB_OK;
    for (size_t i = 0; i < run->line.setting_count && status == SCB_OK; i++) {
        struct scb_setting_view view;
        scb_config_describe(config, run->line.settings[i].index, &view);
        status = scb_config_set(config, view.name, run->line.settings[i].value, view.flag, error);
    }
    return status;
}

static enum scb_status load_config(struct run *run, struct scb_error *error)
{
    enum scb_readiness readiness = run->line.command->readiness;
    enum scb_status status = scb_config_new(&run->config, error);
    if (status == SCB_OK && readiness >= SCB_READINESS_LOADED) {
        run->config_path = find_file(run);
        run->config_is_hidden = run->config_path == scb_default_config_path &&
                                access(run->config_path, R_OK) != 0 && errno == EACCES;
        if (run->config_path != NULL && !run->config_is_hidden)
            status = scb_config_load_file(run->config, run->config_path, error);
        if (status == SCB_OK)
            status = scb_config_load_environment(run->config, run->environment,
                                                 note_unknown_variable, run, error);
    }
    if (status == SCB_OK && readiness >= SCB_READINESS_FLAGS)
        status = load_flags(run, run->config, error);
    return status;
}

/* What a file (NULL: none) and the environment say, and the flags where they are settings. */
static enum scb_status read_settings(const struct run *run, const char *path, bool with_flags,
                                     struct scb_config **ret_config, struct scb_error *error)
{
    struct scb_config *config = NULL;
    enum scb_status status = scb_config_new(&config, error);
    if (status == SCB_OK && path != NULL)
        status = scb_config_load_file(config, path, error);
    if (status == SCB_OK)
        status = scb_config_load_environment(config, run->environment, NULL, NULL, error);
    if (status == SCB_OK && with_flags)
        status = load_flags(run, config, error);
    if (status != SCB_OK) {
        scb_config_free(config);
        return status;
    }
    *ret_config = config;
    return SCB_OK;
}

/* For who runs on while they change. A file that was not there at the start is not looked for. */
static enum scb_status read_config(const void *state, struct scb_config **ret_config,
                                   struct scb_error *error)
{
    const struct run *run = state;
    return read_settings(run, run->config_path, true, ret_config, error);
}

static enum scb_log_level level_of(const struct run *run)
{
    static const char *const names[] = {[SCB_LOG_ERROR] = "error",
                                        [SCB_LOG_WARN] = "warn",
                                        [SCB_LOG_INFO] = "info",
                                        [SCB_LOG_DEBUG] = "debug"};
    const char *wanted = scb_config_text(run->config, "log.level");
    size_t level = 0;
    while (strcmp(names[level], wanted) != 0) {
        level++;
        assert(level < SCB_LENGTH(names));
    }
    bool on_screen = run->log_fd == STDERR_FILENO;
    return run->line.quiet && on_screen ? SCB_LOG_ERROR : (enum scb_log_level)level;
}

static void take_settings(const void *state)
{
    const struct run *run = state;
    scb_log_set_level(run->log, level_of(run));
    scb_command_gate_renew(run->gate);
}

static enum scb_status open_log(struct run *run, struct scb_error *error)
{
    /* Commands that only know flags log nothing; config init takes the file's name to write it. The
     * log of what the service does, or would do, is the service's. */
    bool has_log = run->line.command->readiness > SCB_READINESS_FLAGS && run->client == NULL &&
                   run->unreached.status == SCB_OK;
    const char *path = has_log ? scb_config_text(run->config, "log.file") : "";
    const char *format = scb_config_text(run->config, "log.format");
    if (path[0] != '\0') {
        run->log_fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
        if (run->log_fd < 0) {
            scb_error_set_errno(error, SCB_ERROR_FILE, errno, "log file '%s' not opened", path);
            return scb_error_hint(error, "set log.file to a file that can be written");
        }
    }
    run->log_is_json =
        strcmp(format, "json") == 0 || (strcmp(format, "auto") == 0 && isatty(run->log_fd) != 1);
    enum scb_log_format log_format = run->log_is_json ? SCB_LOG_JSON : SCB_LOG_CONSOLE;
    enum scb_status status =
        scb_log_new(run->log_fd, level_of(run), log_format, scb_clock_system(), &run->log, error);
    scb_log_set_own_run(run->log, run->run_id);
    if (status == SCB_OK && path[0] != '\0')
        scb_log_set_path(run->log, path); /* log.file is not changed while it runs */
    if (status == SCB_OK && path[0] == '\0')
        scb_log_set_priorities(run->log, scb_log_is_journal(run->log_fd, getenv("JOURNAL_STREAM")));
    for (size_t i = 0; i < run->warning_count && status == SCB_OK; i++)
        scb_log_warn(run->log, "Unknown environment variable",
                     SCB_TEXT("name", run->warnings[i].name),
                     SCB_TEXT("nearest", run->warnings[i].nearest));
    return status;
}

/* Help, where it was asked for by a flag or the words are only the begin of commands. */
static bool show_help(const struct scb_command_line *line)
{
    if (line->command != NULL && line->help)
        scb_help_command(stdout, line->command);
    else if (line->command == NULL)
        scb_help_group(line->help ? stdout : stderr, line->words, line->word_count);
    return line->command == NULL || line->help;
}

/* Before there is a log, a flag is all that is known of its form. */
static bool wants_json_log(const struct run *run)
{
    if (run->log != NULL)
        return run->log_fd == STDERR_FILENO && run->log_is_json;
    bool wants = false;
    for (size_t i = 0; i < run->line.setting_count; i++)
        if ((int)run->line.settings[i].index == scb_config_find_flag("--log-format"))
            wants = strcmp(run->line.settings[i].value, "json") == 0;
    return wants;
}

static void show_error(const void *shown_by, const struct scb_error *failure)
{
    const struct run *run = shown_by;
    scb_failure_show(failure, run->line.json || wants_json_log(run), run->run_id,
                     run->log_fd == STDERR_FILENO ? NULL : run->log);
}

static void end_stuck(void *state, const struct scb_error *error)
{
    scb_stuck_end(show_error, state, error, LAST_WORDS_MS);
}

/* Whatever a command does with its date: a wrong one is said before anything is opened. */
static enum scb_status check_date(const struct scb_command_line *line, struct scb_error *error)
{
    enum scb_status status = SCB_OK;
    for (size_t i = 0; i < line->option_count && status == SCB_OK; i++)
        if (strcmp(line->options[i].flag, "--backup-date") == 0)
            status = scb_backup_date_parse(line->options[i].value, NULL, error);
    return status == SCB_OK ? SCB_OK : scb_error_wrap(error, "--backup-date");
}

static enum scb_status call_handler(struct run *run, const struct scb_cancel *cancel,
                                    const struct scb_passage *passage, struct scb_error *error)
{
    const struct scb_command_line *line = &run->line;
    const struct scb_command_context context = {
        .command = line->command,
        .config = run->config,
        .config_path = run->config_path != NULL ? run->config_path : line->config_path,
        .log = run->log,
        .cancel = cancel,
        .gate = run->gate == NULL ? NULL : scb_command_gate_parts(run->gate),
        .passage = passage,
        .state_dir = run->gate == NULL ? NULL : scb_command_gate_state_dir(run->gate),
        .client = run->client,
        .progress = line->quiet ? SCB_PROGRESS_NEVER : line->progress,
        .json = line->json,
        .quiet = line->quiet,
        .arguments = line->words + line->command_words,
        .argument_count = line->word_count - line->command_words,
        .options = line->options,
        .option_count = line->option_count,
        .end_stuck = end_stuck,
        .read_config = read_config,
        .take_settings = take_settings,
        .settings = line->settings,
        .setting_count = line->setting_count,
        .run = run,
    };
    return line->command->run(&context, error);
}

static enum scb_status check_and_call(struct run *run, const struct scb_cancel *cancel,
                                      const struct scb_passage *passage, struct scb_error *error)
{
    enum scb_status status = SCB_OK;
    if (run->line.command->readiness == SCB_READINESS_CHECKED)
        status = scb_config_check(run->config, error);
    return status == SCB_OK ? call_handler(run, cancel, passage, error) : status;
}

/* The service's end has a head, so that no line of it can be cut off unseen. */
static void end_audit(const struct run *run, const struct scb_passage *passage,
                      enum scb_status result)
{
    struct scb_error error = {0};
    const struct scb_gate *gate = scb_command_gate_parts(run->gate);
    scb_gate_end(gate, passage, result);
    if (run->line.command->operation == SCB_OPERATION_run_backup &&
        scb_audit_sign(&gate->audit, &error) != SCB_OK)
        scb_log_failure(run->log, "Audit log's head not made", NULL, &error);
}

/* What changes the configuration is let through by the one that is in force: without its flags. */
static enum scb_status make_gate(struct run *run, struct scb_error *error)
{
    const struct scb_config *config = run->config;
    const char *path = run->config_path;
    enum scb_status status = SCB_OK;
    if (run->line.command->readiness < SCB_READINESS_LOADED) {
        path = find_file(run);
        status = read_settings(run, path, false, &run->gate_config, error);
        config = run->gate_config;
    }
    if (status == SCB_OK)
        status = scb_command_gate_new(config, path, run->log, &run->gate, error);
    bool broken = status == SCB_ERROR_VALIDATION || status == SCB_ERROR_FILE;
    if (broken && path != NULL && access(path, F_OK) == 0 &&
        run->line.command->operation == SCB_OPERATION_config_update)
        status = scb_command_gate_new_for_mending(run->config, path, run->log, &run->gate, error);
    return status;
}

/* Through the gate, except for what anyone may do. */
static enum scb_status pass_gate(struct run *run, const struct scb_cancel *cancel,
                                 struct scb_error *error)
{
    struct scb_passage passage;
    /* The service has a gate of its own, and other settings. */
    if (run->client != NULL ||
        scb_operation_of(run->line.command->operation)->role == SCB_ROLE_ANYONE)
        return call_handler(run, cancel, NULL, error);
    enum scb_status status = make_gate(run, error);
    if (status == SCB_OK)
        status = scb_command_gate_begin(run->gate, &run->caller, &run->line, &passage, error);
    bool is_unreached = run->unreached.status != SCB_OK && status != SCB_ERROR_ACCESS;
    if (is_unreached)
        *error = run->unreached;
    if (status != SCB_OK)
        return error->status;
    status = is_unreached ? error->status : check_and_call(run, cancel, &passage, error);
    end_audit(run, &passage, status);
    return status;
}

static enum scb_status pass_watched(struct run *run, const struct scb_cancel *cancel,
                                    struct scb_file_watch *watch, struct scb_error *error)
{
    SCB_FILE_WATCHED(watch);
    return pass_gate(run, cancel, error);
}

/* All of a command's file operations. The service has a watch of its own, whose thread starts
 * inside the sandbox: this one would stay outside. */
static enum scb_status watch_and_pass(struct run *run, const struct scb_cancel *cancel,
                                      struct scb_error *error)
{
    if (run->line.command->operation == SCB_OPERATION_run_backup)
        return pass_gate(run, cancel, error);
    struct scb_file_watch *watch = NULL;
    int64_t timeout_ms = scb_config_integer(run->config, "backup.file_operation_timeout");
    enum scb_status status = scb_file_watch_start(timeout_ms, end_stuck, run, &watch, error);
    if (status == SCB_OK)
        status = pass_watched(run, cancel, watch, error);
    scb_file_watch_stop(watch);
    return status;
}

/* As whom, and where, it is to be done. */
static enum scb_status find_place(struct run *run, const struct scb_cancel *cancel,
                                  struct scb_error *error)
{
    const struct scb_connect_question question = {
        .config = run->config,
        .hidden_path = run->config_is_hidden ? run->config_path : NULL,
        .line = &run->line,
        .cancel = cancel};
    if (run->line.command->readiness < SCB_READINESS_LOADED)
        return SCB_OK;
    enum scb_status status =
        scb_owner_become(scb_config_text(run->config, "backup.backup_dir"), run->owner, error);
    return status == SCB_OK
               ? scb_connect_where_needed(&question, &run->client, &run->unreached, error)
               : status;
}

/* Root wonders why it may not write somewhere. */
static void explain_owner(const struct run *run, struct scb_error *error)
{
    if (run->owner[0] != '\0' && error->status == SCB_ERROR_FILE && error->hint[0] == '\0')
        (void)scb_error_hint(error, "root does this as %s, the owner of backup.backup_dir",
                             run->owner);
}

static enum scb_status run_command(struct run *run, const struct scb_cancel *cancel,
                                   struct scb_error *error)
{
    scb_caller_process(&run->caller);
    enum scb_status status = check_date(&run->line, error);
    if (status == SCB_OK)
        status = load_config(run, error);
    if (status == SCB_OK)
        status = find_place(run, cancel, error);
    if (status == SCB_OK)
        status = open_log(run, error);
    if (status == SCB_OK)
        status = watch_and_pass(run, cancel, error);
    if (status != SCB_OK)
        explain_owner(run, error);
    return status;
}

int scb_cli_run(int argc, char *const *argv, const char *const *environment,
                const struct scb_cancel *cancel)
{
    __attribute__((cleanup(run_cleanup))) struct run run = {.log_fd = STDERR_FILENO,
                                                            .environment = environment};
    struct scb_error error = {0};
    scb_run_id_new(run.run_id);
    enum scb_status status = scb_command_line_parse(argc, argv, &run.line, &error);
    enum scb_status quiet_status = SCB_OK; /* a failure that the help has explained */
    if (status == SCB_OK && show_help(&run.line))
        quiet_status = run.line.help ? SCB_OK : SCB_ERROR_USAGE;
    else if (status == SCB_OK)
        status = run_command(&run, cancel, &error);
    struct scb_error output_error = {0};
    if (scb_output_finish(&output_error) != SCB_OK &&
        (status == SCB_OK || status == SCB_ERROR_DIFFERENT)) {
        status = output_error.status;
        error = output_error;
    }
    if (status != SCB_OK && status != SCB_ERROR_DIFFERENT) /* an answer, not a failure */
        show_error(&run, &error);
    return (int)(status != SCB_OK ? status : quiet_status);
}
