/* SPDX-License-Identifier: Apache-2.0 */
#include "store/inventory.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/file_watch.h"
#include "base/memory.h"
#include "store/local.h"

#define TRASH_PREFIX ".trash-"
enum {
    MAX_BACKUPS = 100000,
    TRASH_NAME_SIZE = sizeof(TRASH_PREFIX) + SCB_BACKUP_DATE_SIZE,
    MAX_DEPTH = 8, /* a backup has no directories inside; somebody may have put some there */
};

/* Lists a directory below dir_fd; a symbolic link in its place is an error. */
static enum scb_status open_listing(int dir_fd, const char *name, DIR **ret_listing,
                                    struct scb_error *error)
{
    SCB_FILE_OPERATION;
    int fd = -1;
    enum scb_status status = scb_file_open(dir_fd, name, O_RDONLY | O_DIRECTORY, 0, &fd, error);
    if (status != SCB_OK)
        return status;
    *ret_listing = fdopendir(fd);
    if (*ret_listing != NULL)
        return SCB_OK;
    int failed = errno;
    (void)close(fd);
    return scb_error_set_errno(error, SCB_ERROR_FILE, failed, "'%s' not listed", name);
}

/* The next entry, "." and ".." left out; *ret_name is NULL after the last. */
static enum scb_status next_entry(DIR *listing, const char *name, const char **ret_name,
                                  struct scb_error *error)
{
    SCB_FILE_OPERATION;
    const struct dirent *entry = NULL;
    do {
        errno = 0;
        entry = readdir(listing);
    } while (entry != NULL &&
             (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0));
    *ret_name = entry == NULL ? NULL : entry->d_name;
    if (entry == NULL && errno != 0)
        return scb_error_set_errno(error, SCB_ERROR_FILE, errno, "'%s' not listed", name);
    return SCB_OK;
}

static uint64_t bytes_of(const struct stat *about)
{
    return (uint64_t)about->st_blocks * 512;
}

static bool is_backup_date(const char *name)
{
    return scb_backup_date_parse(name, NULL, NULL) == SCB_OK;
}

/* Others have names like it on a disk, so only what this program can have made is trash. */
static bool is_trash(const char *name)
{
    size_t size = sizeof(TRASH_PREFIX) - 1;
    return strncmp(name, TRASH_PREFIX, size) == 0 && is_backup_date(name + size);
}

/* --- what there is --- */

/* Adds up the files of a directory; a file that goes meanwhile is not counted. */
static enum scb_status measure(int dir_fd, const char *name, bool linked_too,
                               struct scb_inventory_entry *entry, struct scb_error *error)
{
    char archive[SCB_ARCHIVE_NAME_SIZE];
    scb_archive_name(name, archive);
    DIR *listing = NULL;
    enum scb_status status = open_listing(dir_fd, name, &listing, error);
    if (status != SCB_OK)
        return status;
    const char *file = NULL;
    status = next_entry(listing, name, &file, error);
    while (status == SCB_OK && file != NULL) {
        struct stat about = {0};
        if (fstatat(dirfd(listing), file, &about, AT_SYMLINK_NOFOLLOW) == 0) {
            if (linked_too || about.st_nlink == 1)
                entry->bytes += bytes_of(&about);
            if (S_ISREG(about.st_mode) && strcmp(file, archive) == 0)
                entry->archive_bytes = about.st_size;
        }
        status = next_entry(listing, name, &file, error);
    }
    (void)closedir(listing);
    return status;
}

static enum scb_status add(struct scb_inventory *inventory, size_t *room,
                           const struct scb_inventory_entry *entry, struct scb_error *error)
{
    if (inventory->count == MAX_BACKUPS)
        return scb_error_set(error, SCB_ERROR_RESOURCE, "more than %d backups in backup_dir",
                             MAX_BACKUPS);
    if (inventory->count == *room) {
        *room = *room == 0 ? 64 : *room * 2;
        void *grown = scb_realloc(inventory->entries, *room, sizeof(*entry), error);
        if (grown == NULL)
            return SCB_ERROR_RESOURCE;
        inventory->entries = grown;
    }
    inventory->entries[inventory->count++] = *entry;
    return SCB_OK;
}

enum scb_status scb_inventory_measure(const struct scb_store *store, const char *backup_date,
                                      struct scb_inventory_entry *ret_entry,
                                      struct scb_error *error)
{
    struct scb_inventory_entry entry = {.archive_bytes = -1};
    enum scb_status status = scb_backup_date_parse(backup_date, NULL, error);
    if (status == SCB_OK)
        status = measure(store->fd, backup_date, true, &entry, error);
    if (status != SCB_OK)
        return status;
    (void)snprintf(entry.backup_date, sizeof(entry.backup_date), "%s", backup_date);
    *ret_entry = entry;
    return SCB_OK;
}

