/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the service does by itself, through the gate: it may do all, and its audit lines say so.
 */
#ifndef SCB_SERVICE_AUDITED_H
#define SCB_SERVICE_AUDITED_H

#include "access/gate.h"
#include "base/clock.h"
#include "service/internal.h"

struct scb_service_audited {
    const struct scb_gate *gate; /* NULL where nothing is audited */
    struct scb_passage passage;
    char argument[SCB_BACKUP_DATE_SIZE + 16];
    const char *arguments[1];
};

/* Stays where it is until the end. */
void scb_service_audit_begin(const struct scb_service *service, enum scb_operation_id operation,
                             const char *backup_date, struct scb_service_audited *ret_audited);
void scb_service_audit_end(const struct scb_service_audited *audited, enum scb_status result);

#endif
