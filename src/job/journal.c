/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Design: JSON lines, a head and then a record each. A line that a crash tore was never synced, so
 * nothing of it was sent: it is cut off when the file is opened again.
 */
#include "job/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/file.h"
#include "base/json_load.h"
#include "base/memory.h"
#include "job/journal_record.h"

enum { MAX_LINE = 640 * 1024, MAX_HEAD = 8192, MAX_OLDER = 64 * 1024, NAME_SIZE = 160 };

/* Where a record stands. */
struct place {
    uint64_t nonce;
    off_t at;
    size_t size;
};

struct scb_journal {
    int dir_fd, fd, lock_fd;
    char name[NAME_SIZE];
    off_t end;
    scb_wei spent; /* the last record's, as spent_below */
    uint64_t spent_below;
    struct scb_journal_cipher cipher;
    struct scb_buffer line, raw, older;
    struct place *places;
    size_t count, room, next;
};

static enum scb_status sync_file(struct scb_journal *journal, struct scb_error *error)
{
    if (fdatasync(journal->fd) == 0)
        return SCB_OK;
    return scb_error_set_errno(error, SCB_ERROR_FILE, errno, "journal %s not synced",
                               journal->name);
}

/* Reads the line that begins at an offset; *ret_size is 0 where no whole line does. */
static enum scb_status read_line(struct scb_journal *journal, off_t at, size_t *ret_size,
                                 struct scb_error *error)
{
    struct scb_buffer *line = &journal->line;
    enum scb_status status = scb_buffer_reserve(line, MAX_LINE - line->size, error);
    scb_buffer_clear(line);
    *ret_size = 0;
    while (status == SCB_OK && line->size < MAX_LINE) {
        size_t wanted = line->size == 0 ? 4096 : MAX_LINE - line->size;
        ssize_t got = pread(journal->fd, line->data + line->size, wanted, at + (off_t)line->size);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return scb_error_set_errno(error, SCB_ERROR_FILE, errno, "journal %s not read",
                                       journal->name);
        const uint8_t *end = got == 0 ? NULL : memchr(line->data + line->size, '\n', (size_t)got);
        line->size += (size_t)got;
        if (end != NULL)
            *ret_size = (size_t)(end - line->data) + 1;
        if (end != NULL || got == 0)
            break;
    }
    return status;
}

static enum scb_status add_place(struct scb_journal *journal, struct place place,
                                 struct scb_error *error)
{
    if (journal->count == journal->room) {
        size_t room = journal->room == 0 ? 256 : 2 * journal->room;
        struct place *grown = scb_realloc(journal->places, room, sizeof(*grown), error);
        if (grown == NULL)
            return SCB_ERROR_RESOURCE;
        journal->places = grown;
        journal->room = room;
    }
    journal->places[journal->count++] = place;
    return SCB_OK;
}

/* The line there was not read; error says why. */
static enum scb_status not_read(const struct scb_journal *journal, off_t at,
                                struct scb_error *error)
{
    enum scb_status status =
        scb_error_wrap(error, "journal %s: the line at byte %lld", journal->name, (long long)at);
    if (status == SCB_ERROR_INTEGRITY)
        scb_error_hint(error, "wait until the account's transactions are mined, then move the file "
                              "away and run the same again");
    return status;
}

static void take_spent(struct scb_journal *journal, const json_t *record)
{
    scb_wei spent = 0;
    const json_t *below = json_object_get(record, "spent_below");
    if (!json_is_integer(below) ||
        scb_wei_quantity(json_object_get(record, "spent"), "spent", &spent, NULL) != SCB_OK)
        return;
    journal->spent = spent;
    journal->spent_below = (uint64_t)json_integer_value(below);
}

/* Goes over the records, keeps the places of those from a nonce on; *ret_end is where the last
 * whole line ends. */
static enum scb_status scan(struct scb_journal *journal, uint64_t nonce, off_t *ret_end,
                            struct scb_error *error)
{
    size_t size = 0;
    off_t at = 0;
    journal->count = journal->next = 0;
    enum scb_status status = read_line(journal, at, &size, error);
    for (at = (off_t)size; status == SCB_OK && size > 0; at += (off_t)size) {
        status = read_line(journal, at, &size, error);
        if (status != SCB_OK || size == 0)
            break;
        json_auto_t *record = NULL;
        status = scb_json_load((struct scb_bytes){journal->line.data, size}, &record, error);
        const json_t *number = json_object_get(record, "nonce");
        if (status == SCB_OK && !json_is_integer(number))
            status = scb_error_set(error, SCB_ERROR_INTEGRITY, "it is no record");
        if (status != SCB_OK)
            return not_read(journal, at, error);
        uint64_t its = (uint64_t)json_integer_value(number);
        take_spent(journal, record);
        if (its >= nonce)
            status = add_place(journal, (struct place){its, at, size}, error);
    }
    *ret_end = at;
    return status;
}

