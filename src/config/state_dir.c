/* SPDX-License-Identifier: Apache-2.0 */
#include "config/state_dir.h"

#include <string.h>

#include "base/memory.h"

char *scb_config_state_dir(const struct scb_config *config, struct scb_error *error)
{
    static const char scheme[] = "sqlite://";
    const char *url = scb_config_text(config, "database.url"), *path = url + strlen(scheme);
    if (strncmp(url, scheme, strlen(scheme)) != 0 || path[0] != '/') {
        (void)scb_error_set(error, SCB_ERROR_VALIDATION,
                            strncmp(url, "postgres", strlen("postgres")) == 0
                                ? "database.url: PostgreSQL is not supported in this version"
                                : "database.url: not the URL of a status database");
        (void)scb_error_hint(error, "write it as sqlite:///var/lib/satellite/satellite.db");
        return NULL;
    }
    size_t size = strcspn(path, "?");
    while (path[size - 1] != '/')
        size--;
    return scb_format(error, "%.*s", (int)size, path);
}
