/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/age_stanza.h"

#include <openssl/evp.h>
#include <string.h>

#include "base/memory.h"

enum { SALT_SIZE = 16 };

static const char x25519_info[] = "age-encryption.org/v1/X25519";
static const char scrypt_label[] = "age-encryption.org/v1/scrypt";

enum { LABEL_SIZE = sizeof(scrypt_label) - 1 };

bool scb_age_stanza_is(const struct scb_age_stanza *stanza, const char *type)
{
    struct scb_bytes is = scb_age_stanza_argument(stanza, 0);
    return is.size == strlen(type) && memcmp(is.data, type, is.size) == 0;
}

static enum scb_status check_x25519(const struct scb_age_stanza *stanza, struct scb_error *error)
{
    uint8_t share[SCB_AGE_KEY_SIZE];
    if (stanza->argument_count != 2 ||
        !scb_age_argument_decode(scb_age_stanza_argument(stanza, 1), share, sizeof(share)))
        return scb_age_header_refuse(error, "an X25519 stanza's share is malformed");
    if (stanza->body_size != SCB_AGE_WRAPPED_SIZE)
        return scb_age_header_refuse(error, "an X25519 stanza's body is not 32 bytes");
    return SCB_OK;
}

/* The work factor, [1-9][0-9]*, up to 99; 0 where it is malformed or more. */
static unsigned parse_work(struct scb_bytes text)
{
    unsigned work = 0;
    if (text.size < 1 || text.size > 2 || text.data[0] == '0')
        return 0;
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] < '0' || text.data[i] > '9')
            return 0;
        work = work * 10 + (text.data[i] - '0');
    }
    return work;
}

static enum scb_status check_scrypt(const struct scb_age_stanza *stanza, unsigned max_work,
                                    struct scb_error *error)
{
    uint8_t salt[SALT_SIZE];
    if (stanza->argument_count != 3 ||
        !scb_age_argument_decode(scb_age_stanza_argument(stanza, 1), salt, sizeof(salt)))
        return scb_age_header_refuse(error, "its scrypt stanza's salt is malformed");
    unsigned work = parse_work(scb_age_stanza_argument(stanza, 2));
    if (work == 0)
        return scb_age_header_refuse(error, "its scrypt work factor is malformed");
    if (work > max_work)
        return scb_error_set(error, SCB_ERROR_INTEGRITY,
                             "age header: its scrypt work factor is %u, more than the %u that is "
                             "done",
                             work, max_work);
    if (stanza->body_size != SCB_AGE_WRAPPED_SIZE)
        return scb_age_header_refuse(error, "its scrypt stanza's body is not 32 bytes");
    return SCB_OK;
}

enum scb_status scb_age_stanzas_check(const struct scb_age_header *header, unsigned max_work,
                                      struct scb_error *error)
{
    enum scb_status status = SCB_OK;
    for (size_t i = 0; status == SCB_OK && i < header->count; i++) {
        const struct scb_age_stanza *stanza = &header->stanzas[i];
        if (scb_age_stanza_is(stanza, "X25519"))
            status = check_x25519(stanza, error);
        else if (scb_age_stanza_is(stanza, "scrypt"))
            status = header->count > 1
                         ? scb_age_header_refuse(error, "its scrypt stanza is not alone")
                         : check_scrypt(stanza, max_work, error);
    }
    return status;
}

/* The key that wraps a file key: by the secret of the two, for this share and recipient. */
static enum scb_status wrap_key(struct scb_age_kit *kit, const uint8_t shared[SCB_AGE_KEY_SIZE],
                                const uint8_t salt[2 * SCB_AGE_KEY_SIZE],
                                uint8_t ret_key[SCB_AGE_KEY_SIZE], struct scb_error *error)
{
    struct scb_age_derivation derivation = {
        {shared, SCB_AGE_KEY_SIZE}, {salt, 2 * SCB_AGE_KEY_SIZE}, x25519_info};
    return scb_age_derive(kit, &derivation, ret_key, error);
}

static enum scb_status append_stanza(struct scb_buffer *header, struct scb_bytes share,
                                     struct scb_bytes body, struct scb_error *error)
{
    enum scb_status status = scb_buffer_append_text(header, "-> X25519 ", error);
    if (status == SCB_OK)
        status = scb_age_base64_append(header, share, error);
    if (status == SCB_OK)
        status = scb_buffer_append_text(header, "\n", error);
    if (status == SCB_OK)
        status = scb_age_base64_append(header, body, error);
    return status == SCB_OK ? scb_buffer_append_text(header, "\n", error) : status;
}