static enum scb_status begin_anew(struct scb_journal *journal, const struct scb_buffer *head,
                                  struct scb_error *error)
{
    if (ftruncate(journal->fd, 0) != 0)
        return scb_error_set_errno(error, SCB_ERROR_FILE, errno, "journal %s not emptied",
                                   journal->name);
    journal->end = 0;
    enum scb_status status =
        scb_file_write(journal->fd, journal->name, head->data, head->size, error);
    if (status == SCB_OK)
        status = sync_file(journal, error);
    if (status == SCB_OK)
        status = scb_dir_sync(journal->dir_fd, journal->name, error);
    journal->end = (off_t)head->size;
    return status;
}

/* Takes over what is there, where it is the owner's. */
static enum scb_status take_over(struct scb_journal *journal, const struct scb_journal_owner *owner,
                                 bool *ret_left, struct scb_error *error)
{
    SCB_AUTO(buffer) struct scb_buffer head = {.max = MAX_HEAD};
    size_t size = 0;
    enum scb_status status = scb_journal_head_make(owner, &head, error);
    if (status == SCB_OK)
        status = read_line(journal, 0, &size, error);
    if (status != SCB_OK)
        return status;
    *ret_left = false;
    if (size != head.size || memcmp(journal->line.data, head.data, size) != 0)
        return begin_anew(journal, &head, error);
    status = scan(journal, 0, &journal->end, error);
    if (status != SCB_OK)
        return status;
    *ret_left = journal->count > 0;
    if (ftruncate(journal->fd, journal->end) != 0)
        return scb_error_set_errno(error, SCB_ERROR_FILE, errno, "journal %s not cut",
                                   journal->name);
    return sync_file(journal, error);
}

/* An account's nonces are of all its contracts, so its lock is too. The file stays for ever: who
 * waits at one that is gone would hold a lock that nobody else sees. */
static enum scb_status lock(struct scb_journal *journal, const struct scb_journal_owner *owner,
                            struct scb_error *error)
{
    char name[NAME_SIZE], account[SCB_ADDRESS_TEXT_SIZE];
    scb_address_format(&owner->account, account);
    (void)snprintf(name, sizeof(name), "restore-%" PRIu64 "-%s.lock", owner->chain_id, account);
    enum scb_status status =
        scb_file_open(journal->dir_fd, name, O_RDWR | O_CREAT, 0600, &journal->lock_fd, error);
    if (status != SCB_OK || flock(journal->lock_fd, LOCK_EX | LOCK_NB) == 0)
        return status;
    if (errno != EWOULDBLOCK)
        return scb_error_set_errno(error, SCB_ERROR_FILE, errno, "%s not locked", name);
    scb_error_set(error, SCB_ERROR_BUSY, "another restore with account %s is running", account);
    return scb_error_hint(error, "wait for its end, for each would take the other's nonces");
}

static enum scb_status open_cipher(struct scb_journal *journal,
                                   const struct scb_journal_owner *owner, struct scb_error *error)
{
    if (owner->recipients == NULL)
        return SCB_OK;
    enum scb_status status = scb_age_writer_new(owner->recipients->items, owner->recipients->count,
                                                &journal->cipher.writer, error);
    return status == SCB_OK ? scb_age_reader_new(owner->identities, &journal->cipher.reader, error)
                            : status;
}

enum scb_status scb_journal_open(const char *dir, const struct scb_journal_owner *owner,
                                 struct scb_journal **ret_journal, bool *ret_left,
                                 struct scb_error *error)
{
    struct scb_journal *journal = scb_alloc(1, sizeof(*journal), error);
    if (journal == NULL)
        return SCB_ERROR_RESOURCE;
    char contract[SCB_ADDRESS_TEXT_SIZE], account[SCB_ADDRESS_TEXT_SIZE];
    scb_address_format(&owner->contract, contract);
    scb_address_format(&owner->account, account);
    (void)snprintf(journal->name, sizeof(journal->name), "restore-%" PRIu64 "-%s-%s.journal",
                   owner->chain_id, contract, account);
    journal->dir_fd = journal->fd = journal->lock_fd = -1;
    journal->spent_below = UINT64_MAX;
    journal->line.max = journal->raw.max = MAX_LINE;
    journal->older.max = MAX_OLDER;
    enum scb_status status = open_cipher(journal, owner, error);
    if (status == SCB_OK)
        status = scb_dir_open(dir, true, 0700, &journal->dir_fd, error);
    if (status == SCB_OK)
        status = lock(journal, owner, error);
    if (status == SCB_OK)
        status = scb_file_open(journal->dir_fd, journal->name, O_RDWR | O_CREAT | O_APPEND, 0600,
                               &journal->fd, error);
    if (status == SCB_OK)
        status = take_over(journal, owner, ret_left, error);
    if (status != SCB_OK) {
        scb_journal_close(journal);
        return status;
    }
    *ret_journal = journal;
    return SCB_OK;
}

