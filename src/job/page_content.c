/* SPDX-License-Identifier: Apache-2.0 */
#include "job/page_content.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "crypto/age_input.h"
#include "crypto/digest.h"
#include "format/gunzip.h"

enum {
    MAX_WHOLE = 8 << 20,  /* the largest page that is held in memory */
    MAX_OPENED = 4 << 20, /* and that is decrypted and inflated there, beside what it was */
};

/* Bytes in memory as an input. */
struct held {
    struct scb_bytes left;
};

struct scb_page_content {
    struct scb_page_content_settings settings;
    struct scb_archived_page page; /* the present one */
    struct scb_inflater *inflater;
    struct scb_digest digest;
    struct scb_buffer bytes;         /* it, where it is small enough */
    struct scb_zip_content *content; /* it, where it is not */
    struct held held;
    /* Of encrypted ones: */
    struct scb_age_reader *reader;
    struct scb_age_input age;
    struct scb_gunzipper *gunzipper;
    struct scb_gunzip *gunzip;
    struct scb_buffer compressed, json;
};

static enum scb_status open_decryption(struct scb_page_content *content, struct scb_error *error)
{
    content->compressed.max = content->json.max = MAX_OPENED;
    enum scb_status status =
        scb_age_reader_new(content->settings.identities, &content->reader, error);
    return status == SCB_OK ? scb_gunzipper_new(&content->gunzipper, error) : status;
}

enum scb_status scb_page_content_new(const struct scb_page_content_settings *settings,
                                     struct scb_page_content **ret_content, struct scb_error *error)
{
    struct scb_page_content *content = scb_alloc(1, sizeof(*content), error);
    if (content == NULL)
        return SCB_ERROR_RESOURCE;
    content->settings = *settings;
    content->bytes.max = MAX_WHOLE;
    enum scb_status status = scb_inflater_new(&content->inflater, error);
    if (status == SCB_OK && settings->encrypted && settings->identities != NULL)
        status = open_decryption(content, error);
    if (status != SCB_OK) {
        scb_page_content_free(content);
        return status;
    }
    *ret_content = content;
    return SCB_OK;
}

/* What belongs to the present page alone. */
static void forget_page(struct scb_page_content *content)
{
    scb_gunzip_close(content->gunzip);
    content->gunzip = NULL;
    scb_zip_content_close(content->content);
    content->content = NULL;
}

void scb_page_content_free(struct scb_page_content *content)
{
    if (content == NULL)
        return;
    forget_page(content);
    scb_age_input_free(&content->age);
    scb_age_reader_free(content->reader);
    scb_gunzipper_free(content->gunzipper);
    scb_buffer_free(&content->compressed);
    scb_buffer_free(&content->json);
    scb_buffer_free(&content->bytes);
    scb_digest_free(&content->digest);
    scb_inflater_free(content->inflater);
    free(content);
}

static enum scb_status read_held(void *state, void *data, size_t size, size_t *ret_size,
                                 struct scb_error *error)
{
    (void)error;
    struct held *held = state;
    *ret_size = size < held->left.size ? size : held->left.size;
    if (*ret_size > 0)
        memcpy(data, held->left.data, *ret_size);
    held->left = (struct scb_bytes){held->left.data + *ret_size, held->left.size - *ret_size};
    return SCB_OK;
}

static struct scb_input held_input(struct scb_page_content *content, struct scb_bytes bytes)
{
    content->held.left = bytes;
    return (struct scb_input){read_held, &content->held};
}

static bool is_whole(const struct scb_page_content *content)
{
    return content->page.place.size <= MAX_WHOLE;
}

/* --- its bytes --- */

static enum scb_status open_stream(struct scb_page_content *content, struct scb_input *ret_input,
                                   struct scb_error *error)
{
    scb_zip_content_close(content->content);
    content->content = NULL;
    enum scb_status status =
        scb_zip_content_open(content->settings.fd, &content->page.place, &content->content, error);
    if (status == SCB_OK)
        *ret_input = scb_zip_content_input(content->content);
    return status;
}

static enum scb_status hash_stream(struct scb_page_content *content,
                                   uint8_t ret_sha256[SCB_SHA256_SIZE], struct scb_error *error)
{
    struct scb_input input;
    enum scb_status status = open_stream(content, &input, error);
    return status == SCB_OK ? scb_digest_input(&content->digest, input, ret_sha256, error) : status;
}

static enum scb_status hash_whole(struct scb_page_content *content,
                                  uint8_t ret_sha256[SCB_SHA256_SIZE], struct scb_error *error)
{
    enum scb_status status = scb_inflater_run(content->inflater, content->settings.fd,
                                              &content->page.place, &content->bytes, error);
    return status == SCB_OK ? scb_digest_sha256(&content->digest, scb_buffer_bytes(&content->bytes),
                                                ret_sha256, error)
                            : status;
}

