/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Covers crypto/age_reader, with age_header, age_stanza and age_stream below it, by the published
 * vectors of the age format (C2SP/CCTV), given whole, byte by byte and in odd pieces; and the
 * limits that they do not reach.
 */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "base/memory.h"
#include "base/text.h"
#include "crypto/age_armor.h"
#include "crypto/age_reader.h"
#include "crypto/age_stream.h"
#include "crypto/digest.h"

enum { MAX_FILE = 20 << 20, WITHOUT_MLKEM = 124, MAX_PIECES = 500000 };

static struct scb_bytes bytes_of(const char *text)
{
    return (struct scb_bytes){(const uint8_t *)text, strlen(text)};
}

/* One vector: what its lines say, and the file. */
struct vector {
    char name[256];
    char expect[64], payload[128], passphrase[64];
    char identities[512];
    bool armored, compressed;
    uint8_t *file;
    size_t size;
};

static void take_vector_line(struct vector *vector, const char *line)
{
    const char *value = strstr(line, ": ");
    assert_non_null(value);
    value += 2;
    size_t used = strlen(vector->identities);
    if (strncmp(line, "expect", 6) == 0)
        (void)snprintf(vector->expect, sizeof(vector->expect), "%s", value);
    else if (strncmp(line, "payload", 7) == 0)
        (void)snprintf(vector->payload, sizeof(vector->payload), "%s", value);
    else if (strncmp(line, "passphrase", 10) == 0)
        (void)snprintf(vector->passphrase, sizeof(vector->passphrase), "%s", value);
    else if (strncmp(line, "identity", 8) == 0)
        (void)snprintf(vector->identities + used, sizeof(vector->identities) - used, "%s\n", value);
    else if (strncmp(line, "armored", 7) == 0)
        vector->armored = true;
    else if (strncmp(line, "compressed", 10) == 0)
        vector->compressed = true;
}

static void read_vector(const char *path, struct vector *vector)
{
    FILE *file = fopen(path, "rbe");
    char line[4096];
    assert_non_null(file);
    while (fgets(line, sizeof(line), file) != NULL && line[0] != '\n') {
        line[strcspn(line, "\n")] = '\0';
        take_vector_line(vector, line);
    }
    uint8_t *raw = malloc(MAX_FILE);
    vector->file = malloc(MAX_FILE);
    assert_non_null(raw);
    assert_non_null(vector->file);
    size_t size = fread(raw, 1, MAX_FILE, file);
    (void)fclose(file);
    uLongf plain = MAX_FILE;
    if (vector->compressed)
        assert_int_equal(uncompress(vector->file, &plain, raw, size), Z_OK);
    else
        memcpy(vector->file, raw, plain = size);
    vector->size = plain;
    free(raw);
}

/* Feeds the file in pieces, through the armor where it is armored. */
static enum scb_status feed(const struct vector *vector, struct scb_age_reader *reader,
                            size_t piece, struct scb_error *error)
{
    struct scb_age_armor armor;
    enum scb_status status = SCB_OK;
    struct scb_sink to = scb_age_reader_sink(reader);
    scb_age_armor_begin(&armor, to);
    for (size_t at = 0; status == SCB_OK && at < vector->size; at += piece) {
        size_t size = vector->size - at < piece ? vector->size - at : piece;
        /* Memory of its own, so that a sanitizer sees what is read beside it. */
        uint8_t *copy = malloc(size);
        assert_non_null(copy);
        memcpy(copy, vector->file + at, size);
        status = vector->armored ? scb_age_armor_write(&armor, copy, size, error)
                                 : to.write(to.state, copy, size, error);
        free(copy);
    }
    if (status == SCB_OK && vector->armored)
        status = scb_age_armor_end(&armor, error);
    return status == SCB_OK ? scb_age_reader_end(reader, error) : status;
}

static const struct {
    const char *expect;
    enum scb_status status;
    const char *message; /* how it begins */
} outcomes[] = {
    {"success", SCB_OK, ""},
    {"header failure", SCB_ERROR_INTEGRITY, "age header: "},
    {"HMAC failure", SCB_ERROR_INTEGRITY, "age header MAC: "},
    {"payload failure", SCB_ERROR_INTEGRITY, "age payload: "},
    {"armor failure", SCB_ERROR_INTEGRITY, "age armor: "},
    {"no match", SCB_ERROR_ACCESS, "age: "},
};

