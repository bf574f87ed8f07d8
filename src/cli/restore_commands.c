/* SPDX-License-Identifier: Apache-2.0 */
/*
 * backup restore: a backup back onto a chain.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/text.h"
#include "cli/handlers.h"
#include "cli/open.h"
#include "cli/output.h"
#include "cli/progress.h"
#include "cli/restore_view.h"
#include "cli/secret.h"
#include "cli/signer_option.h"
#include "evm/address.h"
#include "evm/wei.h"

enum { DEFAULT_REPLACE_AFTER_MS = 60000 };

struct asking {
    const struct scb_command_context *context;
    struct scb_progress_line line;
    bool yes;
};

static enum scb_status read_amount(const struct scb_command_context *context, const char *flag,
                                   scb_wei *ret_amount, struct scb_error *error)
{
    const char *text = scb_command_option(context, flag);
    *ret_amount = SCB_WEI_MAX;
    if (text == NULL || scb_wei_parse(text, ret_amount, error) == SCB_OK)
        return SCB_OK;
    error->status = SCB_ERROR_USAGE;
    return scb_error_wrap(error, "%s", flag);
}

/* Options that exclude or need each other. */
static enum scb_status check_options(const struct scb_command_context *context,
                                     const struct scb_restore_options *options,
                                     struct scb_error *error)
{
    bool yes = scb_command_option(context, "--yes") != NULL;
    if (yes && !options->dry_run && options->max_total_cost == SCB_WEI_MAX) {
        scb_error_set(error, SCB_ERROR_USAGE, "--yes needs --max-total-cost");
        return scb_error_hint(error,
                              "--dry-run shows what it will cost; --max-total-cost 0.5ether");
    }
    if (!yes && !options->dry_run && isatty(STDIN_FILENO) != 1) {
        scb_error_set(error, SCB_ERROR_USAGE, "there is no terminal to ask whether to send");
        return scb_error_hint(error, "give --yes and --max-total-cost, or --dry-run");
    }
    if (!options->dry_run && scb_command_option(context, "--keystore") == NULL) {
        scb_error_set(error, SCB_ERROR_USAGE, "--keystore is missing");
        return scb_error_hint(error, "give the keystore file of the contract's operator or owner");
    }
    return SCB_OK;
}

static enum scb_status read_options(const struct scb_command_context *context,
                                    struct scb_restore_options *options, struct scb_error *error)
{
    const char *suffix = scb_command_option(context, "--new-version-suffix");
    const char *replace_after = scb_command_option(context, "--replace-after");
    options->backup_date = scb_command_option(context, "--backup-date");
    options->version_suffix = suffix == NULL ? "" : suffix;
    options->dry_run = scb_command_option(context, "--dry-run") != NULL;
    options->replace_after_ms = DEFAULT_REPLACE_AFTER_MS;
    options->rpc_url = scb_command_option(context, "--rpc-url");
    options->contract = scb_command_option(context, "--contract");
    enum scb_status status =
        read_amount(context, "--max-fee-per-gas", &options->max_fee_per_gas, error);
    if (status == SCB_OK)
        status = read_amount(context, "--max-total-cost", &options->max_total_cost, error);
    if (status == SCB_OK && replace_after != NULL &&
        scb_text_parse_duration_ms(replace_after, &options->replace_after_ms, error) != SCB_OK) {
        error->status = SCB_ERROR_USAGE;
        status = scb_error_wrap(error, "--replace-after");
    }
    return status == SCB_OK ? check_options(context, options, error) : status;
}

/* The person types the contract's address: that cannot happen by a slip. */
static enum scb_status confirm(void *state, const struct scb_restore_plan *plan,
                               struct scb_error *error)
{
    struct asking *asking = state;
    scb_progress_clear(&asking->line);
    if (!asking->context->json && !asking->context->quiet)
        scb_view_plan(stderr, plan);
    if (asking->yes)
        return SCB_OK;
    if (asking->context->json || asking->context->quiet) /* what is agreed to must be seen */
        scb_view_plan(stderr, plan);
    char typed[256], wanted[SCB_ADDRESS_TEXT_SIZE];
    struct scb_address address = {0}, contract;
    memcpy(contract.bytes, plan->contract, sizeof(contract.bytes));
    scb_address_format(&contract, wanted);
    (void)fprintf(stderr, "\nType the contract's address to send (%s): ", wanted);
    (void)fflush(stderr);
    if (!scb_terminal_wait(STDIN_FILENO, asking->context->cancel) ||
        fgets(typed, sizeof(typed), stdin) == NULL)
        typed[0] = '\0';
    typed[strcspn(typed, "\r\n")] = '\0';
    if (scb_address_parse(typed, &address, NULL) == SCB_OK &&
        memcmp(address.bytes, contract.bytes, sizeof(contract.bytes)) == 0)
        return SCB_OK;
    return scb_error_set(error, SCB_ERROR_CANCELED, "not the contract's address: nothing was sent");
}

static void observe(void *state, const struct scb_restore_progress *progress)
{
    struct asking *asking = state;
    scb_progress_show_restore(&asking->line, progress);
}

static enum scb_status restore(const struct scb_command_context *context,
                               const struct scb_restore_options *given, struct scb_error *error)
{
    struct scb_restore_options options = *given;
    struct asking asking = {.context = context,
                            .yes = scb_command_option(context, "--yes") != NULL};
    struct scb_service *service = NULL;
    SCB_AUTO(signer) struct scb_signer *signer = NULL;
    enum scb_status status = scb_signer_option(context, &signer, error);
    if (status == SCB_OK)
        status = scb_command_service(context, &service, error);
    if (status != SCB_OK)
        return status;
    options.signer = signer;
    options.confirm = confirm;
    options.observe = observe;
    options.state = &asking;
    scb_progress_begin(&asking.line, context);
    struct scb_restore_result result;
    status = scb_service_restore(service, &options, &result, error);
    scb_progress_clear(&asking.line);
    scb_progress_end(&asking.line);
    scb_service_free(service);
    if (result.done || (options.dry_run && result.planned)) {
        enum scb_status shown = scb_view_restore(context, options.dry_run, &result, error);
        status = status == SCB_OK ? shown : status;
    }
    return status;
}

enum scb_status scb_command_backup_restore(const struct scb_command_context *context,
                                           struct scb_error *error)
{
    struct scb_restore_options options = {0};
    enum scb_status status = read_options(context, &options, error);
    return status == SCB_OK ? restore(context, &options, error) : status;
}
