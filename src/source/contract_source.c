/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Design: memory is handed out as credits before a request leaves, from what earlier answers
 * weighed per entry. An answer that outgrows its credit is thrown away and asked for again with
 * more credit or in half the size. The urgent range - the one that everybody waits for - may
 * always take what a single largest entry needs, so the run cannot stand still.
 */
#include "source/contract_source.h"

#include <assert.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "evm/abi.h"
#include "source/answer_memory.h"
#include "source/ceiling.h"

enum {
    FIRST_ENTRY_ESTIMATE = 2048, /* bytes an entry, before anything has been seen */
    SMALLEST_CREDIT = 64 * 1024,
    ABI_OVERHEAD = 1024, /* heads, lengths and padding of a page with one entry */
    CALL_DATA_SIZE = 4 + 2 * SCB_ABI_WORD,
};

/* One range under way. */
struct fetch {
    struct scb_rpc_call call;
    struct contract_source *source;
    struct scb_range *range;
    uint64_t limit;       /* entries to ask for at most: halved when too heavy */
    uint64_t asked;       /* entries of the present attempt */
    size_t credit;        /* bytes reserved for the present attempt; 0 = none */
    size_t wanted_credit; /* at least this much, after an answer outgrew its credit */
    struct fetch *next_idle;
};

struct contract_source {
    struct scb_source base;
    struct scb_contract_source_settings settings;
    struct scb_rpc_client *client;
    struct scb_pin pin;
    struct scb_block_parameter *parameters; /* one an endpoint */
    struct scb_ceiling *ceilings;           /* one an endpoint; the client's thread only */
    uint8_t page_selector[4];

    struct scb_answer_memory memory;
    pthread_mutex_t lock; /* of idle */
    struct fetch *idle;

    size_t entry_estimate; /* bytes; the client's thread only */
    atomic_uint_fast64_t splits;
    atomic_uint_fast64_t asked_by_number; /* endpoints that gave pages so: bit n is endpoint n */
};

static struct contract_source *of_base(struct scb_source *base)
{
    return (struct contract_source *)base;
}

/* What an answer with the single largest allowed entry weighs. */
static size_t largest_entry(const struct contract_source *source)
{
    return source->settings.max_value_size + 2 * source->settings.max_key_size + ABI_OVERHEAD;
}

static void give_back(struct contract_source *source, size_t bytes)
{
    if (scb_answer_memory_give(&source->memory, bytes))
        scb_rpc_client_wake(source->client);
}

/* Reserves memory for an attempt; false when there is none now. */
static bool take_credit(struct contract_source *source, struct fetch *fetch)
{
    size_t wanted = SMALLEST_CREDIT;
    size_t estimate = 0;
    if (__builtin_mul_overflow(source->entry_estimate, fetch->asked, &estimate))
        estimate = SIZE_MAX / 2;
    wanted = estimate > wanted ? estimate : wanted;
    wanted = fetch->wanted_credit > wanted ? fetch->wanted_credit : wanted;
    if (fetch->asked == 1 && wanted > largest_entry(source))
        wanted = largest_entry(source);
    fetch->credit = scb_answer_memory_take(&source->memory, wanted, &fetch->range->urgent);
    return fetch->credit > 0;
}

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static bool prepare(struct scb_rpc_call *call, size_t endpoint, struct scb_buffer *params)
{
    struct fetch *fetch = call->owner;
    struct contract_source *source = fetch->source;
    struct scb_range *range = fetch->range;
    fetch->asked = least(range->count, fetch->limit);
    fetch->asked = scb_ceiling_limit(&source->ceilings[endpoint], fetch->asked);
    if (fetch->credit > 0) { /* an earlier attempt's */
        give_back(source, fetch->credit);
        fetch->credit = 0;
    }
    if (!take_credit(source, fetch))
        return false;
    if (range->deadline_ms == 0) /* waiting for its turn is not the page's fault */
        range->deadline_ms =
            scb_clock_monotonic_ms(source->settings.client.clock) + range->limit_ms;
    call->deadline_ms = range->deadline_ms;
    call->max_result = fetch->credit;
    call->smallest = fetch->asked == 1;
    call->can_shrink = !call->smallest;
    if (call->response.result.data == NULL)
        call->response.result = scb_answer_memory_reuse(&source->memory);

    uint8_t data[CALL_DATA_SIZE];
    char hex[2 * CALL_DATA_SIZE + 1], gas[40] = "", address[SCB_ADDRESS_TEXT_SIZE];
    scb_abi_encode_call(source->page_selector, (const uint64_t[]){range->start, fetch->asked}, 2,
                        data);
    scb_text_hex(data, sizeof(data), hex);
    scb_address_format(&source->settings.pin.contract, address);
    if (source->settings.gas_limit > 0)
        (void)snprintf(gas, sizeof(gas), ",\"gas\":\"0x%" PRIx64 "\"", source->settings.gas_limit);
    char text[1024];
    int size = snprintf(text, sizeof(text), "[{\"to\":\"%s\",\"data\":\"0x%s\"%s},%s]", address,
                        hex, gas, source->parameters[endpoint].json);
    return scb_buffer_append(params, text, (size_t)size + 1, NULL) == SCB_OK;
}

