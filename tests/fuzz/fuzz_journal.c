/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes behind the head of a restore's journal: it is refused, or gives its records in the
 * order of their nonces, and is read the same once more.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "job/journal.h"

#define OF   "0x0000000000000000000000000000000000000000"
#define NAME "restore-7-" OF "-" OF

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct scb_journal_owner owner = {.chain_id = 7, .backup_date = "2024-01-15"};
/* In memory where there is such a place: every input is synced. */
static char dir[] = "/dev/shm/fuzz-journal-XXXXXX";

static void remove_dir(void)
{
    char path[256];
    (void)snprintf(path, sizeof(path), "%s/" NAME ".journal", dir);
    (void)unlink(path);
    (void)snprintf(path, sizeof(path), "%s/restore-7-" OF ".lock", dir);
    (void)unlink(path);
    (void)rmdir(dir);
}

static void make_dir(void)
{
    if (mkdtemp(dir) == NULL) {
        (void)snprintf(dir, sizeof(dir), "/tmp/fuzz-journal-XXXXXX");
        if (mkdtemp(dir) == NULL)
            abort();
    }
    if (atexit(remove_dir) != 0)
        abort();
}

static struct scb_journal *open_journal(bool *ret_left)
{
    struct scb_journal *journal = NULL;
    struct scb_error error = {0};
    return scb_journal_open(dir, &owner, &journal, ret_left, &error) == SCB_OK ? journal : NULL;
}

/* The journal's head, as it writes it itself, and the bytes. */
static void write_journal(const uint8_t *data, size_t size)
{
    bool left = false;
    char path[256];
    (void)snprintf(path, sizeof(path), "%s/" NAME ".journal", dir);
    (void)unlink(path);
    struct scb_journal *journal = open_journal(&left);
    if (journal == NULL || left)
        abort();
    scb_journal_close(journal);
    int fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
    if (fd < 0 || (size > 0 && write(fd, data, size) != (ssize_t)size) || close(fd) != 0)
        abort();
}

static uint64_t read_all(struct scb_journal *journal)
{
    struct scb_error error = {0};
    struct scb_signed transaction;
    uint64_t count = 0, seen = 0, last = 0;
    bool more = true;
    if (scb_journal_rewind(journal, 0, &count, &error) != SCB_OK)
        return UINT64_MAX;
    while (scb_journal_next(journal, &more, &transaction, &error) == SCB_OK && more) {
        if (seen > 0 && transaction.nonce <= last)
            abort();
        last = transaction.nonce;
        seen++;
    }
    if (seen > count)
        abort();
    return seen;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static bool made;
    bool left = false;
    if (!made)
        make_dir();
    made = true;
    write_journal(data, size);
    struct scb_journal *journal = open_journal(&left);
    uint64_t seen = journal == NULL ? 0 : read_all(journal);
    scb_journal_close(journal);
    if (journal == NULL)
        return 0;
    journal = open_journal(&left);
    if (journal == NULL || read_all(journal) != seen)
        abort();
    scb_journal_close(journal);
    return 0;
}
