/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/command_line.h"

#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "scb/config.h"

const struct scb_command_option scb_global_options[] = {
    {.flag = "--config",
     .value = "FILE",
     .help = "Configuration file; default: /etc/satellite/backup-config.yaml"},
    {.flag = "--json", .help = "Print JSON instead of a table"},
    {.flag = "--quiet", .help = "Print no progress and log only errors"},
    {.flag = "--progress",
     .value = "auto|always|never",
     .help = "Show progress; auto: on a terminal"},
    {.flag = "--help", .help = "Print what a command does"},
    {.flag = "--version", .help = "Print the version"},
    {.flag = NULL},
};

enum { MAX_FLAG = 64, MAX_CANDIDATES = 256, MAX_COMMANDS = 64, MAX_PATH_TEXT = 64 };

/* One word of the line that begins with "-", taken apart. */
struct flag {
    char name[MAX_FLAG];
    const char *value; /* NULL where it has none yet */
};

static const char *printable(const char *text, char shown[80])
{
    return scb_text_printable((struct scb_bytes){(const uint8_t *)text, strlen(text)}, shown, 80);
}

static size_t add_options(const struct scb_command_option *options, const char **candidates,
                          size_t count)
{
    for (; options->flag != NULL; options++) {
        assert(count < MAX_CANDIDATES);
        candidates[count++] = options->flag;
    }
    return count;
}

static enum scb_status unknown_flag(const struct flag *flag, struct scb_error *error)
{
    const char *candidates[MAX_CANDIDATES];
    size_t settings = scb_config_count();
    assert(settings < MAX_CANDIDATES);
    char(*flags)[SCB_CONFIG_NAME_SIZE] = scb_alloc(settings, sizeof(*flags), error);
    if (flags == NULL)
        return SCB_ERROR_RESOURCE;
    size_t count = add_options(scb_global_options, candidates, 0);
    for (size_t i = 0; i < scb_command_count; i++)
        count = add_options(scb_commands[i].options, candidates, count);
    for (size_t i = 0; i < settings && count < MAX_CANDIDATES; i++) {
        scb_config_flag(i, flags[i]);
        candidates[count++] = flags[i];
    }
    char shown[80];
    for (size_t i = 0; i < count; i++) /* "--" makes no two names alike */
        candidates[i] += strlen("--");
    const char *nearest = scb_text_nearest(flag->name + strlen("--"), candidates, count);
    scb_error_set(error, SCB_ERROR_USAGE, "unknown option %s", printable(flag->name, shown));
    if (nearest != NULL)
        (void)scb_error_hint(error, "did you mean --%s?", nearest);
    else
        (void)scb_error_hint(error, "see satellite help COMMAND and satellite help settings");
    free(flags);
    return SCB_ERROR_USAGE;
}

/* Gives a flag its value: what stands behind "=", else the next word. */
static enum scb_status take_value(struct flag *flag, int argc, char *const *argv, int *at,
                                  struct scb_error *error)
{
    if (flag->value != NULL)
        return SCB_OK;
    if (*at + 1 >= argc || strncmp(argv[*at + 1], "--", 2) == 0) {
        scb_error_set(error, SCB_ERROR_USAGE, "%s needs a value", flag->name);
        return scb_error_hint(error, "write %s VALUE or %s=VALUE", flag->name, flag->name);
    }
    flag->value = argv[++*at];
    return SCB_OK;
}

static enum scb_status refuse_value(const struct flag *flag, struct scb_error *error)
{
    if (flag->value == NULL)
        return SCB_OK;
    scb_error_set(error, SCB_ERROR_USAGE, "%s takes no value", flag->name);
    return scb_error_hint(error, "write %s alone", flag->name);
}

static enum scb_status set_progress(struct scb_command_line *line, const char *value,
                                    struct scb_error *error)
{
    static const char *const names[] = {[SCB_PROGRESS_AUTO] = "auto",
                                        [SCB_PROGRESS_ALWAYS] = "always",
                                        [SCB_PROGRESS_NEVER] = "never"};
    for (size_t i = 0; i < SCB_LENGTH(names); i++) {
        if (strcmp(names[i], value) == 0) {
            line->progress = (enum scb_progress)i;
            return SCB_OK;
        }
    }
    scb_error_set(error, SCB_ERROR_USAGE, "--progress is none of its values");
    return scb_error_hint(error, "give auto, always or never");
}

