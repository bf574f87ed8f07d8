/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The SQLite driver's record of what proved a backup.
 */
#include <string.h>

#include "base/memory.h"
#include "catalog/sqlite.h"

enum { KINDS = SCB_CHECK_TEST_RESTORE_CHAIN + 1, OUTCOMES = SCB_VERIFY_NOT_CHECKED + 1 };

enum scb_status scb_sqlite_record_check(struct scb_catalog *catalog, const char *backup_date,
                                        const struct scb_check_record *check,
                                        struct scb_error *error)
{
    SCB_AUTO(query) struct scb_query query = {0};
    enum scb_status status = scb_query_begin(scb_sqlite_of(catalog), SCB_STATEMENT_RECORD_CHECK,
                                             "recording a check", &query, error);
    if (status != SCB_OK)
        return status;
    scb_query_bind_text(&query, backup_date);
    scb_query_bind_text(&query, scb_check_kind_name(check->kind));
    scb_query_bind_time(&query, check->checked_at_ms);
    scb_query_bind_text(&query, scb_verify_outcome_name(check->outcome));
    scb_query_bind_unsigned(&query, check->keys);
    scb_query_bind_number(&query, check->duration_ms);
    scb_query_bind_text(&query, check->message);
    return scb_query_run(&query, error);
}

/* A name that this program knows, as its number. */
static unsigned get_name(struct scb_query *query, unsigned count, const char *(*name)(unsigned))
{
    char text[32];
    scb_query_get_text(query, text, sizeof(text));
    for (unsigned i = 0; i < count; i++)
        if (strcmp(text, name(i)) == 0)
            return i;
    scb_query_complain(query, "is none that this program knows");
    return 0;
}

static const char *kind_name(unsigned kind)
{
    return scb_check_kind_name((enum scb_check_kind)kind);
}

static const char *outcome_name(unsigned outcome)
{
    return scb_verify_outcome_name((enum scb_verify_outcome)outcome);
}

static enum scb_status read_check(struct scb_query *query, struct scb_check_record *ret_check,
                                  struct scb_error *error)
{
    struct scb_check_record check = {0};
    check.kind = (enum scb_check_kind)get_name(query, KINDS, kind_name);
    check.checked_at_ms = scb_query_get_time(query);
    check.outcome = (enum scb_verify_outcome)get_name(query, OUTCOMES, outcome_name);
    check.keys = scb_query_get_unsigned(query);
    check.duration_ms = scb_query_get_number(query);
    scb_query_get_message(query, check.message, sizeof(check.message));
    enum scb_status status = scb_query_check(query, error);
    if (status == SCB_OK)
        *ret_check = check;
    return status;
}

enum scb_status scb_sqlite_checks(struct scb_catalog *catalog, const char *backup_date,
                                  scb_catalog_check_visitor visit, void *state,
                                  struct scb_error *error)
{
    bool more = false;
    SCB_AUTO(query) struct scb_query query = {0};
    enum scb_status status = scb_query_begin(scb_sqlite_of(catalog), SCB_STATEMENT_CHECKS,
                                             "reading a backup's checks", &query, error);
    if (status != SCB_OK)
        return status;
    scb_query_bind_text(&query, backup_date);
    status = scb_query_step(&query, &more, error);
    while (status == SCB_OK && more) {
        struct scb_check_record check;
        status = read_check(&query, &check, error);
        if (status == SCB_OK)
            status = visit(state, &check, error);
        if (status == SCB_OK)
            status = scb_query_step(&query, &more, error);
    }
    return status;
}

enum scb_status scb_sqlite_check_times(struct scb_catalog *catalog, int64_t until_ms,
                                       struct scb_check_times *ret_times, struct scb_error *error)
{
    bool found = false;
    struct scb_check_times times = {.verified_at_ms = -1, .restored_at_ms = -1};
    SCB_AUTO(query) struct scb_query query = {0};
    enum scb_status status = scb_query_begin(scb_sqlite_of(catalog), SCB_STATEMENT_CHECK_TIMES,
                                             "looking for the next check", &query, error);
    if (status != SCB_OK)
        return status;
    scb_query_bind_time(&query, until_ms);
    status = scb_query_step(&query, &found, error);
    if (status == SCB_OK && found) {
        scb_query_get_text(&query, times.longest_ago, sizeof(times.longest_ago));
        times.verified_at_ms = scb_query_get_time(&query);
        scb_query_get_text(&query, times.newest, sizeof(times.newest));
        times.restored_at_ms = scb_query_get_time(&query);
        status = scb_query_check(&query, error);
    }
    if (status == SCB_OK)
        *ret_times = times;
    return status;
}
