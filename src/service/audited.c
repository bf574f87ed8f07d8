/* SPDX-License-Identifier: Apache-2.0 */
#include "service/audited.h"

#include <stdio.h>

#include "base/log.h"

void scb_service_audit_begin(const struct scb_service *service, enum scb_operation_id operation,
                             const char *backup_date, struct scb_service_audited *ret_audited)
{
    struct scb_caller caller;
    struct scb_error error = {0};
    const struct scb_gate *gate = service->parts.gate;
    *ret_audited = (struct scb_service_audited){0};
    if (gate == NULL)
        return;
    (void)snprintf(ret_audited->argument, sizeof(ret_audited->argument), "--backup-date=%s",
                   backup_date);
    ret_audited->arguments[0] = ret_audited->argument;
    scb_caller_service(&caller);
    /* The service is never refused: what it cannot write goes elsewhere. */
    if (scb_gate_begin(gate, &caller, operation, ret_audited->arguments, 1, &ret_audited->passage,
                       &error) == SCB_OK)
        ret_audited->gate = gate;
    else
        scb_log_failure(service->parts.log, "Not audited", backup_date, &error);
}

void scb_service_audit_end(const struct scb_service_audited *audited, enum scb_status result)
{
    if (audited->gate != NULL)
        scb_gate_end(audited->gate, &audited->passage, result);
}
