/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads the command line: which command, its arguments and options, the settings and the flags of
 * every command, which may stand anywhere. It sets nothing and prints nothing.
 */
#ifndef SCB_CLI_COMMAND_LINE_H
#define SCB_CLI_COMMAND_LINE_H

#include "cli/command.h"

/* The flags of every command that are not settings; ends with a NULL flag. */
extern const struct scb_command_option scb_global_options[];

/* Borrows from argv. */
struct scb_command_line {
    const struct scb_command *command; /* NULL where the words are only the begin of one */
    const char *config_path;           /* NULL where not given */
    bool help, version, json, quiet;
    enum scb_progress progress;
    const char **words; /* the command's, then its arguments */
    size_t word_count, command_words;
    struct scb_setting_value *settings;
    size_t setting_count;
    struct scb_option_value *options; /* their flags point into the table of commands */
    size_t option_count;
};

/*
 * UsageError names what is wrong and the nearest thing that is known. json is right even then, so
 * that the error can be shown in the form that was asked for.
 */
SCB_MUST_CHECK enum scb_status scb_command_line_parse(int argc, char *const *argv,
                                                      struct scb_command_line *ret_line,
                                                      struct scb_error *error);
void scb_command_line_cleanup(struct scb_command_line *line);

/* UsageError for words that name no command, with the nearest one. */
SCB_MUST_CHECK enum scb_status scb_command_line_unknown(const char *const *words, size_t count,
                                                        struct scb_error *error);

#endif
