/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/age_identities.h"

#include <assert.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "crypto/age_stanza.h"

struct scb_age_identities {
    struct scb_age_own_key keys[SCB_AGE_MAX_IDENTITIES];
    size_t count;
    bool is_passphrase;
    uint8_t passphrase[SCB_AGE_MAX_PASSPHRASE];
    size_t passphrase_size;
    unsigned max_work;
};

static enum scb_status refuse_line(size_t line, const char *why, struct scb_error *error)
{
    (void)scb_error_set(error, SCB_ERROR_VALIDATION, "age identities: line %zu %s", line, why);
    (void)scb_error_hint(error, "give a file as age-keygen or satellite backup key generate "
                                "makes it: AGE-SECRET-KEY-1...");
    return SCB_ERROR_VALIDATION;
}

static enum scb_status add_key(struct scb_age_identities *identities, struct scb_bytes text,
                               size_t line, struct scb_error *error)
{
    uint8_t secret[SCB_AGE_KEY_SIZE];
    if (!scb_age_identity_parse(text, secret))
        return refuse_line(line, "is no X25519 identity, or mistyped", error);
    if (identities->count == SCB_AGE_MAX_IDENTITIES) {
        scb_wipe(secret, sizeof(secret));
        return refuse_line(line, "is one identity more than is taken", error);
    }
    struct scb_age_own_key *own = &identities->keys[identities->count];
    enum scb_status status = scb_age_secret_new(secret, &own->pair, own->recipient.public, error);
    identities->count += status == SCB_OK;
    scb_wipe(secret, sizeof(secret));
    return status;
}

/* Takes a line off the front, also one that ends with the text, without its LF or CR LF. */
static struct scb_bytes take_line(struct scb_bytes *left)
{
    const uint8_t *end = memchr(left->data, '\n', left->size);
    struct scb_bytes line = {left->data, end == NULL ? left->size : (size_t)(end - left->data)};
    size_t taken = line.size + (end != NULL);
    *left = (struct scb_bytes){left->data + taken, left->size - taken};
    if (end != NULL && line.size > 0 && line.data[line.size - 1] == '\r')
        line.size--;
    return line;
}

static enum scb_status add_lines(struct scb_age_identities *identities, struct scb_bytes text,
                                 struct scb_error *error)
{
    enum scb_status status = SCB_OK;
    for (size_t number = 1; status == SCB_OK && text.size > 0; number++) {
        struct scb_bytes line = take_line(&text);
        if (line.size > 0 && line.data[0] != '#')
            status = add_key(identities, line, number, error);
    }
    if (status == SCB_OK && identities->count == 0)
        status = refuse_line(1, "to the last: there is no identity", error);
    return status;
}

enum scb_status scb_age_identities_parse(struct scb_bytes text,
                                         struct scb_age_identities **ret_identities,
                                         struct scb_error *error)
{
    SCB_AUTO(age_identities)
    struct scb_age_identities *identities = scb_alloc(1, sizeof(*identities), error);
    if (identities == NULL)
        return SCB_ERROR_RESOURCE;
    enum scb_status status = add_lines(identities, text, error);
    if (status == SCB_OK)
        *ret_identities = SCB_TAKE(identities);
    return status;
}

enum scb_status scb_age_identities_of_passphrase(struct scb_bytes passphrase, unsigned max_work,
                                                 struct scb_age_identities **ret_identities,
                                                 struct scb_error *error)
{
    assert(max_work <= SCB_AGE_MAX_WORK);
    if (passphrase.size > SCB_AGE_MAX_PASSPHRASE)
        return scb_error_set(error, SCB_ERROR_VALIDATION, "age: the passphrase is over %d bytes",
                             SCB_AGE_MAX_PASSPHRASE);
    struct scb_age_identities *identities = scb_alloc(1, sizeof(*identities), error);
    if (identities == NULL)
        return SCB_ERROR_RESOURCE;
    identities->is_passphrase = true;
    identities->max_work = max_work;
    identities->passphrase_size = passphrase.size;
    if (passphrase.size > 0)
        memcpy(identities->passphrase, passphrase.data, passphrase.size);
    *ret_identities = identities;
    return SCB_OK;
}

void scb_age_identities_free(struct scb_age_identities *identities)
{
    if (identities == NULL)
        return;
    for (size_t i = 0; i < identities->count; i++)
        EVP_PKEY_free(identities->keys[i].pair);
    scb_wipe(identities, sizeof(*identities));
    free(identities);
}

void scb_age_identities_cleanup(struct scb_age_identities **identities)
{
    scb_age_identities_free(*identities);
}

size_t scb_age_identities_count(const struct scb_age_identities *identities)
{
    return identities->count;
}

struct scb_age_recipient scb_age_identities_recipient(const struct scb_age_identities *identities,
                                                      size_t index)
{
    assert(index < identities->count);
    return identities->keys[index].recipient;
}

static enum scb_status try_stanza(const struct scb_age_identities *identities,
                                  struct scb_age_kit *kit, struct scb_age_wrapped wrapped,
                                  uint8_t *ret_file_key, bool *ret_matched, struct scb_error *error)
{
    enum scb_status status = SCB_OK;
    if (identities->is_passphrase && scb_age_stanza_is(wrapped.stanza, "scrypt"))
        return scb_age_stanza_unwrap_scrypt(
            kit, wrapped, (struct scb_bytes){identities->passphrase, identities->passphrase_size},
            ret_matched, ret_file_key, error);
    if (!scb_age_stanza_is(wrapped.stanza, "X25519"))
        return SCB_OK;
    for (size_t i = 0; status == SCB_OK && !*ret_matched && i < identities->count; i++)
        status = scb_age_stanza_unwrap(kit, wrapped, &identities->keys[i], ret_matched,
                                       ret_file_key, error);
    return status;
}

/* Says why nothing matched, as well as can be known. */
static enum scb_status no_match(const struct scb_age_identities *identities,
                                const struct scb_age_header *header, struct scb_error *error)
{
    bool wants_passphrase = scb_age_stanza_is(&header->stanzas[0], "scrypt");
    if (identities->is_passphrase && wants_passphrase)
        return scb_error_set(error, SCB_ERROR_ACCESS, "age: the passphrase is wrong");
    if (identities->is_passphrase)
        return scb_error_set(error, SCB_ERROR_ACCESS, "age: the file is not under a passphrase");
    (void)scb_error_set(error, SCB_ERROR_ACCESS,
                        wants_passphrase ? "age: the file is under a passphrase"
                                         : "age: no identity matches one of the file's recipients");
    (void)scb_error_hint(error, "give the identity file of a recipient that it was encrypted to");
    return SCB_ERROR_ACCESS;
}

enum scb_status scb_age_identities_unwrap(const struct scb_age_identities *identities,
                                          struct scb_age_kit *kit,
                                          const struct scb_age_header *header,
                                          uint8_t ret_file_key[SCB_AGE_FILE_KEY_SIZE],
                                          struct scb_error *error)
{
    bool matched = false;
    unsigned max_work = identities->is_passphrase ? identities->max_work : SCB_AGE_MAX_WORK;
    enum scb_status status = scb_age_stanzas_check(header, max_work, error);
    for (size_t i = 0; status == SCB_OK && !matched && i < header->count; i++) {
        struct scb_age_wrapped wrapped = {header, &header->stanzas[i]};
        status = try_stanza(identities, kit, wrapped, ret_file_key, &matched, error);
    }
    return status == SCB_OK && !matched ? no_match(identities, header, error) : status;
}
