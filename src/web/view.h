/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What several handlers of the API write and read; not for other rooms.
 */
#ifndef SCB_WEB_VIEW_H
#define SCB_WEB_VIEW_H

#include "base/json.h"
#include "scb/catalog.h"
#include "web/call.h"

/* What of a cleanup is old: "30d", as in the configuration; NULL: backup.retention_days, where that
 * is not for ever. 400. */
SCB_MUST_CHECK enum scb_status scb_web_age(const struct scb_web_call *call, const char *age,
                                           struct scb_retention_policy *policy,
                                           struct scb_error *error);

/* Before the first backup there is no database, and nothing is wrong with that: *ret_catalog is
 * NULL then. */
SCB_MUST_CHECK enum scb_status scb_web_open_catalog(const struct scb_web_call *call,
                                                    struct scb_catalog **ret_catalog,
                                                    struct scb_error *error);
/* The row of the route's date. *ret_catalog is to be closed whatever this returns. 404. */
SCB_MUST_CHECK enum scb_status scb_web_find_backup(const struct scb_web_call *call,
                                                   struct scb_catalog **ret_catalog,
                                                   struct scb_backup_record *ret_backup,
                                                   struct scb_error *error);
/* All that is told of one backup, as an object. */
SCB_MUST_CHECK enum scb_status scb_web_write_backup(struct scb_web_call *call,
                                                    struct scb_catalog *catalog, const char *name,
                                                    const struct scb_backup_record *record,
                                                    struct scb_error *error);

#endif
