/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a node says when it does not take a transaction into its pool: the words of the clients,
 * for there are no codes. What each means for the sender is source/sender's.
 */
#ifndef SCB_EVM_POOL_ANSWER_H
#define SCB_EVM_POOL_ANSWER_H

enum scb_pool_answer {
    SCB_POOL_OTHER,        /* not about the pool */
    SCB_POOL_KNOWN,        /* it has this very transaction: as good as taken */
    SCB_POOL_NONCE_LOW,    /* a transaction with this nonce is mined, perhaps this one */
    SCB_POOL_NONCE_HIGH,   /* it wants those before it first */
    SCB_POOL_UNDERPRICED,  /* pay more for gas */
    SCB_POOL_NO_FUNDS,     /* the account cannot pay for it */
    SCB_POOL_TYPE_UNKNOWN, /* no EIP-1559 on this chain */
    SCB_POOL_FULL,         /* try again later */
};

enum scb_pool_answer scb_pool_classify(const char *message);

#endif
