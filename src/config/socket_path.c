/* SPDX-License-Identifier: Apache-2.0 */
#include "config/socket_path.h"

#include <string.h>

#include "base/memory.h"
#include "config/state_dir.h"

static const char name[] = "satellite.sock";

char *scb_config_socket_path(const struct scb_config *config, const char *runtime_dir,
                             struct scb_error *error)
{
    const char *wanted = scb_config_text(config, "server.socket");
    if (strcmp(wanted, "none") == 0)
        return scb_strdup("", error);
    if (wanted[0] == '/')
        return scb_strdup(wanted, error);
    if (strcmp(wanted, "auto") != 0) {
        (void)scb_error_set(error, SCB_ERROR_VALIDATION,
                            "server.socket '%.200s' is neither an absolute path, auto nor none",
                            wanted);
        (void)scb_error_hint(error, "write it like " SCB_RUNTIME_DIR "/%s", name);
        return NULL;
    }
    if (runtime_dir != NULL && runtime_dir[0] == '/')
        return scb_format(error, "%.*s/%s", (int)strcspn(runtime_dir, ":"), runtime_dir, name);
    SCB_AUTO(string) char *state_dir = scb_config_state_dir(config, error);
    return state_dir == NULL ? NULL : scb_format(error, "%s%s", state_dir, name);
}
