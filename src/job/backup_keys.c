/* SPDX-License-Identifier: Apache-2.0 */
#include "job/backup_keys.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/plain_file.h"
#include "crypto/age_identity_file.h"
#include "crypto/node_id.h"

/* scrypt's work factor: 2 GiB of memory. age's own files ask for 2^18, 256 MiB. */
enum { MAX_WORK = 21, NAMED = 4 };

static const char setting[] = "encryption.identity_file";

struct scb_backup_keys {
    struct scb_backup_keys_settings settings;
    struct scb_node_id *ids;
    struct scb_node_ids trusted;
    struct scb_age_identities *identities; /* NULL: not opened so far */
    struct scb_error failure;              /* of opening them; nobody is asked twice */
};

/* A file that holds secrets: wiped before it is freed. */
struct document {
    uint8_t text[SCB_AGE_IDENTITY_FILE_MAX + 1];
    size_t size;
};

static enum scb_status parse_trusted(struct scb_backup_keys *keys, struct scb_error *error)
{
    const char *const *texts = keys->settings.trusted;
    size_t count = 0;
    while (texts != NULL && texts[count] != NULL)
        count++;
    if (count == 0)
        return SCB_OK;
    keys->ids = scb_alloc(count, sizeof(*keys->ids), error);
    if (keys->ids == NULL)
        return SCB_ERROR_RESOURCE;
    for (size_t i = 0; i < count; i++)
        if (scb_node_id_parse(texts[i], &keys->ids[i], error) != SCB_OK)
            return scb_error_wrap(error, "identity.trusted");
    keys->trusted = (struct scb_node_ids){keys->ids, count};
    return SCB_OK;
}

enum scb_status scb_backup_keys_new(const struct scb_backup_keys_settings *settings,
                                    struct scb_backup_keys **ret_keys, struct scb_error *error)
{
    struct scb_backup_keys *keys = scb_alloc(1, sizeof(*keys), error);
    if (keys == NULL)
        return SCB_ERROR_RESOURCE;
    keys->settings = *settings;
    enum scb_status status = parse_trusted(keys, error);
    if (status != SCB_OK) {
        scb_backup_keys_free(keys);
        return status;
    }
    *ret_keys = keys;
    return SCB_OK;
}

void scb_backup_keys_free(struct scb_backup_keys *keys)
{
    if (keys == NULL)
        return;
    scb_age_identities_free(keys->identities);
    free(keys->ids);
    free(keys);
}

const struct scb_node_ids *scb_backup_keys_trusted(const struct scb_backup_keys *keys)
{
    return keys == NULL || keys->trusted.count == 0 ? NULL : &keys->trusted;
}

/* --- the identity file --- */

static struct scb_bytes bytes_of(const struct document *document)
{
    return (struct scb_bytes){document->text, document->size};
}

static enum scb_status read_document(const char *path, struct document *document,
                                     struct scb_error *error)
{
    SCB_AUTO(fd) int fd = -1;
    enum scb_status status = scb_plain_file_open(path, false, &fd, error);
    /* One byte more than is taken, which then is too large. */
    if (status == SCB_OK)
        status =
            scb_file_read(fd, path, document->text, sizeof(document->text), &document->size, error);
    /* What is under a passphrase may lie open. */
    if (status == SCB_OK && !scb_age_identity_file_is_protected(bytes_of(document)))
        status = scb_plain_file_check_secret(fd, path, error);
    if (status == SCB_ERROR_NOT_FOUND) /* which is said of backups */
        status = error->status = SCB_ERROR_FILE;
    return status == SCB_OK ? SCB_OK : scb_error_wrap(error, "%s", setting);
}

static enum scb_status ask(const struct scb_backup_keys *keys, char *passphrase, size_t *ret_size,
                           struct scb_error *error)
{
    const char *path = keys->settings.identity_file;
    if (keys->settings.ask != NULL)
        return keys->settings.ask(keys->settings.ask_state, path, passphrase,
                                  SCB_AGE_MAX_PASSPHRASE, ret_size, error);
    scb_error_set(error, SCB_ERROR_ACCESS,
                  "%s '%s' is protected by a passphrase, and there is nobody to ask for it",
                  setting, path);
    return scb_error_hint(error, "run the command at a terminal");
}

/* What is wrong with the file says nothing of the backup that it was to open. */
static enum scb_status blame_file(const struct scb_backup_keys *keys, struct scb_error *error)
{
    if (error->status == SCB_ERROR_INTEGRITY) {
        error->status = SCB_ERROR_VALIDATION;
        scb_error_hint(error,
                       "give another copy of it, or make it again from the identity: age -p");
    }
    return scb_error_wrap(error, "%s '%s'", setting, keys->settings.identity_file);
}

