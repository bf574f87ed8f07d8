/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The routes that ask the service to do something now, and show what came of it. What is asked is
 * queued (requests.h) and answered with 202: the loop does one thing after the other.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json_load.h"
#include "base/memory.h"
#include "base/text.h"
#include "view/backup_view.h"
#include "web/access.h"
#include "web/call.h"
#include "web/view.h"

static void json_cleanup(json_t **value)
{
    json_decref(*value);
}

/* Whether it opens more than any body here does: jansson goes down 2048 levels, a connection's
 * stack may not. */
static bool is_deep(struct scb_bytes text)
{
    enum { MOST_OPENED = 16 };
    size_t opened = 0;
    for (size_t i = 0; i < text.size; i++)
        opened += text.data[i] == '[' || text.data[i] == '{';
    return opened > MOST_OPENED;
}

/* The body's object; an empty body is an empty object. No other members than those in names. */
static enum scb_status read_body(const struct scb_web_call *call, const char *const *names,
                                 json_t **ret_body, struct scb_error *error)
{
    struct scb_bytes text = call->request->body;
    if (text.size == 0)
        text = (struct scb_bytes){(const uint8_t *)"{}", 2};
    if (is_deep(text))
        return scb_error_set(error, SCB_ERROR_VALIDATION, "the body is no flat JSON object");
    enum scb_status status = scb_json_load(text, ret_body, error);
    if (status != SCB_OK)
        return status;
    if (!json_is_object(*ret_body))
        return scb_error_set(error, SCB_ERROR_VALIDATION, "the body is no JSON object");
    const char *name;
    json_t *value;
    json_object_foreach(*ret_body, name, value)
    {
        size_t at = 0;
        while (names[at] != NULL && strcmp(names[at], name) != 0)
            at++;
        if (names[at] == NULL)
            return scb_error_set(error, SCB_ERROR_VALIDATION, "'%.64s': no such member is known",
                                 name);
    }
    return SCB_OK;
}

static enum scb_status take_boolean(const json_t *body, const char *name, bool *ret_value,
                                    struct scb_error *error)
{
    const json_t *value = json_object_get(body, name);
    if (value != NULL && !json_is_boolean(value))
        return scb_error_set(error, SCB_ERROR_VALIDATION, "'%s' is not true or false", name);
    *ret_value = json_is_true(value);
    return SCB_OK;
}

static enum scb_status take_count(const json_t *body, const char *name, uint64_t *ret_value,
                                  struct scb_error *error)
{
    const json_t *value = json_object_get(body, name);
    if (value == NULL)
        return SCB_OK;
    if (!json_is_integer(value) || json_integer_value(value) < 0)
        return scb_error_set(error, SCB_ERROR_VALIDATION, "'%s' is no number from 0 on", name);
    *ret_value = (uint64_t)json_integer_value(value);
    return SCB_OK;
}

/* --- an operation as it is shown --- */

/* What the command line would say of it, beside the line for people. */
static void write_outcome(struct scb_json *json, const struct scb_request *request)
{
    const struct scb_verify_result *verified = &request->verified;
    bool is_backup = request->kind == SCB_REQUEST_RUN || request->kind == SCB_REQUEST_RETRY;
    if (is_backup && request->state == SCB_REQUEST_DONE) {
        scb_json_open_object(json, "backup");
        scb_json_boolean(json, "already_done", request->made.already_done);
        scb_json_boolean(json, "resumed", request->made.resumed);
        scb_json_unsigned(json, "reused_pages", request->made.reused_pages);
        scb_json_unsigned(json, "repins", request->made.repins);
        scb_json_integer(json, "duration_ms", request->made.duration_ms);
        scb_json_close_object(json);
    }
    if (verified->backup_date[0] == '\0')
        return;
    scb_json_open_object(json, "verification");
    scb_json_text(json, "backup_date", verified->backup_date);
    scb_view_verify(json, verified);
    if (verified->outcome == SCB_VERIFY_INVALID) {
        scb_json_open_object(json, "first_problem");
        scb_json_text(json, "where", verified->first_problem.where);
        scb_json_text(json, "what", verified->first_problem.what);
        scb_json_close_object(json);
    }
    scb_json_close_object(json);
}

