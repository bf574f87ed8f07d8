/* SPDX-License-Identifier: Apache-2.0 */
#include "access/audit_walk.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "access/audit_file.h"
#include "base/file.h"
#include "base/memory.h"

enum { READ_SIZE = 64 * 1024, KEPT = SCB_AUDIT_MAX_LINE + READ_SIZE };

/* A file that is walked over, up to where it ended at the begin. */
struct walk {
    struct scb_audit_place place;
    struct scb_buffer text; /* what was read and not yet visited */
    bool skipping;          /* the rest of a line that is too long */
    scb_audit_visitor visit;
    void *state;
};

static enum scb_status visit_line(struct walk *walk, struct scb_bytes text, bool is_whole,
                                  struct scb_error *error)
{
    SCB_AUTO(audit_line) struct scb_audit_line line = {0};
    struct scb_audit_place *place = &walk->place;
    place->number++;
    place->text = text;
    place->is_whole = is_whole;
    enum scb_status status = scb_audit_line_read(text, &place->is_line, &line, error);
    place->line = place->is_line ? &line : NULL;
    if (status == SCB_OK)
        status = walk->visit(walk->state, place, error);
    place->line = NULL;
    return status;
}

/* Visits the lines that are whole; what is left over begins the next one. */
static enum scb_status visit_whole(struct walk *walk, struct scb_error *error)
{
    struct scb_buffer *text = &walk->text;
    size_t done = 0;
    enum scb_status status = SCB_OK;
    const uint8_t *end = NULL;
    while (status == SCB_OK && done < text->size &&
           (end = memchr(text->data + done, '\n', text->size - done)) != NULL) {
        size_t size = (size_t)(end - text->data) - done;
        if (!walk->skipping)
            status = visit_line(walk, (struct scb_bytes){text->data + done, size}, true, error);
        walk->skipping = false;
        done += size + 1;
    }
    if (done > 0)
        memmove(text->data, text->data + done, text->size - done);
    text->size -= done;
    if (status == SCB_OK && text->size >= SCB_AUDIT_MAX_LINE) {
        if (!walk->skipping)
            status = visit_line(walk, scb_buffer_bytes(text), true, error);
        walk->skipping = true;
        text->size = 0;
    }
    return status;
}

static enum scb_status walk_file(struct walk *walk, int fd, const char *name, uint64_t size,
                                 struct scb_error *error)
{
    uint64_t at = 0;
    enum scb_status status = SCB_OK;
    walk->place.file = name;
    walk->place.number = 0;
    walk->skipping = false;
    walk->text.size = 0;
    while (status == SCB_OK && at < size) {
        size_t got = 0, wanted = size - at < READ_SIZE ? (size_t)(size - at) : READ_SIZE;
        status = scb_buffer_reserve(&walk->text, wanted, error);
        if (status == SCB_OK)
            status = scb_file_read_at(fd, name, at, walk->text.data + walk->text.size, wanted, &got,
                                      error);
        if (status != SCB_OK || got == 0)
            break;
        at += got;
        walk->text.size += got;
        status = visit_whole(walk, error);
    }
    if (status == SCB_OK && walk->text.size > 0 && !walk->skipping)
        status = visit_line(walk, scb_buffer_bytes(&walk->text), false, error);
    walk->place.file_number++;
    walk->place.file = NULL;
    return status;
}

static enum scb_status walk_older(struct walk *walk, const struct scb_audit_file *file,
                                  uint64_t number, struct scb_error *error)
{
    char name[NAME_MAX + 1];
    struct stat about;
    SCB_AUTO(fd) int fd = -1;
    scb_audit_file_older_name(file, number, name);
    enum scb_status status = scb_file_open(file->dir_fd, name, O_RDONLY, 0, &fd, error);
    if (status == SCB_OK && fstat(fd, &about) != 0)
        status = scb_error_set_errno(error, SCB_ERROR_FILE, errno, "%s not looked at", name);
    return status == SCB_OK ? walk_file(walk, fd, name, (uint64_t)about.st_size, error) : status;
}

enum scb_status scb_audit_walk(const char *path, scb_audit_visitor visit, void *state,
                               struct scb_audit_link *ret_head, struct scb_error *error)
{
    SCB_AUTO(audit_file) struct scb_audit_file file = {.dir_fd = -1, .fd = -1};
    SCB_AUTO(memory) uint64_t *older = NULL;
    size_t count = 0;
    bool found = false;
    struct scb_audit_link head = {0};
    /* Locked only while it is looked what there is: who appends must not wait for a reader. */
    enum scb_status status = scb_audit_file_open(path, SCB_AUDIT_READ, &file, error);
    if (status == SCB_OK)
        status = scb_audit_file_older(&file, &older, &count, error);
    if (status == SCB_OK)
        status = scb_audit_file_head(&file, &found, &head, error);
    if (status != SCB_OK)
        return status;
    const struct flock whole = {.l_type = F_UNLCK, .l_whence = SEEK_SET};
    (void)fcntl(file.fd, F_OFD_SETLK, &whole);
    struct walk walk = {.visit = visit, .state = state, .text = {.max = KEPT}};
    for (size_t i = 0; i < count && status == SCB_OK; i++)
        status = walk_older(&walk, &file, older[i], error);
    if (status == SCB_OK)
        status = walk_file(&walk, file.fd, file.name, (uint64_t)file.size, error);
    scb_buffer_free(&walk.text);
    if (status == SCB_OK && ret_head != NULL)
        *ret_head = head;
    return status;
}
