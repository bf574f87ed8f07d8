/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rows of finished pages on their way into the catalog: many in one transaction, none for long.
 */
#ifndef SCB_JOB_PAGE_ROWS_H
#define SCB_JOB_PAGE_ROWS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "job/page_work.h"
#include "job/patience.h"
#include "scb/catalog.h"
#include "scb/error.h"

/* All borrowed. */
struct scb_page_rows_settings {
    struct scb_catalog *catalog;
    struct scb_patience *patience; /* with it */
    const struct scb_clock *clock;
    const char *backup_date;
    size_t most_under_way; /* pages that may still finish when rows are no longer recorded */
};

struct scb_page_rows {
    struct scb_page_rows_settings settings;
    struct scb_page_record *records;
    size_t count;
    int64_t since_ms; /* when the first of them came */
};

SCB_MUST_CHECK enum scb_status scb_page_rows_init(struct scb_page_rows *rows,
                                                  const struct scb_page_rows_settings *settings,
                                                  struct scb_error *error);
void scb_page_rows_free(struct scb_page_rows *rows);

void scb_page_rows_completed(struct scb_page_rows *rows, const struct scb_page_work *page);
/* A page that failed, and why. */
void scb_page_rows_failed(struct scb_page_rows *rows, uint64_t number,
                          const struct scb_error *failure);

/* Whether there are enough for a transaction, or the first has waited long enough. */
bool scb_page_rows_are_due(const struct scb_page_rows *rows);
/* Those that the catalog does not take stay, for another attempt. */
SCB_MUST_CHECK enum scb_status scb_page_rows_record(struct scb_page_rows *rows,
                                                    struct scb_error *error);

#endif
