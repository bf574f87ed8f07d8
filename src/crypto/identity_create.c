/* SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/random.h"
#include "crypto/identity_parts.h"

enum { SERIAL_SIZE = 16 };

/* The files, in the order in which they are written: with the last one the identity is whole. */
enum { CA_KEY, CA_CERT, LEAF_KEY, LEAF_CERT, FILES };
static const char *const names[FILES] = {"ca.key", "ca.cert", SCB_IDENTITY_KEY_NAME,
                                         SCB_IDENTITY_CERT_NAME};

struct extension {
    int nid;
    const char *value;
};

/* As Storj's are; the key identifiers let other tools tell the two certificates apart. */
static const struct extension ca_extensions[] = {
    {NID_key_usage, "critical,keyCertSign"},
    {NID_basic_constraints, "critical,CA:TRUE"},
    {NID_subject_key_identifier, "hash"},
};
static const struct extension leaf_extensions[] = {
    {NID_key_usage, "critical,digitalSignature,keyEncipherment"},
    {NID_ext_key_usage, "serverAuth,clientAuth"},
    {NID_basic_constraints, "critical,CA:FALSE"},
    {NID_subject_key_identifier, "hash"},
    {NID_authority_key_identifier, "keyid"},
};

static enum scb_status failed(const char *what, struct scb_error *error)
{
    return scb_openssl_failed(error, SCB_ERROR_INTERNAL, what);
}

static bool add_extensions(X509 *cert, X509 *issuer, const struct extension *extensions,
                           size_t count)
{
    X509V3_CTX context;
    X509V3_set_ctx(&context, issuer, cert, NULL, NULL, 0);
    for (size_t i = 0; i < count; i++) {
        X509_EXTENSION *extension =
            X509V3_EXT_conf_nid(NULL, &context, extensions[i].nid, extensions[i].value);
        bool added = extension != NULL && X509_add_ext(cert, extension, -1) == 1;
        X509_EXTENSION_free(extension);
        if (!added)
            return false;
    }
    return true;
}

static bool add_version(X509 *ca)
{
    static const uint8_t version = SCB_NODE_ID_VERSION;
    ASN1_OBJECT *oid = OBJ_txt2obj(SCB_IDENTITY_VERSION_OID, 1);
    ASN1_OCTET_STRING *value = ASN1_OCTET_STRING_new();
    X509_EXTENSION *extension = NULL;
    bool added = oid != NULL && value != NULL &&
                 ASN1_OCTET_STRING_set(value, &version, sizeof(version)) == 1 &&
                 (extension = X509_EXTENSION_create_by_OBJ(NULL, oid, 0, value)) != NULL &&
                 X509_add_ext(ca, extension, -1) == 1;
    X509_EXTENSION_free(extension);
    ASN1_OCTET_STRING_free(value);
    ASN1_OBJECT_free(oid);
    return added;
}

/* Positive and never the same twice (RFC 5280, 4.1.2.2). */
static bool set_serial(X509 *cert)
{
    uint8_t serial[SERIAL_SIZE];
    if (scb_random(serial, sizeof(serial), NULL) != SCB_OK)
        return false;
    serial[0] = (uint8_t)((serial[0] & 0x3f) | 0x40);
    BIGNUM *number = BN_bin2bn(serial, sizeof(serial), NULL);
    bool done = number != NULL && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(cert)) != NULL;
    BN_free(number);
    return done;
}

/* All but extensions and signature. It never expires: 99991231235959Z (RFC 5280, 4.1.2.5). */
static X509 *new_cert(const char *name, EVP_PKEY *key)
{
    X509 *cert = X509_new();
    X509_NAME *subject = cert == NULL ? NULL : X509_get_subject_name(cert);
    if (subject != NULL && X509_set_version(cert, X509_VERSION_3) == 1 && set_serial(cert) &&
        X509_NAME_add_entry_by_txt(subject, "O", MBSTRING_ASC, (const uint8_t *)"satellite", -1, -1,
                                   0) == 1 &&
        X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, (const uint8_t *)name, -1, -1, 0) ==
            1 &&
        X509_gmtime_adj(X509_getm_notBefore(cert), 0) != NULL &&
        ASN1_TIME_set_string_X509(X509_getm_notAfter(cert), "99991231235959Z") == 1 &&
        X509_set_pubkey(cert, key) == 1)
        return cert;
    X509_free(cert);
    return NULL;
}

