/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "crypto/identity_parts.h"

/* Only a plain file, since a pipe would be waited for; links may lead there. *ret_fd is the
 * caller's to close, whatever this returns. */
static enum scb_status open_file(const char *path, struct stat *ret_about, int *ret_fd,
                                 struct scb_error *error)
{
    *ret_fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (*ret_fd < 0 || fstat(*ret_fd, ret_about) != 0) {
        enum scb_status status = errno == ENOENT ? SCB_ERROR_NOT_FOUND : SCB_ERROR_FILE;
        status = scb_error_set_errno(error, status, errno, "'%s' not opened", path);
        (void)scb_error_hint(error, "check the path and who may read the file; satellite identity "
                                    "create makes an identity");
        return status;
    }
    if (!S_ISREG(ret_about->st_mode))
        return scb_error_set(error, SCB_ERROR_VALIDATION, "'%s' is no plain file", path);
    return SCB_OK;
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
    struct stat about = {0};
    size_t size = 0;
    SCB_AUTO(fd) int fd = -1;
    enum scb_status status = open_file(path, &about, &fd, error);
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

/* A key that others can read is nobody's any more. */
static enum scb_status check_mode(const struct stat *about, const char *path,
                                  struct scb_error *error)
{
    mode_t allowed = about->st_uid == 0 ? 0740 : 0700;
    if ((about->st_mode & 0777 & ~allowed) == 0)
        return SCB_OK;
    (void)scb_error_set(error, SCB_ERROR_VALIDATION, "'%s' is open to others, its mode is %04o",
                        path, (unsigned)about->st_mode & 07777);
    (void)scb_error_hint(error, "chmod 600 %s", path);
    return SCB_ERROR_VALIDATION;
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
    struct stat about = {0};
    size_t size = 0;
    SCB_AUTO(fd) int fd = -1;
    enum scb_status status = open_file(path, &about, &fd, error);
    if (status == SCB_OK)
        status = check_mode(&about, path, error);
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
