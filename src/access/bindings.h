/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What role a caller has: the owner of the files and root are admins, others have what
 * access.bindings gives them (user:alice=operator, group:backup=viewer, uid:1001=admin, gid:…=…,
 * node:<id>=viewer); the highest that fits counts.
 */
#ifndef SCB_ACCESS_BINDINGS_H
#define SCB_ACCESS_BINDINGS_H

#include <stddef.h>

#include "access/caller.h"

struct scb_bindings;

/* A NULL-terminated list of texts. ValidationError names the entry and what is wrong. */
SCB_MUST_CHECK enum scb_status scb_bindings_parse(const char *const *texts,
                                                  struct scb_bindings **ret_bindings,
                                                  struct scb_error *error);
void scb_bindings_free(struct scb_bindings *bindings);

/*
 * The caller's role. Owners of the paths (those that exist; NULL ends the list) are admins. Where
 * none of them exists that is this process's user, who will own what it makes.
 */
enum scb_role scb_bindings_role(const struct scb_bindings *bindings, const char *const *paths,
                                const struct scb_caller *caller);

#endif
