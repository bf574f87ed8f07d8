/* SPDX-License-Identifier: Apache-2.0 */
#include "base/random.h"

#include <assert.h>
#include <errno.h>
#include <sys/random.h>

enum scb_status scb_random(void *ret_data, size_t size, struct scb_error *error)
{
    assert(size <= 256); /* up to there the kernel never gives less (getrandom(2)) */
    if (getrandom(ret_data, size, 0) == (ssize_t)size)
        return SCB_OK;
    return scb_error_set_errno(error, SCB_ERROR_RESOURCE, errno,
                               "the kernel gave no random numbers");
}