static void check_outcome(const struct vector *vector, enum scb_status status,
                          const struct scb_error *error)
{
    for (size_t i = 0; i < SCB_LENGTH(outcomes); i++) {
        const char *message = outcomes[i].message;
        if (strcmp(vector->expect, outcomes[i].expect) != 0)
            continue;
        if (status != outcomes[i].status || strncmp(error->message, message, strlen(message)) != 0)
            fail_msg("%s: not %s but %s: %s", vector->name, vector->expect, scb_status_name(status),
                     error->message);
        return;
    }
    fail_msg("%s: expects %s", vector->name, vector->expect);
}

/* What a file gave: hashed and counted. */
struct given {
    struct scb_digest digest;
    size_t size;
};

static enum scb_status take_given(void *state, const void *data, size_t size,
                                  struct scb_error *error)
{
    struct given *given = state;
    given->size += size;
    return scb_digest_update(&given->digest, data, size, error);
}

/*
 * A file that fails may have given whole chunks before. The vectors' payload is then what the
 * reference gives, which is one chunk more than here where it sees too late that it was the last.
 */
static void check_given(const struct vector *vector, struct given *given)
{
    uint8_t sha256[SCB_SHA256_SIZE];
    char hex[SCB_SHA256_TEXT_SIZE];
    assert_int_equal(scb_digest_end(&given->digest, sha256, NULL), SCB_OK);
    scb_text_hex(sha256, sizeof(sha256), hex);
    if (strcmp(vector->expect, "payload failure") == 0)
        assert_int_equal(given->size % SCB_AGE_CHUNK, 0);
    else if (vector->payload[0] == '\0')
        assert_int_equal(given->size, 0);
    else if (strcmp(hex, vector->payload) != 0)
        fail_msg("%s: the payload is another one", vector->name);
}

static void run_vector(const struct vector *vector, struct scb_age_reader *reader, size_t piece)
{
    struct scb_error error = {0};
    struct given given = {0};
    assert_int_equal(scb_digest_begin(&given.digest, NULL), SCB_OK);
    scb_age_reader_begin(reader, (struct scb_sink){take_given, &given});
    check_outcome(vector, feed(vector, reader, piece, &error), &error);
    check_given(vector, &given);
    scb_digest_free(&given.digest);
}

static void run_pieces(const struct vector *vector, struct scb_age_identities *identities)
{
    static const size_t pieces[] = {MAX_FILE, 1, 7, 63, 65536, 65552, 65553, 100000};
    SCB_AUTO(age_identities) struct scb_age_identities *owned = identities;
    SCB_AUTO(age_reader) struct scb_age_reader *reader = NULL;
    assert_int_equal(scb_age_reader_new(owned, &reader, NULL), SCB_OK);
    for (size_t i = 0; i < SCB_LENGTH(pieces); i++)
        if (vector->size / pieces[i] < MAX_PIECES) /* 16 million mallocs would show nothing new */
            run_vector(vector, reader, pieces[i]);
}

static bool test_vector(const char *directory, const char *name)
{
    char path[1400];
    struct vector vector = {0};
    (void)snprintf(path, sizeof(path), "%s/%s", directory, name);
    (void)snprintf(vector.name, sizeof(vector.name), "%s", name);
    read_vector(path, &vector);
    bool mlkem = strstr(vector.identities, "-PQ-") != NULL;
    struct scb_age_identities *identities = NULL;
    if (!mlkem && vector.identities[0] != '\0') {
        assert_int_equal(scb_age_identities_parse(bytes_of(vector.identities), &identities, NULL),
                         SCB_OK);
        run_pieces(&vector, identities);
    }
    if (!mlkem && (vector.identities[0] == '\0' || vector.passphrase[0] != '\0')) {
        assert_int_equal(scb_age_identities_of_passphrase(bytes_of(vector.passphrase),
                                                          SCB_AGE_MAX_WORK, &identities, NULL),
                         SCB_OK);
        run_pieces(&vector, identities);
    }
    free(vector.file);
    return !mlkem;
}

