/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The library's front door: one configured service that makes backups, once or on their interval,
 * and reads what it made.
 */
#ifndef SCB_SERVICE_H
#define SCB_SERVICE_H

#include <stdbool.h>
#include <stdint.h>

#include "scb/backup.h"
#include "scb/catalog.h"
#include "scb/config.h"
#include "scb/copy.h"
#include "scb/diff.h"
#include "scb/entry.h"
#include "scb/error.h"
#include "scb/export.h"
#include "scb/health.h"
#include "scb/maintenance.h"
#include "scb/progress.h"
#include "scb/restore.h"
#include "scb/restore_test.h"
#include "scb/verify.h"

#pragma GCC visibility push(default)

struct scb_service;
struct scb_log;
struct scb_cancel;
struct scb_gate;

/*
 * Asks for the passphrase of the age identity file at path; *ret_size bytes of ret_text, which has
 * room for size, without a line's end. They are wiped by the caller.
 */
typedef enum scb_status (*scb_passphrase_asker)(void *state, const char *path, char *ret_text,
                                                size_t size, size_t *ret_size,
                                                struct scb_error *error);

struct scb_service_parts {
    const struct scb_config *config; /* checked (scb_config_check); borrowed */
    struct scb_log *log;             /* NULL: no log */
    const struct scb_cancel *cancel; /* NULL: only scb_service_stop stops it */
    scb_progress_observer observe;   /* may be NULL */
    void *observe_state;
    /*
     * Called, on a thread of its own, when a file operation has hung for
     * backup.file_operation_timeout, or when what scb_service_run does has neither shown a sign of
     * life nor come to its end in time: nothing can end that but the end of the process. NULL: not
     * watched.
     */
    void (*stuck)(void *state, const struct scb_error *error);
    void *stuck_state;
    /* What the service does by itself (scb_service_run) is audited through it; NULL: it is not. */
    const struct scb_gate *gate;
    /* Called when the first encrypted backup is opened, where encryption.identity_file is protected
     * by a passphrase. NULL: such a file cannot be used. */
    scb_passphrase_asker ask_passphrase;
    void *ask_state;
    /*
     * Brings config up to date: called by scb_service_run before each backup, and when reload_asked
     * (may be NULL) is requested. True where something has changed. NULL: it stays as it is.
     */
    bool (*reload)(void *state);
    void *reload_state;
    struct scb_cancel *reload_asked;
};

/*
 * Whether backups can be made with a configuration, by scb_service_run where scheduled, and its
 * HTTP server started. Reads the files that it names; asks neither the chain nor the database.
 */
SCB_MUST_CHECK enum scb_status scb_service_check(const struct scb_config *config, bool scheduled,
                                                 struct scb_error *error);

/* Touches neither the chain nor the disk. ValidationError for a contract address, an age recipient
 * or a node ID that is none. */
SCB_MUST_CHECK enum scb_status scb_service_new(const struct scb_service_parts *parts,
                                               struct scb_service **ret_service,
                                               struct scb_error *error);
/* Nothing may be running in it. Notifications on their way are waited for, 45 s at most. */
void scb_service_free(struct scb_service *service);

/* Makes one backup and waits for it. */
SCB_MUST_CHECK enum scb_status scb_service_backup(struct scb_service *service,
                                                  const struct scb_backup_options *options,
                                                  struct scb_backup_result *ret_result,
                                                  struct scb_error *error);

/*
 * Makes a backup whenever one is due (backup.chore_interval) until it is stopped, which is SCB_OK.
 * A failed backup is logged and tried again; it does not end the service. Between backups it proves
 * those that are there (backup.verify_interval, backup.test_restore_interval). HTTP is answered at
 * server.listen, and the service manager is told what it does (sd_notify(3)).
 */
SCB_MUST_CHECK enum scb_status scb_service_run(struct scb_service *service,
                                               struct scb_error *error);

/* Asks what runs in the service to end soon; async-signal-safe. */
void scb_service_stop(struct scb_service *service);

/* Opens the status database for reading; the caller closes it. NotFoundError where there is none.
 */
SCB_MUST_CHECK enum scb_status scb_service_open_catalog(const struct scb_service *service,
                                                        struct scb_catalog **ret_catalog,
                                                        struct scb_error *error);

/*
 * Whether a backup in progress is worked on by nobody: its process was killed, and a retry goes on
 * with it. *backup is read again for it, since it may just have ended.
 */
SCB_MUST_CHECK enum scb_status scb_service_interrupted(const struct scb_service *service,
                                                       struct scb_catalog *catalog,
                                                       struct scb_backup_record *backup,
                                                       bool *ret_interrupted,
                                                       struct scb_error *error);

