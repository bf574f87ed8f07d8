/* SPDX-License-Identifier: Apache-2.0 */
#include "access/audit_verify.h"

#include <inttypes.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "access/audit_walk.h"
#include "base/memory.h"

enum { MAX_FILE_NAME = 256, MAX_PENDING = 16 };

/* What is no line: torn by a crash where the chain goes on over it, broken else. */
struct pending {
    char file[MAX_FILE_NAME];
    uint64_t number;
    bool is_whole;
};

struct proving {
    const struct scb_audit_trust *trust;
    void (*tell)(void *state, const struct scb_audit_finding *finding);
    void *state;
    struct scb_audit_proof proof;
    struct scb_audit_link link; /* where the chain stands */
    struct pending pending[MAX_PENDING];
    size_t pending_count;
    bool trusted_head_found;
    struct scb_audit_link copy; /* the last head's, and what its line says */
    uint8_t copy_in_log[SCB_SHA256_SIZE];
    bool copy_found;
    char first[640]; /* finding that is broken; "" for none */
};

SCB_PRINTF(5, 6)
static void find(struct proving *proving, const char *file, uint64_t number, bool is_broken,
                 const char *format, ...)
{
    char what[384];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(what, sizeof(what), format, arguments);
    va_end(arguments);
    proving->proof.broken += is_broken;
    if (is_broken && proving->first[0] == '\0' && number > 0)
        (void)snprintf(proving->first, sizeof(proving->first), "%.100s, line %" PRIu64 ": %s", file,
                       number, what);
    else if (is_broken && proving->first[0] == '\0')
        (void)snprintf(proving->first, sizeof(proving->first), "%s", what);
    if (proving->tell != NULL)
        proving->tell(proving->state, &(struct scb_audit_finding){file, number, is_broken, what});
}

static void end_pending(struct proving *proving, bool chain_goes_on)
{
    for (size_t i = 0; i < proving->pending_count; i++) {
        const struct pending *pending = &proving->pending[i];
        if (chain_goes_on) {
            proving->proof.torn++;
            find(proving, pending->file, pending->number, false,
                 "torn by a crash while it was written; the chain goes on over it");
        } else {
            find(proving, pending->file, pending->number, true, "it is no line of an audit log");
        }
    }
    proving->pending_count = 0;
}

static void add_pending(struct proving *proving, const struct scb_audit_place *place)
{
    if (proving->pending_count == MAX_PENDING)
        end_pending(proving, false);
    struct pending *pending = &proving->pending[proving->pending_count++];
    (void)snprintf(pending->file, sizeof(pending->file), "%s", place->file);
    pending->number = place->number;
    pending->is_whole = place->is_whole;
}

/* True where the line follows the one before it. */
static bool check_link(struct proving *proving, const struct scb_audit_place *place)
{
    const struct scb_audit_line *line = place->line;
    uint64_t expected = proving->link.seq + 1;
    bool follows = memcmp(line->prev, proving->link.hash, sizeof(line->prev)) == 0;
    if (line->seq == expected && follows)
        return true;
    end_pending(proving, false);
    if (line->seq > expected + 1)
        find(proving, place->file, place->number, true,
             "lines with seq %" PRIu64 " to %" PRIu64 " are missing before it", expected,
             line->seq - 1);
    else if (line->seq == expected + 1)
        find(proving, place->file, place->number, true,
             "the line with seq %" PRIu64 " is missing before it", expected);
    else if (line->seq < expected)
        find(proving, place->file, place->number, true,
             "seq %" PRIu64 " stands behind seq %" PRIu64 ": moved or put in", line->seq,
             proving->link.seq);
    else
        find(proving, place->file, place->number, true,
             "it does not follow the line before it, which is another than it was");
    return false;
}

static enum scb_status check_head(struct proving *proving, const struct scb_audit_place *place,
                                  struct scb_error *error)
{
    enum scb_audit_head_state state = SCB_AUDIT_HEAD_UNSIGNED;
    struct scb_node_id signer;
    enum scb_status status = scb_audit_head_check(place->line, &state, &signer, error);
    if (status != SCB_OK)
        return status;
    proving->proof.heads++;
    if (state == SCB_AUDIT_HEAD_WRONG)
        find(proving, place->file, place->number, true, "its signature is wrong");
    if (state != SCB_AUDIT_HEAD_SIGNED)
        return SCB_OK;
    if (scb_node_ids_contain(&proving->trust->signers, &signer)) {
        proving->proof.signed_heads++;
        proving->proof.signed_until = place->line->seq;
    } else {
        proving->proof.foreign_heads++;
    }
    return SCB_OK;
}

