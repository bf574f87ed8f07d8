/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The journal: what is written comes back, a torn line does not, replaced transactions are the last
 * of their nonce and know the others' hashes, another backup's journal is dropped, one restore of
 * an account at a time.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "../refused_memory.h"
#include "../temp_dir.h"
#include "base/memory.h"
#include "job/journal.h"

static const char file[] = "restore-5-0x0101010101010101010101010101010101010101-"
                           "0x0202020202020202020202020202020202020202.journal";

static const char lock_file[] = "restore-5-0x0202020202020202020202020202020202020202.lock";

/* Whom the next owners' records are encrypted to, and what reads them; nobody. */
static struct scb_age_recipients recipients;
static struct scb_age_identities *identities;

static struct scb_journal_owner owner_of(const char *backup_date)
{
    struct scb_journal_owner owner = {.chain_id = 5};
    memset(owner.contract.bytes, 1, sizeof(owner.contract.bytes));
    memset(owner.account.bytes, 2, sizeof(owner.account.bytes));
    memset(owner.genesis_hash, 3, sizeof(owner.genesis_hash));
    (void)snprintf(owner.backup_date, sizeof(owner.backup_date), "%s", backup_date);
    if (identities != NULL) {
        owner.recipients = &recipients;
        owner.identities = identities;
    }
    return owner;
}

static struct scb_journal *open_journal(const char *backup_date, bool expect_left)
{
    struct scb_journal *journal = NULL;
    struct scb_error error = {0};
    struct scb_journal_owner owner = owner_of(backup_date);
    bool left = !expect_left;
    if (scb_journal_open(temp_dir, &owner, &journal, &left, &error) != SCB_OK)
        fail_msg("%s", error.message);
    assert_int_equal(left, expect_left);
    return journal;
}

static void append(struct scb_journal *journal, uint64_t nonce, const char *data)
{
    char raw[64];
    int size = snprintf(raw, sizeof(raw), "raw of %s", data);
    struct scb_signed made = {.index = nonce + 100,
                              .nonce = nonce,
                              .gas_limit = 21000 + nonce,
                              .max_fee = (scb_wei)1 << 70,
                              .priority_fee = 7,
                              .spent = ((scb_wei)1 << 80) + nonce,
                              .spent_below = nonce / 2,
                              .raw = {(const uint8_t *)raw, (size_t)size},
                              .data = {(const uint8_t *)data, strlen(data)}};
    memset(made.hash, (int)(nonce + 16 * strlen(data)), sizeof(made.hash));
    assert_int_equal(scb_journal_append(journal, &made, 1, NULL), SCB_OK);
}

/* older: what those of its nonce were that it replaces, up to a NULL. */
static void assert_replacement(struct scb_journal *journal, uint64_t nonce, const char *data,
                               const char *const *older)
{
    struct scb_signed read = {0};
    bool more = false;
    uint8_t hash[SCB_TRANSACTION_HASH_SIZE];
    assert_int_equal(scb_journal_next(journal, &more, &read, NULL), SCB_OK);
    assert_true(more);
    assert_int_equal(read.nonce, nonce);
    assert_int_equal(read.index, nonce + 100);
    assert_int_equal(read.gas_limit, 21000 + nonce);
    assert_true(read.max_fee == (scb_wei)1 << 70 && read.priority_fee == 7);
    memset(hash, (int)(nonce + 16 * strlen(data)), sizeof(hash));
    assert_memory_equal(read.hash, hash, sizeof(hash));
    size_t count = 0;
    for (; older[count] != NULL; count++) {
        memset(hash, (int)(nonce + 16 * strlen(older[count])), sizeof(hash));
        assert_true(read.older.size >= (count + 1) * sizeof(hash));
        assert_memory_equal(read.older.data + count * sizeof(hash), hash, sizeof(hash));
    }
    assert_int_equal(read.older.size, count * sizeof(hash));
    assert_int_equal(read.data.size, strlen(data));
    assert_memory_equal(read.data.data, data, strlen(data));
    assert_int_equal(read.raw.size, strlen(data) + strlen("raw of "));
    assert_memory_equal(read.raw.data + strlen("raw of "), data, strlen(data));
}

