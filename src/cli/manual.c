/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/manual.h"

#include <string.h>

#include "cli/command_line.h"
#include "cli/run.h"

/* Text as it is: what roff takes for its own is escaped. */
static void put(FILE *out, const char *text)
{
    bool at_begin = true;
    for (; *text != '\0'; text++) {
        if (at_begin && (*text == '.' || *text == '\''))
            (void)fputs("\\&", out);
        at_begin = *text == '\n';
        if (*text == '\\')
            (void)fputs("\\e", out);
        else if (*text == '-')
            (void)fputs("\\-", out);
        else
            (void)fputc(*text, out);
    }
}

static void put_bold(FILE *out, const char *text)
{
    (void)fputs("\\fB", out);
    put(out, text);
    (void)fputs("\\fR", out);
}

static void put_italic(FILE *out, const char *text)
{
    (void)fputs("\\fI", out);
    put(out, text);
    (void)fputs("\\fR", out);
}

/* A line of the table of tags: the tag in bold, what stands for its value behind it. */
static void put_tag(FILE *out, const char *tag, const char *value)
{
    (void)fputs(".TP\n", out);
    put_bold(out, tag);
    if (value != NULL && value[0] != '\0') {
        (void)fputc(' ', out);
        put_italic(out, value);
    }
    (void)fputc('\n', out);
}

static void put_paragraph(FILE *out, const char *text)
{
    put(out, text);
    (void)fputc('\n', out);
}

static void put_example(FILE *out, const char *text)
{
    (void)fputs(".PP\n.RS 4\n.nf\n", out);
    put(out, text);
    (void)fputs("\n.fi\n.RE\n", out);
}

static void put_head(FILE *out, const char *title, const char *section, const char *date)
{
    (void)fprintf(out,
                  ".\\\" Made from the tables of commands and settings.\n"
                  ".TH %s %s \"%s\" \"satellite %s\" \"satellite\"\n.SH NAME\n",
                  title, section, date, SCB_VERSION);
}

static void put_options(FILE *out, const struct scb_command_option *options)
{
    for (; options->flag != NULL; options++) {
        put_tag(out, options->flag, options->value);
        put(out, options->help);
        (void)fputs(".\n", out);
    }
}

static void put_command(FILE *out, const struct scb_command *command)
{
    (void)fputs(".SS \"", out);
    put(out, command->path);
    if (command->arguments[0] != '\0') {
        (void)fputc(' ', out);
        put(out, command->arguments);
    }
    (void)fputs("\"\n", out);
    put(out, command->summary);
    const enum scb_role role = scb_operation_of(command->operation)->role;
    (void)fprintf(out, ".\n");
    if (role != SCB_ROLE_ANYONE)
        (void)fprintf(out, "Role: %s.\n", scb_role_name(role));
    put_options(out, command->options);
    put_example(out, command->example);
}

static void put_errors(FILE *out)
{
    static const enum scb_status statuses[] = {
#define SCB_ERROR_TYPE(constant, code, name, meaning) SCB_ERROR_##constant,
#include "scb/errors.def"
#undef SCB_ERROR_TYPE
    };
    (void)fputs(".SH EXIT STATUS\n", out);
    put_tag(out, "0", NULL);
    put_paragraph(out, "Done.");
    for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++) {
        char code[16];
        (void)snprintf(code, sizeof(code), "%d", (int)statuses[i]);
        put_tag(out, code, NULL);
        put(out, scb_status_name(statuses[i]));
        (void)fputs(": ", out);
        put(out, scb_status_meaning(statuses[i]));
        (void)fputs(".\n", out);
    }
}

static void put_files(FILE *out)
{
    (void)fputs(".SH FILES\n", out);
    put_tag(out, scb_default_config_path, NULL);
    put_paragraph(out, "The configuration, see satellite-config(5).");
    put_tag(out, "/var/lib/satellite", NULL);
    put_paragraph(out, "The backups and the status database, if not set otherwise.");
}

