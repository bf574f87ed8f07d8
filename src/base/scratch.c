/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Design: AES-256 in counter mode, the counter being the place in the file, so that any part of it
 * can be read. No place is ever written twice.
 */
#include "base/scratch.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/random.h"

enum { KEY_SIZE = 32, BLOCK = 16, STEP = 1 << 20 };
static const char name[] = "scratch";

struct scb_scratch {
    int fd;
    uint64_t size;
    uint8_t key[KEY_SIZE];
    EVP_CIPHER_CTX *context;
};

static enum scb_status failed(struct scb_error *error)
{
    return scb_error_set(error, SCB_ERROR_RESOURCE, "scratch: OpenSSL failed to encrypt");
}

enum scb_status scb_scratch_new(struct scb_scratch **ret_scratch, struct scb_error *error)
{
    struct scb_scratch *scratch = scb_alloc(1, sizeof(*scratch), error);
    if (scratch == NULL)
        return SCB_ERROR_RESOURCE;
    scratch->fd = -1;
    scratch->context = EVP_CIPHER_CTX_new();
    enum scb_status status = scratch->context == NULL ? failed(error) : SCB_OK;
    if (status == SCB_OK)
        status = scb_random(scratch->key, KEY_SIZE, error);
    if (status == SCB_OK)
        status = scb_file_open_unnamed(&scratch->fd, error);
    if (status != SCB_OK) {
        scb_scratch_free(scratch);
        return status;
    }
    *ret_scratch = scratch;
    return SCB_OK;
}

void scb_scratch_free(struct scb_scratch *scratch)
{
    if (scratch == NULL)
        return;
    scb_fd_cleanup(&scratch->fd);
    EVP_CIPHER_CTX_free(scratch->context);
    scb_wipe(scratch->key, sizeof(scratch->key));
    free(scratch);
}

/* The key stream from an offset on, over data. Encrypting and decrypting are the same. */
static enum scb_status apply(struct scb_scratch *scratch, uint64_t offset, uint8_t *data,
                             size_t size, struct scb_error *error)
{
    uint8_t counter[BLOCK] = {0}, before[BLOCK] = {0};
    int made = 0, skip = (int)(offset % BLOCK);
    uint64_t block = offset / BLOCK;
    for (size_t i = 0; i < 8; i++)
        counter[BLOCK - 1 - i] = (uint8_t)(block >> (8 * i));
    if (EVP_EncryptInit_ex2(scratch->context, EVP_aes_256_ctr(), scratch->key, counter, NULL) !=
            1 ||
        EVP_EncryptUpdate(scratch->context, before, &made, before, skip) != 1)
        return failed(error);
    for (size_t done = 0, part = 0; done < size; done += part) {
        part = size - done < STEP ? size - done : STEP;
        if (EVP_EncryptUpdate(scratch->context, data + done, &made, data + done, (int)part) != 1)
            return failed(error);
    }
    return SCB_OK;
}

enum scb_status scb_scratch_append(struct scb_scratch *scratch, void *data, size_t size,
                                   struct scb_error *error)
{
    enum scb_status status = apply(scratch, scratch->size, data, size, error);
    if (status == SCB_OK)
        status = scb_file_write(scratch->fd, name, data, size, error);
    scratch->size += size;
    return status;
}

enum scb_status scb_scratch_read(struct scb_scratch *scratch, uint64_t offset, void *data,
                                 size_t size, struct scb_error *error)
{
    size_t got = 0;
    enum scb_status status = scb_file_read_at(scratch->fd, name, offset, data, size, &got, error);
    if (status == SCB_OK && got < size)
        status = scb_error_set(error, SCB_ERROR_FILE, "the scratch file was cut");
    return status == SCB_OK ? apply(scratch, offset, data, size, error) : status;
}
