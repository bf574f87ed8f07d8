/* SPDX-License-Identifier: Apache-2.0 */
#include "scb/catalog.h"

#include <assert.h>
#include <string.h>

#include "base/clock.h"
#include "base/file_watch.h"
#include "base/memory.h"
#include "base/sqlite_url.h"
#include "catalog/driver.h"

static const struct scb_catalog_ops *const drivers[] = {&scb_sqlite_ops};

static bool is_scheme(const char *url, const char *scheme)
{
    size_t length = strlen(scheme);
    return strncmp(url, scheme, length) == 0 && url[length] == ':';
}

const char *scb_backup_state_name(enum scb_backup_state state)
{
    static const char *const names[] = {[SCB_BACKUP_IN_PROGRESS] = "in_progress",
                                        [SCB_BACKUP_COMPLETED] = "completed",
                                        [SCB_BACKUP_FAILED] = "failed"};
    assert((size_t)state < SCB_LENGTH(names));
    return names[state];
}

const char *scb_verify_outcome_name(enum scb_verify_outcome outcome)
{
    static const char *const names[] = {[SCB_VERIFY_VALID] = "valid",
                                        [SCB_VERIFY_INVALID] = "invalid",
                                        [SCB_VERIFY_NOT_CHECKED] = "not_checked"};
    assert((size_t)outcome < SCB_LENGTH(names));
    return names[outcome];
}

const char *scb_check_kind_name(enum scb_check_kind kind)
{
    static const char *const names[] = {[SCB_CHECK_VERIFY] = "verify",
                                        [SCB_CHECK_TEST_RESTORE] = "test_restore",
                                        [SCB_CHECK_TEST_RESTORE_CHAIN] = "test_restore_chain"};
    assert((size_t)kind < SCB_LENGTH(names));
    return names[kind];
}

enum scb_status scb_catalog_open(const char *url, bool create, struct scb_catalog **ret_catalog,
                                 struct scb_error *error)
{
    SCB_FILE_OPERATION;
    for (size_t i = 0; i < SCB_LENGTH(drivers); i++) {
        if (is_scheme(url, drivers[i]->scheme))
            return drivers[i]->open(url, create, ret_catalog, error);
    }
    (void)scb_sqlite_url_path(url, error); /* says that it is none */
    return SCB_ERROR_VALIDATION;
}

void scb_catalog_close(struct scb_catalog *catalog)
{
    SCB_FILE_OPERATION;
    if (catalog != NULL)
        catalog->ops->close(catalog);
}

enum scb_status scb_catalog_start(struct scb_catalog *catalog, struct scb_run_record *run,
                                  int64_t now_ms, struct scb_error *error)
{
    SCB_FILE_OPERATION;
    /* With scb_catalog_fail the door by which a date comes in; later it names a directory. */
    enum scb_status status = scb_backup_date_parse(run->backup_date, NULL, error);
    return status == SCB_OK ? catalog->ops->start(catalog, run, now_ms, error) : status;
}

enum scb_status scb_catalog_resume(struct scb_catalog *catalog, const struct scb_run_record *run,
                                   struct scb_error *error)
{
    SCB_FILE_OPERATION;
    return catalog->ops->resume(catalog, run, error);
}

enum scb_status scb_catalog_get_run(struct scb_catalog *catalog, const char *backup_date,
                                    struct scb_run_record *ret_run, struct scb_error *error)
{
    SCB_FILE_OPERATION;
    return catalog->ops->get_run(catalog, backup_date, ret_run, error);
}

enum scb_status scb_catalog_record_pages(struct scb_catalog *catalog, const char *backup_date,
                                         const struct scb_page_record *pages, size_t count,
                                         struct scb_error *error)
{
    SCB_FILE_OPERATION;
    return catalog->ops->record_pages(catalog, backup_date, pages, count, error);
}

enum scb_status scb_catalog_complete(struct scb_catalog *catalog,
                                     const struct scb_backup_record *backup,
                                     struct scb_error *error)
{
    SCB_FILE_OPERATION;
    return catalog->ops->complete(catalog, backup, error);
}

