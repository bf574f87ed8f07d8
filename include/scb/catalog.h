/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The status database: which backups exist, how far they are, which pages are done. It is an index
 * over the manifests for completed backups and the truth for unfinished ones (SPEC 4 and 9).
 * One thread at a time may use a catalog; several processes may use one database.
 */
#ifndef SCB_CATALOG_H
#define SCB_CATALOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "scb/error.h"
#include "scb/verify.h"

#pragma GCC visibility push(default)

enum scb_backup_state { SCB_BACKUP_IN_PROGRESS, SCB_BACKUP_COMPLETED, SCB_BACKUP_FAILED };

/* "in_progress", "completed", "failed". */
const char *scb_backup_state_name(enum scb_backup_state state);

/* A row of backup_final_status with what `status` adds. Numbers are -1 where they are NULL. */
struct scb_backup_record {
    char backup_date[24];
    enum scb_backup_state state;
    int64_t created_at_ms;
    int64_t completed_at_ms;
    int64_t total_pages;
    int64_t total_keys;
    char backup_file_path[256]; /* relative to backup_dir; "" for none */
    char error_message[1024];   /* "" for none */
    char checksum[65];          /* SHA-256 of the archive in hex; "" for none */
    int64_t file_size;
    int64_t pages_completed;
    int64_t pages_failed;
    int64_t block_number;
    char block_hash[67]; /* "0x…"; "" before the run pinned one */
    char run_id[17];     /* of the run that worked on it last, as in its log; "" where not known */
    bool held;           /* cleanup leaves it (scb_catalog_hold) */
};

/* A row of backup_page_status, with the page's warnings. */
struct scb_page_record {
    uint64_t page_number;
    enum scb_backup_state state;
    int64_t completed_at_ms; /* when its result was recorded; read back for completed pages only */
    uint64_t keys_count;
    uint64_t file_size;
    uint8_t sha256[32];
    char file_path[80]; /* of a completed one, relative to backup_dir */
    uint64_t empty_keys, empty_versions, duplicate_keys;
    char error_message[512]; /* "" for none */
};

/* What a run was started with, kept so that a resume uses the same (table backup_run). */
struct scb_run_record {
    char backup_date[24];
    uint64_t chain_id;
    uint8_t contract[20];
    uint64_t block_number;
    uint8_t block_hash[32];
    uint64_t block_time; /* seconds since the epoch */
    uint64_t page_size;
    uint64_t total_keys;
    uint64_t total_pages;
    uint64_t generation; /* raised by every start over and re-pin */
    /* How its pages were read, "" where that is not known (made from a manifest, say). */
    char page_function[256];
    char total_function[256];
    uint64_t max_key_size, max_value_size; /* bytes; its pages were checked against them */
    uint64_t quorum;                       /* endpoints that gave each of its pages; 0: not known */
    char run_id[17];                       /* of the run that works on it; "": not known */
    char recipients[4096]; /* whom its page files are encrypted to, "age1...,age1..."; "": plain */
};

/* The ways to prove a backup. */
enum scb_check_kind {
    SCB_CHECK_VERIFY,             /* it is what was written */
    SCB_CHECK_TEST_RESTORE,       /* and could be restored: into a scratch database, */
    SCB_CHECK_TEST_RESTORE_CHAIN, /* onto a scratch chain */
};

/* "verify", "test_restore", "test_restore_chain". */
const char *scb_check_kind_name(enum scb_check_kind kind);

/* What came of it the last time (table backup_check). */
struct scb_check_record {
    enum scb_check_kind kind;
    int64_t checked_at_ms;
    enum scb_verify_outcome outcome;
    uint64_t keys; /* looked at */
    int64_t duration_ms;
    char message[512]; /* what was wrong; "" for nothing */
};

struct scb_catalog;

/*
 * Opens "sqlite:///absolute/path.db" (made, with its tables, where it is not there and create is
 * set; NotFoundError otherwise) and brings it to this program's version by numbered migrations.
 * ValidationError for a URL of another kind and for a database newer than this program.
 */
SCB_MUST_CHECK enum scb_status scb_catalog_open(const char *url, bool create,
                                                struct scb_catalog **ret_catalog,
                                                struct scb_error *error);
void scb_catalog_close(struct scb_catalog *catalog);

/*
 * Starts a backup, or starts it over: in one transaction the row becomes in_progress, what the run
 * is pinned to is kept, the generation is raised and the rows of its pages are deleted. A
 * completed backup is never touched (BusyError). run->generation receives the new one.
 */
SCB_MUST_CHECK enum scb_status scb_catalog_start(struct scb_catalog *catalog,
                                                 struct scb_run_record *run, int64_t now_ms,
                                                 struct scb_error *error);
/* An interrupted or failed backup goes on: in_progress again, its error forgotten, and its pages
 * are checked against run's size limits from now on. */
SCB_MUST_CHECK enum scb_status scb_catalog_resume(struct scb_catalog *catalog,
                                                  const struct scb_run_record *run,
                                                  struct scb_error *error);
/* What an earlier run was pinned to; NotFoundError where none was, though there be a failed row. */
SCB_MUST_CHECK enum scb_status scb_catalog_get_run(struct scb_catalog *catalog,
                                                   const char *backup_date,
                                                   struct scb_run_record *ret_run,
                                                   struct scb_error *error);
