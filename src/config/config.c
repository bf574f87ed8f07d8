/* SPDX-License-Identifier: Apache-2.0 */
#include "scb/config.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "config/settings.h"

struct entry {
    struct scb_value value;
    char *origin;
};

struct scb_config {
    struct entry entries[SCB_SETTING_COUNT];
    struct scb_texts files; /* that secrets were read from */
};

static const char default_origin[] = "default";

static const char *const *list_of(const struct scb_texts *texts)
{
    static const char *const empty[] = {NULL};
    return texts->count == 0 ? empty : (const char *const *)texts->items;
}

void scb_config_free(struct scb_config *config)
{
    if (config == NULL)
        return;
    for (size_t i = 0; i < SCB_SETTING_COUNT; i++) {
        scb_texts_cleanup(&config->entries[i].value.texts);
        free(config->entries[i].origin);
    }
    scb_texts_cleanup(&config->files);
    free(config);
}

/* Reads texts as the setting's value, whether or not its feature is in this version. */
static enum scb_status replace(struct scb_config *config, size_t index, struct scb_texts *texts,
                               const char *origin, struct scb_error *error)
{
    struct entry *entry = &config->entries[index];
    SCB_AUTO(string) char *origin_copy = scb_strdup(origin, error);
    if (origin_copy == NULL)
        return SCB_ERROR_RESOURCE;
    struct scb_value value = {0};
    enum scb_status status = scb_value_parse(&scb_settings[index], texts, &value, error);
    if (status != SCB_OK)
        return status;
    scb_texts_cleanup(&entry->value.texts);
    free(entry->origin);
    *entry = (struct entry){.value = value, .origin = SCB_TAKE(origin_copy)};
    return SCB_OK;
}

enum scb_status scb_config_new(struct scb_config **ret_config, struct scb_error *error)
{
    struct scb_config *config = scb_alloc(1, sizeof(*config), error);
    if (config == NULL)
        return SCB_ERROR_RESOURCE;
    for (size_t i = 0; i < SCB_SETTING_COUNT; i++) {
        const struct scb_setting *setting = &scb_settings[i];
        SCB_AUTO(texts) struct scb_texts texts = {0};
        enum scb_status status =
            scb_texts_add_value(&texts, setting, setting->default_text, ",", error);
        if (status == SCB_OK)
            status = replace(config, i, &texts, default_origin, error);
        assert(status == SCB_OK || status == SCB_ERROR_RESOURCE);
        if (status != SCB_OK) {
            scb_config_free(config);
            return status;
        }
    }
    *ret_config = config;
    return SCB_OK;
}

enum scb_status scb_config_assign(struct scb_config *config, size_t index, struct scb_texts *texts,
                                  const char *origin, struct scb_error *error)
{
    const char *name = scb_settings[index].name;
    enum scb_status status = replace(config, index, texts, origin, error);
    return status == SCB_OK ? SCB_OK : scb_error_wrap(error, "%s: %s", origin, name);
}

static enum scb_status assign_text(struct scb_config *config, size_t index, const char *value,
                                   const char *origin, struct scb_error *error)
{
    SCB_AUTO(texts) struct scb_texts texts = {0};
    enum scb_status status = scb_texts_add_value(&texts, &scb_settings[index], value, ",", error);
    if (status != SCB_OK)
        return scb_error_wrap(error, "%s: %s", origin, scb_settings[index].name);
    return scb_config_assign(config, index, &texts, origin, error);
}

enum scb_status scb_config_set(struct scb_config *config, const char *name, const char *value,
                               const char *origin, struct scb_error *error)
{
    int index = scb_setting_find(name);
    if (index < 0)
        return scb_error_set(error, SCB_ERROR_VALIDATION, "%s: unknown setting '%.64s'", origin,
                             name);
    return assign_text(config, (size_t)index, value, origin, error);
}

enum scb_status scb_config_read_secret(struct scb_config *config, const struct scb_setting *setting,
                                       const char *path, struct scb_texts *texts,
                                       struct scb_error *error)
{
    enum scb_status status = scb_texts_add_file(texts, setting, path, error);
    return status == SCB_OK ? scb_texts_add(&config->files, path, strlen(path), error) : status;
}

const char *const *scb_config_files(const struct scb_config *config)
{
    return list_of(&config->files);
}

bool scb_config_is_given(const struct scb_config *config, size_t index)
{
    const struct scb_texts *texts = &config->entries[index].value.texts;
    return texts->count > 0 && texts->items[0][0] != '\0';
}

/* Whether a running service may take the setting over from one of them to the other. */
static bool may_change(const struct scb_config *a, const struct scb_config *b, size_t index)
{
    unsigned flags = scb_settings[index].flags;
    if ((flags & SCB_SETTING_KEPT) != 0 &&
        scb_config_is_given(a, index) != scb_config_is_given(b, index))
        return false;
    return (flags & SCB_SETTING_LIVE) != 0;
}

