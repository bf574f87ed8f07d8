/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finds one key in an archive: by the index of keys beside it where there is one, else by looking
 * through its pages in order. What is given out has been checked against the manifest first.
 */
#ifndef SCB_JOB_GET_H
#define SCB_JOB_GET_H

#include "job/backup_reader.h"
#include "scb/catalog.h"
#include "scb/error.h"
#include "scb/service.h"
#include "store/store.h"

SCB_MUST_CHECK enum scb_status scb_get(const struct scb_store *store, struct scb_catalog *catalog,
                                       const struct scb_backup_reader_settings *settings,
                                       struct scb_bytes key, struct scb_get_result *ret_result,
                                       struct scb_error *error);

#endif
