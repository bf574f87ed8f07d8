/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Design: its age is taken at the time at which somebody asked, not when it is their turn. So all
 * who wait for one that takes long are content with it, and it is not made for each of them anew.
 */
#include "web/kept.h"

enum { MOST_AGE_MS = 1000 };

void scb_web_kept_init(struct scb_web_kept *kept)
{
    *kept = (struct scb_web_kept){.body = {.max = SCB_WEB_MAX_REPLY}};
    pthread_mutex_init(&kept->lock, NULL);
}

void scb_web_kept_free(struct scb_web_kept *kept)
{
    scb_buffer_free(&kept->body);
    pthread_mutex_destroy(&kept->lock);
}

static enum scb_status make_new(struct scb_web_kept *kept, struct scb_web_call *call,
                                scb_web_handler make, struct scb_error *error)
{
    struct scb_web_reply *reply = call->reply;
    int64_t begun_ms = scb_clock_monotonic_ms(call->desk->clock);
    scb_buffer_clear(&kept->body);
    enum scb_status status = make(call, error);
    if (status == SCB_OK)
        status = scb_buffer_append(&kept->body, reply->body.data, reply->body.size, error);
    kept->begun_ms = begun_ms;
    kept->status = reply->status;
    kept->content_type = reply->content_type;
    return status;
}

static enum scb_status give(const struct scb_web_kept *kept, struct scb_web_reply *reply,
                            struct scb_error *error)
{
    reply->status = kept->status;
    reply->content_type = kept->content_type;
    return scb_buffer_append(&reply->body, kept->body.data, kept->body.size, error);
}

enum scb_status scb_web_kept_answer(struct scb_web_kept *kept, struct scb_web_call *call,
                                    scb_web_handler make, struct scb_error *error)
{
    int64_t asked_ms = scb_clock_monotonic_ms(call->desk->clock);
    pthread_mutex_lock(&kept->lock);
    bool fresh = kept->body.size > 0 && asked_ms - kept->begun_ms < MOST_AGE_MS;
    enum scb_status status =
        fresh ? give(kept, call->reply, error) : make_new(kept, call, make, error);
    pthread_mutex_unlock(&kept->lock);
    return status;
}
