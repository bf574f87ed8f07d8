/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `config update`: changes settings in a configuration file that stays as it is otherwise, and
 * replaces it as a whole or not at all.
 */
#ifndef SCB_CONFIG_UPDATE_H
#define SCB_CONFIG_UPDATE_H

#include "base/buffer.h"
#include "scb/config.h"
#include "scb/error.h"

struct scb_config_change {
    size_t index;      /* of the setting */
    const char *value; /* as a flag gives it; "file:/path" for a secret that is kept there */
    const char *flag;  /* for messages */
};

/* What a configuration must do to be worked with; ValidationError where it does not. */
typedef enum scb_status (*scb_config_checker)(const struct scb_config *config,
                                              struct scb_error *error);

struct scb_config_update {
    const char *path; /* of the file */
    const struct scb_config_change *changes;
    size_t count;
    const scb_config_checker *checks; /* NULL ends them */
};

/*
 * The file's text with the changes made. Never anything but what they say: where the result would
 * not be read as the old text with the new values, ValidationError; so where it does not pass a
 * check that the old text did. An old text that is not valid may become so, in one step or several.
 */
SCB_MUST_CHECK enum scb_status scb_config_update_text(struct scb_bytes text,
                                                      const struct scb_config_update *update,
                                                      struct scb_buffer *out,
                                                      struct scb_error *error);

/*
 * The same with the file, links followed; its mode and owner stay. *ret_changed is false where it
 * says so already.
 */
SCB_MUST_CHECK enum scb_status scb_config_update_file(const struct scb_config_update *update,
                                                      bool *ret_changed, struct scb_error *error);

#endif
