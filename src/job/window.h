/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The pages of a run that are somewhere between asked for and archived: a slot each, found by the
 * page's number. A slot is in one place at a time - at the source, in the queue to the workers,
 * with a worker, in the queue back, or waiting for its turn - so none needs a lock. Slots that are
 * free are used again last in, first out: as long as all goes well a few of them stay in the
 * caches, however far the window may open when a page is late.
 */
#ifndef SCB_JOB_WINDOW_H
#define SCB_JOB_WINDOW_H

#include <stdbool.h>
#include <stdint.h>

#include "job/page_work.h"
#include "scb/error.h"
#include "scb/source.h"

struct scb_workers;

struct scb_page_slot {
    struct scb_range range;
    struct scb_page_work work;
    struct scb_workers *workers; /* whom its answers go to */
    const uint8_t *recorded;     /* the checksum of an earlier run's page file, looked at first */
    bool reused;                 /* that file was good */
    uint64_t opinions;           /* endpoints by whose word the page is whole so far */
    uint8_t agreed[SCB_SHA256_SIZE]; /* what the first of them gave */
    bool ready;                      /* made; it waits for its turn */
    bool dropped;                    /* its packed form was given up for memory */
    struct scb_error setback; /* the first failure after which another endpoint was asked; SCB_OK */
    bool setback_pin_lost;
    enum scb_status status;
    struct scb_error error;
    struct scb_page_slot *next_free;
};

struct scb_window {
    struct scb_page_slot **slots; /* page n is at n % span */
    uint64_t span;
    struct scb_page_slot *free;
};

SCB_MUST_CHECK enum scb_status scb_window_init(struct scb_window *window, uint64_t span,
                                               struct scb_error *error);
/* Also of one that was only zeroed. */
void scb_window_free(struct scb_window *window);

/* A slot for page number, which has none. Its members are as their last page left them. */
SCB_MUST_CHECK enum scb_status scb_window_take(struct scb_window *window, uint64_t number,
                                               struct scb_page_slot **ret_slot,
                                               struct scb_error *error);
/* The slot of page number, or NULL. */
struct scb_page_slot *scb_window_at(const struct scb_window *window, uint64_t number);
/* Page number needs its slot no longer. */
void scb_window_give(struct scb_window *window, uint64_t number);

#endif
