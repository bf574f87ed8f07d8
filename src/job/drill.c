/* SPDX-License-Identifier: Apache-2.0 */
#include "job/drill.h"

#include "job/embedded_contract.h"
#include "source/chain.h"
#include "source/sender.h"

struct deployment {
    bool asked, made;
    struct scb_address contract;
};

static enum scb_status next_item(void *state, bool *ret_more, struct scb_send_item *ret_item,
                                 struct scb_error *error)
{
    (void)error;
    struct deployment *deployment = state;
    *ret_more = !deployment->asked;
    deployment->asked = true;
    ret_item->data = (struct scb_bytes){scb_embedded_contract, scb_embedded_contract_size};
    return SCB_OK;
}

/* A scratch contract that a crash leaves behind is nobody's loss. */
static enum scb_status record(void *state, const struct scb_signed *transactions, size_t count,
                              struct scb_error *error)
{
    (void)state;
    (void)transactions;
    (void)count;
    (void)error;
    return SCB_OK;
}

static enum scb_status take_report(void *state, const struct scb_send_report *report,
                                   struct scb_error *error)
{
    struct deployment *deployment = state;
    deployment->made = report->outcome == SCB_SEND_MINED;
    deployment->contract = report->contract;
    if (deployment->made)
        return SCB_OK;
    scb_error_set(error, SCB_ERROR_CONTRACT, "the scratch contract was not deployed: %s",
                  report->reason == NULL ? "its transaction failed" : report->reason);
    return scb_error_hint(error, "use a chain of your own with room for it, such as anvil");
}

static void note(void *state, const char *text)
{
    (void)state;
    (void)text;
}

enum scb_status scb_drill_deploy(const struct scb_restore_parts *parts,
                                 const struct scb_restore_settings *settings,
                                 struct scb_address *ret_contract, struct scb_error *error)
{
    struct deployment deployment = {0};
    struct scb_sender_settings sender = {.client = parts->client,
                                         .signer = settings->options->signer,
                                         .from = settings->account,
                                         .max_fee_per_gas = SCB_WEI_MAX,
                                         .max_total_cost = SCB_WEI_MAX,
                                         .window = 1,
                                         .replace_after_ms = settings->options->replace_after_ms,
                                         .clock = parts->clock,
                                         .state = &deployment,
                                         .next = next_item,
                                         .record = record,
                                         .report = take_report,
                                         .note = note};
    if (sender.signer != NULL)
        sender.from = *scb_signer_address(sender.signer);
    struct scb_sender_totals totals;
    enum scb_status status = scb_chain_id(parts->client, &sender.chain_id, error);
    if (status == SCB_OK)
        status = scb_sender_run(&sender, &totals, error);
    if (status == SCB_OK)
        *ret_contract = deployment.contract;
    return status;
}