/* An answer that is no page is none, and one without entries, or with more than were asked for. All
 * of it is looked at here, where it can be asked for again. */
static enum scb_rpc_outcome judge(struct scb_rpc_call *call)
{
    struct fetch *fetch = call->owner;
    struct scb_bytes data = scb_buffer_bytes(&call->response.result);
    struct scb_range *range = fetch->range;
    if (data.size == 0) {
        scb_error_set(&call->error, SCB_ERROR_CONTRACT, "an empty result (0x)");
        (void)scb_error_hint(&call->error, "a lagging node, or contract.page_function is wrong");
        return SCB_RPC_TROUBLE;
    }
    if (scb_abi_page_check(data, fetch->asked, &range->received, &call->error) != SCB_OK)
        return SCB_RPC_TROUBLE;
    if (range->received > 0) {
        scb_ceiling_raise(&fetch->source->ceilings[call->answered_by], fetch->asked);
        return SCB_RPC_OK;
    }
    scb_error_set(&call->error, SCB_ERROR_VALIDATION, "no entries where %" PRIu64 " must be",
                  fetch->asked);
    call->error.permanent = true; /* well said: it is the contract that has none */
    return SCB_RPC_TROUBLE;
}

/* Takes the next size down and remembers it for the endpoint; false at a single entry. */
static bool ask_for_less(struct contract_source *source, struct fetch *fetch, bool heavy)
{
    if (fetch->asked <= 1)
        return false;
    fetch->limit = fetch->asked / 2;
    atomic_fetch_add(&source->splits, 1);
    scb_metrics_add(source->settings.client.metrics, SCB_METRIC_SPLITS, 0, 1);
    if (heavy)
        scb_ceiling_lower(&source->ceilings[fetch->call.answered_by], fetch->limit);
    return true;
}

/* True when the failure was only one of size, and the range goes on with another. */
static bool fits_smaller(struct contract_source *source, struct fetch *fetch)
{
    struct scb_rpc_call *call = &fetch->call;
    if (call->outgrown) {
        size_t more = fetch->credit * 4;
        bool may_grow =
            fetch->credit < largest_entry(source) && more <= source->settings.memory_limit / 4;
        if (fetch->asked == 1 && fetch->credit < largest_entry(source)) {
            fetch->wanted_credit = largest_entry(source);
            return true;
        }
        if (may_grow) {
            fetch->wanted_credit = more;
            return true;
        }
        return ask_for_less(source, fetch, false);
    }
    return (call->outcome == SCB_RPC_TOO_HEAVY || call->outcome == SCB_RPC_REVERTED_EMPTY) &&
           ask_for_less(source, fetch, true);
}

