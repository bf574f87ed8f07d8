/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Settings: every one is declared once in src/config/settings.def and comes from, in rising order,
 * its default, the YAML file, the environment, a flag (SPEC 3). Each value knows where it is from.
 */
#ifndef SCB_CONFIG_H
#define SCB_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "scb/error.h"

#pragma GCC visibility push(default)

struct scb_config;

/* A configuration of defaults. */
SCB_MUST_CHECK enum scb_status scb_config_new(struct scb_config **ret_config,
                                              struct scb_error *error);
void scb_config_free(struct scb_config *config);

/* Takes over a YAML file. Errors name file, line, and the nearest known name. */
SCB_MUST_CHECK enum scb_status scb_config_load_file(struct scb_config *config, const char *path,
                                                    struct scb_error *error);

/*
 * Takes over BACKUP_* and SATELLITE_<SECTION>_<NAME>, and …_FILE for secrets. Unknown names of
 * that form are given to warn (may be NULL) and do not fail.
 */
SCB_MUST_CHECK enum scb_status
scb_config_load_environment(struct scb_config *config, const char *const *environment,
                            void (*warn)(void *state, const char *name, const char *nearest),
                            void *state, struct scb_error *error);

/*
 * Sets one value by its dotted name ("backup.page_size"); origin says where it comes from in
 * messages and `config show --origin` ("--page-size"). Lists are written with commas.
 */
SCB_MUST_CHECK enum scb_status scb_config_set(struct scb_config *config, const char *name,
                                              const char *value, const char *origin,
                                              struct scb_error *error);

/* Checks what no single value shows: required settings, pairs that exclude each other. */
SCB_MUST_CHECK enum scb_status scb_config_check(const struct scb_config *config,
                                                struct scb_error *error);

/* Values by dotted name; borrowed until the next change. A wrong name or kind is an assertion. */
const char *scb_config_text(const struct scb_config *config, const char *name);
int64_t scb_config_integer(const struct scb_config *config, const char *name); /* ms, bytes, … */
bool scb_config_boolean(const struct scb_config *config, const char *name);
/* A NULL-terminated list. */
const char *const *scb_config_list(const struct scb_config *config, const char *name);

/* The files that secrets were read from, and will be when it is loaded anew; NULL ends the list. */
const char *const *scb_config_files(const struct scb_config *config);

enum { SCB_CONFIG_NAME_SIZE = 64 };

/* One setting, described for people. */
struct scb_setting_view {
    const char *name;    /* "backup.page_size" */
    const char *section; /* "backup" */
    bool begins_section; /* the first one of it */
    const char *type;    /* "integer", "duration", "size", "text", "list", "choice", … */
    const char *help;    /* one line */
    const char *default_text;
    const char *origin; /* "default", "/etc/…:12", "BACKUP_PAGE_SIZE", "--page-size"; borrowed
                           until the next change */
    char bounds[96];    /* "1 to 10000 keys", "auto|json|console", or "" */
    char environment[SCB_CONFIG_NAME_SIZE]; /* "BACKUP_PAGE_SIZE" */
    char flag[SCB_CONFIG_NAME_SIZE];        /* "--page-size" */
    bool live;     /* a running service takes a change over at its next run */
    bool kept;     /* live from one to another, but not from none or to none */
    bool required; /* has no default and must be given */
    bool secret;   /* is masked when shown and may come from a file */
};

/* The setting whose flag this is ("--page-size"), or -1; and the flag of the one at index. */
int scb_config_find_flag(const char *flag);
void scb_config_flag(size_t index, char ret_flag[SCB_CONFIG_NAME_SIZE]);

/* Told of a setting that has another value; taken: from now on, else after a restart only. */
typedef void (*scb_config_change_visitor)(void *state, const char *name, bool taken);

/*
 * What a running service does with a configuration that was read anew: config takes over from fresh
 * the settings that may change while it runs, and visit is told of all that differ. Where the
 * result would not pass scb_config_check config stays as it is. fresh is only to be freed.
 */
SCB_MUST_CHECK enum scb_status scb_config_take_over(struct scb_config *config,
                                                    struct scb_config *fresh,
                                                    scb_config_change_visitor visit, void *state,
                                                    struct scb_error *error);

/* How many settings there are, and the one at index in the order of settings.def. */
size_t scb_config_count(void);
void scb_config_describe(const struct scb_config *config, size_t index,
                         struct scb_setting_view *ret_view);
/* Its present value as text that parses back, with secrets and the credentials in URLs masked. */
SCB_MUST_CHECK enum scb_status scb_config_value_text(const struct scb_config *config, size_t index,
                                                     char *ret_text, size_t size,
                                                     struct scb_error *error);

#pragma GCC visibility pop

#endif
