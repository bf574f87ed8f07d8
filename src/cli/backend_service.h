/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of the backend at the service share: looking (backend_service.c, backend_health.c)
 * and ordering (backend_orders.c); not for others.
 */
#ifndef SCB_CLI_BACKEND_SERVICE_H
#define SCB_CLI_BACKEND_SERVICE_H

#include <stdarg.h>

#include "base/clock.h"
#include "cli/backend.h"
#include "client/client.h"

/* scb_client_ask of a target that is made here. */
SCB_MUST_CHECK enum scb_status scb_backend_ask(struct scb_backend *backend, const char *body,
                                               json_t **ret_answer, struct scb_error *error,
                                               const char *format, ...) SCB_PRINTF(5, 6);

/*
 * Calls visit for each of the backups at a target ("/api/v1/storage?"), which come in pages;
 * *ret_last (may be NULL), to be json_decref'ed, is the last answer.
 */
SCB_MUST_CHECK enum scb_status
scb_backend_rows(struct scb_backend *backend, const char *target, uint64_t limit,
                 enum scb_status (*visit)(void *state, const json_t *row, struct scb_error *error),
                 void *state, json_t **ret_last, struct scb_error *error);

/* Members of scb_backend_ops. */
SCB_MUST_CHECK enum scb_status scb_backend_service_health(struct scb_backend *backend,
                                                          scb_health_visitor visit, void *state,
                                                          struct scb_error *error);
SCB_MUST_CHECK enum scb_status scb_backend_order_backup(struct scb_backend *backend,
                                                        const struct scb_backup_options *options,
                                                        struct scb_backup_result *ret_result,
                                                        struct scb_error *error);
SCB_MUST_CHECK enum scb_status scb_backend_order_verify(struct scb_backend *backend,
                                                        const struct scb_verify_options *options,
                                                        const struct scb_verify_observer *observer,
                                                        struct scb_progress_line *line,
                                                        struct scb_error *error);
SCB_MUST_CHECK enum scb_status scb_backend_order_cleanup(struct scb_backend *backend,
                                                         const struct scb_cleanup_options *options,
                                                         scb_cleanup_visitor visit, void *state,
                                                         struct scb_error *error);

#endif
