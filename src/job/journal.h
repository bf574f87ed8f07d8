/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a restore has signed, written down and synced before it is sent: after a kill at any
 * instant the next run knows every transaction that may be on its way, sends those again, the very
 * same, and waits for them before it plans anything new. Those of an encrypted backup are encrypted
 * to its recipients. One file an account and contract, mode
 * 0600; it is removed when a restore is done. Beside it stands the account's lock file, which is
 * not.
 */
#ifndef SCB_JOB_JOURNAL_H
#define SCB_JOB_JOURNAL_H

#include <stdbool.h>
#include <stdint.h>

#include "crypto/age_identities.h"
#include "crypto/age_recipients.h"
#include "evm/address.h"
#include "scb/error.h"
#include "source/sender.h"

/* What a journal is of; with any other its records are of no use. */
struct scb_journal_owner {
    uint64_t chain_id;
    uint8_t genesis_hash[32];
    struct scb_address contract, account;
    char backup_date[24];
    /* Where the backup is encrypted: whom its records are encrypted to as well, and what reads
     * them; borrowed until close. NULL: they are in the clear. */
    const struct scb_age_recipients *recipients;
    const struct scb_age_identities *identities;
};

struct scb_journal;

/*
 * Opens the owner's journal below dir, which is made where it is not there; BusyError where another
 * restore works with the account, to whatever contract. *ret_left says whether an earlier restore
 * of the same owner left records; those of another backup or chain are dropped.
 */
SCB_MUST_CHECK enum scb_status scb_journal_open(const char *dir,
                                                const struct scb_journal_owner *owner,
                                                struct scb_journal **ret_journal, bool *ret_left,
                                                struct scb_error *error);
/* The file stays. */
void scb_journal_close(struct scb_journal *journal);

/* Writes and syncs; when it returns SCB_OK they can be sent. */
SCB_MUST_CHECK enum scb_status scb_journal_append(struct scb_journal *journal,
                                                  const struct scb_signed *transactions,
                                                  size_t count, struct scb_error *error);

/* Goes through the records from this nonce on; those of one nonce are one, the last, which has the
 * hashes of the others. */
SCB_MUST_CHECK enum scb_status scb_journal_rewind(struct scb_journal *journal, uint64_t nonce,
                                                  uint64_t *ret_count, struct scb_error *error);
/* What the transactions below a nonce have cost, as far as the last record knows. */
void scb_journal_spent(const struct scb_journal *journal, scb_wei *ret_spent, uint64_t *ret_below);
/* The next of them by nonce, borrowed until the next call. */
SCB_MUST_CHECK enum scb_status scb_journal_next(struct scb_journal *journal, bool *ret_more,
                                                struct scb_signed *ret_transaction,
                                                struct scb_error *error);

/* The restore is done: the file goes. */
SCB_MUST_CHECK enum scb_status scb_journal_remove(struct scb_journal *journal,
                                                  struct scb_error *error);

#endif
