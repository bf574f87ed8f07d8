/* SPDX-License-Identifier: Apache-2.0 */
#include "source/pin.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "evm/rpc.h"
#include "source/block.h"
#include "source/pin_proof.h"
#include "source/total.h"

/* One pin being chosen. */
struct choice {
    struct scb_rpc_client *client;
    const struct scb_pin_settings *settings;
    struct scb_pin pin;
    struct scb_block_parameter *parameters;
    size_t primary;  /* the endpoint that the block was chosen on */
    bool taken_over; /* it is an earlier run's block */
    size_t refused;  /* other endpoints that cannot serve it */
};

static void note(const struct choice *choice, const char *text)
{
    if (choice->settings->note != NULL)
        choice->settings->note(choice->settings->note_state, text);
}

/* Proves the block on the endpoint and looks whether the contract is there. */
static enum scb_status examine(struct choice *choice, size_t endpoint,
                               const struct scb_block *block, enum scb_block_verdict *ret_verdict,
                               struct scb_error *error)
{
    const struct scb_proof proof = {.client = choice->client,
                                    .settings = choice->settings,
                                    .endpoint = endpoint,
                                    .block = block,
                                    .taken_over = choice->taken_over};
    return scb_pin_prove(&proof, &choice->parameters[endpoint], ret_verdict, error);
}

static enum scb_status check_chain(struct choice *choice, size_t endpoint, struct scb_error *error)
{
    struct scb_rpc_call call = {.endpoint = (int)endpoint};
    enum scb_status status = scb_rpc_client_call(choice->client, &call, "eth_chainId", "[]", error);
    uint64_t chain_id = 0;
    if (status == SCB_OK)
        status = scb_rpc_quantity(call.result, "eth_chainId", &chain_id, error);
    scb_rpc_call_free(&call);
    if (status != SCB_OK)
        return status;
    if (chain_id > INT64_MAX)
        return scb_error_set(error, SCB_ERROR_VALIDATION, "a chain id over 63 bits");
    if (choice->pin.chain_id == 0)
        choice->pin.chain_id = chain_id;
    if (chain_id == choice->pin.chain_id)
        return SCB_OK;
    scb_error_set(error, SCB_ERROR_VALIDATION, "%s is on chain %" PRIu64 ", not %" PRIu64,
                  scb_rpc_client_origin(choice->client, endpoint), chain_id, choice->pin.chain_id);
    return scb_error_hint(error, "check contract.chain_id and contract.rpc_urls");
}

/* Leaves an endpoint out; with no other left the failure is the whole run's. */
static enum scb_status leave_out(struct choice *choice, size_t endpoint, struct scb_error *failure,
                                 struct scb_error *error)
{
    size_t left = 0;
    for (size_t i = 0; i < scb_rpc_client_endpoints(choice->client); i++)
        left += i != endpoint && !scb_rpc_client_excluded(choice->client, i);
    if (left == 0 || failure->status == SCB_ERROR_CANCELED) {
        *error = *failure;
        return failure->status;
    }
    scb_rpc_client_exclude(choice->client, endpoint);
    char text[1400];
    (void)snprintf(text, sizeof(text), "%s is left out: %s",
                   scb_rpc_client_origin(choice->client, endpoint), failure->message);
    note(choice, text);
    return SCB_OK;
}

static enum scb_status check_chains(struct choice *choice, struct scb_error *error)
{
    enum scb_status status = SCB_OK;
    for (size_t i = 0; i < scb_rpc_client_endpoints(choice->client) && status == SCB_OK; i++) {
        struct scb_error failure = {0};
        if (check_chain(choice, i, &failure) != SCB_OK)
            status = leave_out(choice, i, &failure, error);
    }
    return status;
}

static enum scb_status totals_differ(struct choice *choice, size_t endpoint, uint64_t total,
                                     struct scb_error *error)
{
    scb_error_set(error, SCB_ERROR_CONTRACT, "%s says %" PRIu64 " keys, %s %" PRIu64,
                  scb_rpc_client_origin(choice->client, choice->primary), choice->pin.total_keys,
                  scb_rpc_client_origin(choice->client, endpoint), total);
    return scb_error_hint(error, "take the wrong one out of contract.rpc_urls");
}

/*
 * As many endpoints as must agree are asked, the one that the block was chosen on first; one that
 * cannot tell is left out.
 */
