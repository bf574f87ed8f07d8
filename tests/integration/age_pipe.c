/* SPDX-License-Identifier: Apache-2.0 */
/*
 * age_pipe encrypt RECIPIENT... | encrypt-whole RECIPIENT... | decrypt IDENTITY-FILE [PASSPHRASE]
 *
 * crypto/age_* between standard input and standard output, for the tests against the age tool and
 * for timing by hand. Not for use: the passphrase is an argument.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "crypto/age_identity_file.h"
#include "crypto/age_reader.h"
#include "crypto/age_writer.h"

enum { STEP = 256 * 1024, MOST = 1 << 30 };

static uint8_t step[STEP];

static enum scb_status to_output(void *state, const void *data, size_t size,
                                 struct scb_error *error)
{
    (void)state;
    return scb_file_write(STDOUT_FILENO, "standard output", data, size, error);
}

static const struct scb_sink output = {to_output, NULL};

/* All of standard input, piece by piece. */
static enum scb_status pump(struct scb_sink sink, struct scb_error *error)
{
    size_t got = STEP;
    enum scb_status status = SCB_OK;
    while (status == SCB_OK && got == STEP) {
        status = scb_file_read(STDIN_FILENO, "standard input", step, STEP, &got, error);
        if (status == SCB_OK)
            status = sink.write(sink.state, step, got, error);
    }
    return status;
}

static enum scb_status encrypt(struct scb_age_writer *writer, struct scb_error *error)
{
    enum scb_status status = scb_age_writer_begin(writer, output, error);
    if (status == SCB_OK)
        status = pump(scb_age_writer_sink(writer), error);
    return status == SCB_OK ? scb_age_writer_end(writer, error) : status;
}

static enum scb_status append(void *state, const void *data, size_t size, struct scb_error *error)
{
    return scb_buffer_append(state, data, size, error);
}

static enum scb_status encrypt_whole(struct scb_age_writer *writer, struct scb_error *error)
{
    SCB_AUTO(buffer) struct scb_buffer text = {.max = MOST};
    SCB_AUTO(buffer) struct scb_buffer file = {.max = MOST};
    enum scb_status status = pump((struct scb_sink){append, &text}, error);
    if (status == SCB_OK)
        status = scb_age_writer_encrypt(writer, scb_buffer_bytes(&text), &file, error);
    return status == SCB_OK ? to_output(NULL, file.data, file.size, error) : status;
}

static enum scb_status run_encrypt(bool whole, char **names, size_t count, struct scb_error *error)
{
    struct scb_age_recipient recipients[SCB_AGE_MAX_RECIPIENTS];
    SCB_AUTO(age_writer) struct scb_age_writer *writer = NULL;
    enum scb_status status = SCB_OK;
    for (size_t i = 0; status == SCB_OK && i < count && i < SCB_AGE_MAX_RECIPIENTS; i++)
        status = scb_age_recipient_parse(names[i], &recipients[i], error);
    if (status == SCB_OK)
        status = scb_age_writer_new(recipients, count, &writer, error);
    if (status != SCB_OK)
        return status;
    return whole ? encrypt_whole(writer, error) : encrypt(writer, error);
}

static enum scb_status run_decrypt(const char *path, const char *passphrase,
                                   struct scb_error *error)
{
    SCB_AUTO(age_identities) struct scb_age_identities *identities = NULL;
    SCB_AUTO(age_reader) struct scb_age_reader *reader = NULL;
    SCB_AUTO(buffer) struct scb_buffer document = {.max = SCB_AGE_IDENTITY_FILE_MAX};
    FILE *file = fopen(path, "re");
    size_t got = file == NULL ? 0 : fread(step, 1, SCB_AGE_IDENTITY_FILE_MAX, file);
    if (file != NULL)
        (void)fclose(file);
    struct scb_bytes secret = {(const uint8_t *)passphrase, strlen(passphrase)};
    enum scb_status status = scb_buffer_append(&document, step, got, error);
    if (status == SCB_OK)
        status = scb_age_identity_file_open(scb_buffer_bytes(&document), secret, SCB_AGE_MAX_WORK,
                                            &identities, error);
    if (status == SCB_OK)
        status = scb_age_reader_new(identities, &reader, error);
    if (status != SCB_OK)
        return status;
    scb_age_reader_begin(reader, output);
    status = pump(scb_age_reader_sink(reader), error);
    return status == SCB_OK ? scb_age_reader_end(reader, error) : status;
}

int main(int argc, char **argv)
{
    struct scb_error error = {0};
    enum scb_status status;
    const char *verb = argc > 2 ? argv[1] : "";
    if (strcmp(verb, "encrypt") == 0 || strcmp(verb, "encrypt-whole") == 0)
        status = run_encrypt(verb[strlen("encrypt")] != '\0', argv + 2, (size_t)argc - 2, &error);
    else if (strcmp(verb, "decrypt") == 0)
        status = run_decrypt(argv[2], argc > 3 ? argv[3] : "", &error);
    else
        status = scb_error_set(&error, SCB_ERROR_USAGE, "encrypt RECIPIENT... or decrypt FILE");
    if (status != SCB_OK)
        (void)fprintf(stderr, "age_pipe: %s: %s\n", scb_status_name(status), error.message);
    return (int)status;
}