/* Inserts or replaces many page rows in one transaction. */
SCB_MUST_CHECK enum scb_status scb_catalog_record_pages(struct scb_catalog *catalog,
                                                        const char *backup_date,
                                                        const struct scb_page_record *pages,
                                                        size_t count, struct scb_error *error);
/* The backup is done: committed to the disk itself before this returns. */
SCB_MUST_CHECK enum scb_status scb_catalog_complete(struct scb_catalog *catalog,
                                                    const struct scb_backup_record *backup,
                                                    struct scb_error *error);
/*
 * The run ended with an error; what was finished stays. One that failed before it was pinned gets
 * its row here (created now_ms); scb_catalog_get_run knows nothing of it, so that it starts over.
 */
SCB_MUST_CHECK enum scb_status scb_catalog_fail(struct scb_catalog *catalog,
                                                const char *backup_date, const char *message,
                                                int64_t now_ms, struct scb_error *error);

/* A completed backup is no longer there: failed from now on, with the reason. Others stay. */
SCB_MUST_CHECK enum scb_status scb_catalog_invalidate(struct scb_catalog *catalog,
                                                      const char *backup_date, const char *message,
                                                      struct scb_error *error);
/* A held backup is never deleted, until it is released. NotFoundError. */
SCB_MUST_CHECK enum scb_status scb_catalog_hold(struct scb_catalog *catalog,
                                                const char *backup_date, bool held, int64_t now_ms,
                                                struct scb_error *error);
/*
 * Forgets a backup, all its rows in one transaction that is on the disk before this returns.
 * BusyError for a held one; none of that date is fine. Its files are the caller's.
 */
SCB_MUST_CHECK enum scb_status scb_catalog_delete(struct scb_catalog *catalog,
                                                  const char *backup_date, struct scb_error *error);

/* One backup; NotFoundError. */
SCB_MUST_CHECK enum scb_status scb_catalog_get(struct scb_catalog *catalog, const char *backup_date,
                                               struct scb_backup_record *ret_backup,
                                               struct scb_error *error);
/* The newest one by date, of any state or completed only; NotFoundError. */
SCB_MUST_CHECK enum scb_status scb_catalog_newest(struct scb_catalog *catalog, bool completed_only,
                                                  struct scb_backup_record *ret_backup,
                                                  struct scb_error *error);

/*
 * Called for every row; anything but SCB_OK ends the walk and is returned. A visitor may read the
 * catalog, except by the walk that called it, and must not change it.
 */
typedef enum scb_status (*scb_catalog_backup_visitor)(void *state,
                                                      const struct scb_backup_record *backup,
                                                      struct scb_error *error);
typedef enum scb_status (*scb_catalog_page_visitor)(void *state, const struct scb_page_record *page,
                                                    struct scb_error *error);
/* Backups, newest first, at most limit (0 = all). */
SCB_MUST_CHECK enum scb_status scb_catalog_list(struct scb_catalog *catalog, uint64_t limit,
                                                scb_catalog_backup_visitor visit, void *state,
                                                struct scb_error *error);
/* The same, of those whose date is before this one; NULL: all. */
SCB_MUST_CHECK enum scb_status scb_catalog_list_before(struct scb_catalog *catalog,
                                                       const char *before, uint64_t limit,
                                                       scb_catalog_backup_visitor visit,
                                                       void *state, struct scb_error *error);
/* A backup's pages in order of their numbers. */
SCB_MUST_CHECK enum scb_status scb_catalog_pages(struct scb_catalog *catalog,
                                                 const char *backup_date,
                                                 scb_catalog_page_visitor visit, void *state,
                                                 struct scb_error *error);
/* The same from page first on, at most limit (0 = all). */
SCB_MUST_CHECK enum scb_status scb_catalog_pages_from(struct scb_catalog *catalog,
                                                      const char *backup_date, uint64_t first,
                                                      uint64_t limit,
                                                      scb_catalog_page_visitor visit, void *state,
                                                      struct scb_error *error);

/* Keeps what came of a check, instead of the last of its kind. */
SCB_MUST_CHECK enum scb_status scb_catalog_record_check(struct scb_catalog *catalog,
                                                        const char *backup_date,
                                                        const struct scb_check_record *check,
                                                        struct scb_error *error);
typedef enum scb_status (*scb_catalog_check_visitor)(void *state,
                                                     const struct scb_check_record *check,
                                                     struct scb_error *error);
/* The last check of each kind, where there was one. */
SCB_MUST_CHECK enum scb_status scb_catalog_checks(struct scb_catalog *catalog,
                                                  const char *backup_date,
                                                  scb_catalog_check_visitor visit, void *state,
                                                  struct scb_error *error);

/* Which backup is the next to be checked. Times are -1 where there was none. */
struct scb_check_times {
    char longest_ago[24];   /* the completed backup that was verified the longest time ago; of those
                             * that never were, the newest */
    int64_t verified_at_ms; /* when that was */
    char newest[24];        /* the newest completed one; "" where there is none, like the other */
    int64_t restored_at_ms; /* when a test restore was made, of any backup */
};
/* Checks after until_ms do not count: a clock was ahead. */
SCB_MUST_CHECK enum scb_status scb_catalog_check_times(struct scb_catalog *catalog,
                                                       int64_t until_ms,
                                                       struct scb_check_times *ret_times,
                                                       struct scb_error *error);

#pragma GCC visibility pop

#endif
