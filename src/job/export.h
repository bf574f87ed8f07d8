/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writes a backup's entries in a form that other programs read, as a stream; a file appears under
 * its name only when it is whole and on the disk.
 */
#ifndef SCB_JOB_EXPORT_H
#define SCB_JOB_EXPORT_H

#include "job/reading.h"
#include "scb/export.h"

SCB_MUST_CHECK enum scb_status scb_export_run(const struct scb_reading_parts *parts,
                                              const struct scb_export_options *options,
                                              struct scb_export_result *ret_result,
                                              struct scb_error *error);

#endif
