/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lists come in parts (docs/api.md): ?limit= rows at most, and where there are more, "next" is
 * where they are. A part of long rows ends earlier, so that what an answer takes has a bound.
 */
#ifndef SCB_WEB_ROWS_H
#define SCB_WEB_ROWS_H

#include "web/call.h"

struct scb_web_rows {
    struct scb_web_call *call;
    const char *key;   /* in the query: what the part begins behind; */
    const char *begin; /* what it says; NULL: the list's beginning */
    uint64_t limit, taken;
    char last[SCB_WEB_MAX_VALUE]; /* name of the last row in it */
    bool more;
};

/* Reads the limit and the key. 400. */
SCB_MUST_CHECK enum scb_status scb_web_rows_begin(struct scb_web_call *call, const char *key,
                                                  struct scb_web_rows *ret_rows,
                                                  struct scb_error *error);
/* The same where rows are backups, newest first: the key is "before". */
SCB_MUST_CHECK enum scb_status scb_web_rows_of_backups(struct scb_web_call *call,
                                                       struct scb_web_rows *ret_rows,
                                                       struct scb_error *error);
/* Whether the next row is to be written; false from where the part is full. */
bool scb_web_rows_take(struct scb_web_rows *rows, const char *name);
/* The same in a walk over all backups. */
bool scb_web_rows_take_backup(struct scb_web_rows *rows, const char *backup_date);
/* Writes the member "next". status is what came of the walk, which may have been ended where the
 * part was full. */
SCB_MUST_CHECK enum scb_status scb_web_rows_end(struct scb_web_rows *rows, enum scb_status status,
                                                struct scb_error *error);

#endif
