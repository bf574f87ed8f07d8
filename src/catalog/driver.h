/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a status database's driver must do. catalog.c chooses one by the URL's scheme and hands
 * every call on; scb/catalog.h says what each function means.
 */
#ifndef SCB_CATALOG_DRIVER_H
#define SCB_CATALOG_DRIVER_H

#include "scb/catalog.h"

/* A driver's own struct begins with this. */
struct scb_catalog {
    const struct scb_catalog_ops *ops;
};

struct scb_catalog_ops {
    const char *scheme; /* of its URLs, without the colon */

    enum scb_status (*open)(const char *url, bool create, struct scb_catalog **ret_catalog,
                            struct scb_error *error);
    void (*close)(struct scb_catalog *catalog);
    enum scb_status (*start)(struct scb_catalog *catalog, struct scb_run_record *run,
                             int64_t now_ms, struct scb_error *error);
    enum scb_status (*resume)(struct scb_catalog *catalog, const struct scb_run_record *run,
                              struct scb_error *error);
    enum scb_status (*get_run)(struct scb_catalog *catalog, const char *backup_date,
                               struct scb_run_record *ret_run, struct scb_error *error);
    enum scb_status (*record_pages)(struct scb_catalog *catalog, const char *backup_date,
                                    const struct scb_page_record *pages, size_t count,
                                    struct scb_error *error);
    enum scb_status (*complete)(struct scb_catalog *catalog, const struct scb_backup_record *backup,
                                struct scb_error *error);
    enum scb_status (*fail)(struct scb_catalog *catalog, const char *backup_date,
                            const char *message, int64_t now_ms, struct scb_error *error);
    enum scb_status (*invalidate)(struct scb_catalog *catalog, const char *backup_date,
                                  const char *message, struct scb_error *error);
    enum scb_status (*hold)(struct scb_catalog *catalog, const char *backup_date, bool held,
                            int64_t now_ms, struct scb_error *error);
    enum scb_status (*forget)(struct scb_catalog *catalog, const char *backup_date,
                              struct scb_error *error);
    enum scb_status (*get)(struct scb_catalog *catalog, const char *backup_date,
                           struct scb_backup_record *ret_backup, struct scb_error *error);
    enum scb_status (*newest)(struct scb_catalog *catalog, bool completed_only,
                              struct scb_backup_record *ret_backup, struct scb_error *error);
    enum scb_status (*list)(struct scb_catalog *catalog, const char *before, uint64_t limit,
                            scb_catalog_backup_visitor visit, void *state, struct scb_error *error);
    enum scb_status (*pages)(struct scb_catalog *catalog, const char *backup_date, uint64_t first,
                             uint64_t limit, scb_catalog_page_visitor visit, void *state,
                             struct scb_error *error);
    enum scb_status (*record_check)(struct scb_catalog *catalog, const char *backup_date,
                                    const struct scb_check_record *check, struct scb_error *error);
    enum scb_status (*checks)(struct scb_catalog *catalog, const char *backup_date,
                              scb_catalog_check_visitor visit, void *state,
                              struct scb_error *error);
    enum scb_status (*check_times)(struct scb_catalog *catalog, int64_t until_ms,
                                   struct scb_check_times *ret_times, struct scb_error *error);
};

extern const struct scb_catalog_ops scb_sqlite_ops;

#endif
