/* SPDX-License-Identifier: Apache-2.0 */
#include "store/store.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/durable_apart.h"
#include "base/file_watch.h"
#include "base/memory.h"
#include "base/text.h"
#include "store/local.h"

enum { MIN_FREE_INODES = 64, OWN_DIR = 0700, SHARED_DIR = 02750 };
#define LATEST_DIR  "latest"
#define LATEST_NAME "backup_latest.zip"

struct scb_backup_dir {
    const struct scb_store *store;
    int fd;
    char backup_date[SCB_BACKUP_DATE_SIZE];
};

void scb_archive_name(const char *backup_date, char ret_name[SCB_ARCHIVE_NAME_SIZE])
{
    (void)snprintf(ret_name, SCB_ARCHIVE_NAME_SIZE, "backup_%.23s.zip", backup_date);
}

enum scb_status scb_store_find_group(const char *name, gid_t *ret_gid, struct scb_error *error)
{
    const struct group *found = getgrnam(name);
    if (found == NULL)
        return scb_error_set(error, SCB_ERROR_VALIDATION, "backup.group: no group '%s'", name);
    *ret_gid = found->gr_gid;
    return SCB_OK;
}

/* The group comes down to every file below through the set-group-id bit. */
static enum scb_status set_group(const struct scb_store *store, const char *group,
                                 struct scb_error *error)
{
    gid_t gid = 0;
    if (scb_store_find_group(group, &gid, error) != SCB_OK)
        return error->status;
    if (fchown(store->fd, (uid_t)-1, gid) != 0 || fchmod(store->fd, SHARED_DIR) != 0)
        return scb_error_set_errno(error, SCB_ERROR_FILE, errno, "group of '%s' not set to '%s'",
                                   store->path, group);
    return SCB_OK;
}

enum scb_status scb_store_open(const struct scb_store_settings *settings, bool create,
                               struct scb_store **ret_store, struct scb_error *error)
{
    struct scb_store *store = scb_alloc(1, sizeof(*store), error);
    if (store == NULL)
        return SCB_ERROR_RESOURCE;
    bool shared = settings->group[0] != '\0';
    *store = (struct scb_store){.fd = -1,
                                .dir_mode = shared ? SHARED_DIR : OWN_DIR,
                                .file_mode = shared ? 0640 : 0600,
                                .min_free_bytes = settings->min_free_bytes,
                                .metrics = settings->metrics};
    store->path = scb_strdup(settings->dir, error);
    enum scb_status status = store->path == NULL ? SCB_ERROR_RESOURCE : SCB_OK;
    if (status == SCB_OK) {
        status = scb_dir_open(settings->dir, create, OWN_DIR, &store->fd, error);
        if (status != SCB_OK)
            (void)scb_error_hint(error, "check backup.backup_dir and who owns it");
    }
    if (status == SCB_OK && create && shared)
        status = set_group(store, settings->group, error);
    if (status != SCB_OK) {
        scb_store_close(store);
        return status;
    }
    *ret_store = store;
    return SCB_OK;
}

void scb_store_close(struct scb_store *store)
{
    SCB_FILE_OPERATION;
    if (store == NULL)
        return;
    if (store->fd >= 0)
        (void)close(store->fd);
    free(store->path);
    free(store);
}

enum scb_status scb_store_check_space(const struct scb_store *store, struct scb_error *error)
{
    SCB_FILE_OPERATION;
    struct statvfs space = {0};
    if (fstatvfs(store->fd, &space) != 0)
        return scb_error_set_errno(error, SCB_ERROR_FILE, errno, "free space of '%s' not known",
                                   store->path);
    uint64_t free_bytes = (uint64_t)space.f_bavail * space.f_frsize;
    if (free_bytes < store->min_free_bytes) {
        char free_text[32], wanted[32];
        scb_text_format_size_short(free_bytes, free_text, sizeof(free_text));
        scb_text_format_size_short(store->min_free_bytes, wanted, sizeof(wanted));
        scb_error_set(error, SCB_ERROR_RESOURCE, "%s free in '%s', less than min_free_space (%s)",
                      free_text, store->path, wanted);
        return scb_error_hint(error, "free disk space or lower backup.min_free_space");
    }
    if (space.f_files > 0 && space.f_favail < MIN_FREE_INODES) {
        scb_error_set(error, SCB_ERROR_RESOURCE, "no inodes left in '%s'", store->path);
        return scb_error_hint(error, "remove files, or set backup.keep_page_files to false");
    }
    return SCB_OK;
}

