/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/output.h"

#include <errno.h>
#include <libsmartcols/libsmartcols.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"

struct scb_table {
    struct libscols_table *table;
    size_t columns;
};

static enum scb_status no_memory(struct scb_error *error)
{
    return scb_error_set(error, SCB_ERROR_RESOURCE, "no memory for a table");
}

enum scb_status scb_table_new(const struct scb_column *columns, size_t count,
                              struct scb_table **ret_table, struct scb_error *error)
{
    SCB_AUTO(table) struct scb_table *table = scb_alloc(1, sizeof(*table), error);
    if (table == NULL)
        return SCB_ERROR_RESOURCE;
    table->columns = count;
    table->table = scols_new_table();
    if (table->table == NULL)
        return no_memory(error);
    for (size_t i = 0; i < count; i++) {
        int flags = columns[i].is_number ? SCOLS_FL_RIGHT : 0;
        if (scols_table_new_column(table->table, columns[i].name, 0, flags) == NULL)
            return no_memory(error);
    }
    *ret_table = SCB_TAKE(table);
    return SCB_OK;
}

void scb_table_free(struct scb_table *table)
{
    if (table == NULL)
        return;
    scols_unref_table(table->table);
    free(table);
}

void scb_table_cleanup(struct scb_table **table)
{
    scb_table_free(*table);
}

enum scb_status scb_table_add(struct scb_table *table, const char *const *cells,
                              struct scb_error *error)
{
    struct libscols_line *line = scols_table_new_line(table->table, NULL);
    if (line == NULL)
        return no_memory(error);
    for (size_t i = 0; i < table->columns; i++)
        if (scols_line_set_data(line, i, cells[i]) != 0)
            return no_memory(error);
    return SCB_OK;
}

enum scb_status scb_table_print(struct scb_table *table, FILE *out, struct scb_error *error)
{
    if (scols_table_set_stream(table->table, out) != 0 || scols_print_table(table->table) != 0)
        return no_memory(error);
    return SCB_OK;
}

enum scb_status scb_output_json(struct scb_json *json, struct scb_error *error)
{
    enum scb_status status = scb_json_finish(json, error);
    if (status != SCB_OK)
        return status;
    (void)fwrite(json->out->data, 1, json->out->size, stdout);
    (void)fputc('\n', stdout);
    return SCB_OK;
}

enum scb_status scb_output_finish(struct scb_error *error)
{
    /* An earlier failed write leaves only the mark; its reason is gone by now. */
    bool failed_before = ferror(stdout) != 0;
    errno = 0;
    if (fclose(stdout) == 0 && !failed_before)
        return SCB_OK;
    scb_error_set_errno(error, SCB_ERROR_FILE, errno != 0 ? errno : EIO,
                        "standard output not written");
    return scb_error_hint(error, "look at what standard output is sent to");
}

bool scb_output_has_color(int fd)
{
    const char *no_color = getenv("NO_COLOR");
    return isatty(fd) == 1 && (no_color == NULL || no_color[0] == '\0');
}
