/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The command that reads a value out of a backup: backup get.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/json.h"
#include "base/memory.h"
#include "base/text.h"
#include "cli/handlers.h"
#include "cli/open.h"
#include "cli/output.h"
#include "view/backup_view.h"

enum { MAX_TEXT = 256 * 1024 * 1024 };

static enum scb_status get_json(const struct scb_get_result *found, struct scb_error *error)
{
    SCB_AUTO(buffer) struct scb_buffer text = {.max = MAX_TEXT};
    struct scb_json json;
    struct scb_view_members members = {.json = &json};
    scb_json_begin(&json, &text);
    scb_json_open_object(&json, NULL);
    enum scb_status status = scb_view_member(&members, "key", found->entry.key, error);
    if (status == SCB_OK)
        status = scb_view_member(&members, "value", found->entry.value, error);
    if (status == SCB_OK)
        status = scb_view_member(&members, "version_id", found->entry.version_id, error);
    if (status != SCB_OK)
        return status;
    scb_view_members_end(&members);
    scb_json_close_object(&json);
    return scb_output_json(&json, error);
}

/*
 * The value itself, for the next program; on a terminal with its control bytes escaped, since
 * bytes from the chain may hold anything.
 */
static enum scb_status print_value(struct scb_bytes value, struct scb_error *error)
{
    if (isatty(STDOUT_FILENO) != 1) {
        (void)fwrite(value.data, 1, value.size, stdout);
        return SCB_OK;
    }
    size_t size = value.size * 4 + 8;
    SCB_AUTO(memory) char *printable = scb_alloc(size, 1, error);
    if (printable == NULL)
        return SCB_ERROR_RESOURCE;
    (void)puts(scb_text_printable(value, printable, size));
    return SCB_OK;
}

enum scb_status scb_command_backup_get(const struct scb_command_context *context,
                                       struct scb_error *error)
{
    struct scb_service *service = NULL;
    enum scb_status status = scb_command_service(context, &service, error);
    if (status != SCB_OK)
        return status;
    const char *key = context->arguments[0];
    struct scb_get_result found;
    status = scb_service_get(service, scb_command_option(context, "--backup-date"),
                             (struct scb_bytes){(const uint8_t *)key, strlen(key)}, &found, error);
    scb_service_free(service);
    if (status != SCB_OK)
        return status;
    if (context->json)
        status = get_json(&found, error);
    else
        status = print_value(found.entry.value, error);
    scb_get_result_free(&found);
    return status;
}
