/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A file to put aside what there is no memory for: it has no name, and what lies on the disk is
 * encrypted with a key that is in memory only, so that nothing of it can be read once the process
 * is gone. It keeps secrets, it does not find changes: nobody else has the file.
 */
#ifndef SCB_BASE_SCRATCH_H
#define SCB_BASE_SCRATCH_H

#include <stddef.h>
#include <stdint.h>

#include "scb/error.h"

struct scb_scratch;

SCB_MUST_CHECK enum scb_status scb_scratch_new(struct scb_scratch **ret_scratch,
                                               struct scb_error *error);
void scb_scratch_free(struct scb_scratch *scratch);
/* data is overwritten: it is encrypted where it stands. */
SCB_MUST_CHECK enum scb_status scb_scratch_append(struct scb_scratch *scratch, void *data,
                                                  size_t size, struct scb_error *error);
/* Exactly size bytes, which were appended. */
SCB_MUST_CHECK enum scb_status scb_scratch_read(struct scb_scratch *scratch, uint64_t offset,
                                                void *data, size_t size, struct scb_error *error);

#endif