static bool is_same(const struct stat *one, const struct stat *other)
{
    return one->st_dev == other->st_dev && one->st_ino == other->st_ino;
}

enum scb_status scb_store_contains(const struct scb_store *store, int dir_fd, bool *ret_contains,
                                   struct scb_error *error)
{
    enum { FLAGS = O_PATH | O_DIRECTORY | O_CLOEXEC };
    SCB_FILE_OPERATION;
    struct stat own, present, below = {0};
    SCB_AUTO(fd) int fd = openat(dir_fd, ".", FLAGS);
    for (;;) {
        if (fd < 0 || fstat(fd, &present) != 0 || fstat(store->fd, &own) != 0)
            return scb_error_set_errno(error, SCB_ERROR_FILE, errno,
                                       "the directories above not looked at");
        *ret_contains = is_same(&present, &own);
        if (*ret_contains || is_same(&present, &below)) /* / is its own parent */
            return SCB_OK;
        below = present;
        int above = openat(fd, "..", FLAGS), failed = errno;
        (void)close(fd);
        fd = above;
        errno = failed;
    }
}

enum scb_status scb_store_read(const struct scb_store *store, const char *name,
                               struct scb_buffer *out, struct scb_error *error)
{
    return scb_file_read_all(store->fd, name, out, error);
}

enum scb_status scb_store_write(const struct scb_store *store, const char *name, const void *data,
                                size_t size, struct scb_error *error)
{
    return scb_file_write_durably(store->fd, name, data, size, store->file_mode, error);
}

enum scb_status scb_backup_dir_open(const struct scb_store *store, const char *backup_date,
                                    bool create, struct scb_backup_dir **ret_dir,
                                    struct scb_error *error)
{
    enum scb_status status = scb_backup_date_parse(backup_date, NULL, error);
    if (status != SCB_OK)
        return status;
    struct scb_backup_dir *dir = scb_alloc(1, sizeof(*dir), error);
    if (dir == NULL)
        return SCB_ERROR_RESOURCE;
    dir->store = store;
    (void)snprintf(dir->backup_date, sizeof(dir->backup_date), "%s", backup_date);
    status = scb_dir_open_below(store->fd, backup_date, create, store->dir_mode, &dir->fd, error);
    if (status != SCB_OK) {
        free(dir);
        return status;
    }
    *ret_dir = dir;
    return SCB_OK;
}

void scb_backup_dir_close(struct scb_backup_dir *dir)
{
    SCB_FILE_OPERATION;
    if (dir == NULL)
        return;
    (void)close(dir->fd);
    free(dir);
}

enum scb_status scb_backup_dir_create(const struct scb_backup_dir *dir, const char *name,
                                      int *ret_fd, struct scb_error *error)
{
    return scb_file_create(dir->fd, name, dir->store->file_mode, ret_fd, error);
}

enum scb_status scb_backup_dir_write(const struct scb_backup_dir *dir, const char *name,
                                     struct scb_bytes data, struct scb_error *error)
{
    int fd = -1;
    enum scb_status status = scb_backup_dir_create(dir, name, &fd, error);
    if (status != SCB_OK)
        return status;
    status = scb_file_write(fd, name, data.data, data.size, error);
    if (status != SCB_OK) {
        (void)close(fd);
        return status;
    }
    return scb_file_close(fd, name, error);
}

enum scb_status scb_backup_dir_read(const struct scb_backup_dir *dir, const char *name, int *ret_fd,
                                    uint64_t *ret_size, struct scb_error *error)
{
    SCB_AUTO(fd) int fd = -1;
    /* Not to wait for a writer where a FIFO stands. */
    enum scb_status status = scb_file_open(dir->fd, name, O_RDONLY | O_NONBLOCK, 0, &fd, error);
    if (status != SCB_OK)
        return status;
    struct stat about = {0};
    if (fstat(fd, &about) != 0 || !S_ISREG(about.st_mode))
        return scb_error_set(error, SCB_ERROR_FILE, "'%s' is no regular file", name);
    *ret_size = (uint64_t)about.st_size;
    *ret_fd = fd;
    fd = -1;
    return SCB_OK;
}

