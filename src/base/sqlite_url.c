/* SPDX-License-Identifier: Apache-2.0 */
#include "base/sqlite_url.h"

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

static bool begins(const char *text, const char *with)
{
    return strncmp(text, with, strlen(with)) == 0;
}

const char *scb_sqlite_url_path(const char *url, struct scb_error *error)
{
    static const char scheme[] = "sqlite:", before_path[] = "sqlite://";
    const char *path = begins(url, before_path) ? url + strlen(before_path) : "";
    const char *why = NULL;
    if (begins(url, "postgres:") || begins(url, "postgresql:"))
        why = "PostgreSQL is not supported in this version";
    else if (!begins(url, scheme))
        why = "not the URL of a status database";
    else if (path[0] != '/')
        why = "what follows sqlite: is not an absolute path";
    else if (path[strlen(path) - 1] == '/')
        why = "what follows sqlite: ends in '/', so it names no file";
    else if (strlen(path) >= PATH_MAX)
        why = "what follows sqlite: is too long";
    else if (strpbrk(path, "?#%") != NULL)
        why = "what follows sqlite: has '?', '#' or '%' in it, which mean something else in a URL";
    if (why == NULL)
        return path;
    (void)scb_error_set(error, SCB_ERROR_VALIDATION, "database.url: %s", why);
    (void)scb_error_hint(error, "write it as sqlite:///var/lib/satellite/satellite.db");
    return NULL;
}
