/* SPDX-License-Identifier: Apache-2.0 */
#include "job/archive.h"

#include <assert.h>
#include <fcntl.h>
#include <libdeflate.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/text.h"
#include "format/manifest_signature.h"
#include "format/page.h"
#include "job/page_work.h"

enum {
    WRITE_SIZE = 256 * 1024,
    FLUSH_SIZE = 1024 * 1024, /* so that the final sync has little left to do */
};

static enum scb_status write_pending(struct scb_archive *archive, struct scb_error *error)
{
    struct scb_bytes pending = scb_buffer_bytes(&archive->pending);
    enum scb_status status = scb_digest_update(&archive->digest, pending.data, pending.size, error);
    if (status == SCB_OK)
        status = scb_durable_write(&archive->file, pending.data, pending.size, error);
    archive->written += pending.size;
    scb_buffer_clear(&archive->pending);
    if (archive->written - archive->flushing >= FLUSH_SIZE) {
        (void)sync_file_range(archive->file.fd, (off_t)archive->flushing,
                              (off_t)(archive->written - archive->flushing), SYNC_FILE_RANGE_WRITE);
        archive->flushing = archive->written;
    }
    return status;
}

/* The zip writer's sink. */
static enum scb_status take(void *state, const void *data, size_t size, struct scb_error *error)
{
    struct scb_archive *archive = state;
    uint64_t total = archive->written + archive->pending.size + size;
    if (archive->settings.max_size > 0 && total > archive->settings.max_size) {
        char limit[32];
        scb_text_format_size(archive->settings.max_size, limit, sizeof(limit));
        scb_error_set(error, SCB_ERROR_RESOURCE,
                      "the archive passes backup.max_backup_file_size (%s)", limit);
        error->permanent = true;
        return scb_error_hint(error, "raise it, or 0 for no limit");
    }
    const uint8_t *from = data;
    while (size > 0) {
        size_t room = WRITE_SIZE - archive->pending.size;
        size_t part = size < room ? size : room;
        enum scb_status status = scb_buffer_append(&archive->pending, from, part, error);
        if (status == SCB_OK && archive->pending.size == WRITE_SIZE)
            status = write_pending(archive, error);
        if (status != SCB_OK)
            return status;
        from += part;
        size -= part;
    }
    return SCB_OK;
}

enum scb_status scb_archive_open(struct scb_archive *archive,
                                 const struct scb_archive_settings *settings,
                                 struct scb_error *error)
{
    char name[SCB_ARCHIVE_NAME_SIZE];
    scb_archive_name(settings->backup_date, name);
    *archive = (struct scb_archive){
        .settings = *settings, .file = {.fd = -1}, .pending = {.max = WRITE_SIZE}};
    scb_zip_writer_begin(&archive->zip, (struct scb_sink){take, archive});
    enum scb_status status = scb_digest_begin(&archive->digest, error);
    return status != SCB_OK
               ? status
               : scb_backup_dir_open_durable(settings->dir, name, &archive->file, error);
}

void scb_archive_abort(struct scb_archive *archive)
{
    if (archive->file.fd >= 0)
        scb_durable_abort(&archive->file);
    scb_buffer_free(&archive->pending);
    scb_digest_free(&archive->digest);
}

/* A file on its way into the archive, hashed where digest is given. */
struct file_input {
    int fd;
    const char *name;
    struct scb_digest *digest;
};

static enum scb_status read_file(void *state, void *data, size_t size, size_t *ret_size,
                                 struct scb_error *error)
{
    struct file_input *input = state;
    enum scb_status status = scb_file_read(input->fd, input->name, data, size, ret_size, error);
    return status != SCB_OK || input->digest == NULL
               ? status
               : scb_digest_update(input->digest, data, *ret_size, error);
}

static enum scb_status stream_file(struct scb_archive *archive, struct scb_zip_entry *entry,
                                   struct scb_digest *digest, struct scb_error *error)
{
    SCB_AUTO(fd) int fd = -1;
    uint64_t size = 0;
    enum scb_status status =
        scb_backup_dir_read(archive->settings.dir, entry->name, &fd, &size, error);
    struct file_input input = {fd, entry->name, digest};
    return status != SCB_OK ? status
                            : scb_zip_writer_stream(&archive->zip, entry,
                                                    (struct scb_input){read_file, &input}, error);
}

static struct scb_zip_entry zip_entry(const struct scb_archive *archive, const char *name,
                                      const struct scb_page_entry *page)
{
    bool encrypted = archive->settings.encrypted;
    return (struct scb_zip_entry){.name = name,
                                  .crc32 = page->crc32,
                                  .size = page->size,
                                  .compressed_size = page->compressed_size,
                                  .stored = encrypted,
                                  .streamed = !encrypted && page->size > SCB_WHOLE_PAGE_SIZE};
}

