/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where a backup's files live: below backup_dir, one directory a backup, and latest/ (SPEC 4).
 * Knows names and durability, not what is in the files.
 */
#ifndef SCB_STORE_STORE_H
#define SCB_STORE_STORE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "base/file.h"
#include "observe/metrics.h"
#include "scb/error.h"

struct scb_store;

struct scb_store_settings {
    const char *dir;             /* backup.backup_dir */
    const char *group;           /* a Unix group that may read; "" for none */
    uint64_t min_free_bytes;     /* backup.min_free_space */
    struct scb_metrics *metrics; /* may be NULL */
};

/* ValidationError where the system knows no group of this name. */
SCB_MUST_CHECK enum scb_status scb_store_find_group(const char *name, gid_t *ret_gid,
                                                    struct scb_error *error);

/* Opens backup_dir, making it where create is set; NotFoundError where it is not there. */
SCB_MUST_CHECK enum scb_status scb_store_open(const struct scb_store_settings *settings,
                                              bool create, struct scb_store **ret_store,
                                              struct scb_error *error);
void scb_store_close(struct scb_store *store);

/* ResourceError when less than min_free_bytes, or hardly an inode, is left. */
SCB_MUST_CHECK enum scb_status scb_store_check_space(const struct scb_store *store,
                                                     struct scb_error *error);

/* Whether a directory is backup_dir or lies anywhere in it. */
SCB_MUST_CHECK enum scb_status scb_store_contains(const struct scb_store *store, int dir_fd,
                                                  bool *ret_contains, struct scb_error *error);

/* A small file of backup_dir itself (".source.json"): read whole, written durably. */
SCB_MUST_CHECK enum scb_status scb_store_read(const struct scb_store *store, const char *name,
                                              struct scb_buffer *out, struct scb_error *error);
SCB_MUST_CHECK enum scb_status scb_store_write(const struct scb_store *store, const char *name,
                                               const void *data, size_t size,
                                               struct scb_error *error);

/*
 * The right to work on a backup: a kernel lock, gone with its owner. BusyError says who has it and
 * since when. backup_date is checked before it is used as a name, here and below.
 */
struct scb_store_lock;
SCB_MUST_CHECK enum scb_status scb_store_lock(const struct scb_store *store,
                                              const char *backup_date,
                                              const struct scb_clock *clock,
                                              struct scb_store_lock **ret_lock,
                                              struct scb_error *error);
/* The same for those who only read it; they share. *ret_lock stays NULL where there is no lock
 * file, or none that may be opened. */
SCB_MUST_CHECK enum scb_status scb_store_lock_shared(const struct scb_store *store,
                                                     const char *backup_date,
                                                     struct scb_store_lock **ret_lock,
                                                     struct scb_error *error);
/* The right to make backups in this directory at all: one process at a time. */
SCB_MUST_CHECK enum scb_status scb_store_lock_writer(const struct scb_store *store,
                                                     const struct scb_clock *clock,
                                                     struct scb_store_lock **ret_lock,
                                                     struct scb_error *error);
void scb_store_unlock(struct scb_store_lock *lock);
/* Whether somebody has the right to work on the backup now; readers do not count. */
SCB_MUST_CHECK enum scb_status scb_store_is_worked_on(const struct scb_store *store,
                                                      const char *backup_date, bool *ret_worked_on,
                                                      struct scb_error *error);

/* One backup's directory. NotFoundError where it is not there and create is not set. */
struct scb_backup_dir;
SCB_MUST_CHECK enum scb_status scb_backup_dir_open(const struct scb_store *store,
                                                   const char *backup_date, bool create,
                                                   struct scb_backup_dir **ret_dir,
                                                   struct scb_error *error);
void scb_backup_dir_close(struct scb_backup_dir *dir);

/* A whole file, written in place and not synced: its checksum decides whether it counts. */
SCB_MUST_CHECK enum scb_status scb_backup_dir_write(const struct scb_backup_dir *dir,
                                                    const char *name, struct scb_bytes data,
                                                    struct scb_error *error);
/* The same in pieces: the descriptor is the caller's to close. */
SCB_MUST_CHECK enum scb_status scb_backup_dir_create(const struct scb_backup_dir *dir,
                                                     const char *name, int *ret_fd,
                                                     struct scb_error *error);
/* For reading, with its size; NotFoundError. */
SCB_MUST_CHECK enum scb_status scb_backup_dir_read(const struct scb_backup_dir *dir,
                                                   const char *name, int *ret_fd,
                                                   uint64_t *ret_size, struct scb_error *error);
SCB_MUST_CHECK enum scb_status scb_backup_dir_remove(const struct scb_backup_dir *dir,
                                                     const char *name, struct scb_error *error);
/* Removes page files and temporary files: what a run at another block has left. */
SCB_MUST_CHECK enum scb_status scb_backup_dir_clear(const struct scb_backup_dir *dir,
                                                    struct scb_error *error);
/* A file that becomes name when it is committed. */
SCB_MUST_CHECK enum scb_status scb_backup_dir_open_durable(const struct scb_backup_dir *dir,
                                                           const char *name,
                                                           struct scb_durable_file *ret_file,
                                                           struct scb_error *error);
/*
 * The same for those who only read the backup, since they share its lock: two of them do not meet,
 * and the next removes what a killed one has left (base/durable_apart).
 */
SCB_MUST_CHECK enum scb_status scb_backup_dir_open_apart(const struct scb_backup_dir *dir,
                                                         const char *name,
                                                         struct scb_durable_file *ret_file,
                                                         struct scb_error *error);
/* After this the names in this directory, and its own in backup_dir, outlast a power cut. */
SCB_MUST_CHECK enum scb_status scb_backup_dir_sync(const struct scb_backup_dir *dir,
                                                   struct scb_error *error);
/* Removes the directory where it is empty: what a run that never got going leaves. */
void scb_backup_dir_remove_if_empty(const struct scb_backup_dir *dir);

/*
 * latest/backup_latest.zip becomes this backup's archive: a hard link where the file system has
 * them, a copy else, swapped by rename so that it is whole at any instant.
 */
SCB_MUST_CHECK enum scb_status scb_backup_dir_publish(const struct scb_backup_dir *dir,
                                                      struct scb_error *error);

/* What stands in latest/, for reading; NotFoundError. */
SCB_MUST_CHECK enum scb_status scb_store_read_latest(const struct scb_store *store, int *ret_fd,
                                                     struct scb_error *error);

enum { SCB_ARCHIVE_NAME_SIZE = 48 };

/* "backup_2024-01-15.zip" */
void scb_archive_name(const char *backup_date, char ret_name[SCB_ARCHIVE_NAME_SIZE]);

#endif
