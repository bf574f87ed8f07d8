/* SPDX-License-Identifier: Apache-2.0 */
#include "service/supervisor.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-daemon.h>
#include <time.h>

#include "base/clock.h"
#include "base/memory.h"

enum { LOOK_MS = 1000, STATUS_SIZE = 256 };

struct scb_supervisor {
    struct scb_supervisor_settings settings;
    pthread_t thread;
    struct scb_cancel *stop;
    atomic_int_fast64_t beat_ms; /* of the last sign of life, or when a sleep ends */
    atomic_int_fast64_t silence_ms;
    pthread_mutex_t lock;
    char status[STATUS_SIZE];
    bool status_changed;
    /* The thread's own: */
    int64_t ping_ms; /* between two signs of life; 0: nobody wants them */
    int64_t pinged_ms, asked_to_end_ms;
    bool silent;
};

static int64_t now_ms(void)
{
    return scb_clock_monotonic_ms(scb_clock_system());
}

static void send_status(struct scb_supervisor *supervisor)
{
    char status[STATUS_SIZE];
    pthread_mutex_lock(&supervisor->lock);
    bool changed = supervisor->status_changed;
    supervisor->status_changed = false;
    memcpy(status, supervisor->status, sizeof(status));
    pthread_mutex_unlock(&supervisor->lock);
    if (changed)
        (void)sd_notifyf(0, "STATUS=%s", status);
}

bool scb_supervisor_is_silent(const struct scb_supervisor *supervisor)
{
    return supervisor != NULL &&
           now_ms() - atomic_load(&supervisor->beat_ms) > atomic_load(&supervisor->silence_ms);
}

static void end(const struct scb_supervisor *supervisor, enum scb_status status, const char *what,
                int64_t ms)
{
    struct scb_error error = {0};
    (void)scb_error_set(&error, status, "the service has %s for %" PRId64 " s", what, ms / 1000);
    (void)scb_error_hint(&error, "what was finished is kept; the next start goes on with it");
    supervisor->settings.stuck(supervisor->settings.stuck_state, &error);
}

/* True where the process is to be ended, since nobody else would notice. */
static bool end_silent(struct scb_supervisor *supervisor)
{
    bool known = supervisor->silent;
    supervisor->silent = supervisor->asked_to_end_ms == 0 && scb_supervisor_is_silent(supervisor);
    if (!supervisor->silent || known)
        return false;
    int64_t silent_ms = now_ms() - atomic_load(&supervisor->beat_ms);
    if (supervisor->ping_ms == 0 && supervisor->settings.stuck != NULL) {
        end(supervisor, SCB_ERROR_INTERNAL, "shown no sign of life", silent_ms);
        return true;
    }
    scb_log_error(supervisor->settings.log, "The service hangs",
                  SCB_NUMBER("silent_ms", silent_ms));
    return false;
}

/* Honest: none while the loop is silent. */
static void ping(struct scb_supervisor *supervisor)
{
    int64_t now = now_ms();
    if (supervisor->silent || supervisor->ping_ms == 0 ||
        now - supervisor->pinged_ms < supervisor->ping_ms)
        return;
    supervisor->pinged_ms = now;
    (void)sd_notify(0, "WATCHDOG=1");
}

/* True where the process is to be ended as it stands: what is finished is on the disk. */
static bool end_in_time(struct scb_supervisor *supervisor)
{
    if (!scb_cancel_requested(supervisor->settings.cancel))
        return false;
    if (supervisor->asked_to_end_ms == 0) {
        supervisor->asked_to_end_ms = now_ms();
        (void)sd_notify(0, "STOPPING=1\nSTATUS=stopping: what is finished is kept");
    }
    int64_t asked_ms = now_ms() - supervisor->asked_to_end_ms;
    if (asked_ms < supervisor->settings.drain_ms || supervisor->settings.stuck == NULL)
        return false;
    end(supervisor, SCB_ERROR_CANCELED, "not come to its end", asked_ms);
    return true;
}

