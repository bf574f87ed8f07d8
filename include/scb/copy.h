/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What copying a backup elsewhere is asked for, and what came of it.
 */
#ifndef SCB_COPY_H
#define SCB_COPY_H

#include <stdbool.h>
#include <stdint.h>

#include "scb/error.h"
#include "scb/verify.h"

#pragma GCC visibility push(default)

struct scb_copy_options {
    const char *backup_date; /* NULL: the newest completed one */
    const char *destination; /* a directory that is there, or a file that is not */
};

struct scb_copy_result {
    char path[4096]; /* of the copy: below destination where that is a directory */
    char checksum[65];
    uint64_t size;
    bool was_there;                    /* the same file was there already: nothing was written */
    struct scb_verify_result verified; /* the copy; its duration is that of the copying too */
};

#pragma GCC visibility pop

#endif
