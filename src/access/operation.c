/* SPDX-License-Identifier: Apache-2.0 */
#include "access/operation.h"

#include <assert.h>
#include <string.h>

static const struct scb_operation operations[SCB_OPERATION_COUNT] = {
#define SCB_OPERATION(name_, role_, effect_)                                                       \
    [SCB_OPERATION_##                                                                              \
        name_] = {.name = #name_, .role = SCB_ROLE_##role_, .effect = SCB_EFFECT_##effect_},
#include "access/operation.def"
#undef SCB_OPERATION
};

const struct scb_operation *scb_operation_of(enum scb_operation_id id)
{
    assert(id > SCB_OPERATION_NONE && id < SCB_OPERATION_COUNT);
    return &operations[id];
}

static const char *const role_names[] = {[SCB_ROLE_NONE] = "none",
                                         [SCB_ROLE_VIEWER] = "viewer",
                                         [SCB_ROLE_OPERATOR] = "operator",
                                         [SCB_ROLE_ADMIN] = "admin"};

const char *scb_role_name(enum scb_role role)
{
    return role_names[role];
}

enum scb_status scb_role_parse(const char *text, enum scb_role *ret_role, struct scb_error *error)
{
    for (enum scb_role role = SCB_ROLE_VIEWER; role <= SCB_ROLE_ADMIN; role++) {
        if (strcmp(text, role_names[role]) == 0) {
            *ret_role = role;
            return SCB_OK;
        }
    }
    (void)scb_error_set(error, SCB_ERROR_VALIDATION, "'%.40s' is no role", text);
    return scb_error_hint(error, "give viewer, operator or admin");
}
