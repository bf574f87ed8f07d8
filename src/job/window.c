/* SPDX-License-Identifier: Apache-2.0 */
#include "job/window.h"

#include <assert.h>
#include <stdlib.h>

#include "base/memory.h"

enum scb_status scb_window_init(struct scb_window *window, uint64_t span, struct scb_error *error)
{
    window->slots = scb_alloc(span, sizeof(struct scb_page_slot *), error);
    if (window->slots == NULL)
        return SCB_ERROR_RESOURCE;
    window->span = span;
    return SCB_OK;
}

static void free_slot(struct scb_page_slot *slot)
{
    scb_page_work_free(&slot->work);
    free(slot);
}

void scb_window_free(struct scb_window *window)
{
    for (uint64_t i = 0; i < window->span; i++)
        if (window->slots[i] != NULL)
            free_slot(window->slots[i]);
    while (window->free != NULL) {
        struct scb_page_slot *slot = window->free;
        window->free = slot->next_free;
        free_slot(slot);
    }
    free(window->slots);
    *window = (struct scb_window){0};
}

enum scb_status scb_window_take(struct scb_window *window, uint64_t number,
                                struct scb_page_slot **ret_slot, struct scb_error *error)
{
    struct scb_page_slot **at = &window->slots[number % window->span];
    assert(*at == NULL);
    struct scb_page_slot *slot = window->free;
    if (slot != NULL)
        window->free = slot->next_free;
    else
        slot = scb_alloc(1, sizeof(*slot), error);
    if (slot == NULL)
        return SCB_ERROR_RESOURCE;
    *at = slot;
    *ret_slot = slot;
    return SCB_OK;
}

struct scb_page_slot *scb_window_at(const struct scb_window *window, uint64_t number)
{
    struct scb_page_slot *slot = window->slots[number % window->span];
    return slot != NULL && slot->work.number == number ? slot : NULL;
}

void scb_window_give(struct scb_window *window, uint64_t number)
{
    struct scb_page_slot **at = &window->slots[number % window->span];
    assert(*at != NULL && (*at)->work.number == number);
    (*at)->next_free = window->free;
    window->free = *at;
    *at = NULL;
}
