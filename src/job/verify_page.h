/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a worker of a verification does with one page: hash, parse where it can be opened, and
 * compare with the manifest and with the page file. For job/verify's files only.
 */
#ifndef SCB_JOB_VERIFY_PAGE_H
#define SCB_JOB_VERIFY_PAGE_H

#include "crypto/digest.h"
#include "job/page_content.h"
#include "job/verify_report.h"

enum { SCB_KEY_HASH_SIZE = 12 };

/*
 * Stands for a key in the search for keys that are there twice: a seeded hash and the entry's index
 * in the contract, most significant byte first.
 */
struct scb_key_stand_in {
    uint8_t hash[SCB_KEY_HASH_SIZE];
    uint8_t index[8];
};

/* Stand-ins that are held at a time: how many entries a page has is the archive's word. */
enum { SCB_MOST_STAND_INS = 4096 };

/* A worker's tools, one set a thread; the first members are set by its owner. */
struct scb_page_verifier {
    struct scb_verify_report *report;
    const struct scb_backup_dir *dir; /* NULL: nothing lies beside the archive */
    int archive_fd;
    const struct scb_manifest *manifest;
    uint64_t seeds[2];
    /* Takes the stand-ins and empties count, also on the way through a page. */
    enum scb_status (*take)(void *state, struct scb_error *error);
    void *take_state;
    /* Gathered since it was emptied: */
    struct scb_key_stand_in *stand_ins; /* SCB_MOST_STAND_INS */
    size_t count;
    struct scb_warnings warnings; /* without duplicate keys */
    /* Its own: */
    struct scb_page_content *content;
};

SCB_MUST_CHECK enum scb_status scb_page_verifier_init(struct scb_page_verifier *verifier,
                                                      struct scb_error *error);
void scb_page_verifier_free(struct scb_page_verifier *verifier);
/* *ret_counted is set to false where the page's entries could not all be read. */
SCB_MUST_CHECK enum scb_status scb_page_verifier_run(struct scb_page_verifier *verifier,
                                                     const struct scb_archived_page *page,
                                                     bool *ret_counted, struct scb_error *error);

#endif
