/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Compares directories and rows and repairs the rows: the archives and the manifests in them are
 * the truth for completed backups. It changes no file.
 */
#ifndef SCB_JOB_RESCAN_H
#define SCB_JOB_RESCAN_H

#include <stdbool.h>
#include <stdint.h>

#include "crypto/age_recipients.h"
#include "crypto/node_id.h"
#include "job/cleanup.h"

struct scb_rescan_result {
    uint64_t restored; /* rows made again from the manifest in the archive */
    uint64_t lost;     /* completed rows whose archive is gone: failed now */
    uint64_t orphans;  /* directories that hold no whole backup and have no row */
    uint64_t skipped;  /* another process is working on them */
};

/* Every finding is logged. */
SCB_MUST_CHECK enum scb_status scb_rescan_run(const struct scb_cleanup_parts *parts,
                                              struct scb_rescan_result *ret_result,
                                              struct scb_error *error);

/* What an archive must be to be taken for one's own. All borrowed. */
struct scb_rescan_demands {
    const uint8_t *contract; /* 20 bytes */
    const struct scb_age_recipients *recipients;
    const struct scb_node_ids *trusted; /* NULL: any signature will do, or none */
};

/*
 * Makes the row of one backup that has none from its archive, whose lock the caller holds. Where
 * that is not whole, or not what is demanded, *ret_problem says why; else it stays {0}.
 */
SCB_MUST_CHECK enum scb_status scb_rescan_adopt(const struct scb_cleanup_parts *parts,
                                                const char *backup_date,
                                                const struct scb_rescan_demands *demands,
                                                struct scb_error *ret_problem,
                                                struct scb_error *error);

#endif