static enum scb_status set_global(struct scb_command_line *line, const struct flag *flag,
                                  struct scb_error *error)
{
    if (strcmp(flag->name, "--progress") == 0)
        return set_progress(line, flag->value, error);
    if (strcmp(flag->name, "--config") == 0)
        line->config_path = flag->value;
    else if (strcmp(flag->name, "--quiet") == 0)
        line->quiet = true;
    else if (strcmp(flag->name, "--help") == 0)
        line->help = true;
    else if (strcmp(flag->name, "--version") == 0)
        line->version = true;
    else
        assert(strcmp(flag->name, "--json") == 0); /* was seen by the look ahead */
    return SCB_OK;
}

static const struct scb_command_option *find_global(const char *name)
{
    for (const struct scb_command_option *option = scb_global_options; option->flag != NULL;
         option++)
        if (strcmp(option->flag, name) == 0)
            return option;
    return NULL;
}

/* Takes argv[*at], which begins with "-", and its value apart and notes it. */
static enum scb_status take_flag(struct scb_command_line *line, int argc, char *const *argv,
                                 int *at, struct scb_error *error)
{
    const char *text = strcmp(argv[*at], "-h") == 0 ? "--help" : argv[*at];
    const char *equals = strchr(text, '=');
    int length = equals == NULL ? (int)strnlen(text, MAX_FLAG) : (int)(equals - text);
    struct flag flag = {.value = equals == NULL ? NULL : equals + 1};
    (void)snprintf(flag.name, sizeof(flag.name), "%.*s", length, text);

    const struct scb_command_option *global = find_global(flag.name);
    const struct scb_command_option *own = scb_command_find_option(flag.name);
    int setting = scb_config_find_flag(flag.name);
    const struct scb_command_option *option = global != NULL ? global : own;
    if (option == NULL && setting < 0)
        return unknown_flag(&flag, error);
    bool takes_value = option == NULL || option->value != NULL;
    enum scb_status status =
        takes_value ? take_value(&flag, argc, argv, at, error) : refuse_value(&flag, error);
    if (status != SCB_OK)
        return status;
    if (global != NULL)
        return set_global(line, &flag, error);
    if (own != NULL)
        line->options[line->option_count++] =
            (struct scb_option_value){own->flag, takes_value ? flag.value : ""};
    else
        line->settings[line->setting_count++] =
            (struct scb_setting_value){(size_t)setting, flag.value};
    return SCB_OK;
}

/* As many words of path as are wanted, or all of it. */
static void first_words(const char *path, size_t wanted, char ret_text[MAX_PATH_TEXT])
{
    size_t length = 0;
    while (path[length] != '\0' && (path[length] != ' ' || --wanted > 0))
        length++;
    (void)snprintf(ret_text, MAX_PATH_TEXT, "%.*s", (int)length, path);
}

enum scb_status scb_command_line_unknown(const char *const *words, size_t count,
                                         struct scb_error *error)
{
    /* Compared with as many words of each command, so that a group's name is found too. */
    char paths[MAX_COMMANDS][MAX_PATH_TEXT];
    const char *candidates[MAX_COMMANDS];
    assert(count > 0 && scb_command_count <= MAX_COMMANDS);
    for (size_t i = 0; i < scb_command_count; i++) {
        first_words(scb_commands[i].path, count, paths[i]);
        candidates[i] = paths[i];
    }
    char given[128] = "", shown[80];
    for (size_t i = 0; i < count && i < 3; i++) {
        size_t used = strlen(given);
        (void)snprintf(given + used, sizeof(given) - used, "%s%s", i == 0 ? "" : " ", words[i]);
    }
    const char *nearest = scb_text_nearest(given, candidates, scb_command_count);
    scb_error_set(error, SCB_ERROR_USAGE, "unknown command '%s'", printable(given, shown));
    if (nearest != NULL)
        return scb_error_hint(error, "did you mean satellite %s?", nearest);
    return scb_error_hint(error, "satellite help lists all");
}