static void assert_next(struct scb_journal *journal, uint64_t nonce, const char *data)
{
    assert_replacement(journal, nonce, data, (const char *const[]){NULL});
}

static void assert_no_more(struct scb_journal *journal)
{
    struct scb_signed read = {0};
    bool more = true;
    assert_int_equal(scb_journal_next(journal, &more, &read, NULL), SCB_OK);
    assert_false(more);
}

static void rewind_to(struct scb_journal *journal, uint64_t nonce, uint64_t expected)
{
    uint64_t count = 0;
    assert_int_equal(scb_journal_rewind(journal, nonce, &count, NULL), SCB_OK);
    assert_int_equal(count, expected);
}

static void test_what_is_written_comes_back(void **state)
{
    (void)state;
    struct scb_journal *journal = open_journal("2024-01-15", false);
    assert_int_equal(temp_mode(file), 0600);
    append(journal, 4, "four");
    append(journal, 6, "six");
    append(journal, 5, "five");
    append(journal, 6, "six, dearer");
    append(journal, 5, "five, dearer");
    append(journal, 5, "five, dearest");
    scb_journal_close(journal);

    journal = open_journal("2024-01-15", true);
    rewind_to(journal, 5, 2);
    assert_replacement(journal, 5, "five, dearest",
                       (const char *const[]){"five", "five, dearer", NULL});
    assert_replacement(journal, 6, "six, dearer", (const char *const[]){"six", NULL});
    assert_no_more(journal);
    append(journal, 7, "seven");
    rewind_to(journal, 0, 4);
    assert_next(journal, 4, "four");
    rewind_to(journal, 8, 0);
    assert_no_more(journal);
    scb_journal_close(journal);
}

/* Cut at every byte: whole records stay, and the next one stands on a line of its own. */
static void test_what_was_spent(void **state)
{
    (void)state;
    struct scb_journal *journal = open_journal("2024-01-15", false);
    scb_wei spent = 1;
    uint64_t below = 0;
    scb_journal_spent(journal, &spent, &below);
    assert_true(spent == 0 && below == UINT64_MAX);
    append(journal, 4, "four");
    append(journal, 5, "five");
    scb_journal_close(journal);
    journal = open_journal("2024-01-15", true);
    scb_journal_spent(journal, &spent, &below);
    assert_true(spent == ((scb_wei)1 << 80) + 5 && below == 2);
    scb_journal_close(journal);
}

static void test_a_torn_line(void **state)
{
    (void)state;
    struct scb_journal *journal = open_journal("2024-01-15", false);
    append(journal, 1, "one");
    off_t whole = temp_stat(file).st_size;
    append(journal, 2, "two");
    scb_journal_close(journal);
    off_t size = temp_stat(file).st_size;
    for (off_t cut = size - 1; cut >= whole; cut--) {
        assert_int_equal(truncate(temp_path(file), cut), 0);
        journal = open_journal("2024-01-15", true);
        rewind_to(journal, 0, 1);
        append(journal, 2, "two");
        rewind_to(journal, 0, 2);
        assert_next(journal, 1, "one");
        assert_next(journal, 2, "two");
        scb_journal_close(journal);
        assert_int_equal(temp_stat(file).st_size, size);
    }
    assert_int_equal(truncate(temp_path(file), 20), 0); /* in the head */
    scb_journal_close(open_journal("2024-01-15", false));
}

static void test_a_large_transaction(void **state)
{
    (void)state;
    static char data[SCB_SENDER_MAX_DATA];
    memset(data, 'x', sizeof(data) - 1);
    struct scb_signed made = {.raw = {(const uint8_t *)data, sizeof(data)},
                              .data = {(const uint8_t *)data, sizeof(data) - 300}};
    struct scb_journal *journal = open_journal("2024-01-15", false);
    for (made.nonce = 0; made.nonce < 3; made.nonce++)
        assert_int_equal(scb_journal_append(journal, &made, 1, NULL), SCB_OK);
    scb_journal_close(journal);
    journal = open_journal("2024-01-15", true);
    rewind_to(journal, 2, 1);
    struct scb_signed read = {0};
    bool more = false;
    assert_int_equal(scb_journal_next(journal, &more, &read, NULL), SCB_OK);
    assert_int_equal(read.raw.size, sizeof(data));
    assert_memory_equal(read.raw.data, data, sizeof(data));
    scb_journal_close(journal);
}

