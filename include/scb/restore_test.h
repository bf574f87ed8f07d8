/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a restore drill is asked for, and what came of it.
 */
#ifndef SCB_RESTORE_TEST_H
#define SCB_RESTORE_TEST_H

#include <stdint.h>

#include "scb/error.h"
#include "scb/verify.h"

#pragma GCC visibility push(default)

struct scb_restore_test_result {
    char backup_date[24];
    enum scb_verify_outcome outcome;
    uint64_t keys;  /* restored, read back and found equal */
    uint64_t bytes; /* of keys, values and version ids */
    int64_t duration_ms;
};

#pragma GCC visibility pop

#endif