static enum scb_status look_at(const struct scb_store *store, const char *name,
                               struct scb_inventory *inventory, size_t *room,
                               struct scb_error *error)
{
    bool backup = is_backup_date(name);
    bool other = is_trash(name) || strcmp(name, "latest") == 0;
    struct stat about = {0};
    if ((!backup && !other) || fstatat(store->fd, name, &about, AT_SYMLINK_NOFOLLOW) != 0 ||
        !S_ISDIR(about.st_mode))
        return SCB_OK;
    struct scb_inventory_entry entry = {.archive_bytes = -1};
    struct scb_error problem = {0};
    enum scb_status status = measure(store->fd, name, backup, &entry, &problem);
    if (status == SCB_ERROR_NOT_FOUND) /* gone meanwhile */
        return SCB_OK;
    if (status != SCB_OK) {
        *error = problem;
        return status;
    }
    if (other) {
        inventory->other_bytes += entry.bytes;
        return SCB_OK;
    }
    (void)snprintf(entry.backup_date, sizeof(entry.backup_date), "%s", name);
    return add(inventory, room, &entry, error);
}

static int newest_first(const void *a, const void *b)
{
    const struct scb_inventory_entry *left = a, *right = b;
    return strcmp(right->backup_date, left->backup_date);
}

enum scb_status scb_inventory_load(const struct scb_store *store,
                                   struct scb_inventory *ret_inventory, struct scb_error *error)
{
    struct scb_inventory inventory = {0};
    size_t room = 0;
    DIR *listing = NULL;
    enum scb_status status = open_listing(store->fd, ".", &listing, error);
    if (status != SCB_OK)
        return status;
    const char *name = NULL;
    status = next_entry(listing, store->path, &name, error);
    while (status == SCB_OK && name != NULL) {
        status = look_at(store, name, &inventory, &room, error);
        if (status == SCB_OK)
            status = next_entry(listing, store->path, &name, error);
    }
    (void)closedir(listing);
    if (status != SCB_OK) {
        scb_inventory_free(&inventory);
        return status;
    }
    if (inventory.count > 0)
        qsort(inventory.entries, inventory.count, sizeof(*inventory.entries), newest_first);
    *ret_inventory = inventory;
    return SCB_OK;
}

void scb_inventory_free(struct scb_inventory *inventory)
{
    free(inventory->entries);
    *inventory = (struct scb_inventory){0};
}

void scb_inventory_cleanup(struct scb_inventory *inventory)
{
    scb_inventory_free(inventory);
}

const struct scb_inventory_entry *scb_inventory_find(const struct scb_inventory *inventory,
                                                     const char *backup_date)
{
    struct scb_inventory_entry wanted = {0};
    (void)snprintf(wanted.backup_date, sizeof(wanted.backup_date), "%s", backup_date);
    if (inventory->count == 0)
        return NULL;
    return bsearch(&wanted, inventory->entries, inventory->count, sizeof(wanted), newest_first);
}

enum scb_status scb_store_space(const struct scb_store *store, uint64_t *ret_used,
                                uint64_t *ret_free, struct scb_error *error)
{
    SCB_FILE_OPERATION;
    struct statvfs space = {0};
    if (fstatvfs(store->fd, &space) != 0)
        return scb_error_set_errno(error, SCB_ERROR_FILE, errno, "free space of '%s' not known",
                                   store->path);
    *ret_used = ((uint64_t)space.f_blocks - space.f_bfree) * space.f_frsize;
    *ret_free = (uint64_t)space.f_bavail * space.f_frsize;
    return SCB_OK;
}

/* --- how one goes --- */

static int remove_name(int dir_fd, const char *name, int flags)
{
    SCB_FILE_OPERATION;
    return unlinkat(dir_fd, name, flags);
}

static int rename_directory(int dir_fd, const char *from, const char *to)
{
    SCB_FILE_OPERATION;
    return renameat(dir_fd, from, dir_fd, to);
}

struct removal {
    struct scb_store_removal asked;
    struct scb_metrics *metrics;
};

static struct removal take(const struct scb_store_removal *asked, const struct scb_store *store)
{
    struct removal removal = {.metrics = store->metrics};
    if (asked != NULL)
        removal.asked = *asked;
    return removal;
}

static enum scb_status remove_tree(int dir_fd, const char *name, int depth,
                                   const struct removal *removal, struct scb_error *error);

