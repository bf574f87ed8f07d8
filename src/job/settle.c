/* SPDX-License-Identifier: Apache-2.0 */
#include "job/settle.h"

#include <string.h>

#include "job/found_archive.h"

static enum scb_status settle(const struct scb_backup_settings *settings,
                              const struct scb_backup_dir *dir, bool newest,
                              struct scb_error *error)
{
    enum scb_status status = newest ? scb_backup_dir_publish(dir, error) : SCB_OK;
    return status == SCB_OK && !settings->keep_page_files ? scb_backup_dir_clear(dir, error)
                                                          : status;
}

enum scb_status scb_settle(const struct scb_backup_parts *parts,
                           const struct scb_backup_settings *settings,
                           const struct scb_backup_dir *dir, struct scb_error *error)
{
    struct scb_backup_record newest;
    enum scb_status status = scb_catalog_newest(parts->catalog, true, &newest, error);
    return status == SCB_OK ? settle(settings, dir,
                                     strcmp(newest.backup_date, settings->backup_date) == 0, error)
                            : status;
}

static enum scb_status settle_other(const struct scb_backup_parts *parts,
                                    const struct scb_backup_settings *settings,
                                    const struct scb_backup_record *newest, struct scb_error *error)
{
    struct scb_store_lock *lock = NULL;
    struct scb_backup_dir *dir = NULL;
    enum scb_status status =
        scb_store_lock(parts->store, newest->backup_date, parts->clock, &lock, error);
    if (status != SCB_OK)
        return status;
    status = scb_backup_dir_open(parts->store, newest->backup_date, false, &dir, error);
    if (status == SCB_OK)
        status = scb_found_archive_check(dir, newest, error);
    if (status == SCB_OK)
        status = settle(settings, dir, true, error);
    scb_backup_dir_close(dir);
    scb_store_unlock(lock);
    return status;
}

void scb_settle_newest(const struct scb_backup_parts *parts,
                       const struct scb_backup_settings *settings)
{
    struct scb_backup_record newest = {0};
    struct scb_error error = {0};
    enum scb_status status = scb_catalog_newest(parts->catalog, true, &newest, &error);
    if (status == SCB_ERROR_NOT_FOUND)
        return;
    if (status == SCB_OK && strcmp(newest.backup_date, settings->backup_date) == 0)
        return;
    if (status == SCB_OK)
        status = settle_other(parts, settings, &newest, &error);
    if (status != SCB_OK && status != SCB_ERROR_BUSY)
        scb_log_warn(parts->log, "Newest backup not settled",
                     SCB_TEXT("backup_date", newest.backup_date), SCB_TEXT("error", error.message));
}
