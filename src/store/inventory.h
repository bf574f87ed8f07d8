/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What lies in backup_dir as a whole: which backups have a directory, what they take on the disk;
 * and how one goes: renamed to .trash-<date> first, then file by file. Not for what is in a
 * backup (store.h).
 */
#ifndef SCB_STORE_INVENTORY_H
#define SCB_STORE_INVENTORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "store/store.h"

struct scb_inventory_entry {
    char backup_date[SCB_BACKUP_DATE_SIZE];
    uint64_t bytes;        /* on the disk, all files */
    int64_t archive_bytes; /* the archive's size; -1 where there is none */
};

/* Every directory that is named like a backup, newest first. */
struct scb_inventory {
    struct scb_inventory_entry *entries;
    size_t count;
    uint64_t other_bytes; /* on the disk: a latest/ that is a copy, what is left in the trash */
};

SCB_MUST_CHECK enum scb_status scb_inventory_load(const struct scb_store *store,
                                                  struct scb_inventory *ret_inventory,
                                                  struct scb_error *error);
/* One directory as it is now; NotFoundError where there is none. */
SCB_MUST_CHECK enum scb_status scb_inventory_measure(const struct scb_store *store,
                                                     const char *backup_date,
                                                     struct scb_inventory_entry *ret_entry,
                                                     struct scb_error *error);
void scb_inventory_free(struct scb_inventory *inventory);
void scb_inventory_cleanup(struct scb_inventory *inventory);
/* NULL where there is no such directory. */
const struct scb_inventory_entry *scb_inventory_find(const struct scb_inventory *inventory,
                                                     const char *backup_date);

/* Bytes of the file system: used by anybody, and free for who may not use its reserve. */
SCB_MUST_CHECK enum scb_status scb_store_space(const struct scb_store *store, uint64_t *ret_used,
                                               uint64_t *ret_free, struct scb_error *error);

/* Called before each file is removed: false ends it there, with a Canceled error. The trash keeps
 * the rest. */
struct scb_store_removal {
    bool (*go_on)(void *state); /* NULL, here or for the whole: to the end */
    void *state;
};
/*
 * Takes a backup's directory away whole, by one rename that is synced, then its files. Not being
 * there is fine. The backup's lock must be held.
 */
SCB_MUST_CHECK enum scb_status scb_store_discard(const struct scb_store *store,
                                                 const char *backup_date,
                                                 const struct scb_store_removal *removal,
                                                 struct scb_error *error);
/* Removes what a crash or an end on the way has left of discarded backups. */
SCB_MUST_CHECK enum scb_status scb_store_empty_trash(const struct scb_store *store,
                                                     const struct scb_store_removal *removal,
                                                     struct scb_error *error);

#endif
