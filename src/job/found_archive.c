/* SPDX-License-Identifier: Apache-2.0 */
#include "job/found_archive.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/file.h"
#include "base/memory.h"
#include "job/rescan.h"

enum scb_status scb_found_archive_check(const struct scb_backup_dir *dir,
                                        const struct scb_backup_record *record,
                                        struct scb_error *error)
{
    SCB_AUTO(fd) int fd = -1;
    uint64_t size = 0;
    char name[SCB_ARCHIVE_NAME_SIZE];
    struct scb_error problem = {0};
    scb_archive_name(record->backup_date, name);
    enum scb_status status =
        dir == NULL ? SCB_ERROR_NOT_FOUND : scb_backup_dir_read(dir, name, &fd, &size, &problem);
    if (status == SCB_OK && size == (uint64_t)record->file_size)
        return SCB_OK;
    if (status != SCB_OK && status != SCB_ERROR_NOT_FOUND) {
        *error = problem;
        return status;
    }
    char what[64] = "is missing";
    if (status == SCB_OK)
        (void)snprintf(what, sizeof(what), "has %" PRIu64 " bytes instead of %" PRId64, size,
                       record->file_size);
    scb_error_set(error, SCB_ERROR_INTEGRITY, "backup %s is recorded as completed, but %s/%s %s",
                  record->backup_date, record->backup_date, name, what);
    return scb_error_hint(error, "put the archive back; or 'satellite backup list --rescan' gives "
                                 "it up, and the next run makes it again");
}

/* One that is not recorded as completed. */
static enum scb_status adopt(const struct scb_found_archive *found, bool *ret_adopted,
                             struct scb_error *error)
{
    const struct scb_backup_parts *parts = found->parts;
    const struct scb_backup_settings *settings = found->settings;
    const struct scb_cleanup_parts rescan = {.store = parts->store,
                                             .catalog = parts->catalog,
                                             .log = parts->log,
                                             .clock = parts->clock,
                                             .cancel = parts->cancel};
    SCB_AUTO(fd) int fd = -1;
    uint64_t size = 0;
    char name[SCB_ARCHIVE_NAME_SIZE];
    struct scb_error problem = {0};
    *ret_adopted = false;
    scb_archive_name(settings->backup_date, name);
    enum scb_status status = scb_backup_dir_read(found->dir, name, &fd, &size, &problem);
    if (status == SCB_ERROR_NOT_FOUND)
        return SCB_OK;
    if (status != SCB_OK) { /* nobody knows what stands there: it is not renamed over */
        *error = problem;
        return status;
    }
    const struct scb_rescan_demands demands = {.row = found->row,
                                               .contract = settings->contract.bytes,
                                               .recipients = settings->recipients,
                                               .trusted = settings->trusted};
    status = scb_rescan_adopt(&rescan, settings->backup_date, &demands, &problem, error);
    *ret_adopted = status == SCB_OK && problem.status == SCB_OK;
    if (status != SCB_OK || *ret_adopted ||
        (found->row != NULL && problem.status == SCB_ERROR_INTEGRITY))
        return status;
    scb_error_set(error, SCB_ERROR_DATABASE, "%s/%s is there, but %s, nor can it be taken in: %s",
                  settings->backup_date, name,
                  found->row == NULL ? "the status database does not know it"
                                     : "it is not recorded as completed",
                  problem.message);
    return scb_error_hint(error, "move it away to make the backup again");
}

enum scb_status scb_found_archive_look(const struct scb_found_archive *found, bool *ret_stands,
                                       struct scb_error *error)
{
    *ret_stands = found->row != NULL && found->row->state == SCB_BACKUP_COMPLETED;
    return *ret_stands ? scb_found_archive_check(found->dir, found->row, error)
                       : adopt(found, ret_stands, error);
}
