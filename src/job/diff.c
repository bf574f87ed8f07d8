/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Design: of each entry the key, the version id and the value's SHA-256 are sorted, by key, then by
 * the rest; then the two orders are walked side by side. A key that a backup has more than once
 * (a contract should not) is changed where its entries, in that order, are not the same ones.
 */
#include "job/diff.h"

#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "base/sort.h"
#include "crypto/digest.h"
#include "job/reading.h"

const char *scb_change_name(enum scb_change change)
{
    static const char *const names[] = {[SCB_CHANGE_ADDED] = "added",
                                        [SCB_CHANGE_REMOVED] = "removed",
                                        [SCB_CHANGE_CHANGED] = "changed"};
    return names[change];
}

/* One of the backups: read into its sorter, then walked. */
struct side {
    struct scb_backup_reader *reader;
    struct scb_sorter *sorter;
    struct scb_digest digest;
    struct scb_buffer payload; /* of the entry that is added */
    bool more;
    struct scb_bytes key, rest; /* of the present record, where there is more */
    uint64_t entries;           /* of the present key, so far */
    struct scb_buffer first;    /* the rest of its first record */
};

struct diff {
    const struct scb_reading_parts *parts;
    struct side sides[2]; /* the old one, the new one */
    scb_difference_visitor visit;
    void *state;
    struct scb_diff_result *result;
};

/* --- reading and sorting --- */

static enum scb_status take(void *state, const struct scb_entry *entry, struct scb_error *error)
{
    struct side *side = state;
    uint8_t sha256[SCB_SHA256_SIZE];
    scb_buffer_clear(&side->payload);
    enum scb_status status = scb_digest_sha256(&side->digest, entry->value, sha256, error);
    if (status == SCB_OK)
        status = scb_buffer_append(&side->payload, sha256, sizeof(sha256), error);
    if (status == SCB_OK)
        status = scb_buffer_append(&side->payload, entry->version_id.data, entry->version_id.size,
                                   error);
    return status == SCB_OK
               ? scb_sorter_add(side->sorter, entry->key, scb_buffer_bytes(&side->payload), error)
               : status;
}

/* A key, and what is kept of the rest. */
static size_t max_record(const struct diff *diff)
{
    return 2 * diff->parts->limits.max_key_size + SCB_SHA256_SIZE;
}

static enum scb_status open_side(struct diff *diff, struct side *side, const char *date,
                                 struct scb_error *error)
{
    side->payload.max = side->first.max = max_record(diff);
    return scb_reading_open(diff->parts, date, &side->reader, error);
}

static enum scb_status read_side(struct diff *diff, struct side *side, struct scb_error *error)
{
    struct scb_reading_progress progress = {.activity = "Comparison", .parts = diff->parts};
    enum scb_status status =
        scb_sorter_new(diff->parts->memory_limit / 8, max_record(diff), &side->sorter, error);
    return status == SCB_OK ? scb_read_entries(side->reader, &progress, take, side, error) : status;
}

static void close_side(struct side *side)
{
    scb_sorter_free(side->sorter);
    scb_digest_free(&side->digest);
    scb_buffer_free(&side->payload);
    scb_buffer_free(&side->first);
    scb_backup_reader_close(side->reader);
}

/* --- walking --- */

static enum scb_status advance(struct side *side, struct scb_error *error)
{
    return scb_sorter_next(side->sorter, &side->more, &side->key, &side->rest, error);
}

static bool is_at(const struct side *side, struct scb_bytes key)
{
    return side->more && scb_bytes_compare(side->key, key) == 0;
}

/* Keeps the first of the key's entries for the report, then goes to the next record. */
static enum scb_status pass(struct side *side, struct scb_error *error)
{
    enum scb_status status = SCB_OK;
    if (side->entries++ == 0) {
        scb_buffer_clear(&side->first);
        status = scb_buffer_append(&side->first, side->rest.data, side->rest.size, error);
    }
    return status == SCB_OK ? advance(side, error) : status;
}

static struct scb_diff_side view(const struct side *side)
{
    if (side->entries == 0)
        return (struct scb_diff_side){0};
    return (struct scb_diff_side){
        .entries = side->entries,
        .version_id = {side->first.data + SCB_SHA256_SIZE, side->first.size - SCB_SHA256_SIZE}};
}

static enum scb_status report(struct diff *diff, struct scb_bytes key, bool same_values,
                              struct scb_error *error)
{
    const struct side *old = &diff->sides[0], *new = &diff->sides[1];
    struct scb_difference difference = {.key = key, .old = view(old), .new = view(new)};
    if (old->entries == 0) {
        difference.change = SCB_CHANGE_ADDED;
        diff->result->added++;
    } else if (new->entries == 0) {
        difference.change = SCB_CHANGE_REMOVED;
        diff->result->removed++;
    } else {
        difference.change = SCB_CHANGE_CHANGED;
        difference.value_changed = !same_values;
        diff->result->changed++;
    }
    return diff->visit == NULL ? SCB_OK : diff->visit(diff->state, &difference, error);
}

