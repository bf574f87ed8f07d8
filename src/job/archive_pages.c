/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Design: the directory is walked twice, first to find the manifest, which stands behind the pages,
 * then side by side with the manifest, page for page. Neither is ever held as a whole.
 */
#include "job/archive_pages.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "format/manifest_signature.h"
#include "format/page.h"

struct scb_archive_pages {
    int fd;
    struct scb_zip_walk walk;
    uint64_t page_count;
    bool encrypted, found, is_signed; /* found: the manifest */
    struct scb_zip_place manifest_place, signature_place;
    struct scb_manifest manifest;
    struct scb_zip_content *content; /* of the manifest */
    struct scb_manifest_reader *reader;
};

static enum scb_status misplaced(const struct scb_zip_place *place, const char *expected,
                                 struct scb_error *error)
{
    char name[2 * SCB_ZIP_NAME_SIZE];
    const struct scb_bytes bytes = {(const uint8_t *)place->name, strlen(place->name)};
    return scb_error_set(error, SCB_ERROR_INTEGRITY, "archive: %s stands where %s belongs",
                         scb_text_printable(bytes, name, sizeof(name)), expected);
}

/* A page, or behind at least one of them the manifest. */
static enum scb_status take_place(struct scb_archive_pages *pages,
                                  const struct scb_zip_place *place, struct scb_error *error)
{
    char name[SCB_PAGE_NAME_SIZE];
    uint64_t index = pages->page_count;
    if (index == 0) { /* the first page says what all of them are */
        scb_page_file_name(0, true, name);
        pages->encrypted = strcmp(place->name, name) == 0;
    }
    pages->found = index > 0 && strcmp(place->name, SCB_MANIFEST_NAME) == 0;
    scb_page_file_name(index, pages->encrypted, name);
    if (!pages->found && strcmp(place->name, name) != 0)
        return misplaced(place, index + 1 < pages->walk.entries ? name : SCB_MANIFEST_NAME, error);
    if (pages->encrypted && !place->stored)
        return scb_error_set(error, SCB_ERROR_INTEGRITY, "archive: %s is not stored as it is",
                             place->name);
    if (pages->found)
        pages->manifest_place = *place;
    else
        pages->page_count++;
    return SCB_OK;
}

/* What stands behind the manifest. */
static enum scb_status take_signature(struct scb_archive_pages *pages,
                                      const struct scb_zip_place *place, struct scb_error *error)
{
    if (pages->is_signed || strcmp(place->name, SCB_MANIFEST_SIGNATURE_NAME) != 0)
        return misplaced(place, pages->is_signed ? "the end" : SCB_MANIFEST_SIGNATURE_NAME, error);
    if (!place->stored || place->size > SCB_MANIFEST_SIGNATURE_MAX)
        return scb_error_set(error, SCB_ERROR_INTEGRITY,
                             "archive: its " SCB_MANIFEST_SIGNATURE_NAME " is %s",
                             place->stored ? "too large" : "not stored as it is");
    pages->is_signed = true;
    pages->signature_place = *place;
    return SCB_OK;
}

/* Pages in their order, then the manifest, maybe its signature, and that is all. */
static enum scb_status find_manifest(struct scb_archive_pages *pages, struct scb_error *error)
{
    bool more = pages->walk.entries >= 2;
    if (!more)
        return scb_error_set(error, SCB_ERROR_INTEGRITY, "archive: no page in it");
    enum scb_status status = SCB_OK;
    while (status == SCB_OK) {
        struct scb_zip_place place;
        status = scb_zip_walk_next(&pages->walk, &more, &place, error);
        if (status != SCB_OK || !more)
            break;
        status =
            pages->found ? take_signature(pages, &place, error) : take_place(pages, &place, error);
    }
    if (status == SCB_OK && !pages->found)
        status = scb_error_set(error, SCB_ERROR_INTEGRITY, "archive: no manifest in it");
    return status;
}

static void close_manifest(struct scb_archive_pages *pages)
{
    scb_manifest_reader_free(pages->reader);
    scb_zip_content_close(pages->content);
    pages->reader = NULL;
    pages->content = NULL;
}

