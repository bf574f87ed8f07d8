/* SPDX-License-Identifier: Apache-2.0 */
#include "web/keys.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/plain_file.h"

enum { MAX_PEM = 64 * 1024 };

struct pem {
    size_t size;
    char text[MAX_PEM + 1];
};

struct scb_web_keys {
    atomic_int holders;
    gnutls_certificate_credentials_t credentials;
    struct scb_web_certs *own, *clients;
    struct pem cert, key, client_ca;
};

static enum scb_status read_pem(const char *path, bool is_secret, struct pem *pem,
                                struct scb_error *error)
{
    SCB_AUTO(fd) int fd = -1;
    enum scb_status status = scb_plain_file_open(path, is_secret, &fd, error);
    if (status == SCB_ERROR_NOT_FOUND)
        status = error->status = SCB_ERROR_FILE;
    if (status == SCB_OK)
        status = scb_file_read(fd, path, pem->text, MAX_PEM + 1, &pem->size, error);
    if (status == SCB_OK && pem->size > MAX_PEM)
        return scb_error_set(error, SCB_ERROR_VALIDATION, "'%s' is over %d bytes", path, MAX_PEM);
    if (status == SCB_OK)
        pem->text[pem->size] = '\0';
    return status;
}

static enum scb_status read_certs(const char *path, struct pem *pem,
                                  struct scb_web_certs **ret_certs, struct scb_error *error)
{
    if (path[0] == '\0')
        return SCB_OK;
    enum scb_status status = read_pem(path, false, pem, error);
    const struct scb_bytes bytes = {(const uint8_t *)pem->text, pem->size};
    return status == SCB_OK ? scb_web_certs_parse(bytes, path, ret_certs, error) : status;
}

/* Which settings go together. */
static enum scb_status check_files(const struct scb_web_key_files *files, struct scb_error *error)
{
    bool tls = files->cert_path[0] != '\0';
    if (tls != (files->key_path[0] != '\0'))
        return scb_error_set(error, SCB_ERROR_VALIDATION,
                             "server.tls_cert_path and server.tls_key_path go together");
    if (tls || files->client_ca_path[0] == '\0')
        return SCB_OK;
    scb_error_set(error, SCB_ERROR_VALIDATION,
                  "server.tls_client_ca_path without server.tls_cert_path: there is no TLS");
    return scb_error_hint(error, "set server.tls_cert_path and server.tls_key_path too");
}

static gnutls_datum_t datum(const struct pem *pem)
{
    return (gnutls_datum_t){(unsigned char *)(uintptr_t)pem->text, (unsigned)pem->size};
}

static enum scb_status make_credentials(struct scb_web_keys *keys,
                                        const struct scb_web_key_files *files,
                                        struct scb_error *error)
{
    const gnutls_datum_t cert = datum(&keys->cert), key = datum(&keys->key);
    const gnutls_datum_t client_ca = datum(&keys->client_ca);
    if (gnutls_certificate_allocate_credentials(&keys->credentials) < 0)
        return scb_error_set(error, SCB_ERROR_RESOURCE, "no memory for TLS");
    int result =
        gnutls_certificate_set_x509_key_mem(keys->credentials, &cert, &key, GNUTLS_X509_FMT_PEM);
    if (result >= 0 && keys->clients != NULL)
        result = gnutls_certificate_set_x509_trust_mem(keys->credentials, &client_ca,
                                                       GNUTLS_X509_FMT_PEM);
    if (result >= 0)
        return SCB_OK;
    if (result == GNUTLS_E_MEMORY_ERROR)
        return scb_error_set(error, SCB_ERROR_RESOURCE, "no memory for TLS");
    scb_error_set(error, SCB_ERROR_VALIDATION, "'%s' and '%s': %s", files->cert_path,
                  files->key_path, gnutls_strerror(result));
    return scb_error_hint(error, "server.tls_key_path is the certificate's key, in PEM and without "
                                 "a passphrase");
}

enum scb_status scb_web_keys_load(const struct scb_web_key_files *files,
                                  struct scb_web_keys **ret_keys, struct scb_error *error)
{
    enum scb_status status = check_files(files, error);
    *ret_keys = NULL;
    if (status != SCB_OK || files->cert_path[0] == '\0')
        return status;
    struct scb_web_keys *keys = scb_alloc(1, sizeof(*keys), error);
    if (keys == NULL)
        return SCB_ERROR_RESOURCE;
    atomic_init(&keys->holders, 1);
    status = read_certs(files->cert_path, &keys->cert, &keys->own, error);
    if (status == SCB_OK)
        status = read_pem(files->key_path, true, &keys->key, error);
    if (status == SCB_OK)
        status = read_certs(files->client_ca_path, &keys->client_ca, &keys->clients, error);
    if (status == SCB_OK)
        status = make_credentials(keys, files, error);
    if (status != SCB_OK) {
        scb_web_keys_release(keys);
        return status;
    }
    *ret_keys = keys;
    return SCB_OK;
}

struct scb_web_keys *scb_web_keys_hold(struct scb_web_keys *keys)
{
    if (keys != NULL)
        (void)atomic_fetch_add(&keys->holders, 1);
    return keys;
}

void scb_web_keys_release(struct scb_web_keys *keys)
{
    if (keys == NULL || atomic_fetch_sub(&keys->holders, 1) > 1)
        return;
    if (keys->credentials != NULL)
        gnutls_certificate_free_credentials(keys->credentials);
    scb_web_certs_free(keys->own);
    scb_web_certs_free(keys->clients);
    scb_wipe(keys, sizeof(*keys));
    free(keys);
}

static bool same(const struct pem *a, const struct pem *b)
{
    return a->size == b->size && memcmp(a->text, b->text, a->size) == 0;
}

bool scb_web_keys_same(const struct scb_web_keys *a, const struct scb_web_keys *b)
{
    if (a == NULL || b == NULL)
        return a == b;
    return same(&a->cert, &b->cert) && same(&a->key, &b->key) && same(&a->client_ca, &b->client_ca);
}

void scb_web_keys_use(const struct scb_web_keys *keys, gnutls_session_t session)
{
    if (keys == NULL)
        return;
    (void)gnutls_credentials_set(session, GNUTLS_CRD_CERTIFICATE, keys->credentials);
    gnutls_certificate_server_set_request(session, keys->clients != NULL ? GNUTLS_CERT_REQUEST
                                                                         : GNUTLS_CERT_IGNORE);
}

const struct scb_web_certs *scb_web_keys_own(const struct scb_web_keys *keys)
{
    return keys == NULL ? NULL : keys->own;
}

const struct scb_web_certs *scb_web_keys_clients(const struct scb_web_keys *keys)
{
    return keys == NULL ? NULL : keys->clients;
}

const char *scb_web_keys_cert_pem(const struct scb_web_keys *keys)
{
    return keys == NULL ? NULL : keys->cert.text;
}

const char *scb_web_keys_key_pem(const struct scb_web_keys *keys)
{
    return keys == NULL ? NULL : keys->key.text;
}
