/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which paths the service needs, out of its configuration; what is done with them is cli/sandbox's.
 */
#ifndef SCB_CLI_SANDBOX_PATHS_H
#define SCB_CLI_SANDBOX_PATHS_H

#include "base/sandbox.h"
#include "scb/config.h"

struct scb_sandbox_paths {
    struct scb_sandbox_path list[SCB_SANDBOX_MAX_PATHS];
    char *owned[SCB_SANDBOX_MAX_PATHS];
    size_t count;
    const char
        *opens_all; /* what is written into "/" itself, so that all below it can be; or NULL */
};

/* config_path may be NULL. The paths are to be freed whatever this returns. */
SCB_MUST_CHECK enum scb_status scb_sandbox_paths_find(const struct scb_config *config,
                                                      const char *config_path,
                                                      struct scb_sandbox_paths *ret_paths,
                                                      struct scb_error *error);
void scb_sandbox_paths_cleanup(struct scb_sandbox_paths *paths);

#endif
