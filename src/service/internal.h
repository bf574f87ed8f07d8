/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of this room share; not for others.
 */
#ifndef SCB_SERVICE_INTERNAL_H
#define SCB_SERVICE_INTERNAL_H

#include <stdatomic.h>

#include "base/clock.h"
#include "base/file_watch.h"
#include "base/log.h"
#include "base/thread.h"
#include "crypto/age_recipients.h"
#include "evm/address.h"
#include "format/page.h"
#include "job/backup_keys.h"
#include "observe/metrics.h"
#include "observe/totals.h"
#include "scb/service.h"
#include "scb/source.h"
#include "service/live.h"
#include "service/requests.h"
#include "source/contract_source.h"
#include "store/store.h"

struct scb_service {
    struct scb_service_parts parts;
    const struct scb_clock *clock;
    /* Over the file operations of each thread that works for it; NULL where nobody wants it. */
    struct scb_file_watch *watch;
    struct scb_cancel *own_cancel; /* where none was handed in */
    const struct scb_cancel *cancel;
    struct scb_address contract;
    struct scb_age_recipients recipients; /* whom backups are encrypted to; nobody: plain */
    struct scb_live *live;                /* while it runs as a service: */
    struct scb_requests *requests;        /* what it is asked to do now */
    /* Threads that answer requests read parts.config under it; who changes that writes. */
    pthread_rwlock_t config_lock;
    struct scb_metrics *metrics;
    struct scb_totals totals;
    int64_t kept_ms;                   /* when they were last kept; monotonic */
    atomic_bool running;               /* scb_service_run is */
    atomic_bool totals_said;           /* a problem of theirs was logged */
    char run_id[SCB_RUN_ID_SIZE];      /* of the present run; "" for none */
    struct scb_notifier *notifier;     /* NULL until there is something to tell */
    struct scb_supervisor *supervisor; /* while it runs as a service */
    scb_progress_observer shown;       /* what was handed in; parts.observe is the service's own */
    void *shown_state;
};

static inline int64_t scb_service_integer(const struct scb_service *service, const char *name)
{
    return scb_config_integer(service->parts.config, name);
}

static inline const char *scb_service_text(const struct scb_service *service, const char *name)
{
    return scb_config_text(service->parts.config, name);
}

/* Who signs; NULL where nobody is configured. The caller frees it. */
struct scb_identity;
SCB_MUST_CHECK enum scb_status scb_service_load_identity(const struct scb_service *service,
                                                         struct scb_identity **ret_identity,
                                                         struct scb_error *error);

/* What backups are opened and believed with, as configured; the caller frees it. */
SCB_MUST_CHECK enum scb_status scb_service_open_keys(const struct scb_service *service,
                                                     struct scb_backup_keys **ret_keys,
                                                     struct scb_error *error);

/* Where counts go, until the service is freed; the end keeps them. */
SCB_MUST_CHECK enum scb_status scb_service_metrics_begin(struct scb_service *service,
                                                         struct scb_error *error);
void scb_service_metrics_end(struct scb_service *service);
/* Keeps what was counted, where that is anything. */
void scb_service_keep_metrics(struct scb_service *service);
/* A run's observer, on its thread: tells the service's own, and keeps the counts of long
 * runs on the way. */
void scb_service_observe(void *state, const struct scb_run_progress *progress);

/* For counting and telling alike: nothing has failed where it was interrupted, others were working
 * on it, or there is no such backup to go on with. */
bool scb_service_run_failed(enum scb_status status, const struct scb_backup_result *result);
/* What came of a run, which took cpu_ms; *result as the run left it. */
void scb_service_count_run(const struct scb_service *service, enum scb_status status,
                           const struct scb_backup_result *result, uint64_t cpu_ms);
void scb_service_count_verify(const struct scb_service *service,
                              const struct scb_verify_result *result);
void scb_service_count_test_restore(const struct scb_service *service, enum scb_status status);

/* What of the settings is kept in another form: at the start, and when they have changed. */
SCB_MUST_CHECK enum scb_status scb_service_take_settings(struct scb_service *service,
                                                         struct scb_error *error);

SCB_MUST_CHECK enum scb_status scb_service_open_store(const struct scb_service *service,
                                                      bool create, struct scb_store **ret_store,
                                                      struct scb_error *error);

/* What follows, until the end, has an id of its own: in the log, in the database, in notices. */
void scb_service_begin_run(struct scb_service *service);
void scb_service_end_run(struct scb_service *service);

/*
 * One backup of options->backup_date, which is a checked one. It begins a run, which is the
 * caller's to end; who is to be told of a success is told.
 */
SCB_MUST_CHECK enum scb_status scb_service_run_one(struct scb_service *service,
                                                   const struct scb_backup_options *options,
                                                   struct scb_backup_result *ret_result,
                                                   struct scb_error *error);

/* What an entry may take, on its way back too. */
struct scb_page_limits scb_service_page_limits(const struct scb_service *service);

/* The chain as it is configured, its client's settings among them; valid as long as the service. */
struct scb_contract_source_settings scb_service_source_settings(struct scb_service *service);

/* The chain, not yet pinned. The configuration has passed scb_config_check. */
SCB_MUST_CHECK enum scb_status scb_service_open_source(struct scb_service *service,
                                                       struct scb_source **ret_source,
                                                       struct scb_error *error);

/* What proves one completed backup, logged where it does; the outcome is kept in the catalog. */
SCB_MUST_CHECK enum scb_status scb_service_verify_one(struct scb_service *service,
                                                      const char *backup_date,
                                                      struct scb_error *error);
SCB_MUST_CHECK enum scb_status scb_service_restore_one(struct scb_service *service,
                                                       const char *backup_date,
                                                       struct scb_error *error);

/*
 * What follows every backup, of backup_date: the trash of an interrupted cleanup goes, then what
 * retention_days says. A failure is logged and told of; the backup is none the worse for it.
 */
void scb_service_retain(struct scb_service *service, struct scb_store *store,
                        struct scb_catalog *catalog, const char *backup_date);

#endif
