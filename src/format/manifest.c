/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Design: one form, so the reader takes literals, numbers and hex in turn; there is nothing for a
 * general JSON parser to decide. The head is read whole, since it is small and its size bounded,
 * the pages line by line. Writer and reader share this file: each half of the form mirrors the
 * other.
 */
#include "format/manifest.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/buffer.h"
#include "base/memory.h"
#include "base/text.h"
#include "format/manifest_tally.h"
#include "format/page.h"
#include "format/scan.h"

#define ENCRYPTION_FORMAT "age-encryption.org/v1"

enum {
    FORMAT_VERSION = 1,
    WINDOW = 8192, /* the head, recipients and all, and every line fit into it */
    FLUSH_AT = 32 * 1024,
    HEX_SIZE = 2 * SCB_SHA256_SIZE + 1,
    TIME_SIZE = 24, /* milliseconds do not fit */
};

/* The last second that four digits can give the year of. */
static const uint64_t last_time = 253402300799;

static void format_time(uint64_t seconds, char ret_text[TIME_SIZE])
{
    time_t time = (time_t)seconds;
    struct tm parts = {0};
    (void)gmtime_r(&time, &parts);
    (void)strftime(ret_text, TIME_SIZE, "%Y-%m-%dT%H:%M:%SZ", &parts);
}

/* Of encrypted backups only: so a plain one's manifest is what it always was. */
static enum scb_status append_encryption(struct scb_buffer *out,
                                         const struct scb_age_recipients *recipients,
                                         struct scb_error *error)
{
    if (recipients->count == 0)
        return SCB_OK;
    enum scb_status status =
        scb_buffer_append_text(out,
                               "  \"encryption\": {\"format\": \"" ENCRYPTION_FORMAT "\", "
                               "\"recipients\": [",
                               error);
    for (size_t i = 0; i < recipients->count && status == SCB_OK; i++) {
        char recipient[SCB_AGE_RECIPIENT_TEXT_SIZE];
        scb_age_recipient_format(&recipients->items[i], recipient);
        status = scb_buffer_printf(out, error, "%s\"%s\"", i == 0 ? "" : ", ", recipient);
    }
    return status == SCB_OK ? scb_buffer_append_text(out, "]},\n", error) : status;
}

static enum scb_status append_head(struct scb_buffer *out, const struct scb_manifest *manifest,
                                   struct scb_error *error)
{
    char contract[2 * sizeof(manifest->contract) + 1];
    char block_hash[2 * sizeof(manifest->block_hash) + 1], block_time[TIME_SIZE];
    char pages_sha256[HEX_SIZE];
    scb_text_hex(manifest->contract, sizeof(manifest->contract), contract);
    scb_text_hex(manifest->block_hash, sizeof(manifest->block_hash), block_hash);
    scb_text_hex(manifest->pages_sha256, sizeof(manifest->pages_sha256), pages_sha256);
    format_time(manifest->block_time, block_time);
    const struct scb_warnings *warnings = &manifest->warnings;
    /* clang-format off */
    enum scb_status status = scb_buffer_printf(out, error,
        "{\n"
        "  \"format_version\": %d,\n"
        "  \"backup_date\": \"%s\",\n"
        "  \"chain_id\": %" PRIu64 ",\n"
        "  \"contract_address\": \"0x%s\",\n"
        "  \"block_number\": %" PRIu64 ",\n"
        "  \"block_hash\": \"0x%s\",\n"
        "  \"block_time\": \"%s\",\n"
        "  \"total_keys\": %" PRIu64 ",\n"
        "  \"total_pages\": %" PRIu64 ",\n"
        "  \"page_size\": %" PRIu64 ",\n"
        "  \"warnings\": {\"empty_key\": %" PRIu64 ", \"empty_version\": %" PRIu64
        ", \"duplicate_key\": %" PRIu64 "},\n",
        FORMAT_VERSION, manifest->backup_date, manifest->chain_id, contract,
        manifest->block_number, block_hash, block_time, manifest->total_keys,
        manifest->total_pages, manifest->page_size, warnings->empty_keys,
        warnings->empty_versions, warnings->duplicate_keys);
    /* clang-format on */
    if (status == SCB_OK)
        status = append_encryption(out, &manifest->recipients, error);
    return status != SCB_OK ? status
                            : scb_buffer_printf(out, error,
                                                "  \"pages_sha256\": \"%s\",\n"
                                                "  \"program\": \"%s\",\n"
                                                "  \"pages\": [\n",
                                                pages_sha256, manifest->program);
}