/* Where a key was found. The entry's bytes are the result's own. */
struct scb_get_result {
    char backup_date[24];
    uint64_t page_number;
    struct scb_entry entry;
    void *memory;
};

/*
 * Finds a key in a completed backup (backup_date NULL: the newest) and checks the page that holds
 * it. NotFoundError where there is no such key; of a key that is there twice the first one.
 */
SCB_MUST_CHECK enum scb_status scb_service_get(struct scb_service *service, const char *backup_date,
                                               struct scb_bytes key,
                                               struct scb_get_result *ret_result,
                                               struct scb_error *error);
void scb_get_result_free(struct scb_get_result *result);

/*
 * Proves completed backups whole (scb/verify.h). SCB_OK where all are valid; IntegrityError where
 * one is not; else, where one could not be checked, the reason. NotFoundError where there is none.
 */
SCB_MUST_CHECK enum scb_status scb_service_verify(struct scb_service *service,
                                                  const struct scb_verify_options *options,
                                                  const struct scb_verify_observer *observer,
                                                  struct scb_error *error);

/*
 * A restore drill: a completed backup (NULL: the newest) into a scratch database that is read back
 * and compared. IntegrityError where what came back is not what is in the archive. The outcome is
 * kept in the status database.
 */
SCB_MUST_CHECK enum scb_status scb_service_test_restore(struct scb_service *service,
                                                        const char *backup_date,
                                                        struct scb_restore_test_result *ret_result,
                                                        struct scb_error *error);

/* Writes a completed backup's entries out in a form that other programs read. */
SCB_MUST_CHECK enum scb_status scb_service_export(struct scb_service *service,
                                                  const struct scb_export_options *options,
                                                  struct scb_export_result *ret_result,
                                                  struct scb_error *error);

/*
 * Copies a completed backup's archive to another place and verifies the copy, with the identity
 * where it is encrypted and there is one that opens it without being asked for. IntegrityError
 * where the archive or the copy is not what was written: no copy is left then.
 */
SCB_MUST_CHECK enum scb_status scb_service_copy(struct scb_service *service,
                                                const struct scb_copy_options *options,
                                                struct scb_copy_result *ret_result,
                                                struct scb_error *error);

/*
 * Compares two completed backups key by key; visit (which may be NULL) is told of every key that is
 * not the same in both. SCB_OK whether there are any or not.
 */
SCB_MUST_CHECK enum scb_status scb_service_diff(struct scb_service *service, const char *old_date,
                                                const char *new_date, scb_difference_visitor visit,
                                                void *state, struct scb_diff_result *ret_result,
                                                struct scb_error *error);

/*
 * Removes backups by options->policy, of which min_backups, and older_than_ms where it is negative,
 * are taken from the configuration; visit is told of every backup.
 */
SCB_MUST_CHECK enum scb_status scb_service_cleanup(struct scb_service *service,
                                                   const struct scb_cleanup_options *options,
                                                   scb_cleanup_visitor visit, void *state,
                                                   struct scb_error *error);
/* A held backup is never removed, until it is released. NotFoundError. */
SCB_MUST_CHECK enum scb_status scb_service_hold(struct scb_service *service,
                                                const char *backup_date, bool held,
                                                struct scb_error *error);
/* Makes the status database agree with what is on the disk; what it finds is logged. */
SCB_MUST_CHECK enum scb_status scb_service_rescan(struct scb_service *service,
                                                  struct scb_error *error);
/*
 * Puts a backup back onto a chain (docs/restore.md). ret_result says how far it came in any case.
 * AccessError where the account may not write, IntegrityError where entries were refused,
 * ResourceError where the money does not suffice.
 */
SCB_MUST_CHECK enum scb_status scb_service_restore(struct scb_service *service,
                                                   const struct scb_restore_options *options,
                                                   struct scb_restore_result *ret_result,
                                                   struct scb_error *error);
/* A restore into a contract that is deployed for it on a scratch chain, read back and compared. */
SCB_MUST_CHECK enum scb_status scb_service_drill(struct scb_service *service,
                                                 const struct scb_drill_options *options,
                                                 struct scb_restore_result *ret_result,
                                                 struct scb_error *error);
/*
 * Looks at all that a backup needs, in bounded time, and tells visit. SCB_OK where nothing fails,
 * else the first failure.
 */
SCB_MUST_CHECK enum scb_status scb_service_health(struct scb_service *service,
                                                  scb_health_visitor visit, void *state,
                                                  struct scb_error *error);
/* What the backups take: visit is told of every one, ret_status gets the sums. */
SCB_MUST_CHECK enum scb_status scb_service_storage(struct scb_service *service,
                                                   scb_storage_visitor visit, void *state,
                                                   struct scb_storage_status *ret_status,
                                                   struct scb_error *error);

#pragma GCC visibility pop

#endif
