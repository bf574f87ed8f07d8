/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Walls around a process that runs for long: what it may touch on the disk (Landlock) and which
 * system calls it may make (seccomp). They hold for all threads started from here on and for the
 * programs that they start, for good; nothing here can be taken back. Which paths is the caller's.
 */
#ifndef SCB_BASE_SANDBOX_H
#define SCB_BASE_SANDBOX_H

#include <stdbool.h>
#include <stddef.h>

#include "scb/error.h"

enum { SCB_SANDBOX_MAX_PATHS = 256 };

/* Directories (with all below them) and files; one that is not there is left out. */
struct scb_sandbox_path {
    const char *path; /* borrowed; NULL and "" are left out */
    bool writable;    /* else it can be read, and run */
};

struct scb_sandbox_result {
    int landlock_abi;  /* 0: the kernel has none, or it is switched off */
    bool system_calls; /* the filter is in force */
    char missing[160]; /* why one of them is not; "" for none */
};

/*
 * Puts up what this kernel has; what it has not is said in ret_result. Fails only where it would
 * be half done, or leave a thread of the process outside.
 */
SCB_MUST_CHECK enum scb_status scb_sandbox_enter(const struct scb_sandbox_path *paths, size_t count,
                                                 struct scb_sandbox_result *ret_result,
                                                 struct scb_error *error);

#endif
