/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the parts of a verification share: where findings go to, and which failures are findings.
 * For job/verify's files only.
 */
#ifndef SCB_JOB_VERIFY_REPORT_H
#define SCB_JOB_VERIFY_REPORT_H

#include <pthread.h>

#include "job/archive_pages.h"
#include "job/verify.h"

/* Thread-safe. */
struct scb_verify_report {
    pthread_mutex_t lock;
    const struct scb_verify_parts *parts;
    const struct scb_verify_settings *settings;
    struct scb_verify_result *result;
    int64_t started_ms;
    bool other_keys; /* the archive says another number of keys than the database */
    const struct scb_age_identities *identities; /* that decrypt it; NULL: none do, or need to */
};

/* Whether what is in the pages can be looked at. */
static inline bool scb_verify_opens(const struct scb_verify_report *report,
                                    const struct scb_manifest *manifest)
{
    return report->identities != NULL || !scb_manifest_is_encrypted(manifest);
}

void scb_verify_problem(struct scb_verify_report *report, const char *where, const char *format,
                        ...) SCB_PRINTF(3, 4);
void scb_verify_warning(struct scb_verify_report *report, const char *where, const char *format,
                        ...) SCB_PRINTF(3, 4);
/*
 * Where status says that data is not what was written, or is not there, that is a finding, and
 * SCB_OK is returned: the rest can still be looked at. Other failures are returned as they are:
 * something could not be checked.
 */
SCB_MUST_CHECK enum scb_status scb_verify_judge(struct scb_verify_report *report, const char *where,
                                                enum scb_status status,
                                                const struct scb_error *failure,
                                                struct scb_error *error);

/* Tells how far it is. */
void scb_verify_show(struct scb_verify_report *report, const struct scb_manifest *manifest,
                     const char *activity, uint64_t pages, uint64_t keys);

/* The files beside the archive that it has too, and latest/ (verify_beside.c). */
SCB_MUST_CHECK enum scb_status scb_verify_beside(struct scb_verify_report *report,
                                                 const struct scb_backup_dir *dir, int archive_fd,
                                                 const struct scb_archive_pages *pages,
                                                 struct scb_error *error);
SCB_MUST_CHECK enum scb_status scb_verify_latest(struct scb_verify_report *report,
                                                 const struct scb_backup_record *record,
                                                 int archive_fd, struct scb_error *error);
/* Who has signed it, and whether that is enough (verify_trust.c). */
SCB_MUST_CHECK enum scb_status scb_verify_signature(struct scb_verify_report *report,
                                                    int archive_fd,
                                                    const struct scb_archive_pages *pages,
                                                    struct scb_error *error);
/*
 * Sets the report's identities. Without any, all but the entries is looked at, and that is all that
 * was asked for. One that is configured and does not open the backup, or none where it is to be
 * compared with the chain, is another matter: *ret_failure says so, for the end (verify_trust.c).
 */
SCB_MUST_CHECK enum scb_status scb_verify_unlock(struct scb_verify_report *report,
                                                 const struct scb_manifest *manifest,
                                                 struct scb_error *ret_failure,
                                                 struct scb_error *error);
/* Every page in the archive, and its page file where there is one (verify_pages.c). */
SCB_MUST_CHECK enum scb_status scb_verify_pages(struct scb_verify_report *report,
                                                const struct scb_backup_dir *dir, int archive_fd,
                                                struct scb_archive_pages *pages,
                                                struct scb_error *error);
/* Every page as the chain gives it now (verify_chain.c); it can be opened. */
SCB_MUST_CHECK enum scb_status scb_verify_chain(struct scb_verify_report *report, int archive_fd,
                                                struct scb_archive_pages *pages,
                                                struct scb_error *error);

#endif