/*
 * What is read back must still be what was written: its checksum is promised. Whatever else it is
 * now, or that it is gone, is a matter of the disk: then the page is fetched again.
 */
static enum scb_status stream_page(struct scb_archive *archive, struct scb_zip_entry *entry,
                                   const uint8_t expected[SCB_SHA256_SIZE], struct scb_error *error)
{
    SCB_AUTO(digest) struct scb_digest digest = {0};
    uint8_t sha256[SCB_SHA256_SIZE];
    enum scb_status status = scb_digest_begin(&digest, error);
    if (status == SCB_OK)
        status = stream_file(archive, entry, &digest, error);
    if (status == SCB_ERROR_INTEGRITY || status == SCB_ERROR_NOT_FOUND)
        status = error->status = SCB_ERROR_FILE;
    if (status == SCB_OK)
        status = scb_digest_end(&digest, sha256, error);
    if (status == SCB_OK && memcmp(sha256, expected, sizeof(sha256)) != 0)
        status =
            scb_error_set(error, SCB_ERROR_FILE, "'%s' is no longer what was written", entry->name);
    return status;
}

enum scb_status scb_archive_add_page(struct scb_archive *archive, uint64_t number,
                                     struct scb_page_entry *page, struct scb_bytes packed,
                                     struct scb_error *error)
{
    bool encrypted = archive->settings.encrypted;
    char name[SCB_PAGE_NAME_SIZE];
    scb_page_file_name(number, encrypted, name);
    page->compressed_size = encrypted ? page->size : packed.size;
    struct scb_zip_entry entry = zip_entry(archive, name, page);
    assert(encrypted || entry.streamed == (packed.size == 0));
    if (packed.size > 0)
        return scb_zip_writer_add(&archive->zip, &entry, packed, error);
    enum scb_status status = stream_page(archive, &entry, page->sha256, error);
    page->crc32 = entry.crc32;
    page->compressed_size = entry.compressed_size;
    return status;
}

struct page_walk {
    const struct scb_page_entry *pages;
    uint64_t next;
};

static enum scb_status next_page(void *state, struct scb_manifest_page *ret_page,
                                 struct scb_error *error)
{
    (void)error;
    struct page_walk *walk = state;
    const struct scb_page_entry *page = &walk->pages[walk->next];
    *ret_page =
        (struct scb_manifest_page){.number = walk->next, .keys = page->keys, .size = page->size};
    memcpy(ret_page->sha256, page->sha256, sizeof(ret_page->sha256));
    walk->next++;
    return SCB_OK;
}

/* manifest.json on its way to the disk, counted for the zip and hashed for its signature. */
struct manifest_file {
    struct scb_durable_file file;
    uint64_t size;
    uint32_t crc32;
    struct scb_digest digest;
};

static enum scb_status take_manifest(void *state, const void *data, size_t size,
                                     struct scb_error *error)
{
    struct manifest_file *manifest = state;
    manifest->size += size;
    manifest->crc32 = libdeflate_crc32(manifest->crc32, data, size);
    enum scb_status status = scb_digest_update(&manifest->digest, data, size, error);
    return status == SCB_OK ? scb_durable_write(&manifest->file, data, size, error) : status;
}

static enum scb_status hash_pages(struct scb_manifest *manifest, const struct scb_page_entry *pages,
                                  struct scb_error *error)
{
    SCB_AUTO(digest) struct scb_digest digest = {0};
    enum scb_status status = scb_digest_begin(&digest, error);
    for (uint64_t i = 0; i < manifest->total_pages && status == SCB_OK; i++)
        status = scb_manifest_digest_page(&digest, pages[i].sha256, error);
    return status != SCB_OK ? status : scb_digest_end(&digest, manifest->pages_sha256, error);
}

static struct scb_zip_entry stored_entry(const char *name, uint64_t size, uint32_t crc32)
{
    return (struct scb_zip_entry){
        .name = name, .crc32 = crc32, .size = size, .compressed_size = size, .stored = true};
}

static enum scb_status write_manifest(struct scb_archive *archive, struct scb_manifest *manifest,
                                      const struct scb_page_entry *pages, struct manifest_file *out,
                                      struct scb_error *error)
{
    enum scb_status status = hash_pages(manifest, pages, error);
    if (status == SCB_OK)
        status = scb_digest_begin(&out->digest, error);
    if (status == SCB_OK)
        status = scb_backup_dir_open_durable(archive->settings.dir, SCB_MANIFEST_NAME, &out->file,
                                             error);
    if (status != SCB_OK)
        return status;
    struct page_walk walk = {pages, 0};
    status = scb_manifest_write(manifest, next_page, &walk, (struct scb_sink){take_manifest, out},
                                error);
    if (status != SCB_OK) {
        scb_durable_abort(&out->file);
        return status;
    }
    return scb_durable_rename(&out->file, error); /* the archive's end syncs the directory */
}

