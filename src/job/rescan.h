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

/* What an archive must be to be taken for one's own. All borrowed. The rest counts only where the
 * row does not tell the archive's checksum: with that it is known whose it is. */
struct scb_rescan_demands {
    const struct scb_backup_record *row; /* that there is of it, not completed; NULL: none */
    const uint8_t *contract;             /* 20 bytes */
    const struct scb_age_recipients *recipients;
    const struct scb_node_ids *trusted; /* NULL: any signature will do, or none */
};

/*
 * Makes the row of one backup from its archive, whose lock the caller holds. *ret_problem stays {0}
 * then; else it says why not: IntegrityError where the archive is not whole, or not the row's,
 * ValidationError where it is another than is demanded, what else kept it from being read.
 */
SCB_MUST_CHECK enum scb_status scb_rescan_adopt(const struct scb_cleanup_parts *parts,
                                                const char *backup_date,
                                                const struct scb_rescan_demands *demands,
                                                struct scb_error *ret_problem,
                                                struct scb_error *error);

#endif
