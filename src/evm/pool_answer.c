/* SPDX-License-Identifier: Apache-2.0 */
#include "evm/pool_answer.h"

#include <string.h>

#include "base/memory.h"

/* The first row whose text is in the message decides. */
static const struct {
    const char *text; /* in lower case */
    enum scb_pool_answer answer;
} rows[] = {
    {"unknown transaction", SCB_POOL_TYPE_UNKNOWN}, /* before "known transaction" */

    {"already known", SCB_POOL_KNOWN},     /* geth */
    {"alreadyknown", SCB_POOL_KNOWN},      /* Nethermind */
    {"known transaction", SCB_POOL_KNOWN}, /* Besu, hardhat, XDC */
    {"already imported", SCB_POOL_KNOWN},  /* anvil, OpenEthereum */

    {"nonce too low", SCB_POOL_NONCE_LOW},
    {"nonce is too low", SCB_POOL_NONCE_LOW}, /* OpenEthereum */
    {"nonce below", SCB_POOL_NONCE_LOW},      /* Besu */
    {"oldnonce", SCB_POOL_NONCE_LOW},         /* Nethermind */

    {"nonce too high", SCB_POOL_NONCE_HIGH}, /* hardhat */
    {"nonce too distant", SCB_POOL_NONCE_HIGH},
    {"noncegap", SCB_POOL_NONCE_HIGH},

    {"underpriced", SCB_POOL_UNDERPRICED},
    {"block base fee", SCB_POOL_UNDERPRICED},             /* fee cap less than block base fee */
    {"too low for the next block", SCB_POOL_UNDERPRICED}, /* hardhat */
    {"price too low", SCB_POOL_UNDERPRICED},
    {"price is too low", SCB_POOL_UNDERPRICED},
    {"feetoolow", SCB_POOL_UNDERPRICED}, /* Nethermind */
    {"minimum gas price", SCB_POOL_UNDERPRICED},

    {"insufficient funds", SCB_POOL_NO_FUNDS},
    {"insufficientfunds", SCB_POOL_NO_FUNDS},
    {"enough funds", SCB_POOL_NO_FUNDS}, /* hardhat */
    {"upfront cost exceeds", SCB_POOL_NO_FUNDS},

    {"type not supported", SCB_POOL_TYPE_UNKNOWN},
    {"unsupported transaction type", SCB_POOL_TYPE_UNKNOWN},
    {"invalid transaction type", SCB_POOL_TYPE_UNKNOWN},
    {"1559 not supported", SCB_POOL_TYPE_UNKNOWN}, /* anvil */

    {"pool is full", SCB_POOL_FULL},
    {"pool full", SCB_POOL_FULL},
};

enum scb_pool_answer scb_pool_classify(const char *message)
{
    for (size_t i = 0; i < SCB_LENGTH(rows); i++)
        if (strcasestr(message, rows[i].text) != NULL)
            return rows[i].answer;
    return SCB_POOL_OTHER;
}
