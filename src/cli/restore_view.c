/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/restore_view.h"

#include <inttypes.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "cli/output.h"
#include "evm/address.h"
#include "evm/wei.h"

enum { MAX_TEXT = 256 * 1024 };

/* --- for people --- */

static void print_count(FILE *out, const char *what, uint64_t count, const char *more)
{
    char text[32];
    scb_text_format_count(count, text, sizeof(text));
    (void)fprintf(out, "  %-16s %12s  %s\n", what, text, more);
}

static void print_refusals(FILE *out, const struct scb_restore_refusals *refusals)
{
    for (uint64_t i = 0; i < refusals->count && i < SCB_RESTORE_SHOWN; i++)
        (void)fprintf(out, "    entry %" PRIu64 ": %s\n", refusals->first[i].index,
                      refusals->first[i].reason);
    if (refusals->count > SCB_RESTORE_SHOWN)
        (void)fprintf(out, "    and %" PRIu64 " more\n", refusals->count - SCB_RESTORE_SHOWN);
}

static void print_only_on_chain(FILE *out, const struct scb_restore_plan *plan)
{
    if (plan->only_on_chain == 0)
        return;
    (void)fputs("    at index", out);
    for (uint64_t i = 0; i < plan->only_on_chain && i < SCB_RESTORE_SHOWN; i++)
        (void)fprintf(out, " %" PRIu64, plan->only_on_chain_first[i]);
    (void)fputs(plan->only_on_chain > SCB_RESTORE_SHOWN ? " ...\n" : "\n", out);
}

static void print_address(FILE *out, const char *what, const uint8_t bytes[20])
{
    struct scb_address address;
    char text[SCB_ADDRESS_TEXT_SIZE];
    memcpy(address.bytes, bytes, sizeof(address.bytes));
    scb_address_format(&address, text);
    (void)fprintf(out, "  %-16s %s\n", what, text);
}

static void print_wei(FILE *out, const char *what, scb_wei wei, const char *more)
{
    char text[SCB_WEI_TEXT_SIZE];
    scb_wei_format(wei, text);
    (void)fprintf(out, "  %-16s %s%s\n", what, text, more);
}

void scb_view_plan(FILE *out, const struct scb_restore_plan *plan)
{
    char gas[32];
    (void)fprintf(out, "Restore of backup %s\n", plan->backup_date);
    print_address(out, "into contract", plan->contract);
    (void)fprintf(out, "  %-16s %" PRIu64 ", at block %" PRIu64 "%s\n", "on chain", plan->chain_id,
                  plan->block_number,
                  plan->chain_id == plan->backup_chain_id ? ""
                                                          : " (the backup is of another chain)");
    print_address(out, "paid by", plan->account);
    print_count(out, "to create", plan->create, "");
    print_count(out, "to edit", plan->edit, "");
    print_count(out, "equal already", plan->equal, "");
    print_count(out, "refused", plan->refusals.count,
                plan->refusals.count > 0 ? "the contract does not take them" : "");
    print_refusals(out, &plan->refusals);
    print_count(out, "only on chain", plan->only_on_chain,
                plan->only_on_chain > 0 ? "they stay as they are" : "");
    print_only_on_chain(out, plan);
    scb_text_format_count(plan->gas, gas, sizeof(gas));
    (void)fprintf(out, "  %-16s about %s\n", "gas", gas);
    print_wei(out, "gas price now", plan->gas_price, plan->dynamic_fee ? " (EIP-1559)" : "");
    print_wei(out, "cost, about", plan->cost, "");
    print_wei(out, "cost, at most", plan->most, "");
    print_wei(out, "the account has", plan->balance, "");
}

static void print_result(const struct scb_restore_result *result)
{
    char equal[32], total[32], sent[32], cost[SCB_WEI_TEXT_SIZE], elapsed[32];
    scb_text_format_count(result->read_back_equal, equal, sizeof(equal));
    scb_text_format_count(result->plan.total, total, sizeof(total));
    scb_text_format_count(result->sent, sent, sizeof(sent));
    scb_wei_format(result->cost, cost);
    scb_text_format_elapsed(result->duration_ms, elapsed, sizeof(elapsed));
    (void)printf("Backup %s restored: %s of %s entries read back equal at block %" PRIu64 "\n",
                 result->plan.backup_date, equal, total, result->read_back_block);
    (void)printf("%s transactions sent%s, %s, %s\n", sent,
                 result->resumed ? " (an interrupted restore was continued)" : "", cost, elapsed);
    if (result->refusals.count > 0) {
        (void)printf("%" PRIu64 " entries refused:\n", result->refusals.count);
        print_refusals(stdout, &result->refusals);
    }
}

