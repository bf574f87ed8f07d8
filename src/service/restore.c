/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The service's way back: a backup onto a chain, and the same as a drill.
 */
#include "job/restore.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "config/state_dir.h"
#include "job/backup_reader.h"
#include "job/drill.h"
#include "service/internal.h"
#include "source/chain.h"

enum { LEAST_IN_FLIGHT = 16 }; /* calls: a transaction takes three */

/* What a restore holds, and the one endpoint that it talks to. */
struct work {
    struct scb_service *service;
    const char *urls[2];
    struct scb_address contract;
    uint64_t chain_id; /* that the target must be on; 0: any */
    struct scb_store *store;
    struct scb_catalog *catalog;
    struct scb_backup_keys *keys;
    struct scb_rpc_client *client;
};

/* The chain as it is configured, but of the target's one node. */
static struct scb_contract_source_settings target_settings(const struct work *work)
{
    struct scb_contract_source_settings settings = scb_service_source_settings(work->service);
    settings.client.urls = work->urls;
    settings.client.metrics = NULL; /* they are of the contract that is backed up */
    if (settings.client.max_in_flight < LEAST_IN_FLIGHT)
        settings.client.max_in_flight = LEAST_IN_FLIGHT;
    return settings;
}

/* For answers of the target's one node. */
static size_t target_memory(const struct scb_service *service)
{
    struct scb_page_limits limits = scb_service_page_limits(service);
    return 4 * (limits.max_value_size + 2 * limits.max_key_size) + ((size_t)64 << 20);
}

static enum scb_status open_target(void *state, const char *block, struct scb_source **ret_source,
                                   struct scb_error *error)
{
    const struct work *work = state;
    struct scb_contract_source_settings settings = target_settings(work);
    settings.pin.contract = work->contract;
    settings.pin.chain_id = work->chain_id;
    settings.pin.block = block;
    settings.pin.confirmations = 0; /* block is none of auto, and of any age */
    settings.pin.max_block_age_ms = 0;
    settings.pin.quorum = 1; /* the target is one node */
    settings.memory_limit = target_memory(work->service);
    return scb_contract_source_open(&settings, ret_source, error);
}

static enum scb_status check_url(const char *url, struct scb_error *error)
{
    if (strncmp(url, "http://", 7) == 0 || strncmp(url, "https://", 8) == 0)
        return SCB_OK;
    scb_error_set(error, SCB_ERROR_USAGE, "--rpc-url is no http:// or https:// URL");
    return scb_error_hint(error, "--rpc-url http://127.0.0.1:8545");
}

static enum scb_status open_work(struct work *work, struct scb_service *service, const char *url,
                                 struct scb_error *error)
{
    *work = (struct work){.service = service, .urls = {url}};
    const struct scb_rpc_client_settings client = target_settings(work).client;
    enum scb_status status = check_url(url, error);
    if (status == SCB_OK)
        status = scb_service_open_catalog(service, &work->catalog, error);
    if (status == SCB_OK)
        status = scb_service_open_store(service, false, &work->store, error);
    if (status == SCB_OK)
        status = scb_service_open_keys(service, &work->keys, error);
    if (status == SCB_OK)
        status = scb_rpc_client_new(&client, &work->client, error);
    return status;
}

static void close_work(struct work *work)
{
    scb_rpc_client_free(work->client);
    scb_store_close(work->store);
    scb_catalog_close(work->catalog);
    scb_backup_keys_free(work->keys);
}

static struct scb_restore_parts parts_of(struct work *work)
{
    return (struct scb_restore_parts){.store = work->store,
                                      .catalog = work->catalog,
                                      .keys = work->keys,
                                      .client = work->client,
                                      .open_target = open_target,
                                      .state = work,
                                      .log = work->service->parts.log,
                                      .clock = work->service->clock,
                                      .cancel = work->service->cancel};
}

static struct scb_restore_settings settings_of(const struct work *work,
                                               const struct scb_restore_options *options)
{
    const struct scb_config *config = work->service->parts.config;
    return (struct scb_restore_settings){
        .options = options,
        .contract = work->contract,
        .limits = scb_service_page_limits(work->service),
        .confirmations = (uint64_t)scb_config_integer(config, "contract.confirmations"),
        .range = (uint64_t)scb_config_integer(config, "backup.page_size"),
        .window = (size_t)scb_config_integer(config, "backup.max_concurrent_pages"),
        .range_limit_ms = scb_config_integer(config, "backup.page_deadline"),
        .memory_limit = (uint64_t)scb_config_integer(config, "backup.memory_limit")};
}

static void log_result(const struct work *work, const char *event,
                       const struct scb_restore_result *result)
{
    char contract[SCB_ADDRESS_TEXT_SIZE];
    scb_address_format(&work->contract, contract);
    scb_log_info(work->service->parts.log, event, SCB_TEXT("backup_date", result->plan.backup_date),
                 SCB_TEXT("contract", contract), SCB_NUMBER("chain_id", result->plan.chain_id),
                 SCB_NUMBER("sent", result->sent), SCB_NUMBER("equal", result->read_back_equal),
                 SCB_NUMBER("refused", result->refusals.count),
                 SCB_NUMBER("duration_ms", result->duration_ms));
}