static X509 *make_ca(EVP_PKEY *key)
{
    X509 *cert = new_cert("satellite identity authority", key);
    if (cert != NULL && X509_set_issuer_name(cert, X509_get_subject_name(cert)) == 1 &&
        add_extensions(cert, cert, ca_extensions, SCB_LENGTH(ca_extensions)) && add_version(cert) &&
        X509_sign(cert, key, EVP_sha256()) > 0)
        return cert;
    X509_free(cert);
    return NULL;
}

static X509 *make_leaf(EVP_PKEY *key, X509 *ca, EVP_PKEY *ca_key)
{
    X509 *cert = new_cert("satellite identity", key);
    if (cert != NULL && X509_set_issuer_name(cert, X509_get_subject_name(ca)) == 1 &&
        add_extensions(cert, ca, leaf_extensions, SCB_LENGTH(leaf_extensions)) &&
        X509_sign(cert, ca_key, EVP_sha256()) > 0)
        return cert;
    X509_free(cert);
    return NULL;
}

static enum scb_status difficulty_of(EVP_PKEY *key, unsigned *ret_difficulty,
                                     struct scb_error *error)
{
    struct scb_node_id id;
    uint8_t *der = NULL;
    int size = i2d_PUBKEY(key, &der);
    if (size <= 0)
        return failed("public key not written", error);
    enum scb_status status = scb_node_id_of_key((struct scb_bytes){der, (size_t)size}, &id, error);
    OPENSSL_free(der);
    if (status == SCB_OK)
        *ret_difficulty = scb_node_id_difficulty(&id);
    return status;
}

/* Makes keys until one's node ID has the zero bits: the proof of work. */
static enum scb_status make_ca_key(unsigned difficulty, const struct scb_cancel *cancel,
                                   EVP_PKEY **ret_key, struct scb_error *error)
{
    for (;;) {
        unsigned found = 0;
        EVP_PKEY *key = EVP_EC_gen("P-256");
        if (key == NULL)
            return failed("no key made", error);
        enum scb_status status = difficulty_of(key, &found, error);
        if (status == SCB_OK && found >= difficulty) {
            *ret_key = key;
            return SCB_OK;
        }
        EVP_PKEY_free(key);
        if (status != SCB_OK)
            return status;
        if (scb_cancel_requested(cancel))
            return scb_error_set(error, SCB_ERROR_CANCELED,
                                 "interrupted; no identity has been made");
    }
}

/* Before the work, and so that none of the others is left behind for one that is there. */
static enum scb_status check_absent(int dir_fd, const char *directory, struct scb_error *error)
{
    struct stat about;
    for (size_t i = 0; i < FILES; i++) {
        if (fstatat(dir_fd, names[i], &about, AT_SYMLINK_NOFOLLOW) == 0) {
            (void)scb_error_set(error, SCB_ERROR_FILE, "'%s/%s' is there already", directory,
                                names[i]);
            (void)scb_error_hint(error, "an identity is never replaced; name another directory");
            return SCB_ERROR_FILE;
        }
        if (errno != ENOENT)
            return scb_error_set_errno(error, SCB_ERROR_FILE, errno, "'%s/%s' not looked at",
                                       directory, names[i]);
    }
    return SCB_OK;
}

/* A new file, synced; its name lasts once the directory is synced. */
static enum scb_status write_new(int dir_fd, const char *name, mode_t mode, BIO *content,
                                 struct scb_error *error)
{
    char *text = NULL;
    long size = BIO_get_mem_data(content, &text);
    int fd = -1;
    enum scb_status status =
        scb_file_open(dir_fd, name, O_WRONLY | O_CREAT | O_EXCL, mode, &fd, error);
    if (status != SCB_OK)
        return status;
    status = scb_file_write(fd, name, text, (size_t)size, error);
    if (status == SCB_OK)
        status = scb_file_sync(fd, name, error);
    enum scb_status closed = scb_file_close(fd, name, status == SCB_OK ? error : NULL);
    if (status == SCB_OK)
        status = closed;
    if (status != SCB_OK)
        (void)unlinkat(dir_fd, name, 0);
    return status;
}