static void describe_failure(struct contract_source *source, struct fetch *fetch)
{
    struct scb_range *range = fetch->range;
    if (!fetch->call.outgrown || range->status == SCB_ERROR_CANCELED)
        return;
    char limit[32];
    scb_text_format_size(source->settings.max_value_size, limit, sizeof(limit));
    scb_error_set(&range->error, SCB_ERROR_RESOURCE,
                  "entry %" PRIu64 " is larger than %zu bytes, over backup.max_value_size (%s)",
                  range->start, fetch->credit, limit);
    range->error.permanent = true;
    (void)scb_error_hint(&range->error, "raise backup.max_value_size (and backup.memory_limit)");
    range->status = SCB_ERROR_RESOURCE;
    scb_metrics_call_failed(source->settings.client.metrics, range->status);
}

static void put_idle(struct contract_source *source, struct fetch *fetch)
{
    pthread_mutex_lock(&source->lock);
    fetch->next_idle = source->idle;
    source->idle = fetch;
    pthread_mutex_unlock(&source->lock);
}

static void answer(struct contract_source *source, struct fetch *fetch)
{
    struct scb_range *range = fetch->range;
    struct scb_rpc_call *call = &fetch->call;
    size_t credit = fetch->credit;
    range->status = call->status;
    range->error = call->error;
    range->answered_by = (int)call->answered_by;
    /* A block that nobody knows after all retries is as lost as its state: anvil's words for both
     * are the same. */
    range->pin_lost =
        call->status != SCB_OK && call->status != SCB_ERROR_CANCELED &&
        (call->outcome == SCB_RPC_STATE_MISSING || call->outcome == SCB_RPC_BLOCK_UNKNOWN);
    if (range->status == SCB_OK && source->parameters[call->answered_by].json[0] == '"')
        atomic_fetch_or(&source->asked_by_number, UINT64_C(1) << call->answered_by);
    if (range->status == SCB_OK) {
        struct scb_buffer *result = &call->response.result;
        range->data = result->data;
        range->size = result->size;
        range->capacity = result->capacity;
        *result = (struct scb_buffer){0};
        scb_answer_memory_settle(&source->memory, credit, range->capacity);
        size_t per_entry = range->size / range->received + 1;
        /* Slowly down again: one large value must not make the rest of the run narrow. */
        source->entry_estimate -= source->entry_estimate / 8;
        if (source->entry_estimate < per_entry * 2)
            source->entry_estimate = per_entry * 2;
    } else {
        describe_failure(source, fetch);
        give_back(source, credit);
    }
    put_idle(source, fetch);
    range->answered(range);
}

static void done(struct scb_rpc_call *call)
{
    struct fetch *fetch = call->owner;
    struct contract_source *source = fetch->source;
    if (call->status != SCB_OK && call->status != SCB_ERROR_CANCELED && fits_smaller(source, fetch))
        scb_rpc_client_submit_again(source->client, call);
    else
        answer(source, fetch);
}

static struct fetch *take_idle(struct contract_source *source)
{
    pthread_mutex_lock(&source->lock);
    struct fetch *fetch = source->idle;
    if (fetch != NULL)
        source->idle = fetch->next_idle;
    pthread_mutex_unlock(&source->lock);
    return fetch;
}

static void submit(struct scb_source *base, struct scb_range *range)
{
    struct contract_source *source = of_base(base);
    assert(range->count > 0);
    range->status = SCB_OK;
    range->error = (struct scb_error){0};
    range->pin_lost = false;
    range->received = 0;
    struct fetch *fetch = take_idle(source);
    if (fetch == NULL)
        fetch = scb_alloc(1, sizeof(*fetch), &range->error);
    if (fetch == NULL) {
        range->status = SCB_ERROR_RESOURCE;
        range->answered(range);
        return;
    }
    fetch->source = source;
    fetch->range = range;
    fetch->limit = range->count;
    fetch->credit = fetch->wanted_credit = 0;
    fetch->call.method = "eth_call";
    fetch->call.hex_result = true;
    fetch->call.can_shrink = true;
    fetch->call.endpoint = range->endpoint;
    fetch->call.avoid = range->avoid;
    fetch->call.order = range->start;
    fetch->call.deadline_ms = range->deadline_ms != 0 ? range->deadline_ms : INT64_MAX;
    fetch->call.owner = fetch;
    fetch->call.prepare = prepare;
    fetch->call.judge = judge;
    fetch->call.done = done;
    scb_rpc_client_submit(source->client, &fetch->call);
}

