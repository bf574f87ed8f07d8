/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Copies a backup's archive out of backup_dir, reads the copy back and verifies it. The archive has
 * its manifest and signature in it: nothing else is needed to prove it, or to take it in again.
 */
#ifndef SCB_JOB_COPY_H
#define SCB_JOB_COPY_H

#include "job/reading.h"
#include "job/verify.h"
#include "scb/copy.h"

/*
 * IntegrityError where the archive or its copy is not what was recorded. After any error but that
 * of the last sync, of the directory, there is no file that was not there before; what was there is
 * never written over.
 */
SCB_MUST_CHECK enum scb_status scb_copy_run(const struct scb_reading_parts *parts,
                                            const struct scb_verify_settings *settings,
                                            const struct scb_copy_options *options,
                                            struct scb_copy_result *ret_result,
                                            struct scb_error *error);

#endif
