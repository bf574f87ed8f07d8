/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The other end of a running service's Unix socket (web/local): asks one thing at a time
 * and waits for the answer. What the answers mean is client/records' and its user's.
 */
#ifndef SCB_CLIENT_CLIENT_H
#define SCB_CLIENT_CLIENT_H

#include <jansson.h>

#include "base/thread.h"
#include "scb/error.h"

struct scb_client;

/*
 * NotFoundError where nobody listens at path, AccessError where this process may not go there.
 * cancel is borrowed and ends what is waited for.
 */
SCB_MUST_CHECK enum scb_status scb_client_open(const char *path, const struct scb_cancel *cancel,
                                               struct scb_client **ret_client,
                                               struct scb_error *error);
void scb_client_free(struct scb_client *client);

/*
 * GET of a target ("/api/v1/status"), or POST where body (JSON) is not NULL; *ret_answer is an
 * object, to be json_decref'ed. What the service refuses or could not do is its own error;
 * FileSystemError where no answer came, IntegrityError where it is none.
 */
SCB_MUST_CHECK enum scb_status scb_client_ask(struct scb_client *client, const char *target,
                                              const char *body, json_t **ret_answer,
                                              struct scb_error *error);
/* Waits for ms, or until canceled. */
SCB_MUST_CHECK enum scb_status scb_client_wait(const struct scb_client *client, int64_t ms,
                                               struct scb_error *error);

/* For SCB_AUTO(json) json_t *answer = NULL. */
void scb_json_cleanup(json_t **value);

#endif
