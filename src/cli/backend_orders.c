/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is ordered at a running service: it queues an operation, and here its end is waited for.
 * An interrupted wait leaves the operation to the service.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "cli/backend_service.h"
#include "cli/open.h"
#include "client/records.h"

enum { LOOK_MS = 250, BUSY_MS = 1000 };

/* --- until it is done --- */

static void show_progress(struct scb_backend *backend, struct scb_progress_line *line)
{
    SCB_AUTO(json) json_t *answer = NULL;
    struct scb_error none = {0};
    char activity[16], backup_date[SCB_BACKUP_DATE_SIZE];
    if (scb_backend_ask(backend, NULL, &answer, &none, "/api/v1/progress") != SCB_OK)
        return;
    scb_client_text(answer, "activity", activity, sizeof(activity));
    scb_client_text(answer, "backup_date", backup_date, sizeof(backup_date));
    int64_t total = scb_client_number(answer, "total_pages");
    if (strcmp(activity, "idle") == 0 || total < 1)
        return;
    const struct scb_run_progress progress = {
        .activity = strcmp(activity, "check") == 0 ? "Verification" : NULL,
        .backup_date = backup_date,
        .pages = (uint64_t)scb_client_number(answer, "pages"),
        .total_pages = (uint64_t)total,
        .reused_pages = (uint64_t)scb_client_number(answer, "reused_pages"),
        .keys = (uint64_t)scb_client_number(answer, "keys"),
        .total_keys = (uint64_t)scb_client_number(answer, "total_keys"),
        .elapsed_ms = scb_client_number(answer, "elapsed_ms")};
    scb_progress_show(line, &progress);
}

static enum scb_status waited_in_vain(const char *id, enum scb_status status,
                                      struct scb_error *error)
{
    if (status != SCB_ERROR_CANCELED)
        return status;
    (void)scb_error_set(error, SCB_ERROR_CANCELED,
                        "interrupted; the service goes on with its operation %s", id);
    return scb_error_hint(error, "satellite backup status shows how far it is");
}

/* The operation as it ended, done or failed, in *ret_end. */
static enum scb_status wait_for(struct scb_backend *backend, const json_t *queued,
                                struct scb_progress_line *line, json_t **ret_end,
                                struct scb_error *error)
{
    char id[24], state[16];
    scb_client_text(queued, "id", id, sizeof(id));
    if (id[0] == '\0' || strspn(id, "0123456789") != strlen(id))
        return scb_error_set(error, SCB_ERROR_INTEGRITY, "the service names no operation");
    for (;;) {
        SCB_AUTO(json) json_t *answer = NULL;
        enum scb_status status =
            scb_backend_ask(backend, NULL, &answer, error, "/api/v1/operations/%s", id);
        if (status != SCB_OK)
            return waited_in_vain(id, status, error);
        scb_client_text(answer, "state", state, sizeof(state));
        if (strcmp(state, "done") == 0 || strcmp(state, "failed") == 0) {
            *ret_end = SCB_TAKE(answer);
            return SCB_OK;
        }
        if (line != NULL)
            show_progress(backend, line);
        status = scb_client_wait(backend->context->client, LOOK_MS, error);
        if (status != SCB_OK)
            return waited_in_vain(id, status, error);
    }
}

/* SCB_OK where it is done, its error where it has failed. */
static enum scb_status outcome_of(const json_t *end, struct scb_error *error)
{
    return json_is_string(json_object_get(end, "error")) ? scb_client_problem(end, error) : SCB_OK;
}

/* --- backup --- */

/* While another backup is made the order is refused; then it is given again for as long as that. */
static enum scb_status order_when_free(struct scb_backend *backend, const char *target,
                                       const char *body, int64_t lock_wait_ms, json_t **ret_queued,
                                       struct scb_error *error)
{
    int64_t until_ms = scb_clock_monotonic_ms(scb_clock_system()) + lock_wait_ms;
    for (;;) {
        enum scb_status status = scb_backend_ask(backend, body, ret_queued, error, "%s", target);
        bool is_over = scb_clock_monotonic_ms(scb_clock_system()) >= until_ms;
        if (status != SCB_ERROR_BUSY || is_over)
            return status;
        status = scb_client_wait(backend->context->client, BUSY_MS, error);
        if (status != SCB_OK)
            return status;
    }
}

static enum scb_status make(struct scb_backend *backend, const struct scb_backup_options *options,
                            json_t **ret_end, struct scb_error *error)
{
    SCB_AUTO(json) json_t *queued = NULL;
    struct scb_progress_line line;
    char target[64] = "/api/v1/backups";
    if (options->retry)
        (void)snprintf(target, sizeof(target), "/api/v1/backups/%s/retry", options->backup_date);
    enum scb_status status =
        order_when_free(backend, target, options->force ? "{\"force\":true}" : "{}",
                        options->lock_wait_ms, &queued, error);
    if (status != SCB_OK)
        return status;
    scb_progress_begin(&line, backend->context);
    status = wait_for(backend, queued, &line, ret_end, error);
    scb_progress_end(&line);
    return status;
}

