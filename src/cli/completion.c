/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/completion.h"

#include <stdio.h>
#include <string.h>

#include "cli/command_line.h"

enum { MAX_PATH_WORDS = 8 };

/* The line up to the word under way. */
struct line {
    const char *words[MAX_PATH_WORDS]; /* of the command and its arguments; more do not matter */
    size_t word_count;
    const char *current;
    size_t skip;     /* of current: the "--flag=" before a value */
    char flag[64];   /* whose value is under way; "" for none */
    bool only_words; /* behind "--" */
    struct scb_buffer *out;
};

static const struct scb_command_option *find_option(const char *flag)
{
    for (const struct scb_command_option *option = scb_global_options; option->flag != NULL;
         option++)
        if (strcmp(option->flag, flag) == 0)
            return option;
    return scb_command_find_option(flag);
}

static bool takes_value(const char *flag)
{
    const struct scb_command_option *option = find_option(flag);
    return option != NULL ? option->value != NULL : scb_config_find_flag(flag) >= 0;
}

static bool is_flag(const struct line *line, const char *word)
{
    return !line->only_words && word[0] == '-' && word[1] != '\0';
}

/* One word that is written already. */
static void take_word(struct line *line, const char *word)
{
    if (line->flag[0] != '\0') {
        if (strcmp(word, "=") != 0)
            line->flag[0] = '\0';
    } else if (!line->only_words && strcmp(word, "--") == 0) {
        line->only_words = true;
    } else if (!is_flag(line, word)) {
        if (line->word_count < MAX_PATH_WORDS)
            line->words[line->word_count++] = word;
    } else if (takes_value(word)) {
        (void)snprintf(line->flag, sizeof(line->flag), "%s", word);
    }
}

/* The word under way: where it is "--flag=va", the value is what is completed. */
static void take_current(struct line *line, const char *word)
{
    line->current = word;
    if (line->flag[0] != '\0') {
        if (strcmp(word, "=") == 0)
            line->current = "";
        return;
    }
    const char *equals = strchr(word, '=');
    if (!is_flag(line, word) || equals == NULL)
        return;
    line->skip = (size_t)(equals - word) + 1;
    (void)snprintf(line->flag, sizeof(line->flag), "%.*s", (int)(equals - word), word);
    if (!takes_value(line->flag))
        line->flag[0] = '\0';
}

/* A candidate of length bytes, where the word under way is the begin of it. */
static enum scb_status offer(const struct line *line, const char *text, size_t length,
                             const char *help, struct scb_error *error)
{
    const char *begun = line->current + line->skip;
    size_t begun_length = strlen(begun);
    if (begun_length > length || strncmp(text, begun, begun_length) != 0)
        return SCB_OK;
    return scb_buffer_printf(line->out, error, "%.*s%.*s\t%s\n", (int)line->skip, line->current,
                             (int)length, text, help);
}

/* Each of "a|b|c". */
static enum scb_status offer_choices(const struct line *line, const char *choices, const char *help,
                                     struct scb_error *error)
{
    enum scb_status status = SCB_OK;
    while (*choices != '\0' && status == SCB_OK) {
        size_t length = strcspn(choices, "|");
        status = offer(line, choices, length, help, error);
        choices += length + (choices[length] == '|' ? 1 : 0);
    }
    return status;
}

static bool ends_with(const char *text, const char *end)
{
    size_t length = strlen(text), end_length = strlen(end);
    return length >= end_length && strcmp(text + length - end_length, end) == 0;
}

static enum scb_status offer_setting_value(const struct line *line, size_t index,
                                           struct scb_error *error)
{
    struct scb_config *config = NULL;
    enum scb_status status = scb_config_new(&config, error);
    if (status != SCB_OK)
        return status;
    struct scb_setting_view view;
    scb_config_describe(config, index, &view);
    if (strchr(view.bounds, '|') != NULL)
        status = offer_choices(line, view.bounds, view.help, error);
    else if (ends_with(view.flag, "-dir"))
        status = scb_buffer_append_text(line->out, SCB_COMPLETION_DIRECTORIES "\n", error);
    else if (ends_with(view.flag, "-path") || ends_with(view.flag, "-file"))
        status = scb_buffer_append_text(line->out, SCB_COMPLETION_FILES "\n", error);
    scb_config_free(config);
    return status;
}

