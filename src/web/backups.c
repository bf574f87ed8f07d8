/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The routes that show backups and their pages.
 */
#include <inttypes.h>
#include <stdio.h>

#include "view/backup_view.h"
#include "web/rows.h"
#include "web/view.h"

struct list {
    struct scb_web_rows rows;
    struct scb_catalog *catalog;
};

static enum scb_status add_backup(void *state, const struct scb_backup_record *backup,
                                  struct scb_error *error)
{
    struct list *list = state;
    if (!scb_web_rows_take(&list->rows, backup->backup_date))
        return SCB_ERROR_CANCELED;
    return scb_web_write_backup(list->rows.call, list->catalog, NULL, backup, error);
}

enum scb_status scb_web_backups(struct scb_web_call *call, struct scb_error *error)
{
    struct list list = {0};
    const struct scb_web_rows *rows = &list.rows;
    enum scb_status status =
        scb_web_only(call, (const char *const[]){"before", "limit", NULL}, error);
    if (status == SCB_OK)
        status = scb_web_rows_of_backups(call, &list.rows, error);
    if (status == SCB_OK)
        status = scb_web_open_catalog(call, &list.catalog, error);
    if (status != SCB_OK)
        return status;
    scb_json_open_object(&call->json, NULL);
    scb_json_open_array(&call->json, "backups");
    if (list.catalog != NULL)
        status = scb_catalog_list_before(list.catalog, rows->begin, rows->limit + 1, add_backup,
                                         &list, error);
    scb_catalog_close(list.catalog);
    scb_json_close_array(&call->json);
    status = scb_web_rows_end(&list.rows, status, error);
    scb_json_close_object(&call->json);
    return status;
}

enum scb_status scb_web_backup(struct scb_web_call *call, struct scb_error *error)
{
    struct scb_catalog *catalog = NULL;
    struct scb_backup_record backup;
    enum scb_status status = scb_web_find_backup(call, &catalog, &backup, error);
    if (status == SCB_OK)
        status = scb_web_write_backup(call, catalog, NULL, &backup, error);
    scb_catalog_close(catalog);
    return status;
}

static enum scb_status add_page(void *state, const struct scb_page_record *page,
                                struct scb_error *error)
{
    struct scb_web_rows *rows = state;
    struct scb_json *json = &rows->call->json;
    char number[24];
    (void)error;
    (void)snprintf(number, sizeof(number), "%" PRIu64, page->page_number);
    if (!scb_web_rows_take(rows, number))
        return SCB_ERROR_CANCELED;
    scb_json_open_object(json, NULL);
    scb_view_page_columns(json, page);
    scb_json_close_object(json);
    return SCB_OK;
}

enum scb_status scb_web_pages(struct scb_web_call *call, struct scb_error *error)
{
    struct scb_web_rows rows;
    struct scb_backup_record backup;
    struct scb_catalog *catalog = NULL;
    uint64_t after = 0;
    enum scb_status status =
        scb_web_only(call, (const char *const[]){"after", "limit", NULL}, error);
    if (status == SCB_OK)
        status = scb_web_rows_begin(call, "after", &rows, error);
    if (status == SCB_OK)
        status = scb_web_number(call, "after", 0, INT64_MAX - 1, 0, &after, error);
    if (status == SCB_OK)
        status = scb_web_find_backup(call, &catalog, &backup, error);
    if (status == SCB_OK) {
        scb_json_open_object(&call->json, NULL);
        scb_json_open_array(&call->json, "pages");
        status =
            scb_catalog_pages_from(catalog, backup.backup_date, rows.begin == NULL ? 0 : after + 1,
                                   rows.limit + 1, add_page, &rows, error);
        scb_json_close_array(&call->json);
        status = scb_web_rows_end(&rows, status, error);
        scb_json_close_object(&call->json);
    }
    scb_catalog_close(catalog);
    return status;
}
