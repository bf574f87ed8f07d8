/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of operations (operation.def): what role each takes and whether it changes something.
 */
#ifndef SCB_ACCESS_OPERATION_H
#define SCB_ACCESS_OPERATION_H

#include "scb/error.h"

/* Rising: who has one has those before it. NONE is what a caller has who is bound to nothing, and
 * ANYONE what an operation takes that everybody may do. */
enum scb_role {
    SCB_ROLE_NONE,
    SCB_ROLE_ANYONE = SCB_ROLE_NONE,
    SCB_ROLE_VIEWER,
    SCB_ROLE_OPERATOR,
    SCB_ROLE_ADMIN
};

enum scb_operation_id {
    SCB_OPERATION_NONE, /* no operation; an option that makes its command no other one */
#define SCB_OPERATION(name, role, effect) SCB_OPERATION_##name,
#include "access/operation.def"
#undef SCB_OPERATION
    SCB_OPERATION_COUNT
};

enum scb_effect { SCB_EFFECT_READS, SCB_EFFECT_CHANGES, SCB_EFFECT_SERVES };

struct scb_operation {
    const char *name; /* "backup_run" */
    enum scb_role role;
    enum scb_effect effect;
};

/* Static; id is one of the table's. */
const struct scb_operation *scb_operation_of(enum scb_operation_id id);

/* "none", "viewer", "operator", "admin". */
const char *scb_role_name(enum scb_role role);
/* ValidationError for anything but viewer, operator and admin. */
SCB_MUST_CHECK enum scb_status scb_role_parse(const char *text, enum scb_role *ret_role,
                                              struct scb_error *error);

#endif
