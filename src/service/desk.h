/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a running service lays out for those who answer others on threads of their own (web): how it
 * is configured, what it does, what it is asked to do. The rest of it is not for them.
 */
#ifndef SCB_SERVICE_DESK_H
#define SCB_SERVICE_DESK_H

#include <pthread.h>

#include "access/gate.h"
#include "base/clock.h"
#include "base/file_watch.h"
#include "base/log.h"
#include "scb/service.h"
#include "service/live.h"
#include "service/requests.h"

struct scb_desk {
    struct scb_service *service;   /* for scb/service.h, service/metrics.h and what is below */
    pthread_rwlock_t *config_lock; /* who reads the configuration holds it, here and in service */
    const struct scb_config *config;
    const struct scb_clock *clock;
    const struct scb_gate *gate; /* may be NULL */
    struct scb_log *log;
    struct scb_file_watch *watch; /* over the file operations of those threads; may be NULL */
    struct scb_live *live;
    struct scb_requests *requests;
};

/* Whether its loop has shown no sign of life for longer than anything that it does may take. */
bool scb_service_is_silent(const struct scb_service *service);
/* Whether a backup would have room. NotFoundError before the first one. */
SCB_MUST_CHECK enum scb_status scb_service_check_space(const struct scb_service *service,
                                                       struct scb_error *error);

#endif
