/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/sandbox.h"

#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "cli/sandbox_paths.h"

static enum scb_status tell(const struct scb_command_context *context,
                            const struct scb_sandbox_paths *paths,
                            const struct scb_sandbox_result *result, struct scb_error *error)
{
    char missing[sizeof(result->missing) + 256];
    int used = snprintf(missing, sizeof(missing), "%s", result->missing);
    if (paths->opens_all != NULL)
        (void)snprintf(
            missing + used, sizeof(missing) - (size_t)used,
            "%s'%.200s' stands in /, so all below it is open: give it a directory of its own",
            used > 0 ? "; " : "", paths->opens_all);
    if (missing[0] == '\0') {
        scb_log_info(context->log, "Sandbox in force",
                     SCB_NUMBER("landlock_abi", result->landlock_abi));
        return SCB_OK;
    }
    if (strcmp(scb_config_text(context->config, "backup.sandbox"), "require") == 0) {
        (void)scb_error_set(error, SCB_ERROR_VALIDATION, "no sandbox: %s", missing);
        return scb_error_hint(error, "set backup.sandbox to auto, or use a kernel that has it");
    }
    scb_log_warn(context->log, "Sandbox not whole", SCB_TEXT("missing", missing));
    return SCB_OK;
}

enum scb_status scb_sandbox_service(const struct scb_command_context *context,
                                    struct scb_error *error)
{
    if (strcmp(scb_config_text(context->config, "backup.sandbox"), "off") == 0)
        return SCB_OK;
    SCB_AUTO(sandbox_paths) struct scb_sandbox_paths paths = {0};
    struct scb_sandbox_result result;
    enum scb_status status =
        scb_sandbox_paths_find(context->config, context->config_path, &paths, error);
    if (status == SCB_OK)
        status = scb_sandbox_enter(paths.list, paths.count, &result, error);
    return status == SCB_OK ? tell(context, &paths, &result, error) : status;
}
