/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/open.h"

#include <string.h>

#include "base/memory.h"
#include "cli/secret.h"

static const char passphrase_flag[] = "--passphrase-file";

/* Called once, when an encrypted backup is opened. */
static enum scb_status ask_passphrase(void *state, const char *path, char *ret_text, size_t size,
                                      size_t *ret_size, struct scb_error *error)
{
    const struct scb_command_context *context = state;
    const struct scb_secret_question question = {"passphrase", "identity file", path,
                                                 passphrase_flag};
    struct scb_secret secret = {0};
    enum scb_status status = scb_secret_take(context, &question, &secret, error);
    if (status == SCB_OK && secret.size > size)
        status = scb_error_set(error, SCB_ERROR_VALIDATION, "the passphrase is too long");
    if (status == SCB_OK) {
        memcpy(ret_text, secret.text, secret.size);
        *ret_size = secret.size;
    }
    scb_wipe(&secret, sizeof(secret));
    return status;
}

/* Whether somebody waits for the command who can be asked: the service has nobody. */
static bool may_ask(const struct scb_command_context *context)
{
    const struct scb_command_option *option = context->command->options;
    while (option->flag != NULL && strcmp(option->flag, passphrase_flag) != 0)
        option++;
    return option->flag != NULL;
}

static enum scb_status check_passphrase(const struct scb_command_context *context,
                                        struct scb_error *error)
{
    if (!may_ask(context) || scb_command_option(context, passphrase_flag) == NULL ||
        scb_config_text(context->config, "encryption.identity_file")[0] != '\0')
        return SCB_OK;
    scb_error_set(error, SCB_ERROR_USAGE, "%s is given without encryption.identity_file",
                  passphrase_flag);
    return scb_error_hint(error, "set it, or give --encryption-identity-file FILE");
}

static void fill_parts(const struct scb_command_context *context, struct scb_service_parts *parts)
{
    parts->config = context->config;
    parts->log = context->log;
    parts->cancel = context->cancel;
    parts->gate = context->gate;
    parts->stuck = context->end_stuck;
    parts->stuck_state = context->run;
    parts->ask_passphrase = may_ask(context) ? ask_passphrase : NULL;
    parts->ask_state = (void *)(uintptr_t)context;
}

enum scb_status scb_command_service(const struct scb_command_context *context,
                                    struct scb_service **ret_service, struct scb_error *error)
{
    struct scb_service_parts parts = {0};
    fill_parts(context, &parts);
    enum scb_status status = check_passphrase(context, error);
    return status == SCB_OK ? scb_service_new(&parts, ret_service, error) : status;
}

enum scb_status scb_command_open_with(const struct scb_command_context *context,
                                      struct scb_service_parts *parts,
                                      struct scb_progress_line *line,
                                      struct scb_service **ret_service, struct scb_error *error)
{
    fill_parts(context, parts);
    parts->observe = scb_progress_show;
    parts->observe_state = line;
    enum scb_status status = check_passphrase(context, error);
    if (status == SCB_OK)
        status = scb_service_new(parts, ret_service, error);
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