static enum scb_status remove_one(int dir_fd, const char *name, int depth,
                                  const struct removal *removal, struct scb_error *error)
{
    if (removal->asked.go_on != NULL && !removal->asked.go_on(removal->asked.state))
        return scb_error_set(error, SCB_ERROR_CANCELED, "interrupted; the trash keeps the rest");
    /* Removes a symbolic link itself; what it leads to is not touched. */
    if (remove_name(dir_fd, name, 0) == 0) {
        scb_metrics_add(removal->metrics, SCB_METRIC_FILES_DELETED, 0, 1);
        return SCB_OK;
    }
    if (errno == ENOENT)
        return SCB_OK;
    if (errno == EISDIR || errno == EPERM) {
        struct stat about = {0};
        if (fstatat(dir_fd, name, &about, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(about.st_mode))
            return remove_tree(dir_fd, name, depth + 1, removal, error);
        errno = EPERM;
    }
    return scb_error_set_errno(error, SCB_ERROR_FILE, errno, "file '%s' not removed", name);
}

/* A directory and all that is in it, links not followed; not being there is fine. */
static enum scb_status remove_tree(int dir_fd, const char *name, int depth,
                                   const struct removal *removal, struct scb_error *error)
{
    if (depth > MAX_DEPTH)
        return scb_error_set(error, SCB_ERROR_FILE, "'%s': too many directories inside", name);
    DIR *listing = NULL;
    struct scb_error problem = {0};
    enum scb_status status = open_listing(dir_fd, name, &listing, &problem);
    if (status == SCB_ERROR_NOT_FOUND)
        return SCB_OK;
    if (status != SCB_OK) {
        *error = problem;
        return status;
    }
    const char *file = NULL;
    status = next_entry(listing, name, &file, error);
    while (status == SCB_OK && file != NULL) {
        status = remove_one(dirfd(listing), file, depth, removal, error);
        if (status == SCB_OK)
            status = next_entry(listing, name, &file, error);
    }
    (void)closedir(listing);
    if (status == SCB_OK && remove_name(dir_fd, name, AT_REMOVEDIR) != 0 && errno != ENOENT)
        status = scb_error_set_errno(error, SCB_ERROR_FILE, errno, "'%s' not removed", name);
    return status;
}

enum scb_status scb_store_discard(const struct scb_store *store, const char *backup_date,
                                  const struct scb_store_removal *removal, struct scb_error *error)
{
    const struct removal counted = take(removal, store);
    enum scb_status status = scb_backup_date_parse(backup_date, NULL, error);
    if (status != SCB_OK)
        return status;
    struct stat about = {0};
    if (fstatat(store->fd, backup_date, &about, AT_SYMLINK_NOFOLLOW) != 0) {
        if (errno == ENOENT)
            return SCB_OK;
        return scb_error_set_errno(error, SCB_ERROR_FILE, errno, "'%s' not looked at", backup_date);
    }
    if (!S_ISDIR(about.st_mode)) {
        scb_error_set(error, SCB_ERROR_FILE, "'%s' is no directory", backup_date);
        return scb_error_hint(error, "something else stands in a backup's place; remove it");
    }
    char trash[TRASH_NAME_SIZE];
    (void)snprintf(trash, sizeof(trash), TRASH_PREFIX "%.23s", backup_date);
    status = remove_tree(store->fd, trash, 0, &counted, error);
    if (status != SCB_OK)
        return status;
    if (rename_directory(store->fd, backup_date, trash) != 0)
        return scb_error_set_errno(error, SCB_ERROR_FILE, errno, "'%s' not renamed", backup_date);
    status = scb_dir_sync(store->fd, store->path, error);
    return status != SCB_OK ? status : remove_tree(store->fd, trash, 0, &counted, error);
}

enum scb_status scb_store_empty_trash(const struct scb_store *store,
                                      const struct scb_store_removal *removal,
                                      struct scb_error *error)
{
    const struct removal counted = take(removal, store);
    DIR *listing = NULL;
    enum scb_status status = open_listing(store->fd, ".", &listing, error);
    if (status != SCB_OK)
        return status;
    const char *name = NULL;
    status = next_entry(listing, store->path, &name, error);
    while (status == SCB_OK && name != NULL) {
        struct stat about = {0};
        if (is_trash(name) && fstatat(store->fd, name, &about, AT_SYMLINK_NOFOLLOW) == 0 &&
            S_ISDIR(about.st_mode))
            status = remove_tree(store->fd, name, 0, &counted, error);
        if (status == SCB_OK)
            status = next_entry(listing, store->path, &name, error);
    }
    (void)closedir(listing);
    return status;
}
