/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Commands that prove backups: backup verify, test-restore.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "base/text.h"
#include "cli/backend.h"
#include "cli/drill.h"
#include "cli/handlers.h"
#include "cli/open.h"
#include "cli/output.h"
#include "cli/trust_view.h"
#include "view/backup_view.h"
#include "view/cell.h"

enum { MAX_TEXT = 64 * 1024 * 1024, MAX_LISTED = 1000 };

/* Where results go while they come. */
struct report {
    const struct scb_command_context *context;
    struct scb_progress_line line;
    struct scb_json json; /* where --json is given */
    bool open;            /* the backup's object is */
    bool any;             /* backup was looked at */
    uint64_t listed;
};

/* Findings come before the rest of what is said of their backup. */
static void open_backup(struct report *report, const char *backup_date)
{
    if (report->open)
        return;
    report->open = report->any = true;
    report->listed = 0;
    if (!report->context->json)
        return;
    scb_json_open_object(&report->json, NULL);
    scb_json_text(&report->json, "backup_date", backup_date);
    scb_json_open_array(&report->json, "findings");
}

static void found(void *state, const struct scb_verify_finding *finding)
{
    struct report *report = state;
    const char *kind = finding->warning ? "warning" : "problem";
    open_backup(report, finding->backup_date);
    if (report->listed++ >= MAX_LISTED)
        return;
    if (report->context->json) {
        struct scb_json *json = &report->json;
        scb_json_open_object(json, NULL);
        scb_json_text(json, "kind", kind);
        scb_json_text(json, "where", finding->where);
        scb_json_text(json, "what", finding->what);
        scb_json_close_object(json);
        return;
    }
    char what[sizeof(finding->what) + 64];
    const uint8_t *text = (const uint8_t *)finding->what;
    scb_text_printable((struct scb_bytes){text, strlen(finding->what)}, what, sizeof(what));
    scb_progress_clear(&report->line);
    if (!report->context->quiet)
        (void)printf("%s: %s: %s: %s\n", finding->backup_date, kind, finding->where, what);
}

static void done_json(struct scb_json *json, const struct scb_verify_result *result)
{
    scb_json_close_array(json);
    scb_view_verify(json, result);
    scb_json_close_object(json);
}

static void done_text(const struct report *report, const struct scb_verify_result *result)
{
    static const char *const words[] = {[SCB_VERIFY_VALID] = "valid",
                                        [SCB_VERIFY_INVALID] = "INVALID",
                                        [SCB_VERIFY_NOT_CHECKED] = "NOT CHECKED"};
    char keys[32], pages[32], duration[32];
    if (report->listed > MAX_LISTED)
        (void)printf("%s: %" PRIu64 " more findings\n", result->backup_date,
                     report->listed - MAX_LISTED);
    scb_view_count((int64_t)result->keys, keys, sizeof(keys));
    scb_view_count((int64_t)result->pages, pages, sizeof(pages));
    scb_text_format_elapsed(result->duration_ms, duration, sizeof(duration));
    scb_print_trust(result);
    (void)printf("Backup %s is %s: ", result->backup_date, words[result->outcome]);
    if (result->unseen[0] == '\0')
        (void)printf("%s keys in ", keys);
    (void)printf("%s %spages%s, %" PRIu64 " problems, %" PRIu64 " warnings, %s\n", pages,
                 result->encrypted ? "encrypted " : "",
                 result->against_chain ? ", compared with the chain" : "", result->problems,
                 result->warnings, duration);
    if (result->error.status != SCB_OK)
        (void)printf("%s: not checked further: %s\n", result->backup_date, result->error.message);
}

static void done(void *state, const struct scb_verify_result *result)
{
    struct report *report = state;
    open_backup(report, result->backup_date);
    report->open = false;
    if (report->context->json) {
        done_json(&report->json, result);
        return;
    }
    scb_progress_clear(&report->line);
    if (!report->context->quiet)
        done_text(report, result);
}