enum scb_status scb_backend_order_backup(struct scb_backend *backend,
                                         const struct scb_backup_options *options,
                                         struct scb_backup_result *ret_result,
                                         struct scb_error *error)
{
    SCB_AUTO(json) json_t *end = NULL;
    enum scb_backend_work work;
    char backup_date[SCB_BACKUP_DATE_SIZE];
    if (options->backup_date != NULL && !options->retry) {
        (void)scb_error_set(error, SCB_ERROR_ACCESS,
                            "--backup-date: the service names the backups that it makes");
        return scb_error_hint(error, "leave it out, or run it as the owner of the backups");
    }
    enum scb_status status = make(backend, options, &end, error);
    if (status == SCB_OK)
        status = outcome_of(end, error);
    if (status != SCB_OK)
        return status;
    scb_client_text(end, "backup_date", backup_date, sizeof(backup_date));
    const json_t *made = json_object_get(end, "backup");
    *ret_result = (struct scb_backup_result){
        .already_done = json_is_true(json_object_get(made, "already_done")),
        .resumed = json_is_true(json_object_get(made, "resumed")),
        .reused_pages = (uint64_t)scb_client_number(made, "reused_pages"),
        .repins = (uint64_t)scb_client_number(made, "repins"),
        .duration_ms = scb_client_number(made, "duration_ms")};
    return backend->ops->find(backend, backup_date, &ret_result->backup, &work, error);
}

/* --- verify --- */

static enum scb_status verify_one(struct scb_backend *backend, const char *backup_date,
                                  bool against_chain, const struct scb_verify_observer *observer,
                                  struct scb_progress_line *line, struct scb_error *error)
{
    SCB_AUTO(json) json_t *queued = NULL;
    SCB_AUTO(json) json_t *end = NULL;
    enum scb_status status =
        scb_backend_ask(backend, against_chain ? "{\"against_chain\":true}" : "{}", &queued, error,
                        "/api/v1/backups/%s/verify", backup_date);
    if (status == SCB_OK)
        status = wait_for(backend, queued, line, &end, error);
    if (status != SCB_OK)
        return status;
    const json_t *verification = json_object_get(end, "verification");
    if (json_is_object(verification)) {
        struct scb_verify_result result;
        scb_client_verify(verification, &result);
        struct scb_verify_finding finding = result.first_problem;
        finding.backup_date = result.backup_date;
        if (finding.what[0] != '\0')
            observer->found(observer->state, &finding);
        observer->done(observer->state, &result);
    }
    return outcome_of(end, error);
}

struct dates {
    char (*list)[SCB_BACKUP_DATE_SIZE];
    size_t count, room;
    bool all;
};

static enum scb_status add_completed(void *state, const struct scb_backup_record *backup,
                                     struct scb_error *error)
{
    struct dates *dates = state;
    if (backup->state != SCB_BACKUP_COMPLETED || (!dates->all && dates->count > 0))
        return SCB_OK;
    if (dates->count == dates->room) {
        size_t room = dates->room == 0 ? 64 : 2 * dates->room;
        void *list = scb_realloc(dates->list, room, sizeof(*dates->list), error);
        if (list == NULL)
            return SCB_ERROR_RESOURCE;
        dates->list = list;
        dates->room = room;
    }
    memcpy(dates->list[dates->count++], backup->backup_date, SCB_BACKUP_DATE_SIZE);
    return SCB_OK;
}

static enum scb_status verify_each(struct scb_backend *backend, const struct dates *dates,
                                   bool against_chain, const struct scb_verify_observer *observer,
                                   struct scb_progress_line *line, struct scb_error *error)
{
    struct scb_error worst = {0};
    if (dates->count == 0)
        return scb_error_set(error, SCB_ERROR_NOT_FOUND, "there are no completed backups");
    for (size_t i = 0; i < dates->count; i++) {
        struct scb_error problem = {0};
        enum scb_status status =
            verify_one(backend, dates->list[i], against_chain, observer, line, &problem);
        bool is_worse = worst.status == SCB_OK ||
                        (status == SCB_ERROR_INTEGRITY && worst.status != SCB_ERROR_INTEGRITY);
        if (status != SCB_OK && is_worse)
            worst = problem;
        if (status == SCB_ERROR_CANCELED || status == SCB_ERROR_ACCESS)
            break;
    }
    if (worst.status != SCB_OK)
        *error = worst;
    return worst.status;
}

enum scb_status scb_backend_order_verify(struct scb_backend *backend,
                                         const struct scb_verify_options *options,
                                         const struct scb_verify_observer *observer,
                                         struct scb_progress_line *line, struct scb_error *error)
{
    struct dates dates = {.all = options->all};
    enum scb_status status = SCB_OK;
    scb_progress_begin(line, backend->context);
    if (options->backup_date != NULL) {
        status = verify_one(backend, options->backup_date, options->against_chain, observer, line,
                            error);
    } else {
        status = backend->ops->list(backend, 0, add_completed, &dates, error);
        if (status == SCB_OK)
            status = verify_each(backend, &dates, options->against_chain, observer, line, error);
    }
    scb_progress_end(line);
    free(dates.list);
    return status;
}

