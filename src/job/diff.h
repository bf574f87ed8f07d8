/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Compares two backups key by key, in bounded memory: both are sorted by key on temporary files.
 */
#ifndef SCB_JOB_DIFF_H
#define SCB_JOB_DIFF_H

#include "job/reading.h"
#include "scb/diff.h"

/* visit may be NULL: then they are only counted. */
SCB_MUST_CHECK enum scb_status scb_diff_run(const struct scb_reading_parts *parts,
                                            const char *old_date, const char *new_date,
                                            scb_difference_visitor visit, void *state,
                                            struct scb_diff_result *ret_result,
                                            struct scb_error *error);

#endif