/* At the manifest's first page. */
static enum scb_status open_manifest(struct scb_archive_pages *pages, struct scb_error *error)
{
    close_manifest(pages);
    enum scb_status status =
        scb_zip_content_open(pages->fd, &pages->manifest_place, &pages->content, error);
    return status != SCB_OK ? status
                            : scb_manifest_reader_new(scb_zip_content_input(pages->content),
                                                      &pages->manifest, &pages->reader, error);
}

static enum scb_status check_manifest(struct scb_archive_pages *pages, const char *backup_date,
                                      struct scb_error *error)
{
    enum scb_status status = open_manifest(pages, error);
    for (bool more = true; status == SCB_OK && more;) {
        struct scb_manifest_page page;
        status = scb_manifest_reader_next(pages->reader, &more, &page, error);
    }
    if (status != SCB_OK)
        return status;
    if (strcmp(pages->manifest.backup_date, backup_date) != 0)
        return scb_error_set(error, SCB_ERROR_INTEGRITY, "its manifest is that of backup %s",
                             pages->manifest.backup_date);
    if (pages->manifest.total_pages != pages->page_count)
        return scb_error_set(error, SCB_ERROR_INTEGRITY,
                             "archive: %" PRIu64 " pages in it, %" PRIu64 " in its manifest",
                             pages->page_count, pages->manifest.total_pages);
    if (scb_manifest_is_encrypted(&pages->manifest) != pages->encrypted)
        return scb_error_set(error, SCB_ERROR_INTEGRITY,
                             "archive: its pages are %s, its manifest says otherwise",
                             pages->encrypted ? "encrypted" : "plain");
    return SCB_OK;
}

enum scb_status scb_archive_pages_open(int fd, uint64_t size, const char *backup_date,
                                       struct scb_archive_pages **ret_pages,
                                       struct scb_error *error)
{
    struct scb_archive_pages *pages = scb_alloc(1, sizeof(*pages), error);
    if (pages == NULL)
        return SCB_ERROR_RESOURCE;
    pages->fd = fd;
    enum scb_status status = scb_zip_walk_begin(&pages->walk, fd, size, error);
    if (status == SCB_OK)
        status = find_manifest(pages, error);
    if (status == SCB_OK)
        status = check_manifest(pages, backup_date, error);
    if (status == SCB_OK)
        status = open_manifest(pages, error);
    if (status == SCB_OK)
        status = scb_zip_walk_begin(&pages->walk, fd, size, error);
    if (status != SCB_OK) {
        scb_archive_pages_close(pages);
        return status;
    }
    *ret_pages = pages;
    return SCB_OK;
}

void scb_archive_pages_close(struct scb_archive_pages *pages)
{
    if (pages == NULL)
        return;
    close_manifest(pages);
    free(pages);
}

const struct scb_manifest *scb_archive_pages_manifest(const struct scb_archive_pages *pages)
{
    return &pages->manifest;
}

const struct scb_zip_place *scb_archive_pages_manifest_place(const struct scb_archive_pages *pages)
{
    return &pages->manifest_place;
}

const struct scb_zip_place *scb_archive_pages_signature_place(const struct scb_archive_pages *pages)
{
    return pages->is_signed ? &pages->signature_place : NULL;
}

/* The directory is read once more here: whether it still names the page that the manifest does. */
static enum scb_status check_name(const struct scb_archive_pages *pages, bool placed,
                                  const struct scb_archived_page *page, struct scb_error *error)
{
    char name[SCB_PAGE_NAME_SIZE];
    scb_page_file_name(page->page.number, pages->encrypted, name);
    if (placed && strcmp(page->place.name, name) == 0)
        return SCB_OK;
    return scb_error_set(error, SCB_ERROR_INTEGRITY,
                         "archive: it was written to while it was read: %s is not where it was",
                         name);
}

enum scb_status scb_archive_pages_next(struct scb_archive_pages *pages, bool *ret_more,
                                       struct scb_archived_page *ret_page, struct scb_error *error)
{
    bool more = false, placed = false;
    struct scb_archived_page page;
    enum scb_status status = scb_manifest_reader_next(pages->reader, &more, &page.page, error);
    if (status == SCB_OK && more)
        status = scb_zip_walk_next(&pages->walk, &placed, &page.place, error);
    if (status == SCB_OK && more)
        status = check_name(pages, placed, &page, error);
    if (status == SCB_OK && more)
        *ret_page = page;
    if (status == SCB_OK)
        *ret_more = more;
    return status;
}
