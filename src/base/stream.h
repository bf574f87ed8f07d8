/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where bytes go to or come from, as a function and its state: a file, a hash, a zip entry.
 */
#ifndef SCB_BASE_STREAM_H
#define SCB_BASE_STREAM_H

#include <stddef.h>

#include "scb/error.h"

/* Takes all of the bytes or fails. */
struct scb_sink {
    enum scb_status (*write)(void *state, const void *data, size_t size, struct scb_error *error);
    void *state;
};

/* Gives up to size bytes; *ret_size is 0 at the end only. */
struct scb_input {
    enum scb_status (*read)(void *state, void *data, size_t size, size_t *ret_size,
                            struct scb_error *error);
    void *state;
};

#endif
