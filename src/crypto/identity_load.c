/* SPDX-License-Identifier: Apache-2.0 */
#include <openssl/err.h>
#include <openssl/pem.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/plain_file.h"
#include "crypto/identity_parts.h"

static enum scb_status open_file(const char *path, bool is_secret, int *ret_fd,
                                 struct scb_error *error)
{
    enum scb_status status = scb_plain_file_open(path, is_secret, ret_fd, error);
    if (status == SCB_ERROR_NOT_FOUND || status == SCB_ERROR_FILE)
        (void)scb_error_hint(error, "check the path and who may read the file; satellite identity "
                                    "create makes an identity");
    return status;
}

/* Fills text, which has room for SCB_IDENTITY_MAX_FILE + 1 bytes. */
static enum scb_status read_file(int fd, const char *path, char *text, size_t *ret_size,
                                 struct scb_error *error)
{
    enum scb_status status =
        scb_file_read(fd, path, text, SCB_IDENTITY_MAX_FILE + 1, ret_size, error);
    if (status == SCB_OK && *ret_size > SCB_IDENTITY_MAX_FILE)
        status = scb_error_set(error, SCB_ERROR_VALIDATION, "'%s' is over %d bytes", path,
                               SCB_IDENTITY_MAX_FILE);
    return status;
}

static enum scb_status load_certs(const char *path, struct scb_identity **ret_identity,
                                  struct scb_error *error)
{
    char text[SCB_IDENTITY_MAX_FILE + 1];
    size_t size = 0;
    SCB_AUTO(fd) int fd = -1;
    enum scb_status status = open_file(path, false, &fd, error);
    if (status == SCB_OK)
        status = read_file(fd, path, text, &size, error);
    if (status != SCB_OK)
        return status;
    status =
        scb_identity_parse((struct scb_bytes){(const uint8_t *)text, size}, ret_identity, error);
    if (status != SCB_OK)
        (void)scb_error_wrap(error, "'%s'", path);
    if (status == SCB_ERROR_VALIDATION)
        (void)scb_error_hint(error, "give Storj's identity.cert: the PEM of the leaf, then that "
                                    "of its authority");
    return status;
}

static enum scb_status parse_key(const char *text, size_t size, EVP_PKEY **ret_key,
                                 struct scb_error *error)
{
    SCB_AUTO(bio) BIO *bio = BIO_new_mem_buf(text, (int)size);
    if (bio == NULL)
        return scb_openssl_failed(error, SCB_ERROR_RESOURCE, "private key");
    ERR_clear_error();
    *ret_key = PEM_read_bio_PrivateKey(bio, NULL, scb_identity_no_passphrase, NULL);
    if (*ret_key != NULL)
        return SCB_OK;
    bool locked = memmem(text, size, "ENCRYPTED", strlen("ENCRYPTED")) != NULL;
    enum scb_status status =
        scb_openssl_failed(error, SCB_ERROR_VALIDATION,
                           locked ? "the key is under a passphrase" : "no private key in PEM");
    if (status == SCB_ERROR_VALIDATION)
        (void)scb_error_hint(error, locked ? "openssl pkey -in FILE -out NEW takes it off"
                                           : "give Storj's identity.key");
    return status;
}

static enum scb_status load_key(struct scb_identity *identity, const char *path,
                                struct scb_error *error)
{
    char text[SCB_IDENTITY_MAX_FILE + 1];
    size_t size = 0;
    SCB_AUTO(fd) int fd = -1;
    enum scb_status status = open_file(path, true, &fd, error);
    if (status == SCB_OK)
        status = read_file(fd, path, text, &size, error);
    if (status == SCB_OK && (status = parse_key(text, size, &identity->key, error)) != SCB_OK)
        (void)scb_error_wrap(error, "'%s'", path);
    scb_wipe(text, sizeof(text));
    if (status != SCB_OK)
        return status;
    if (EVP_PKEY_eq(identity->key, X509_get0_pubkey(identity->certs[SCB_LEAF])) == 1)
        return SCB_OK;
    status =
        scb_openssl_failed(error, SCB_ERROR_VALIDATION, "it is not the key of the certificate");
    if (status == SCB_ERROR_VALIDATION)
        (void)scb_error_hint(error, "identity.cert and identity.key must be of one identity");
    (void)scb_error_wrap(error, "'%s'", path);
    return status;
}

enum scb_status scb_identity_load(const char *cert_path, const char *key_path,
                                  struct scb_identity **ret_identity, struct scb_error *error)
{
    SCB_AUTO(identity) struct scb_identity *identity = NULL;
    enum scb_status status = load_certs(cert_path, &identity, error);
    if (status == SCB_OK && key_path != NULL)
        status = load_key(identity, key_path, error);
    if (status == SCB_OK)
        *ret_identity = SCB_TAKE(identity);
    return status;
}
