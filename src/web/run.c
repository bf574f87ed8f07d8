/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What of the library's front door is both the service's and HTTP's: that it runs, and whether it
 * could.
 */
#include "scb/service.h"

#include "service/scheduler.h"
#include "web/web.h"

enum scb_status scb_service_check(const struct scb_config *config, bool scheduled,
                                  struct scb_error *error)
{
    enum scb_status status = scb_service_check_backups(config, scheduled, error);
    return status == SCB_OK ? scb_web_check(config, error) : status;
}

enum scb_status scb_service_run(struct scb_service *service, struct scb_error *error)
{
    struct scb_web *web = NULL;
    enum scb_status status = scb_service_loop_begin(service, error);
    if (status == SCB_OK) {
        struct scb_desk desk = scb_service_desk(service);
        status = scb_web_start(&desk, &web, error);
    }
    if (status == SCB_OK)
        scb_service_loop(service, scb_web_reload, web);
    scb_web_stop(web);
    scb_service_loop_end(service);
    return status;
}
