/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Commands that know nothing of backups: version, help.
 */
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "cli/command_line.h"
#include "cli/handlers.h"
#include "cli/help.h"
#include "cli/output.h"

enum { MAX_JSON = 256 * 1024 };

enum scb_status scb_command_version(const struct scb_command_context *context,
                                    struct scb_error *error)
{
    if (!context->json) {
        (void)printf("satellite %s\n", SCB_VERSION);
        return SCB_OK;
    }
    SCB_AUTO(buffer) struct scb_buffer text = {.max = MAX_JSON};
    struct scb_json json;
    scb_json_begin(&json, &text);
    scb_json_open_object(&json, NULL);
    scb_json_text(&json, "version", SCB_VERSION);
    scb_json_close_object(&json);
    return scb_output_json(&json, error);
}

static void add_command(struct scb_json *json, const struct scb_command *command)
{
    scb_json_open_object(json, NULL);
    scb_json_text(json, "command", command->path);
    scb_json_text(json, "arguments", command->arguments);
    scb_json_text(json, "summary", command->summary);
    scb_json_text(json, "example", command->example);
    scb_json_open_array(json, "options");
    for (const struct scb_command_option *option = command->options; option->flag != NULL;
         option++) {
        scb_json_open_object(json, NULL);
        scb_json_text(json, "flag", option->flag);
        scb_json_text(json, "value", option->value);
        scb_json_text(json, "help", option->help);
        scb_json_close_object(json);
    }
    scb_json_close_array(json);
    scb_json_close_object(json);
}

static enum scb_status print_commands_json(const char *const *words, size_t count,
                                           struct scb_error *error)
{
    SCB_AUTO(buffer) struct scb_buffer text = {.max = MAX_JSON};
    struct scb_json json;
    scb_json_begin(&json, &text);
    scb_json_open_object(&json, NULL);
    scb_json_open_array(&json, "commands");
    for (size_t i = 0; i < scb_command_count; i++)
        if (scb_command_begins_with(scb_commands[i].path, words, count))
            add_command(&json, &scb_commands[i]);
    scb_json_close_array(&json);
    scb_json_close_object(&json);
    return scb_output_json(&json, error);
}

static enum scb_status print_settings_json(const struct scb_config *config, struct scb_error *error)
{
    SCB_AUTO(buffer) struct scb_buffer text = {.max = MAX_JSON};
    struct scb_json json;
    scb_json_begin(&json, &text);
    scb_json_open_object(&json, NULL);
    scb_json_open_array(&json, "settings");
    for (size_t i = 0; i < scb_config_count(); i++) {
        struct scb_setting_view view;
        scb_config_describe(config, i, &view);
        scb_json_open_object(&json, NULL);
        scb_json_text(&json, "name", view.name);
        scb_json_text(&json, "flag", view.flag);
        scb_json_text(&json, "environment", view.environment);
        scb_json_text(&json, "type", view.type);
        scb_json_text(&json, "default", view.default_text);
        scb_json_text(&json, "bounds", view.bounds);
        scb_json_boolean(&json, "required", view.required);
        scb_json_boolean(&json, "secret", view.secret);
        scb_json_boolean(&json, "live", view.live);
        scb_json_text(&json, "help", view.help);
        scb_json_close_object(&json);
    }
    scb_json_close_array(&json);
    scb_json_close_object(&json);
    return scb_output_json(&json, error);
}

enum scb_status scb_command_help(const struct scb_command_context *context, struct scb_error *error)
{
    const char *const *words = context->arguments;
    size_t count = context->argument_count, used = 0;
    if (count == 1 && strcmp(words[0], "settings") == 0) {
        if (context->json)
            return print_settings_json(context->config, error);
        scb_help_settings(stdout, context->config);
        return SCB_OK;
    }
    if (scb_command_count_below(words, count) == 0)
        return scb_command_line_unknown(words, count, error);
    if (context->json)
        return print_commands_json(words, count, error);
    const struct scb_command *command = scb_command_find(words, count, &used);
    if (command != NULL)
        scb_help_command(stdout, command);
    else
        scb_help_group(stdout, words, count);
    return SCB_OK;
}
