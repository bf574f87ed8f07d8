/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signed transactions of both kinds, and addresses from keys: the example of EIP-155, published
 * vectors, keys that are none.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "../vectors.h"
#include "base/memory.h"
#include "base/text.h"
#include "evm/keccak.h"
#include "evm/transaction.h"

static struct scb_signer *signer_of(const char *digits)
{
    uint8_t key[SCB_KEY_SIZE];
    struct scb_signer *signer = NULL;
    struct scb_error error = {0};
    assert_true(scb_text_unhex(digits, sizeof(key), key));
    if (scb_signer_new(key, &signer, &error) != SCB_OK)
        fail_msg("%s: %s", digits, error.message);
    return signer;
}

/* Signs, compares with the hex text and its hash. */
static void assert_signed(const struct scb_transaction *transaction, struct scb_signer *signer,
                          const char *expected)
{
    SCB_AUTO(buffer) struct scb_buffer raw = {0};
    uint8_t hash[SCB_TRANSACTION_HASH_SIZE], wanted[SCB_KECCAK256_SIZE];
    assert_int_equal(scb_transaction_sign(transaction, signer, &raw, hash, NULL), SCB_OK);
    char *digits = malloc(2 * raw.size + 1);
    assert_non_null(digits);
    scb_text_hex(raw.data, raw.size, digits);
    assert_string_equal(digits, expected);
    free(digits);
    scb_keccak256(raw.data, raw.size, wanted);
    assert_memory_equal(hash, wanted, sizeof(hash));
}

static void test_the_example_of_eip_155(void **state)
{
    (void)state;
    struct scb_address to;
    memset(to.bytes, 0x35, sizeof(to.bytes));
    struct scb_transaction transaction = {.chain_id = 1,
                                          .nonce = 9,
                                          .gas_limit = 21000,
                                          .max_fee_per_gas = 20000000000,
                                          .to = &to,
                                          .value = 1000000000000000000};
    SCB_AUTO(signer)
    struct scb_signer *signer =
        signer_of("4646464646464646464646464646464646464646464646464646464646464646");
    assert_signed(&transaction, signer,
                  "f86c098504a817c800825208943535353535353535353535353535353535353535880de0b6b3a764"
                  "00008025a028ef61340bd939bc2195fe537567866003e1a15d3c71ff63e1590620aa636276a067cb"
                  "e9d8997f761aecb703304b3800ccf555c9f3dc64214b297fb1966a3b6d83");
}

static void test_keys_that_are_none(void **state)
{
    (void)state;
    static const char *const table[] = {
        "0000000000000000000000000000000000000000000000000000000000000000",
        "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141", /* the order */
        "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"};
    for (size_t i = 0; i < SCB_LENGTH(table); i++) {
        uint8_t key[SCB_KEY_SIZE];
        struct scb_signer *signer = NULL;
        assert_true(scb_text_unhex(table[i], sizeof(key), key));
        assert_int_equal(scb_signer_new(key, &signer, NULL), SCB_ERROR_VALIDATION);
        assert_null(signer);
    }
}

static void test_published_addresses(void **state)
{
    (void)state;
    json_t *vectors = vectors_load("ethers/accounts.json.gz");
    if (vectors == NULL)
        skip();
    size_t index, tested = 0;
    json_t *vector;
    json_array_foreach(vectors, index, vector)
    {
        const char *key = vectors_text(vector, "privateKey");
        if (key == NULL)
            continue;
        SCB_AUTO(signer) struct scb_signer *signer = signer_of(key + 2);
        char text[SCB_ADDRESS_TEXT_SIZE];
        scb_address_format(scb_signer_address(signer), text);
        assert_string_equal(text, vectors_text(vector, "address"));
        tested++;
    }
    assert_true(tested > 100);
    json_decref(vectors);
}

/* A member that is a number or a hex text; absent is 0. */
static uint64_t number_of(const json_t *object, const char *name)
{
    const json_t *value = json_object_get(object, name);
    return json_is_string(value) ? strtoull(json_string_value(value), NULL, 16)
                                 : (uint64_t)json_integer_value(value);
}

struct parsed {
    struct scb_transaction transaction;
    struct scb_address to;
    uint8_t data[512];
};

static void parse(const json_t *object, struct parsed *parsed)
{
    struct scb_transaction *transaction = &parsed->transaction;
    *transaction = (struct scb_transaction){
        .chain_id = number_of(object, "chainId"),
        .nonce = number_of(object, "nonce"),
        .gas_limit = number_of(object, "gasLimit"),
        .value = number_of(object, "value"),
        .priority_fee_per_gas = number_of(object, "maxPriorityFeePerGas"),
    };
    const char *to = vectors_text(object, "to"), *data = vectors_text(object, "data");
    if (to != NULL) {
        assert_int_equal(scb_address_parse(to, &parsed->to, NULL), SCB_OK);
        transaction->to = &parsed->to;
    }
    size_t size = data == NULL ? 0 : (strlen(data) - 2) / 2;
    assert_true(size <= sizeof(parsed->data));
    assert_true(size == 0 || scb_text_unhex(data + 2, size, parsed->data));
    transaction->data = (struct scb_bytes){parsed->data, size};
}

static void test_published_transactions(void **state)
{
    (void)state;
    json_t *vectors = vectors_load("ethers/transactions.json.gz");
    if (vectors == NULL)
        skip();
    size_t index, dynamic = 0;
    json_t *vector;
    json_array_foreach(vectors, index, vector)
    {
        const json_t *object = json_object_get(vector, "transaction");
        struct parsed parsed;
        parse(object, &parsed);
        SCB_AUTO(signer)
        struct scb_signer *signer = signer_of(vectors_text(vector, "privateKey") + 2);
        parsed.transaction.max_fee_per_gas = number_of(object, "gasPrice");
        /* Chain 0 is no chain: there the vectors leave EIP-155 out. */
        if (parsed.transaction.chain_id != 0)
            assert_signed(&parsed.transaction, signer, vectors_text(vector, "signedEip155") + 2);
        if (json_array_size(json_object_get(object, "accessList")) > 0)
            continue; /* satellite sends none */
        parsed.transaction.dynamic_fee = true;
        parsed.transaction.max_fee_per_gas = number_of(object, "maxFeePerGas");
        assert_signed(&parsed.transaction, signer, vectors_text(vector, "signedLondon") + 2);
        dynamic++;
    }
    assert_int_equal(index, 3200);
    assert_true(dynamic > 1500);
    json_decref(vectors);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_example_of_eip_155),
        cmocka_unit_test(test_keys_that_are_none),
        cmocka_unit_test(test_published_addresses),
        cmocka_unit_test(test_published_transactions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
