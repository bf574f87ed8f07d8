/* SPDX-License-Identifier: Apache-2.0 */
#include "job/cleanup.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "job/retention.h"
#include "store/inventory.h"

enum { MAX_BACKUPS = 100000, FILES_A_LOOK = 64 };

/* How far the removal is; of the backups that go. */
struct progress {
    const struct scb_cleanup_parts *parts;
    const char *backup_date; /* "": what was left in the trash */
    uint64_t pages, total_pages;
    uint64_t files;
    int64_t started_ms;
};

/* Before each file: there may be a million of them. */
static bool go_on(void *state)
{
    struct progress *progress = state;
    const struct scb_cleanup_parts *parts = progress->parts;
    if (parts->observe != NULL && progress->files++ % FILES_A_LOOK == 0) {
        const struct scb_run_progress shown = {.activity = "Cleanup",
                                               .backup_date = progress->backup_date,
                                               .pages = progress->pages,
                                               .total_pages = progress->total_pages,
                                               .elapsed_ms = scb_clock_monotonic_ms(parts->clock) -
                                                             progress->started_ms};
        parts->observe(parts->observe_state, &shown);
    }
    return !scb_cancel_requested(parts->cancel);
}

static struct progress begin(const struct scb_cleanup_parts *parts)
{
    return (struct progress){
        .parts = parts, .backup_date = "", .started_ms = scb_clock_monotonic_ms(parts->clock)};
}

enum scb_status scb_cleanup_empty_trash(const struct scb_cleanup_parts *parts,
                                        struct scb_error *error)
{
    struct progress progress = begin(parts);
    const struct scb_store_removal removal = {go_on, &progress};
    return scb_store_empty_trash(parts->store, &removal, error);
}

/* All backups of the catalog, newest first, with what lies on the disk of each. */
struct plan {
    const struct scb_inventory *inventory;
    struct scb_retention_item *items;
    size_t count, room;
};

static enum scb_status add_backup(void *state, const struct scb_backup_record *backup,
                                  struct scb_error *error)
{
    struct plan *plan = state;
    if (plan->count == MAX_BACKUPS)
        return scb_error_set(error, SCB_ERROR_RESOURCE, "more than %d backups", MAX_BACKUPS);
    if (plan->count == plan->room) {
        plan->room = plan->room == 0 ? 64 : plan->room * 2;
        void *grown = scb_realloc(plan->items, plan->room, sizeof(*plan->items), error);
        if (grown == NULL)
            return SCB_ERROR_RESOURCE;
        plan->items = grown;
    }
    const struct scb_inventory_entry *files =
        scb_inventory_find(plan->inventory, backup->backup_date);
    struct scb_retention_item item = {.state = backup->state,
                                      .held = backup->held,
                                      .total_keys = backup->total_keys,
                                      .total_pages = backup->total_pages,
                                      .bytes = files == NULL ? 0 : files->bytes};
    memcpy(item.backup_date, backup->backup_date, sizeof(item.backup_date));
    /* A row alone keeps nobody's data: without its archive it must not count as a backup. */
    item.whole = backup->state == SCB_BACKUP_COMPLETED && files != NULL &&
                 files->archive_bytes == backup->file_size;
    plan->items[plan->count++] = item;
    return SCB_OK;
}

/* --- one backup --- */

static enum scb_status skip(struct scb_cleanup_entry *entry, const char *reason)
{
    entry->action = SCB_CLEANUP_SKIPPED;
    (void)snprintf(entry->reason, sizeof(entry->reason), "%.255s", reason);
    return SCB_OK;
}

/* Whether it is still what was decided on, now that nobody else can change it. */
static enum scb_status check_again(const struct scb_cleanup_parts *parts,
                                   const struct scb_retention_item *item,
                                   const char **ret_objection, struct scb_error *error)
{
    struct scb_backup_record backup, newest;
    struct scb_error none = {0};
    *ret_objection = "it was changed meanwhile";
    enum scb_status status = scb_catalog_get(parts->catalog, item->backup_date, &backup, &none);
    if (status == SCB_ERROR_NOT_FOUND)
        return SCB_OK;
    if (status == SCB_OK) {
        if (backup.held || backup.state != item->state)
            return SCB_OK;
        status = scb_catalog_newest(parts->catalog, true, &newest, &none);
        if (status == SCB_OK && strcmp(newest.backup_date, item->backup_date) == 0)
            return SCB_OK;
    }
    if (status != SCB_OK && status != SCB_ERROR_NOT_FOUND) {
        *error = none;
        return status;
    }
    *ret_objection = NULL;
    return SCB_OK;
}

static enum scb_status remove_locked(struct progress *progress,
                                     const struct scb_retention_item *item,
                                     struct scb_cleanup_entry *entry, struct scb_error *error)
{
    const struct scb_cleanup_parts *parts = progress->parts;
    const struct scb_store_removal removal = {go_on, progress};
    const char *objection = NULL;
    enum scb_status status = check_again(parts, item, &objection, error);
    if (status == SCB_OK && objection != NULL)
        return skip(entry, objection);
    if (status == SCB_OK)
        status = scb_catalog_delete(parts->catalog, item->backup_date, error);
    if (status == SCB_OK)
        status = scb_store_discard(parts->store, item->backup_date, &removal, error);
    if (status != SCB_OK)
        return scb_error_wrap(error, "backup %s", item->backup_date);
    entry->action = SCB_CLEANUP_DELETED;
    scb_log_info(parts->log, "Backup removed", SCB_TEXT("backup_date", item->backup_date),
                 SCB_TEXT("reason", item->reason), SCB_NUMBER("bytes", item->bytes));
    return SCB_OK;
}

