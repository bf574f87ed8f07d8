/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Covers job/backup_keys: identity files of every form, the passphrase asked for once and only when
 * it is needed, and what is said where there is no key, another's or a wrong one.
 */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */
#include <string.h>

#include "../temp_dir.h"
#include "base/memory.h"
#include "crypto/age_identity_file.h"
#include "job/backup_keys.h"

static struct scb_error error;
static struct scb_manifest manifest;
static const char *typed; /* at the next question; NULL: nothing */
static int questions;

#define assert_ok(call_)                                                                           \
    do {                                                                                           \
        if ((call_) != SCB_OK)                                                                     \
            fail_msg("%s", error.message);                                                         \
    } while (0)

static enum scb_status ask(void *state, const char *path, char *ret_text, size_t size,
                           size_t *ret_size, struct scb_error *ask_error)
{
    (void)state;
    questions++;
    assert_non_null(strstr(path, "key"));
    if (typed == NULL)
        return scb_error_set(ask_error, SCB_ERROR_CANCELED, "no passphrase was typed");
    assert_true(strlen(typed) <= size);
    memcpy(ret_text, typed, strlen(typed));
    *ret_size = strlen(typed);
    return SCB_OK;
}

static int set_up(void **state)
{
    error = (struct scb_error){0};
    manifest = (struct scb_manifest){0};
    questions = 0;
    typed = NULL;
    return temp_set_up(state);
}

/* A new identity in a file; the manifest names its recipient too. */
static void add_identity(const char *name)
{
    char text[SCB_AGE_IDENTITY_FILE_TEXT_SIZE];
    struct scb_age_recipients *recipients = &manifest.recipients;
    assert_ok(
        scb_age_identity_file_generate(0, text, &recipients->items[recipients->count++], &error));
    temp_write(name, text);
    assert_int_equal(chmod(temp_path(name), 0600), 0);
}

/* The file as `age -p` makes it with a work factor of 2^10, of a passphrase "horse"; its identity
 * is nobody's. */
static const char protected_file[] = "age-encryption.org/v1\n"
                                     "-> scrypt bBjlhJVYZeE4aqUdmtRHfw 10\n"
                                     "ZV/AhotwSGqaPCU43cepl4WYUouAa17a3xpu4G2yi5k\n"
                                     "--- not the right one\n";

static struct scb_backup_keys *keys_of(const char *name, scb_passphrase_asker asker)
{
    static char path[600];
    struct scb_backup_keys *keys = NULL;
    (void)snprintf(path, sizeof(path), "%s", name[0] == '\0' ? "" : temp_path(name));
    const struct scb_backup_keys_settings settings = {.identity_file = path, .ask = asker};
    assert_ok(scb_backup_keys_new(&settings, &keys, &error));
    return keys;
}

static void assert_refused(struct scb_backup_keys *keys, enum scb_status status, const char *why)
{
    const struct scb_age_identities *identities = NULL;
    assert_int_equal(scb_backup_keys_unlock(keys, &manifest, &identities, &error), status);
    assert_null(identities);
    if (strstr(error.message, why) == NULL)
        fail_msg("%s", error.message);
    scb_backup_keys_free(keys);
}

static void a_plain_backup_needs_none(void **state)
{
    (void)state;
    const struct scb_age_identities *identities = NULL;
    struct scb_backup_keys *keys = keys_of("nowhere-key", ask);
    assert_ok(scb_backup_keys_unlock(keys, &manifest, &identities, &error));
    assert_ok(scb_backup_keys_unlock(NULL, &manifest, &identities, &error));
    assert_null(identities);
    assert_int_equal(questions, 0);
    scb_backup_keys_free(keys);
}

static void any_of_the_recipients_opens_it(void **state)
{
    (void)state;
    add_identity("key-a");
    add_identity("key-b");
    static const char *const names[] = {"key-a", "key-b"};
    for (size_t i = 0; i < SCB_LENGTH(names); i++) {
        const struct scb_age_identities *first = NULL, *second = NULL;
        struct scb_backup_keys *keys = keys_of(names[i], NULL);
        assert_false(scb_backup_keys_are_absent(keys));
        assert_ok(scb_backup_keys_unlock(keys, &manifest, &first, &error));
        assert_ok(scb_backup_keys_unlock(keys, &manifest, &second, &error));
        assert_non_null(first);
        assert_ptr_equal(first, second);
        scb_backup_keys_free(keys);
    }
}

