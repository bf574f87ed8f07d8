/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is answered where something is wrong: a problem document (RFC 9457).
 */
#ifndef SCB_WEB_PROBLEM_H
#define SCB_WEB_PROBLEM_H

#include "web/server.h"

/* Instead of what reply holds; with reply->status where that is set, else the error's. */
void scb_web_write_problem(struct scb_web_reply *reply, const struct scb_error *error);

#endif
