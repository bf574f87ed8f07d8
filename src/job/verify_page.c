/* SPDX-License-Identifier: Apache-2.0 */
#include "job/verify_page.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/hash.h"
#include "base/memory.h"
#include "base/text.h"
#include "format/key_index.h"

enum { CHUNK = 64 * 1024 };

enum scb_status scb_page_verifier_init(struct scb_page_verifier *verifier, struct scb_error *error)
{
    const struct scb_page_content_settings content = {
        .fd = verifier->archive_fd,
        .limits = verifier->report->settings->limits,
        .encrypted = scb_manifest_is_encrypted(verifier->manifest),
        .identities = verifier->report->identities};
    verifier->stand_ins = scb_alloc(SCB_MOST_STAND_INS, sizeof(*verifier->stand_ins), error);
    return verifier->stand_ins == NULL ? SCB_ERROR_RESOURCE
                                       : scb_page_content_new(&content, &verifier->content, error);
}

void scb_page_verifier_free(struct scb_page_verifier *verifier)
{
    scb_page_content_free(verifier->content);
    free(verifier->stand_ins);
}

static enum scb_status note_entry(struct scb_page_verifier *verifier, uint64_t index,
                                  const struct scb_entry *entry, struct scb_error *error)
{
    if (verifier->count == SCB_MOST_STAND_INS) {
        enum scb_status status = verifier->take(verifier->take_state, error);
        if (status != SCB_OK)
            return status;
    }
    struct scb_key_stand_in *stand_in = &verifier->stand_ins[verifier->count++];
    const uint64_t second = scb_hash(verifier->seeds[1], entry->key);
    scb_key_index_hash(verifier->seeds[0], entry->key, stand_in->hash);
    memcpy(stand_in->hash + SCB_KEY_INDEX_HASH, &second,
           sizeof(stand_in->hash) - SCB_KEY_INDEX_HASH);
    for (size_t i = 0; i < 8; i++)
        stand_in->index[i] = (uint8_t)(index >> (56 - 8 * i));
    verifier->warnings.empty_keys += entry->key.size == 0;
    verifier->warnings.empty_versions += entry->version_id.size == 0;
    return SCB_OK;
}

/* The page's form, and as many entries as the manifest says; no further than that. */
static enum scb_status check_entries(struct scb_page_verifier *verifier,
                                     const struct scb_manifest_page *page, struct scb_input input,
                                     struct scb_error *error)
{
    struct scb_page_reader *reader = NULL;
    uint64_t first = page->number * verifier->manifest->page_size, count = 0;
    bool more = true;
    enum scb_status status =
        scb_page_reader_new(input, verifier->report->settings->limits, &reader, error);
    while (status == SCB_OK && more) {
        struct scb_entry entry;
        status = scb_page_reader_next(reader, &more, &entry, error);
        if (status == SCB_OK && more && count == page->keys)
            status = scb_error_set(error, SCB_ERROR_INTEGRITY,
                                   "more entries than the manifest says, %" PRIu64, page->keys);
        if (status == SCB_OK && more)
            status = note_entry(verifier, first + count++, &entry, error);
    }
    scb_page_reader_free(reader);
    if (status == SCB_OK && count != page->keys)
        status =
            scb_error_set(error, SCB_ERROR_INTEGRITY,
                          "%" PRIu64 " entries, the manifest says %" PRIu64, count, page->keys);
    return status;
}

static enum scb_status hash_file(const struct scb_page_verifier *verifier, int fd, const char *name,
                                 const struct scb_manifest_page *page, struct scb_error *error)
{
    char wanted[SCB_SHA256_TEXT_SIZE], sha256[SCB_SHA256_TEXT_SIZE];
    scb_text_hex(page->sha256, sizeof(page->sha256), wanted);
    enum scb_status status =
        scb_digest_file(fd, name, verifier->report->parts->cancel, sha256, error);
    if (status == SCB_OK && strcmp(sha256, wanted) != 0)
        status =
            scb_error_set(error, SCB_ERROR_INTEGRITY, "its SHA-256 is not that of the manifest");
    return status;
}

/* held: the page as it is in the archive, with the manifest's checksum, where there is that. */
static enum scb_status compare_file(struct scb_page_verifier *verifier, int fd, const char *name,
                                    const struct scb_manifest_page *page, struct scb_bytes held,
                                    struct scb_error *error)
{
    if (held.data == NULL)
        return hash_file(verifier, fd, name, page, error);
    uint8_t chunk[CHUNK];
    enum scb_status status = SCB_OK;
    for (size_t done = 0, got = 1; status == SCB_OK && got > 0; done += got) {
        status = scb_file_read(fd, name, chunk, sizeof(chunk), &got, error);
        size_t left = held.size - done;
        if (status == SCB_OK &&
            (got > left || (got == 0 && left > 0) || memcmp(chunk, held.data + done, got) != 0))
            status = scb_error_set(error, SCB_ERROR_INTEGRITY, "not the page that the archive has");
    }
    return status;
}

/* The page file beside the archive, where there is one. */
static enum scb_status check_file(struct scb_page_verifier *verifier, const char *name,
                                  const struct scb_manifest_page *page, struct scb_bytes held,
                                  struct scb_error *error)
{
    SCB_AUTO(fd) int fd = -1;
    uint64_t size = 0;
    struct scb_error failure = {0};
    enum scb_status status = scb_backup_dir_read(verifier->dir, name, &fd, &size, &failure);
    if (status == SCB_ERROR_NOT_FOUND)
        return SCB_OK;
    if (status == SCB_OK && size != page->size)
        status = scb_error_set(&failure, SCB_ERROR_INTEGRITY,
                               "%" PRIu64 " bytes, the manifest says %" PRIu64, size, page->size);
    if (status == SCB_OK)
        status = compare_file(verifier, fd, name, page, held, &failure);
    char where[SCB_PAGE_NAME_SIZE + 16];
    (void)snprintf(where, sizeof(where), "file %s", name);
    return scb_verify_judge(verifier->report, where, status, &failure, error);
}

/* Its bytes, and what is in them where that can be seen. */
static enum scb_status check_page(struct scb_page_verifier *verifier,
                                  const struct scb_archived_page *page, struct scb_bytes *ret_held,
                                  struct scb_error *error)
{
    struct scb_input json;
    enum scb_status status = scb_page_content_check(verifier->content, page, ret_held, error);
    if (status != SCB_OK || !scb_verify_opens(verifier->report, verifier->manifest))
        return status;
    status = scb_page_content_open(verifier->content, &json, error);
    return status == SCB_OK ? check_entries(verifier, &page->page, json, error) : status;
}

enum scb_status scb_page_verifier_run(struct scb_page_verifier *verifier,
                                      const struct scb_archived_page *page, bool *ret_counted,
                                      struct scb_error *error)
{
    char name[SCB_PAGE_NAME_SIZE], where[SCB_PAGE_NAME_SIZE + 16];
    struct scb_error failure = {0};
    struct scb_bytes held = {0};
    scb_page_file_name(page->page.number, scb_manifest_is_encrypted(verifier->manifest), name);
    enum scb_status status = check_page(verifier, page, &held, &failure);
    *ret_counted = *ret_counted && status == SCB_OK;
    (void)snprintf(where, sizeof(where), "archive %s", name);
    status = scb_verify_judge(verifier->report, where, status, &failure, error);
    return status == SCB_OK && verifier->dir != NULL
               ? check_file(verifier, name, &page->page, held, error)
               : status;
}