static enum scb_status write_files(int dir_fd, BIO *const contents[FILES], struct scb_error *error)
{
    size_t written = 0;
    enum scb_status status = SCB_OK;
    for (; status == SCB_OK && written < FILES; written += status == SCB_OK) {
        bool is_key = written == CA_KEY || written == LEAF_KEY;
        status = write_new(dir_fd, names[written], is_key ? 0600 : 0644, contents[written], error);
    }
    if (status == SCB_OK)
        status = scb_dir_sync(dir_fd, ".", error);
    while (status != SCB_OK && written > 0)
        (void)unlinkat(dir_fd, names[--written], 0);
    return status;
}

/* In the traditional form, "EC PRIVATE KEY": that is what Storj's own tools write. */
static bool key_to_pem(BIO *out, EVP_PKEY *key)
{
    return PEM_write_bio_PrivateKey_traditional(out, key, NULL, NULL, 0, NULL, NULL) == 1;
}

static enum scb_status save(const struct scb_identity *identity, EVP_PKEY *ca_key, int dir_fd,
                            struct scb_error *error)
{
    BIO *contents[FILES];
    bool done = true;
    for (size_t i = 0; i < FILES; i++)
        done &= (contents[i] = BIO_new(BIO_s_mem())) != NULL; /* wiped when it is freed */
    done = done && key_to_pem(contents[CA_KEY], ca_key) &&
           PEM_write_bio_X509(contents[CA_CERT], identity->certs[SCB_CA]) == 1 &&
           key_to_pem(contents[LEAF_KEY], identity->key) &&
           PEM_write_bio_X509(contents[LEAF_CERT], identity->certs[SCB_LEAF]) == 1 &&
           PEM_write_bio_X509(contents[LEAF_CERT], identity->certs[SCB_CA]) == 1;
    enum scb_status status =
        done ? write_files(dir_fd, contents, error) : failed("identity not written as PEM", error);
    for (size_t i = 0; i < FILES; i++)
        (void)BIO_free(contents[i]);
    return status;
}

static enum scb_status make(struct scb_identity *identity, EVP_PKEY *ca_key,
                            struct scb_error *error)
{
    ERR_clear_error();
    if ((identity->certs[SCB_CA] = make_ca(ca_key)) == NULL ||
        (identity->key = EVP_EC_gen("P-256")) == NULL ||
        (identity->certs[SCB_LEAF] = make_leaf(identity->key, identity->certs[SCB_CA], ca_key)) ==
            NULL)
        return failed("identity not made", error);
    identity->count = 2;
    return scb_identity_check(identity, error);
}

enum scb_status scb_identity_create(const char *directory, unsigned difficulty,
                                    const struct scb_cancel *cancel,
                                    struct scb_identity **ret_identity, struct scb_error *error)
{
    assert(difficulty <= SCB_IDENTITY_MAX_DIFFICULTY);
    SCB_AUTO(fd) int dir_fd = -1;
    EVP_PKEY *ca_key = NULL;
    SCB_AUTO(identity)
    struct scb_identity *identity = scb_alloc(1, sizeof(*identity), error);
    if (identity == NULL)
        return SCB_ERROR_RESOURCE;
    enum scb_status status = scb_dir_open(directory, true, 0700, &dir_fd, error);
    if (status == SCB_OK)
        status = check_absent(dir_fd, directory, error);
    if (status == SCB_OK)
        status = make_ca_key(difficulty, cancel, &ca_key, error);
    if (status == SCB_OK)
        status = make(identity, ca_key, error);
    if (status == SCB_OK)
        status = save(identity, ca_key, dir_fd, error);
    EVP_PKEY_free(ca_key);
    if (status == SCB_OK)
        *ret_identity = SCB_TAKE(identity);
    return status;
}