static enum scb_status read_totals(struct choice *choice, struct scb_error *error)
{
    size_t endpoints = scb_rpc_client_endpoints(choice->client), agreed = 0;
    for (size_t n = 0; n < endpoints && agreed < choice->settings->quorum; n++) {
        size_t i = (choice->primary + n) % endpoints;
        uint64_t total = 0;
        struct scb_error failure = {0};
        if (scb_rpc_client_excluded(choice->client, i))
            continue;
        if (scb_total_read(choice->client, choice->settings, (int)i, &choice->parameters[i], &total,
                           &failure) != SCB_OK) {
            if (leave_out(choice, i, &failure, error) != SCB_OK)
                return error->status;
            continue;
        }
        if (agreed > 0 && total != choice->pin.total_keys)
            return totals_differ(choice, i, total, error);
        if (agreed++ == 0)
            choice->primary = i;
        choice->pin.total_keys = total;
    }
    if (agreed == choice->settings->quorum)
        return SCB_OK;
    bool gone = choice->taken_over && agreed + choice->refused >= choice->settings->quorum;
    scb_error_set(error, gone ? SCB_ERROR_NOT_FOUND : SCB_ERROR_CONTRACT,
                  "contract.quorum is %zu, but only %zu of the endpoints can serve the block",
                  choice->settings->quorum, agreed);
    return scb_error_hint(error, "the log says why the others were left out; or lower it");
}

/* A block by the word of the first endpoint that knows it, whoever can serve its state. */
static enum scb_status tell_block(struct choice *choice, const char *selector,
                                  enum scb_block_verdict *ret_verdict, struct scb_block *ret_block,
                                  struct scb_error *error)
{
    for (size_t i = 0; i < scb_rpc_client_endpoints(choice->client); i++) {
        if (scb_rpc_client_excluded(choice->client, i))
            continue;
        struct scb_error failure = {0};
        if (scb_block_get(choice->client, (int)i, selector, ret_verdict, ret_block, &failure) !=
            SCB_OK) {
            if (leave_out(choice, i, &failure, error) != SCB_OK)
                return error->status;
        } else if (*ret_verdict == SCB_BLOCK_SUITS) {
            return SCB_OK;
        }
    }
    *ret_verdict = SCB_BLOCK_NOT_KNOWN;
    return SCB_OK;
}

/* Tries one way of naming a block, on the first endpoint where it suits. */
static enum scb_status try_block(struct choice *choice, const char *selector,
                                 enum scb_block_verdict *ret_verdict, struct scb_block *ret_block,
                                 struct scb_error *error)
{
    enum scb_block_verdict first_refusal = SCB_BLOCK_SUITS;
    for (size_t i = 0; i < scb_rpc_client_endpoints(choice->client); i++) {
        if (scb_rpc_client_excluded(choice->client, i))
            continue;
        struct scb_error failure = {0};
        enum scb_status status =
            scb_block_get(choice->client, (int)i, selector, ret_verdict, ret_block, &failure);
        if (status == SCB_OK && *ret_verdict == SCB_BLOCK_SUITS)
            status = examine(choice, i, ret_block, ret_verdict, &failure);
        choice->primary = i;
        if (status == SCB_OK && *ret_verdict == SCB_BLOCK_SUITS)
            return SCB_OK;
        if (status != SCB_OK && leave_out(choice, i, &failure, error) != SCB_OK)
            return error->status;
        if (status == SCB_OK && first_refusal == SCB_BLOCK_SUITS)
            first_refusal = *ret_verdict;
    }
    *ret_verdict = first_refusal;
    return SCB_OK;
}

static enum scb_status refuse_block(const struct choice *choice, const char *name,
                                    enum scb_block_verdict verdict, struct scb_error *error)
{
    char address[SCB_ADDRESS_TEXT_SIZE];
    scb_address_format(&choice->settings->contract, address);
    if (verdict == SCB_BLOCK_NO_CODE && !choice->taken_over) {
        scb_error_set(error, SCB_ERROR_VALIDATION,
                      "no contract at %s on chain %" PRIu64 " at block %s", address,
                      choice->pin.chain_id, name);
        return scb_error_hint(error,
                              "check contract.address, contract.chain_id and contract.block");
    }
    scb_error_set(error, choice->taken_over ? SCB_ERROR_NOT_FOUND : SCB_ERROR_CONTRACT,
                  "block %s: %s", name, scb_block_verdict_text(verdict));
    return scb_error_hint(error, verdict == SCB_BLOCK_STATE_GONE
                                     ? "use contract.block: auto or an archive endpoint"
                                     : "check contract.block or add an endpoint that has it");
}

