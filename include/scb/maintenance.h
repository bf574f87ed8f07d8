/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What keeping house over many backups is asked for, and what came of it: cleanup and storage.
 */
#ifndef SCB_MAINTENANCE_H
#define SCB_MAINTENANCE_H

#include <stdbool.h>
#include <stdint.h>

#include "scb/catalog.h"
#include "scb/error.h"

#pragma GCC visibility push(default)

/* What cleanup keeps. A backup's age is that of its backup_date. */
struct scb_retention_policy {
    int64_t older_than_ms; /* what is younger stays */
    /* The newest completed backup of each of the so many newest days, ISO weeks, months (UTC)
     * that have one stays. */
    uint64_t keep_daily, keep_weekly, keep_monthly;
    uint64_t min_backups; /* so many of the newest completed ones stay; 1 at least */
};

struct scb_cleanup_options {
    struct scb_retention_policy policy;
    bool allow_shrunk; /* go on where the newest backup has lost most of its keys */
    bool dry_run;      /* decide, change nothing */
    const char *spare; /* a backup that stays this time, since it was just made; NULL for none */
};

enum scb_cleanup_action {
    SCB_CLEANUP_KEPT,
    SCB_CLEANUP_SKIPPED, /* it should have gone, but it could not now */
    SCB_CLEANUP_WOULD_DELETE,
    SCB_CLEANUP_DELETED,
};

/* "kept", "skipped", "would_delete", "deleted". */
const char *scb_cleanup_action_name(enum scb_cleanup_action action);

/* What was decided on one backup. */
struct scb_cleanup_entry {
    char backup_date[24];
    uint64_t bytes; /* that its files take on the disk */
    enum scb_cleanup_action action;
    char reason[256];
};

/* Called for every backup, newest first; anything but SCB_OK ends the walk and is returned. */
typedef enum scb_status (*scb_cleanup_visitor)(void *state, const struct scb_cleanup_entry *entry,
                                               struct scb_error *error);

/* What one backup takes. */
struct scb_storage_backup {
    char backup_date[24];
    bool known; /* to the status database; the rest is not set where it is not */
    bool held;
    enum scb_backup_state state;
    int64_t total_keys; /* -1: not known */
    uint64_t bytes;     /* set in any case */
};

/* What all of them take. Numbers are -1 where there are too few backups to tell. */
struct scb_storage_status {
    uint64_t backups;
    uint64_t used_bytes; /* by all that is below backup_dir */
    uint64_t free_bytes;
    int64_t bytes_per_backup; /* the mean of the last completed ones */
    int64_t days_until_full;  /* until runs stop at min_free_space, where nothing is removed */
};

typedef enum scb_status (*scb_storage_visitor)(void *state, const struct scb_storage_backup *backup,
                                               struct scb_error *error);

#pragma GCC visibility pop

#endif
