/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/gate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include "base/memory.h"
#include "base/text.h"
#include "config/state_dir.h"
#include "crypto/digest.h"

enum { MAX_SHOWN = 4 * SCB_AUDIT_MAX_ARGUMENT };

struct scb_command_gate {
    struct scb_gate gate;
    struct scb_bindings *bindings;
    struct scb_log *log;
    const struct scb_config *config;
    char *state_dir, *audit_path;
    const char *owned[3];
    char **arguments; /* redacted */
    size_t argument_count;
};

static void log_head(void *state, uint64_t seq, const char *hash, bool is_signed)
{
    const struct scb_command_gate *gate = state;
    scb_log_info(gate->log, "Audit log head", SCB_NUMBER("seq", seq), SCB_TEXT("hash", hash),
                 SCB_FLAG("signed", is_signed));
}

static void log_warning(void *state, const struct scb_error *problem)
{
    const struct scb_command_gate *gate = state;
    scb_log_warn(gate->log, "Audit log", SCB_TEXT("error", problem->message),
                 SCB_TEXT("hint", problem->hint));
}

/* The system's own log takes from everybody, and keeps from everybody. */
static void to_system_log(void *state, const char *line)
{
    (void)state;
    openlog("satellite", LOG_PID, LOG_AUTHPRIV);
    syslog(LOG_NOTICE, "audit: %s", line);
    closelog();
}

static enum scb_status parse_bindings(const struct scb_config *config,
                                      struct scb_bindings **ret_bindings, struct scb_error *error)
{
    enum scb_status status =
        scb_bindings_parse(scb_config_list(config, "access.bindings"), ret_bindings, error);
    if (status == SCB_OK)
        return SCB_OK;
    struct scb_setting_view view;
    scb_config_describe(config, (size_t)scb_config_find_flag("--access-bindings"), &view);
    return scb_error_wrap(error, "%s: access.bindings", view.origin);
}

enum scb_status scb_command_gate_check(const struct scb_config *config, struct scb_error *error)
{
    struct scb_bindings *bindings = NULL;
    enum scb_status status = parse_bindings(config, &bindings, error);
    scb_bindings_free(bindings);
    if (status != SCB_OK)
        return status;
    SCB_AUTO(string) char *state_dir = scb_config_state_dir(config, error);
    return state_dir == NULL ? error->status : SCB_OK;
}

static enum scb_status find_paths(struct scb_command_gate *gate, struct scb_error *error)
{
    const char *path = scb_config_text(gate->config, "audit.path");
    gate->state_dir = scb_config_state_dir(gate->config, error);
    if (gate->state_dir == NULL)
        return error->status;
    gate->audit_path = path[0] != '\0' ? scb_strdup(path, error)
                                       : scb_format(error, "%saudit.log", gate->state_dir);
    gate->owned[0] = scb_config_text(gate->config, "backup.backup_dir");
    gate->owned[1] = gate->state_dir;
    return gate->audit_path == NULL ? SCB_ERROR_RESOURCE : SCB_OK;
}

/* What of the gate is in settings that may change while it stands. */
static enum scb_status take_live_settings(struct scb_command_gate *gate, struct scb_error *error)
{
    struct scb_bindings *bindings = NULL;
    gate->gate.audit.cert_path = scb_config_text(gate->config, "identity.cert_path");
    gate->gate.audit.key_path = scb_config_text(gate->config, "identity.key_path");
    enum scb_status status = parse_bindings(gate->config, &bindings, error);
    if (status != SCB_OK)
        return status;
    scb_bindings_free(gate->bindings);
    gate->gate.bindings = gate->bindings = bindings;
    return SCB_OK;
}

void scb_command_gate_renew(struct scb_command_gate *gate)
{
    struct scb_error error = {0};
    if (take_live_settings(gate, &error) != SCB_OK) /* it was checked: there is no memory */
        scb_log_failure(gate->log, "Setting not taken over", NULL, &error);
}

