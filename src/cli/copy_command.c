/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The command that takes a backup elsewhere: backup copy.
 */
#include <stdio.h>

#include "base/json.h"
#include "base/memory.h"
#include "base/text.h"
#include "cli/handlers.h"
#include "cli/open.h"
#include "cli/output.h"
#include "cli/trust_view.h"
#include "view/backup_view.h"
#include "view/cell.h"

enum { MAX_TEXT = 64 * 1024 };

static enum scb_status report_json(const struct scb_copy_result *result, struct scb_error *error)
{
    SCB_AUTO(buffer) struct scb_buffer text = {.max = MAX_TEXT};
    struct scb_json json;
    scb_json_begin(&json, &text);
    scb_json_open_object(&json, NULL);
    scb_json_text(&json, "backup_date", result->verified.backup_date);
    scb_json_text(&json, "path", result->path);
    scb_json_unsigned(&json, "file_size", result->size);
    scb_json_text(&json, "checksum", result->checksum);
    scb_json_boolean(&json, "was_there", result->was_there);
    scb_view_verify(&json, &result->verified);
    scb_json_close_object(&json);
    return scb_output_json(&json, error);
}

static void report_text(const struct scb_copy_result *result)
{
    const struct scb_verify_result *verified = &result->verified;
    char keys[32], pages[32], size[32], duration[32];
    scb_view_count((int64_t)verified->keys, keys, sizeof(keys));
    scb_view_count((int64_t)verified->pages, pages, sizeof(pages));
    scb_view_size((int64_t)result->size, size, sizeof(size));
    scb_text_format_elapsed(verified->duration_ms, duration, sizeof(duration));
    scb_print_trust(verified);
    (void)printf(result->was_there ? "Backup %s is at %s already, verified: %s, "
                                   : "Backup %s copied to %s and verified: %s, ",
                 verified->backup_date, result->path, size);
    if (verified->unseen[0] == '\0')
        (void)printf("%s keys in ", keys);
    (void)printf("%s %spages, %s\n", pages, verified->encrypted ? "encrypted " : "", duration);
}

enum scb_status scb_command_backup_copy(const struct scb_command_context *context,
                                        struct scb_error *error)
{
    const struct scb_copy_options options = {.backup_date = context->arguments[0],
                                             .destination = context->arguments[1]};
    struct scb_progress_line line;
    struct scb_service *service = NULL;
    struct scb_copy_result result;
    enum scb_status status = scb_command_open(context, &line, &service, error);
    if (status != SCB_OK)
        return status;
    status = scb_service_copy(service, &options, &result, error);
    scb_command_close(&line, service);
    if (status != SCB_OK)
        return status;
    if (context->json)
        return report_json(&result, error);
    if (!context->quiet)
        report_text(&result);
    return SCB_OK;
}
