/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The YAML file: a mapping of sections to mappings of settings to a value or a list of values.
 * Nothing else of YAML is taken, so that every key has one line and one meaning: no anchors, no
 * tags, no second document, no key twice.
 */
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <yaml.h>

#include "base/memory.h"
#include "base/text.h"
#include "config/settings.h"

enum { MAX_FILE = 1024 * 1024 };

struct loader {
    yaml_parser_t parser;
    yaml_event_t event; /* the present one */
    const char *path;
    struct scb_config *config;
    struct scb_error *error;
    bool seen[SCB_SETTING_COUNT];
    bool section_seen[SCB_SETTING_COUNT]; /* at the section's first setting */
};

static void loader_cleanup(struct loader *loader)
{
    yaml_event_delete(&loader->event);
    yaml_parser_delete(&loader->parser);
}

static size_t line_of(const struct loader *loader)
{
    return loader->event.start_mark.line + 1;
}

/* Puts file and line before the error that was just set. */
static enum scb_status fail_here(struct loader *loader)
{
    return scb_error_wrap(loader->error, "%s:%zu", loader->path, line_of(loader));
}

SCB_PRINTF(3, 4)
static enum scb_status fail_with(struct loader *loader, const char *hint, const char *format, ...)
{
    char what[512];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(what, sizeof(what), format, arguments);
    va_end(arguments);
    scb_error_set(loader->error, SCB_ERROR_VALIDATION, "%s:%zu: %s", loader->path, line_of(loader),
                  what);
    return scb_error_hint(loader->error, "%s", hint);
}

static enum scb_status refuse_extras(struct loader *loader)
{
    const yaml_event_t *event = &loader->event;
    bool anchored = false, tagged = false;
    if (event->type == YAML_SCALAR_EVENT) {
        anchored = event->data.scalar.anchor != NULL;
        tagged = event->data.scalar.tag != NULL;
    } else if (event->type == YAML_SEQUENCE_START_EVENT) {
        anchored = event->data.sequence_start.anchor != NULL;
        tagged = event->data.sequence_start.tag != NULL;
    } else if (event->type == YAML_MAPPING_START_EVENT) {
        anchored = event->data.mapping_start.anchor != NULL;
        tagged = event->data.mapping_start.tag != NULL;
    }
    if (anchored || event->type == YAML_ALIAS_EVENT)
        return fail_with(loader, "write the value out", "YAML anchors and aliases are not taken");
    if (tagged)
        return fail_with(loader, "remove the !tag", "YAML tags are not taken");
    if (event->type == YAML_SCALAR_EVENT &&
        memchr(event->data.scalar.value, 0, event->data.scalar.length) != NULL)
        return fail_with(loader, "remove it", "a NUL byte is in the value");
    return SCB_OK;
}

static enum scb_status next(struct loader *loader)
{
    yaml_event_delete(&loader->event);
    if (yaml_parser_parse(&loader->parser, &loader->event))
        return refuse_extras(loader);
    const yaml_parser_t *parser = &loader->parser;
    if (parser->error == YAML_MEMORY_ERROR)
        return scb_error_set(loader->error, SCB_ERROR_RESOURCE, "no memory to read '%s'",
                             loader->path);
    scb_error_set(loader->error, SCB_ERROR_VALIDATION, "%s:%zu:%zu: not valid YAML: %s",
                  loader->path, parser->problem_mark.line + 1, parser->problem_mark.column + 1,
                  parser->problem != NULL ? parser->problem : "unreadable");
    return scb_error_hint(loader->error, "check quotes, colons and indentation there");
}

static bool is_null(const struct loader *loader)
{
    if (loader->event.type != YAML_SCALAR_EVENT ||
        loader->event.data.scalar.style != YAML_PLAIN_SCALAR_STYLE)
        return false;
    const char *text = (const char *)loader->event.data.scalar.value;
    return text[0] == '\0' || strcmp(text, "~") == 0 || strcmp(text, "null") == 0;
}

/* The index of a section's first setting, or -1. */
static int find_section(const char *name)
{
    for (int i = 0; i < SCB_SETTING_COUNT; i++)
        if (strcmp(scb_settings[i].section, name) == 0)
            return i;
    return -1;
}

