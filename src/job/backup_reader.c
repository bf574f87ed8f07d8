/* SPDX-License-Identifier: Apache-2.0 */
#include "job/backup_reader.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "crypto/digest.h"
#include "job/archive_pages.h"
#include "job/page_content.h"
#include "job/signature_check.h"

struct scb_backup_reader {
    struct scb_page_limits limits;
    struct scb_backup_record record;
    struct scb_store_lock *lock;
    int fd;           /* of the archive */
    struct stat file; /* as it was when it was checked */
    struct scb_archive_pages *pages;
    const struct scb_age_identities *identities; /* NULL: not encrypted */
    struct scb_page_content *content;
    struct scb_archived_page page;   /* the present one */
    struct scb_page_reader *entries; /* of the page; NULL between pages */
    uint64_t count;                  /* entries given of the page */
    bool ended;
};

enum scb_status scb_backup_find(struct scb_catalog *catalog, const char *backup_date,
                                struct scb_backup_record *ret_backup, struct scb_error *error)
{
    if (backup_date == NULL)
        return scb_catalog_newest(catalog, true, ret_backup, error);
    enum scb_status status = scb_backup_date_parse(backup_date, NULL, error);
    if (status == SCB_OK)
        status = scb_catalog_get(catalog, backup_date, ret_backup, error);
    if (status == SCB_OK && ret_backup->state != SCB_BACKUP_COMPLETED) {
        scb_error_set(error, SCB_ERROR_NOT_FOUND, "backup %s is %s", backup_date,
                      scb_backup_state_name(ret_backup->state));
        return scb_error_hint(error, "only completed backups can be read");
    }
    return status;
}

/* That it is the archive that was recorded; a record may know neither size nor SHA-256. */
static enum scb_status check_archive(const struct scb_backup_reader *reader, uint64_t size,
                                     const struct scb_backup_reader_settings *settings,
                                     struct scb_error *error)
{
    const struct scb_backup_record *record = &reader->record;
    char sha256[SCB_SHA256_TEXT_SIZE];
    enum scb_status status = SCB_OK;
    if (record->file_size >= 0 && size != (uint64_t)record->file_size)
        status = scb_error_set(error, SCB_ERROR_INTEGRITY,
                               "archive: %" PRIu64 " bytes; the database says %" PRId64, size,
                               record->file_size);
    else if (settings->check_sha256 && record->checksum[0] != '\0') {
        status = scb_digest_file(reader->fd, "archive", settings->cancel, sha256, error);
        if (status == SCB_OK && strcmp(sha256, record->checksum) != 0)
            status = scb_error_set(error, SCB_ERROR_INTEGRITY,
                                   "archive: its SHA-256 is %s; the database says %s", sha256,
                                   record->checksum);
    }
    if (status == SCB_ERROR_INTEGRITY)
        scb_error_hint(error, "it is damaged or another's; satellite backup verify says more");
    return status;
}

static enum scb_status open_archive(struct scb_backup_reader *reader, const struct scb_store *store,
                                    const struct scb_backup_reader_settings *settings,
                                    struct scb_error *error)
{
    const char *backup_date = reader->record.backup_date;
    char name[SCB_ARCHIVE_NAME_SIZE];
    scb_archive_name(backup_date, name);
    uint64_t size = 0;
    struct scb_backup_dir *dir = NULL;
    enum scb_status status = scb_store_lock_shared(store, backup_date, &reader->lock, error);
    if (status == SCB_OK)
        status = scb_backup_dir_open(store, backup_date, false, &dir, error);
    if (status == SCB_OK)
        status = scb_backup_dir_read(dir, name, &reader->fd, &size, error);
    scb_backup_dir_close(dir);
    if (status == SCB_OK && fstat(reader->fd, &reader->file) != 0)
        status = scb_error_set_errno(error, SCB_ERROR_FILE, errno, "archive");
    if (status == SCB_OK)
        status = check_archive(reader, size, settings, error);
    if (status == SCB_OK)
        status = scb_archive_pages_open(reader->fd, size, backup_date, &reader->pages, error);
    return status;
}

