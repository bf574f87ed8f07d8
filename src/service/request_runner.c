/* SPDX-License-Identifier: Apache-2.0 */
#include "service/request_runner.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/text.h"

static enum scb_status make_backup(struct scb_service *service, struct scb_request *request)
{
    const struct scb_backup_options options = {
        .backup_date = request->backup_date[0] == '\0' ? NULL : request->backup_date,
        .force = request->force,
        .retry = request->kind == SCB_REQUEST_RETRY};
    struct scb_backup_result result;
    char keys[32], duration[32];
    enum scb_status status = scb_service_backup(service, &options, &result, &request->error);
    if (status != SCB_OK)
        return status;
    memcpy(request->backup_date, result.backup.backup_date, sizeof(request->backup_date));
    request->made = (struct scb_request_made){.already_done = result.already_done,
                                              .resumed = result.resumed,
                                              .reused_pages = result.reused_pages,
                                              .repins = result.repins,
                                              .duration_ms = result.duration_ms};
    scb_text_format_count((uint64_t)result.backup.total_keys, keys, sizeof(keys));
    scb_text_format_elapsed(result.duration_ms, duration, sizeof(duration));
    if (result.already_done)
        (void)snprintf(request->result, sizeof(request->result), "done already: %s keys", keys);
    else
        (void)snprintf(request->result, sizeof(request->result), "completed: %s keys in %s", keys,
                       duration);
    return SCB_OK;
}

static void note_verified(void *state, const struct scb_verify_result *result)
{
    struct scb_request *request = state;
    char keys[32];
    request->verified = *result;
    scb_text_format_count(result->keys, keys, sizeof(keys));
    (void)snprintf(request->result, sizeof(request->result),
                   "%s: %s keys checked, %" PRIu64 " problems, %" PRIu64 " warnings",
                   scb_verify_outcome_name(result->outcome), keys, result->problems,
                   result->warnings);
}

static enum scb_status verify(struct scb_service *service, struct scb_request *request)
{
    const struct scb_verify_options options = {.backup_date = request->backup_date,
                                               .against_chain = request->against_chain};
    const struct scb_verify_observer observer = {.done = note_verified, .state = request};
    scb_live_begin(service->live, SCB_LIVE_CHECK, request->backup_date);
    enum scb_status status = scb_service_verify(service, &options, &observer, &request->error);
    scb_live_end(service->live);
    return status;
}

struct removed {
    uint64_t backups, bytes, skipped;
};

static enum scb_status count_removed(void *state, const struct scb_cleanup_entry *entry,
                                     struct scb_error *error)
{
    struct removed *removed = state;
    (void)error;
    if (entry->action == SCB_CLEANUP_DELETED) {
        removed->backups++;
        removed->bytes += entry->bytes;
    }
    removed->skipped += entry->action == SCB_CLEANUP_SKIPPED;
    return SCB_OK;
}

static enum scb_status clean_up(struct scb_service *service, struct scb_request *request)
{
    struct removed removed = {0};
    char size[32];
    scb_live_begin(service->live, SCB_LIVE_CLEANUP, "");
    enum scb_status status =
        scb_service_cleanup(service, &request->cleanup, count_removed, &removed, &request->error);
    scb_live_end(service->live);
    scb_text_format_size_short(removed.bytes, size, sizeof(size));
    (void)snprintf(request->result, sizeof(request->result),
                   "%" PRIu64 " backups removed, %s freed, %" PRIu64 " skipped", removed.backups,
                   size, removed.skipped);
    return status;
}

bool scb_service_serve_request(struct scb_service *service)
{
    struct scb_request request;
    enum scb_status status = SCB_OK;
    if (!scb_requests_take(service->requests, &request))
        return false;
    scb_service_begin_run(service);
    switch (request.kind) {
    case SCB_REQUEST_RUN:
    case SCB_REQUEST_RETRY:
        status = make_backup(service, &request);
        break;
    case SCB_REQUEST_VERIFY:
        status = verify(service, &request);
        break;
    case SCB_REQUEST_CLEANUP:
        status = clean_up(service, &request);
        break;
    }
    if (status != SCB_OK)
        scb_log_failure(service->parts.log, "Requested operation failed", request.backup_date,
                        &request.error);
    scb_service_end_run(service);
    scb_requests_end(service->requests, &request, status);
    return true;
}