/* `auto`: finalized, else latest less confirmations, else latest; down only on definite answers. */
static enum scb_status choose_auto(struct choice *choice, struct scb_block *ret_block,
                                   struct scb_error *error)
{
    enum scb_block_verdict verdict = SCB_BLOCK_SUITS;
    enum scb_status status = try_block(choice, "\"finalized\"", &verdict, ret_block, error);
    if (status != SCB_OK || verdict == SCB_BLOCK_SUITS) {
        (void)snprintf(choice->pin.reason, sizeof(choice->pin.reason), "finalized");
        return status;
    }
    const char *why_not_finalized = scb_block_verdict_text(verdict);
    struct scb_block latest = {0};
    status = tell_block(choice, "\"latest\"", &verdict, &latest, error);
    if (status != SCB_OK)
        return status;
    uint64_t back = choice->settings->confirmations;
    const char *why_not_confirmed = "the chain is younger";
    if (verdict == SCB_BLOCK_SUITS && back > 0 && latest.number >= back) {
        char selector[32];
        (void)snprintf(selector, sizeof(selector), "\"0x%" PRIx64 "\"", latest.number - back);
        status = try_block(choice, selector, &verdict, ret_block, error);
        (void)snprintf(choice->pin.reason, sizeof(choice->pin.reason),
                       "latest less %" PRIu64 "; finalized: %s", back, why_not_finalized);
        if (status != SCB_OK || verdict == SCB_BLOCK_SUITS)
            return status;
        why_not_confirmed = scb_block_verdict_text(verdict);
    }
    (void)snprintf(choice->pin.reason, sizeof(choice->pin.reason),
                   "latest; finalized: %s; latest less %" PRIu64 ": %s", why_not_finalized, back,
                   why_not_confirmed);
    status = try_block(choice, "\"latest\"", &verdict, ret_block, error);
    return status != SCB_OK || verdict == SCB_BLOCK_SUITS
               ? status
               : refuse_block(choice, "latest", verdict, error);
}

/* A tag, a number or a hash that a person named: that or nothing. */
static enum scb_status choose_named(struct choice *choice, const char *name,
                                    struct scb_block *ret_block, struct scb_error *error)
{
    uint64_t number = 0;
    char selector[80];
    if (scb_text_parse_u64(name, &number, NULL) == SCB_OK)
        (void)snprintf(selector, sizeof(selector), "\"0x%" PRIx64 "\"", number);
    else
        (void)snprintf(selector, sizeof(selector), "\"%.66s\"", name);
    enum scb_block_verdict verdict = SCB_BLOCK_SUITS;
    enum scb_status status = try_block(choice, selector, &verdict, ret_block, error);
    (void)snprintf(choice->pin.reason, sizeof(choice->pin.reason), "contract.block is %.66s", name);
    return status != SCB_OK || verdict == SCB_BLOCK_SUITS
               ? status
               : refuse_block(choice, name, verdict, error);
}

/* The other endpoints must have the same block and are proved on it too. */
static enum scb_status check_others(struct choice *choice, const struct scb_block *block,
                                    struct scb_error *error)
{
    char selector[32];
    (void)snprintf(selector, sizeof(selector), "\"0x%" PRIx64 "\"", block->number);
    enum scb_status status = SCB_OK;
    for (size_t i = 0; i < scb_rpc_client_endpoints(choice->client) && status == SCB_OK; i++) {
        if (i == choice->primary || scb_rpc_client_excluded(choice->client, i))
            continue;
        struct scb_error failure = {0};
        struct scb_block theirs = {0};
        enum scb_block_verdict verdict = SCB_BLOCK_SUITS;
        enum scb_status got =
            scb_block_get_known(choice->client, (int)i, selector, &verdict, &theirs, &failure);
        if (got == SCB_OK && verdict == SCB_BLOCK_SUITS &&
            memcmp(theirs.hash, block->hash, 32) != 0)
            got = scb_error_set(&failure, SCB_ERROR_CONTRACT,
                                "another block hash at %" PRIu64 " than the first endpoint's",
                                block->number);
        if (got == SCB_OK && verdict == SCB_BLOCK_SUITS)
            got = examine(choice, i, block, &verdict, &failure);
        if (got == SCB_OK && verdict != SCB_BLOCK_SUITS) {
            got = refuse_block(choice, "pinned", verdict, &failure);
            choice->refused++;
        }
        if (got != SCB_OK)
            status = leave_out(choice, i, &failure, error);
    }
    return status;
}

static enum scb_status check_age(const struct choice *choice, const struct scb_block *block,
                                 struct scb_error *error)
{
    int64_t limit_ms = choice->settings->max_block_age_ms;
    int64_t age_ms = scb_clock_real_ms(choice->settings->clock) - (int64_t)block->time * 1000;
    if (scb_pin_is_fixed(choice->settings->block) || limit_ms == 0 || age_ms <= limit_ms)
        return SCB_OK;
    char age[32], limit[32];
    scb_text_format_elapsed(age_ms, age, sizeof(age));
    scb_text_format_elapsed(limit_ms, limit, sizeof(limit));
    scb_error_set(error, SCB_ERROR_CONTRACT,
                  "block %" PRIu64 " is %s old, more than contract.max_block_age (%s)",
                  block->number, age, limit);
    return scb_error_hint(error, "is the node stuck or on a dead chain? 0 switches this check off");
}

