/* SPDX-License-Identifier: Apache-2.0 */
#include "base/process.h"

#include <assert.h>
#include <sys/prctl.h>
#include <sys/stat.h>

void scb_process_protect(void)
{
    (void)umask(077);
    /* RLIMIT_CORE would not do: a core_pattern that is a pipe is not held to it. */
    int set = prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    assert(set == 0);
}
