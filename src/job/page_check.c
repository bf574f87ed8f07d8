/* SPDX-License-Identifier: Apache-2.0 */
#include "job/page_check.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/memory.h"
#include "base/text.h"

enum scb_status scb_page_check_begin(struct scb_page_check *check,
                                     const struct scb_page_rules *rules, uint64_t keys,
                                     struct scb_error *error)
{
    check->rules = rules;
    check->warnings = (struct scb_warnings){0};
    size_t table_size = 16;
    while (table_size / 2 <= keys)
        table_size *= 2;
    if (table_size > check->table_size) {
        uint64_t *hashes = scb_realloc(check->hashes, table_size, sizeof(*hashes), error);
        if (hashes == NULL)
            return SCB_ERROR_RESOURCE;
        check->hashes = hashes;
        check->table_size = table_size;
    }
    memset(check->hashes, 0, check->table_size * sizeof(*check->hashes));
    return check->seed == 0 ? scb_hash_seed(&check->seed, error) : SCB_OK;
}

void scb_page_check_free(struct scb_page_check *check)
{
    free(check->hashes);
    *check = (struct scb_page_check){0};
}

/*
 * A 64-bit hash stands for its key: two of a page's 10,000 keys share one by chance once in 10^11
 * pages. Never 0, which marks a free place.
 */
static uint64_t hash_key(uint64_t seed, struct scb_bytes key)
{
    uint64_t hash = scb_hash(seed, key);
    return hash == 0 ? 1 : hash;
}

/* True when the key was there already. */
static bool add_key(struct scb_page_check *check, struct scb_bytes key)
{
    uint64_t hash = hash_key(check->seed, key);
    size_t at = hash & (check->table_size - 1);
    while (check->hashes[at] != 0) {
        if (check->hashes[at] == hash)
            return true;
        at = (at + 1) & (check->table_size - 1);
    }
    check->hashes[at] = hash;
    return false;
}

static enum scb_status over_limit(uint64_t index, const char *what, size_t size,
                                  const char *setting, size_t limit, struct scb_error *error)
{
    char limit_text[32];
    scb_text_format_size(limit, limit_text, sizeof(limit_text));
    scb_error_set(error, SCB_ERROR_RESOURCE,
                  "entry %" PRIu64 ": its %s has %zu bytes, over backup.%s (%s)", index, what, size,
                  setting, limit_text);
    return scb_error_hint(error, "raise backup.%s; nothing is cut short or left out", setting);
}

static enum scb_status odd(const struct scb_page_check *check, uint64_t *counter, uint64_t index,
                           const char *what, struct scb_error *error)
{
    (*counter)++;
    if (!check->rules->strict)
        return SCB_OK;
    scb_error_set(error, SCB_ERROR_VALIDATION, "entry %" PRIu64 ": %s", index, what);
    return scb_error_hint(error, "backup.validation is strict; warn stores and counts it");
}

enum scb_status scb_page_check_entry(struct scb_page_check *check, uint64_t index,
                                     const struct scb_entry *entry, struct scb_error *error)
{
    const struct scb_page_rules *rules = check->rules;
    if (entry->key.size > rules->max_key_size)
        return over_limit(index, "key", entry->key.size, "max_key_size", rules->max_key_size,
                          error);
    if (entry->version_id.size > rules->max_key_size)
        return over_limit(index, "version id", entry->version_id.size, "max_key_size",
                          rules->max_key_size, error);
    if (entry->value.size > rules->max_value_size)
        return over_limit(index, "value", entry->value.size, "max_value_size",
                          rules->max_value_size, error);
    enum scb_status status = SCB_OK;
    if (entry->key.size == 0)
        status = odd(check, &check->warnings.empty_keys, index, "an empty key", error);
    if (status == SCB_OK && entry->version_id.size == 0)
        status = odd(check, &check->warnings.empty_versions, index, "an empty version id", error);
    if (add_key(check, entry->key) && status == SCB_OK)
        status = odd(check, &check->warnings.duplicate_keys, index,
                     "a key that its page has already", error);
    return status;
}
