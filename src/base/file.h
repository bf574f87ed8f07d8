/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files below a directory that was opened once. Names below it are resolved without following
 * symbolic links and without leaving it (openat2, RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS).
 * Knows nothing of backups: where which file lives is store/'s.
 */
#ifndef SCB_BASE_FILE_H
#define SCB_BASE_FILE_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buffer.h"
#include "base/stream.h"
#include "scb/error.h"

/* Opens a directory by its path (links allowed: it is the operator's), made with its parents
 * where create is set: what is made is on the disk before this returns. */
SCB_MUST_CHECK enum scb_status scb_dir_open(const char *path, bool create, mode_t mode, int *ret_fd,
                                            struct scb_error *error);
/* Makes (if it is not there) and opens a directory below dir_fd. The mode is set on a new one; its
 * name lasts once dir_fd is synced. */
SCB_MUST_CHECK enum scb_status scb_dir_open_below(int dir_fd, const char *name, bool create,
                                                  mode_t mode, int *ret_fd,
                                                  struct scb_error *error);
SCB_MUST_CHECK enum scb_status scb_dir_sync(int dir_fd, const char *name, struct scb_error *error);

/*
 * open(2) below dir_fd; O_CLOEXEC is added, a created file has exactly mode whatever the umask.
 * NotFoundError where it is not there, FileSystemError else.
 */
SCB_MUST_CHECK enum scb_status scb_file_open(int dir_fd, const char *name, int flags, mode_t mode,
                                             int *ret_fd, struct scb_error *error);
/*
 * A new, empty file for writing; what stands there under this name (an older file, another's hard
 * link, a FIFO) is not written into but loses the name.
 */
SCB_MUST_CHECK enum scb_status scb_file_create(int dir_fd, const char *name, mode_t mode,
                                               int *ret_fd, struct scb_error *error);
/* Writes all of it; name is for messages. */
SCB_MUST_CHECK enum scb_status scb_file_write(int fd, const char *name, const void *data,
                                              size_t size, struct scb_error *error);
/* Reads up to size bytes, short only at the end of the file. */
SCB_MUST_CHECK enum scb_status scb_file_read(int fd, const char *name, void *data, size_t size,
                                             size_t *ret_size, struct scb_error *error);
/* The same from offset on, up to INT64_MAX; the file's own position stays. */
SCB_MUST_CHECK enum scb_status scb_file_read_at(int fd, const char *name, uint64_t offset,
                                                void *data, size_t size, size_t *ret_size,
                                                struct scb_error *error);
/* The whole file into out, up to out->max (ResourceError beyond). */
SCB_MUST_CHECK enum scb_status scb_file_read_all(int dir_fd, const char *name,
                                                 struct scb_buffer *out, struct scb_error *error);
/* TMPDIR where that is a directory, else /var/tmp or /tmp; static or the environment's. */
const char *scb_temporary_dir(void);
/* A file of nobody else's, without a name, below TMPDIR, /var/tmp or /tmp: gone when closed. */
SCB_MUST_CHECK enum scb_status scb_file_open_unnamed(int *ret_fd, struct scb_error *error);
SCB_MUST_CHECK enum scb_status scb_file_sync(int fd, const char *name, struct scb_error *error);
/* Closes fd and reports what close says; fd is gone in any case. */
SCB_MUST_CHECK enum scb_status scb_file_close(int fd, const char *name, struct scb_error *error);
/* Removes it; not being there is fine. */
SCB_MUST_CHECK enum scb_status scb_file_remove(int dir_fd, const char *name,
                                               struct scb_error *error);

/*
 * The one durable write: a temporary file that becomes name only when whole. Open, write, then
 * commit (sync, close, rename, sync the directory) or abort (close, remove). After a commit,
 * failed or not, there is no temporary file left. A name that no file system takes is a
 * ValidationError.
 */
struct scb_durable_file {
    int dir_fd;  /* borrowed */
    int fd;      /* -1 when not open */
    int lock_fd; /* durable_apart's; -1: none */
    char name[NAME_MAX + 1];
    char temporary[NAME_MAX + 1];
};

SCB_MUST_CHECK enum scb_status scb_durable_open(struct scb_durable_file *file, int dir_fd,
                                                const char *name, mode_t mode,
                                                struct scb_error *error);
SCB_MUST_CHECK enum scb_status scb_durable_write(struct scb_durable_file *file, const void *data,
                                                 size_t size, struct scb_error *error);
SCB_MUST_CHECK enum scb_status scb_durable_commit(struct scb_durable_file *file,
                                                  struct scb_error *error);
/* The same where nothing may have the name yet: FileSystemError where something does. */
SCB_MUST_CHECK enum scb_status scb_durable_commit_new(struct scb_durable_file *file,
                                                      struct scb_error *error);
/* A commit without the directory's sync: for the first of two files that are committed together. */
SCB_MUST_CHECK enum scb_status scb_durable_rename(struct scb_durable_file *file,
                                                  struct scb_error *error);
void scb_durable_abort(struct scb_durable_file *file);

/* Open, write and commit in one. */
SCB_MUST_CHECK enum scb_status scb_file_write_durably(int dir_fd, const char *name,
                                                      const void *data, size_t size, mode_t mode,
                                                      struct scb_error *error);

/* For SCB_AUTO(fd) int fd = -1. */
void scb_fd_cleanup(int *fd);

#endif