/* Its signature is checked, its pages can be opened. */
static enum scb_status unlock(struct scb_backup_reader *reader, struct scb_backup_keys *keys,
                              struct scb_error *error)
{
    enum scb_signature_state signature;
    struct scb_node_id signer;
    const struct scb_manifest *manifest = scb_archive_pages_manifest(reader->pages);
    struct scb_page_content_settings content = {.fd = reader->fd,
                                                .limits = reader->limits,
                                                .encrypted = scb_manifest_is_encrypted(manifest)};
    enum scb_status status = scb_signature_check(
        reader->fd, reader->pages, scb_backup_keys_trusted(keys), &signature, &signer, error);
    if (status == SCB_OK)
        status = scb_backup_keys_unlock(keys, manifest, &content.identities, error);
    reader->identities = content.identities;
    return status == SCB_OK ? scb_page_content_new(&content, &reader->content, error) : status;
}

static enum scb_status open_backup(struct scb_backup_reader *reader, const struct scb_store *store,
                                   const struct scb_backup_reader_settings *settings,
                                   struct scb_error *error)
{
    enum scb_status status = open_archive(reader, store, settings, error);
    return status == SCB_OK ? unlock(reader, settings->keys, error) : status;
}

enum scb_status scb_backup_reader_open(const struct scb_store *store, struct scb_catalog *catalog,
                                       const struct scb_backup_reader_settings *settings,
                                       struct scb_backup_reader **ret_reader,
                                       struct scb_error *error)
{
    struct scb_backup_reader *reader = scb_alloc(1, sizeof(*reader), error);
    if (reader == NULL)
        return SCB_ERROR_RESOURCE;
    reader->limits = settings->limits;
    reader->fd = -1;
    enum scb_status status =
        scb_backup_find(catalog, settings->backup_date, &reader->record, error);
    if (status == SCB_OK && open_backup(reader, store, settings, error) != SCB_OK)
        status = scb_error_wrap(error, "backup %s", reader->record.backup_date);
    if (status != SCB_OK) {
        scb_backup_reader_close(reader);
        return status;
    }
    *ret_reader = reader;
    return SCB_OK;
}

void scb_backup_reader_close(struct scb_backup_reader *reader)
{
    if (reader == NULL)
        return;
    scb_page_reader_free(reader->entries);
    scb_page_content_free(reader->content);
    scb_archive_pages_close(reader->pages);
    if (reader->fd >= 0)
        (void)close(reader->fd);
    scb_store_unlock(reader->lock);
    free(reader);
}

const struct scb_backup_record *scb_backup_reader_record(const struct scb_backup_reader *reader)
{
    return &reader->record;
}

const struct scb_manifest *scb_backup_reader_manifest(const struct scb_backup_reader *reader)
{
    return scb_archive_pages_manifest(reader->pages);
}

const struct scb_age_identities *
scb_backup_reader_identities(const struct scb_backup_reader *reader)
{
    return reader->identities;
}

uint64_t scb_backup_reader_page(const struct scb_backup_reader *reader)
{
    return reader->page.page.number;
}

uint64_t scb_backup_reader_page_keys(const struct scb_backup_reader *reader)
{
    return reader->page.page.keys;
}

/* Opens the present page, checked. */
static enum scb_status open_page(struct scb_backup_reader *reader, struct scb_error *error)
{
    struct scb_bytes held;
    struct scb_input json;
    enum scb_status status = scb_page_content_check(reader->content, &reader->page, &held, error);
    if (status == SCB_OK)
        status = scb_page_content_open(reader->content, &json, error);
    reader->count = 0;
    return status == SCB_OK ? scb_page_reader_new(json, reader->limits, &reader->entries, error)
                            : status;
}

/* Goes to the next page; at the end there is none. */
static enum scb_status begin_page(struct scb_backup_reader *reader, struct scb_error *error)
{
    bool more = false;
    enum scb_status status = scb_archive_pages_next(reader->pages, &more, &reader->page, error);
    reader->ended = status == SCB_OK && !more;
    return status == SCB_OK && more ? open_page(reader, error) : status;
}

static enum scb_status end_page(struct scb_backup_reader *reader, struct scb_error *error)
{
    scb_page_reader_free(reader->entries);
    reader->entries = NULL;
    if (reader->count == reader->page.page.keys)
        return SCB_OK;
    return scb_error_set(error, SCB_ERROR_INTEGRITY,
                         "%" PRIu64 " entries, the manifest says %" PRIu64, reader->count,
                         reader->page.page.keys);
}

