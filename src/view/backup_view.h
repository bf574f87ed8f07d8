/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a backup is shown in JSON: the members that commands and the API share.
 */
#ifndef SCB_VIEW_BACKUP_VIEW_H
#define SCB_VIEW_BACKUP_VIEW_H

#include "base/json.h"
#include "scb/catalog.h"
#include "scb/verify.h"

/* The members named like the columns of backup_final_status (SPEC 2). */
void scb_view_backup_columns(struct scb_json *json, const struct scb_backup_record *backup);
/* Those that `status` adds. */
void scb_view_backup_progress(struct scb_json *json, const struct scb_backup_record *backup);
/* The members named like the columns of backup_page_status. */
void scb_view_page_columns(struct scb_json *json, const struct scb_page_record *page);

/* What came of a check, as an object. */
void scb_view_check(struct scb_json *json, const struct scb_check_record *check);

/* What came of verifying a backup, as members. */
void scb_view_verify(struct scb_json *json, const struct scb_verify_result *result);

/*
 * Members that hold bytes, as a page file has them: base64 where they are no text, and then named
 * in a member "base64" at the end.
 */
struct scb_view_members {
    struct scb_json *json;
    const char *base64[4];
    size_t count;
};
SCB_MUST_CHECK enum scb_status scb_view_member(struct scb_view_members *members, const char *name,
                                               struct scb_bytes bytes, struct scb_error *error);
void scb_view_members_end(struct scb_view_members *members);

#endif
