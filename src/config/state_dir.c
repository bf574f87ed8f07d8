/* SPDX-License-Identifier: Apache-2.0 */
#include "config/state_dir.h"

#include <string.h>

#include "base/memory.h"
#include "base/sqlite_url.h"

char *scb_config_state_dir(const struct scb_config *config, struct scb_error *error)
{
    const char *path = scb_sqlite_url_path(scb_config_text(config, "database.url"), error);
    if (path == NULL)
        return NULL;
    return scb_format(error, "%.*s", (int)(strrchr(path, '/') + 1 - path), path);
}
