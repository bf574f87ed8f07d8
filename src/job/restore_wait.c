/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a restore waits for: others' transactions before it, confirmations after it.
 */
#include <inttypes.h>

#include "job/restore_run.h"
#include "source/chain.h"

enum {
    POOL_WAIT_MS = 120000, /* for the account's other transactions */
    POLL_MS = 500,
    STALLED_MS = 5 * 60 * 1000, /* a chain that makes no block for so long */
    LOG_MS = 10000,
};

static int64_t now_ms(const struct restore *restore)
{
    return scb_clock_monotonic_ms(restore->parts->clock);
}

enum scb_status scb_restore_wait_for_others(struct restore *restore, struct scb_error *error)
{
    int64_t until_ms = now_ms(restore) + POOL_WAIT_MS;
    for (;;) {
        uint64_t mined = 0, pending = 0;
        enum scb_status status =
            scb_chain_nonce(restore->parts->client, &restore->account, false, &mined, error);
        if (status == SCB_OK)
            status =
                scb_chain_nonce(restore->parts->client, &restore->account, true, &pending, error);
        if (status != SCB_OK || pending <= mined)
            return status;
        if (now_ms(restore) >= until_ms) {
            scb_error_set(error, SCB_ERROR_BUSY,
                          "the account has %" PRIu64 " transactions on their way that are not of "
                          "this restore",
                          pending - mined);
            return scb_error_hint(error, "wait until they are mined, or use another account");
        }
        if (scb_cancel_sleep(restore->parts->cancel, POLL_MS))
            return scb_error_set(error, SCB_ERROR_CANCELED, "interrupted");
    }
}

static enum scb_status stalled(const struct restore *restore, uint64_t head,
                               struct scb_error *error)
{
    scb_error_set(error, SCB_ERROR_CONTRACT,
                  "all is sent, but the chain has made no block after %" PRIu64 " for 5 minutes, "
                  "and %" PRIu64 " confirmations are asked for",
                  head, restore->settings->confirmations);
    error->retryable = true;
    return scb_error_hint(error, "run the same again later, or lower --contract-confirmations on a "
                                 "chain that makes blocks on demand");
}

enum scb_status scb_restore_wait_until_deep(struct restore *restore, uint64_t *ret_block,
                                            struct scb_error *error)
{
    uint64_t wanted = restore->last_block + restore->settings->confirmations, last = 0;
    int64_t moved_ms = now_ms(restore), began_ms = moved_ms, logged_ms = moved_ms;
    for (;;) {
        uint64_t head = 0;
        enum scb_status status = scb_chain_block_number(restore->parts->client, &head, error);
        if (status != SCB_OK)
            return status;
        *ret_block = head - restore->settings->confirmations;
        if (head >= wanted)
            return SCB_OK;
        int64_t now = now_ms(restore);
        moved_ms = head != last ? now : moved_ms;
        last = head;
        if (now - moved_ms >= STALLED_MS)
            return stalled(restore, head, error);
        uint64_t deep = head > restore->last_block ? head - restore->last_block : 0;
        struct scb_restore_progress progress = {.what = "waiting for confirmations",
                                                .done = deep,
                                                .total = restore->settings->confirmations,
                                                .elapsed_ms = now - began_ms};
        if (restore->options->observe != NULL)
            restore->options->observe(restore->options->state, &progress);
        if (now - logged_ms >= LOG_MS) {
            logged_ms = now;
            scb_log_info(restore->parts->log, "Restore waits for confirmations",
                         SCB_NUMBER("done", deep),
                         SCB_NUMBER("total", restore->settings->confirmations));
        }
        if (scb_cancel_sleep(restore->parts->cancel, POLL_MS))
            return scb_error_set(error, SCB_ERROR_CANCELED, "interrupted");
    }
}