enum scb_status scb_age_stanza_wrap(struct scb_age_kit *kit, const struct scb_age_peer *peer,
                                    const uint8_t file_key[SCB_AGE_FILE_KEY_SIZE],
                                    struct scb_buffer *header, struct scb_error *error)
{
    uint8_t shared[SCB_AGE_KEY_SIZE], salt[2 * SCB_AGE_KEY_SIZE], body[SCB_AGE_WRAPPED_SIZE];
    struct scb_age_box_key key = {0};
    EVP_PKEY *pair = NULL;
    bool low = false;
    enum scb_status status = scb_age_secret_random(&pair, salt, error); /* the share */
    memcpy(salt + SCB_AGE_KEY_SIZE, peer->recipient.public, SCB_AGE_KEY_SIZE);
    if (status == SCB_OK)
        status = scb_age_x25519(pair, peer->key, &low, shared, error);
    if (status == SCB_OK && low)
        status =
            scb_error_set(error, SCB_ERROR_VALIDATION, "age: a recipient is a point of low order");
    EVP_PKEY_free(pair);
    if (status == SCB_OK)
        status = wrap_key(kit, shared, salt, key.key, error);
    if (status == SCB_OK)
        status = scb_age_seal(kit, &key, (struct scb_bytes){file_key, SCB_AGE_FILE_KEY_SIZE}, body,
                              error);
    scb_wipe(shared, sizeof(shared));
    scb_wipe(&key, sizeof(key));
    return status == SCB_OK ? append_stanza(header, (struct scb_bytes){salt, SCB_AGE_KEY_SIZE},
                                            (struct scb_bytes){body, sizeof(body)}, error)
                            : status;
}

/* The secret that own has with the sender; *ret_salt gets the share and the recipient. */
static enum scb_status share_secret(struct scb_age_wrapped wrapped,
                                    const struct scb_age_own_key *own,
                                    uint8_t ret_salt[2 * SCB_AGE_KEY_SIZE],
                                    uint8_t ret_shared[SCB_AGE_KEY_SIZE], struct scb_error *error)
{
    EVP_PKEY *peer = NULL;
    bool low = false;
    if (!scb_age_argument_decode(scb_age_stanza_argument(wrapped.stanza, 1), ret_salt,
                                 SCB_AGE_KEY_SIZE))
        return scb_age_header_refuse(error, "an X25519 stanza's share is malformed");
    memcpy(ret_salt + SCB_AGE_KEY_SIZE, own->recipient.public, SCB_AGE_KEY_SIZE);
    enum scb_status status = scb_age_public_new(ret_salt, &peer, error);
    if (status == SCB_OK)
        status = scb_age_x25519(own->pair, peer, &low, ret_shared, error);
    if (status == SCB_OK && low)
        status = scb_age_header_refuse(error, "an X25519 stanza's share is a point of low order");
    EVP_PKEY_free(peer);
    return status;
}

enum scb_status scb_age_stanza_unwrap(struct scb_age_kit *kit, struct scb_age_wrapped wrapped,
                                      const struct scb_age_own_key *own, bool *ret_matched,
                                      uint8_t ret_file_key[SCB_AGE_FILE_KEY_SIZE],
                                      struct scb_error *error)
{
    uint8_t shared[SCB_AGE_KEY_SIZE], salt[2 * SCB_AGE_KEY_SIZE];
    struct scb_age_box_key key = {0};
    enum scb_status status = share_secret(wrapped, own, salt, shared, error);
    if (status == SCB_OK)
        status = wrap_key(kit, shared, salt, key.key, error);
    if (status == SCB_OK)
        *ret_matched = scb_age_open(kit, &key, scb_age_stanza_body(wrapped.header, wrapped.stanza),
                                    ret_file_key);
    scb_wipe(shared, sizeof(shared));
    scb_wipe(&key, sizeof(key));
    return status;
}

enum scb_status scb_age_stanza_unwrap_scrypt(struct scb_age_kit *kit,
                                             struct scb_age_wrapped wrapped,
                                             struct scb_bytes passphrase, bool *ret_matched,
                                             uint8_t ret_file_key[SCB_AGE_FILE_KEY_SIZE],
                                             struct scb_error *error)
{
    uint8_t salt[LABEL_SIZE + SALT_SIZE];
    struct scb_age_box_key key = {0};
    memcpy(salt, scrypt_label, LABEL_SIZE);
    if (!scb_age_argument_decode(scb_age_stanza_argument(wrapped.stanza, 1), salt + LABEL_SIZE,
                                 SALT_SIZE))
        return scb_age_header_refuse(error, "its scrypt stanza's salt is malformed");
    unsigned work = parse_work(scb_age_stanza_argument(wrapped.stanza, 2));
    enum scb_status status =
        scb_age_scrypt(passphrase, (struct scb_bytes){salt, sizeof(salt)}, work, key.key, error);
    if (status == SCB_OK)
        *ret_matched = scb_age_open(kit, &key, scb_age_stanza_body(wrapped.header, wrapped.stanza),
                                    ret_file_key);
    scb_wipe(&key, sizeof(key));
    return status;
}