static enum scb_status offer_placeholder(const struct line *line, const char *placeholder,
                                         const char *help, struct scb_error *error)
{
    if (strchr(placeholder, '|') != NULL)
        return offer_choices(line, placeholder, help, error);
    if (strstr(placeholder, "FILE") != NULL || strcmp(placeholder, "DEST") == 0)
        return scb_buffer_append_text(line->out, SCB_COMPLETION_FILES "\n", error);
    if (strstr(placeholder, "DIR") != NULL)
        return scb_buffer_append_text(line->out, SCB_COMPLETION_DIRECTORIES "\n", error);
    return SCB_OK;
}

static enum scb_status offer_value(const struct line *line, struct scb_error *error)
{
    const struct scb_command_option *option = find_option(line->flag);
    if (option != NULL)
        return offer_placeholder(line, option->value, option->help, error);
    return offer_setting_value(line, (size_t)scb_config_find_flag(line->flag), error);
}

static enum scb_status offer_options(const struct line *line,
                                     const struct scb_command_option *options,
                                     struct scb_error *error)
{
    enum scb_status status = SCB_OK;
    for (; options->flag != NULL && status == SCB_OK; options++)
        status = offer(line, options->flag, strlen(options->flag), options->help, error);
    return status;
}

static enum scb_status offer_settings(const struct line *line, struct scb_error *error)
{
    struct scb_config *config = NULL;
    enum scb_status status = scb_config_new(&config, error);
    for (size_t i = 0; i < scb_config_count() && status == SCB_OK; i++) {
        struct scb_setting_view view;
        scb_config_describe(config, i, &view);
        status = offer(line, view.flag, strlen(view.flag), view.help, error);
    }
    scb_config_free(config);
    return status;
}

static enum scb_status offer_flags(const struct line *line, const struct scb_command *command,
                                   struct scb_error *error)
{
    enum scb_status status = SCB_OK;
    if (command != NULL)
        status = offer_options(line, command->options, error);
    if (status == SCB_OK)
        status = offer_options(line, scb_global_options, error);
    return status == SCB_OK ? offer_settings(line, error) : status;
}

/* The next word of the commands that begin with words; one that several share is given once. */
static enum scb_status offer_commands(const struct line *line, const char *const *words,
                                      size_t count, struct scb_error *error)
{
    enum scb_status status = SCB_OK;
    const char *last = "";
    size_t last_length = 0;
    for (size_t i = 0; i < scb_command_count && status == SCB_OK; i++) {
        const char *word = scb_commands[i].path;
        if (!scb_command_begins_with(word, words, count))
            continue;
        for (size_t skipped = 0; skipped < count; skipped++)
            word += strcspn(word, " ") + (word[strcspn(word, " ")] == ' ' ? 1 : 0);
        size_t length = strcspn(word, " ");
        if (length == 0 || (length == last_length && strncmp(word, last, length) == 0))
            continue;
        bool is_group = word[length] == ' ';
        status = offer(line, word, length, is_group ? "..." : scb_commands[i].summary, error);
        last = word;
        last_length = length;
    }
    return status;
}

/* Of a command's arguments the one at index, counted from 0; "" where there is none. */
static void take_placeholder(const char *arguments, size_t index, char *ret_text, size_t size)
{
    for (; index > 0; index--)
        arguments += strcspn(arguments, " ") + (strchr(arguments, ' ') != NULL ? 1 : 0);
    (void)snprintf(ret_text, size, "%.*s", (int)strcspn(arguments, " "), arguments);
}

static enum scb_status offer_words(const struct line *line, const struct scb_command *command,
                                   size_t used, struct scb_error *error)
{
    if (command == NULL)
        return offer_commands(line, line->words, line->word_count, error);
    if (strcmp(command->path, "help") == 0) {
        enum scb_status status =
            line->word_count > used
                ? SCB_OK
                : offer(line, "settings", strlen("settings"), "All settings as flags", error);
        return status != SCB_OK
                   ? status
                   : offer_commands(line, line->words + used, line->word_count - used, error);
    }
    char placeholder[64];
    take_placeholder(command->arguments, line->word_count - used, placeholder, sizeof(placeholder));
    return offer_placeholder(line, placeholder, command->summary, error);
}

enum scb_status scb_complete(const char *const *words, size_t count, struct scb_buffer *out,
                             struct scb_error *error)
{
    struct line line = {.current = "", .out = out};
    for (size_t i = 0; i + 1 < count; i++)
        take_word(&line, words[i]);
    if (count > 0)
        take_current(&line, words[count - 1]);
    if (line.flag[0] != '\0')
        return offer_value(&line, error);
    size_t used = 0;
    const struct scb_command *command = scb_command_find(line.words, line.word_count, &used);
    if (is_flag(&line, line.current) || (!line.only_words && strcmp(line.current, "-") == 0))
        return offer_flags(&line, command, error);
    return offer_words(&line, command, used, error);
}