static bool was_given(const struct scb_command_line *line, const char *flag)
{
    for (size_t i = 0; i < line->option_count; i++)
        if (strcmp(line->options[i].flag, flag) == 0)
            return true;
    return false;
}

static enum scb_status check_options(const struct scb_command_line *line, struct scb_error *error)
{
    const struct scb_command *command = line->command;
    for (size_t i = 0; i < line->option_count; i++) {
        const struct scb_command_option *option = command->options;
        while (option->flag != NULL && strcmp(option->flag, line->options[i].flag) != 0)
            option++;
        if (option->flag == NULL) {
            scb_error_set(error, SCB_ERROR_USAGE, "%s is not an option of satellite %s",
                          line->options[i].flag, command->path);
            return scb_error_hint(error, "see satellite help %s", command->path);
        }
    }
    for (const struct scb_command_option *option = command->options; option->flag != NULL;
         option++) {
        if (!option->required || was_given(line, option->flag))
            continue;
        scb_error_set(error, SCB_ERROR_USAGE, "satellite %s: %s %s is missing", command->path,
                      option->flag, option->value);
        return scb_error_hint(error, "write it like %s", command->example);
    }
    return SCB_OK;
}

/* Own options must be the command's, arguments as many as it takes. */
static enum scb_status check_command(const struct scb_command_line *line, struct scb_error *error)
{
    const struct scb_command *command = line->command;
    enum scb_status status = check_options(line, error);
    if (status != SCB_OK)
        return status;
    size_t given = line->word_count - line->command_words;
    if (given >= command->min_arguments && given <= command->max_arguments)
        return SCB_OK;
    char shown[80];
    if (given < command->min_arguments)
        scb_error_set(error, SCB_ERROR_USAGE, "satellite %s: %s is missing", command->path,
                      command->arguments);
    else
        scb_error_set(error, SCB_ERROR_USAGE, "satellite %s: '%s' is an argument too many",
                      command->path,
                      printable(line->words[line->command_words + command->max_arguments], shown));
    return scb_error_hint(error, "write it like %s", command->example);
}

static enum scb_status take_words(struct scb_command_line *line, int argc, char *const *argv,
                                  struct scb_error *error)
{
    bool only_words = false;
    for (int at = 1; at < argc; at++) {
        if (only_words || argv[at][0] != '-' || argv[at][1] == '\0') {
            line->words[line->word_count++] = argv[at];
        } else if (strcmp(argv[at], "--") == 0) {
            only_words = true;
        } else {
            enum scb_status status = take_flag(line, argc, argv, &at, error);
            if (status != SCB_OK)
                return status;
        }
    }
    return SCB_OK;
}

enum scb_status scb_command_line_parse(int argc, char *const *argv,
                                       struct scb_command_line *ret_line, struct scb_error *error)
{
    struct scb_command_line *line = ret_line;
    *line = (struct scb_command_line){0};
    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
        line->json = line->json || strcmp(argv[i], "--json") == 0;
    size_t most = argc > 0 ? (size_t)argc : 1;
    line->words = scb_alloc(most, sizeof(*line->words), error);
    line->settings = scb_alloc(most, sizeof(*line->settings), error);
    line->options = scb_alloc(most, sizeof(*line->options), error);
    if (line->words == NULL || line->settings == NULL || line->options == NULL)
        return SCB_ERROR_RESOURCE;
    enum scb_status status = take_words(line, argc, argv, error);
    if (status != SCB_OK)
        return status;
    if (line->version) { /* the command of that name, whatever else was asked for */
        line->words[0] = "version";
        line->word_count = 1;
    }
    line->command = scb_command_find(line->words, line->word_count, &line->command_words);
    if (line->command == NULL)
        return scb_command_count_below(line->words, line->word_count) > 0
                   ? SCB_OK
                   : scb_command_line_unknown(line->words, line->word_count, error);
    return line->help ? SCB_OK : check_command(line, error);
}

void scb_command_line_cleanup(struct scb_command_line *line)
{
    free(line->words);
    free(line->settings);
    free(line->options);
    *line = (struct scb_command_line){0};
}
