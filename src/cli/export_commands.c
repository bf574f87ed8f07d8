/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Commands that give a backup's content to other programs: backup export.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/json.h"
#include "base/memory.h"
#include "base/text.h"
#include "cli/handlers.h"
#include "cli/open.h"
#include "cli/output.h"
#include "view/cell.h"

enum { MAX_TEXT = 64 * 1024 };

static const char *const formats[] = {
    [SCB_EXPORT_NDJSON] = "ndjson", [SCB_EXPORT_CSV] = "csv", [SCB_EXPORT_SQLITE] = "sqlite"};

static enum scb_status read_format(const char *name, enum scb_export_format *ret_format,
                                   struct scb_error *error)
{
    for (size_t i = 0; i < SCB_LENGTH(formats); i++) {
        if (name == NULL || strcmp(name, formats[i]) == 0) {
            *ret_format = (enum scb_export_format)i;
            return SCB_OK;
        }
    }
    (void)scb_error_set(error, SCB_ERROR_USAGE, "--format: '%s' is none of ndjson, csv, sqlite",
                        name);
    return SCB_ERROR_USAGE;
}

static enum scb_status read_options(const struct scb_command_context *context,
                                    struct scb_export_options *options, struct scb_error *error)
{
    const char *output = scb_command_option(context, "--output");
    *options = (struct scb_export_options){
        .backup_date = scb_command_option(context, "--backup-date"),
        .escape_formulas = scb_command_option(context, "--escape-formulas") != NULL,
        .fd = STDOUT_FILENO};
    enum scb_status status =
        read_format(scb_command_option(context, "--format"), &options->format, error);
    if (status != SCB_OK)
        return status;
    if (strcmp(output, "-") != 0)
        options->output = output;
    if (options->output == NULL && options->format == SCB_EXPORT_SQLITE)
        return scb_error_set(error, SCB_ERROR_USAGE, "--format sqlite needs a file to write to");
    if (options->output == NULL && context->json)
        return scb_error_set(error, SCB_ERROR_USAGE,
                             "--json reports on an export to a file; --output - is the data");
    if (options->escape_formulas && options->format != SCB_EXPORT_CSV)
        return scb_error_set(error, SCB_ERROR_USAGE, "--escape-formulas goes with --format csv");
    return SCB_OK;
}

static enum scb_status report_json(const struct scb_export_options *options,
                                   const struct scb_export_result *result, struct scb_error *error)
{
    SCB_AUTO(buffer) struct scb_buffer text = {.max = MAX_TEXT};
    struct scb_json json;
    scb_json_begin(&json, &text);
    scb_json_open_object(&json, NULL);
    scb_json_text(&json, "backup_date", result->backup_date);
    scb_json_text(&json, "format", formats[options->format]);
    scb_json_text(&json, "output", options->output);
    scb_json_unsigned(&json, "keys", result->keys);
    scb_json_integer(&json, "duration_ms", result->duration_ms);
    scb_json_close_object(&json);
    return scb_output_json(&json, error);
}

static void report_text(const struct scb_export_options *options,
                        const struct scb_export_result *result)
{
    char keys[32], duration[32];
    scb_view_count((int64_t)result->keys, keys, sizeof(keys));
    scb_text_format_elapsed(result->duration_ms, duration, sizeof(duration));
    (void)printf("Backup %s exported: %s keys to %s, %s\n", result->backup_date, keys,
                 options->output, duration);
}

enum scb_status scb_command_backup_export(const struct scb_command_context *context,
                                          struct scb_error *error)
{
    struct scb_progress_line line;
    struct scb_service *service = NULL;
    struct scb_export_options options;
    struct scb_export_result result;
    enum scb_status status = read_options(context, &options, error);
    if (status == SCB_OK)
        status = scb_command_open(context, &line, &service, error);
    if (status != SCB_OK)
        return status;
    status = scb_service_export(service, &options, &result, error);
    scb_command_close(&line, service);
    if (status != SCB_OK || options.output == NULL)
        return status;
    if (context->json)
        return report_json(&options, &result, error);
    if (!context->quiet)
        report_text(&options, &result);
    return SCB_OK;
}
