/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/stuck.h"

#include <unistd.h>

#include "base/thread.h"

struct saying {
    scb_stuck_say say;
    const void *state;
    const struct scb_error *error;
    struct scb_cancel *said;
};

static void *run(void *argument)
{
    const struct saying *saying = argument;
    saying->say(saying->state, saying->error);
    scb_cancel_request(saying->said);
    return NULL;
}

_Noreturn void scb_stuck_end(scb_stuck_say say, const void *state, const struct scb_error *error,
                             int64_t say_ms)
{
    struct saying saying = {say, state, error, NULL};
    pthread_t thread;
    if (scb_cancel_new(&saying.said, NULL) == SCB_OK &&
        scb_thread_start(&thread, "last-words", run, &saying, NULL) == SCB_OK)
        (void)scb_cancel_sleep(saying.said, say_ms);
    _exit((int)error->status);
}