/* Names the page that is at fault. */
static enum scb_status blame(const struct scb_backup_reader *reader, struct scb_error *error)
{
    char name[SCB_PAGE_NAME_SIZE];
    scb_page_file_name(scb_backup_reader_page(reader),
                       scb_manifest_is_encrypted(scb_backup_reader_manifest(reader)), name);
    enum scb_status status =
        scb_error_wrap(error, "backup %s: %s", reader->record.backup_date, name);
    if (status == SCB_ERROR_INTEGRITY)
        scb_error_hint(error, "the archive is damaged; take another backup's");
    return status;
}

enum scb_status scb_backup_reader_next(struct scb_backup_reader *reader, bool *ret_more,
                                       struct scb_entry *ret_entry, struct scb_error *error)
{
    while (!reader->ended) {
        enum scb_status status = SCB_OK;
        bool more = false;
        if (reader->entries == NULL)
            status = begin_page(reader, error);
        if (status == SCB_OK && !reader->ended)
            status = scb_page_reader_next(reader->entries, &more, ret_entry, error);
        if (status == SCB_OK && more && reader->count == reader->page.page.keys)
            status = scb_error_set(error, SCB_ERROR_INTEGRITY,
                                   "more entries than the manifest says, %" PRIu64, reader->count);
        if (status == SCB_OK && !more && !reader->ended)
            status = end_page(reader, error);
        if (status != SCB_OK)
            return blame(reader, error);
        if (more) {
            reader->count++;
            *ret_more = true;
            return SCB_OK;
        }
    }
    *ret_more = false;
    return SCB_OK;
}

enum scb_status scb_backup_reader_skip_to(struct scb_backup_reader *reader, uint64_t page,
                                          struct scb_error *error)
{
    bool more = true;
    enum scb_status status = SCB_OK;
    scb_page_reader_free(reader->entries);
    reader->entries = NULL;
    do
        status = scb_archive_pages_next(reader->pages, &more, &reader->page, error);
    while (status == SCB_OK && more && reader->page.page.number < page);
    if (status == SCB_OK && (!more || reader->page.page.number != page))
        return scb_error_set(error, SCB_ERROR_NOT_FOUND, "no page %" PRIu64, page);
    if (status == SCB_OK)
        status = open_page(reader, error);
    return status == SCB_OK ? SCB_OK : blame(reader, error);
}

static enum scb_status written_to(struct scb_error *error)
{
    scb_error_set(error, SCB_ERROR_INTEGRITY, "archive: it was written to since it was checked");
    return scb_error_hint(error, "see who writes there; satellite backup verify says whether it is "
                                 "whole");
}

/* Whether the file that is open looks as it did when it was checked. */
static enum scb_status check_unchanged(const struct scb_backup_reader *reader,
                                       struct scb_error *error)
{
    struct stat now;
    const struct stat *then = &reader->file;
    if (fstat(reader->fd, &now) != 0)
        return scb_error_set_errno(error, SCB_ERROR_FILE, errno, "archive");
    if (now.st_size == then->st_size && now.st_mtim.tv_sec == then->st_mtim.tv_sec &&
        now.st_mtim.tv_nsec == then->st_mtim.tv_nsec)
        return SCB_OK;
    return written_to(error);
}

/* Whether the same pages follow, to be read in the same way. */
static bool are_alike(const struct scb_manifest *a, const struct scb_manifest *b)
{
    return memcmp(a->pages_sha256, b->pages_sha256, sizeof(a->pages_sha256)) == 0 &&
           a->total_pages == b->total_pages && a->total_keys == b->total_keys &&
           a->page_size == b->page_size &&
           scb_age_recipients_are_equal(&a->recipients, &b->recipients);
}

enum scb_status scb_backup_reader_rewind(struct scb_backup_reader *reader, struct scb_error *error)
{
    struct scb_archive_pages *pages = NULL;
    const char *backup_date = reader->record.backup_date;
    enum scb_status status = check_unchanged(reader, error);
    if (status == SCB_OK)
        status = scb_archive_pages_open(reader->fd, (uint64_t)reader->file.st_size, backup_date,
                                        &pages, error);
    /* Its signature was checked with the first manifest; times can be set back. */
    if (status == SCB_OK &&
        !are_alike(scb_archive_pages_manifest(reader->pages), scb_archive_pages_manifest(pages)))
        status = written_to(error);
    if (status != SCB_OK) {
        scb_archive_pages_close(pages);
        return scb_error_wrap(error, "backup %s", backup_date);
    }
    scb_archive_pages_close(reader->pages);
    reader->pages = pages;
    scb_page_reader_free(reader->entries);
    reader->entries = NULL;
    reader->ended = false;
    return SCB_OK;
}
