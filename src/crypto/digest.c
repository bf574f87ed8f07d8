/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/digest.h"

#include <assert.h>
#include <openssl/evp.h>
#include <stdatomic.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"

enum { STEP = 256 * 1024, CHUNK = 64 * 1024 };

/*
 * Fetched once: EVP_sha256() would make OpenSSL 3 look its implementation up at every begin. A
 * fetch that failed for want of memory is tried again. Never freed, since threads may still hash
 * while the process exits.
 */
static const EVP_MD *fetch_sha256(void)
{
    static _Atomic(EVP_MD *) fetched;
    EVP_MD *present = atomic_load(&fetched);
    if (present != NULL)
        return present;
    EVP_MD *mine = EVP_MD_fetch(NULL, "SHA256", NULL);
    if (mine != NULL && !atomic_compare_exchange_strong(&fetched, &present, mine)) {
        EVP_MD_free(mine);
        return present;
    }
    return mine;
}

static enum scb_status failed(struct scb_error *error, const char *step)
{
    return scb_error_set(error, SCB_ERROR_RESOURCE, "SHA-256: OpenSSL failed to %s", step);
}

enum scb_status scb_digest_begin(struct scb_digest *digest, struct scb_error *error)
{
    const EVP_MD *sha256 = fetch_sha256();
    if (sha256 == NULL) {
        (void)scb_error_set(error, SCB_ERROR_RESOURCE, "OpenSSL gave no SHA-256");
        (void)scb_error_hint(error, "give the process more memory, or check openssl.cnf");
        return SCB_ERROR_RESOURCE;
    }
    if (digest->context == NULL && (digest->context = EVP_MD_CTX_new()) == NULL)
        return scb_error_set(error, SCB_ERROR_RESOURCE, "SHA-256: no memory for its state");
    return EVP_DigestInit_ex2(digest->context, sha256, NULL) == 1 ? SCB_OK : failed(error, "begin");
}

enum scb_status scb_digest_update(struct scb_digest *digest, const void *data, size_t size,
                                  struct scb_error *error)
{
    assert(digest->context != NULL);
    return EVP_DigestUpdate(digest->context, data, size) == 1 ? SCB_OK : failed(error, "update");
}

enum scb_status scb_digest_end(struct scb_digest *digest, uint8_t ret_sha256[SCB_SHA256_SIZE],
                               struct scb_error *error)
{
    assert(digest->context != NULL);
    return EVP_DigestFinal_ex(digest->context, ret_sha256, NULL) == 1 ? SCB_OK
                                                                      : failed(error, "end");
}

void scb_digest_free(struct scb_digest *digest)
{
    EVP_MD_CTX_free(digest->context);
    digest->context = NULL;
}

void scb_digest_cleanup(struct scb_digest *digest)
{
    scb_digest_free(digest);
}

static enum scb_status sink_write(void *state, const void *data, size_t size,
                                  struct scb_error *error)
{
    struct scb_digest *digest = state;
    return scb_digest_update(digest, data, size, error);
}

struct scb_sink scb_digest_sink(struct scb_digest *digest)
{
    return (struct scb_sink){sink_write, digest};
}

enum scb_status scb_digest_sha256(struct scb_digest *digest, struct scb_bytes data,
                                  uint8_t ret_sha256[SCB_SHA256_SIZE], struct scb_error *error)
{
    enum scb_status status = scb_digest_begin(digest, error);
    if (status == SCB_OK)
        status = scb_digest_update(digest, data.data, data.size, error);
    if (status == SCB_OK)
        status = scb_digest_end(digest, ret_sha256, error);
    return status;
}

enum scb_status scb_digest_input(struct scb_digest *digest, struct scb_input input,
                                 uint8_t ret_sha256[SCB_SHA256_SIZE], struct scb_error *error)
{
    uint8_t chunk[CHUNK];
    enum scb_status status = scb_digest_begin(digest, error);
    for (size_t got = 1; status == SCB_OK && got > 0;) {
        status = input.read(input.state, chunk, sizeof(chunk), &got, error);
        if (status == SCB_OK)
            status = scb_digest_update(digest, chunk, got, error);
    }
    return status == SCB_OK ? scb_digest_end(digest, ret_sha256, error) : status;
}

enum scb_status scb_digest_file(int fd, const char *name, const struct scb_cancel *cancel,
                                char ret_sha256[SCB_SHA256_TEXT_SIZE], struct scb_error *error)
{
    uint8_t sha256[SCB_SHA256_SIZE];
    uint64_t offset = 0;
    SCB_AUTO(digest) struct scb_digest digest = {0};
    SCB_AUTO(memory) void *step = scb_alloc(STEP, 1, error);
    if (step == NULL)
        return SCB_ERROR_RESOURCE;
    enum scb_status status = scb_digest_begin(&digest, error);
    for (size_t got = 1; status == SCB_OK && got > 0; offset += got) {
        status = scb_file_read_at(fd, name, offset, step, STEP, &got, error);
        if (status == SCB_OK)
            status = scb_digest_update(&digest, step, got, error);
        if (status == SCB_OK && scb_cancel_requested(cancel))
            status = scb_error_set(error, SCB_ERROR_CANCELED, "interrupted");
    }
    if (status == SCB_OK)
        status = scb_digest_end(&digest, sha256, error);
    if (status == SCB_OK)
        scb_text_hex(sha256, sizeof(sha256), ret_sha256);
    return status;
}