static enum scb_status append_page(struct scb_buffer *out, const struct scb_manifest *manifest,
                                   const struct scb_manifest_page *page, struct scb_error *error)
{
    char name[SCB_PAGE_NAME_SIZE], sha256[HEX_SIZE];
    bool last = page->number + 1 == manifest->total_pages;
    scb_page_file_name(page->number, scb_manifest_is_encrypted(manifest), name);
    scb_text_hex(page->sha256, SCB_SHA256_SIZE, sha256);
    return scb_buffer_printf(out, error,
                             "    {\"number\": %" PRIu64 ", \"file\": \"%s\", \"keys\": %" PRIu64
                             ", \"sha256\": \"%s\", \"size\": %" PRIu64 "}%s\n",
                             page->number, name, page->keys, sha256, page->size, last ? "" : ",");
}

static enum scb_status write_pages(const struct scb_manifest *manifest,
                                   scb_manifest_next_page next_page, void *state,
                                   struct scb_buffer *out, struct scb_sink sink,
                                   struct scb_manifest_tally *tally, struct scb_error *error)
{
    enum scb_status status = SCB_OK;
    for (uint64_t i = 0; i < manifest->total_pages && status == SCB_OK; i++) {
        struct scb_manifest_page page = {0};
        status = next_page(state, &page, error);
        if (status == SCB_OK)
            status = scb_manifest_tally_add(tally, manifest, &page, SCB_ERROR_INTERNAL, error);
        if (status == SCB_OK)
            status = append_page(out, manifest, &page, error);
        if (status == SCB_OK && out->size >= FLUSH_AT) {
            status = sink.write(sink.state, out->data, out->size, error);
            scb_buffer_clear(out);
        }
    }
    return status;
}

enum scb_status scb_manifest_write(const struct scb_manifest *manifest,
                                   scb_manifest_next_page next_page, void *state,
                                   struct scb_sink sink, struct scb_error *error)
{
    assert(manifest->total_pages > 0);
    assert(scb_scan_is_plain(manifest->backup_date, strlen(manifest->backup_date)));
    assert(scb_scan_is_plain(manifest->program, strlen(manifest->program)));
    if (manifest->block_time > last_time)
        return scb_error_set(error, SCB_ERROR_VALIDATION,
                             "block %" PRIu64 " says it is of the year 10000 or later",
                             manifest->block_number);
    SCB_AUTO(buffer) struct scb_buffer out = {.max = FLUSH_AT + WINDOW};
    SCB_AUTO(manifest_tally) struct scb_manifest_tally tally = {0};
    enum scb_status status = scb_digest_begin(&tally.digest, error);
    if (status == SCB_OK)
        status = append_head(&out, manifest, error);
    if (status == SCB_OK)
        status = write_pages(manifest, next_page, state, &out, sink, &tally, error);
    if (status == SCB_OK)
        status = scb_manifest_tally_check(&tally, manifest, SCB_ERROR_INTERNAL, error);
    if (status == SCB_OK)
        status = scb_buffer_append_text(&out, "  ]\n}\n", error);
    return status == SCB_OK ? sink.write(sink.state, out.data, out.size, error) : status;
}

static bool take_time(struct scb_scan *scan, uint64_t *ret_seconds)
{
    char text[TIME_SIZE];
    int64_t ms = 0;
    if (!scb_scan_text(scan, text, sizeof(text)) ||
        scb_timestamp_parse(text, &ms, NULL) != SCB_OK || ms < 0)
        return false;
    *ret_seconds = (uint64_t)ms / 1000;
    return true;
}

/* Mirrors append_encryption; the recipients stand in their order. */
static bool take_encryption(struct scb_scan *scan, struct scb_age_recipients *recipients)
{
    static const char member[] = "  \"encryption\": ";
    if ((size_t)(scan->end - scan->at) < sizeof(member) ||
        memcmp(scan->at, member, sizeof(member) - 1) != 0)
        return true;
    if (!scb_scan_take(scan, member) ||
        !scb_scan_take(scan, "{\"format\": \"" ENCRYPTION_FORMAT "\", \"recipients\": ["))
        return false;
    for (size_t i = 0; i < SCB_AGE_MAX_RECIPIENTS; i++) {
        struct scb_age_recipient *item = &recipients->items[i];
        char text[SCB_AGE_RECIPIENT_TEXT_SIZE];
        if (!scb_scan_take(scan, "\"") || !scb_scan_text(scan, text, sizeof(text)) ||
            !scb_age_recipient_decode(text, item) ||
            (i > 0 && memcmp(item, &recipients->items[i - 1], sizeof(*item)) <= 0))
            return false;
        recipients->count = i + 1;
        if (scan->at < scan->end && *scan->at == ']')
            return scb_scan_take(scan, "]},\n");
        if (!scb_scan_take(scan, ", "))
            return false;
    }
    return false;
}

