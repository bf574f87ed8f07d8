/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What health.c asks of the endpoints, all of them at the same time, and what it is told.
 */
#ifndef SCB_SERVICE_HEALTH_CHAIN_H
#define SCB_SERVICE_HEALTH_CHAIN_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "service/internal.h"
#include "source/block.h"

enum {
    SCB_PROBE_TIMEOUT_MS = 10000, /* of one request; less where the settings say so */
    SCB_MAX_PROBES = 16,
};

struct scb_probe {
    const char *urls[2]; /* its one endpoint */
    struct scb_service *service;
    pthread_t thread;
    bool started;
    char origin[256];
    int64_t latency_ms;
    uint64_t chain_id;
    struct scb_block newest;
    bool has_code;
    enum scb_status status; /* SCB_OK: the above is known */
    struct scb_error error;
};

/* Asks every endpoint of contract.rpc_urls; returns how many there are. */
size_t scb_probe_all(struct scb_service *service, struct scb_probe ret_probes[SCB_MAX_PROBES]);

/* Which block a backup would be of now; nothing is written. */
SCB_MUST_CHECK enum scb_status scb_probe_pin(struct scb_service *service, struct scb_pin *ret_pin,
                                             struct scb_error *error);

#endif