/* Says which known name is meant: of the same section first, then the same key of another. */
static enum scb_status fail_unknown(struct loader *loader, const char *section, const char *name)
{
    const char *candidates[SCB_SETTING_COUNT];
    const char *nearest = NULL;
    size_t count = 0;
    for (size_t i = 0; i < SCB_SETTING_COUNT; i++) {
        const struct scb_setting *setting = &scb_settings[i];
        if (section == NULL)
            candidates[count++] = setting->section;
        else if (strcmp(setting->section, section) == 0)
            candidates[count++] = setting->key;
    }
    nearest = scb_text_nearest(name, candidates, count);
    for (size_t i = 0; i < SCB_SETTING_COUNT && nearest == NULL; i++)
        if (strcmp(scb_settings[i].key, name) == 0)
            nearest = scb_settings[i].name;
    char printable[128];
    scb_text_printable((struct scb_bytes){(const uint8_t *)name, strlen(name)}, printable,
                       sizeof(printable));
    scb_error_set(loader->error, SCB_ERROR_VALIDATION, "%s:%zu: unknown %s '%s%s%s'", loader->path,
                  line_of(loader), section == NULL ? "section" : "setting",
                  section == NULL ? "" : section, section == NULL ? "" : ".", printable);
    if (nearest != NULL)
        return scb_error_hint(loader->error, "did you mean %s?", nearest);
    return scb_error_hint(loader->error, "remove it; satellite help settings lists all");
}

/* Adds the present scalar, or what the file holds that it names. */
static enum scb_status add_scalar(struct loader *loader, const struct scb_setting *setting,
                                  struct scb_texts *texts, bool one_of_many)
{
    const char *text = (const char *)loader->event.data.scalar.value;
    bool is_secret = (setting->flags & SCB_SETTING_SECRET) != 0;
    if (is_secret && strncmp(text, "file:", 5) == 0)
        return scb_config_read_secret(loader->config, setting, text + 5, texts, loader->error);
    if (one_of_many)
        return scb_texts_add(texts, text, strlen(text), loader->error);
    return scb_texts_add_value(texts, setting, text, ",", loader->error);
}

static enum scb_status read_value(struct loader *loader, const struct scb_setting *setting,
                                  struct scb_texts *texts)
{
    enum scb_status status = next(loader);
    if (status != SCB_OK)
        return status;
    bool is_list = loader->event.type == YAML_SEQUENCE_START_EVENT;
    if (is_null(loader))
        return fail_with(loader, "give one or remove the line", "%s: no value", setting->name);
    if (loader->event.type == YAML_SCALAR_EVENT) {
        status = add_scalar(loader, setting, texts, false);
        return status == SCB_OK ? SCB_OK : fail_here(loader);
    }
    if (!is_list || !scb_setting_is_list(setting)) {
        scb_error_set(loader->error, SCB_ERROR_VALIDATION, "%s: a %s where %s is expected",
                      setting->name, is_list ? "list" : "mapping",
                      scb_setting_is_list(setting) ? "a list" : "one value");
        return fail_here(loader);
    }
    for (;;) {
        status = next(loader);
        if (status != SCB_OK || loader->event.type == YAML_SEQUENCE_END_EVENT)
            return status;
        if (loader->event.type != YAML_SCALAR_EVENT || is_null(loader))
            return fail_with(loader, "make each entry one value",
                             "%s: an entry that is not a value", setting->name);
        status = add_scalar(loader, setting, texts, true);
        if (status != SCB_OK)
            return fail_here(loader);
    }
}