static void published_vectors(void **state)
{
    (void)state;
    char directory[1024];
    (void)snprintf(directory, sizeof(directory), "%s/../shared/vectors/age", SCB_SOURCE_ROOT);
    DIR *listing = opendir(directory);
    if (listing == NULL)
        skip();
    int tested = 0;
    for (struct dirent *entry = readdir(listing); entry != NULL; entry = readdir(listing))
        if (entry->d_name[0] != '.')
            tested += test_vector(directory, entry->d_name);
    (void)closedir(listing);
    assert_int_equal(tested, WITHOUT_MLKEM);
}

/* The text of a header that ends with some MAC. */
static enum scb_status read_text(const char *text, size_t size, struct scb_error *error)
{
    static const char identity[] =
        "AGE-SECRET-KEY-1GFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPQ4EGAEX";
    SCB_AUTO(age_identities) struct scb_age_identities *identities = NULL;
    SCB_AUTO(age_reader) struct scb_age_reader *reader = NULL;
    SCB_AUTO(buffer) struct scb_buffer out = {.max = 4096};
    assert_int_equal(scb_age_identities_parse(bytes_of(identity), &identities, NULL), SCB_OK);
    assert_int_equal(scb_age_reader_new(identities, &reader, NULL), SCB_OK);
    enum scb_status status = scb_age_reader_decrypt(
        reader, (struct scb_bytes){(const uint8_t *)text, size}, &out, error);
    assert_int_equal(out.size, 0);
    return status;
}

static void headers_are_bounded(void **state)
{
    (void)state;
    static char text[SCB_AGE_MAX_HEADER + 4096];
    static const struct {
        const char *stanza;
        size_t count;
        enum scb_status status;
    } table[] = {
        {"-> a\n\n", SCB_AGE_MAX_STANZAS, SCB_ERROR_ACCESS},
        {"-> a\n\n", SCB_AGE_MAX_STANZAS + 1, SCB_ERROR_INTEGRITY},
        {"-> abcdefghijabcdefghijabcdefghijabcdefghijabcdefghijabcdefghijabcdefghijabcdefghij"
         "abcdefghijabcdefghijabcdefghijabcdefghijabcdefghijabcdefghijabcdefghijabcdefghij\n\n",
         SCB_AGE_MAX_STANZAS, SCB_ERROR_INTEGRITY},
        {"x", SCB_AGE_MAX_HEADER + 1, SCB_ERROR_INTEGRITY},
    };
    for (size_t i = 0; i < SCB_LENGTH(table); i++) {
        struct scb_error error = {0};
        char *end = text;
        end += sprintf(end, "age-encryption.org/v1\n");
        for (size_t j = 0; j < table[i].count && end < text + SCB_AGE_MAX_HEADER + 2048; j++)
            end = stpcpy(end, table[i].stanza);
        end = stpcpy(end, "--- AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n");
        assert_int_equal(read_text(text, (size_t)(end - text), &error), table[i].status);
    }
}

static void what_is_no_age_file_is_said_to_be_none(void **state)
{
    (void)state;
    static const char *const texts[] = {"",
                                        "\n",
                                        "[]",
                                        "age-encryption.org/v2\n-> X 1\n\n",
                                        "age-encryption.org/v1",
                                        "age-encryption.org/v1\r\n"};
    for (size_t i = 0; i < SCB_LENGTH(texts); i++) {
        struct scb_error error = {0};
        assert_int_equal(read_text(texts[i], strlen(texts[i]), &error), SCB_ERROR_INTEGRITY);
        assert_memory_equal(error.message, "age header: ", 12);
    }
    assert_true(scb_age_file_is(bytes_of("age-encryption.org/v1\n")));
    assert_false(scb_age_file_is(bytes_of("age-encryption.org")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(published_vectors),
        cmocka_unit_test(headers_are_bounded),
        cmocka_unit_test(what_is_no_age_file_is_said_to_be_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
