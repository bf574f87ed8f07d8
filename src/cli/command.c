/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/command.h"

#include <assert.h>
#include <string.h>

#include "base/memory.h"
#include "cli/handlers.h"

#define OPTION(flag_, value_, help_) {.flag = (flag_), .value = (value_), .help = (help_)},
#define REQUIRED(flag_, value_, help_)                                                             \
    {.flag = (flag_), .value = (value_), .help = (help_), .required = true},
#define OPTION_AS(operation_, flag_, value_, help_)                                                \
    {.flag = (flag_), .value = (value_), .help = (help_), .operation = SCB_OPERATION_##operation_},

#define SCB_COMMAND(name, path_, arguments_, min_, max_, readiness_, summary_, example_, ...)      \
    _Static_assert(sizeof(summary_) > 10 && sizeof(example_) > 10, "a command has help");          \
    static const struct scb_command_option name##_options[] = {__VA_ARGS__{.flag = NULL}};
#include "cli/command.def"
#undef SCB_COMMAND

const struct scb_command scb_commands[] = {
#define SCB_COMMAND(name, path_, arguments_, min_, max_, readiness_, summary_, example_, ...)      \
    {.path = (path_),                                                                              \
     .arguments = (arguments_),                                                                    \
     .min_arguments = (min_),                                                                      \
     .max_arguments = (max_),                                                                      \
     .operation = SCB_OPERATION_##name,                                                            \
     .readiness = SCB_READINESS_##readiness_,                                                      \
     .summary = (summary_),                                                                        \
     .example = (example_),                                                                        \
     .options = name##_options,                                                                    \
     .run = scb_command_##name},
#include "cli/command.def"
#undef SCB_COMMAND
};

const size_t scb_command_count = SCB_LENGTH(scb_commands);

/* How many of the words path begins with; *ret_whole where it is all of path. */
static size_t match(const char *path, const char *const *words, size_t count, bool *ret_whole)
{
    size_t used = 0;
    while (used < count && *path != '\0') {
        size_t length = strcspn(path, " ");
        if (strlen(words[used]) != length || strncmp(path, words[used], length) != 0)
            break;
        path += length + (path[length] == ' ' ? 1 : 0);
        used++;
    }
    *ret_whole = *path == '\0';
    return used;
}

const struct scb_command *scb_command_find(const char *const *words, size_t count, size_t *ret_used)
{
    for (size_t i = 0; i < scb_command_count; i++) {
        bool whole = false;
        *ret_used = match(scb_commands[i].path, words, count, &whole);
        if (whole)
            return &scb_commands[i];
    }
    *ret_used = 0;
    return NULL;
}

bool scb_command_begins_with(const char *path, const char *const *words, size_t count)
{
    bool whole = false;
    return match(path, words, count, &whole) == count;
}

size_t scb_command_count_below(const char *const *words, size_t count)
{
    size_t found = 0;
    for (size_t i = 0; i < scb_command_count; i++)
        found += scb_command_begins_with(scb_commands[i].path, words, count) ? 1 : 0;
    return found;
}

static const struct scb_command_option *find_own(const struct scb_command *command,
                                                 const char *flag)
{
    for (const struct scb_command_option *option = command->options; option->flag != NULL; option++)
        if (strcmp(option->flag, flag) == 0)
            return option;
    return NULL;
}

const struct scb_command_option *scb_command_find_option(const char *flag)
{
    const struct scb_command_option *found = NULL;
    for (size_t i = 0; i < scb_command_count && found == NULL; i++)
        found = find_own(&scb_commands[i], flag);
    return found;
}

const char *scb_command_option(const struct scb_command_context *context, const char *flag)
{
    assert(find_own(context->command, flag) != NULL);
    const char *value = NULL;
    for (size_t i = 0; i < context->option_count; i++)
        if (strcmp(context->options[i].flag, flag) == 0)
            value = context->options[i].value;
    return value;
}
