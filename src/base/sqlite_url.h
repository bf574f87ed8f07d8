/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The form of a SQLite database's URL: sqlite:// and an absolute path. The one place that takes it
 * apart.
 */
#ifndef SCB_BASE_SQLITE_URL_H
#define SCB_BASE_SQLITE_URL_H

#include "scb/error.h"

/*
 * The path in it; borrowed. NULL with a ValidationError where it is none, or says what a URL would
 * mean in another way (options, escapes). No message quotes it: another kind of URL has a password.
 */
const char *scb_sqlite_url_path(const char *url, struct scb_error *error);

#endif