enum scb_status scb_catalog_fail(struct scb_catalog *catalog, const char *backup_date,
                                 const char *message, int64_t now_ms, struct scb_error *error)
{
    SCB_FILE_OPERATION;
    enum scb_status status = scb_backup_date_parse(backup_date, NULL, error);
    return status == SCB_OK ? catalog->ops->fail(catalog, backup_date, message, now_ms, error)
                            : status;
}

enum scb_status scb_catalog_invalidate(struct scb_catalog *catalog, const char *backup_date,
                                       const char *message, struct scb_error *error)
{
    SCB_FILE_OPERATION;
    return catalog->ops->invalidate(catalog, backup_date, message, error);
}

enum scb_status scb_catalog_hold(struct scb_catalog *catalog, const char *backup_date, bool held,
                                 int64_t now_ms, struct scb_error *error)
{
    SCB_FILE_OPERATION;
    return catalog->ops->hold(catalog, backup_date, held, now_ms, error);
}

enum scb_status scb_catalog_delete(struct scb_catalog *catalog, const char *backup_date,
                                   struct scb_error *error)
{
    SCB_FILE_OPERATION;
    return catalog->ops->forget(catalog, backup_date, error);
}

enum scb_status scb_catalog_get(struct scb_catalog *catalog, const char *backup_date,
                                struct scb_backup_record *ret_backup, struct scb_error *error)
{
    SCB_FILE_OPERATION;
    return catalog->ops->get(catalog, backup_date, ret_backup, error);
}

enum scb_status scb_catalog_newest(struct scb_catalog *catalog, bool completed_only,
                                   struct scb_backup_record *ret_backup, struct scb_error *error)
{
    SCB_FILE_OPERATION;
    return catalog->ops->newest(catalog, completed_only, ret_backup, error);
}

enum scb_status scb_catalog_list(struct scb_catalog *catalog, uint64_t limit,
                                 scb_catalog_backup_visitor visit, void *state,
                                 struct scb_error *error)
{
    return scb_catalog_list_before(catalog, NULL, limit, visit, state, error);
}

enum scb_status scb_catalog_list_before(struct scb_catalog *catalog, const char *before,
                                        uint64_t limit, scb_catalog_backup_visitor visit,
                                        void *state, struct scb_error *error)
{
    SCB_FILE_OPERATION;
    return catalog->ops->list(catalog, before, limit, visit, state, error);
}

enum scb_status scb_catalog_pages(struct scb_catalog *catalog, const char *backup_date,
                                  scb_catalog_page_visitor visit, void *state,
                                  struct scb_error *error)
{
    return scb_catalog_pages_from(catalog, backup_date, 0, 0, visit, state, error);
}

enum scb_status scb_catalog_pages_from(struct scb_catalog *catalog, const char *backup_date,
                                       uint64_t first, uint64_t limit,
                                       scb_catalog_page_visitor visit, void *state,
                                       struct scb_error *error)
{
    SCB_FILE_OPERATION;
    return catalog->ops->pages(catalog, backup_date, first, limit, visit, state, error);
}

enum scb_status scb_catalog_record_check(struct scb_catalog *catalog, const char *backup_date,
                                         const struct scb_check_record *check,
                                         struct scb_error *error)
{
    SCB_FILE_OPERATION;
    return catalog->ops->record_check(catalog, backup_date, check, error);
}

enum scb_status scb_catalog_checks(struct scb_catalog *catalog, const char *backup_date,
                                   scb_catalog_check_visitor visit, void *state,
                                   struct scb_error *error)
{
    SCB_FILE_OPERATION;
    return catalog->ops->checks(catalog, backup_date, visit, state, error);
}

enum scb_status scb_catalog_check_times(struct scb_catalog *catalog, int64_t until_ms,
                                        struct scb_check_times *ret_times, struct scb_error *error)
{
    SCB_FILE_OPERATION;
    return catalog->ops->check_times(catalog, until_ms, ret_times, error);
}
