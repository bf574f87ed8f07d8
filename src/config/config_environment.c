/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Settings from the environment: BACKUP_*, SATELLITE_<SECTION>_<NAME>, and ..._FILE for secrets.
 */
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "config/settings.h"

/* The setting that an environment variable gives; *ret_is_file where it names a secret's file. */
static int find_environment(const char *variable, bool *ret_is_file)
{
    for (int i = 0; i < SCB_SETTING_COUNT; i++) {
        char name[SCB_CONFIG_NAME_SIZE];
        scb_setting_environment(&scb_settings[i], name);
        size_t length = strlen(name);
        if (strncmp(variable, name, length) != 0)
            continue;
        bool is_secret = (scb_settings[i].flags & SCB_SETTING_SECRET) != 0;
        *ret_is_file = is_secret && strcmp(variable + length, "_FILE") == 0;
        if (variable[length] == '\0' || *ret_is_file)
            return i;
    }
    return -1;
}

static const char *nearest_environment(const char *variable,
                                       char names[SCB_SETTING_COUNT][SCB_CONFIG_NAME_SIZE])
{
    const char *candidates[SCB_SETTING_COUNT];
    for (size_t i = 0; i < SCB_SETTING_COUNT; i++) {
        scb_setting_environment(&scb_settings[i], names[i]);
        candidates[i] = names[i];
    }
    return scb_text_nearest(variable, candidates, SCB_SETTING_COUNT);
}

static enum scb_status load_variable(struct scb_config *config, int index, bool is_file,
                                     const char *variable, const char *value,
                                     struct scb_error *error)
{
    const struct scb_setting *setting = &scb_settings[index];
    struct scb_setting_view view;
    char other[SCB_CONFIG_NAME_SIZE + 5];
    scb_config_describe(config, (size_t)index, &view);
    (void)snprintf(other, sizeof(other), "%s%s", view.environment, is_file ? "" : "_FILE");
    if (strcmp(view.origin, other) == 0) {
        scb_error_set(error, SCB_ERROR_VALIDATION, "%s: %s is set too", variable, other);
        return scb_error_hint(error, "unset one of them");
    }
    if (!is_file)
        return scb_config_set(config, setting->name, value, variable, error);
    SCB_AUTO(texts) struct scb_texts texts = {0};
    enum scb_status status = scb_config_read_secret(config, setting, value, &texts, error);
    if (status != SCB_OK)
        return scb_error_wrap(error, "%s", variable);
    return scb_config_assign(config, (size_t)index, &texts, variable, error);
}

enum scb_status
scb_config_load_environment(struct scb_config *config, const char *const *environment,
                            void (*warn)(void *state, const char *name, const char *nearest),
                            void *state, struct scb_error *error)
{
    for (; *environment != NULL; environment++) {
        const char *text = *environment, *equals = strchr(text, '=');
        bool ours = strncmp(text, "BACKUP_", 7) == 0 || strncmp(text, "SATELLITE_", 10) == 0;
        if (!ours || equals == NULL)
            continue;
        char variable[128];
        (void)snprintf(variable, sizeof(variable), "%.*s", (int)(equals - text), text);
        bool is_file = false;
        int index = find_environment(variable, &is_file);
        if (index >= 0) {
            enum scb_status status =
                load_variable(config, index, is_file, variable, equals + 1, error);
            if (status != SCB_OK)
                return status;
        } else if (warn != NULL) {
            char names[SCB_SETTING_COUNT][SCB_CONFIG_NAME_SIZE];
            warn(state, variable, nearest_environment(variable, names));
        }
    }
    return SCB_OK;
}
