/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What there is to do, what it costs, and whether that is agreed to.
 */
#include <inttypes.h>
#include <string.h>

#include "job/restore_run.h"
#include "source/chain.h"

enum { TELLING = 3 }; /* refused creates that are not the entries' fault, where there is no other */

void scb_restore_begin_pass(struct restore *restore, bool plans)
{
    restore->pass = (struct scb_restore_pass){.parts = restore->parts,
                                              .settings = restore->settings,
                                              .reader = restore->backup,
                                              .target = restore->target.keys,
                                              .journal = restore->journal,
                                              .account = restore->account,
                                              .chain_id = restore->target.pin.chain_id,
                                              .spent = restore->spent,
                                              .plans = plans};
}

static enum scb_status price(struct restore *restore, struct scb_restore_plan *plan,
                             struct scb_error *error)
{
    struct scb_fees fees;
    plan->gas = scb_restore_pass_gas(&restore->pass);
    enum scb_status status = scb_chain_fees(restore->parts->client,
                                            restore->options->max_fee_per_gas, false, &fees, error);
    if (status == SCB_OK)
        status =
            scb_chain_balance(restore->parts->client, &restore->account, &plan->balance, error);
    if (status != SCB_OK)
        return status;
    plan->dynamic_fee = fees.dynamic;
    plan->gas_price = fees.expected;
    plan->cost = scb_wei_times(plan->gas, fees.expected);
    plan->most = scb_wei_times(scb_wei_plus(plan->gas, plan->gas / 8), fees.max_fee);
    return SCB_OK;
}

enum scb_status scb_restore_make_plan(struct restore *restore, struct scb_restore_plan *plan,
                                      struct scb_error *error)
{
    struct scb_sender_totals totals = {0};
    scb_restore_begin_pass(restore, true);
    enum scb_status status = scb_restore_pass_run(&restore->pass, SCB_WEI_MAX, &totals, error);
    if (status != SCB_OK)
        return status;
    const struct scb_restore_pass *pass = &restore->pass;
    /* Later on, the only creates that are left may be those that were refused. */
    bool nothing_there = !restore->result->planned && pass->equal == 0 && pass->edit == 0;
    if (nothing_there && pass->samples >= TELLING && pass->sampled_weight == 0) {
        scb_error_set(error, SCB_ERROR_VALIDATION, "the contract takes no new keys: %s",
                      pass->create_refusal);
        return scb_error_hint(error, "check --contract: it must be a KeyValueStore that the "
                                     "account may write to");
    }
    *plan = (struct scb_restore_plan){.backup_chain_id =
                                          scb_backup_reader_manifest(restore->backup)->chain_id,
                                      .chain_id = restore->target.pin.chain_id,
                                      .block_number = restore->target.pin.block_number,
                                      .total = pass->total,
                                      .create = pass->create,
                                      .edit = pass->edit,
                                      .equal = pass->equal,
                                      .refusals = pass->refusals};
    memcpy(plan->backup_date, scb_backup_reader_record(restore->backup)->backup_date,
           sizeof(plan->backup_date));
    memcpy(plan->contract, restore->settings->contract.bytes, sizeof(plan->contract));
    memcpy(plan->account, restore->account.bytes, sizeof(plan->account));
    plan->only_on_chain =
        scb_fingerprints_unseen(restore->target.keys, plan->only_on_chain_first, SCB_RESTORE_SHOWN);
    return price(restore, plan, error);
}

static enum scb_status check_money(const struct restore *restore,
                                   const struct scb_restore_plan *plan, struct scb_error *error)
{
    char cost[SCB_WEI_TEXT_SIZE], limit[SCB_WEI_TEXT_SIZE], account[SCB_ADDRESS_TEXT_SIZE];
    scb_wei in_all = scb_wei_plus(restore->spent, plan->cost);
    scb_wei_format(plan->cost, cost);
    if (plan->create + plan->edit > 0 && in_all > restore->limit) {
        scb_wei_format(in_all, cost);
        scb_wei_format(restore->limit, limit);
        scb_error_set(error, SCB_ERROR_RESOURCE,
                      "the restore costs about %s in all, over --max-total-cost %s", cost, limit);
        return scb_error_hint(error, "raise --max-total-cost or wait until gas is cheaper");
    }
    if (plan->cost > plan->balance) {
        scb_wei_format(plan->balance, limit);
        scb_address_format(&restore->account, account);
        scb_error_set(error, SCB_ERROR_RESOURCE,
                      "the restore costs about %s, and account %s has %s", cost, account, limit);
        return scb_error_hint(error, "send the account money for gas and run the same again");
    }
    return SCB_OK;
}

enum scb_status scb_restore_agree(struct restore *restore, struct scb_error *error)
{
    const struct scb_restore_plan *plan = &restore->result->plan;
    restore->result->planned = true;
    if (restore->options->dry_run)
        return SCB_OK;
    enum scb_status status = check_money(restore, plan, error);
    if (status == SCB_OK && restore->options->confirm != NULL && plan->create + plan->edit > 0)
        status = restore->options->confirm(restore->options->state, plan, error);
    /* Whoever agreed has been told how much it is at most. */
    if (restore->limit == SCB_WEI_MAX && restore->options->confirm != NULL)
        restore->limit = scb_wei_plus(restore->spent, plan->most);
    return status;
}
