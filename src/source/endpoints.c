/* SPDX-License-Identifier: Apache-2.0 */
#include "source/endpoints.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"

enum scb_status scb_endpoints_init(struct scb_endpoints *endpoints, const char *const *urls,
                                   int64_t rate_per_minute, struct scb_error *error)
{
    size_t count = 0;
    while (urls[count] != NULL)
        count++;
    assert(count <= SCB_MAX_ENDPOINTS); /* contract.rpc_urls has fewer */
    endpoints->list = scb_alloc(count, sizeof(*endpoints->list), error);
    if (endpoints->list == NULL)
        return SCB_ERROR_RESOURCE;
    for (; endpoints->count < count; endpoints->count++) {
        struct scb_endpoint *endpoint = &endpoints->list[endpoints->count];
        const char *url = urls[endpoints->count];
        scb_text_url_origin(url, endpoint->origin, sizeof(endpoint->origin));
        scb_rate_limit_begin(&endpoint->limit, rate_per_minute);
        endpoint->url = scb_strdup(url, error);
        if (endpoint->url == NULL)
            return SCB_ERROR_RESOURCE;
    }
    return SCB_OK;
}

void scb_endpoints_free(struct scb_endpoints *endpoints)
{
    for (size_t i = 0; i < endpoints->count; i++) {
        scb_wipe(endpoints->list[i].url, strlen(endpoints->list[i].url));
        free(endpoints->list[i].url);
    }
    free(endpoints->list);
    *endpoints = (struct scb_endpoints){0};
}

void scb_endpoints_note(const struct scb_endpoints *endpoints, const struct scb_endpoint *endpoint,
                        const char *what)
{
    char text[sizeof(endpoint->origin) + 128];
    if (endpoints->note == NULL)
        return;
    (void)snprintf(text, sizeof(text), "%s %s", endpoint->origin, what);
    endpoints->note(endpoints->note_state, text);
}

static bool may_do(const struct scb_endpoints *endpoints, size_t i,
                   const struct scb_endpoint_wish *wish)
{
    if (wish->only != SCB_ANY_ENDPOINT)
        return wish->only == (int)i;
    return !atomic_load(&endpoints->list[i].excluded) && (wish->avoid >> i & 1) == 0;
}

bool scb_endpoints_any_left(const struct scb_endpoints *endpoints,
                            const struct scb_endpoint_wish *wish)
{
    for (size_t i = 0; i < endpoints->count; i++)
        if (may_do(endpoints, i, wish))
            return true;
    return false;
}

static int64_t wait_of(const struct scb_endpoint *endpoint, const struct scb_endpoint_wish *wish,
                       int64_t now_ms)
{
    int64_t limit_ms = scb_rate_limit_wait(&endpoint->limit, now_ms);
    int64_t breaker_ms =
        wish->only == SCB_ANY_ENDPOINT ? scb_breaker_wait(&endpoint->breaker, now_ms) : 0;
    return limit_ms > breaker_ms ? limit_ms : breaker_ms;
}

int scb_endpoints_choose(const struct scb_endpoints *endpoints,
                         const struct scb_endpoint_wish *wish, int64_t now_ms, int64_t *ret_wait_ms)
{
    int best = -1;
    for (size_t i = 0; i < endpoints->count; i++) {
        if (!may_do(endpoints, i, wish))
            continue;
        int64_t wait_ms = wait_of(&endpoints->list[i], wish, now_ms);
        if (wait_ms > 0)
            *ret_wait_ms = wait_ms < *ret_wait_ms ? wait_ms : *ret_wait_ms;
        else if (best < 0 || best == wish->failed ||
                 ((int)i != wish->failed &&
                  endpoints->list[i].in_flight < endpoints->list[best].in_flight))
            best = (int)i;
    }
    return best;
}