/* --- JSON --- */

static void json_wei(struct scb_json *json, const char *name, scb_wei wei)
{
    char digits[SCB_WEI_TEXT_SIZE]; /* text: over what a JSON number can hold */
    scb_wei_digits(wei, digits);
    scb_json_text(json, name, digits);
}

static void json_address(struct scb_json *json, const char *name, const uint8_t bytes[20])
{
    struct scb_address address;
    char text[SCB_ADDRESS_TEXT_SIZE];
    memcpy(address.bytes, bytes, sizeof(address.bytes));
    scb_address_format(&address, text);
    scb_json_text(json, name, text);
}

static void json_refusals(struct scb_json *json, const struct scb_restore_refusals *refusals)
{
    scb_json_unsigned(json, "refused", refusals->count);
    scb_json_open_array(json, "refusals");
    for (uint64_t i = 0; i < refusals->count && i < SCB_RESTORE_SHOWN; i++) {
        scb_json_open_object(json, NULL);
        scb_json_unsigned(json, "entry", refusals->first[i].index);
        scb_json_text(json, "reason", refusals->first[i].reason);
        scb_json_close_object(json);
    }
    scb_json_close_array(json);
}

static void json_plan(struct scb_json *json, const struct scb_restore_plan *plan)
{
    scb_json_open_object(json, "plan");
    scb_json_unsigned(json, "block_number", plan->block_number);
    scb_json_unsigned(json, "total", plan->total);
    scb_json_unsigned(json, "create", plan->create);
    scb_json_unsigned(json, "edit", plan->edit);
    scb_json_unsigned(json, "equal", plan->equal);
    json_refusals(json, &plan->refusals);
    scb_json_unsigned(json, "only_on_chain", plan->only_on_chain);
    scb_json_open_array(json, "only_on_chain_indexes");
    for (uint64_t i = 0; i < plan->only_on_chain && i < SCB_RESTORE_SHOWN; i++)
        scb_json_unsigned(json, NULL, plan->only_on_chain_first[i]);
    scb_json_close_array(json);
    scb_json_text(json, "fees", plan->dynamic_fee ? "eip1559" : "legacy");
    scb_json_unsigned(json, "gas", plan->gas);
    json_wei(json, "gas_price_wei", plan->gas_price);
    json_wei(json, "cost_wei", plan->cost);
    json_wei(json, "cost_at_most_wei", plan->most);
    json_wei(json, "balance_wei", plan->balance);
    scb_json_close_object(json);
}

void scb_view_restore_members(struct scb_json *json, const struct scb_restore_result *result,
                              bool dry_run)
{
    const struct scb_restore_plan *plan = &result->plan;
    scb_json_text(json, "backup_date", plan->backup_date);
    json_address(json, "contract", plan->contract);
    json_address(json, "account", plan->account);
    scb_json_unsigned(json, "chain_id", plan->chain_id);
    scb_json_unsigned(json, "backup_chain_id", plan->backup_chain_id);
    json_plan(json, plan);
    if (dry_run)
        return;
    scb_json_boolean(json, "resumed", result->resumed);
    scb_json_unsigned(json, "sent", result->sent);
    scb_json_unsigned(json, "replaced", result->replaced);
    scb_json_unsigned(json, "mined", result->mined);
    scb_json_unsigned(json, "failed", result->failed);
    json_refusals(json, &result->refusals);
    scb_json_unsigned(json, "gas_used", result->gas_used);
    json_wei(json, "cost_wei", result->cost);
    scb_json_unsigned(json, "equal", result->read_back_equal);
    scb_json_unsigned(json, "read_back_block", result->read_back_block);
    scb_json_integer(json, "sending_ms", result->sending_ms);
    scb_json_integer(json, "duration_ms", result->duration_ms);
}

enum scb_status scb_view_restore(const struct scb_command_context *context, bool dry_run,
                                 const struct scb_restore_result *result, struct scb_error *error)
{
    if (!context->json) {
        if (dry_run)
            scb_view_plan(stdout, &result->plan);
        else if (!context->quiet)
            print_result(result);
        return SCB_OK;
    }
    SCB_AUTO(buffer) struct scb_buffer text = {.max = MAX_TEXT};
    struct scb_json json;
    scb_json_begin(&json, &text);
    scb_json_open_object(&json, NULL);
    scb_json_boolean(&json, "dry_run", dry_run);
    scb_view_restore_members(&json, result, dry_run);
    scb_json_close_object(&json);
    return scb_output_json(&json, error);
}
