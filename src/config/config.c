/* SPDX-License-Identifier: Apache-2.0 */
#include "scb/config.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "config/settings.h"

struct entry {
    struct scb_value value;
    char *origin;
};

struct scb_config {
    struct entry entries[SCB_SETTING_COUNT];
};

static const char default_origin[] = "default";

void scb_config_free(struct scb_config *config)
{
    if (config == NULL)
        return;
    for (size_t i = 0; i < SCB_SETTING_COUNT; i++) {
        scb_texts_cleanup(&config->entries[i].value.texts);
        free(config->entries[i].origin);
    }
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
    char other[SCB_CONFIG_NAME_SIZE + 5];
    scb_setting_environment(setting, other);
    if (!is_file)
        (void)strcat(other, "_FILE");
    if (strcmp(config->entries[index].origin, other) == 0) {
        scb_error_set(error, SCB_ERROR_VALIDATION, "%s: %s is set too", variable, other);
        return scb_error_hint(error, "unset one of them");
    }
    if (!is_file)
        return assign_text(config, (size_t)index, value, variable, error);
    SCB_AUTO(texts) struct scb_texts texts = {0};
    enum scb_status status = scb_texts_add_file(&texts, setting, value, error);
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

static enum scb_status check_required(const struct scb_config *config, struct scb_error *error)
{
    for (size_t i = 0; i < SCB_SETTING_COUNT; i++) {
        const struct scb_setting *setting = &scb_settings[i];
        const struct scb_texts *texts = &config->entries[i].value.texts;
        bool given = texts->count > 0 && texts->items[0][0] != '\0';
        if ((setting->flags & SCB_SETTING_REQUIRED) == 0 || given)
            continue;
        char variable[SCB_CONFIG_NAME_SIZE], flag[SCB_CONFIG_NAME_SIZE];
        scb_setting_environment(setting, variable);
        scb_config_flag(i, flag);
        scb_error_set(error, SCB_ERROR_VALIDATION, "%s is not set", setting->name);
        return scb_error_hint(error, "set it in the configuration file, by %s or by %s", variable,
                              flag);
    }
    return SCB_OK;
}

/*
 * What encryption takes beyond that: 8 MiB a worker for a page between its plain and its encrypted
 * form, and half a MiB for each page that comes in pieces and is being encrypted on the way, which
 * all may be that the source has: four times those in flight, or 64.
 */
static int64_t encryption_memory(const struct scb_config *config)
{
    int64_t pages = 4 * scb_config_integer(config, "backup.max_concurrent_pages");
    if (scb_config_list(config, "encryption.recipients")[0] == NULL)
        return 0;
    return (INT64_C(8) << 20) * scb_config_integer(config, "backup.worker_concurrency") +
           (INT64_C(512) << 10) * (pages < 64 ? 64 : pages);
}

/* Two of the largest entries on their way and two being written, 16 MiB a worker for a page and its
 * deflated form; the bounds of the settings keep this far from an overflow. */
static enum scb_status check_memory(const struct scb_config *config, struct scb_error *error)
{
    int64_t needed = 4 * (scb_config_integer(config, "backup.max_value_size") +
                          2 * scb_config_integer(config, "backup.max_key_size")) +
                     (INT64_C(16) << 20) * scb_config_integer(config, "backup.worker_concurrency") +
                     (INT64_C(32) << 20) + encryption_memory(config);
    if (scb_config_integer(config, "backup.memory_limit") >= needed)
        return SCB_OK;
    char text[32];
    scb_text_format_size((uint64_t)needed, text, sizeof(text));
    scb_error_set(error, SCB_ERROR_VALIDATION,
                  "backup.memory_limit is less than the %s that backup.max_value_size, "
                  "max_key_size and worker_concurrency need "
                  "(4 x (value + 2 x key) + 16MiB a worker + 32MiB; encryption takes "
                  "8MiB a worker and half a MiB for each of 4 x max_concurrent_pages more)",
                  text);
    return scb_error_hint(error, "raise backup.memory_limit to %s or lower one of the others",
                          text);
}

/* A certificate without its key cannot sign, nor a key without its certificate. */
static enum scb_status check_identity(const struct scb_config *config, struct scb_error *error)
{
    bool cert = scb_config_text(config, "identity.cert_path")[0] != '\0';
    bool key = scb_config_text(config, "identity.key_path")[0] != '\0';
    if (cert == key)
        return SCB_OK;
    scb_error_set(error, SCB_ERROR_VALIDATION, "identity.%s_path is set, identity.%s_path is not",
                  cert ? "cert" : "key", cert ? "key" : "cert");
    return scb_error_hint(error, "set both to sign manifests, or neither");
}

/* An endpoint that is named twice is one endpoint. */
static enum scb_status check_quorum(const struct scb_config *config, struct scb_error *error)
{
    const char *const *urls = scb_config_list(config, "contract.rpc_urls");
    size_t different = 0;
    for (size_t i = 0; urls[i] != NULL; i++) {
        size_t first = 0;
        while (strcmp(urls[first], urls[i]) != 0)
            first++;
        different += first == i;
    }
    if ((int64_t)different >= scb_config_integer(config, "contract.quorum"))
        return SCB_OK;
    scb_error_set(error, SCB_ERROR_VALIDATION,
                  "contract.quorum is more than the %zu different contract.rpc_urls", different);
    return scb_error_hint(error, "name more endpoints or lower contract.quorum");
}

enum scb_status scb_config_check(const struct scb_config *config, struct scb_error *error)
{
    enum scb_status status = check_required(config, error);
    if (status != SCB_OK)
        return status;
    if (scb_config_integer(config, "backup.retry_max_delay") <
        scb_config_integer(config, "backup.retry_delay")) {
        scb_error_set(error, SCB_ERROR_VALIDATION,
                      "backup.retry_max_delay is less than backup.retry_delay");
        return scb_error_hint(error, "raise backup.retry_max_delay or lower backup.retry_delay");
    }
    status = check_quorum(config, error);
    if (status == SCB_OK)
        status = check_identity(config, error);
    return status != SCB_OK ? status : check_memory(config, error);
}

static bool is_live(size_t index)
{
    return (scb_settings[index].flags & SCB_SETTING_LIVE) != 0;
}

static void swap_live(struct scb_config *a, struct scb_config *b)
{
    for (size_t i = 0; i < SCB_SETTING_COUNT; i++) {
        if (!is_live(i))
            continue;
        struct entry entry = a->entries[i];
        a->entries[i] = b->entries[i];
        b->entries[i] = entry;
    }
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
            visit(state, scb_settings[i].name, is_live(i));
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
    static const char *const empty[] = {NULL};
    const struct scb_value *value = value_of(config, name, false, true);
    return value->texts.count == 0 ? empty : (const char *const *)value->texts.items;
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
