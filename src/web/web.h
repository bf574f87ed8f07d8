/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a running service answers over HTTP (docs/api.md): health, metrics, the API, the dashboard.
 * One table of routes (routes.def); each is let through the gate before its handler runs.
 */
#ifndef SCB_WEB_H
#define SCB_WEB_H

#include "scb/error.h"

struct scb_config;
struct scb_desk;
struct scb_web;

/* Whether it could start with these settings, as far as that shows without listening. */
SCB_MUST_CHECK enum scb_status scb_web_check(const struct scb_config *config,
                                             struct scb_error *error);

/* *ret_web stays NULL where server.listen and server.socket name nothing. Errors as
 * scb_web_server_start has them. */
SCB_MUST_CHECK enum scb_status scb_web_start(const struct scb_desk *desk, struct scb_web **ret_web,
                                             struct scb_error *error);
/* state is a web, or NULL: takes over what is in the files of its TLS now, on the thread that
 * changes the configuration. What is wrong with them is logged, and all stays. */
void scb_web_reload(void *state);
/* Waits for the answers that are being made. May be called with NULL. */
void scb_web_stop(struct scb_web *web);

#endif
