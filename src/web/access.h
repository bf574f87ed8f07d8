/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who asks over HTTP, and whether they may: by a token or the node of a client certificate, over
 * the Unix socket by their user alone, through the one gate (access/gate). Who has neither may
 * look, where only this machine can ask.
 *
 * A dashboard looks every second. So what only reads is in the audit log once an hour for each
 * caller and operation; what is refused and what is to be done, each time. Who has no name that
 * the audit log could have is told of in the log, as often as scb_web_access_untold says.
 */
#ifndef SCB_WEB_ACCESS_H
#define SCB_WEB_ACCESS_H

#include "access/gate.h"
#include "web/call.h"

struct scb_web_access;

/* gate may be NULL: nobody is known then. state_dir is borrowed. */
SCB_MUST_CHECK enum scb_status scb_web_access_new(const struct scb_gate *gate,
                                                  const char *state_dir,
                                                  const struct scb_clock *clock,
                                                  struct scb_web_access **ret_access,
                                                  struct scb_error *error);
void scb_web_access_free(struct scb_web_access *access);

/* Sets call->is_known, caller and role. AccessError, with 401, for credentials that are none. */
SCB_MUST_CHECK enum scb_status scb_web_access_identify(struct scb_web_access *access,
                                                       struct scb_web_call *call, bool may_look,
                                                       struct scb_error *error);
/* AccessError of identify, to be audited where it is known whose credentials these were. */
void scb_web_access_note_refused(const struct scb_web_access *access,
                                 const struct scb_web_call *call);
/* Counts a request that was refused: how many the log is to tell of now; 0: it has been just now.
 */
uint64_t scb_web_access_untold(struct scb_web_access *access);
/* AccessError, with 401 or 403, for who may not do the call's operation. What is to be done (POST)
 * still goes through scb_web_access_begin. */
SCB_MUST_CHECK enum scb_status scb_web_access_check(struct scb_web_access *access,
                                                    struct scb_web_call *call,
                                                    struct scb_error *error);

/* The audited course of what is to be done, from here to its end. */
struct scb_web_passage {
    const struct scb_gate *gate;
    struct scb_passage passage;
    char texts[4][64];
    const char *arguments[4];
    size_t count;
};
void scb_web_passage_argument(struct scb_web_passage *passage, const char *format, ...)
    SCB_PRINTF(2, 3);
SCB_MUST_CHECK enum scb_status scb_web_access_begin(struct scb_web_access *access,
                                                    const struct scb_web_call *call,
                                                    struct scb_web_passage *passage,
                                                    struct scb_error *error);
/* Audits what came of it and frees the passage. */
void scb_web_access_end(void *passage, enum scb_status status);

#endif
