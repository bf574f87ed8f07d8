/* SPDX-License-Identifier: Apache-2.0 */
#include "client/records.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/text.h"

void scb_client_text(const json_t *object, const char *name, char *ret_text, size_t size)
{
    const char *text = json_string_value(json_object_get(object, name));
    (void)snprintf(ret_text, size, "%s", text == NULL ? "" : text);
}

#define TEXT(object, name, member) scb_client_text(object, name, member, sizeof(member))

int64_t scb_client_number(const json_t *object, const char *name)
{
    const json_t *value = json_object_get(object, name);
    return json_is_integer(value) ? json_integer_value(value) : -1;
}

static uint64_t count_of(const json_t *object, const char *name)
{
    int64_t number = scb_client_number(object, name);
    return number < 0 ? 0 : (uint64_t)number;
}

static int64_t time_of(const json_t *object, const char *name)
{
    int64_t real_ms = -1;
    const char *text = json_string_value(json_object_get(object, name));
    struct scb_error none = {0};
    return text != NULL && scb_timestamp_parse(text, &real_ms, &none) == SCB_OK ? real_ms : -1;
}

/* The value of an enumeration whose name is the member's; `otherwise` where it is none of them. */
#define NAMED(object, member, enumeration, name_of, last, otherwise)                               \
    ({                                                                                             \
        const char *text_ = json_string_value(json_object_get(object, member));                    \
        int found_ = (otherwise);                                                                  \
        for (int i_ = 0; text_ != NULL && i_ <= (int)(last); i_++)                                 \
            if (strcmp(text_, name_of((enum enumeration)i_)) == 0) /* NOLINT: a type */            \
                found_ = i_;                                                                       \
        found_;                                                                                    \
    })

static enum scb_status status_named(const char *name)
{
    static const enum scb_status all[] = {
#define SCB_ERROR_TYPE(constant, ...) SCB_ERROR_##constant,
#include "scb/errors.def"
#undef SCB_ERROR_TYPE
    };
    for (size_t i = 0; name != NULL && i < SCB_LENGTH(all); i++)
        if (strcmp(name, scb_status_name(all[i])) == 0)
            return all[i];
    return SCB_ERROR_INTERNAL;
}

enum scb_status scb_client_problem(const json_t *answer, struct scb_error *error)
{
    struct scb_error problem = {
        .status = status_named(json_string_value(json_object_get(answer, "error_type"))),
        .retryable = json_is_true(json_object_get(answer, "retryable"))};
    TEXT(answer, "detail", problem.message);
    if (problem.message[0] == '\0')
        TEXT(answer, "error", problem.message);
    TEXT(answer, "hint", problem.hint);
    *error = problem;
    return problem.status;
}

enum scb_status scb_client_backup(const json_t *object, struct scb_backup_record *ret_backup,
                                  struct scb_error *error)
{
    struct scb_backup_record backup = {.created_at_ms = time_of(object, "created_at"),
                                       .completed_at_ms = time_of(object, "completed_at"),
                                       .total_pages = scb_client_number(object, "total_pages"),
                                       .total_keys = scb_client_number(object, "total_keys"),
                                       .file_size = scb_client_number(object, "file_size"),
                                       .pages_completed =
                                           scb_client_number(object, "pages_completed"),
                                       .pages_failed = scb_client_number(object, "pages_failed"),
                                       .block_number = scb_client_number(object, "block_number"),
                                       .held = json_is_true(json_object_get(object, "held"))};
    TEXT(object, "backup_date", backup.backup_date);
    TEXT(object, "backup_file_path", backup.backup_file_path);
    TEXT(object, "error_message", backup.error_message);
    TEXT(object, "checksum", backup.checksum);
    TEXT(object, "block_hash", backup.block_hash);
    TEXT(object, "run_id", backup.run_id);
    int state =
        NAMED(object, "status", scb_backup_state, scb_backup_state_name, SCB_BACKUP_FAILED, -1);
    if (state < 0 || scb_backup_date_parse(backup.backup_date, NULL, error) != SCB_OK)
        return scb_error_set(error, SCB_ERROR_INTEGRITY,
                             "the service's answer has a backup "
                             "without a date or a status");
    backup.state = (enum scb_backup_state)state;
    *ret_backup = backup;
    return SCB_OK;
}

