/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where commands look at backups and order them: the files themselves, or, for those who may not
 * open them, the running service over its Unix socket. A command does not see which.
 */
#ifndef SCB_CLI_BACKEND_H
#define SCB_CLI_BACKEND_H

#include "cli/command.h"
#include "observe/metrics.h"
#include "scb/service.h"

struct scb_backend;
struct scb_progress_line;

/* Whether anybody works on a backup in progress. */
enum scb_backend_work { SCB_BACKEND_WORKED_ON, SCB_BACKEND_INTERRUPTED, SCB_BACKEND_NOT_KNOWN };

/* All errors are those of the library, whichever it is. */
struct scb_backend_ops {
    void (*close)(struct scb_backend *backend);
    /* A backup (NULL: the newest one of any state). */
    enum scb_status (*find)(struct scb_backend *backend, const char *backup_date,
                            struct scb_backup_record *ret_backup, enum scb_backend_work *ret_work,
                            struct scb_error *error);
    /* Of the backup that was found last. */
    enum scb_status (*checks)(struct scb_backend *backend, scb_catalog_check_visitor visit,
                              void *state, struct scb_error *error);
    enum scb_status (*pages)(struct scb_backend *backend, scb_catalog_page_visitor visit,
                             void *state, struct scb_error *error);
    enum scb_status (*list)(struct scb_backend *backend, uint64_t limit,
                            scb_catalog_backup_visitor visit, void *state, struct scb_error *error);
    /* backup.chore_interval as it is in force. */
    enum scb_status (*interval)(struct scb_backend *backend, int64_t *ret_ms,
                                struct scb_error *error);
    enum scb_status (*storage)(struct scb_backend *backend, scb_storage_visitor visit, void *state,
                               struct scb_storage_status *ret_status, struct scb_error *error);
    enum scb_status (*cleanup)(struct scb_backend *backend,
                               const struct scb_cleanup_options *options, scb_cleanup_visitor visit,
                               void *state, struct scb_error *error);
    /* *ret_source says where the numbers are from. */
    enum scb_status (*metrics)(struct scb_backend *backend,
                               struct scb_metrics_snapshot *ret_snapshot, const char **ret_source,
                               struct scb_error *error);
    /* Of all that a backup needs, as far as it can be seen from here. */
    enum scb_status (*health)(struct scb_backend *backend, scb_health_visitor visit, void *state,
                              struct scb_error *error);
    enum scb_status (*backup)(struct scb_backend *backend, const struct scb_backup_options *options,
                              struct scb_backup_result *ret_result, struct scb_error *error);
    /* The line shows how far it is; the observer may clear it. */
    enum scb_status (*verify)(struct scb_backend *backend, const struct scb_verify_options *options,
                              const struct scb_verify_observer *observer,
                              struct scb_progress_line *line, struct scb_error *error);
};

struct scb_backend {
    const struct scb_backend_ops *ops;
    const struct scb_command_context *context;
};

/* The one that the context's caller may use; nothing is opened yet. */
SCB_MUST_CHECK enum scb_status scb_backend_open(const struct scb_command_context *context,
                                                struct scb_backend **ret_backend,
                                                struct scb_error *error);
/* May be called with NULL. */
void scb_backend_close(struct scb_backend *backend);

/* backend_files.c, backend_service.c. */
SCB_MUST_CHECK enum scb_status scb_backend_of_files(const struct scb_command_context *context,
                                                    struct scb_backend **ret_backend,
                                                    struct scb_error *error);
SCB_MUST_CHECK enum scb_status scb_backend_of_service(const struct scb_command_context *context,
                                                      struct scb_backend **ret_backend,
                                                      struct scb_error *error);

#endif
