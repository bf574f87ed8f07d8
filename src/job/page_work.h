/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a worker does with a page: decode the contract's answers, check, write the page file, hash
 * and deflate it. A page may come in several answers; its bytes do not depend on that. Where the
 * backup is encrypted the page file is age(gzip(page)), made here: the plain one is nowhere.
 */
#ifndef SCB_JOB_PAGE_WORK_H
#define SCB_JOB_PAGE_WORK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buffer.h"
#include "crypto/age_recipients.h"
#include "crypto/digest.h"
#include "format/page.h"
#include "format/zip.h"
#include "job/page_check.h"
#include "job/page_seal.h"
#include "scb/error.h"
#include "store/store.h"

enum {
    /* Page files up to this are deflated whole, larger ones as a stream: size alone chooses. */
    SCB_WHOLE_PAGE_SIZE = 8 * 1024 * 1024,
    /* A packed form with more room than this is not kept for the next page. */
    SCB_KEPT_PACKED_SIZE = 256 * 1024,
};

/* What all pages of a run have in common; borrowed by each of them. */
struct scb_page_settings {
    const struct scb_backup_dir *dir;
    struct scb_page_rules rules;
    const struct scb_age_recipients *recipients; /* nobody: page files are plain */
    bool compared; /* content_sha256 is asked for: several endpoints must give the same page */
};

/* A worker's tools, one set a thread. */
struct scb_page_tools {
    struct scb_buffer json; /* a whole page, up to SCB_WHOLE_PAGE_SIZE */
    struct scb_digest digest;
    struct scb_deflater *deflater;
    struct scb_buffer deflated; /* a whole page, in room for the worst case */
    struct scb_age_writer *age; /* NULL where pages are plain */
};

SCB_MUST_CHECK enum scb_status scb_page_tools_init(struct scb_page_tools *tools,
                                                   const struct scb_age_recipients *recipients,
                                                   struct scb_error *error);
void scb_page_tools_free(struct scb_page_tools *tools);

/* A page on its way; {0} is ready for scb_page_work_begin, and used again for the next page. */
struct scb_page_work {
    uint64_t number;
    uint64_t first_entry; /* the index of its first entry in the contract */
    uint64_t keys;        /* entries it must have */
    uint64_t done;        /* entries written so far */
    /* The finished page, once done == keys: */
    uint8_t sha256[SCB_SHA256_SIZE]; /* of its file, as are size and crc32 */
    uint64_t size;
    uint32_t crc32;                          /* of a plain page only where it is whole */
    uint8_t content_sha256[SCB_SHA256_SIZE]; /* of what is in it: never of an encrypted form */
    bool whole;               /* packed holds it; else it is streamed from its file */
    struct scb_buffer packed; /* as it goes into the archive, deflated or encrypted; kept for the
                                 next page */
    struct scb_page_check check;
    /* Its own: */
    const struct scb_page_settings *settings;
    char name[SCB_PAGE_NAME_SIZE];
    struct scb_page_writer writer;
    struct scb_buffer pieces;   /* of a page that comes in several answers */
    struct scb_digest digest;   /* of the page file while it is written in pieces */
    struct scb_digest content;  /* of the page, where it differs or is all that is wanted */
    struct scb_page_seal *seal; /* of an encrypted page in pieces; NULL */
    bool checksum_only;
    bool spilled; /* the page is larger than its buffer: it goes to its file in pieces */
    int fd;       /* of the page file while it is written in pieces; -1 */
};

/* Starts page number with keys entries, the first of which is first_entry; settings stays. */
SCB_MUST_CHECK enum scb_status scb_page_work_begin(struct scb_page_work *work,
                                                   const struct scb_page_settings *settings,
                                                   uint64_t number, uint64_t first_entry,
                                                   uint64_t keys, struct scb_error *error);

/* Begins the page anew; with checksum_only a finished one, whose content_sha256 alone is asked for:
 * its page file and what else was made of it stay as they are. */
SCB_MUST_CHECK enum scb_status scb_page_work_restart(struct scb_page_work *work, bool checksum_only,
                                                     struct scb_error *error);

/* Adds the entries of one answer; the last one finishes the page file. */
SCB_MUST_CHECK enum scb_status scb_page_work_add(struct scb_page_work *work,
                                                 struct scb_page_tools *tools,
                                                 struct scb_bytes answer, uint64_t entries,
                                                 struct scb_error *error);

/*
 * Whether the page file has the recorded checksum: all that a resume must know of it. One that is
 * not there has not; FileSystemError where it cannot be read.
 */
SCB_MUST_CHECK enum scb_status scb_page_work_check(struct scb_page_work *work,
                                                   struct scb_page_tools *tools,
                                                   const uint8_t recorded[SCB_SHA256_SIZE],
                                                   bool *ret_good, struct scb_error *error);

/*
 * Takes the page file that an earlier run left, if its bytes have the recorded checksum, and
 * deflates it, since the archive is made anew (an encrypted one goes there as it is); *ret_good is
 * false where they have not and the page must be fetched again.
 */
SCB_MUST_CHECK enum scb_status scb_page_work_reuse(struct scb_page_work *work,
                                                   struct scb_page_tools *tools,
                                                   const uint8_t recorded[SCB_SHA256_SIZE],
                                                   bool *ret_good, struct scb_error *error);

/* Makes packed anew, from the file of a finished page; FileSystemError where that is no longer what
 * was written. */
SCB_MUST_CHECK enum scb_status scb_page_work_repack(struct scb_page_work *work,
                                                    struct scb_page_tools *tools,
                                                    struct scb_error *error);

/* Gives back what a finished page needs no longer; it is made again for the next one. */
void scb_page_work_slim(struct scb_page_work *work);

void scb_page_work_free(struct scb_page_work *work);

#endif
