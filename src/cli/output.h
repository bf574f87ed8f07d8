/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What commands print on standard output: tables for people, JSON for programs. Whether it was all
 * written is asked once, at the end.
 */
#ifndef SCB_CLI_OUTPUT_H
#define SCB_CLI_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "base/json.h"
#include "scb/error.h"

struct scb_column {
    const char *name; /* "BACKUP_DATE" */
    bool is_number;   /* stands on the right */
};

/* A table that fits its columns to what is in them; one that is printed as a whole. */
struct scb_table;

SCB_MUST_CHECK enum scb_status scb_table_new(const struct scb_column *columns, size_t count,
                                             struct scb_table **ret_table, struct scb_error *error);
void scb_table_free(struct scb_table *table);
void scb_table_cleanup(struct scb_table **table);
/* Adds a line of as many texts as there are columns; control bytes are shown escaped. */
SCB_MUST_CHECK enum scb_status scb_table_add(struct scb_table *table, const char *const *cells,
                                             struct scb_error *error);
SCB_MUST_CHECK enum scb_status scb_table_print(struct scb_table *table, FILE *out,
                                               struct scb_error *error);

/* Prints a JSON document, which is at its end, and a newline. */
SCB_MUST_CHECK enum scb_status scb_output_json(struct scb_json *json, struct scb_error *error);

/* Ends standard output: FileSystemError (ResourceError on a full disk) where a write failed. */
SCB_MUST_CHECK enum scb_status scb_output_finish(struct scb_error *error);

/* True where colours may be used on fd: a terminal, and NO_COLOR not set. */
bool scb_output_has_color(int fd);

#endif
