/* SPDX-License-Identifier: Apache-2.0 */
#include "service/live.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/memory.h"

struct scb_live {
    pthread_mutex_t lock;
    struct scb_live_view view;
    int64_t begun_ms; /* monotonic */
};

const char *scb_live_activity_name(enum scb_live_activity activity)
{
    static const char *const names[] = {[SCB_LIVE_IDLE] = "idle",
                                        [SCB_LIVE_BACKUP] = "backup",
                                        [SCB_LIVE_CHECK] = "check",
                                        [SCB_LIVE_CLEANUP] = "cleanup"};
    return names[activity];
}

static int64_t now_ms(void)
{
    return scb_clock_monotonic_ms(scb_clock_system());
}

enum scb_status scb_live_new(struct scb_live **ret_live, struct scb_error *error)
{
    struct scb_live *live = scb_alloc(1, sizeof(*live), error);
    if (live == NULL)
        return SCB_ERROR_RESOURCE;
    pthread_mutex_init(&live->lock, NULL);
    *ret_live = live;
    return SCB_OK;
}

void scb_live_free(struct scb_live *live)
{
    if (live == NULL)
        return;
    pthread_mutex_destroy(&live->lock);
    free(live);
}

void scb_live_begin(struct scb_live *live, enum scb_live_activity activity, const char *backup_date)
{
    if (live == NULL)
        return;
    pthread_mutex_lock(&live->lock);
    live->view =
        (struct scb_live_view){.activity = activity, .next_run_ms = live->view.next_run_ms};
    (void)snprintf(live->view.backup_date, sizeof(live->view.backup_date), "%s", backup_date);
    live->begun_ms = now_ms();
    pthread_mutex_unlock(&live->lock);
}

void scb_live_note(struct scb_live *live, const struct scb_run_progress *progress)
{
    if (live == NULL)
        return;
    pthread_mutex_lock(&live->lock);
    struct scb_live_view *view = &live->view;
    if (view->activity != SCB_LIVE_IDLE) {
        (void)snprintf(view->backup_date, sizeof(view->backup_date), "%s", progress->backup_date);
        view->pages = progress->pages;
        view->total_pages = progress->total_pages;
        view->reused_pages = progress->reused_pages;
        view->keys = progress->keys;
        view->total_keys = progress->total_keys;
    }
    pthread_mutex_unlock(&live->lock);
}

void scb_live_end(struct scb_live *live)
{
    if (live == NULL)
        return;
    pthread_mutex_lock(&live->lock);
    live->view = (struct scb_live_view){.next_run_ms = live->view.next_run_ms};
    pthread_mutex_unlock(&live->lock);
}

void scb_live_next_run(struct scb_live *live, int64_t next_run_ms)
{
    if (live == NULL)
        return;
    pthread_mutex_lock(&live->lock);
    live->view.next_run_ms = next_run_ms;
    pthread_mutex_unlock(&live->lock);
}

void scb_live_look(struct scb_live *live, struct scb_live_view *ret_view)
{
    pthread_mutex_lock(&live->lock);
    *ret_view = live->view;
    if (live->view.activity != SCB_LIVE_IDLE)
        ret_view->elapsed_ms = now_ms() - live->begun_ms;
    pthread_mutex_unlock(&live->lock);
}
