/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Commands on the configuration: show, validate, init, update.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/json.h"
#include "base/memory.h"
#include "cli/gate.h"
#include "cli/handlers.h"
#include "cli/output.h"
#include "cli/run.h"
#include "config/config_text.h"
#include "config/config_update.h"
#include "scb/service.h"

enum { MAX_TEXT = 256 * 1024, MAX_VALUE = 80 * 1024 };

static enum scb_status show_table(const struct scb_config *config, bool with_origin,
                                  struct scb_error *error)
{
    static const struct scb_column columns[] = {
        {"SETTING", false}, {"VALUE", false}, {"ORIGIN", false}};
    SCB_AUTO(memory) char *value = scb_alloc(MAX_VALUE, 1, error);
    if (value == NULL)
        return SCB_ERROR_RESOURCE;
    SCB_AUTO(table) struct scb_table *table = NULL;
    enum scb_status status = scb_table_new(columns, with_origin ? 3 : 2, &table, error);
    for (size_t i = 0; i < scb_config_count() && status == SCB_OK; i++) {
        struct scb_setting_view view;
        scb_config_describe(config, i, &view);
        status = scb_config_value_text(config, i, value, MAX_VALUE, error);
        if (status == SCB_OK)
            status = scb_table_add(table, (const char *[]){view.name, value, view.origin}, error);
    }
    return status == SCB_OK ? scb_table_print(table, stdout, error) : status;
}

static enum scb_status show_json(const struct scb_config *config, struct scb_error *error)
{
    SCB_AUTO(memory) char *value = scb_alloc(MAX_VALUE, 1, error);
    if (value == NULL)
        return SCB_ERROR_RESOURCE;
    SCB_AUTO(buffer) struct scb_buffer text = {.max = MAX_TEXT};
    struct scb_json json;
    scb_json_begin(&json, &text);
    scb_json_open_object(&json, NULL);
    for (size_t i = 0; i < scb_config_count(); i++) {
        struct scb_setting_view view;
        scb_config_describe(config, i, &view);
        enum scb_status status = scb_config_value_text(config, i, value, MAX_VALUE, error);
        if (status != SCB_OK)
            return status;
        scb_json_open_object(&json, view.name);
        scb_json_text(&json, "value", value);
        scb_json_text(&json, "origin", view.origin);
        scb_json_close_object(&json);
    }
    scb_json_close_object(&json);
    return scb_output_json(&json, error);
}

enum scb_status scb_command_config_show(const struct scb_command_context *context,
                                        struct scb_error *error)
{
    if (context->json)
        return show_json(context->config, error);
    bool with_origin = scb_command_option(context, "--origin") != NULL;
    return show_table(context->config, with_origin, error);
}

/* Prints {"<name>": true, "file": "<path>"}, or the text where JSON is not asked for. */
static enum scb_status print_done(const struct scb_command_context *context, const char *name,
                                  const char *path, const char *text, struct scb_error *error)
{
    if (!context->json) {
        (void)printf("%s\n", text);
        return SCB_OK;
    }
    SCB_AUTO(buffer) struct scb_buffer out = {.max = MAX_TEXT};
    struct scb_json json;
    scb_json_begin(&json, &out);
    scb_json_open_object(&json, NULL);
    scb_json_boolean(&json, name, true);
    scb_json_text(&json, "file", path);
    scb_json_close_object(&json);
    return scb_output_json(&json, error);
}

enum scb_status scb_command_config_validate(const struct scb_command_context *context,
                                            struct scb_error *error)
{
    enum scb_status status = scb_service_check(context->config, false, error);
    if (status != SCB_OK)
        return status;
    SCB_AUTO(string)
    char *text = scb_format(error, "the configuration is valid (%s)",
                            context->config_path != NULL ? context->config_path : "no file");
    if (text == NULL)
        return SCB_ERROR_RESOURCE;
    return print_done(context, "valid", context->config_path, text, error);
}

