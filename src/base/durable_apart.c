/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Design: the kernel gives a lock up when its process ends, however it does. Where a file system
 * has no locks, nothing is removed.
 */
#include "base/durable_apart.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file_watch.h"
#include "base/hash.h"
#include "base/memory.h"

enum { DIGITS = 16, TRIES = 8 };
static const char prefix[] = ".satellite-", suffix[] = ".tmp";

static bool is_ours(const char *name)
{
    size_t before = sizeof(prefix) - 1;
    return strncmp(name, prefix, before) == 0 &&
           strspn(name + before, "0123456789abcdef") == DIGITS &&
           strcmp(name + before + DIGITS, suffix) == 0;
}

static void remove_if_abandoned(int dir_fd, const char *name)
{
    SCB_AUTO(fd) int fd = -1;
    struct stat about;
    if (scb_file_open(dir_fd, name, O_RDONLY | O_NONBLOCK, 0, &fd, NULL) == SCB_OK &&
        fstat(fd, &about) == 0 && S_ISREG(about.st_mode) && flock(fd, LOCK_EX | LOCK_NB) == 0)
        (void)unlinkat(dir_fd, name, 0);
}

/* As far as that can be done: it is in nobody's way. */
static void remove_abandoned(int dir_fd)
{
    SCB_FILE_OPERATION;
    int fd = -1;
    if (scb_file_open(dir_fd, ".", O_RDONLY | O_DIRECTORY, 0, &fd, NULL) != SCB_OK)
        return;
    DIR *listing = fdopendir(fd);
    if (listing == NULL) {
        (void)close(fd);
        return;
    }
    for (const struct dirent *entry = readdir(listing); entry != NULL; entry = readdir(listing))
        if (is_ours(entry->d_name))
            remove_if_abandoned(dir_fd, entry->d_name);
    (void)closedir(listing);
}

/* Another may take it for abandoned until it is locked: *ret_gone then. */
static enum scb_status lock(struct scb_durable_file *file, bool *ret_gone, struct scb_error *error)
{
    SCB_FILE_OPERATION;
    struct stat about;
    (void)flock(file->fd, LOCK_EX);
    /* The same lock, which outlasts the file's own close. */
    file->lock_fd = fcntl(file->fd, F_DUPFD_CLOEXEC, 0);
    if (file->lock_fd < 0 || fstat(file->fd, &about) != 0)
        return scb_error_set_errno(error, SCB_ERROR_FILE, errno, "file '%s' not locked",
                                   file->temporary);
    *ret_gone = about.st_nlink == 0;
    return SCB_OK;
}

static enum scb_status make(struct scb_durable_file *file, mode_t mode, bool *ret_gone,
                            struct scb_error *error)
{
    uint64_t number = 0;
    enum scb_status status = scb_hash_seed(&number, error);
    (void)snprintf(file->temporary, sizeof(file->temporary), "%s%0*" PRIx64 "%s", prefix, DIGITS,
                   number, suffix);
    if (status == SCB_OK)
        status = scb_file_open(file->dir_fd, file->temporary, O_WRONLY | O_CREAT | O_EXCL, mode,
                               &file->fd, error);
    if (status != SCB_OK)
        return status;
    status = lock(file, ret_gone, error);
    if (status != SCB_OK || *ret_gone)
        scb_durable_abort(file);
    return status;
}

enum scb_status scb_durable_open_apart(struct scb_durable_file *file, int dir_fd, const char *name,
                                       mode_t mode, struct scb_error *error)
{
    *file = (struct scb_durable_file){.dir_fd = dir_fd, .fd = -1, .lock_fd = -1};
    if (strlen(name) > NAME_MAX) {
        (void)scb_error_set(error, SCB_ERROR_VALIDATION, "file name too long: '%.40s...'", name);
        (void)scb_error_hint(error, "give a shorter one");
        return SCB_ERROR_VALIDATION;
    }
    (void)snprintf(file->name, sizeof(file->name), "%s", name);
    remove_abandoned(dir_fd);
    enum scb_status status = SCB_OK;
    bool gone = true;
    for (int i = 0; status == SCB_OK && gone && i < TRIES; i++)
        status = make(file, mode, &gone, error);
    return status == SCB_OK && gone
               ? scb_error_set(error, SCB_ERROR_FILE, "file '%s' is removed as soon as it is made",
                               file->temporary)
               : status;
}