void scb_manual_commands(FILE *out, const char *date)
{
    put_head(out, "SATELLITE", "1", date);
    (void)fputs("satellite \\- back up the key\\-value data of a smart contract\n"
                ".SH SYNOPSIS\n.B satellite\n.I COMMAND\n.RI [ OPTIONS ]\n"
                ".SH DESCRIPTION\n",
                out);
    put_paragraph(out, "satellite reads the key-value pairs of a contract over JSON-RPC at one "
                       "pinned block, checks what the nodes say, and writes checksummed pages and "
                       "one zip archive.");
    (void)fputs(".PP\n", out);
    put_paragraph(out, "Data goes to standard output; logs, progress and errors to standard error. "
                       "Without --backup-date, commands that read take the newest completed "
                       "backup. Every setting of satellite-config(5) is an option too.");
    (void)fputs(".SH COMMANDS\n", out);
    for (size_t i = 0; i < scb_command_count; i++)
        put_command(out, &scb_commands[i]);
    (void)fputs(".SH OPTIONS\n", out);
    put_paragraph(out, "They may stand anywhere on the line.");
    put_options(out, scb_global_options);
    put_errors(out);
    put_files(out);
    (void)fputs(".SH SEE ALSO\n.BR satellite\\-config (5),\n.BR age (1)\n", out);
}

static void put_setting(FILE *out, const struct scb_setting_view *view)
{
    put_tag(out, view->name, view->type);
    put(out, view->help);
    (void)fputs(".\n", out);
    if (view->bounds[0] != '\0') {
        put(out, view->bounds);
        (void)fputs(".\n", out);
    }
    (void)fputs(view->required ? "Required" : "Default: ", out);
    if (!view->required)
        put_bold(out, view->default_text[0] == '\0' ? "\"\"" : view->default_text);
    (void)fprintf(out, ".%s\n.br\n",
                  view->kept   ? " A running service keeps whether there is any."
                  : view->live ? ""
                               : " A running service keeps what it began with.");
    put_bold(out, view->flag);
    (void)fputs(", ", out);
    put_bold(out, view->environment);
    if (view->secret) {
        (void)fputs(", ", out);
        put_bold(out, view->environment);
        put_bold(out, "_FILE");
    }
    (void)fputc('\n', out);
}

void scb_manual_settings(FILE *out, const struct scb_config *config, const char *date)
{
    put_head(out, "SATELLITE\\-CONFIG", "5", date);
    (void)fputs("satellite\\-config \\- settings of satellite\n.SH DESCRIPTION\n", out);
    put_paragraph(out, "Settings come from, in rising order: the default, a YAML file "
                       "(/etc/satellite/backup-config.yaml, or the option --config), the "
                       "environment, an option. An unknown name or a value out of bounds is an "
                       "error that names file and line.");
    (void)fputs(".PP\n", out);
    put_paragraph(out, "Times are written like 500ms, 90s, 5m, 24h, 7d or 1h30m; sizes like 4096, "
                       "512KiB or 1GB. Lists in the environment and in options are written with "
                       "commas. A secret may stand in a file: file:/path in YAML, or the "
                       "variable's name with _FILE behind it.");
    (void)fputs(".SH SETTINGS\n", out);
    for (size_t i = 0; i < scb_config_count(); i++) {
        struct scb_setting_view view;
        scb_config_describe(config, i, &view);
        if (view.begins_section)
            (void)fprintf(out, ".SS %s\n", view.section);
        put_setting(out, &view);
    }
    (void)fputs(".SH EXAMPLES\n", out);
    put_paragraph(out, "Only these have no default:");
    put_example(out, "contract:\n"
                     "  address: \"0x5FbDB2315678afecb367f032d93F642f64180aa3\"\n"
                     "  rpc_urls: [\"https://rpc.example.org\"]");
    (void)fputs(".SH SEE ALSO\n.BR satellite (1)\n", out);
}