static enum scb_status remove_backup(struct progress *progress, bool dry_run,
                                     const struct scb_retention_item *item,
                                     struct scb_cleanup_entry *entry, struct scb_error *error)
{
    const struct scb_cleanup_parts *parts = progress->parts;
    struct scb_store_lock *lock = NULL;
    struct scb_error problem = {0};
    /* A dry run must not make a lock file, so that it sees writers only. */
    enum scb_status status =
        dry_run ? scb_store_lock_shared(parts->store, item->backup_date, &lock, &problem)
                : scb_store_lock(parts->store, item->backup_date, parts->clock, &lock, &problem);
    if (status == SCB_ERROR_BUSY)
        return skip(entry, problem.message);
    if (status != SCB_OK) {
        *error = problem;
        return status;
    }
    if (dry_run)
        entry->action = SCB_CLEANUP_WOULD_DELETE;
    else
        status = remove_locked(progress, item, entry, error);
    scb_store_unlock(lock);
    return status;
}

/* --- all of them --- */

static bool goes(const struct scb_cleanup_options *options, const struct scb_retention_item *item)
{
    return item->remove &&
           (options->spare == NULL || strcmp(options->spare, item->backup_date) != 0);
}

static uint64_t pages_of(const struct scb_retention_item *item)
{
    return item->total_pages > 0 ? (uint64_t)item->total_pages : 0;
}

static enum scb_status take_turn(struct progress *progress,
                                 const struct scb_cleanup_options *options,
                                 const struct scb_retention_item *item,
                                 struct scb_cleanup_entry *entry, struct scb_error *error)
{
    if (scb_cancel_requested(progress->parts->cancel))
        return scb_error_set(error, SCB_ERROR_CANCELED, "interrupted before backup %s",
                             item->backup_date);
    progress->backup_date = item->backup_date;
    progress->files = 0;
    enum scb_status status = remove_backup(progress, options->dry_run, item, entry, error);
    progress->pages += pages_of(item);
    return status;
}

static enum scb_status apply(const struct scb_cleanup_parts *parts,
                             const struct scb_cleanup_options *options, const struct plan *plan,
                             scb_cleanup_visitor visit, void *state, struct scb_error *error)
{
    enum scb_status status = SCB_OK;
    struct progress progress = begin(parts);
    for (size_t i = 0; i < plan->count; i++)
        progress.total_pages += goes(options, &plan->items[i]) ? pages_of(&plan->items[i]) : 0;
    for (size_t i = 0; i < plan->count && status == SCB_OK; i++) {
        const struct scb_retention_item *item = &plan->items[i];
        struct scb_cleanup_entry entry = {.bytes = item->bytes, .action = SCB_CLEANUP_KEPT};
        memcpy(entry.backup_date, item->backup_date, sizeof(entry.backup_date));
        bool spared = item->remove && !goes(options, item);
        (void)snprintf(entry.reason, sizeof(entry.reason), "%s",
                       spared ? "just made" : item->reason);
        if (goes(options, item))
            status = take_turn(&progress, options, item, &entry, error);
        if (status == SCB_OK)
            status = visit(state, &entry, error);
    }
    return status;
}

/* Directories that the database does not know are shown, too: they are not cleanup's to judge. */
static enum scb_status show_orphans(const struct plan *plan, scb_cleanup_visitor visit, void *state,
                                    struct scb_error *error)
{
    enum scb_status status = SCB_OK;
    size_t next = 0; /* both lists are newest first */
    for (size_t i = 0; i < plan->inventory->count && status == SCB_OK; i++) {
        const struct scb_inventory_entry *files = &plan->inventory->entries[i];
        while (next < plan->count && strcmp(plan->items[next].backup_date, files->backup_date) > 0)
            next++;
        if (next < plan->count && strcmp(plan->items[next].backup_date, files->backup_date) == 0)
            continue;
        struct scb_cleanup_entry entry = {.bytes = files->bytes, .action = SCB_CLEANUP_KEPT};
        memcpy(entry.backup_date, files->backup_date, sizeof(entry.backup_date));
        (void)snprintf(entry.reason, sizeof(entry.reason),
                       "not in the status database; see backup list --rescan");
        status = visit(state, &entry, error);
    }
    return status;
}

enum scb_status scb_cleanup_run(const struct scb_cleanup_parts *parts,
                                const struct scb_cleanup_options *options,
                                scb_cleanup_visitor visit, void *state, struct scb_error *error)
{
    SCB_AUTO(inventory) struct scb_inventory inventory = {0};
    struct plan plan = {.inventory = &inventory};
    enum scb_status status = options->dry_run ? SCB_OK : scb_cleanup_empty_trash(parts, error);
    if (status == SCB_OK)
        status = scb_inventory_load(parts->store, &inventory, error);
    if (status == SCB_OK)
        status = scb_catalog_list(parts->catalog, 0, add_backup, &plan, error);
    if (status == SCB_OK)
        scb_retention_decide(&options->policy, scb_clock_real_ms(parts->clock), plan.items,
                             plan.count);
    if (status == SCB_OK && !options->allow_shrunk)
        status = scb_retention_check_shrunk(plan.items, plan.count, error);
    if (status == SCB_OK)
        status = apply(parts, options, &plan, visit, state, error);
    if (status == SCB_OK)
        status = show_orphans(&plan, visit, state, error);
    free(plan.items);
    return status;
}
