/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The run of a backup's pages through their stages: fetched by the source, made by workers,
 * recorded and archived in order by the caller's own thread, the only one that touches the catalog
 * and the archive. Which block, which backup, what happens before and after is job/backup's.
 */
#ifndef SCB_JOB_PIPELINE_H
#define SCB_JOB_PIPELINE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/thread.h"
#include "crypto/age_recipients.h"
#include "format/manifest.h"
#include "job/archive.h"
#include "job/page_check.h"
#include "job/patience.h"
#include "observe/metrics.h"
#include "scb/catalog.h"
#include "scb/error.h"
#include "scb/progress.h"
#include "scb/source.h"
#include "store/store.h"

struct scb_pipeline_settings {
    struct scb_source *source; /* pinned */
    const struct scb_backup_dir *dir;
    struct scb_catalog *catalog;
    struct scb_patience *patience; /* with it */
    struct scb_archive *archive;
    struct scb_store *store;
    struct scb_log *log;
    struct scb_metrics *metrics; /* may be NULL */
    const struct scb_clock *clock;
    const struct scb_cancel *cancel;
    const char *backup_date;
    struct scb_page_rules rules;
    const struct scb_age_recipients
        *recipients; /* whom page files are encrypted to; nobody: plain */
    uint64_t total_keys, total_pages, page_size;
    size_t max_concurrent_pages;
    size_t worker_concurrency;
    size_t memory_limit; /* bytes, of finished pages that wait for their turn */
    int64_t page_deadline_ms;
    uint64_t quorum;               /* endpoints that must give the same page; 1 at least */
    scb_progress_observer observe; /* may be NULL */
    void *observe_state;
};

/*
 * Runs until every page is in the archive, or something fails; then everything under way has ended
 * and what was finished is recorded. pages has total_pages elements: those with a size were
 * recorded by an earlier run and are taken from their files if those are still good.
 * *ret_pin_lost says that the failure was the block's, which is no longer served.
 */
SCB_MUST_CHECK enum scb_status scb_pipeline_run(const struct scb_pipeline_settings *settings,
                                                struct scb_page_entry *pages, bool *ret_pin_lost,
                                                struct scb_error *error);

#endif