static void test_another_backup_begins_anew(void **state)
{
    (void)state;
    struct scb_journal *journal = open_journal("2024-01-15", false);
    append(journal, 1, "one");
    scb_journal_close(journal);
    scb_journal_close(open_journal("2024-01-16", false));
    scb_journal_close(open_journal("2024-01-15", false));
}

static void test_one_restore_of_an_account_at_a_time(void **state)
{
    (void)state;
    struct scb_journal *journal = open_journal("2024-01-15", false), *second = NULL;
    struct scb_error error = {0};
    struct scb_journal_owner owner = owner_of("2024-01-15");
    bool left = false;
    assert_int_equal(scb_journal_open(temp_dir, &owner, &second, &left, &error), SCB_ERROR_BUSY);
    memset(owner.contract.bytes, 9, sizeof(owner.contract.bytes));
    assert_int_equal(scb_journal_open(temp_dir, &owner, &second, &left, &error), SCB_ERROR_BUSY);
    assert_null(second);
    /* Another account has nonces of its own, and so has the account on another chain. */
    memset(owner.account.bytes, 9, sizeof(owner.account.bytes));
    assert_int_equal(scb_journal_open(temp_dir, &owner, &second, &left, &error), SCB_OK);
    scb_journal_close(second);
    owner = owner_of("2024-01-15");
    owner.chain_id = 6;
    assert_int_equal(scb_journal_open(temp_dir, &owner, &second, &left, &error), SCB_OK);
    scb_journal_close(second);
    scb_journal_close(journal);
}

/* One that begins while another is done with its journal has the only lock there is. */
static void test_the_lock_outlives_the_journal(void **state)
{
    (void)state;
    struct scb_journal *journal = open_journal("2024-01-15", false), *second = NULL;
    struct scb_journal_owner owner = owner_of("2024-01-15");
    struct scb_error error = {0};
    bool left = false;
    assert_int_equal(scb_journal_remove(journal, NULL), SCB_OK);
    assert_int_equal(scb_journal_open(temp_dir, &owner, &second, &left, &error), SCB_ERROR_BUSY);
    scb_journal_close(journal);
    journal = open_journal("2024-01-15", false);
    assert_int_equal(scb_journal_open(temp_dir, &owner, &second, &left, &error), SCB_ERROR_BUSY);
    scb_journal_close(journal);
}

static void test_a_record_that_is_none(void **state)
{
    (void)state;
    struct scb_journal *journal = open_journal("2024-01-15", false), *second = NULL;
    struct scb_error error = {0};
    struct scb_journal_owner owner = owner_of("2024-01-15");
    bool left = false;
    append(journal, 1, "one");
    scb_journal_close(journal);
    FILE *handle = fopen(temp_path(file), "ae");
    assert_non_null(handle);
    assert_true(fputs("{\"nonce\":\"x\"}\n", handle) >= 0);
    assert_int_equal(fclose(handle), 0);
    assert_int_equal(scb_journal_open(temp_dir, &owner, &second, &left, &error),
                     SCB_ERROR_INTEGRITY);
    assert_string_not_equal(error.hint, "");
}