static void release(struct scb_source *base, struct scb_range *range)
{
    struct contract_source *source = of_base(base);
    if (range->data == NULL)
        return;
    struct scb_buffer answer = {.data = range->data, .capacity = range->capacity};
    size_t held = range->capacity;
    range->data = NULL;
    range->size = range->capacity = 0;
    scb_answer_memory_keep(&source->memory, &answer);
    give_back(source, held);
}

static void hurry(struct scb_source *base, struct scb_range *range)
{
    struct contract_source *source = of_base(base);
    if (atomic_exchange(&range->urgent, true))
        return;
    if (scb_answer_memory_starved(&source->memory))
        scb_rpc_client_wake(source->client);
}

static enum scb_status pin(struct scb_source *base, const struct scb_pin *wanted,
                           struct scb_pin *ret_pin, struct scb_error *error)
{
    struct contract_source *source = of_base(base);
    atomic_store(&source->asked_by_number, 0);
    enum scb_status status = scb_pin_choose(source->client, &source->settings.pin, wanted,
                                            &source->pin, source->parameters, error);
    if (status == SCB_OK)
        *ret_pin = source->pin;
    return status;
}

static enum scb_status confirm(struct scb_source *base, bool *ret_changed, struct scb_error *error)
{
    struct contract_source *source = of_base(base);
    return scb_pin_confirm(source->client, &source->pin, atomic_load(&source->asked_by_number),
                           ret_changed, error);
}

static void cancel(struct scb_source *base)
{
    scb_rpc_client_cancel(of_base(base)->client);
}

static void counters(struct scb_source *base, struct scb_source_counters *ret_counters)
{
    struct contract_source *source = of_base(base);
    scb_rpc_client_counters(source->client, ret_counters);
    ret_counters->splits = atomic_load(&source->splits);
    ret_counters->memory_bytes = scb_answer_memory_used(&source->memory);
}

static void close_source(struct scb_source *base)
{
    struct contract_source *source = of_base(base);
    scb_rpc_client_free(source->client);
    while (source->idle != NULL) {
        struct fetch *fetch = source->idle;
        source->idle = fetch->next_idle;
        scb_rpc_call_free(&fetch->call);
        free(fetch);
    }
    scb_answer_memory_free(&source->memory);
    free(source->parameters);
    free(source->ceilings);
    pthread_mutex_destroy(&source->lock);
    free(source);
}

static const struct scb_source_ops contract_source_ops = {
    .name = "contract",
    .pin = pin,
    .confirm = confirm,
    .submit = submit,
    .release = release,
    .hurry = hurry,
    .cancel = cancel,
    .counters = counters,
    .close = close_source,
};

enum scb_status scb_contract_source_open(const struct scb_contract_source_settings *settings,
                                         struct scb_source **ret_source, struct scb_error *error)
{
    struct contract_source *source = scb_alloc(1, sizeof(*source), error);
    if (source == NULL)
        return SCB_ERROR_RESOURCE;
    source->base.ops = &contract_source_ops;
    source->settings = *settings;
    source->entry_estimate = FIRST_ENTRY_ESTIMATE;
    pthread_mutex_init(&source->lock, NULL);
    assert(settings->memory_limit + 2 * ABI_OVERHEAD >= 2 * largest_entry(source));
    scb_answer_memory_init(&source->memory, settings->memory_limit, largest_entry(source));
    enum scb_status status =
        scb_abi_selector(settings->page_function, source->page_selector, error);
    if (status == SCB_OK)
        status = scb_rpc_client_new(&settings->client, &source->client, error);
    if (status == SCB_OK) {
        size_t endpoints = scb_rpc_client_endpoints(source->client);
        source->parameters = scb_alloc(endpoints, sizeof(*source->parameters), error);
        source->ceilings = scb_alloc(endpoints, sizeof(*source->ceilings), error);
        if (source->parameters == NULL || source->ceilings == NULL)
            status = SCB_ERROR_RESOURCE;
    }
    if (status != SCB_OK) {
        close_source(&source->base);
        return status;
    }
    *ret_source = &source->base;
    return SCB_OK;
}
