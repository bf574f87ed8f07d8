/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who is told what of a backup (notify.on_success, on_failure, heartbeat_url). Telling never waits
 * and never fails; delivery is notifier.c's.
 */
#ifndef SCB_SERVICE_NOTIFY_H
#define SCB_SERVICE_NOTIFY_H

#include "scb/service.h"

/* Warns of commands that could not be run when they are needed: at the start, and when they have
 * changed. */
void scb_notify_check(const struct scb_service *service);
/* A backup was completed by this run. */
void scb_notify_completed(struct scb_service *service, const struct scb_backup_result *result);
/*
 * Something failed: event is "backup_failed", "verify_invalid", "test_restore_failed" or
 * "cleanup_failed". A failure that is an interruption is none.
 */
void scb_notify_failed(struct scb_service *service, const char *event, const char *backup_date,
                       const struct scb_error *failure);

#endif