static void note_known(struct proving *proving, const struct scb_audit_line *line)
{
    const uint8_t *head = proving->trust->head;
    if (head != NULL && line->intact && memcmp(line->hash, head, sizeof(line->hash)) == 0)
        proving->trusted_head_found = true;
    /* The copy is only known at the end of the walk; its line is a head. */
    if (line->is_head && line->intact) {
        memcpy(proving->copy_in_log, line->hash, sizeof(line->hash));
        proving->copy_found = true;
    }
}

static enum scb_status look(void *state, const struct scb_audit_place *place,
                            struct scb_error *error)
{
    struct proving *proving = state;
    struct scb_audit_proof *proof = &proving->proof;
    proof->files = place->file_number + 1;
    if (!place->is_line) {
        add_pending(proving, place);
        return SCB_OK;
    }
    const struct scb_audit_line *line = place->line;
    bool linked = check_link(proving, place);
    if (!line->intact) {
        end_pending(proving, false);
        find(proving, place->file, place->number, true, "it was changed");
    } else if (linked) {
        end_pending(proving, true);
    }
    proof->lines++;
    if (proof->first_seq == 0)
        proof->first_seq = line->seq;
    proving->link.seq = line->seq;
    memcpy(proving->link.hash, line->hash, sizeof(line->hash));
    note_known(proving, line);
    return line->is_head && line->intact ? check_head(proving, place, error) : SCB_OK;
}

/* What the end is: torn, where the last append was interrupted; or cut, where heads say so. */
static void check_end(struct proving *proving)
{
    struct pending *last =
        proving->pending_count > 0 ? &proving->pending[proving->pending_count - 1] : NULL;
    if (last != NULL && !last->is_whole) {
        struct pending torn = *last;
        proving->pending_count--;
        proving->proof.torn++;
        end_pending(proving, proving->pending_count == 0);
        find(proving, torn.file, torn.number, false, "torn by a crash while it was written");
    }
    end_pending(proving, false);
    uint64_t copy = proving->copy.seq;
    if (copy > proving->link.seq)
        find(proving, "", 0, true,
             "the log is cut: it ends with seq %" PRIu64 ", its last head was seq %" PRIu64,
             proving->link.seq, copy);
    else if (copy > 0 && (!proving->copy_found ||
                          memcmp(proving->copy_in_log, proving->copy.hash, SCB_SHA256_SIZE) != 0))
        find(proving, "", 0, true,
             "the last head (seq %" PRIu64 ") is not in the log as it was kept beside it", copy);
    if (proving->trust->head != NULL && !proving->trusted_head_found)
        find(proving, "", 0, true,
             "the head that was given is not in the log: it was cut or written anew before it");
}

/* A log that is gone is no log that never was. */
static enum scb_status check_gone(const char *path, struct scb_error *error)
{
    char copy[PATH_MAX];
    (void)snprintf(copy, sizeof(copy), "%s.head", path);
    if (access(copy, F_OK) == 0)
        return scb_error_set(error, SCB_ERROR_INTEGRITY,
                             "audit log %s is gone: its last head, %s.head, is there", path, path);
    (void)scb_error_set(error, SCB_ERROR_NOT_FOUND, "there is no audit log %s", path);
    return scb_error_hint(error, "the first operation that changes something begins it");
}

enum scb_status scb_audit_verify(const char *path, const struct scb_audit_trust *trust,
                                 void (*tell)(void *state, const struct scb_audit_finding *finding),
                                 void *state, struct scb_audit_proof *ret_proof,
                                 struct scb_error *error)
{
    struct proving proving = {.trust = trust, .tell = tell, .state = state};
    enum scb_status status = scb_audit_walk(path, look, &proving, &proving.copy, error);
    if (status == SCB_ERROR_NOT_FOUND)
        return check_gone(path, error);
    if (status != SCB_OK)
        return status;
    check_end(&proving);
    proving.proof.last_seq = proving.link.seq;
    memcpy(proving.proof.last_hash, proving.link.hash, SCB_SHA256_SIZE);
    *ret_proof = proving.proof;
    if (proving.proof.broken == 0)
        return SCB_OK;
    (void)scb_error_set(error, SCB_ERROR_INTEGRITY, "audit log %s: %s", path, proving.first);
    return scb_error_hint(error, "keep its files as they are; compare them with copies and with "
                                 "the heads in the log that is kept elsewhere");
}