static enum scb_status make(const struct scb_config *config, const char *config_path,
                            struct scb_log *log, struct scb_command_gate **ret_gate,
                            struct scb_error *error)
{
    struct scb_command_gate *gate = scb_alloc(1, sizeof(*gate), error);
    if (gate == NULL)
        return SCB_ERROR_RESOURCE;
    *gate = (struct scb_command_gate){.config = config, .log = log};
    gate->gate = (struct scb_gate){.owned = gate->owned,
                                   .config_path = config_path,
                                   .audit = {.head_interval = SCB_AUDIT_HEAD_INTERVAL,
                                             .max_file_bytes = SCB_AUDIT_MAX_FILE,
                                             .clock = scb_clock_system(),
                                             .head = log_head,
                                             .warn = log_warning,
                                             .spill = to_system_log,
                                             .state = gate}};
    enum scb_status status = take_live_settings(gate, error);
    if (status != SCB_OK) {
        scb_command_gate_free(gate);
        return status;
    }
    *ret_gate = gate;
    return SCB_OK;
}

enum scb_status scb_command_gate_new(const struct scb_config *config, const char *config_path,
                                     struct scb_log *log, struct scb_command_gate **ret_gate,
                                     struct scb_error *error)
{
    struct scb_command_gate *gate = NULL;
    enum scb_status status = make(config, config_path, log, &gate, error);
    if (status == SCB_OK)
        status = find_paths(gate, error);
    if (status != SCB_OK) {
        scb_command_gate_free(gate);
        return status;
    }
    gate->gate.audit.path = gate->audit_path;
    *ret_gate = gate;
    return SCB_OK;
}

enum scb_status scb_command_gate_new_for_mending(const struct scb_config *defaults,
                                                 const char *config_path, struct scb_log *log,
                                                 struct scb_command_gate **ret_gate,
                                                 struct scb_error *error)
{
    struct scb_command_gate *gate = NULL;
    struct scb_caller caller;
    const struct scb_error broken = *error;
    enum scb_status status = make(defaults, config_path, log, &gate, error);
    if (status != SCB_OK)
        return status;
    gate->owned[0] = config_path;
    scb_caller_process(&caller);
    if (scb_bindings_role(gate->bindings, gate->owned, &caller) < SCB_ROLE_ADMIN) {
        scb_command_gate_free(gate);
        *error = broken;
        return scb_error_hint(error, "let root or the owner of %.200s mend it", config_path);
    }
    scb_log_warn(log, "Configuration not valid, its owner may mend it",
                 SCB_TEXT("error", broken.message), SCB_TEXT("hint", broken.hint));
    *ret_gate = gate;
    return SCB_OK;
}

void scb_command_gate_free(struct scb_command_gate *gate)
{
    if (gate == NULL)
        return;
    for (size_t i = 0; i < gate->argument_count; i++)
        free(gate->arguments[i]);
    free(gate->arguments);
    scb_bindings_free(gate->bindings);
    free(gate->audit_path);
    free(gate->state_dir);
    free(gate);
}

const struct scb_gate *scb_command_gate_parts(const struct scb_command_gate *gate)
{
    return &gate->gate;
}

const char *scb_command_gate_state_dir(const struct scb_command_gate *gate)
{
    return gate->state_dir;
}

static enum scb_status add(struct scb_command_gate *gate, char *text)
{
    if (text == NULL)
        return SCB_ERROR_RESOURCE;
    gate->arguments[gate->argument_count++] = text;
    return SCB_OK;
}

/* A key of the contract is somebody's content: its hash still tells who knows it. */
static enum scb_status add_key(struct scb_command_gate *gate, const char *key,
                               struct scb_error *error)
{
    uint8_t hash[SCB_SHA256_SIZE];
    char hex[SCB_SHA256_TEXT_SIZE];
    SCB_AUTO(digest) struct scb_digest digest = {0};
    struct scb_bytes bytes = {(const uint8_t *)key, strlen(key)};
    enum scb_status status = scb_digest_sha256(&digest, bytes, hash, error);
    if (status != SCB_OK)
        return status;
    scb_text_hex(hash, sizeof(hash), hex);
    return add(gate, scb_format(error, "sha256:%s", hex));
}