/* Whoever takes a lack of memory for a torn journal moves it away, and sends twice. */
static void test_a_lack_of_memory_is_no_broken_journal(void **state)
{
    (void)state;
    struct scb_journal *journal = open_journal("2024-01-15", false);
    append(journal, 1, "one");
    append(journal, 2, "two");
    scb_journal_close(journal);
    bool refused = CAN_REFUSE;
    for (long at = 1; refused; at++) {
        struct scb_error error = {0};
        struct scb_journal_owner owner = owner_of("2024-01-15");
        struct scb_signed read = {0};
        bool left = false, more = false;
        refuse_at = at;
        enum scb_status status = scb_journal_open(temp_dir, &owner, &journal, &left, &error);
        if (status == SCB_OK) {
            uint64_t count = 0;
            status = scb_journal_rewind(journal, 0, &count, &error);
            if (status == SCB_OK)
                status = scb_journal_next(journal, &more, &read, &error);
            scb_journal_close(journal);
        }
        refused = refuse_at == 0;
        refuse_at = 0;
        if (status != (refused ? SCB_ERROR_RESOURCE : SCB_OK))
            fail_msg("allocation %ld: %s", at, error.message);
    }
    assert_true(!CAN_REFUSE || refuse_at == 0);
}

static void test_it_goes_when_all_is_done(void **state)
{
    (void)state;
    struct scb_journal *journal = open_journal("2024-01-15", false);
    append(journal, 1, "one");
    assert_int_equal(scb_journal_remove(journal, NULL), SCB_OK);
    scb_journal_close(journal);
    assert_string_equal(temp_list("."), lock_file);
}

static void make_identity(void)
{
    char text[SCB_AGE_IDENTITY_TEXT_SIZE];
    scb_age_identities_free(identities);
    assert_int_equal(scb_age_identity_generate(text, &recipients.items[0], NULL), SCB_OK);
    recipients.count = 1;
    assert_int_equal(
        scb_age_identities_parse((struct scb_bytes){(const uint8_t *)text, strlen(text)},
                                 &identities, NULL),
        SCB_OK);
}

static int set_up_encrypted(void **state)
{
    make_identity();
    return temp_set_up(state);
}

static int tear_down_encrypted(void **state)
{
    scb_age_identities_free(identities);
    identities = NULL;
    return temp_tear_down(state);
}

static void test_nobody_else_reads_it(void **state)
{
    (void)state;
    char text[64 * 1024] = "";
    struct scb_journal *journal = open_journal("2024-01-15", false);
    append(journal, 4, "user_profile_123");
    scb_journal_close(journal);
    FILE *stream = fopen(temp_path(file), "re");
    assert_non_null(stream);
    assert_in_range(fread(text, 1, sizeof(text) - 1, stream), 100, sizeof(text) - 2);
    (void)fclose(stream);
    assert_non_null(strstr(text, "\"encrypted_to\":\"age1"));
    assert_null(strstr(text, "757365725f70726f66696c65")); /* "user_profile" */
    /* The same recipients, but another identity: what it cannot read it does not drop. */
    struct scb_age_recipients before = recipients;
    make_identity();
    recipients = before;
    struct scb_signed read = {0};
    bool more = false;
    uint64_t count = 0;
    journal = open_journal("2024-01-15", true);
    assert_int_equal(scb_journal_rewind(journal, 0, &count, NULL), SCB_OK);
    struct scb_error error = {0};
    assert_int_equal(scb_journal_next(journal, &more, &read, &error), SCB_ERROR_ACCESS);
    assert_non_null(strstr(error.message, "the line at byte"));
    assert_non_null(strstr(error.message, "no identity matches"));
    scb_journal_close(journal);
}

#define ENCRYPTED(test_)                                                                           \
    cmocka_unit_test_setup_teardown(test_, set_up_encrypted, tear_down_encrypted)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_TEMP(test_what_is_written_comes_back),
        IN_TEMP(test_a_torn_line),
        IN_TEMP(test_what_was_spent),
        IN_TEMP(test_a_large_transaction),
        IN_TEMP(test_another_backup_begins_anew),
        IN_TEMP(test_one_restore_of_an_account_at_a_time),
        IN_TEMP(test_the_lock_outlives_the_journal),
        IN_TEMP(test_a_record_that_is_none),
        IN_TEMP(test_a_lack_of_memory_is_no_broken_journal),
        IN_TEMP(test_it_goes_when_all_is_done),
        ENCRYPTED(test_what_is_written_comes_back),
        ENCRYPTED(test_a_torn_line),
        ENCRYPTED(test_a_large_transaction),
        ENCRYPTED(test_another_backup_begins_anew),
        ENCRYPTED(test_nobody_else_reads_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