static void swap_live(struct scb_config *a, struct scb_config *b)
{
    for (size_t i = 0; i < SCB_SETTING_COUNT; i++) {
        if (!may_change(a, b, i))
            continue;
        struct entry entry = a->entries[i];
        a->entries[i] = b->entries[i];
        b->entries[i] = entry;
    }
    struct scb_texts files = a->files;
    a->files = b->files;
    b->files = files;
}

bool scb_config_same_value(const struct scb_config *a, const struct scb_config *b, size_t index)
{
    const struct scb_value *one = &a->entries[index].value, *other = &b->entries[index].value;
    bool same = one->number == other->number && one->texts.count == other->texts.count;
    for (size_t i = 0; same && i < one->texts.count; i++)
        same = strcmp(one->texts.items[i], other->texts.items[i]) == 0;
    return same;
}

enum scb_status scb_config_take_over(struct scb_config *config, struct scb_config *fresh,
                                     scb_config_change_visitor visit, void *state,
                                     struct scb_error *error)
{
    swap_live(config, fresh);
    enum scb_status status = scb_config_check(config, error);
    if (status != SCB_OK) {
        swap_live(config, fresh);
        return status;
    }
    for (size_t i = 0; i < SCB_SETTING_COUNT; i++)
        if (!scb_config_same_value(config, fresh, i))
            visit(state, scb_settings[i].name, may_change(config, fresh, i));
    return SCB_OK;
}

static const struct scb_value *value_of(const struct scb_config *config, const char *name,
                                        bool is_number, bool is_list)
{
    int index = scb_setting_find(name);
    assert(index >= 0);
    assert(scb_setting_is_number(&scb_settings[index]) == is_number);
    assert(scb_setting_is_list(&scb_settings[index]) == is_list);
    return &config->entries[index].value;
}

const char *scb_config_text(const struct scb_config *config, const char *name)
{
    return value_of(config, name, false, false)->texts.items[0];
}

int64_t scb_config_integer(const struct scb_config *config, const char *name)
{
    return value_of(config, name, true, false)->number;
}

bool scb_config_boolean(const struct scb_config *config, const char *name)
{
    return value_of(config, name, true, false)->number != 0;
}

const char *const *scb_config_list(const struct scb_config *config, const char *name)
{
    return list_of(&value_of(config, name, false, true)->texts);
}

const struct scb_value *scb_config_value(const struct scb_config *config, size_t index)
{
    assert(index < SCB_SETTING_COUNT);
    return &config->entries[index].value;
}

size_t scb_config_count(void)
{
    return SCB_SETTING_COUNT;
}

void scb_config_describe(const struct scb_config *config, size_t index,
                         struct scb_setting_view *ret_view)
{
    assert(index < SCB_SETTING_COUNT);
    const struct scb_setting *setting = &scb_settings[index];
    *ret_view = (struct scb_setting_view){
        .name = setting->name,
        .section = setting->section,
        .begins_section = scb_setting_begins_section(index),
        .type = scb_setting_type(setting),
        .help = setting->help,
        .default_text = setting->default_text,
        .origin = config->entries[index].origin,
        .live = (setting->flags & SCB_SETTING_LIVE) != 0,
        .kept = (setting->flags & SCB_SETTING_KEPT) != 0,
        .required = (setting->flags & SCB_SETTING_REQUIRED) != 0,
        .secret = (setting->flags & SCB_SETTING_SECRET) != 0,
    };
    scb_setting_bounds(setting, ret_view->bounds, sizeof(ret_view->bounds));
    scb_setting_environment(setting, ret_view->environment);
    scb_config_flag(index, ret_view->flag);
}

enum scb_status scb_config_value_text(const struct scb_config *config, size_t index, char *ret_text,
                                      size_t size, struct scb_error *error)
{
    const struct scb_value *value = scb_config_value(config, index);
    const struct scb_setting *setting = &scb_settings[index];
    SCB_AUTO(buffer) struct scb_buffer text = {.max = size};
    enum scb_status status = SCB_OK;
    char shown[SCB_SETTING_SHOWN_SIZE];
    if (scb_setting_is_number(setting)) {
        scb_value_format_number(setting, value->number, shown, sizeof(shown));
        status = scb_buffer_append_text(&text, shown, error);
    }
    for (size_t i = 0; i < value->texts.count && status == SCB_OK; i++) {
        scb_value_show(setting, value->texts.items[i], shown, sizeof(shown));
        status = scb_buffer_printf(&text, error, "%s%s", i == 0 ? "" : ",", shown);
    }
    if (status == SCB_OK)
        status = scb_buffer_append(&text, "", 1, error);
    if (status == SCB_OK)
        memcpy(ret_text, text.data, text.size);
    return status == SCB_OK ? SCB_OK : scb_error_wrap(error, "%s", setting->name);
}
