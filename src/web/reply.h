/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How an answer goes out: its headers, for browsers too, and its body. Only for the server.
 */
#ifndef SCB_WEB_REPLY_H
#define SCB_WEB_REPLY_H

#include <microhttpd.h>

#include "web/server.h"

/* Takes reply->body over. */
enum MHD_Result scb_web_reply_send(struct scb_web_reply *reply, struct MHD_Connection *connection);

#endif
