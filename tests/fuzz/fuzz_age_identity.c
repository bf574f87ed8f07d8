/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An identity file from anywhere, plain or under a fixed passphrase, armored or not; then the same
 * bytes as armor, whole and byte by byte.
 */
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "crypto/age_armor.h"
#include "crypto/age_identity_file.h"

enum { MAX = 1024 * 1024, MAX_WORK = 4 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static enum scb_status append(void *state, const void *data, size_t size, struct scb_error *error)
{
    return scb_buffer_append(state, data, size, error);
}

static enum scb_status read_armor(const uint8_t *data, size_t size, size_t piece,
                                  struct scb_buffer *out)
{
    struct scb_age_armor armor;
    enum scb_status status = SCB_OK;
    scb_age_armor_begin(&armor, (struct scb_sink){append, out});
    for (size_t at = 0; status == SCB_OK && at < size; at += piece)
        status =
            scb_age_armor_write(&armor, data + at, size - at < piece ? size - at : piece, NULL);
    return status == SCB_OK ? scb_age_armor_end(&armor, NULL) : status;
}

static void open_file(const uint8_t *data, size_t size)
{
    static const char passphrase[] = "correct horse";
    struct scb_age_identities *identities = NULL;
    struct scb_bytes secret = {(const uint8_t *)passphrase, strlen(passphrase)};
    if (scb_age_identity_file_open((struct scb_bytes){data, size}, secret, MAX_WORK, &identities,
                                   NULL) != SCB_OK) {
        if (identities != NULL)
            abort();
        return;
    }
    size_t count = scb_age_identities_count(identities);
    if (count < 1 || count > SCB_AGE_MAX_IDENTITIES)
        abort();
    for (size_t i = 0; i < count; i++) {
        struct scb_age_recipient recipient = scb_age_identities_recipient(identities, i), again;
        char text[SCB_AGE_RECIPIENT_TEXT_SIZE];
        scb_age_recipient_format(&recipient, text);
        if (scb_age_recipient_parse(text, &again, NULL) != SCB_OK ||
            memcmp(&again, &recipient, sizeof(again)) != 0)
            abort();
    }
    scb_age_identities_free(identities);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct scb_buffer whole = {.max = MAX}, bytes = {.max = MAX};
    if (data == NULL || size == 0 || size > MAX)
        return 0;
    open_file(data, size);
    if (read_armor(data, size, size, &whole) != read_armor(data, size, 1, &bytes) ||
        whole.size != bytes.size ||
        (whole.size > 0 && memcmp(whole.data, bytes.data, whole.size) != 0))
        abort();
    scb_buffer_free(&whole);
    scb_buffer_free(&bytes);
    return 0;
}
