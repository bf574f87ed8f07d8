/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What vouches for a backup that is verified, and what opens it.
 */
#include <stdio.h>

#include "crypto/node_id.h"
#include "job/signature_check.h"
#include "job/verify_report.h"

_Static_assert(sizeof((struct scb_verify_result){0}.signer) == SCB_NODE_ID_TEXT_SIZE,
               "a node ID fits");

enum scb_status scb_verify_signature(struct scb_verify_report *report, int fd,
                                     const struct scb_archive_pages *pages, struct scb_error *error)
{
    struct scb_verify_result *result = report->result;
    struct scb_node_id signer;
    struct scb_error failure = {0};
    enum scb_status status =
        scb_signature_check(fd, pages, scb_backup_keys_trusted(report->parts->keys),
                            &result->signature, &signer, &failure);
    if ((result->signature == SCB_SIGNATURE_UNTRUSTED ||
         result->signature == SCB_SIGNATURE_TRUSTED) &&
        scb_node_id_format(&signer, result->signer, error) != SCB_OK)
        return error->status;
    return scb_verify_judge(report, "archive", status, &failure, error);
}

enum scb_status scb_verify_unlock(struct scb_verify_report *report,
                                  const struct scb_manifest *manifest,
                                  struct scb_error *ret_failure, struct scb_error *error)
{
    struct scb_verify_result *result = report->result;
    struct scb_backup_keys *keys = report->parts->keys;
    struct scb_error failure = {0};
    result->encrypted = scb_manifest_is_encrypted(manifest);
    enum scb_status status = scb_backup_keys_unlock(keys, manifest, &report->identities, &failure);
    if (status == SCB_ERROR_CANCELED) {
        *error = failure;
        return status;
    }
    if (status == SCB_OK)
        return SCB_OK;
    (void)snprintf(result->unseen, sizeof(result->unseen), "%.511s", failure.message);
    if (!scb_backup_keys_are_absent(keys) || report->parts->source != NULL)
        *ret_failure = failure;
    return SCB_OK;
}
