/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/open.h"

#include <unistd.h>

/* A hanging disk: say so and go, without waiting for the thread that hangs on it. */
static void end_stuck(void *state, const struct scb_error *error)
{
    const struct scb_command_context *context = state;
    context->show_error(context->run, error);
    _exit((int)error->status);
}

static void fill_parts(const struct scb_command_context *context, struct scb_service_parts *parts)
{
    parts->config = context->config;
    parts->log = context->log;
    parts->cancel = context->cancel;
    parts->stuck = end_stuck;
    parts->stuck_state = (void *)(uintptr_t)context;
}

enum scb_status scb_command_service(const struct scb_command_context *context,
                                    struct scb_service **ret_service, struct scb_error *error)
{
    struct scb_service_parts parts = {0};
    fill_parts(context, &parts);
    return scb_service_new(&parts, ret_service, error);
}

enum scb_status scb_command_open_with(const struct scb_command_context *context,
                                      struct scb_service_parts *parts,
                                      struct scb_progress_line *line,
                                      struct scb_service **ret_service, struct scb_error *error)
{
    fill_parts(context, parts);
    parts->observe = scb_progress_show;
    parts->observe_state = line;
    enum scb_status status = scb_service_new(parts, ret_service, error);
    if (status == SCB_OK)
        scb_progress_begin(line, context);
    return status;
}

enum scb_status scb_command_open(const struct scb_command_context *context,
                                 struct scb_progress_line *line, struct scb_service **ret_service,
                                 struct scb_error *error)
{
    struct scb_service_parts parts = {0};
    return scb_command_open_with(context, &parts, line, ret_service, error);
}

void scb_command_close(struct scb_progress_line *line, struct scb_service *service)
{
    scb_progress_end(line);
    scb_service_free(service);
}