void scb_journal_close(struct scb_journal *journal)
{
    if (journal == NULL)
        return;
    scb_fd_cleanup(&journal->fd);
    scb_fd_cleanup(&journal->lock_fd);
    scb_fd_cleanup(&journal->dir_fd);
    scb_age_writer_free(journal->cipher.writer);
    scb_age_reader_free(journal->cipher.reader);
    scb_buffer_free(&journal->line);
    scb_buffer_free(&journal->raw);
    scb_buffer_free(&journal->older);
    free(journal->places);
    free(journal);
}

enum scb_status scb_journal_append(struct scb_journal *journal,
                                   const struct scb_signed *transactions, size_t count,
                                   struct scb_error *error)
{
    enum scb_status status = SCB_OK;
    for (size_t i = 0; i < count && status == SCB_OK; i++) {
        status = scb_journal_record_make(&transactions[i], &journal->cipher, &journal->line, error);
        if (status == SCB_OK)
            status = scb_file_write(journal->fd, journal->name, journal->line.data,
                                    journal->line.size, error);
    }
    return status == SCB_OK ? sync_file(journal, error) : status;
}

static int by_nonce(const void *a, const void *b)
{
    const struct place *left = a, *right = b;
    if (left->nonce != right->nonce)
        return left->nonce < right->nonce ? -1 : 1;
    return left->at < right->at ? -1 : left->at > right->at;
}

/* Whether the next record is of the same nonce. */
static bool has_successor(const struct scb_journal *journal, size_t i)
{
    return i + 1 < journal->count && journal->places[i].nonce == journal->places[i + 1].nonce;
}

enum scb_status scb_journal_rewind(struct scb_journal *journal, uint64_t nonce, uint64_t *ret_count,
                                   struct scb_error *error)
{
    off_t end = 0;
    enum scb_status status = scan(journal, nonce, &end, error);
    if (status != SCB_OK)
        return status;
    if (journal->count > 0)
        qsort(journal->places, journal->count, sizeof(*journal->places), by_nonce);
    *ret_count = 0;
    for (size_t i = 0; i < journal->count; i++)
        *ret_count += !has_successor(journal, i);
    return SCB_OK;
}

/* The record at the next place. */
static enum scb_status read_next(struct scb_journal *journal, struct scb_signed *ret_transaction,
                                 struct scb_error *error)
{
    const struct place *place = &journal->places[journal->next++];
    size_t size = 0;
    enum scb_status status = read_line(journal, place->at, &size, error);
    if (status != SCB_OK)
        return status;
    json_auto_t *record = NULL;
    status = scb_json_load((struct scb_bytes){journal->line.data, size}, &record, error);
    if (status == SCB_OK)
        status = scb_journal_record_read(record, &journal->cipher, &journal->raw, ret_transaction,
                                         error);
    return status == SCB_OK ? SCB_OK : not_read(journal, place->at, error);
}

enum scb_status scb_journal_next(struct scb_journal *journal, bool *ret_more,
                                 struct scb_signed *ret_transaction, struct scb_error *error)
{
    enum scb_status status = SCB_OK;
    struct scb_signed made = {0};
    scb_buffer_clear(&journal->older);
    *ret_more = journal->next < journal->count;
    while (status == SCB_OK && has_successor(journal, journal->next)) {
        status = read_next(journal, &made, error);
        if (status == SCB_OK)
            status = scb_buffer_append(&journal->older, made.hash, sizeof(made.hash), error);
    }
    if (status == SCB_OK && *ret_more)
        status = read_next(journal, &made, error);
    made.older = scb_buffer_bytes(&journal->older);
    if (status == SCB_OK && *ret_more)
        *ret_transaction = made;
    return status;
}

void scb_journal_spent(const struct scb_journal *journal, scb_wei *ret_spent, uint64_t *ret_below)
{
    *ret_spent = journal->spent;
    *ret_below = journal->spent_below;
}

enum scb_status scb_journal_remove(struct scb_journal *journal, struct scb_error *error)
{
    enum scb_status status = scb_file_remove(journal->dir_fd, journal->name, error);
    return status == SCB_OK ? scb_dir_sync(journal->dir_fd, journal->name, error) : status;
}