enum scb_status scb_page_content_check(struct scb_page_content *content,
                                       const struct scb_archived_page *page,
                                       struct scb_bytes *ret_held, struct scb_error *error)
{
    uint8_t sha256[SCB_SHA256_SIZE];
    forget_page(content);
    content->page = *page;
    /* Before anything is inflated: a forged directory asks for no work that the manifest denies. */
    if (page->place.size != page->page.size)
        return scb_error_set(error, SCB_ERROR_INTEGRITY,
                             "%" PRIu64 " bytes, the manifest says %" PRIu64, page->place.size,
                             page->page.size);
    enum scb_status status = is_whole(content) ? hash_whole(content, sha256, error)
                                               : hash_stream(content, sha256, error);
    if (status == SCB_OK && memcmp(sha256, page->page.sha256, sizeof(sha256)) != 0)
        status =
            scb_error_set(error, SCB_ERROR_INTEGRITY, "its SHA-256 is not that of the manifest");
    if (status == SCB_OK)
        *ret_held = is_whole(content) ? scb_buffer_bytes(&content->bytes) : (struct scb_bytes){0};
    return status;
}

/* --- what is in them --- */

/* No page of the manifest's keys is larger: every byte could be escaped as \u00xx. */
static uint64_t largest_json(const struct scb_page_content *content)
{
    const struct scb_page_limits *limits = &content->settings.limits;
    enum { ESCAPED = 6, AROUND = 256 };
    uint64_t entry = 0, all = 0;
    if (__builtin_mul_overflow((uint64_t)limits->max_key_size, 2u, &entry) ||
        __builtin_add_overflow(entry, limits->max_value_size, &entry) ||
        __builtin_mul_overflow(entry, ESCAPED, &entry) ||
        __builtin_add_overflow(entry, AROUND, &entry) ||
        __builtin_mul_overflow(entry, content->page.page.keys, &all) ||
        __builtin_add_overflow(all, AROUND, &all))
        return UINT64_MAX;
    return all;
}

/* Both steps with all of it in memory; *ret_done stays false where it is too large for that, or
 * says to be. */
static enum scb_status decrypt_whole(struct scb_page_content *content, bool *ret_done,
                                     struct scb_error *error)
{
    scb_buffer_clear(&content->compressed);
    if (content->bytes.size > MAX_OPENED)
        return SCB_OK;
    enum scb_status status = scb_age_reader_decrypt(
        content->reader, scb_buffer_bytes(&content->bytes), &content->compressed, error);
    struct scb_bytes compressed = scb_buffer_bytes(&content->compressed);
    uint64_t size = scb_gunzip_size(compressed), most = largest_json(content);
    *ret_done = size <= MAX_OPENED && size <= most;
    return status == SCB_OK && *ret_done
               ? scb_gunzipper_run(content->gunzipper, compressed, &content->json, error)
               : status;
}

static enum scb_status decrypt_stream(struct scb_page_content *content, struct scb_input file,
                                      struct scb_input *ret_json, struct scb_error *error)
{
    content->age.reader = content->reader;
    content->age.file = file;
    enum scb_status status = scb_age_input_begin(&content->age, error);
    if (status == SCB_OK)
        status = scb_gunzip_open(scb_age_input_text(&content->age), largest_json(content),
                                 &content->gunzip, error);
    if (status == SCB_OK)
        *ret_json = scb_gunzip_input(content->gunzip);
    return status;
}

static enum scb_status decrypt(struct scb_page_content *content, struct scb_input *ret_json,
                               struct scb_error *error)
{
    struct scb_input file;
    bool done = false;
    enum scb_status status = SCB_OK;
    assert(content->reader != NULL);
    if (is_whole(content)) {
        status = decrypt_whole(content, &done, error);
        file = held_input(content, scb_buffer_bytes(&content->bytes));
    } else {
        status = open_stream(content, &file, error);
    }
    if (status == SCB_OK && done)
        *ret_json = held_input(content, scb_buffer_bytes(&content->json));
    return status == SCB_OK && !done ? decrypt_stream(content, file, ret_json, error) : status;
}

/* The identities are of the manifest's recipients (job/backup_keys): then they open every page. */
static enum scb_status not_for_them(struct scb_error *error)
{
    return scb_error_set(error, SCB_ERROR_INTEGRITY,
                         "it is not encrypted for the recipients that the manifest names");
}

enum scb_status scb_page_content_open(struct scb_page_content *content, struct scb_input *ret_json,
                                      struct scb_error *error)
{
    if (content->settings.encrypted) {
        enum scb_status status = decrypt(content, ret_json, error);
        return status == SCB_ERROR_ACCESS ? not_for_them(error) : status;
    }
    if (!is_whole(content))
        return open_stream(content, ret_json, error);
    *ret_json = held_input(content, scb_buffer_bytes(&content->bytes));
    return SCB_OK;
}
