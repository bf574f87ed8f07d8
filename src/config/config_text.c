/* SPDX-License-Identifier: Apache-2.0 */
#include "config/config_text.h"

#include <string.h>

#include "base/memory.h"
#include "config/settings.h"
#include "config/yaml_write.h"

static enum scb_status append_yaml_value(struct scb_buffer *out, const struct scb_setting *setting,
                                         const struct scb_value *value, struct scb_error *error)
{
    if (!scb_setting_is_number(setting))
        return scb_yaml_append_value(out, setting, &value->texts, error);
    char text[64];
    SCB_AUTO(texts) struct scb_texts number = {0};
    scb_value_format_number(setting, value->number, text, sizeof(text));
    enum scb_status status = scb_texts_add(&number, text, strlen(text), error);
    return status == SCB_OK ? scb_yaml_append_value(out, setting, &number, error) : status;
}

static enum scb_status append_sample_setting(struct scb_buffer *out,
                                             const struct scb_config *config, size_t index,
                                             struct scb_error *error)
{
    const struct scb_setting *setting = &scb_settings[index];
    struct scb_setting_view view;
    scb_config_describe(config, index, &view);
    enum scb_status status = scb_buffer_printf(
        out, error, "\n  # %s%s%s%s%s.\n", view.help, view.bounds[0] == '\0' ? "" : " (",
        view.bounds, view.bounds[0] == '\0' ? "" : ")", view.required ? ". Required" : "");
    if (status == SCB_OK && view.secret)
        status = scb_buffer_append_text(
            out, "  # It may hold a secret: \"file:/path\" takes it from a file.\n", error);
    bool is_set = view.required || strcmp(view.origin, "default") != 0;
    if (status == SCB_OK)
        status = scb_buffer_printf(out, error, "  %s%s: ", is_set ? "" : "#", setting->key);
    if (status == SCB_OK)
        status = append_yaml_value(out, setting, scb_config_value(config, index), error);
    return status == SCB_OK ? scb_buffer_append_text(out, "\n", error) : status;
}

enum scb_status scb_config_sample(const struct scb_config *config, struct scb_buffer *out,
                                  struct scb_error *error)
{
    enum scb_status status = scb_buffer_append_text(
        out,
        "# Settings of satellite. What is commented out is the default: take the # away to change "
        "it.\n"
        "# The environment and flags win over this file; satellite help settings lists them.\n"
        "# Times are written like 500ms 90s 5m 24h 7d 2w, sizes like 512KiB 64MiB 1GB.\n",
        error);
    for (size_t i = 0; i < SCB_SETTING_COUNT && status == SCB_OK; i++) {
        if (scb_setting_begins_section(i))
            status = scb_buffer_printf(out, error, "\n%s:", scb_settings[i].section);
        if (status == SCB_OK)
            status = append_sample_setting(out, config, i, error);
    }
    return status;
}

/* A table's cell: "|" would end it. */
static enum scb_status append_cell(struct scb_buffer *out, const char *text, const char *quote,
                                   struct scb_error *error)
{
    if (text[0] == '\0')
        return scb_buffer_append_text(out, " |", error);
    enum scb_status status = scb_buffer_printf(out, error, " %s", quote);
    for (; *text != '\0' && status == SCB_OK; text++)
        status = *text == '|' ? scb_buffer_append_text(out, "\\|", error)
                              : scb_buffer_append(out, text, 1, error);
    return status == SCB_OK ? scb_buffer_printf(out, error, "%s |", quote) : status;
}

static enum scb_status append_reference_row(struct scb_buffer *out,
                                            const struct scb_setting_view *view,
                                            struct scb_error *error)
{
    const struct {
        const char *text, *quote;
    } cells[] = {
        {strchr(view->name, '.') + 1, "`"},
        {view->type, ""},
        {view->required ? "required" : view->default_text, view->required ? "" : "`"},
        {view->bounds, ""},
        {view->environment, "`"},
        {view->flag, "`"},
        {view->kept   ? "from one to another"
         : view->live ? "yes"
                      : "no",
         ""},
        {view->help, ""},
    };
    enum scb_status status = scb_buffer_append_text(out, "|", error);
    for (size_t i = 0; i < SCB_LENGTH(cells) && status == SCB_OK; i++)
        status = append_cell(out, cells[i].text, cells[i].quote, error);
    return status == SCB_OK ? scb_buffer_append_text(out, "\n", error) : status;
}

static const char reference_head[] =
    "<!-- Made from src/config/settings.def by `make docs`; do not edit. -->\n"
    "# Configuration\n"
    "\n"
    "Settings come from, in rising order: the default, the YAML file\n"
    "(`/etc/satellite/backup-config.yaml`, or `--config FILE`), the environment, a flag.\n"
    "\n"
    "```sh\n"
    "satellite backup config init my.yaml      # a file with every setting, to fill in\n"
    "satellite backup config validate --config my.yaml\n"
    "satellite backup config show --origin     # what is in force, and where it comes from\n"
    "```\n"
    "\n"
    "- Times are written like `500ms`, `90s`, `5m`, `24h`, `7d`, `2w` or `1h30m`; sizes like\n"
    "  `4096`, `512KiB`, `64MiB` or `1GB` (`KiB` is 1024 bytes, `kB` is 1000).\n"
    "- Lists in the environment and in flags are written with commas.\n"
    "- A secret can be kept in a file: `file:/path` in YAML, or the variable's name with `_FILE`\n"
    "  behind it. It is never logged, and masked where it is shown. Secrets:";

static enum scb_status append_secrets(struct scb_buffer *out, struct scb_error *error)
{
    enum scb_status status = SCB_OK;
    const char *separator = " ";
    for (size_t i = 0; i < SCB_SETTING_COUNT && status == SCB_OK; i++) {
        if ((scb_settings[i].flags & SCB_SETTING_SECRET) == 0)
            continue;
        status = scb_buffer_printf(out, error, "%s`%s`", separator, scb_settings[i].name);
        separator = ", ";
    }
    return status == SCB_OK ? scb_buffer_append_text(
                                  out,
                                  ".\n"
                                  "- \"live\": a running service takes a change over at its next "
                                  "run, or on SIGHUP; others need a restart.\n"
                                  "  \"From one to another\" needs one where there was none, or "
                                  "will be none.\n",
                                  error)
                            : status;
}

enum scb_status scb_config_reference(struct scb_buffer *out, struct scb_error *error)
{
    struct scb_config *config = NULL;
    enum scb_status status = scb_config_new(&config, error);
    if (status == SCB_OK)
        status = scb_buffer_append_text(out, reference_head, error);
    if (status == SCB_OK)
        status = append_secrets(out, error);
    for (size_t i = 0; i < SCB_SETTING_COUNT && status == SCB_OK; i++) {
        if (scb_setting_begins_section(i))
            status = scb_buffer_printf(
                out, error,
                "\n## %s\n\n"
                "| name | type | default | bounds | environment | flag | live | meaning |\n"
                "| --- | --- | --- | --- | --- | --- | --- | --- |\n",
                scb_settings[i].section);
        if (status != SCB_OK)
            continue;
        struct scb_setting_view view;
        scb_config_describe(config, i, &view);
        status = append_reference_row(out, &view, error);
    }
    scb_config_free(config);
    return status;
}
