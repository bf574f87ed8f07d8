/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What backups are opened and believed with: the identities that decrypt them, read from their file
 * when the first encrypted backup asks for them, and the identities whose signatures count.
 */
#ifndef SCB_JOB_BACKUP_KEYS_H
#define SCB_JOB_BACKUP_KEYS_H

#include "crypto/age_identities.h"
#include "crypto/identity.h"
#include "format/manifest.h"
#include "scb/error.h"
#include "scb/service.h"

struct scb_backup_keys;

struct scb_backup_keys_settings {
    const char *identity_file; /* "" for none; borrowed */
    /* Asks for its passphrase where it has one; NULL: nobody can be asked. */
    scb_passphrase_asker ask;
    void *ask_state;
    const char *const *trusted; /* node IDs, NULL-terminated; none: any signature will do */
};

/* Reads no file. ValidationError for what is no node ID. */
SCB_MUST_CHECK enum scb_status scb_backup_keys_new(const struct scb_backup_keys_settings *settings,
                                                   struct scb_backup_keys **ret_keys,
                                                   struct scb_error *error);
void scb_backup_keys_free(struct scb_backup_keys *keys);

/* NULL: any. Borrowed. */
const struct scb_node_ids *scb_backup_keys_trusted(const struct scb_backup_keys *keys);

/*
 * The identities for a backup; *ret_identities, borrowed until free, stays NULL for one that is not
 * encrypted. AccessError where there are none, or none of those that it is encrypted for;
 * FileSystemError or ValidationError for their file, never what is said of a backup: NotFoundError
 * or IntegrityError. One thread at a time.
 */
SCB_MUST_CHECK enum scb_status
scb_backup_keys_unlock(struct scb_backup_keys *keys, const struct scb_manifest *manifest,
                       const struct scb_age_identities **ret_identities, struct scb_error *error);

/* Whether there is no way to any identities: none are configured, or nobody can be asked. */
bool scb_backup_keys_are_absent(const struct scb_backup_keys *keys);

#endif