static enum scb_status read_genesis(struct choice *choice, struct scb_error *error)
{
    struct scb_block genesis = {0};
    enum scb_block_verdict verdict = SCB_BLOCK_SUITS;
    enum scb_status status = tell_block(choice, "\"0x0\"", &verdict, &genesis, error);
    if (status == SCB_OK && verdict != SCB_BLOCK_SUITS) {
        scb_error_set(error, SCB_ERROR_CONTRACT, "no endpoint has block 0");
        return scb_error_hint(error, "add an endpoint that has it to contract.rpc_urls");
    }
    memcpy(choice->pin.genesis_hash, genesis.hash, 32);
    return status;
}

static enum scb_status choose_block(struct choice *choice, const struct scb_pin *wanted,
                                    struct scb_block *ret_block, struct scb_error *error)
{
    if (wanted != NULL) {
        char hash[67] = "0x";
        scb_text_hex(wanted->block_hash, 32, hash + 2);
        enum scb_status status = choose_named(choice, hash, ret_block, error);
        (void)snprintf(choice->pin.reason, sizeof(choice->pin.reason), "the interrupted run's");
        return status;
    }
    enum scb_status status = strcmp(choice->settings->block, "auto") == 0
                                 ? choose_auto(choice, ret_block, error)
                                 : choose_named(choice, choice->settings->block, ret_block, error);
    return status != SCB_OK ? status : check_age(choice, ret_block, error);
}

enum scb_status scb_pin_choose(struct scb_rpc_client *client,
                               const struct scb_pin_settings *settings,
                               const struct scb_pin *wanted, struct scb_pin *ret_pin,
                               struct scb_block_parameter *ret_parameters, struct scb_error *error)
{
    struct choice choice = {.client = client, .settings = settings, .parameters = ret_parameters};
    assert(settings->quorum > 0);
    choice.taken_over = wanted != NULL;
    choice.pin.chain_id = wanted != NULL ? wanted->chain_id : settings->chain_id;
    memcpy(choice.pin.contract, settings->contract.bytes, sizeof(choice.pin.contract));
    scb_rpc_client_include_all(client); /* what could not serve the last block may serve this one */
    enum scb_status status = check_chains(&choice, error);
    struct scb_block block = {0};
    if (status == SCB_OK)
        status = read_genesis(&choice, error);
    if (status == SCB_OK)
        status = choose_block(&choice, wanted, &block, error);
    if (status == SCB_OK)
        status = check_others(&choice, &block, error);
    if (status == SCB_OK)
        status = read_totals(&choice, error);
    if (status != SCB_OK)
        return status;
    choice.pin.block_number = block.number;
    choice.pin.block_time = block.time;
    memcpy(choice.pin.block_hash, block.hash, 32);
    *ret_pin = choice.pin;
    return SCB_OK;
}

/*
 * Somebody must say that the hash is still the same: no answer, or a block that nobody knows any
 * more, is no confirmation. Who was asked for the block by its number must say so for itself.
 */
enum scb_status scb_pin_confirm(struct scb_rpc_client *client, const struct scb_pin *pin,
                                uint64_t asked_by_number, bool *ret_changed,
                                struct scb_error *error)
{
    char selector[32];
    (void)snprintf(selector, sizeof(selector), "\"0x%" PRIx64 "\"", pin->block_number);
    bool confirmed = false, contradicted = false, unknown = false;
    struct scb_error failure = {0};
    for (size_t i = 0; i < scb_rpc_client_endpoints(client); i++) {
        struct scb_block block = {0};
        enum scb_block_verdict verdict = SCB_BLOCK_SUITS;
        bool must = (asked_by_number >> i & 1) != 0;
        if (scb_rpc_client_excluded(client, i) && !must)
            continue;
        if (scb_block_get_known(client, (int)i, selector, &verdict, &block, &failure) != SCB_OK) {
            contradicted |= must;
            continue; /* another endpoint may tell */
        }
        bool same = memcmp(block.hash, pin->block_hash, 32) == 0;
        unknown |= verdict != SCB_BLOCK_SUITS;
        confirmed |= verdict == SCB_BLOCK_SUITS && same;
        contradicted |= (verdict == SCB_BLOCK_SUITS && !same) || (must && !same);
    }
    if (failure.status == SCB_ERROR_CANCELED) {
        *error = failure;
        return failure.status;
    }
    *ret_changed = contradicted || (unknown && !confirmed);
    if (confirmed || *ret_changed)
        return SCB_OK;
    if (failure.status == SCB_OK)
        scb_error_set(&failure, SCB_ERROR_CONTRACT, "no endpoint is left to confirm the block");
    *error = failure;
    return failure.status;
}