enum scb_status scb_backup_dir_remove(const struct scb_backup_dir *dir, const char *name,
                                      struct scb_error *error)
{
    SCB_FILE_OPERATION;
    if (unlinkat(dir->fd, name, 0) == 0)
        scb_metrics_add(dir->store->metrics, SCB_METRIC_FILES_DELETED, 0, 1);
    else if (errno != ENOENT)
        return scb_error_set_errno(error, SCB_ERROR_FILE, errno, "file '%s' not removed", name);
    return SCB_OK;
}

static bool is_leftover(const char *name)
{
    size_t size = strlen(name);
    return strncmp(name, "page_", 5) == 0 || (size > 4 && strcmp(name + size - 4, ".tmp") == 0);
}

enum scb_status scb_backup_dir_clear(const struct scb_backup_dir *dir, struct scb_error *error)
{
    int fd = -1;
    enum scb_status status = scb_file_open(dir->fd, ".", O_RDONLY | O_DIRECTORY, 0, &fd, error);
    if (status != SCB_OK)
        return status;
    DIR *listing = fdopendir(fd);
    if (listing == NULL) {
        int failed = errno;
        (void)close(fd);
        return scb_error_set_errno(error, SCB_ERROR_FILE, failed, "'%s' not listed",
                                   dir->backup_date);
    }
    for (const struct dirent *entry = readdir(listing); entry != NULL && status == SCB_OK;
         entry = readdir(listing))
        if (is_leftover(entry->d_name))
            status = scb_backup_dir_remove(dir, entry->d_name, error);
    (void)closedir(listing);
    return status;
}

enum scb_status scb_backup_dir_open_durable(const struct scb_backup_dir *dir, const char *name,
                                            struct scb_durable_file *ret_file,
                                            struct scb_error *error)
{
    return scb_durable_open(ret_file, dir->fd, name, dir->store->file_mode, error);
}

enum scb_status scb_backup_dir_sync(const struct scb_backup_dir *dir, struct scb_error *error)
{
    enum scb_status status = scb_dir_sync(dir->fd, dir->backup_date, error);
    return status == SCB_OK ? scb_dir_sync(dir->store->fd, dir->store->path, error) : status;
}

enum scb_status scb_backup_dir_open_apart(const struct scb_backup_dir *dir, const char *name,
                                          struct scb_durable_file *ret_file,
                                          struct scb_error *error)
{
    return scb_durable_open_apart(ret_file, dir->fd, name, dir->store->file_mode, error);
}

void scb_backup_dir_remove_if_empty(const struct scb_backup_dir *dir)
{
    SCB_FILE_OPERATION;
    (void)unlinkat(dir->store->fd, dir->backup_date, AT_REMOVEDIR);
}

static enum scb_status copy_file(int from_dir, const char *from, int to_dir, const char *to,
                                 mode_t mode, struct scb_error *error)
{
    SCB_AUTO(fd) int fd = -1;
    struct scb_durable_file file = {.fd = -1};
    enum scb_status status = scb_file_open(from_dir, from, O_RDONLY, 0, &fd, error);
    if (status == SCB_OK)
        status = scb_durable_open(&file, to_dir, to, mode, error);
    size_t got = 1;
    while (status == SCB_OK && got > 0) {
        char piece[64 * 1024];
        status = scb_file_read(fd, from, piece, sizeof(piece), &got, error);
        if (status == SCB_OK)
            status = scb_durable_write(&file, piece, got, error);
    }
    if (status != SCB_OK) {
        if (file.fd >= 0)
            scb_durable_abort(&file);
        return status;
    }
    return scb_durable_commit(&file, error);
}

/* The two calls that base/file has not, watched like its own. */
static int link_file(int from_fd, const char *from, int to_fd, const char *to)
{
    SCB_FILE_OPERATION;
    return linkat(from_fd, from, to_fd, to, 0);
}

static int rename_file(int dir_fd, const char *from, const char *to)
{
    SCB_FILE_OPERATION;
    return renameat(dir_fd, from, dir_fd, to);
}

