/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An answer that is made at most once a second, however often it is asked for: of the routes that
 * everybody may ask.
 */
#ifndef SCB_WEB_KEPT_H
#define SCB_WEB_KEPT_H

#include <pthread.h>

#include "web/call.h"

struct scb_web_kept {
    pthread_mutex_t lock;
    int64_t begun_ms; /* when it was begun to be made; monotonic */
    unsigned status;
    const char *content_type;
    struct scb_buffer body; /* empty: there is none */
};

void scb_web_kept_init(struct scb_web_kept *kept);
void scb_web_kept_free(struct scb_web_kept *kept);

/* Puts it into call->reply, made by make where the last one is too old. Who asks while it is made
 * waits. What make refuses is not kept. */
SCB_MUST_CHECK enum scb_status scb_web_kept_answer(struct scb_web_kept *kept,
                                                   struct scb_web_call *call, scb_web_handler make,
                                                   struct scb_error *error);

#endif
