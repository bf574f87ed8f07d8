/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The service's loop, in three parts, so that others can be served while it runs (web/run).
 */
#ifndef SCB_SERVICE_SCHEDULER_H
#define SCB_SERVICE_SCHEDULER_H

#include "service/desk.h"

/* scb_service_check (scb/service.h), but for what answers others. */
SCB_MUST_CHECK enum scb_status scb_service_check_backups(const struct scb_config *config,
                                                         bool scheduled, struct scb_error *error);

/* Checks the configuration and makes what the loop needs; scb_service_loop_end even where it fails.
 */
SCB_MUST_CHECK enum scb_status scb_service_loop_begin(struct scb_service *service,
                                                      struct scb_error *error);
/* Valid from the loop's begin to its end. */
struct scb_desk scb_service_desk(struct scb_service *service);
/* Makes backups and checks when they are due, and what is asked for, until it is stopped. reloaded
 * is told each time that the configuration was read anew, whether or not it has changed. */
void scb_service_loop(struct scb_service *service, void (*reloaded)(void *state), void *state);
/* Nobody may use its desk any more. What was asked for and not done is ended as Canceled. */
void scb_service_loop_end(struct scb_service *service);

#endif
