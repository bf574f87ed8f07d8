/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a backup run is asked for and what came of it.
 */
#ifndef SCB_BACKUP_H
#define SCB_BACKUP_H

#include <stdbool.h>
#include <stdint.h>

#include "scb/catalog.h"
#include "scb/source.h"

struct scb_backup_options {
    const char *backup_date; /* NULL: the present slot's */
    bool force;              /* another one, beside what is there */
    bool retry;              /* only a backup that was begun, by its row or its directory */
    bool dry_run;            /* pin and count, write nothing */
    int64_t lock_wait_ms;    /* how long to wait for another process to be done */
    bool resume_only;        /* go on at the block that it was begun at, or fail for good */
};

struct scb_backup_result {
    struct scb_backup_record backup; /* as it stands in the catalog */
    struct scb_pin pin;              /* not set where nothing was read */
    bool already_done;               /* an earlier run had completed it */
    bool begun;                      /* this one had something to do, and began */
    bool resumed;                    /* an interrupted run was continued */
    uint64_t reused_pages;           /* taken over from it */
    uint64_t repins;                 /* times the block was lost and a newer one taken */
    int64_t duration_ms;
    struct scb_source_counters calls;
};

#endif
