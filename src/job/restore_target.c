/* SPDX-License-Identifier: Apache-2.0 */
#include "job/restore_target.h"

#include "job/chain_reader.h"

void scb_restore_target_close(struct scb_restore_target *target)
{
    scb_fingerprints_free(target->keys);
    target->keys = NULL;
    if (target->source != NULL)
        target->source->ops->close(target->source);
    target->source = NULL;
}

static enum scb_status take_entry(void *state, uint64_t index, const struct scb_entry *entry,
                                  struct scb_error *error)
{
    return scb_fingerprints_add(state, index, entry, error);
}

enum scb_status scb_restore_target_pin(const struct scb_restore_parts *parts, const char *block,
                                       struct scb_restore_target *target, struct scb_error *error)
{
    scb_restore_target_close(target);
    enum scb_status status = parts->open_target(parts->state, block, &target->source, error);
    if (status == SCB_OK)
        status = target->source->ops->pin(target->source, NULL, &target->pin, error);
    return status == SCB_OK ? SCB_OK : scb_error_wrap(error, "the target");
}

enum scb_status scb_restore_target_read(const struct scb_restore_parts *parts,
                                        const struct scb_restore_settings *settings,
                                        const char *block, struct scb_restore_target *target,
                                        struct scb_error *error)
{
    enum scb_status status = scb_restore_target_pin(parts, block, target, error);
    if (status == SCB_OK)
        status = scb_fingerprints_new(target->pin.total_keys, settings->memory_limit, &target->keys,
                                      error);
    if (status != SCB_OK)
        return status;
    struct scb_chain_reader_settings reader = {.source = target->source,
                                               .total_keys = target->pin.total_keys,
                                               .range = settings->range,
                                               .window = settings->window,
                                               .limit_ms = settings->range_limit_ms,
                                               .cancel = parts->cancel,
                                               .take = take_entry,
                                               .state = target->keys};
    status = scb_chain_read(&reader, error);
    if (status == SCB_OK)
        scb_fingerprints_sort(target->keys);
    return status == SCB_OK ? SCB_OK : scb_error_wrap(error, "the target");
}
