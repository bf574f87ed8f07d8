/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What exporting a backup is asked for, and what came of it.
 */
#ifndef SCB_EXPORT_H
#define SCB_EXPORT_H

#include <stdbool.h>
#include <stdint.h>

#include "scb/error.h"

#pragma GCC visibility push(default)

enum scb_export_format { SCB_EXPORT_NDJSON, SCB_EXPORT_CSV, SCB_EXPORT_SQLITE };

struct scb_export_options {
    const char *backup_date; /* NULL: the newest completed one */
    enum scb_export_format format;
    const char *output;   /* a path; what stands there is replaced once the export is whole */
    int fd;               /* where output is NULL: written to as it comes; not for SQLite */
    bool escape_formulas; /* CSV only */
};

struct scb_export_result {
    char backup_date[24];
    uint64_t keys;
    int64_t duration_ms;
};

#pragma GCC visibility pop

#endif