void scb_client_page(const json_t *object, struct scb_page_record *ret_page)
{
    struct scb_page_record page = {.page_number = count_of(object, "page_number"),
                                   .completed_at_ms = time_of(object, "completed_at"),
                                   .keys_count = count_of(object, "keys_count"),
                                   .file_size = count_of(object, "file_size")};
    const char *checksum = json_string_value(json_object_get(object, "checksum"));
    page.state =
        (enum scb_backup_state)NAMED(object, "status", scb_backup_state, scb_backup_state_name,
                                     SCB_BACKUP_FAILED, SCB_BACKUP_IN_PROGRESS);
    if (checksum != NULL && strlen(checksum) == 2 * sizeof(page.sha256))
        (void)scb_text_unhex(checksum, sizeof(page.sha256), page.sha256);
    TEXT(object, "file_path", page.file_path);
    TEXT(object, "error_message", page.error_message);
    *ret_page = page;
}

void scb_client_check(const json_t *object, struct scb_check_record *ret_check)
{
    struct scb_check_record check = {.checked_at_ms = time_of(object, "checked_at"),
                                     .keys = count_of(object, "keys"),
                                     .duration_ms = scb_client_number(object, "duration_ms")};
    check.kind = (enum scb_check_kind)NAMED(object, "kind", scb_check_kind, scb_check_kind_name,
                                            SCB_CHECK_TEST_RESTORE_CHAIN, SCB_CHECK_VERIFY);
    check.outcome = (enum scb_verify_outcome)NAMED(object, "outcome", scb_verify_outcome,
                                                   scb_verify_outcome_name, SCB_VERIFY_NOT_CHECKED,
                                                   SCB_VERIFY_NOT_CHECKED);
    TEXT(object, "message", check.message);
    *ret_check = check;
}

void scb_client_storage(const json_t *object, struct scb_storage_backup *ret_backup)
{
    struct scb_storage_backup backup = {.known = json_is_true(json_object_get(object, "known")),
                                        .held = json_is_true(json_object_get(object, "held")),
                                        .total_keys = scb_client_number(object, "total_keys"),
                                        .bytes = count_of(object, "size")};
    backup.state =
        (enum scb_backup_state)NAMED(object, "status", scb_backup_state, scb_backup_state_name,
                                     SCB_BACKUP_FAILED, SCB_BACKUP_IN_PROGRESS);
    TEXT(object, "backup_date", backup.backup_date);
    *ret_backup = backup;
}

void scb_client_cleanup(const json_t *object, struct scb_cleanup_entry *ret_entry)
{
    struct scb_cleanup_entry entry = {.bytes = count_of(object, "size")};
    entry.action = (enum scb_cleanup_action)NAMED(object, "action", scb_cleanup_action,
                                                  scb_cleanup_action_name, SCB_CLEANUP_DELETED,
                                                  SCB_CLEANUP_KEPT);
    TEXT(object, "backup_date", entry.backup_date);
    TEXT(object, "reason", entry.reason);
    *ret_entry = entry;
}

void scb_client_verify(const json_t *object, struct scb_verify_result *ret_result)
{
    struct scb_verify_result result = {
        .problems = count_of(object, "problems"),
        .warnings = count_of(object, "warnings"),
        .pages = count_of(object, "pages"),
        .keys = count_of(object, "keys"),
        .bytes = count_of(object, "bytes"),
        .against_chain = json_is_true(json_object_get(object, "against_chain")),
        .encrypted = json_is_true(json_object_get(object, "encrypted")),
        .duration_ms = scb_client_number(object, "duration_ms")};
    result.outcome = (enum scb_verify_outcome)NAMED(object, "outcome", scb_verify_outcome,
                                                    scb_verify_outcome_name, SCB_VERIFY_NOT_CHECKED,
                                                    SCB_VERIFY_NOT_CHECKED);
    result.signature = (enum scb_signature_state)NAMED(object, "signature", scb_signature_state,
                                                       scb_signature_state_name,
                                                       SCB_SIGNATURE_TRUSTED, SCB_SIGNATURE_NONE);
    TEXT(object, "backup_date", result.backup_date);
    TEXT(object, "signer", result.signer);
    TEXT(object, "unseen", result.unseen);
    const json_t *problem = json_object_get(object, "first_problem");
    TEXT(problem, "where", result.first_problem.where);
    TEXT(problem, "what", result.first_problem.what);
    if (json_is_string(json_object_get(object, "error")))
        (void)!scb_client_problem(object, &result.error);
    *ret_result = result;
}
