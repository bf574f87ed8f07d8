/* SPDX-License-Identifier: Apache-2.0 */
#include "access/audit.h"

#include <inttypes.h>
#include <string.h>

#include "access/audit_file.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/text.h"

static void warn(const struct scb_audit *audit, const struct scb_error *problem)
{
    if (audit->warn != NULL)
        audit->warn(audit->state, problem);
}

/* Without its identity a head still shows accidents, so that is a warning only. */
static void load_identity(const struct scb_audit *audit, struct scb_identity **ret_identity)
{
    struct scb_error problem = {0};
    if (audit->cert_path[0] == '\0' || audit->key_path[0] == '\0')
        return;
    if (scb_identity_load(audit->cert_path, audit->key_path, ret_identity, &problem) == SCB_OK)
        return;
    (void)scb_error_wrap(&problem, "the audit log's head is not signed");
    warn(audit, &problem);
}

/* A head's copy may only say what is on the disk, or a crash would look like a cut. */
static enum scb_status append_head(const struct scb_audit *audit, struct scb_audit_file *file,
                                   struct scb_audit_link *link, struct scb_error *error)
{
    SCB_AUTO(identity) struct scb_identity *identity = NULL;
    SCB_AUTO(buffer) struct scb_buffer line = {.max = SCB_AUDIT_MAX_LINE};
    struct scb_error problem = {0};
    load_identity(audit, &identity);
    enum scb_status status =
        scb_audit_head_make(identity, scb_clock_real_ms(audit->clock), link, &line, error);
    if (status == SCB_OK)
        status = scb_audit_file_append(file, scb_buffer_bytes(&line), true, error);
    if (status != SCB_OK)
        return status;
    if (scb_audit_file_keep_head(file, scb_buffer_bytes(&line), &problem) != SCB_OK)
        warn(audit, &problem);
    char hex[SCB_SHA256_TEXT_SIZE];
    scb_text_hex(link->hash, sizeof(link->hash), hex);
    if (audit->head != NULL)
        audit->head(audit->state, link->seq, hex, identity != NULL);
    return SCB_OK;
}

/* A file that is large enough is put away at its next head. A log that may only be appended to
 * (chattr +a) cannot be renamed: it grows on, which is warned of at each head. */
static enum scb_status rotate(const struct scb_audit *audit, struct scb_audit_file *file,
                              struct scb_audit_end *end, struct scb_error *error)
{
    struct scb_error problem = {0};
    if ((uint64_t)file->size < audit->max_file_bytes || !end->is_head)
        return SCB_OK;
    if (scb_audit_file_rotate(file, end->link.seq, &problem) != SCB_OK) {
        warn(audit, &problem);
        if (file->fd < 0) {
            if (error != NULL)
                *error = problem;
            return problem.status;
        }
    }
    return scb_audit_file_end(file, end, error);
}

static enum scb_status append_line(const struct scb_audit *audit, struct scb_audit_file *file,
                                   const struct scb_audit_record *record, bool sync,
                                   struct scb_audit_link *ret_link, struct scb_error *error)
{
    struct scb_audit_end end = {0};
    SCB_AUTO(buffer) struct scb_buffer line = {.max = SCB_AUDIT_MAX_LINE + 1};
    enum scb_status status = scb_audit_file_end(file, &end, error);
    if (status == SCB_OK)
        status = rotate(audit, file, &end, error);
    if (status == SCB_OK && end.is_torn)
        status = scb_buffer_append(&line, "\n", 1, error);
    if (status == SCB_OK)
        status =
            scb_audit_line_make(record, scb_clock_real_ms(audit->clock), &end.link, &line, error);
    if (status == SCB_OK)
        status = scb_audit_file_append(file, scb_buffer_bytes(&line), sync, error);
    *ret_link = end.link;
    return status;
}

enum scb_status scb_audit_append(const struct scb_audit *audit,
                                 const struct scb_audit_record *record,
                                 struct scb_audit_options options, uint64_t *ret_seq,
                                 struct scb_error *error)
{
    SCB_AUTO(audit_file) struct scb_audit_file file = {.dir_fd = -1, .fd = -1};
    struct scb_audit_link link = {0};
    struct scb_error problem = {0};
    if (audit->path == NULL) {
        scb_audit_spill(audit, record);
        return SCB_OK;
    }
    enum scb_status status = scb_audit_file_open(
        audit->path, options.create ? SCB_AUDIT_CREATE : SCB_AUDIT_APPEND, &file, error);
    if (status == SCB_OK)
        status = append_line(audit, &file, record, options.sync, &link, error);
    if (status != SCB_OK)
        return status;
    if (ret_seq != NULL)
        *ret_seq = link.seq;
    if (link.seq % audit->head_interval == 0 &&
        append_head(audit, &file, &link, &problem) != SCB_OK)
        warn(audit, &problem);
    return SCB_OK;
}

enum scb_status scb_audit_sign(const struct scb_audit *audit, struct scb_error *error)
{
    SCB_AUTO(audit_file) struct scb_audit_file file = {.dir_fd = -1, .fd = -1};
    struct scb_audit_end end = {0};
    enum scb_status status = scb_audit_file_open(audit->path, SCB_AUDIT_APPEND, &file, error);
    if (status == SCB_OK)
        status = scb_audit_file_end(&file, &end, error);
    if (status != SCB_OK || end.is_head || end.is_torn || end.link.seq == 0)
        return status;
    return append_head(audit, &file, &end.link, error);
}

void scb_audit_spill(const struct scb_audit *audit, const struct scb_audit_record *record)
{
    SCB_AUTO(buffer) struct scb_buffer text = {.max = SCB_AUDIT_MAX_LINE};
    struct scb_json json;
    if (audit->spill == NULL)
        return;
    scb_json_begin(&json, &text);
    scb_json_open_object(&json, NULL);
    scb_audit_record_members(&json, record);
    scb_json_close_object(&json);
    if (scb_json_finish(&json, NULL) == SCB_OK && scb_buffer_append(&text, "", 1, NULL) == SCB_OK)
        audit->spill(audit->state, (const char *)text.data);
}
