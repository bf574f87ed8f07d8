/* SPDX-License-Identifier: Apache-2.0 */
#include "service/health_chain.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "source/chain.h"

/* One attempt each: what a person waits for says at once what is wrong. */
static struct scb_contract_source_settings settings_of(struct scb_service *service)
{
    struct scb_contract_source_settings settings = scb_service_source_settings(service);
    settings.client.retry.attempts = 1;
    if (settings.client.timeout_ms > SCB_PROBE_TIMEOUT_MS)
        settings.client.timeout_ms = SCB_PROBE_TIMEOUT_MS;
    return settings;
}

static enum scb_status ask_code(struct scb_probe *probe, struct scb_rpc_client *client)
{
    char address[SCB_ADDRESS_TEXT_SIZE], params[128];
    scb_address_format(&probe->service->contract, address);
    (void)snprintf(params, sizeof(params), "[\"%s\",\"latest\"]", address);
    struct scb_rpc_call call = {.endpoint = SCB_ANY_ENDPOINT};
    enum scb_status status =
        scb_rpc_client_call(client, &call, "eth_getCode", params, &probe->error);
    const char *code = status == SCB_OK ? json_string_value(call.result) : NULL;
    probe->has_code = code != NULL && strlen(code) > 2;
    scb_rpc_call_free(&call);
    return status;
}

static enum scb_status ask(struct scb_probe *probe, struct scb_rpc_client *client)
{
    const struct scb_clock *clock = scb_clock_system();
    int64_t since_ms = scb_clock_monotonic_ms(clock);
    enum scb_status status = scb_chain_id(client, &probe->chain_id, &probe->error);
    probe->latency_ms = scb_clock_monotonic_ms(clock) - since_ms;
    enum scb_block_verdict verdict = SCB_BLOCK_SUITS;
    if (status == SCB_OK)
        status = scb_block_get(client, 0, "\"latest\"", &verdict, &probe->newest, &probe->error);
    if (status == SCB_OK && verdict != SCB_BLOCK_SUITS)
        status = scb_error_set(&probe->error, SCB_ERROR_CONTRACT, "it has no newest block");
    return status == SCB_OK ? ask_code(probe, client) : status;
}

static void *run(void *argument)
{
    struct scb_probe *probe = argument;
    struct scb_rpc_client_settings settings = settings_of(probe->service).client;
    struct scb_rpc_client *client = NULL;
    settings.urls = probe->urls;
    settings.note = NULL;
    settings.rate_per_minute = 0;
    probe->status = scb_rpc_client_new(&settings, &client, &probe->error);
    if (probe->status != SCB_OK)
        return NULL;
    probe->status = ask(probe, client);
    scb_rpc_client_free(client);
    return NULL;
}

size_t scb_probe_all(struct scb_service *service, struct scb_probe ret_probes[SCB_MAX_PROBES])
{
    const char *const *urls = scb_config_list(service->parts.config, "contract.rpc_urls");
    size_t count = 0;
    for (; count < SCB_MAX_PROBES && urls[count] != NULL; count++) {
        struct scb_probe *probe = &ret_probes[count];
        *probe = (struct scb_probe){.urls = {urls[count]}, .service = service};
        scb_text_url_origin(urls[count], probe->origin, sizeof(probe->origin));
        enum scb_status started =
            scb_thread_start(&probe->thread, "probe", run, probe, &probe->error);
        probe->started = started == SCB_OK;
        if (!probe->started) /* else it is the thread's */
            probe->status = started;
    }
    for (size_t i = 0; i < count; i++)
        if (ret_probes[i].started)
            (void)pthread_join(ret_probes[i].thread, NULL);
    return count;
}

enum scb_status scb_probe_pin(struct scb_service *service, struct scb_pin *ret_pin,
                              struct scb_error *error)
{
    struct scb_contract_source_settings settings = settings_of(service);
    settings.client.note = NULL; /* each endpoint has a line of its own */
    settings.pin.note = NULL;
    struct scb_source *source = NULL;
    enum scb_status status = scb_contract_source_open(&settings, &source, error);
    if (status != SCB_OK)
        return status;
    status = source->ops->pin(source, NULL, ret_pin, error);
    source->ops->close(source);
    return status;
}