static enum scb_status add_argument(struct scb_command_gate *gate,
                                    const struct scb_command *command, const char *text,
                                    struct scb_error *error)
{
    char shown[MAX_SHOWN];
    if (strcmp(command->arguments, "KEY") == 0)
        return add_key(gate, text, error);
    scb_redact(text, shown, sizeof(shown));
    return add(gate, scb_strdup(shown, error));
}

static enum scb_status add_option(struct scb_command_gate *gate,
                                  const struct scb_option_value *option, struct scb_error *error)
{
    const struct scb_command_option *known = scb_command_find_option(option->flag);
    char shown[MAX_SHOWN];
    scb_redact(option->value, shown, sizeof(shown));
    if (known->value != NULL && strcmp(known->value, "SECRET") == 0)
        (void)snprintf(shown, sizeof(shown), "***");
    return add(gate, known->value == NULL ? scb_strdup(option->flag, error)
                                          : scb_format(error, "%s=%s", option->flag, shown));
}

/* As `config show` would; what is no secret there may still be a URL. */
static enum scb_status add_setting(struct scb_command_gate *gate, size_t index,
                                   struct scb_error *error)
{
    enum { MAX_VALUE = 64 * 1024 };
    char flag[SCB_CONFIG_NAME_SIZE], shown[MAX_SHOWN];
    SCB_AUTO(string) char *value = scb_alloc(MAX_VALUE, 1, error);
    if (value == NULL)
        return SCB_ERROR_RESOURCE;
    struct scb_error too_long = {0};
    scb_config_flag(index, flag);
    if (scb_config_value_text(gate->config, index, value, MAX_VALUE, &too_long) != SCB_OK)
        (void)snprintf(value, MAX_VALUE, "…");
    scb_redact(value, shown, sizeof(shown));
    return add(gate, scb_format(error, "%s=%s", flag, shown));
}

/* One that is to be set in the file, not in force: a secret is not shown at all. */
static enum scb_status add_change(struct scb_command_gate *gate,
                                  const struct scb_setting_value *setting, struct scb_error *error)
{
    struct scb_setting_view view;
    char shown[MAX_SHOWN] = "***";
    scb_config_describe(gate->config, setting->index, &view);
    if (!view.secret)
        scb_redact(setting->value, shown, sizeof(shown));
    return add(gate, scb_format(error, "%s=%s", view.flag, shown));
}

static enum scb_status take_arguments(struct scb_command_gate *gate,
                                      const struct scb_command_line *line, struct scb_error *error)
{
    size_t most = line->word_count + line->option_count + line->setting_count + 1;
    gate->arguments = scb_alloc(most, sizeof(*gate->arguments), error);
    enum scb_status status = gate->arguments == NULL ? SCB_ERROR_RESOURCE : SCB_OK;
    for (size_t i = line->command_words; i < line->word_count && status == SCB_OK; i++)
        status = add_argument(gate, line->command, line->words[i], error);
    for (size_t i = 0; i < line->option_count && status == SCB_OK; i++)
        status = add_option(gate, &line->options[i], error);
    for (size_t i = 0; i < line->setting_count && status == SCB_OK; i++)
        status = line->command->readiness == SCB_READINESS_DEFAULTS
                     ? add_change(gate, &line->settings[i], error)
                     : add_setting(gate, line->settings[i].index, error);
    return status;
}

enum scb_operation_id scb_command_operation(const struct scb_command_line *line)
{
    for (size_t i = 0; i < line->option_count; i++) {
        const struct scb_command_option *option = line->command->options;
        while (strcmp(option->flag, line->options[i].flag) != 0)
            option++;
        if (option->operation != SCB_OPERATION_NONE)
            return option->operation;
    }
    return line->command->operation;
}

enum scb_status scb_command_gate_begin(struct scb_command_gate *gate,
                                       const struct scb_caller *caller,
                                       const struct scb_command_line *line,
                                       struct scb_passage *ret_passage, struct scb_error *error)
{
    enum scb_status status = take_arguments(gate, line, error);
    if (status != SCB_OK)
        return status;
    return scb_gate_begin(&gate->gate, caller, scb_command_operation(line),
                          (const char *const *)gate->arguments, gate->argument_count, ret_passage,
                          error);
}