static void says_for_whom_a_backup_is(void **state)
{
    (void)state;
    char recipient[SCB_AGE_RECIPIENT_TEXT_SIZE];
    for (int i = 0; i < 6; i++)
        add_identity("key-of-another-backup");
    scb_age_recipient_format(&manifest.recipients.items[3], recipient);
    assert_true(scb_backup_keys_are_absent(NULL));
    assert_refused(keys_of("", ask), SCB_ERROR_ACCESS, recipient);
    assert_non_null(strstr(error.message, " and 2 more, and encryption.identity_file is not set"));
    assert_non_null(strstr(error.hint, "--encryption-identity-file"));
    const struct scb_age_recipients said = manifest.recipients;
    add_identity("key");
    manifest.recipients = said;
    assert_refused(keys_of("key", ask), SCB_ERROR_ACCESS, recipient);
    assert_non_null(strstr(error.message, "no identity of encryption.identity_file"));
    assert_int_equal(questions, 0);
}

static void a_file_that_is_none_is_an_error(void **state)
{
    (void)state;
    add_identity("key-of-it");
    static char large[SCB_AGE_IDENTITY_FILE_MAX + 2];
    memset(large, '#', sizeof(large) - 1);
    temp_write("key-large", large);
    temp_write("key-odd", "hello\n");
    temp_write("key-empty", "");
    static const char *const files[] = {"key-large", "key-odd", "key-empty"};
    for (size_t i = 0; i < SCB_LENGTH(files); i++)
        assert_int_equal(chmod(temp_path(files[i]), 0600), 0);
    temp_mkdir("key-dir");
    assert_refused(keys_of("key-nowhere", ask), SCB_ERROR_FILE, "not opened");
    assert_refused(keys_of("key-large", ask), SCB_ERROR_VALIDATION, "over 64 KiB");
    assert_refused(keys_of("key-odd", ask), SCB_ERROR_VALIDATION, "line 1");
    assert_refused(keys_of("key-empty", ask), SCB_ERROR_VALIDATION, "encryption.identity_file");
    assert_refused(keys_of("key-dir", ask), SCB_ERROR_VALIDATION, "no plain file");
    assert_int_equal(questions, 0);
}

static void one_that_others_may_read_is_no_secret(void **state)
{
    (void)state;
    static const mode_t modes[] = {0604, 0640, 0620, 0601};
    const struct scb_age_identities *identities = NULL;
    add_identity("key");
    assert_int_equal(chown(temp_path("key"), geteuid() == 0 ? 12345 : geteuid(), (gid_t)-1), 0);
    for (size_t i = 0; i < SCB_LENGTH(modes); i++) {
        assert_int_equal(chmod(temp_path("key"), modes[i]), 0);
        assert_refused(keys_of("key", ask), SCB_ERROR_VALIDATION, "is open to others");
        assert_non_null(strstr(error.hint, "chmod 600 "));
    }
    assert_int_equal(chmod(temp_path("key"), 0400), 0);
    struct scb_backup_keys *keys = keys_of("key", NULL);
    assert_ok(scb_backup_keys_unlock(keys, &manifest, &identities, &error));
    scb_backup_keys_free(keys);
    temp_write("protected-key", protected_file); /* that may lie open */
    assert_int_equal(chmod(temp_path("protected-key"), 0644), 0);
    assert_refused(keys_of("protected-key", ask), SCB_ERROR_CANCELED, "no passphrase was typed");
}

