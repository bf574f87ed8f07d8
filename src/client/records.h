/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The records in the service's answers (docs/api.md), as those who asked the library would have
 * them. A member that is missing, null or of another type is one that is not known.
 */
#ifndef SCB_CLIENT_RECORDS_H
#define SCB_CLIENT_RECORDS_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "scb/catalog.h"
#include "scb/error.h"
#include "scb/maintenance.h"
#include "scb/verify.h"

/* "" where there is none; cut where ret_text is too small. */
void scb_client_text(const json_t *object, const char *name, char *ret_text, size_t size);
/* -1 where there is none. */
int64_t scb_client_number(const json_t *object, const char *name);

/* A problem document's error (RFC 9457), or that of an operation that failed; its status. */
SCB_MUST_CHECK enum scb_status scb_client_problem(const json_t *answer, struct scb_error *error);

/* IntegrityError for a backup without a date or a state. */
SCB_MUST_CHECK enum scb_status scb_client_backup(const json_t *object,
                                                 struct scb_backup_record *ret_backup,
                                                 struct scb_error *error);
void scb_client_page(const json_t *object, struct scb_page_record *ret_page);
void scb_client_check(const json_t *object, struct scb_check_record *ret_check);
void scb_client_storage(const json_t *object, struct scb_storage_backup *ret_backup);
void scb_client_cleanup(const json_t *object, struct scb_cleanup_entry *ret_entry);
void scb_client_verify(const json_t *object, struct scb_verify_result *ret_result);

#endif
