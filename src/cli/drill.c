/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/drill.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/json.h"
#include "base/memory.h"
#include "base/text.h"
#include "cli/open.h"
#include "cli/output.h"
#include "cli/progress.h"
#include "cli/restore_view.h"
#include "cli/signer_option.h"
#include "evm/signer.h"

enum { MAX_TEXT = 256 * 1024 };

static enum scb_status print_json(const struct scb_restore_result *result, struct scb_error *error)
{
    SCB_AUTO(buffer) struct scb_buffer text = {.max = MAX_TEXT};
    struct scb_json json;
    scb_json_begin(&json, &text);
    scb_json_open_object(&json, NULL);
    scb_json_text(&json, "outcome", scb_verify_outcome_name(SCB_VERIFY_VALID));
    scb_json_unsigned(&json, "keys", result->read_back_equal);
    scb_view_restore_members(&json, result, false);
    scb_json_close_object(&json);
    return scb_output_json(&json, error);
}

static void print_text(const struct scb_restore_result *result)
{
    char equal[32], elapsed[32], sending[32];
    scb_text_format_count(result->read_back_equal, equal, sizeof(equal));
    scb_text_format_elapsed(result->duration_ms, elapsed, sizeof(elapsed));
    scb_text_format_elapsed(result->sending_ms, sending, sizeof(sending));
    (void)printf("Test restore of backup %s passed: %s entries restored onto chain %" PRIu64
                 " and read back equal at block %" PRIu64 ", %s, %s of it sending\n",
                 result->plan.backup_date, equal, result->plan.chain_id, result->read_back_block,
                 elapsed, sending);
}

enum scb_status scb_drill_on_chain(const struct scb_command_context *context, const char *rpc_url,
                                   struct scb_error *error)
{
    struct scb_service *service = NULL;
    SCB_AUTO(signer) struct scb_signer *signer = NULL;
    enum scb_status status = scb_signer_option(context, &signer, error);
    if (status == SCB_OK)
        status = scb_command_service(context, &service, error);
    if (status != SCB_OK)
        return status;
    struct scb_progress_line line;
    struct scb_restore_result result;
    const struct scb_drill_options options = {.backup_date =
                                                  scb_command_option(context, "--backup-date"),
                                              .rpc_url = rpc_url,
                                              .signer = signer,
                                              .observe = scb_progress_show_restore,
                                              .state = &line};
    scb_progress_begin(&line, context);
    status = scb_service_drill(service, &options, &result, error);
    scb_progress_clear(&line);
    scb_progress_end(&line);
    scb_service_free(service);
    if (status != SCB_OK)
        return status;
    if (context->json)
        return print_json(&result, error);
    if (!context->quiet)
        print_text(&result);
    return SCB_OK;
}
