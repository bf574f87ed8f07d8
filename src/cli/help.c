/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/help.h"

#include <string.h>

#include "cli/command_line.h"

void scb_help_usage(FILE *out, const struct scb_command *command)
{
    enum { WIDTH = 88 }; /* and "usage: " before it */
    int used = fprintf(out, "satellite %s", command->path);
    if (command->arguments[0] != '\0')
        used += fprintf(out, " %s", command->arguments);
    for (const struct scb_command_option *option = command->options; option->flag != NULL;
         option++) {
        const char *value = option->value == NULL ? "" : option->value;
        int size = (int)(strlen(option->flag) + strlen(value)) + 4;
        if (used + size > WIDTH)
            used = fprintf(out, "\n         ") - 1;
        used += fprintf(out, option->required ? " %s%s%s" : " [%s%s%s]", option->flag,
                        value[0] == '\0' ? "" : " ", value);
    }
}

static void print_options(FILE *out, const struct scb_command_option *options)
{
    for (; options->flag != NULL; options++) {
        int used =
            fprintf(out, "  %s %s", options->flag, options->value == NULL ? "" : options->value);
        (void)fprintf(out, "%*s%s\n", used < 24 ? 24 - used : 1, "", options->help);
    }
}

void scb_help_command(FILE *out, const struct scb_command *command)
{
    (void)fprintf(out, "usage: ");
    scb_help_usage(out, command);
    (void)fprintf(out, "\n\n%s.\n", command->summary);
    if (command->options->flag != NULL)
        (void)fprintf(out, "\n");
    print_options(out, command->options);
    (void)fprintf(out,
                  "\nExample:\n  %s\n"
                  "\nOptions of every command: satellite help. Settings as flags: satellite help "
                  "settings.\n",
                  command->example);
}

void scb_help_group(FILE *out, const char *const *words, size_t count)
{
    if (count == 0)
        (void)fprintf(out, "satellite backs up the key-value data of a smart contract.\n\n"
                           "usage: satellite COMMAND [OPTIONS]\n\n");
    for (size_t i = 0; i < scb_command_count; i++)
        if (scb_command_begins_with(scb_commands[i].path, words, count))
            (void)fprintf(out, "  %-24s%s\n", scb_commands[i].path, scb_commands[i].summary);
    if (count == 0) {
        (void)fprintf(out, "\nOptions, anywhere on the line:\n");
        print_options(out, scb_global_options);
        (void)fprintf(out, "  --log-level, --log-format and a flag for every other setting: "
                           "satellite help settings\n");
    }
    (void)fprintf(out, "\nExample:\n  satellite help backup run\n");
}

void scb_help_settings(FILE *out, const struct scb_config *config)
{
    (void)fprintf(out, "Each setting is a flag here, an environment variable and a line of the "
                       "configuration file\n(--page-size, BACKUP_PAGE_SIZE, backup.page_size). "
                       "Flags win, then the environment.\n");
    for (size_t i = 0; i < scb_config_count(); i++) {
        struct scb_setting_view view;
        scb_config_describe(config, i, &view);
        if (view.begins_section)
            (void)fprintf(out, "\n%s\n", view.section);
        (void)fprintf(out, "  %s %s\n      %s%s%s%s\n", view.flag,
                      view.required                  ? "(required)"
                      : view.default_text[0] == '\0' ? "\"\""
                                                     : view.default_text,
                      view.help, view.bounds[0] == '\0' ? "" : " (", view.bounds,
                      view.bounds[0] == '\0' ? "" : ")");
    }
    (void)fprintf(out, "\nExample:\n  BACKUP_PAGE_SIZE=200 satellite backup run "
                       "--max-concurrent-pages 20\n");
}