static void write_request(struct scb_json *json, const struct scb_request *request)
{
    bool failed = request->state == SCB_REQUEST_FAILED;
    char id[24];
    (void)snprintf(id, sizeof(id), "%" PRIu64, request->id);
    scb_json_open_object(json, NULL);
    scb_json_text(json, "id", id);
    scb_json_text(json, "kind", scb_request_kind_name(request->kind));
    scb_json_text(json, "state", scb_request_state_name(request->state));
    scb_json_text(json, "backup_date",
                  request->backup_date[0] == '\0' ? NULL : request->backup_date);
    scb_json_time(json, "created_at", request->created_at_ms);
    scb_json_time(json, "started_at", request->started_at_ms);
    scb_json_time(json, "ended_at", request->ended_at_ms);
    scb_json_text(json, "result", request->result[0] == '\0' ? NULL : request->result);
    scb_json_text(json, "error_type", failed ? scb_status_name(request->error.status) : NULL);
    scb_json_text(json, "error", failed ? request->error.message : NULL);
    scb_json_text(json, "hint",
                  failed && request->error.hint[0] != '\0' ? request->error.hint : NULL);
    write_outcome(json, request);
    scb_json_close_object(json);
}

enum scb_status scb_web_operation(struct scb_web_call *call, struct scb_error *error)
{
    uint64_t id = 0;
    struct scb_request request;
    enum scb_status status = scb_text_parse_u64(call->segment, &id, error);
    if (status == SCB_OK)
        status = scb_requests_get(call->desk->requests, id, &request, error);
    if (status != SCB_OK) {
        error->status = SCB_ERROR_NOT_FOUND;
        return error->status;
    }
    write_request(&call->json, &request);
    return SCB_OK;
}

enum scb_status scb_web_operations(struct scb_web_call *call, struct scb_error *error)
{
    struct scb_requests *requests = call->desk->requests;
    struct scb_request request;
    scb_json_open_object(&call->json, NULL);
    scb_json_open_array(&call->json, "operations");
    for (uint64_t id = scb_requests_newest(requests); id > 0; id--) {
        struct scb_error none = {0};
        if (scb_requests_get(requests, id, &request, &none) != SCB_OK)
            break;
        write_request(&call->json, &request);
    }
    (void)error;
    scb_json_close_array(&call->json);
    scb_json_close_object(&call->json);
    return SCB_OK;
}

/* --- what is asked for --- */

/* Queued behind the gate: audited as begun here, as ended where it ends. Takes passage over. */
static enum scb_status post(struct scb_web_call *call, struct scb_request *request,
                            struct scb_web_passage *passage, struct scb_error *error)
{
    enum scb_status status = scb_web_access_begin(scb_web_access_of(call), call, passage, error);
    if (status != SCB_OK) {
        free(passage);
        return status;
    }
    request->ended = scb_web_access_end;
    request->ended_state = passage;
    status = scb_requests_post(call->desk->requests, request, request, error);
    if (status != SCB_OK) {
        scb_web_access_end(passage, status);
        return status;
    }
    call->reply->status = 202;
    (void)snprintf(call->reply->location, sizeof(call->reply->location),
                   "/api/v1/operations/%" PRIu64, request->id);
    write_request(&call->json, request);
    return SCB_OK;
}

/* One backup at a time, and who asks for a second one is told at once. */
static enum scb_status check_free(const struct scb_web_call *call, struct scb_error *error)
{
    struct scb_live_view live;
    scb_live_look(call->desk->live, &live);
    if (live.activity != SCB_LIVE_BACKUP)
        return SCB_OK;
    scb_error_set(error, SCB_ERROR_BUSY, "backup %s is being made", live.backup_date);
    error->retryable = true;
    return scb_error_hint(error, "GET /api/v1/progress shows how far it is");
}

static enum scb_status new_passage(struct scb_web_passage **ret_passage, struct scb_error *error)
{
    *ret_passage = scb_alloc(1, sizeof(**ret_passage), error);
    return *ret_passage == NULL ? SCB_ERROR_RESOURCE : SCB_OK;
}

enum scb_status scb_web_run(struct scb_web_call *call, struct scb_error *error)
{
    struct scb_request request = {.kind = SCB_REQUEST_RUN};
    struct scb_web_passage *passage = NULL;
    __attribute__((cleanup(json_cleanup))) json_t *body = NULL;
    enum scb_status status = read_body(call, (const char *const[]){"force", NULL}, &body, error);
    if (status == SCB_OK)
        status = take_boolean(body, "force", &request.force, error);
    if (status == SCB_OK)
        status = check_free(call, error);
    if (status == SCB_OK)
        status = new_passage(&passage, error);
    if (status != SCB_OK)
        return status;
    if (request.force)
        scb_web_passage_argument(passage, "--force");
    return post(call, &request, passage, error);
}