static enum scb_status read_options(const struct scb_command_context *context,
                                    struct scb_verify_options *options, struct scb_error *error)
{
    *options = (struct scb_verify_options){
        .backup_date = scb_command_option(context, "--backup-date"),
        .all = scb_command_option(context, "--all") != NULL,
        .against_chain = scb_command_option(context, "--against-chain") != NULL};
    if (options->all && options->backup_date != NULL)
        return scb_error_set(error, SCB_ERROR_USAGE, "--all and --backup-date exclude each other");
    bool reads_chain = options->against_chain && context->client == NULL;
    return reads_chain ? scb_config_check(context->config, error) : SCB_OK;
}

static enum scb_status run(struct report *report, const struct scb_verify_options *options,
                           struct scb_error *error)
{
    const struct scb_command_context *context = report->context;
    const struct scb_verify_observer observer = {found, done, report};
    struct scb_backend *backend = NULL;
    enum scb_status status = scb_backend_open(context, &backend, error);
    if (status == SCB_OK)
        status = backend->ops->verify(backend, options, &observer, &report->line, error);
    scb_backend_close(backend);
    return status;
}

/* The document is whole whatever came of the backups; the exit status says that. */
static enum scb_status run_json(struct report *report, const struct scb_verify_options *options,
                                struct scb_error *error)
{
    SCB_AUTO(buffer) struct scb_buffer text = {.max = MAX_TEXT};
    struct scb_error problem = {0};
    struct scb_json *json = &report->json;
    scb_json_begin(json, &text);
    scb_json_open_object(json, NULL);
    scb_json_open_array(json, "backups");
    enum scb_status status = run(report, options, error);
    scb_json_close_array(json);
    scb_json_close_object(json);
    if (report->any && scb_output_json(json, &problem) != SCB_OK && status == SCB_OK) {
        *error = problem;
        return problem.status;
    }
    return status;
}

enum scb_status scb_command_backup_verify(const struct scb_command_context *context,
                                          struct scb_error *error)
{
    struct report report = {.context = context};
    struct scb_verify_options options;
    enum scb_status status = read_options(context, &options, error);
    if (status != SCB_OK)
        return status;
    return context->json ? run_json(&report, &options, error) : run(&report, &options, error);
}

static enum scb_status print_drill_json(const struct scb_restore_test_result *result,
                                        struct scb_error *error)
{
    SCB_AUTO(buffer) struct scb_buffer text = {.max = 4096};
    struct scb_json json;
    scb_json_begin(&json, &text);
    scb_json_open_object(&json, NULL);
    scb_json_text(&json, "backup_date", result->backup_date);
    scb_json_text(&json, "outcome", scb_verify_outcome_name(result->outcome));
    scb_json_unsigned(&json, "keys", result->keys);
    scb_json_unsigned(&json, "bytes", result->bytes);
    scb_json_integer(&json, "duration_ms", result->duration_ms);
    scb_json_close_object(&json);
    return scb_output_json(&json, error);
}

static void print_drill(const struct scb_restore_test_result *result)
{
    char keys[32], size[32], duration[32];
    scb_view_count((int64_t)result->keys, keys, sizeof(keys));
    scb_view_size((int64_t)result->bytes, size, sizeof(size));
    scb_text_format_elapsed(result->duration_ms, duration, sizeof(duration));
    (void)printf("Backup %s can be restored: %s keys, %s, read back equal, %s\n",
                 result->backup_date, keys, size, duration);
}

enum scb_status scb_command_backup_test_restore(const struct scb_command_context *context,
                                                struct scb_error *error)
{
    struct scb_progress_line line;
    struct scb_service *service = NULL;
    struct scb_restore_test_result result;
    if (scb_command_option(context, "--rpc-url") != NULL)
        return scb_drill_on_chain(context, scb_command_option(context, "--rpc-url"), error);
    enum scb_status status = scb_command_open(context, &line, &service, error);
    if (status != SCB_OK)
        return status;
    status = scb_service_test_restore(service, scb_command_option(context, "--backup-date"),
                                      &result, error);
    scb_command_close(&line, service);
    if (status != SCB_OK)
        return status;
    if (context->json)
        return print_drill_json(&result, error);
    if (!context->quiet)
        print_drill(&result);
    return SCB_OK;
}