/* Writes the sample to a file that must not be there: it may hold what somebody set up. */
static enum scb_status write_new(const char *path, const struct scb_buffer *text,
                                 struct scb_error *error)
{
    const char *slash = strrchr(path, '/');
    SCB_AUTO(string)
    char *directory = scb_format(error, "%.*s", slash == NULL ? 1 : (int)(slash - path) + 1,
                                 slash == NULL ? "." : path);
    if (directory == NULL)
        return SCB_ERROR_RESOURCE;
    if (faccessat(AT_FDCWD, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0) {
        scb_error_set(error, SCB_ERROR_FILE, "'%s' is there already", path);
        return scb_error_hint(error, "name another file or remove it");
    }
    SCB_AUTO(fd) int dir_fd = -1;
    enum scb_status status = scb_dir_open(directory, true, 0755, &dir_fd, error);
    if (status == SCB_OK) /* 0600: the endpoints' URLs may hold keys */
        status = scb_file_write_durably(dir_fd, slash == NULL ? path : slash + 1, text->data,
                                        text->size, 0600, error);
    return status;
}

/* Who sets it up anew means to remove old backups some day; an older file goes on keeping them. */
static enum scb_status suggest_retention(struct scb_config *config, struct scb_error *error)
{
    struct scb_setting_view view;
    scb_config_describe(config, (size_t)scb_config_find_flag("--retention-days"), &view);
    if (strcmp(view.origin, "default") != 0)
        return SCB_OK;
    return scb_config_set(config, view.name, "35", "config init", error);
}

enum scb_status scb_command_config_init(const struct scb_command_context *context,
                                        struct scb_error *error)
{
    const char *path = context->argument_count > 0    ? context->arguments[0]
                       : context->config_path != NULL ? context->config_path
                                                      : scb_default_config_path;
    SCB_AUTO(buffer) struct scb_buffer sample = {.max = MAX_TEXT};
    enum scb_status status = suggest_retention(context->config, error);
    if (status == SCB_OK)
        status = scb_config_sample(context->config, &sample, error);
    if (status != SCB_OK)
        return status;
    if (strcmp(path, "-") == 0) {
        (void)fwrite(sample.data, 1, sample.size, stdout);
        return SCB_OK;
    }
    status = write_new(path, &sample, error);
    SCB_AUTO(string)
    char *text = scb_format(error,
                            "wrote %s; fill in what is required, then: satellite backup "
                            "config validate --config %s",
                            path, path);
    if (status != SCB_OK || text == NULL)
        return status != SCB_OK ? status : SCB_ERROR_RESOURCE;
    return print_done(context, "written", path, text, error);
}

static const char *when_in_force(const struct scb_setting_view *view)
{
    if (view->kept)
        return "changed; a running service that has one takes it over at its next run, else at a "
               "restart";
    return view->live ? "changed; a running service takes it over at its next run"
                      : "changed; a running service must be restarted for it";
}

/* The names alone: what was set may be secret. */
static enum scb_status print_updated(const struct scb_command_context *context, const char *path,
                                     bool changed, struct scb_error *error)
{
    SCB_AUTO(buffer) struct scb_buffer out = {.max = MAX_TEXT};
    struct scb_json json;
    scb_json_begin(&json, &out);
    scb_json_open_object(&json, NULL);
    scb_json_boolean(&json, "updated", changed);
    scb_json_text(&json, "file", path);
    scb_json_open_array(&json, "settings");
    for (size_t i = 0; i < context->setting_count; i++) {
        struct scb_setting_view view;
        scb_config_describe(context->config, context->settings[i].index, &view);
        scb_json_text(&json, NULL, view.name);
        if (!context->json && !context->quiet)
            (void)printf("%s: %s %s\n", path, view.name,
                         changed ? when_in_force(&view) : "is as it was");
    }
    scb_json_close_array(&json);
    scb_json_close_object(&json);
    return context->json ? scb_output_json(&json, error) : SCB_OK;
}

static enum scb_status check_service(const struct scb_config *config, struct scb_error *error)
{
    return scb_service_check(config, false, error);
}

/* The first is what every later command takes to be let in, this one too. */
static const scb_config_checker checks[] = {scb_command_gate_check, scb_config_check, check_service,
                                            NULL};

enum scb_status scb_command_config_update(const struct scb_command_context *context,
                                          struct scb_error *error)
{
    const char *path =
        context->config_path != NULL ? context->config_path : scb_default_config_path;
    if (context->setting_count == 0) {
        scb_error_set(error, SCB_ERROR_USAGE, "nothing to change is given");
        return scb_error_hint(error, "write it like --max-concurrent-pages 20; satellite help "
                                     "settings lists all");
    }
    SCB_AUTO(memory)
    struct scb_config_change *changes = scb_alloc(context->setting_count, sizeof(*changes), error);
    SCB_AUTO(memory)
    char(*flags)[SCB_CONFIG_NAME_SIZE] = scb_alloc(context->setting_count, sizeof(*flags), error);
    if (changes == NULL || flags == NULL)
        return SCB_ERROR_RESOURCE;
    for (size_t i = 0; i < context->setting_count; i++) {
        scb_config_flag(context->settings[i].index, flags[i]);
        changes[i] = (struct scb_config_change){.index = context->settings[i].index,
                                                .value = context->settings[i].value,
                                                .flag = flags[i]};
    }
    const struct scb_config_update update = {
        .path = path, .changes = changes, .count = context->setting_count, .checks = checks};
    bool changed = false;
    enum scb_status status = scb_config_update_file(&update, &changed, error);
    return status == SCB_OK ? print_updated(context, path, changed, error) : status;
}