/* --- cleanup --- */

static enum scb_status keep_row(void *state, const json_t *row, struct scb_error *error)
{
    if (json_array_append(state, (json_t *)(uintptr_t)row) == 0)
        return SCB_OK;
    return scb_error_set(error, SCB_ERROR_RESOURCE, "no memory for what the service answers");
}

/* All rows of a target, to be json_decref'ed. */
static enum scb_status read_rows(struct scb_backend *backend, const char *target, json_t **ret_rows,
                                 struct scb_error *error)
{
    *ret_rows = json_array();
    if (*ret_rows == NULL)
        return scb_error_set(error, SCB_ERROR_RESOURCE, "no memory for what the service answers");
    return scb_backend_rows(backend, target, 0, keep_row, *ret_rows, NULL, error);
}

static enum scb_status ask_plan(struct scb_backend *backend,
                                const struct scb_cleanup_options *options, json_t **ret_rows,
                                struct scb_error *error)
{
    const struct scb_retention_policy *policy = &options->policy;
    char target[224], age[48] = "";
    if (policy->older_than_ms >= 0)
        (void)snprintf(age, sizeof(age), "older_than=%" PRId64 "ms&", policy->older_than_ms);
    (void)snprintf(target, sizeof(target),
                   "/api/v1/cleanup?%skeep_daily=%" PRIu64 "&keep_weekly=%" PRIu64
                   "&keep_monthly=%" PRIu64 "&allow_shrunk=%s&",
                   age, policy->keep_daily, policy->keep_weekly, policy->keep_monthly,
                   options->allow_shrunk ? "true" : "false");
    return read_rows(backend, target, ret_rows, error);
}

static enum scb_status order_cleanup(struct scb_backend *backend,
                                     const struct scb_cleanup_options *options,
                                     struct scb_error *error)
{
    const struct scb_retention_policy *policy = &options->policy;
    SCB_AUTO(json) json_t *queued = NULL;
    SCB_AUTO(json) json_t *end = NULL;
    char body[256], age[48] = "";
    if (policy->older_than_ms >= 0)
        (void)snprintf(age, sizeof(age), "\"older_than\":\"%" PRId64 "ms\",",
                       policy->older_than_ms);
    (void)snprintf(body, sizeof(body),
                   "{%s\"keep_daily\":%" PRIu64 ",\"keep_weekly\":%" PRIu64
                   ",\"keep_monthly\":%" PRIu64 ",\"allow_shrunk\":%s}",
                   age, policy->keep_daily, policy->keep_weekly, policy->keep_monthly,
                   options->allow_shrunk ? "true" : "false");
    enum scb_status status = scb_backend_ask(backend, body, &queued, error, "/api/v1/cleanup");
    if (status == SCB_OK)
        status = wait_for(backend, queued, NULL, &end, error);
    return status == SCB_OK ? outcome_of(end, error) : status;
}

static bool is_in(const json_t *backups, const char *backup_date)
{
    const json_t *object;
    size_t i;
    json_array_foreach(backups, i, object)
    {
        const char *text = json_string_value(json_object_get(object, "backup_date"));
        if (text != NULL && strcmp(text, backup_date) == 0)
            return true;
    }
    return false;
}

/* The plan, with what became of it: what is gone and what is still there. */
static enum scb_status show_cleanup(const json_t *plan, const json_t *left,
                                    scb_cleanup_visitor visit, void *state, struct scb_error *error)
{
    const json_t *object;
    size_t i;
    enum scb_status status = SCB_OK;
    json_array_foreach(plan, i, object)
    {
        struct scb_cleanup_entry entry;
        scb_client_cleanup(object, &entry);
        if (left != NULL && entry.action == SCB_CLEANUP_WOULD_DELETE) {
            bool stays = is_in(left, entry.backup_date);
            entry.action = stays ? SCB_CLEANUP_SKIPPED : SCB_CLEANUP_DELETED;
            if (stays)
                (void)snprintf(entry.reason, sizeof(entry.reason), "the service's log says why");
        }
        if (status == SCB_OK)
            status = visit(state, &entry, error);
    }
    return status;
}

enum scb_status scb_backend_order_cleanup(struct scb_backend *backend,
                                          const struct scb_cleanup_options *options,
                                          scb_cleanup_visitor visit, void *state,
                                          struct scb_error *error)
{
    SCB_AUTO(json) json_t *plan = NULL;
    SCB_AUTO(json) json_t *left = NULL;
    enum scb_status status = ask_plan(backend, options, &plan, error);
    if (status == SCB_OK && !options->dry_run)
        status = order_cleanup(backend, options, error);
    if (status == SCB_OK && !options->dry_run)
        status = read_rows(backend, "/api/v1/storage?", &left, error);
    return status == SCB_OK ? show_cleanup(plan, left, visit, state, error) : status;
}
