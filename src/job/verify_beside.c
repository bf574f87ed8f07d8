/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What lies beside an archive that is verified: its manifest and signature once more, and latest/.
 */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/memory.h"
#include "crypto/digest.h"
#include "format/manifest_signature.h"
#include "job/verify_report.h"

#define LATEST "latest/backup_latest.zip"

static enum scb_status compare(struct scb_zip_content *content, int fd, const char *name,
                               struct scb_error *error)
{
    struct scb_input input = scb_zip_content_input(content);
    uint8_t archived[4096], beside[4096];
    for (;;) {
        size_t size = 0, got = 0;
        enum scb_status status = input.read(input.state, archived, sizeof(archived), &size, error);
        /* At the end of the one, whether the other ends too. */
        if (status == SCB_OK)
            status = scb_file_read(fd, name, beside, size == 0 ? 1 : size, &got, error);
        if (status != SCB_OK)
            return status;
        if (got != size || memcmp(archived, beside, size) != 0)
            return scb_error_set(error, SCB_ERROR_INTEGRITY, "not the one in the archive");
        if (size == 0)
            return SCB_OK;
    }
}

/* A file of that name, where the archive has one at place (NULL: it has none). */
static enum scb_status check_file(struct scb_verify_report *report,
                                  const struct scb_backup_dir *dir, int archive_fd,
                                  const struct scb_zip_place *place, const char *name,
                                  struct scb_error *error)
{
    SCB_AUTO(fd) int fd = -1;
    char where[64];
    uint64_t size = 0;
    struct scb_error failure = {0};
    struct scb_zip_content *content = NULL;
    enum scb_status status = scb_backup_dir_read(dir, name, &fd, &size, &failure);
    if (status == SCB_ERROR_NOT_FOUND || (status == SCB_OK && place == NULL)) {
        if ((status == SCB_OK) != (place != NULL))
            scb_verify_warning(report, name,
                               place != NULL ? "not there; the archive has it"
                                             : "the archive has none");
        return SCB_OK;
    }
    if (status == SCB_OK)
        status = scb_zip_content_open(archive_fd, place, &content, &failure);
    if (status == SCB_OK)
        status = compare(content, fd, name, &failure);
    scb_zip_content_close(content);
    (void)snprintf(where, sizeof(where), "file %s", name);
    return scb_verify_judge(report, where, status, &failure, error);
}

enum scb_status scb_verify_beside(struct scb_verify_report *report,
                                  const struct scb_backup_dir *dir, int archive_fd,
                                  const struct scb_archive_pages *pages, struct scb_error *error)
{
    enum scb_status status = check_file(
        report, dir, archive_fd, scb_archive_pages_manifest_place(pages), SCB_MANIFEST_NAME, error);
    return status == SCB_OK
               ? check_file(report, dir, archive_fd, scb_archive_pages_signature_place(pages),
                            SCB_MANIFEST_SIGNATURE_NAME, error)
               : status;
}

struct owner {
    const char *checksum;
    char backup_date[24];
};

static enum scb_status compare_checksum(void *state, const struct scb_backup_record *backup,
                                        struct scb_error *error)
{
    (void)error;
    struct owner *owner = state;
    if (backup->state == SCB_BACKUP_COMPLETED && strcmp(backup->checksum, owner->checksum) == 0)
        memcpy(owner->backup_date, backup->backup_date, sizeof(owner->backup_date));
    return SCB_OK;
}

/* latest/ is another file than the archive: a copy of it, or that of another backup, or neither. */
static enum scb_status check_copy(struct scb_verify_report *report, int latest_fd,
                                  const struct scb_backup_record *record, struct scb_error *error)
{
    char checksum[65];
    struct scb_backup_record newest;
    struct owner owner = {.checksum = checksum};
    enum scb_status status =
        scb_digest_file(latest_fd, LATEST, report->parts->cancel, checksum, error);
    if (status != SCB_OK || strcmp(checksum, record->checksum) == 0)
        return status;
    status = scb_catalog_newest(report->parts->catalog, true, &newest, error);
    if (status != SCB_OK || strcmp(newest.backup_date, record->backup_date) != 0)
        return status; /* a newer one was completed meanwhile */
    status = scb_catalog_list(report->parts->catalog, 0, compare_checksum, &owner, error);
    if (status != SCB_OK)
        return status;
    if (owner.backup_date[0] != '\0') /* a crash, or a deletion; the next run publishes again */
        scb_verify_warning(report, LATEST, "it is backup %s, the newest is %s", owner.backup_date,
                           record->backup_date);
    else
        scb_verify_problem(report, LATEST, "not the archive of any completed backup");
    return SCB_OK;
}

enum scb_status scb_verify_latest(struct scb_verify_report *report,
                                  const struct scb_backup_record *record, int archive_fd,
                                  struct scb_error *error)
{
    SCB_AUTO(fd) int fd = -1;
    struct scb_backup_record newest;
    struct stat archive, latest;
    struct scb_error failure = {0};
    enum scb_status status = scb_catalog_newest(report->parts->catalog, true, &newest, error);
    if (status != SCB_OK || strcmp(newest.backup_date, record->backup_date) != 0)
        return status;
    status = scb_store_read_latest(report->parts->store, &fd, &failure);
    if (status == SCB_ERROR_NOT_FOUND) { /* a crash before it was published; the backup is whole */
        scb_verify_warning(report, LATEST, "not there; the next run publishes it");
        return SCB_OK;
    }
    if (status != SCB_OK)
        return scb_verify_judge(report, LATEST, status, &failure, error);
    if (fstat(archive_fd, &archive) == 0 && fstat(fd, &latest) == 0 &&
        archive.st_ino == latest.st_ino && archive.st_dev == latest.st_dev)
        return SCB_OK; /* a hard link */
    return check_copy(report, fd, record, error);
}
