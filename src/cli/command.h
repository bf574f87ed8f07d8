/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of commands (command.def): what each is called, needs and does. The parser, the help,
 * the completions and the access gate come from it.
 */
#ifndef SCB_CLI_COMMAND_H
#define SCB_CLI_COMMAND_H

#include <stdbool.h>
#include <stddef.h>

#include "access/gate.h"
#include "base/log.h"
#include "base/thread.h"
#include "scb/config.h"
#include "scb/error.h"

/* How far the configuration is made ready before the handler is called. */
enum scb_readiness {
    SCB_READINESS_DEFAULTS = 1, /* defaults only: the settings' flags are the command's own */
    SCB_READINESS_FLAGS,        /* defaults and flags only */
    SCB_READINESS_LOADED,       /* and the file and the environment */
    SCB_READINESS_CHECKED,      /* and scb_config_check has passed */
};

enum scb_progress { SCB_PROGRESS_AUTO, SCB_PROGRESS_ALWAYS, SCB_PROGRESS_NEVER };

/* A flag of a command's own. */
struct scb_command_option {
    const char *flag;  /* "--backup-date"; NULL ends a list of them */
    const char *value; /* what stands for its value in the help; NULL where it takes none */
    const char *help;
    enum scb_operation_id operation; /* that the command is with it; NONE: its own */
    bool required;
};

/* A flag as given on the command line; value is "" where it takes none. Borrowed from argv. */
struct scb_option_value {
    const char *flag;
    const char *value;
};

/* A setting's flag as given: its index in the table of settings and its value. */
struct scb_setting_value {
    size_t index;
    const char *value;
};

struct scb_client;
struct scb_command;

/* What a handler is given. */
struct scb_command_context {
    const struct scb_command *command;
    struct scb_config *config;
    const char *config_path; /* the file that was loaded or asked for; NULL for none */
    struct scb_log *log;
    const struct scb_cancel *cancel;
    const struct scb_gate *gate;       /* NULL where no configuration was loaded */
    const struct scb_passage *passage; /* the command's own through it */
    const char *state_dir;             /* NULL where no configuration was loaded */
    struct scb_client *client; /* of the service that is to do it; NULL: the files are opened */
    enum scb_progress progress;
    bool json;
    bool quiet;
    const char *const *arguments; /* what follows the command's words */
    size_t argument_count;
    const struct scb_option_value *options;
    size_t option_count;
    const struct scb_setting_value *settings; /* the flags of settings, as given */
    size_t setting_count;
    /* Ends the process where a file operation hangs: says why as the command's end would. */
    void (*end_stuck)(void *run, const struct scb_error *error);
    /* For who runs on while they change: reads file, environment and flags anew, to be freed; */
    enum scb_status (*read_config)(const void *run, struct scb_config **ret_config,
                                   struct scb_error *error);
    void (*take_settings)(const void *run); /* what the run holds of config is as it says now */
    void *run;
};

typedef enum scb_status (*scb_command_handler)(const struct scb_command_context *context,
                                               struct scb_error *error);

struct scb_command {
    const char *path;      /* "backup run" */
    const char *arguments; /* as in its usage: "KEY", "[FILE]" or "" */
    size_t min_arguments, max_arguments;
    enum scb_operation_id operation;
    enum scb_readiness readiness;
    const char *summary;
    const char *example;
    const struct scb_command_option *options;
    scb_command_handler run;
};

extern const struct scb_command scb_commands[];
extern const size_t scb_command_count;

/* The command that the first words name, *ret_used of them; NULL for none. */
const struct scb_command *scb_command_find(const char *const *words, size_t count,
                                           size_t *ret_used);
/* How many commands begin with all of the words. */
size_t scb_command_count_below(const char *const *words, size_t count);
/* True where path begins with all of the words. */
bool scb_command_begins_with(const char *path, const char *const *words, size_t count);

/* The option of any command that has this flag (those with the same name are alike), or NULL. */
const struct scb_command_option *scb_command_find_option(const char *flag);

/*
 * What was given for an option of the context's command: its value, "" for one without, NULL where
 * it was not given. The last one counts.
 */
const char *scb_command_option(const struct scb_command_context *context, const char *flag);

#endif