/* The name may have gone over to something else since the descriptor was opened. */
static bool is_same_file(int dir_fd, const char *name, int fd)
{
    struct stat named = {0}, opened = {0};
    return fstatat(dir_fd, name, &named, AT_SYMLINK_NOFOLLOW) == 0 && fstat(fd, &opened) == 0 &&
           is_same(&named, &opened);
}

/* Whether what stands there is as long and was made after the file: its copy is not made again. */
static bool is_copied(int dir_fd, const char *name, int fd)
{
    struct stat copy = {0}, file = {0};
    if (fstatat(dir_fd, name, &copy, AT_SYMLINK_NOFOLLOW) != 0 || fstat(fd, &file) != 0)
        return false;
    bool later =
        copy.st_mtim.tv_sec > file.st_mtim.tv_sec ||
        (copy.st_mtim.tv_sec == file.st_mtim.tv_sec && copy.st_mtim.tv_nsec > file.st_mtim.tv_nsec);
    return S_ISREG(copy.st_mode) && copy.st_size == file.st_size && later;
}

enum scb_status scb_backup_dir_publish(const struct scb_backup_dir *dir, struct scb_error *error)
{
    static const char temporary[] = "." LATEST_NAME ".tmp";
    char archive[SCB_ARCHIVE_NAME_SIZE];
    scb_archive_name(dir->backup_date, archive);
    SCB_AUTO(fd) int archive_fd = -1;
    SCB_AUTO(fd) int latest_fd = -1;
    uint64_t size = 0;
    /* Looked at first: a link to a symbolic link would be one itself. */
    enum scb_status status = scb_backup_dir_read(dir, archive, &archive_fd, &size, error);
    if (status == SCB_OK)
        status = scb_dir_open_below(dir->store->fd, LATEST_DIR, true, dir->store->dir_mode,
                                    &latest_fd, error);
    if (status == SCB_OK)
        status = scb_file_remove(latest_fd, temporary, error);
    if (status != SCB_OK)
        return status;
    if (link_file(dir->fd, archive, latest_fd, temporary) != 0) {
        if (errno == EPERM || errno == EOPNOTSUPP || errno == EMLINK || errno == EXDEV ||
            errno == ENOSYS) {
            if (!is_copied(latest_fd, LATEST_NAME, archive_fd))
                status = copy_file(dir->fd, archive, latest_fd, LATEST_NAME, dir->store->file_mode,
                                   error);
            return status == SCB_OK ? scb_backup_dir_sync(dir, error) : status;
        }
        return scb_error_set_errno(error, SCB_ERROR_FILE, errno, "latest/%s not linked",
                                   LATEST_NAME);
    }
    if (!is_same_file(latest_fd, temporary, archive_fd)) {
        (void)unlinkat(latest_fd, temporary, 0);
        return scb_error_set(error, SCB_ERROR_FILE, "%s was replaced while it was linked", archive);
    }
    if (rename_file(latest_fd, temporary, LATEST_NAME) != 0) {
        int failed = errno;
        (void)unlinkat(latest_fd, temporary, 0);
        return scb_error_set_errno(error, SCB_ERROR_FILE, failed, "latest/%s not renamed",
                                   LATEST_NAME);
    }
    /* A rename onto the same inode does nothing and leaves the temporary name. */
    status = scb_file_remove(latest_fd, temporary, error);
    if (status == SCB_OK)
        status = scb_dir_sync(latest_fd, LATEST_DIR, error);
    return status == SCB_OK ? scb_backup_dir_sync(dir, error) : status; /* latest/ may be new */
}

enum scb_status scb_store_read_latest(const struct scb_store *store, int *ret_fd,
                                      struct scb_error *error)
{
    SCB_AUTO(fd) int latest_fd = -1;
    SCB_AUTO(fd) int fd = -1;
    struct stat about = {0};
    enum scb_status status =
        scb_dir_open_below(store->fd, LATEST_DIR, false, store->dir_mode, &latest_fd, error);
    if (status == SCB_OK)
        status = scb_file_open(latest_fd, LATEST_NAME, O_RDONLY | O_NONBLOCK, 0, &fd, error);
    if (status != SCB_OK)
        return status;
    if (fstat(fd, &about) != 0 || !S_ISREG(about.st_mode))
        return scb_error_set(error, SCB_ERROR_FILE, "'%s' is no regular file", LATEST_NAME);
    *ret_fd = fd;
    fd = -1;
    return SCB_OK;
}