static enum scb_status write_signature(struct scb_archive *archive, struct scb_bytes text,
                                       struct scb_error *error)
{
    struct scb_durable_file file;
    enum scb_status status = scb_backup_dir_open_durable(archive->settings.dir,
                                                         SCB_MANIFEST_SIGNATURE_NAME, &file, error);
    if (status != SCB_OK)
        return status;
    status = scb_durable_write(&file, text.data, text.size, error);
    if (status != SCB_OK) {
        scb_durable_abort(&file);
        return status;
    }
    return scb_durable_rename(&file, error);
}

/* The end of the archive before its directory: what stands there, stored. */
struct tail {
    struct scb_zip_entry entries[2]; /* manifest.json, manifest.sig */
    size_t count;
};

/* An earlier attempt's signature may lie beside the pages, which is not this manifest's. */
static enum scb_status sign(struct scb_archive *archive, struct manifest_file *manifest,
                            struct tail *tail, struct scb_error *error)
{
    const struct scb_archive_settings *settings = &archive->settings;
    if (settings->identity == NULL)
        return scb_backup_dir_remove(settings->dir, SCB_MANIFEST_SIGNATURE_NAME, error);
    uint8_t sha256[SCB_SHA256_SIZE];
    SCB_AUTO(buffer) struct scb_buffer text = {.max = SCB_MANIFEST_SIGNATURE_MAX};
    enum scb_status status = scb_digest_end(&manifest->digest, sha256, error);
    if (status == SCB_OK)
        status = scb_manifest_sign(settings->identity, sha256, &text, error);
    if (status == SCB_OK)
        status = write_signature(archive, scb_buffer_bytes(&text), error);
    if (status == SCB_OK)
        tail->entries[tail->count++] = stored_entry(SCB_MANIFEST_SIGNATURE_NAME, text.size,
                                                    libdeflate_crc32(0, text.data, text.size));
    return status;
}

static enum scb_status write_tail(struct scb_archive *archive, struct scb_manifest *manifest,
                                  const struct scb_page_entry *pages, struct tail *tail,
                                  struct scb_error *error)
{
    struct manifest_file file = {0};
    enum scb_status status = write_manifest(archive, manifest, pages, &file, error);
    if (status == SCB_OK) {
        tail->entries[tail->count++] = stored_entry(SCB_MANIFEST_NAME, file.size, file.crc32);
        status = sign(archive, &file, tail, error);
    }
    scb_digest_free(&file.digest);
    for (size_t i = 0; i < tail->count && status == SCB_OK; i++)
        status = stream_file(archive, &tail->entries[i], NULL, error);
    return status;
}

static enum scb_status write_directory(struct scb_archive *archive,
                                       const struct scb_manifest *manifest,
                                       const struct scb_page_entry *pages, const struct tail *tail,
                                       struct scb_error *error)
{
    enum scb_status status = SCB_OK;
    scb_zip_writer_begin_directory(&archive->zip);
    for (uint64_t i = 0; i < manifest->total_pages && status == SCB_OK; i++) {
        char name[SCB_PAGE_NAME_SIZE];
        scb_page_file_name(i, archive->settings.encrypted, name);
        struct scb_zip_entry entry = zip_entry(archive, name, &pages[i]);
        status = scb_zip_writer_add_record(&archive->zip, &entry, error);
    }
    for (size_t i = 0; i < tail->count && status == SCB_OK; i++)
        status = scb_zip_writer_add_record(&archive->zip, &tail->entries[i], error);
    if (status == SCB_OK)
        status = scb_zip_writer_end(&archive->zip, error);
    return status != SCB_OK ? status : write_pending(archive, error);
}

enum scb_status scb_archive_sync(struct scb_archive *archive, struct scb_error *error)
{
    return scb_file_sync(archive->file.fd, archive->file.name, error);
}

enum scb_status scb_archive_finish(struct scb_archive *archive, struct scb_manifest *manifest,
                                   const struct scb_page_entry *pages,
                                   uint8_t ret_sha256[SCB_SHA256_SIZE], uint64_t *ret_size,
                                   struct scb_error *error)
{
    struct tail tail = {.count = 0};
    enum scb_status status = write_tail(archive, manifest, pages, &tail, error);
    if (status == SCB_OK)
        status = write_directory(archive, manifest, pages, &tail, error);
    if (status == SCB_OK)
        status = scb_digest_end(&archive->digest, ret_sha256, error);
    *ret_size = archive->written;
    if (status == SCB_OK)
        status = scb_durable_rename(&archive->file, error);
    if (status == SCB_OK)
        status = scb_backup_dir_sync(archive->settings.dir, error);
    scb_archive_abort(archive);
    return status;
}
