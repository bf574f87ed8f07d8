/* SPDX-License-Identifier: Apache-2.0 */
#include "config/settings.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"

/* The words that settings.def is written in. */
#define BETWEEN(min_, max_, unit_) .min = (min_), .max = (max_), .unit = (unit_)
#define ONE_OF(choices_)           .choices = (choices_)
#define ANY                        .unit = ""
#define LIVE                       SCB_SETTING_LIVE
#define SECRET                     SCB_SETTING_SECRET
#define REQUIRED                   SCB_SETTING_REQUIRED
#define KEPT                       SCB_SETTING_KEPT
#define SECOND                     INT64_C(1000)
#define HOUR                       (3600 * SECOND)
#define DAY                        (24 * HOUR)
#define MIB                        (INT64_C(1) << 20)
#define GIB                        (INT64_C(1) << 30)
#define TIB                        (INT64_C(1) << 40)
#define PIB                        (INT64_C(1) << 50)

const struct scb_setting scb_settings[SCB_SETTING_COUNT] = {
#define SCB_SETTING(section_, key_, kind_, default_, bounds_, flags_, help_)                       \
    {.section = #section_,                                                                         \
     .key = #key_,                                                                                 \
     .name = #section_ "." #key_,                                                                  \
     .kind = SCB_SETTING_##kind_,                                                                  \
     .default_text = (default_),                                                                   \
     bounds_,                                                                                      \
     .flags = (flags_),                                                                            \
     .help = (help_)},
#include "config/settings.def"
#undef SCB_SETTING
};

static const struct {
    const char *type;
    bool is_number, is_list;
} kinds[] = {
    [SCB_SETTING_TEXT] = {"text", false, false},
    [SCB_SETTING_INTEGER] = {"integer", true, false},
    [SCB_SETTING_DURATION] = {"duration", true, false},
    [SCB_SETTING_SIZE] = {"size", true, false},
    [SCB_SETTING_BOOLEAN] = {"boolean", true, false},
    [SCB_SETTING_CHOICE] = {"choice", false, false},
    [SCB_SETTING_LIST] = {"list", false, true},
    [SCB_SETTING_BLOCK] = {"block", false, false},
    [SCB_SETTING_FUNCTION] = {"function", false, false},
    [SCB_SETTING_URL] = {"URL", false, false},
    [SCB_SETTING_HTTP_URLS] = {"list of URLs", false, true},
    [SCB_SETTING_HTTP_URL] = {"URL", false, false},
    [SCB_SETTING_RECIPIENTS] = {"list of age recipients", false, true},
    [SCB_SETTING_CALLS] = {"list of commands or URLs", false, true},
};

bool scb_setting_begins_section(size_t index)
{
    return index == 0 || strcmp(scb_settings[index].section, scb_settings[index - 1].section) != 0;
}

const char *scb_setting_type(const struct scb_setting *setting)
{
    return kinds[setting->kind].type;
}

bool scb_setting_is_list(const struct scb_setting *setting)
{
    return kinds[setting->kind].is_list;
}

bool scb_setting_is_number(const struct scb_setting *setting)
{
    return kinds[setting->kind].is_number;
}

int scb_setting_find(const char *name)
{
    for (int i = 0; i < SCB_SETTING_COUNT; i++)
        if (strcmp(scb_settings[i].name, name) == 0)
            return i;
    return -1;
}

void scb_setting_bounds(const struct scb_setting *setting, char *ret_text, size_t size)
{
    if (setting->choices != NULL || setting->kind == SCB_SETTING_BOOLEAN) {
        (void)snprintf(ret_text, size, "%s",
                       setting->choices != NULL ? setting->choices : "true|false");
        return;
    }
    ret_text[0] = '\0';
    if (setting->max == 0)
        return;
    char min[32], max[32];
    scb_value_format_number(setting, setting->min, min, sizeof(min));
    scb_value_format_number(setting, setting->max, max, sizeof(max));
    bool is_count = !scb_setting_is_number(setting) && setting->min == 0;
    (void)snprintf(ret_text, size, "%s to %s%s%s", is_count ? "up" : min, max,
                   setting->unit[0] == '\0' ? "" : " ", setting->unit);
}

/* "Page_size" in the case and with the separator that is wanted. */
static void append_name(char *text, const char *name, bool upper, char separator)
{
    text += strlen(text);
    for (; *name != '\0'; name++) {
        bool is_lower = *name >= 'a' && *name <= 'z';
        *text++ = *name == '_' ? separator : upper && is_lower ? (char)(*name - 'a' + 'A') : *name;
    }
    *text = '\0';
}

void scb_setting_environment(const struct scb_setting *setting, char ret_name[SCB_CONFIG_NAME_SIZE])
{
    assert(strlen("SATELLITE_") + strlen(setting->name) < SCB_CONFIG_NAME_SIZE);
    bool is_backup = strcmp(setting->section, "backup") == 0;
    (void)strcpy(ret_name, is_backup ? "" : "SATELLITE_");
    append_name(ret_name, setting->section, true, '_');
    (void)strcat(ret_name, "_");
    /* A name that repeats its section drops it: BACKUP_DIR. */
    size_t length = strlen(setting->section);
    bool repeats =
        strncmp(setting->key, setting->section, length) == 0 && setting->key[length] == '_';
    append_name(ret_name, setting->key + (repeats ? length + 1 : 0), true, '_');
}

void scb_config_flag(size_t index, char ret_flag[SCB_CONFIG_NAME_SIZE])
{
    assert(index < SCB_SETTING_COUNT);
    const struct scb_setting *setting = &scb_settings[index];
    (void)strcpy(ret_flag, "--");
    if (strcmp(setting->section, "backup") != 0) {
        append_name(ret_flag, setting->section, false, '-');
        (void)strcat(ret_flag, "-");
    }
    append_name(ret_flag, setting->key, false, '-');
}

int scb_config_find_flag(const char *flag)
{
    for (int i = 0; i < SCB_SETTING_COUNT; i++) {
        char candidate[SCB_CONFIG_NAME_SIZE];
        scb_config_flag((size_t)i, candidate);
        if (strcmp(candidate, flag) == 0)
            return i;
    }
    return -1;
}