static void *supervise(void *argument)
{
    struct scb_supervisor *supervisor = argument;
    const struct scb_cancel *cancel = supervisor->settings.cancel;
    int64_t look_ms =
        supervisor->settings.drain_ms < LOOK_MS ? supervisor->settings.drain_ms : LOOK_MS;
    if (supervisor->ping_ms > 0 && supervisor->ping_ms < look_ms)
        look_ms = supervisor->ping_ms;
    while (!scb_cancel_requested(supervisor->stop) && !end_in_time(supervisor) &&
           !end_silent(supervisor)) {
        ping(supervisor);
        if (supervisor->asked_to_end_ms == 0)
            send_status(supervisor);
        (void)scb_cancel_sleep_both(supervisor->stop,
                                    supervisor->asked_to_end_ms == 0 ? cancel : NULL, look_ms);
    }
    return NULL;
}

enum scb_status scb_supervisor_start(const struct scb_supervisor_settings *settings,
                                     struct scb_supervisor **ret_supervisor,
                                     struct scb_error *error)
{
    struct scb_supervisor *supervisor = scb_alloc(1, sizeof(*supervisor), error);
    if (supervisor == NULL)
        return SCB_ERROR_RESOURCE;
    supervisor->settings = *settings;
    if (settings->drain_ms == 0)
        supervisor->settings.drain_ms = SCB_SUPERVISOR_DRAIN_MS;
    pthread_mutex_init(&supervisor->lock, NULL);
    uint64_t watchdog_us = 0;
    if (sd_watchdog_enabled(0, &watchdog_us) > 0)
        supervisor->ping_ms = (int64_t)(watchdog_us / 3000) + 1;
    atomic_store(&supervisor->silence_ms, INT64_MAX);
    scb_supervisor_beat(supervisor);
    enum scb_status status = scb_cancel_new(&supervisor->stop, error);
    if (status == SCB_OK)
        status = scb_thread_start(&supervisor->thread, "supervisor", supervise, supervisor, error);
    if (status != SCB_OK) {
        scb_cancel_free(supervisor->stop);
        free(supervisor);
        return status;
    }
    *ret_supervisor = supervisor;
    return SCB_OK;
}

void scb_supervisor_stop(struct scb_supervisor *supervisor)
{
    if (supervisor == NULL)
        return;
    scb_cancel_request(supervisor->stop);
    (void)pthread_join(supervisor->thread, NULL);
    if (supervisor->asked_to_end_ms == 0)
        (void)sd_notify(0, "STOPPING=1");
    scb_cancel_free(supervisor->stop);
    pthread_mutex_destroy(&supervisor->lock);
    free(supervisor);
}

void scb_supervisor_allow(struct scb_supervisor *supervisor, int64_t silence_ms)
{
    if (supervisor != NULL)
        atomic_store(&supervisor->silence_ms, silence_ms);
}

void scb_supervisor_beat(struct scb_supervisor *supervisor)
{
    if (supervisor != NULL)
        atomic_store(&supervisor->beat_ms, now_ms());
}

void scb_supervisor_rest(struct scb_supervisor *supervisor, int64_t ms)
{
    if (supervisor != NULL)
        atomic_store(&supervisor->beat_ms, now_ms() + ms);
}

void scb_supervisor_say(struct scb_supervisor *supervisor, const char *format, ...)
{
    if (supervisor == NULL)
        return;
    char status[STATUS_SIZE];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(status, sizeof(status), format, arguments);
    va_end(arguments);
    scb_supervisor_beat(supervisor);
    pthread_mutex_lock(&supervisor->lock);
    if (strcmp(supervisor->status, status) != 0) {
        memcpy(supervisor->status, status, sizeof(status));
        supervisor->status_changed = true;
    }
    pthread_mutex_unlock(&supervisor->lock);
}

void scb_supervisor_reloading(struct scb_supervisor *supervisor)
{
    struct timespec now;
    if (supervisor == NULL || clock_gettime(CLOCK_MONOTONIC, &now) != 0)
        return;
    /* Exact: what is older than systemd's order is no answer to it. */
    (void)sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%" PRId64,
                     (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000);
}

void scb_supervisor_ready(struct scb_supervisor *supervisor)
{
    if (supervisor != NULL)
        (void)sd_notify(0, "READY=1");
}
