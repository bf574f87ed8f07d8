/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The routes that show backups and their pages.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "view/backup_view.h"
#include "web/view.h"

enum { DEFAULT_ROWS = 50, MOST_ROWS = 1000 };

struct rows {
    struct scb_web_call *call;
    struct scb_catalog *catalog;
    const char *before;                   /* dates below this one only; NULL: all */
    uint64_t after;                       /* pages above this number only */
    bool from_first;                      /* instead: all */
    uint64_t left;                        /* rows that are still wanted */
    char last_date[SCB_BACKUP_DATE_SIZE]; /* of the rows that were written */
    uint64_t last_page;
    bool more;
};

/* Ends a walk that has all it wants. */
static enum scb_status enough(struct rows *rows)
{
    rows->more = true;
    return SCB_ERROR_CANCELED;
}

static enum scb_status add_backup(void *state, const struct scb_backup_record *backup,
                                  struct scb_error *error)
{
    struct rows *rows = state;
    if (rows->before != NULL && strcmp(backup->backup_date, rows->before) >= 0)
        return SCB_OK;
    if (rows->left == 0)
        return enough(rows);
    rows->left--;
    memcpy(rows->last_date, backup->backup_date, sizeof(rows->last_date));
    return scb_web_write_backup(rows->call, rows->catalog, NULL, backup, error);
}

enum scb_status scb_web_backups(struct scb_web_call *call, struct scb_error *error)
{
    struct rows rows = {.call = call, .before = scb_web_target_param(&call->target, "before")};
    enum scb_status status =
        scb_web_only(call, (const char *const[]){"before", "limit", NULL}, error);
    if (status == SCB_OK)
        status = scb_web_number(call, "limit", 1, MOST_ROWS, DEFAULT_ROWS, &rows.left, error);
    if (status == SCB_OK && rows.before != NULL)
        status = scb_backup_date_parse(rows.before, NULL, error);
    uint64_t limit = rows.left;
    if (status == SCB_OK)
        status = scb_web_open_catalog(call, &rows.catalog, error);
    if (status != SCB_OK)
        return status;
    scb_json_open_object(&call->json, NULL);
    scb_json_open_array(&call->json, "backups");
    if (rows.catalog != NULL)
        status = scb_catalog_list(rows.catalog, 0, add_backup, &rows, error);
    scb_catalog_close(rows.catalog);
    scb_json_close_array(&call->json);
    char next[96];
    (void)snprintf(next, sizeof(next), "/api/v1/backups?before=%.23s&limit=%" PRIu64,
                   rows.last_date, limit);
    scb_json_text(&call->json, "next", rows.more ? next : NULL);
    scb_json_close_object(&call->json);
    return rows.more ? SCB_OK : status;
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
    struct rows *rows = state;
    struct scb_json *json = &rows->call->json;
    (void)error;
    if (!rows->from_first && page->page_number <= rows->after)
        return SCB_OK;
    if (rows->left == 0)
        return enough(rows);
    rows->left--;
    rows->last_page = page->page_number;
    scb_json_open_object(json, NULL);
    scb_view_page_columns(json, page);
    scb_json_close_object(json);
    return SCB_OK;
}

enum scb_status scb_web_pages(struct scb_web_call *call, struct scb_error *error)
{
    struct scb_backup_record backup;
    struct rows rows = {.call = call,
                        .from_first = scb_web_target_param(&call->target, "after") == NULL};
    enum scb_status status =
        scb_web_only(call, (const char *const[]){"after", "limit", NULL}, error);
    if (status == SCB_OK)
        status = scb_web_number(call, "limit", 1, MOST_ROWS, DEFAULT_ROWS, &rows.left, error);
    if (status == SCB_OK)
        status = scb_web_number(call, "after", 0, INT64_MAX, 0, &rows.after, error);
    uint64_t limit = rows.left;
    if (status == SCB_OK)
        status = scb_web_find_backup(call, &rows.catalog, &backup, error);
    if (status != SCB_OK) {
        scb_catalog_close(rows.catalog);
        return status;
    }
    scb_json_open_object(&call->json, NULL);
    scb_json_open_array(&call->json, "pages");
    status = scb_catalog_pages(rows.catalog, call->segment, add_page, &rows, error);
    scb_catalog_close(rows.catalog);
    scb_json_close_array(&call->json);
    char next[160];
    (void)snprintf(next, sizeof(next),
                   "/api/v1/backups/%.23s/pages?after=%" PRIu64 "&limit=%" PRIu64, call->segment,
                   rows.last_page, limit);
    scb_json_text(&call->json, "next", rows.more ? next : NULL);
    scb_json_close_object(&call->json);
    return rows.more ? SCB_OK : status;
}
