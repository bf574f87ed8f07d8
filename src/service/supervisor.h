/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the service manager is told of the service (systemd, sd_notify(3)), on a thread of its own:
 * that it is ready, what it does, and, only as long as the loop shows signs of life, that it lives.
 * It also ends a process that does not come to an end after it was asked to, and, where no service
 * manager waits for signs of life, one that shows none.
 */
#ifndef SCB_SERVICE_SUPERVISOR_H
#define SCB_SERVICE_SUPERVISOR_H

#include <stdint.h>

#include "base/log.h"
#include "base/thread.h"
#include "scb/error.h"

enum { SCB_SUPERVISOR_DRAIN_MS = 60000 };

struct scb_supervisor_settings {
    struct scb_log *log;
    const struct scb_cancel *cancel; /* the request to end */
    int64_t drain_ms; /* from that until the process is ended; 0: SCB_SUPERVISOR_DRAIN_MS */
    /* Ends the process; called once, on the supervisor's thread. May be NULL. */
    void (*stuck)(void *state, const struct scb_error *error);
    void *stuck_state;
};

struct scb_supervisor;

SCB_MUST_CHECK enum scb_status scb_supervisor_start(const struct scb_supervisor_settings *settings,
                                                    struct scb_supervisor **ret_supervisor,
                                                    struct scb_error *error);
/* Says that the service ends, where nothing has yet. */
void scb_supervisor_stop(struct scb_supervisor *supervisor);

/* The rest may be called with NULL, which does nothing. */

/* From any thread: whether the loop has been silent for longer than anything that it does may take.
 */
bool scb_supervisor_is_silent(const struct scb_supervisor *supervisor);
/* How long the loop may be silent and still be alive. */
void scb_supervisor_allow(struct scb_supervisor *supervisor, int64_t silence_ms);
/* The loop's sign of life. */
void scb_supervisor_beat(struct scb_supervisor *supervisor);
/* It sleeps so long now, and is alive. */
void scb_supervisor_rest(struct scb_supervisor *supervisor, int64_t ms);
/* A sign of life with what it does now: one line for people. */
SCB_PRINTF(2, 3)
void scb_supervisor_say(struct scb_supervisor *supervisor, const char *format, ...);
/* The settings are read again; scb_supervisor_ready ends that. */
void scb_supervisor_reloading(struct scb_supervisor *supervisor);
void scb_supervisor_ready(struct scb_supervisor *supervisor);

#endif
