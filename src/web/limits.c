/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Design: a small table; a new address takes the place of the one that has asked the longest time
 * ago, so there is no more memory to be had by who has many addresses.
 */
#include "web/limits.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "net/rate_limit.h"

enum { ADDRESSES = 256 };

/* A minute; in bursts of a second's. */
static const int64_t per_minute[SCB_WEB_LIMITS] = {[SCB_WEB_LIMIT_OPEN] = 120000,
                                                   [SCB_WEB_LIMIT_REQUEST] = 6000,
                                                   [SCB_WEB_LIMIT_ORDER] = 600,
                                                   [SCB_WEB_LIMIT_REFUSED] = 600};

struct client {
    uint8_t address[16];
    int64_t asked_ms; /* 0: not in use */
    struct scb_rate_limit limits[SCB_WEB_LIMITS];
};

struct scb_web_limits {
    pthread_mutex_t lock;
    struct client clients[ADDRESSES];
};

enum scb_status scb_web_limits_new(struct scb_web_limits **ret_limits, struct scb_error *error)
{
    struct scb_web_limits *limits = scb_alloc(1, sizeof(*limits), error);
    if (limits == NULL)
        return SCB_ERROR_RESOURCE;
    pthread_mutex_init(&limits->lock, NULL);
    *ret_limits = limits;
    return SCB_OK;
}

void scb_web_limits_free(struct scb_web_limits *limits)
{
    if (limits == NULL)
        return;
    pthread_mutex_destroy(&limits->lock);
    free(limits);
}

static struct client *find(struct scb_web_limits *limits, const uint8_t address[16])
{
    struct client *place = &limits->clients[0];
    for (size_t i = 0; i < ADDRESSES; i++) {
        struct client *client = &limits->clients[i];
        if (client->asked_ms != 0 && memcmp(client->address, address, 16) == 0)
            return client;
        if (client->asked_ms < place->asked_ms)
            place = client;
    }
    *place = (struct client){0};
    memcpy(place->address, address, 16);
    for (size_t i = 0; i < SCB_WEB_LIMITS; i++)
        scb_rate_limit_begin(&place->limits[i], per_minute[i]);
    return place;
}

int64_t scb_web_limits_take(struct scb_web_limits *limits, const uint8_t address[16],
                            enum scb_web_limit limit, int64_t now_ms)
{
    pthread_mutex_lock(&limits->lock);
    struct client *client = find(limits, address);
    struct scb_rate_limit *bucket = &client->limits[limit];
    int64_t wait_ms = scb_rate_limit_wait(bucket, now_ms);
    client->asked_ms = now_ms;
    if (wait_ms == 0)
        scb_rate_limit_take(bucket, now_ms);
    pthread_mutex_unlock(&limits->lock);
    return (wait_ms + 999) / 1000;
}
