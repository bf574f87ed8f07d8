/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where in a YAML text a setting stands, in bytes: what libyaml's marks say, made exact. For
 * config_edit.c.
 */
#ifndef SCB_CONFIG_YAML_PLACE_H
#define SCB_CONFIG_YAML_PLACE_H

#include <stdbool.h>
#include <stddef.h>

#include "scb/entry.h"
#include "scb/error.h"

enum { SCB_YAML_MAX_ITEMS = 1024 };

enum scb_yaml_kind { SCB_YAML_NOTHING, SCB_YAML_SCALAR, SCB_YAML_LIST, SCB_YAML_MAPPING };

/* A node; of a collection in block style, end is where its last child ends. */
struct scb_yaml_node {
    enum scb_yaml_kind kind; /* NOTHING: it is not there */
    bool flow;               /* a collection in [] or {} */
    bool null;               /* "", ~ or null */
    size_t start, end;
};

/* A mapping, and what was looked for in it. */
struct scb_yaml_mapping {
    struct scb_yaml_node node;
    size_t count;
    size_t first_key;                /* where it starts; of no use where count is 0 */
    struct scb_yaml_node key, value; /* what was looked for */
    size_t next_key;                 /* where the key behind it starts; SIZE_MAX: there is none */
};

struct scb_yaml_place {
    struct scb_yaml_mapping root, section;
    size_t document_end;                            /* the end of the text, or where "..." stands */
    struct scb_yaml_node items[SCB_YAML_MAX_ITEMS]; /* of the setting's value, where it is a list */
    size_t item_count;
};

SCB_MUST_CHECK enum scb_status scb_yaml_find(struct scb_bytes text, const char *section,
                                             const char *key, struct scb_yaml_place *ret_place,
                                             struct scb_error *error);

#endif
