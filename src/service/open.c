/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a service works with, opened as its settings say: chain, store, catalog, keys, identity.
 */
#include "base/log.h"
#include "crypto/identity.h"
#include "service/internal.h"
#include "service/supervisor.h"
#include "source/contract_source.h"
#include "store/store.h"

enum scb_status scb_service_open_catalog(const struct scb_service *service,
                                         struct scb_catalog **ret_catalog, struct scb_error *error)
{
    return scb_catalog_open(scb_service_text(service, "database.url"), false, ret_catalog, error);
}

struct scb_page_limits scb_service_page_limits(const struct scb_service *service)
{
    return (struct scb_page_limits){
        .max_key_size = (size_t)scb_service_integer(service, "backup.max_key_size"),
        .max_value_size = (size_t)scb_service_integer(service, "backup.max_value_size")};
}

static void note(void *state, const char *line)
{
    const struct scb_service *service = state;
    scb_log_warn(service->parts.log, "Endpoint", SCB_TEXT("note", line));
}

/* What scb_config_check leaves for answers on their way: see there for the rest. */
static size_t source_memory(const struct scb_service *service)
{
    int64_t rest = scb_service_integer(service, "backup.memory_limit") - (INT64_C(32) << 20) -
                   (INT64_C(16) << 20) * scb_service_integer(service, "backup.worker_concurrency");
    return (size_t)rest / 2;
}

struct scb_contract_source_settings scb_service_source_settings(struct scb_service *service)
{
    return (struct scb_contract_source_settings){
        .client =
            {.urls = scb_config_list(service->parts.config, "contract.rpc_urls"),
             .max_in_flight = (size_t)scb_service_integer(service, "backup.max_concurrent_pages"),
             .retry = {.attempts = scb_service_integer(service, "backup.retry_attempts"),
                       .delay_ms = scb_service_integer(service, "backup.retry_delay"),
                       .max_delay_ms = scb_service_integer(service, "backup.retry_max_delay")},
             .rate_per_minute = scb_service_integer(service, "backup.smart_contract_rate_limit"),
             .timeout_ms = scb_service_integer(service, "backup.smart_contract_timeout"),
             .ca_file = scb_service_text(service, "contract.ca_file"),
             .clock = service->clock,
             .cancel = service->cancel,
             .note = note,
             .note_state = service,
             .metrics = service->metrics},
        .pin = {.contract = service->contract,
                .chain_id = (uint64_t)scb_service_integer(service, "contract.chain_id"),
                .block = scb_service_text(service, "contract.block"),
                .confirmations = (uint64_t)scb_service_integer(service, "contract.confirmations"),
                .max_block_age_ms = scb_service_integer(service, "contract.max_block_age"),
                .total_function = scb_service_text(service, "contract.total_function"),
                .gas_limit = (uint64_t)scb_service_integer(service, "contract.gas_limit"),
                .quorum = (size_t)scb_service_integer(service, "contract.quorum"),
                .clock = service->clock,
                .note = note,
                .note_state = service},
        .page_function = scb_service_text(service, "contract.page_function"),
        .gas_limit = (uint64_t)scb_service_integer(service, "contract.gas_limit"),
        .memory_limit = source_memory(service),
        .max_value_size = (size_t)scb_service_integer(service, "backup.max_value_size"),
        .max_key_size = (size_t)scb_service_integer(service, "backup.max_key_size")};
}

/* A sign of life: a block is chosen by many calls, one after the other. */
static void beat(void *state)
{
    const struct scb_service *service = state;
    scb_supervisor_beat(service->supervisor);
}

enum scb_status scb_service_open_source(struct scb_service *service, struct scb_source **ret_source,
                                        struct scb_error *error)
{
    struct scb_contract_source_settings settings = scb_service_source_settings(service);
    settings.client.ended = beat;
    return scb_contract_source_open(&settings, ret_source, error);
}

enum scb_status scb_service_open_keys(const struct scb_service *service,
                                      struct scb_backup_keys **ret_keys, struct scb_error *error)
{
    const struct scb_backup_keys_settings settings = {
        .identity_file = scb_service_text(service, "encryption.identity_file"),
        .ask = service->parts.ask_passphrase,
        .ask_state = service->parts.ask_state,
        .trusted = scb_config_list(service->parts.config, "identity.trusted")};
    return scb_backup_keys_new(&settings, ret_keys, error);
}

enum scb_status scb_service_open_store(const struct scb_service *service, bool create,
                                       struct scb_store **ret_store, struct scb_error *error)
{
    struct scb_store_settings settings = {
        .dir = scb_service_text(service, "backup.backup_dir"),
        .group = scb_service_text(service, "backup.group"),
        .min_free_bytes = (uint64_t)scb_service_integer(service, "backup.min_free_space"),
        .metrics = service->metrics};
    return scb_store_open(&settings, create, ret_store, error);
}

enum scb_status scb_service_load_identity(const struct scb_service *service,
                                          struct scb_identity **ret_identity,
                                          struct scb_error *error)
{
    const char *cert_path = scb_service_text(service, "identity.cert_path");
    *ret_identity = NULL;
    if (cert_path[0] == '\0') /* scb_config_check: then there is no key either */
        return SCB_OK;
    return scb_identity_load(cert_path, scb_service_text(service, "identity.key_path"),
                             ret_identity, error);
}