/* Mirrors append_head, from the member after format_version on. */
static bool take_head(struct scb_scan *scan, struct scb_manifest *manifest)
{
    struct scb_warnings *warnings = &manifest->warnings;
    return scb_scan_take(scan, ",\n  \"backup_date\": \"") &&
           scb_scan_text(scan, manifest->backup_date, sizeof(manifest->backup_date)) &&
           scb_backup_date_parse(manifest->backup_date, NULL, NULL) == SCB_OK &&
           scb_scan_take(scan, ",\n  \"chain_id\": ") &&
           scb_scan_number(scan, &manifest->chain_id) &&
           scb_scan_take(scan, ",\n  \"contract_address\": \"0x") &&
           scb_scan_hex(scan, manifest->contract, sizeof(manifest->contract)) &&
           scb_scan_take(scan, "\",\n  \"block_number\": ") &&
           scb_scan_number(scan, &manifest->block_number) &&
           scb_scan_take(scan, ",\n  \"block_hash\": \"0x") &&
           scb_scan_hex(scan, manifest->block_hash, sizeof(manifest->block_hash)) &&
           scb_scan_take(scan, "\",\n  \"block_time\": \"") &&
           take_time(scan, &manifest->block_time) && scb_scan_take(scan, ",\n  \"total_keys\": ") &&
           scb_scan_number(scan, &manifest->total_keys) &&
           scb_scan_take(scan, ",\n  \"total_pages\": ") &&
           scb_scan_number(scan, &manifest->total_pages) && manifest->total_pages > 0 &&
           scb_scan_take(scan, ",\n  \"page_size\": ") &&
           scb_scan_number(scan, &manifest->page_size) &&
           scb_scan_take(scan, ",\n  \"warnings\": {\"empty_key\": ") &&
           scb_scan_number(scan, &warnings->empty_keys) &&
           scb_scan_take(scan, ", \"empty_version\": ") &&
           scb_scan_number(scan, &warnings->empty_versions) &&
           scb_scan_take(scan, ", \"duplicate_key\": ") &&
           scb_scan_number(scan, &warnings->duplicate_keys) && scb_scan_take(scan, "},\n") &&
           take_encryption(scan, &manifest->recipients) &&
           scb_scan_take(scan, "  \"pages_sha256\": \"") &&
           scb_scan_hex(scan, manifest->pages_sha256, sizeof(manifest->pages_sha256)) &&
           scb_scan_take(scan, "\",\n  \"program\": \"") &&
           scb_scan_text(scan, manifest->program, sizeof(manifest->program)) &&
           scb_scan_take(scan, ",\n  \"pages\": [\n") && scan->at == scan->end;
}

/* Mirrors append_page. */
static bool take_page(struct scb_scan *scan, bool encrypted, bool last,
                      struct scb_manifest_page *page)
{
    char name[SCB_PAGE_NAME_SIZE];
    if (!scb_scan_take(scan, "    {\"number\": ") || !scb_scan_number(scan, &page->number))
        return false;
    scb_page_file_name(page->number, encrypted, name);
    return scb_scan_take(scan, ", \"file\": \"") && scb_scan_take(scan, name) &&
           scb_scan_take(scan, "\", \"keys\": ") && scb_scan_number(scan, &page->keys) &&
           scb_scan_take(scan, ", \"sha256\": \"") &&
           scb_scan_hex(scan, page->sha256, SCB_SHA256_SIZE) &&
           scb_scan_take(scan, "\", \"size\": ") && scb_scan_number(scan, &page->size) &&
           scb_scan_take(scan, last ? "}\n" : "},\n") && scan->at == scan->end;
}

struct scb_manifest_reader {
    struct scb_input input;
    struct scb_manifest manifest;
    struct scb_manifest_tally tally;
    uint64_t line; /* of the next unread byte */
    bool ended;
    size_t at, end; /* what is unread in the window */
    char window[WINDOW];
};

static enum scb_status odd(uint64_t line, struct scb_error *error)
{
    (void)scb_error_set(error, SCB_ERROR_INTEGRITY,
                        "manifest: line %" PRIu64 " is not in the form that satellite writes",
                        line);
    (void)scb_error_hint(error, "it was edited or damaged; take it from the archive or a copy");
    return SCB_ERROR_INTEGRITY;
}

/* Moves what is unread to the window's front and reads more; *ret_more is false at the end. */
static enum scb_status fill(struct scb_manifest_reader *reader, bool *ret_more,
                            struct scb_error *error)
{
    size_t size = 0;
    memmove(reader->window, reader->window + reader->at, reader->end - reader->at);
    reader->end -= reader->at;
    reader->at = 0;
    enum scb_status status = reader->input.read(reader->input.state, reader->window + reader->end,
                                                WINDOW - reader->end, &size, error);
    if (status == SCB_OK) {
        reader->end += size;
        *ret_more = size > 0;
    }
    return status;
}