static enum scb_status open_document(struct scb_backup_keys *keys, const struct document *document,
                                     struct scb_error *error)
{
    char passphrase[SCB_AGE_MAX_PASSPHRASE];
    size_t size = 0;
    enum scb_status status = SCB_OK;
    if (scb_age_identity_file_is_protected(bytes_of(document)))
        status = ask(keys, passphrase, &size, error);
    if (status == SCB_OK) {
        const struct scb_bytes typed = {(const uint8_t *)passphrase, size};
        status = scb_age_identity_file_open(bytes_of(document), typed, MAX_WORK, &keys->identities,
                                            error);
        if (status != SCB_OK)
            status = blame_file(keys, error);
    }
    scb_wipe(passphrase, sizeof(passphrase));
    return status;
}

static enum scb_status open_identities(struct scb_backup_keys *keys, struct scb_error *error)
{
    struct document *document = scb_alloc(1, sizeof(*document), error);
    if (document == NULL)
        return SCB_ERROR_RESOURCE;
    enum scb_status status = read_document(keys->settings.identity_file, document, error);
    if (status == SCB_OK)
        status = open_document(keys, document, error);
    scb_wipe(document, sizeof(*document));
    free(document);
    return status;
}

static bool has_file(const struct scb_backup_keys *keys)
{
    return keys != NULL && keys->settings.identity_file != NULL &&
           keys->settings.identity_file[0] != '\0';
}

bool scb_backup_keys_are_absent(const struct scb_backup_keys *keys)
{
    if (!has_file(keys))
        return true;
    if (keys->settings.ask != NULL || keys->identities != NULL)
        return false;
    struct scb_error none = {0};
    struct document *document = scb_alloc(1, sizeof(*document), &none);
    bool absent = document != NULL &&
                  read_document(keys->settings.identity_file, document, &none) == SCB_OK &&
                  scb_age_identity_file_is_protected(bytes_of(document));
    if (document != NULL)
        scb_wipe(document, sizeof(*document));
    free(document);
    return absent;
}

/* --- what is for whom --- */

/* "age1…, age1… and 3 more" */
static void list_recipients(const struct scb_manifest *manifest, char *ret_text, size_t size)
{
    size_t used = 0, count = manifest->recipients.count, named = count < NAMED ? count : NAMED;
    ret_text[0] = '\0';
    for (size_t i = 0; i < named && used < size; i++) {
        char text[SCB_AGE_RECIPIENT_TEXT_SIZE];
        scb_age_recipient_format(&manifest->recipients.items[i], text);
        used += (size_t)snprintf(ret_text + used, size - used, "%s%s", i == 0 ? "" : ", ", text);
    }
    if (count > named && used < size)
        (void)snprintf(ret_text + used, size - used, " and %zu more", count - named);
}

static bool is_for(const struct scb_manifest *manifest, const struct scb_age_identities *identities)
{
    for (size_t i = 0; i < scb_age_identities_count(identities); i++) {
        const struct scb_age_recipient mine = scb_age_identities_recipient(identities, i);
        for (size_t j = 0; j < manifest->recipients.count; j++)
            if (memcmp(&mine, &manifest->recipients.items[j], sizeof(mine)) == 0)
                return true;
    }
    return false;
}

enum scb_status scb_backup_keys_unlock(struct scb_backup_keys *keys,
                                       const struct scb_manifest *manifest,
                                       const struct scb_age_identities **ret_identities,
                                       struct scb_error *error)
{
    char recipients[NAMED * SCB_AGE_RECIPIENT_TEXT_SIZE + 64];
    if (manifest->recipients.count == 0)
        return SCB_OK;
    list_recipients(manifest, recipients, sizeof(recipients));
    if (!has_file(keys)) {
        scb_error_set(error, SCB_ERROR_ACCESS, "it is encrypted for %s, and %s is not set",
                      recipients, setting);
        return scb_error_hint(error, "give the identity file of one of them: "
                                     "--encryption-identity-file FILE");
    }
    if (keys->identities == NULL && keys->failure.status == SCB_OK &&
        open_identities(keys, &keys->failure) != SCB_OK)
        keys->failure.permanent = true;
    if (keys->identities == NULL) {
        *error = keys->failure;
        return keys->failure.status;
    }
    if (!is_for(manifest, keys->identities)) {
        scb_error_set(error, SCB_ERROR_ACCESS,
                      "it is encrypted for %s, and no identity of %s '%s' is one of them",
                      recipients, setting, keys->settings.identity_file);
        return scb_error_hint(error, "give the identity file of one of them: "
                                     "--encryption-identity-file FILE");
    }
    *ret_identities = keys->identities;
    return SCB_OK;
}
