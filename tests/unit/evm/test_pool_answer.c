/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What nodes say of transactions, in their own words; none of it is asked again by itself.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/memory.h"
#include "evm/pool_answer.h"
#include "evm/rpc_outcome.h"

static void test_words_of_nodes(void **state)
{
    (void)state;
    static const struct {
        const char *message;
        enum scb_pool_answer answer;
    } table[] = {
        {"already known", SCB_POOL_KNOWN},
        {"AlreadyKnown", SCB_POOL_KNOWN},
        {"known transaction: 0x12", SCB_POOL_KNOWN},
        {"transaction already imported", SCB_POOL_KNOWN},
        {"nonce too low: address 0x1, tx: 5 state: 6", SCB_POOL_NONCE_LOW},
        {"Nonce too low. Expected nonce to be 6 but got 5.", SCB_POOL_NONCE_LOW},
        {"Transaction nonce is too low. Try incrementing the nonce.", SCB_POOL_NONCE_LOW},
        {"Nonce below sender nonce", SCB_POOL_NONCE_LOW},
        {"Nonce too high. Expected nonce to be 6 but got 8.", SCB_POOL_NONCE_HIGH},
        {"replacement transaction underpriced", SCB_POOL_UNDERPRICED},
        {"transaction underpriced: tip needed 25, tip permitted 1", SCB_POOL_UNDERPRICED},
        {"max fee per gas less than block base fee: 0x1", SCB_POOL_UNDERPRICED},
        {"maxFeePerGas (1) is too low for the next block, which has a baseFeePerGas of 2",
         SCB_POOL_UNDERPRICED},
        {"Insufficient funds for gas * price + value", SCB_POOL_NO_FUNDS},
        {"Sender doesn't have enough funds to send tx.", SCB_POOL_NO_FUNDS},
        {"transaction type not supported", SCB_POOL_TYPE_UNKNOWN},
        {"unknown transaction type", SCB_POOL_TYPE_UNKNOWN},
        {"Unknown transaction type: 0x02", SCB_POOL_TYPE_UNKNOWN},
        {"txpool is full", SCB_POOL_FULL},
    };
    for (size_t i = 0; i < SCB_LENGTH(table); i++) {
        if (scb_pool_classify(table[i].message) != table[i].answer)
            fail_msg("%s", table[i].message);
        assert_int_equal(scb_rpc_classify(table[i].message, -32000, 200), SCB_RPC_REVERTED);
    }
}

static void test_words_about_something_else(void **state)
{
    (void)state;
    static const char *const table[] = {"", "execution reverted: version exists",
                                        "header not found", "out of gas", "internal error"};
    for (size_t i = 0; i < SCB_LENGTH(table); i++)
        assert_int_equal(scb_pool_classify(table[i]), SCB_POOL_OTHER);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_words_of_nodes),
        cmocka_unit_test(test_words_about_something_else),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