/* The text up to and with mark, which has to come before the window is full. */
static enum scb_status take_until(struct scb_manifest_reader *reader, const char *mark,
                                  struct scb_scan *ret_text, struct scb_error *error)
{
    for (;;) {
        const char *start = reader->window + reader->at;
        const char *found = memmem(start, reader->end - reader->at, mark, strlen(mark));
        if (found != NULL) {
            *ret_text = (struct scb_scan){start, found + strlen(mark)};
            reader->at = (size_t)(ret_text->end - reader->window);
            return SCB_OK;
        }
        bool more = false; /* stays so when the window is full */
        enum scb_status status = fill(reader, &more, error);
        if (status != SCB_OK)
            return status;
        if (!more)
            return odd(reader->line, error);
    }
}

static enum scb_status read_head(struct scb_manifest_reader *reader, struct scb_error *error)
{
    struct scb_scan text = {0};
    uint64_t version = 0;
    enum scb_status status = take_until(reader, "\"pages\": [\n", &text, error);
    if (status != SCB_OK)
        return status;
    const char *start = text.at;
    bool known =
        scb_scan_take(&text, "{\n  \"format_version\": ") && scb_scan_number(&text, &version);
    if (known && version != FORMAT_VERSION) {
        (void)scb_error_set(error, SCB_ERROR_INTEGRITY,
                            "manifest: format version %" PRIu64 ", this program knows %d", version,
                            FORMAT_VERSION);
        (void)scb_error_hint(error, "read it with the version of satellite that wrote it");
        return SCB_ERROR_INTEGRITY;
    }
    bool taken = known && take_head(&text, &reader->manifest);
    for (const char *at = start; at < text.at; at++)
        reader->line += *at == '\n';
    return taken ? SCB_OK : odd(reader->line, error);
}

enum scb_status scb_manifest_reader_new(struct scb_input input, struct scb_manifest *ret_manifest,
                                        struct scb_manifest_reader **ret_reader,
                                        struct scb_error *error)
{
    struct scb_manifest_reader *reader = scb_alloc(1, sizeof(*reader), error);
    if (reader == NULL)
        return SCB_ERROR_RESOURCE;
    reader->input = input;
    reader->line = 1;
    enum scb_status status = scb_digest_begin(&reader->tally.digest, error);
    if (status == SCB_OK)
        status = read_head(reader, error);
    if (status != SCB_OK) {
        scb_manifest_reader_free(reader);
        return status;
    }
    *ret_manifest = reader->manifest;
    *ret_reader = reader;
    return SCB_OK;
}

void scb_manifest_reader_free(struct scb_manifest_reader *reader)
{
    if (reader == NULL)
        return;
    scb_manifest_tally_cleanup(&reader->tally);
    free(reader);
}

static enum scb_status read_end(struct scb_manifest_reader *reader, struct scb_error *error)
{
    struct scb_scan text = {0};
    bool more = false;
    enum scb_status status = take_until(reader, "}\n", &text, error);
    if (status == SCB_OK && !(scb_scan_take(&text, "  ]\n}\n") && text.at == text.end))
        status = odd(reader->line, error);
    if (status == SCB_OK)
        status = fill(reader, &more, error);
    if (status == SCB_OK && reader->at < reader->end)
        status = odd(reader->line + 2, error);
    if (status == SCB_OK)
        status =
            scb_manifest_tally_check(&reader->tally, &reader->manifest, SCB_ERROR_INTEGRITY, error);
    reader->ended = status == SCB_OK;
    return status;
}

enum scb_status scb_manifest_reader_next(struct scb_manifest_reader *reader, bool *ret_more,
                                         struct scb_manifest_page *ret_page,
                                         struct scb_error *error)
{
    uint64_t total = reader->manifest.total_pages;
    if (reader->ended || reader->tally.pages == total) {
        enum scb_status status = reader->ended ? SCB_OK : read_end(reader, error);
        if (status == SCB_OK)
            *ret_more = false;
        return status;
    }
    struct scb_scan text = {0};
    struct scb_manifest_page page = {0};
    bool encrypted = scb_manifest_is_encrypted(&reader->manifest);
    enum scb_status status = take_until(reader, "\n", &text, error);
    if (status == SCB_OK && !take_page(&text, encrypted, reader->tally.pages + 1 == total, &page))
        status = odd(reader->line, error);
    if (status == SCB_OK)
        status = scb_manifest_tally_add(&reader->tally, &reader->manifest, &page,
                                        SCB_ERROR_INTEGRITY, error);
    if (status == SCB_OK) {
        reader->line++;
        *ret_page = page;
        *ret_more = true;
    }
    return status;
}
