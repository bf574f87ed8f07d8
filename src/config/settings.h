/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of settings (settings.def) and their values, for the files of config/ only.
 */
#ifndef SCB_CONFIG_SETTINGS_H
#define SCB_CONFIG_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "scb/config.h"
#include "scb/error.h"

enum scb_setting_kind {
    SCB_SETTING_TEXT,
    SCB_SETTING_INTEGER,
    SCB_SETTING_DURATION, /* milliseconds */
    SCB_SETTING_SIZE,     /* bytes */
    SCB_SETTING_BOOLEAN,
    SCB_SETTING_CHOICE,
    SCB_SETTING_LIST,
    SCB_SETTING_BLOCK,    /* a tag, a number or a hash */
    SCB_SETTING_FUNCTION, /* a Solidity signature */
    SCB_SETTING_URL,
    SCB_SETTING_HTTP_URLS,
    SCB_SETTING_HTTP_URL,   /* or empty */
    SCB_SETTING_RECIPIENTS, /* age1...; their last check is crypto's */
    SCB_SETTING_CALLS,      /* HTTP URLs, and commands that begin with "/" */
};

enum scb_setting_flag {
    SCB_SETTING_LIVE = 1,     /* a running service takes a change over at its next run */
    SCB_SETTING_SECRET = 2,   /* masked when shown; may come from a file */
    SCB_SETTING_REQUIRED = 4, /* has no default and must be given */
    SCB_SETTING_KEPT = 8,     /* live, but a running service keeps whether there is any */
};

struct scb_setting {
    const char *section;
    const char *key;
    const char *name; /* "section.key" */
    enum scb_setting_kind kind;
    const char *default_text;
    int64_t min, max; /* of a number, a text's length or a list's; 0 and 0 where it has none */
    const char *unit;
    const char *choices; /* "a|b|c" */
    unsigned flags;      /* of enum scb_setting_flag */
    const char *help;
};

enum {
#define SCB_SETTING(section_, key_, ...) SCB_SETTING_INDEX_##section_##_##key_,
#include "config/settings.def"
#undef SCB_SETTING
    SCB_SETTING_COUNT
};

extern const struct scb_setting scb_settings[SCB_SETTING_COUNT];

/* The setting of a dotted name, or -1. */
int scb_setting_find(const char *name);
/* True where the setting takes several texts. */
bool scb_setting_is_list(const struct scb_setting *setting);
bool scb_setting_is_number(const struct scb_setting *setting);
/* Whether the setting at index is the first one of its section. */
bool scb_setting_begins_section(size_t index);
/* "integer", "duration", "list", … */
const char *scb_setting_type(const struct scb_setting *setting);
/* "1 to 10000 keys", "auto|json|console" or "". */
void scb_setting_bounds(const struct scb_setting *setting, char *ret_text, size_t size);
/* "BACKUP_PAGE_SIZE" */
void scb_setting_environment(const struct scb_setting *setting,
                             char ret_name[SCB_CONFIG_NAME_SIZE]);

/* Texts that a value is made of: at most 1024, overwritten when freed (they may be secret). */
struct scb_texts {
    char **items; /* NULL-terminated; NULL while empty */
    size_t count;
};

SCB_MUST_CHECK enum scb_status scb_texts_add(struct scb_texts *texts, const char *text, size_t size,
                                             struct scb_error *error);
/* One text for most settings; for a list, what stands between the separators. */
SCB_MUST_CHECK enum scb_status scb_texts_add_value(struct scb_texts *texts,
                                                   const struct scb_setting *setting,
                                                   const char *value, const char *separators,
                                                   struct scb_error *error);
/* The content of a secret's file, which must be absolute; one newline at its end is dropped. */
SCB_MUST_CHECK enum scb_status scb_texts_add_file(struct scb_texts *texts,
                                                  const struct scb_setting *setting,
                                                  const char *path, struct scb_error *error);
void scb_texts_cleanup(struct scb_texts *texts);
/* scb_texts_add_file for config, which keeps the path (scb_config_files). */
SCB_MUST_CHECK enum scb_status scb_config_read_secret(struct scb_config *config,
                                                      const struct scb_setting *setting,
                                                      const char *path, struct scb_texts *texts,
                                                      struct scb_error *error);

/* The whole of a file up to out->max, wherever it is, links followed. */
SCB_MUST_CHECK enum scb_status scb_config_read_file(const char *path, struct scb_buffer *out,
                                                    struct scb_error *error);

struct scb_value {
    int64_t number;         /* of INTEGER, DURATION, SIZE and BOOLEAN */
    struct scb_texts texts; /* of the others */
};

/* Checks texts and makes a value of them; takes them over unless it fails. */
SCB_MUST_CHECK enum scb_status scb_value_parse(const struct scb_setting *setting,
                                               struct scb_texts *texts, struct scb_value *ret_value,
                                               struct scb_error *error);
/* A number as text that parses back. */
void scb_value_format_number(const struct scb_setting *setting, int64_t number, char *ret_text,
                             size_t size);
enum { SCB_SETTING_SHOWN_SIZE = 4200 };

/* A text as it may be shown: a secret URL is cut behind its origin, other secrets are "***". */
void scb_value_show(const struct scb_setting *setting, const char *text, char *ret_text,
                    size_t size);
/* The value, unmasked; borrowed. */
const struct scb_value *scb_config_value(const struct scb_config *config, size_t index);

/* Whether a setting of texts has any that is not empty. */
bool scb_config_is_given(const struct scb_config *config, size_t index);

/* Whether the setting at index has the same value in both. */
bool scb_config_same_value(const struct scb_config *a, const struct scb_config *b, size_t index);

/* scb_config_load_file of a text; path is for messages. */
SCB_MUST_CHECK enum scb_status scb_config_load_text(struct scb_config *config,
                                                    struct scb_bytes text, const char *path,
                                                    struct scb_error *error);

/* Sets a value from texts, which it takes over unless it fails. Errors begin with origin. */
SCB_MUST_CHECK enum scb_status scb_config_assign(struct scb_config *config, size_t index,
                                                 struct scb_texts *texts, const char *origin,
                                                 struct scb_error *error);

#endif