/* What retry and verify have in common: the backup is there. */
static enum scb_status begin_on_backup(struct scb_web_call *call, struct scb_request *request,
                                       struct scb_web_passage **ret_passage,
                                       struct scb_error *error)
{
    struct scb_catalog *catalog = NULL;
    struct scb_backup_record backup;
    enum scb_status status = scb_web_find_backup(call, &catalog, &backup, error);
    scb_catalog_close(catalog);
    if (status == SCB_OK && request->kind == SCB_REQUEST_VERIFY &&
        backup.state != SCB_BACKUP_COMPLETED)
        status = scb_error_set(error, SCB_ERROR_BUSY, "backup %s is not completed: %s",
                               backup.backup_date, scb_backup_state_name(backup.state));
    if (status == SCB_OK)
        status = new_passage(ret_passage, error);
    if (status != SCB_OK)
        return status;
    memcpy(request->backup_date, backup.backup_date, sizeof(request->backup_date));
    scb_web_passage_argument(*ret_passage, "--backup-date=%s", request->backup_date);
    return SCB_OK;
}

enum scb_status scb_web_retry(struct scb_web_call *call, struct scb_error *error)
{
    struct scb_request request = {.kind = SCB_REQUEST_RETRY};
    struct scb_web_passage *passage = NULL;
    __attribute__((cleanup(json_cleanup))) json_t *body = NULL;
    enum scb_status status = read_body(call, (const char *const[]){NULL}, &body, error);
    if (status == SCB_OK)
        status = check_free(call, error);
    if (status == SCB_OK)
        status = begin_on_backup(call, &request, &passage, error);
    return status == SCB_OK ? post(call, &request, passage, error) : status;
}

enum scb_status scb_web_verify(struct scb_web_call *call, struct scb_error *error)
{
    struct scb_request request = {.kind = SCB_REQUEST_VERIFY};
    struct scb_web_passage *passage = NULL;
    __attribute__((cleanup(json_cleanup))) json_t *body = NULL;
    enum scb_status status =
        read_body(call, (const char *const[]){"against_chain", NULL}, &body, error);
    if (status == SCB_OK)
        status = take_boolean(body, "against_chain", &request.against_chain, error);
    if (status == SCB_OK)
        status = begin_on_backup(call, &request, &passage, error);
    if (status != SCB_OK)
        return status;
    if (request.against_chain)
        scb_web_passage_argument(passage, "--against-chain");
    return post(call, &request, passage, error);
}

/* --- cleanup --- */

static enum scb_status take_cleanup(const struct scb_web_call *call, const json_t *body,
                                    struct scb_cleanup_options *options, struct scb_error *error)
{
    struct scb_retention_policy *policy = &options->policy;
    const json_t *age = json_object_get(body, "older_than");
    if (age != NULL && !json_is_string(age))
        return scb_error_set(error, SCB_ERROR_VALIDATION, "'older_than' is no text");
    enum scb_status status =
        scb_web_age(call, age == NULL ? NULL : json_string_value(age), policy, error);
    if (status == SCB_OK)
        status = take_count(body, "keep_daily", &policy->keep_daily, error);
    if (status == SCB_OK)
        status = take_count(body, "keep_weekly", &policy->keep_weekly, error);
    if (status == SCB_OK)
        status = take_count(body, "keep_monthly", &policy->keep_monthly, error);
    if (status == SCB_OK)
        status = take_boolean(body, "allow_shrunk", &options->allow_shrunk, error);
    return status;
}

enum scb_status scb_web_cleanup(struct scb_web_call *call, struct scb_error *error)
{
    struct scb_request request = {.kind = SCB_REQUEST_CLEANUP};
    struct scb_web_passage *passage = NULL;
    const struct scb_retention_policy *policy = &request.cleanup.policy;
    __attribute__((cleanup(json_cleanup))) json_t *body = NULL;
    enum scb_status status =
        read_body(call,
                  (const char *const[]){"older_than", "keep_daily", "keep_weekly", "keep_monthly",
                                        "allow_shrunk", NULL},
                  &body, error);
    if (status == SCB_OK)
        status = take_cleanup(call, body, &request.cleanup, error);
    if (status == SCB_OK)
        status = new_passage(&passage, error);
    if (status != SCB_OK)
        return status;
    if (policy->older_than_ms >= 0)
        scb_web_passage_argument(passage, "--older-than=%" PRId64 "ms", policy->older_than_ms);
    if (policy->keep_daily + policy->keep_weekly + policy->keep_monthly > 0)
        scb_web_passage_argument(passage, "--keep=%" PRIu64 ",%" PRIu64 ",%" PRIu64,
                                 policy->keep_daily, policy->keep_weekly, policy->keep_monthly);
    if (request.cleanup.allow_shrunk)
        scb_web_passage_argument(passage, "--allow-shrunk");
    return post(call, &request, passage, error);
}