/* The present event is the key in a section. */
static enum scb_status load_setting(struct loader *loader, const char *section)
{
    if (loader->event.type != YAML_SCALAR_EVENT)
        return fail_with(loader, "write it like page_size: 100", "a setting's name is not a word");
    const char *key = (const char *)loader->event.data.scalar.value;
    char name[128];
    (void)snprintf(name, sizeof(name), "%s.%s", section, key);
    int index = scb_setting_find(name);
    if (index < 0)
        return fail_unknown(loader, section, key);
    if (loader->seen[index])
        return fail_with(loader, "remove one", "%s: set twice", name);
    loader->seen[index] = true;
    SCB_AUTO(string)
    char *origin = scb_format(loader->error, "%s:%zu", loader->path, line_of(loader));
    if (origin == NULL)
        return SCB_ERROR_RESOURCE;
    SCB_AUTO(texts) struct scb_texts texts = {0};
    enum scb_status status = read_value(loader, &scb_settings[index], &texts);
    return status != SCB_OK
               ? status
               : scb_config_assign(loader->config, (size_t)index, &texts, origin, loader->error);
}

/* The present event is the key of a section. */
static enum scb_status load_section(struct loader *loader)
{
    if (loader->event.type != YAML_SCALAR_EVENT)
        return fail_with(loader, "write it like backup:", "a section's name is not a word");
    const char *name = (const char *)loader->event.data.scalar.value;
    int first = find_section(name);
    if (first < 0)
        return fail_unknown(loader, NULL, name);
    const char *section = scb_settings[first].section;
    if (loader->section_seen[first])
        return fail_with(loader, "make one of them", "section %s: there twice", section);
    loader->section_seen[first] = true;
    enum scb_status status = next(loader);
    if (status != SCB_OK || is_null(loader)) /* all of its settings are commented out */
        return status;
    if (loader->event.type != YAML_MAPPING_START_EVENT)
        return fail_with(loader, "write its settings below it, each on a line, indented",
                         "section %s: no settings in it", section);
    for (;;) {
        status = next(loader);
        if (status != SCB_OK || loader->event.type == YAML_MAPPING_END_EVENT)
            return status;
        status = load_setting(loader, section);
        if (status != SCB_OK)
            return status;
    }
}

/* The present event is the first one of the document. */
static enum scb_status load_document(struct loader *loader)
{
    enum scb_status status = next(loader);
    if (status == SCB_OK && !is_null(loader)) {
        if (loader->event.type != YAML_MAPPING_START_EVENT)
            return fail_with(loader, "begin with a line backup:", "no section there");
        while ((status = next(loader)) == SCB_OK && loader->event.type != YAML_MAPPING_END_EVENT) {
            status = load_section(loader);
            if (status != SCB_OK)
                return status;
        }
    }
    if (status == SCB_OK)
        status = next(loader); /* the document's end */
    return status;
}

enum scb_status scb_config_load_text(struct scb_config *config, struct scb_bytes text,
                                     const char *path, struct scb_error *error)
{
    __attribute__((cleanup(loader_cleanup))) struct loader loader = {
        .path = path, .config = config, .error = error};
    if (!yaml_parser_initialize(&loader.parser))
        return scb_error_set(error, SCB_ERROR_RESOURCE, "no memory to read '%s'", path);
    static const uint8_t nothing[1]; /* libyaml does not take NULL */
    yaml_parser_set_input_string(&loader.parser, text.size == 0 ? nothing : text.data, text.size);
    enum scb_status status = next(&loader); /* the stream's start */
    if (status == SCB_OK)
        status = next(&loader);
    if (status == SCB_OK && loader.event.type == YAML_DOCUMENT_START_EVENT) {
        status = load_document(&loader);
        if (status == SCB_OK)
            status = next(&loader);
        if (status == SCB_OK && loader.event.type != YAML_STREAM_END_EVENT)
            return fail_with(&loader, "keep one in the file", "a second YAML document");
    }
    return status;
}

enum scb_status scb_config_load_file(struct scb_config *config, const char *path,
                                     struct scb_error *error)
{
    SCB_AUTO(buffer) struct scb_buffer text = {.max = MAX_FILE + 1};
    enum scb_status status = scb_config_read_file(path, &text, error);
    if (status == SCB_ERROR_FILE)
        return scb_error_hint(error, "name another configuration file, or write one with satellite "
                                     "backup config init FILE");
    return status == SCB_OK ? scb_config_load_text(config, scb_buffer_bytes(&text), path, error)
                            : status;
}