/* All entries of one key, of both sides. */
static enum scb_status compare_key(struct diff *diff, struct scb_bytes key, struct scb_error *error)
{
    struct side *old = &diff->sides[0], *new = &diff->sides[1];
    enum scb_status status = SCB_OK;
    bool same = true, same_values = true;
    old->entries = new->entries = 0;
    while (status == SCB_OK && (is_at(old, key) || is_at(new, key))) {
        bool both = is_at(old, key) && is_at(new, key);
        same = same && both && scb_bytes_compare(old->rest, new->rest) == 0;
        same_values =
            same_values && both && memcmp(old->rest.data, new->rest.data, SCB_SHA256_SIZE) == 0;
        if (both || is_at(old, key))
            status = pass(old, error);
        if (status == SCB_OK && (both || is_at(new, key)))
            status = pass(new, error);
    }
    return status == SCB_OK && !same ? report(diff, key, same_values, error) : status;
}

static enum scb_status walk(struct diff *diff, struct scb_error *error)
{
    struct side *old = &diff->sides[0], *new = &diff->sides[1];
    SCB_AUTO(buffer) struct scb_buffer key = {.max = max_record(diff)};
    enum scb_status status = advance(old, error);
    if (status == SCB_OK)
        status = advance(new, error);
    while (status == SCB_OK && (old->more || new->more)) {
        const struct side *least =
            !new->more || (old->more && scb_bytes_compare(old->key, new->key) <= 0) ? old : new;
        if (scb_cancel_requested(diff->parts->cancel))
            return scb_error_set(error, SCB_ERROR_CANCELED, "interrupted");
        scb_buffer_clear(&key);
        status = scb_buffer_append(&key, least->key.data, least->key.size, error);
        if (status == SCB_OK)
            status = compare_key(diff, scb_buffer_bytes(&key), error);
    }
    return status;
}

/*
 * Pages with the same checksums, in the same order. Only where the archives are known to be those
 * that were recorded: else the pages are read, which shows what is damaged in them.
 */
static bool are_same(const struct diff *diff)
{
    const struct scb_backup_reader *readers[] = {diff->sides[0].reader, diff->sides[1].reader};
    const struct scb_manifest *old = scb_backup_reader_manifest(readers[0]);
    const struct scb_manifest *new = scb_backup_reader_manifest(readers[1]);
    return scb_backup_reader_record(readers[0])->checksum[0] != '\0' &&
           scb_backup_reader_record(readers[1])->checksum[0] != '\0' &&
           old->total_keys == new->total_keys &&
           old->total_pages ==
               new->total_pages &&memcmp(old->pages_sha256, new->pages_sha256,
                                         sizeof(old->pages_sha256)) == 0;
}

static enum scb_status compare(struct diff *diff, struct scb_error *error)
{
    const struct scb_manifest *old = scb_backup_reader_manifest(diff->sides[0].reader);
    const struct scb_manifest *new = scb_backup_reader_manifest(diff->sides[1].reader);
    diff->result->old_entries = old->total_keys;
    diff->result->new_entries = new->total_keys;
    (void)snprintf(diff->result->old_date, sizeof(diff->result->old_date), "%s", old->backup_date);
    (void)snprintf(diff->result->new_date, sizeof(diff->result->new_date), "%s", new->backup_date);
    if (are_same(diff))
        return SCB_OK;
    enum scb_status status = read_side(diff, &diff->sides[0], error);
    if (status == SCB_OK)
        status = read_side(diff, &diff->sides[1], error);
    return status == SCB_OK ? walk(diff, error) : status;
}

enum scb_status scb_diff_run(const struct scb_reading_parts *parts, const char *old_date,
                             const char *new_date, scb_difference_visitor visit, void *state,
                             struct scb_diff_result *ret_result, struct scb_error *error)
{
    struct diff diff = {.parts = parts, .visit = visit, .state = state, .result = ret_result};
    int64_t started_ms = scb_clock_monotonic_ms(parts->clock);
    *ret_result = (struct scb_diff_result){0};
    enum scb_status status = open_side(&diff, &diff.sides[0], old_date, error);
    if (status == SCB_OK)
        status = open_side(&diff, &diff.sides[1], new_date, error);
    if (status == SCB_OK)
        status = compare(&diff, error);
    close_side(&diff.sides[0]);
    close_side(&diff.sides[1]);
    ret_result->duration_ms = scb_clock_monotonic_ms(parts->clock) - started_ms;
    return status;
}
