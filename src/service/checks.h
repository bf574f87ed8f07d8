/* SPDX-License-Identifier: Apache-2.0 */
/*
 * When the service is to prove a backup (backup.verify_interval, backup.test_restore_interval):
 * measured from the outcomes in the catalog, whoever made them, so that a restart neither skips nor
 * doubles one. How it is proved is reading.c's.
 */
#ifndef SCB_SERVICE_CHECKS_H
#define SCB_SERVICE_CHECKS_H

#include <stdint.h>

#include "base/clock.h"
#include "scb/catalog.h"

/* 0: never. */
struct scb_check_intervals {
    int64_t verify_ms;
    int64_t test_restore_ms;
};

struct scb_due_check {
    enum scb_check_kind kind; /* VERIFY or TEST_RESTORE */
    char backup_date[SCB_BACKUP_DATE_SIZE];
    int64_t at_ms; /* 0 where it never was; INT64_MAX where there is nothing to check */
};

/*
 * The check that is due first. Every completed backup is verified again when its last verification
 * is that old; the newest is restored when the last test restore, of whichever backup and onto
 * whatever, is.
 */
SCB_MUST_CHECK enum scb_status scb_check_next(struct scb_catalog *catalog,
                                              const struct scb_check_intervals *intervals,
                                              int64_t now_ms, struct scb_due_check *ret_next,
                                              struct scb_error *error);

#endif