static void nobody_is_asked_twice(void **state)
{
    (void)state;
    const struct scb_age_identities *identities = NULL;
    add_identity("key-of-it");
    temp_write("key", protected_file);
    struct scb_backup_keys *keys = keys_of("key", ask);
    assert_false(scb_backup_keys_are_absent(keys));
    assert_int_equal(scb_backup_keys_unlock(keys, &manifest, &identities, &error),
                     SCB_ERROR_CANCELED);
    typed = "horse";
    assert_refused(keys, SCB_ERROR_CANCELED, "no passphrase was typed");
    assert_int_equal(questions, 1);
    assert_refused(keys_of("key", ask), SCB_ERROR_VALIDATION, "age header");
    assert_int_equal(questions, 2);
}

/* And not the backup's: nobody is told that what is encrypted is damaged. */
static void a_damaged_file_is_the_files_fault(void **state)
{
    (void)state;
    static const struct {
        const char *text, *why;
    } table[] = {
        {"age-encryption.org/v1\n-> scrypt bBjlhJVYZeE4aqUdmtRHfw 10\n", "ends within it"},
        {"age-encryption.org/v1\n-> scrypt bBjlhJVYZeE4aqUdmtRHfw 22\n"
         "ZV/AhotwSGqaPCU43cepl4WYUouAa17a3xpu4G2yi5k\n"
         "--- AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n",
         "work factor is 22, more than the 21 that is done"},
        {"-----BEGIN AGE ENCRYPTED FILE-----\nYWdl\n", "age armor: its END line is missing"},
        {"-----BEGIN AGE ENCRYPTED FILE-----\n!\n", "age armor: base64 is malformed"},
    };
    add_identity("key-of-it");
    typed = "horse";
    for (size_t i = 0; i < SCB_LENGTH(table); i++) {
        temp_write("key", table[i].text);
        assert_refused(keys_of("key", ask), SCB_ERROR_VALIDATION, table[i].why);
        assert_non_null(strstr(error.message, "encryption.identity_file"));
        assert_non_null(strstr(error.hint, "age -p"));
    }
}

static void without_anybody_to_ask_there_is_none(void **state)
{
    (void)state;
    add_identity("key-of-it");
    temp_write("key", protected_file);
    struct scb_backup_keys *keys = keys_of("key", NULL);
    assert_true(scb_backup_keys_are_absent(keys));
    assert_refused(keys, SCB_ERROR_ACCESS, "nobody to ask");
    keys = keys_of("key-nowhere", NULL); /* that is an error, not a choice */
    assert_false(scb_backup_keys_are_absent(keys));
    scb_backup_keys_free(keys);
}

static void trusts_node_ids_only(void **state)
{
    (void)state;
    struct scb_backup_keys *keys = NULL;
    static const char *const wrong[] = {"12rfWeECejZ2jT6YoPYRqct6gZp6mMWCLTBoFQ8HHgc2snPzMko",
                                        "somebody", NULL};
    static const char *const right[] = {"12rfWeECejZ2jT6YoPYRqct6gZp6mMWCLTBoFQ8HHgc2snPzMko",
                                        NULL};
    struct scb_backup_keys_settings settings = {.identity_file = "", .trusted = wrong};
    assert_int_equal(scb_backup_keys_new(&settings, &keys, &error), SCB_ERROR_VALIDATION);
    assert_non_null(strstr(error.message, "identity.trusted"));
    settings.trusted = right;
    assert_ok(scb_backup_keys_new(&settings, &keys, &error));
    assert_int_equal(scb_backup_keys_trusted(keys)->count, 1);
    scb_backup_keys_free(keys);
    settings.trusted = right + 1;
    assert_ok(scb_backup_keys_new(&settings, &keys, &error));
    assert_null(scb_backup_keys_trusted(keys));
    assert_null(scb_backup_keys_trusted(NULL));
    scb_backup_keys_free(keys);
}

#define KEYS(test_) cmocka_unit_test_setup_teardown(test_, set_up, temp_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        KEYS(a_plain_backup_needs_none),
        KEYS(any_of_the_recipients_opens_it),
        KEYS(says_for_whom_a_backup_is),
        KEYS(a_file_that_is_none_is_an_error),
        KEYS(nobody_is_asked_twice),
        KEYS(without_anybody_to_ask_there_is_none),
        KEYS(trusts_node_ids_only),
        KEYS(a_damaged_file_is_the_files_fault),
        KEYS(one_that_others_may_read_is_no_secret),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
