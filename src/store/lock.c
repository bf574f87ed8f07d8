/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Kernel locks (open file description locks) on files below .locks/: gone with their owner, so a
 * crash leaves none behind. What is written into them is for the message only.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file_watch.h"
#include "base/memory.h"
#include "base/text.h"
#include "store/local.h"
#include "store/store.h"

#define LOCKS_DIR ".locks"
#define WRITER    "writer"

struct scb_store_lock {
    int fd;
};

/* Readers leave no name, and the last writer's may still stand there. */
static bool is_read(int fd)
{
    struct flock held = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    return fcntl(fd, F_OFD_GETLK, &held) == 0 && held.l_type == F_RDLCK;
}

static enum scb_status refuse(int fd, const char *name, struct scb_error *error)
{
    bool read = is_read(fd);
    char owner[160] = "";
    ssize_t size = read ? 0 : pread(fd, owner, sizeof(owner) - 1, 0);
    owner[size > 0 ? (size_t)size : 0] = '\0';
    owner[strcspn(owner, "\n")] = '\0';
    char printable[192];
    (void)scb_text_printable((struct scb_bytes){(const uint8_t *)owner, strlen(owner)}, printable,
                             sizeof(printable));
    bool whole = strcmp(name, WRITER) == 0;
    (void)scb_error_set(error, SCB_ERROR_BUSY, "%s%s is being %s by %s",
                        whole ? "backup_dir" : "backup ", whole ? "" : name,
                        read ? "read" : "worked on",
                        printable[0] == '\0' ? "another process" : printable);
    (void)scb_error_hint(error, "wait for it (--lock-wait 10m), or stop that process first");
    if (error != NULL)
        error->retryable = true;
    return SCB_ERROR_BUSY;
}

/* A full disk must not keep anybody from a lock, so that this may fail. A file that has another
 * name too may be somebody's: it serves as a lock, but is not written into. */
static void name_owner(int fd, const struct scb_clock *clock)
{
    struct stat about = {0};
    if (fstat(fd, &about) != 0 || !S_ISREG(about.st_mode) || about.st_nlink != 1)
        return;
    char since[SCB_TIMESTAMP_SIZE], owner[96];
    scb_timestamp_format(scb_clock_real_ms(clock), since);
    int size = snprintf(owner, sizeof(owner), "process %ld since %s\n", (long)getpid(), since);
    if (ftruncate(fd, 0) == 0 && pwrite(fd, owner, (size_t)size, 0) == size)
        return;
}

static enum scb_status take(const struct scb_store *store, const char *name, short type,
                            const struct scb_clock *clock, struct scb_store_lock **ret_lock,
                            struct scb_error *error)
{
    SCB_FILE_OPERATION;
    bool write = type == F_WRLCK;
    SCB_AUTO(fd) int locks_fd = -1;
    SCB_AUTO(fd) int fd = -1;
    enum scb_status status =
        scb_dir_open_below(store->fd, LOCKS_DIR, write, store->dir_mode, &locks_fd, error);
    if (status == SCB_OK)
        status = scb_file_open(locks_fd, name, write ? O_RDWR | O_CREAT : O_RDONLY,
                               store->file_mode, &fd, error);
    if (status != SCB_OK)
        return status;
    struct flock whole = {.l_type = type, .l_whence = SEEK_SET};
    if (fcntl(fd, F_OFD_SETLK, &whole) != 0) {
        if (errno == EAGAIN || errno == EACCES)
            return refuse(fd, name, error);
        return scb_error_set_errno(error, SCB_ERROR_FILE, errno, "lock of %s not taken", name);
    }
    if (write)
        name_owner(fd, clock);
    struct scb_store_lock *lock = scb_alloc(1, sizeof(*lock), error);
    if (lock == NULL)
        return SCB_ERROR_RESOURCE;
    lock->fd = fd;
    fd = -1;
    *ret_lock = lock;
    return SCB_OK;
}

enum scb_status scb_store_lock(const struct scb_store *store, const char *backup_date,
                               const struct scb_clock *clock, struct scb_store_lock **ret_lock,
                               struct scb_error *error)
{
    enum scb_status status = scb_backup_date_parse(backup_date, NULL, error);
    return status != SCB_OK ? status : take(store, backup_date, F_WRLCK, clock, ret_lock, error);
}

enum scb_status scb_store_lock_shared(const struct scb_store *store, const char *backup_date,
                                      struct scb_store_lock **ret_lock, struct scb_error *error)
{
    enum scb_status status = scb_backup_date_parse(backup_date, NULL, error);
    if (status != SCB_OK)
        return status;
    struct scb_error none = {0};
    status = take(store, backup_date, F_RDLCK, NULL, ret_lock, &none);
    /* Those who may only read, or read a copy without lock files, are not kept from it. */
    if (status == SCB_OK || status == SCB_ERROR_NOT_FOUND || status == SCB_ERROR_FILE)
        return SCB_OK;
    *error = none;
    return status;
}

enum scb_status scb_store_lock_writer(const struct scb_store *store, const struct scb_clock *clock,
                                      struct scb_store_lock **ret_lock, struct scb_error *error)
{
    return take(store, WRITER, F_WRLCK, clock, ret_lock, error);
}

void scb_store_unlock(struct scb_store_lock *lock)
{
    SCB_FILE_OPERATION;
    if (lock == NULL)
        return;
    (void)close(lock->fd);
    free(lock);
}

enum scb_status scb_store_is_worked_on(const struct scb_store *store, const char *backup_date,
                                       bool *ret_worked_on, struct scb_error *error)
{
    SCB_AUTO(fd) int locks_fd = -1;
    SCB_AUTO(fd) int fd = -1;
    struct scb_error problem = {0};
    enum scb_status status = scb_backup_date_parse(backup_date, NULL, &problem);
    if (status == SCB_OK)
        status =
            scb_dir_open_below(store->fd, LOCKS_DIR, false, store->dir_mode, &locks_fd, &problem);
    if (status == SCB_OK)
        status = scb_file_open(locks_fd, backup_date, O_RDONLY, store->file_mode, &fd, &problem);
    struct flock wanted = {.l_type = F_RDLCK, .l_whence = SEEK_SET}; /* conflicts with a writer's */
    if (status == SCB_OK && fcntl(fd, F_OFD_GETLK, &wanted) != 0)
        status = scb_error_set_errno(&problem, SCB_ERROR_FILE, errno, "lock of %s not looked at",
                                     backup_date);
    if (status != SCB_OK && status != SCB_ERROR_NOT_FOUND) {
        *error = problem;
        return status;
    }
    *ret_worked_on = status == SCB_OK && wanted.l_type == F_WRLCK;
    return SCB_OK;
}
