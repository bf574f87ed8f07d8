/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The files of an audit log: PATH, which is appended to; PATH.<seq>, those before it, named by the
 * number of their last line; PATH.head, a copy of the last head line. Opens and locks them, finds
 * the end of the chain. What stands in a line is audit_line.h's.
 */
#ifndef SCB_ACCESS_AUDIT_FILE_H
#define SCB_ACCESS_AUDIT_FILE_H

#include <limits.h>
#include <stdint.h>
#include <sys/types.h>

#include "access/audit_line.h"

/* The log's present file, locked against everybody else until it is closed. */
struct scb_audit_file {
    int dir_fd, fd; /* -1 where not open */
    char name[NAME_MAX + 1];
    char path[PATH_MAX]; /* for messages */
    off_t size;
};

enum scb_audit_open { SCB_AUDIT_READ, SCB_AUDIT_APPEND, SCB_AUDIT_CREATE };

/*
 * NotFoundError where there is none. To create it, with its directory, is the directory's owner's
 * and root's, so that it never is another's; it gets that owner and mode 0600. Waits up to 5 s for
 * others who have it locked, then BusyError.
 */
SCB_MUST_CHECK enum scb_status scb_audit_file_open(const char *path, enum scb_audit_open how,
                                                   struct scb_audit_file *ret_file,
                                                   struct scb_error *error);
void scb_audit_file_close(struct scb_audit_file *file);
void scb_audit_file_cleanup(struct scb_audit_file *file);

/* The numbers in the names of the files before it, rising; to be freed. */
SCB_MUST_CHECK enum scb_status scb_audit_file_older(const struct scb_audit_file *file,
                                                    uint64_t **ret_numbers, size_t *ret_count,
                                                    struct scb_error *error);
void scb_audit_file_older_name(const struct scb_audit_file *file, uint64_t number,
                               char ret_name[NAME_MAX + 1]);

/* Where the chain ends. */
struct scb_audit_end {
    struct scb_audit_link link; /* what the next line goes on from */
    bool is_head;               /* the last line is one */
    bool is_torn;               /* bytes without a newline stand at the file's end */
};

/*
 * Found from the back: what is no line (a crash tore it) is passed over. Where the last head's copy
 * says that the chain was longer, it goes on from there: the gap shows for ever. IntegrityError
 * where no line can be found.
 */
SCB_MUST_CHECK enum scb_status scb_audit_file_end(const struct scb_audit_file *file,
                                                  struct scb_audit_end *ret_end,
                                                  struct scb_error *error);

/* The copy of the last head's line; *ret_found is false where there is none that can be read. */
SCB_MUST_CHECK enum scb_status scb_audit_file_head(const struct scb_audit_file *file,
                                                   bool *ret_found, struct scb_audit_link *ret_link,
                                                   struct scb_error *error);
SCB_MUST_CHECK enum scb_status scb_audit_file_keep_head(const struct scb_audit_file *file,
                                                        struct scb_bytes line,
                                                        struct scb_error *error);

/* Appends all of data or, as far as that can be had, nothing; keeps blocks for more on the disk. */
SCB_MUST_CHECK enum scb_status scb_audit_file_append(struct scb_audit_file *file,
                                                     struct scb_bytes data, bool sync,
                                                     struct scb_error *error);
/* Puts the file away under its last line's number and opens a new one, to which others may have
 * appended already. */
SCB_MUST_CHECK enum scb_status scb_audit_file_rotate(struct scb_audit_file *file, uint64_t seq,
                                                     struct scb_error *error);

#endif