enum scb_status scb_service_restore(struct scb_service *service,
                                    const struct scb_restore_options *options,
                                    struct scb_restore_result *ret_result, struct scb_error *error)
{
    SCB_FILE_WATCHED(service->watch);
    struct work work;
    *ret_result = (struct scb_restore_result){0};
    SCB_AUTO(string) char *journal_dir = scb_config_state_dir(service->parts.config, error);
    if (journal_dir == NULL)
        return error->status;
    enum scb_status status = open_work(&work, service, options->rpc_url, error);
    if (status == SCB_OK && scb_address_parse(options->contract, &work.contract, error) != SCB_OK)
        status = scb_error_wrap(error, "--contract");
    work.chain_id = (uint64_t)scb_config_integer(service->parts.config, "contract.chain_id");
    struct scb_restore_parts parts = parts_of(&work);
    struct scb_restore_settings settings = settings_of(&work, options);
    settings.journal_dir = journal_dir;
    if (status == SCB_OK)
        status = scb_restore_run(&parts, &settings, ret_result, error);
    if (ret_result->done)
        log_result(&work, "Restore completed", ret_result);
    close_work(&work);
    return status;
}

/* The account that pays for a drill without a keystore. */
static enum scb_status find_account(const struct work *work, struct scb_address *ret_account,
                                    struct scb_error *error)
{
    bool has = false;
    enum scb_status status = scb_chain_own_account(work->client, &has, ret_account, error);
    if (status != SCB_OK || has)
        return status;
    scb_error_set(error, SCB_ERROR_ACCESS, "the scratch chain's node has no account of its own");
    return scb_error_hint(error, "give --keystore of an account that has money there");
}

/* Kept for status, with its outcome: a chain that cannot be used says nothing about the backup, and
 * neither do entries that its contract or its nodes would not take. */
static enum scb_status record_drill(const struct work *work, const char *backup_date,
                                    const struct scb_restore_result *result,
                                    const struct scb_error *failure, struct scb_error *error)
{
    struct scb_check_record check = {.kind = SCB_CHECK_TEST_RESTORE_CHAIN,
                                     .checked_at_ms = scb_clock_real_ms(work->service->clock),
                                     .outcome = SCB_VERIFY_NOT_CHECKED,
                                     .keys = result->read_back_equal,
                                     .duration_ms = result->duration_ms};
    bool sending = result->refusals.count > 0 || result->unsettled;
    if (failure->status == SCB_OK)
        check.outcome = SCB_VERIFY_VALID;
    else if (failure->status == SCB_ERROR_INTEGRITY && !sending)
        check.outcome = SCB_VERIFY_INVALID;
    (void)snprintf(check.message, sizeof(check.message), "%.511s", failure->message);
    return scb_catalog_record_check(work->catalog, backup_date, &check, error);
}

static enum scb_status run_drill(struct work *work, struct scb_restore_settings *settings,
                                 struct scb_restore_result *ret_result, struct scb_error *error)
{
    struct scb_restore_parts parts = parts_of(work);
    enum scb_status status = SCB_OK;
    if (settings->node_signs)
        status = find_account(work, &settings->account, error);
    if (status == SCB_OK)
        status = scb_drill_deploy(&parts, settings, &work->contract, error);
    settings->contract = work->contract;
    if (status == SCB_OK)
        status = scb_restore_run(&parts, settings, ret_result, error);
    return status;
}

enum scb_status scb_service_drill(struct scb_service *service,
                                  const struct scb_drill_options *options,
                                  struct scb_restore_result *ret_result, struct scb_error *error)
{
    enum { REPLACE_AFTER_MS = 60000 };
    SCB_FILE_WATCHED(service->watch);
    struct work work;
    *ret_result = (struct scb_restore_result){0};
    struct scb_restore_options restore = {.backup_date = options->backup_date,
                                          .rpc_url = options->rpc_url,
                                          .signer = options->signer,
                                          .max_fee_per_gas = SCB_WEI_MAX,
                                          .max_total_cost = SCB_WEI_MAX,
                                          .replace_after_ms = REPLACE_AFTER_MS,
                                          .observe = options->observe,
                                          .state = options->state};
    struct scb_backup_record record;
    struct scb_error failure = {0};
    enum scb_status status = open_work(&work, service, options->rpc_url, error);
    if (status == SCB_OK)
        status = scb_backup_find(work.catalog, options->backup_date, &record, error);
    if (status == SCB_OK) {
        struct scb_restore_settings settings = settings_of(&work, &restore);
        restore.backup_date = record.backup_date;
        settings.confirmations = 0; /* nobody reorganises a scratch chain */
        settings.node_signs = options->signer == NULL;
        status = run_drill(&work, &settings, ret_result, &failure);
        if (status != SCB_OK)
            *error = failure;
        struct scb_error *kept = status == SCB_OK ? error : &(struct scb_error){0};
        if (status != SCB_ERROR_CANCELED) {
            enum scb_status recorded =
                record_drill(&work, record.backup_date, ret_result, &failure, kept);
            status = status == SCB_OK ? recorded : status;
        }
    }
    scb_service_count_test_restore(service, status);
    if (ret_result->done)
        log_result(&work, "Test restore completed", ret_result);
    close_work(&work);
    return status;
}
