/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Delivers notices to commands and URLs on a thread of its own, so that whoever sends one never
 * waits and never fails because of it. What is sent, and when, is notify.c's.
 */
#ifndef SCB_SERVICE_NOTIFIER_H
#define SCB_SERVICE_NOTIFIER_H

#include "base/log.h"
#include "scb/entry.h"
#include "scb/error.h"

enum {
    SCB_NOTIFIER_ROOM = 64,          /* notices that wait; more are dropped, and that is logged */
    SCB_NOTIFIER_URL_MS = 10000,     /* one attempt at a URL */
    SCB_NOTIFIER_COMMAND_MS = 30000, /* one run of a command */
    SCB_NOTIFIER_DRAIN_MS = 45000, /* for all that is left at the end; a service has 60 s to end */
};

struct scb_notifier_settings {
    struct scb_log *log; /* borrowed */
    const char *ca_file; /* what https:// receivers are checked against; "": the system's; copied */
    int64_t url_ms, command_ms, drain_ms; /* 0: as above */
};

struct scb_notifier;

SCB_MUST_CHECK enum scb_status scb_notifier_new(const struct scb_notifier_settings *settings,
                                                struct scb_notifier **ret_notifier,
                                                struct scb_error *error);
/*
 * What is left has one attempt more at least, commands first since they are near; the time for all
 * is bounded. What is not delivered then is logged.
 */
void scb_notifier_free(struct scb_notifier *notifier);

/*
 * Sends body to target, a command (its standard input) or a URL (POST, signed with secret where
 * that is not ""); a body without data is a GET of the URL. All copied.
 */
void scb_notifier_send(struct scb_notifier *notifier, const char *target, const char *secret,
                       struct scb_bytes body);

#endif
