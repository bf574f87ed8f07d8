/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log_repeat.h"

#include <stdio.h>

enum { MINUTE_MS = 60000 };

static bool is_over(const struct scb_repeat *slot, int64_t now_ms)
{
    return slot->seen > 0 && now_ms - slot->since_ms >= MINUTE_MS;
}

static struct scb_repeat *find(struct scb_repeats *repeats, uint64_t key, int64_t now_ms)
{
    struct scb_repeat *usable = NULL;
    for (size_t i = 0; i < SCB_REPEAT_SLOTS; i++) {
        struct scb_repeat *slot = &repeats->slots[i];
        if (slot->seen > 0 && slot->key == key)
            return slot;
        bool is_free = slot->seen == 0 || (is_over(slot, now_ms) && slot->held == 0);
        if (is_free && usable == NULL)
            usable = slot;
    }
    if (usable != NULL)
        *usable = (struct scb_repeat){.key = key, .since_ms = now_ms};
    return usable;
}

bool scb_repeats_admit(struct scb_repeats *repeats, uint64_t key, int level, const char *message,
                       int64_t now_ms)
{
    struct scb_repeat *slot = find(repeats, key, now_ms);
    if (slot == NULL)
        return true;
    if (is_over(slot, now_ms) && slot->held == 0)
        *slot = (struct scb_repeat){.key = key, .since_ms = now_ms};
    if (++slot->seen <= SCB_REPEAT_LIMIT)
        return true;
    slot->held++;
    slot->level = level;
    (void)snprintf(slot->message, sizeof(slot->message), "%s", message);
    return false;
}

bool scb_repeats_take(struct scb_repeats *repeats, bool all, int64_t now_ms,
                      struct scb_repeat *ret_repeat)
{
    for (size_t i = 0; i < SCB_REPEAT_SLOTS; i++) {
        struct scb_repeat *slot = &repeats->slots[i];
        if (slot->held == 0 || (!all && !is_over(slot, now_ms)))
            continue;
        *ret_repeat = *slot;
        *slot = (struct scb_repeat){0};
        return true;
    }
    return false;
}
