/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/age_identity_file.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/memory.h"
#include "crypto/age_armor.h"
#include "crypto/age_reader.h"

/* Memory for a text that is shorter than the file that it comes from, to be wiped. */
struct secret_text {
    uint8_t *data;
    size_t size, capacity;
};

bool scb_age_identity_file_is_protected(struct scb_bytes document)
{
    return scb_age_armor_is(document) || scb_age_file_is(document);
}

static enum scb_status keep(void *state, const void *data, size_t size, struct scb_error *error)
{
    struct secret_text *text = state;
    if (size > text->capacity - text->size)
        return scb_error_set(error, SCB_ERROR_INTERNAL, "age: more text than there is file");
    memcpy(text->data + text->size, data, size);
    text->size += size;
    return SCB_OK;
}

static enum scb_status decrypt(struct scb_age_reader *reader, struct scb_bytes document,
                               struct secret_text *text, struct scb_error *error)
{
    struct scb_age_armor armor;
    bool armored = scb_age_armor_is(document);
    scb_age_reader_begin(reader, (struct scb_sink){keep, text});
    scb_age_armor_begin(&armor, scb_age_reader_sink(reader));
    enum scb_status status =
        armored ? scb_age_armor_write(&armor, document.data, document.size, error)
                : scb_age_reader_write(reader, document.data, document.size, error);
    if (status == SCB_OK && armored)
        status = scb_age_armor_end(&armor, error);
    return status == SCB_OK ? scb_age_reader_end(reader, error) : status;
}

static enum scb_status open_protected(struct scb_bytes document,
                                      const struct scb_age_identities *key,
                                      struct scb_age_identities **ret_identities,
                                      struct scb_error *error)
{
    SCB_AUTO(age_reader) struct scb_age_reader *reader = NULL;
    struct secret_text text = {.data = scb_alloc(document.size, 1, error),
                               .capacity = document.size};
    enum scb_status status =
        text.data == NULL ? SCB_ERROR_RESOURCE : scb_age_reader_new(key, &reader, error);
    if (status == SCB_OK)
        status = decrypt(reader, document, &text, error);
    if (status == SCB_OK)
        status = scb_age_identities_parse((struct scb_bytes){text.data, text.size}, ret_identities,
                                          error);
    if (text.data != NULL)
        scb_wipe(text.data, text.capacity);
    free(text.data);
    return status;
}

enum scb_status scb_age_identity_file_open(struct scb_bytes document, struct scb_bytes passphrase,
                                           unsigned max_work,
                                           struct scb_age_identities **ret_identities,
                                           struct scb_error *error)
{
    if (document.size > SCB_AGE_IDENTITY_FILE_MAX)
        return scb_error_set(error, SCB_ERROR_VALIDATION, "age identities: the file is over %d KiB",
                             SCB_AGE_IDENTITY_FILE_MAX / 1024);
    if (!scb_age_identity_file_is_protected(document))
        return scb_age_identities_parse(document, ret_identities, error);
    SCB_AUTO(age_identities) struct scb_age_identities *key = NULL;
    enum scb_status status = scb_age_identities_of_passphrase(passphrase, max_work, &key, error);
    if (status == SCB_OK)
        status = open_protected(document, key, ret_identities, error);
    return status;
}

enum scb_status scb_age_identity_file_generate(int64_t now_ms,
                                               char ret_text[SCB_AGE_IDENTITY_FILE_TEXT_SIZE],
                                               struct scb_age_recipient *ret_recipient,
                                               struct scb_error *error)
{
    char identity[SCB_AGE_IDENTITY_TEXT_SIZE], recipient[SCB_AGE_RECIPIENT_TEXT_SIZE];
    char created[SCB_TIMESTAMP_SIZE];
    enum scb_status status = scb_age_identity_generate(identity, ret_recipient, error);
    if (status != SCB_OK)
        return status;
    scb_timestamp_format(now_ms, created);
    scb_age_recipient_format(ret_recipient, recipient);
    int size = snprintf(ret_text, SCB_AGE_IDENTITY_FILE_TEXT_SIZE,
                        "# created: %.19sZ\n# public key: %s\n%s\n", created, recipient, identity);
    scb_wipe(identity, sizeof(identity));
    assert(size > 0 && size < SCB_AGE_IDENTITY_FILE_TEXT_SIZE);
    return SCB_OK;
}
