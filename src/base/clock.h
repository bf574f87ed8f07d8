/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Time, handed in so that tests need not wait. Real time is UTC in milliseconds since the epoch.
 */
#ifndef SCB_BASE_CLOCK_H
#define SCB_BASE_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

#include "scb/error.h"

struct scb_clock {
    int64_t (*real_ms)(void *state);      /* may jump */
    int64_t (*monotonic_ms)(void *state); /* never goes back; for intervals */
    void *state;
};

/* The machine's own clock; static. */
const struct scb_clock *scb_clock_system(void);

int64_t scb_clock_real_ms(const struct scb_clock *clock);
int64_t scb_clock_monotonic_ms(const struct scb_clock *clock);

enum { SCB_TIMESTAMP_SIZE = 32 };

/* "2024-01-15T08:30:00.123Z" */
void scb_timestamp_format(int64_t real_ms, char ret_text[SCB_TIMESTAMP_SIZE]);
/* The inverse, milliseconds optional; ValidationError for anything else. */
SCB_MUST_CHECK enum scb_status scb_timestamp_parse(const char *text, int64_t *ret_real_ms,
                                                   struct scb_error *error);

enum { SCB_BACKUP_DATE_SIZE = 24 };

/*
 * A backup's name (SPEC 4): "YYYY-MM-DD", or "YYYY-MM-DDTHHMMSSZ" where with_time, for the UTC
 * instant given.
 */
void scb_backup_date_format(int64_t real_ms, bool with_time, char ret_date[SCB_BACKUP_DATE_SIZE]);
/*
 * Checks that text is exactly such a name and a real date, before it is ever used as a path.
 * ret_real_ms (may be NULL) gets its instant.
 */
SCB_MUST_CHECK enum scb_status scb_backup_date_parse(const char *text, int64_t *ret_real_ms,
                                                     struct scb_error *error);

#endif
