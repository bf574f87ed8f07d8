/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where the chain ends: the last line, in the present file or the newest one before it, and the
 * copy of the last head.
 */
#include "access/audit_file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"

enum {
    WINDOW = 512 * 1024, /* in which the last line is looked for */
    MAX_OLDER = 100000,
};

#define HEAD_SUFFIX ".head"

/* The number behind "<name>.", or 0 where that is no such file. */
static uint64_t number_of(const struct scb_audit_file *file, const char *entry)
{
    size_t length = strlen(file->name);
    uint64_t number = 0;
    bool older = strncmp(entry, file->name, length) == 0 && entry[length] == '.' &&
                 entry[length + 1] != '0' &&
                 scb_text_parse_u64(entry + length + 1, &number, NULL) == SCB_OK;
    return older ? number : 0;
}

static int by_number(const void *a, const void *b)
{
    uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;
    return left < right ? -1 : left > right;
}

static enum scb_status list(DIR *dir, const struct scb_audit_file *file, uint64_t **numbers,
                            size_t *count, struct scb_error *error)
{
    const struct dirent *entry = NULL;
    while (errno = 0, (entry = readdir(dir)) != NULL) {
        uint64_t number = number_of(file, entry->d_name);
        if (number == 0)
            continue;
        if (*count == MAX_OLDER)
            return scb_error_set(error, SCB_ERROR_RESOURCE, "%s has more than %d older files",
                                 file->path, MAX_OLDER);
        if ((*count & (*count - 1)) == 0) {
            uint64_t *grown =
                scb_realloc(*numbers, *count == 0 ? 1 : 2 * *count, sizeof(*grown), error);
            if (grown == NULL)
                return SCB_ERROR_RESOURCE;
            *numbers = grown;
        }
        (*numbers)[(*count)++] = number;
    }
    return errno == 0 ? SCB_OK
                      : scb_error_set_errno(error, SCB_ERROR_FILE, errno,
                                            "directory of %s not read", file->path);
}

enum scb_status scb_audit_file_older(const struct scb_audit_file *file, uint64_t **ret_numbers,
                                     size_t *ret_count, struct scb_error *error)
{
    int fd = openat(file->dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    if (dir == NULL) {
        int failed = errno;
        scb_fd_cleanup(&fd);
        return scb_error_set_errno(error, SCB_ERROR_FILE, failed, "directory of %s not read",
                                   file->path);
    }
    uint64_t *numbers = NULL;
    size_t count = 0;
    enum scb_status status = list(dir, file, &numbers, &count, error);
    (void)closedir(dir);
    if (status != SCB_OK) {
        free(numbers);
        return status;
    }
    if (count > 0)
        qsort(numbers, count, sizeof(*numbers), by_number);
    *ret_numbers = numbers;
    *ret_count = count;
    return SCB_OK;
}

void scb_audit_file_older_name(const struct scb_audit_file *file, uint64_t number,
                               char ret_name[NAME_MAX + 1])
{
    (void)snprintf(ret_name, NAME_MAX + 1, "%.200s.%" PRIu64, file->name, number);
}

/* The last line among the bytes; *ret_found is false where there is none. */
static enum scb_status last_in(struct scb_bytes bytes, bool *ret_found, struct scb_audit_end *end,
                               struct scb_error *error)
{
    size_t size = bytes.size;
    *ret_found = false;
    while (size > 0) {
        if (bytes.data[size - 1] == '\n')
            size--;
        const uint8_t *before = size == 0 ? NULL : memrchr(bytes.data, '\n', size);
        size_t begin = before == NULL ? 0 : (size_t)(before - bytes.data) + 1;
        SCB_AUTO(audit_line) struct scb_audit_line line = {0};
        enum scb_status status = scb_audit_line_read(
            (struct scb_bytes){bytes.data + begin, size - begin}, ret_found, &line, error);
        if (status != SCB_OK)
            return status;
        if (*ret_found) {
            end->link.seq = line.seq;
            memcpy(end->link.hash, line.hash, sizeof(line.hash));
            end->is_head = line.is_head;
            return SCB_OK;
        }
        size = begin;
    }
    return SCB_OK;
}

/* The last line of a file of which so much counts. */
static enum scb_status last_of(int fd, const char *name, off_t size, bool *ret_found,
                               struct scb_audit_end *end, struct scb_error *error)
{
    /* A line or two mostly; all that is looked at only where a crash has left more. */
    for (size_t window = 4096;; window = WINDOW) {
        size_t wanted = (uint64_t)size < window ? (size_t)size : window;
        SCB_AUTO(buffer) struct scb_buffer bytes = {.max = WINDOW};
        enum scb_status status = scb_buffer_reserve(&bytes, wanted, error);
        if (status == SCB_OK)
            status = scb_file_read_at(fd, name, (uint64_t)size - wanted, bytes.data, wanted,
                                      &bytes.size, error);
        if (status == SCB_OK)
            status = last_in(scb_buffer_bytes(&bytes), ret_found, end, error);
        if (bytes.size > 0)
            end->is_torn = bytes.data[bytes.size - 1] != '\n';
        if (status != SCB_OK || *ret_found || wanted == (size_t)size)
            return status;
        if (window == WINDOW) {
            (void)scb_error_set(error, SCB_ERROR_INTEGRITY, "%s: its last %d bytes are no lines",
                                name, WINDOW);
            return scb_error_hint(error, "move it away, keep it, and look for who has written it");
        }
    }
}

/* The last line of the newest file before the present one. */
static enum scb_status last_older(const struct scb_audit_file *file, bool *ret_found,
                                  struct scb_audit_end *end, struct scb_error *error)
{
    SCB_AUTO(memory) uint64_t *numbers = NULL;
    size_t count = 0;
    enum scb_status status = scb_audit_file_older(file, &numbers, &count, error);
    if (status != SCB_OK || count == 0)
        return status;
    char name[NAME_MAX + 1];
    struct stat about = {0};
    SCB_AUTO(fd) int fd = -1;
    scb_audit_file_older_name(file, numbers[count - 1], name);
    status = scb_file_open(file->dir_fd, name, O_RDONLY, 0, &fd, error);
    if (status == SCB_OK && fstat(fd, &about) != 0)
        status = scb_error_set_errno(error, SCB_ERROR_FILE, errno, "%s not looked at", name);
    bool torn = end->is_torn;
    if (status == SCB_OK)
        status = last_of(fd, name, about.st_size, ret_found, end, error);
    end->is_torn = torn;
    return status;
}

enum scb_status scb_audit_file_end(const struct scb_audit_file *file, struct scb_audit_end *ret_end,
                                   struct scb_error *error)
{
    struct scb_audit_end end = {0};
    struct scb_audit_link head = {0};
    bool found = false, kept = false;
    enum scb_status status = last_of(file->fd, file->path, file->size, &found, &end, error);
    if (status == SCB_OK && !found)
        status = last_older(file, &found, &end, error);
    if (status == SCB_OK)
        status = scb_audit_file_head(file, &kept, &head, error);
    if (status != SCB_OK)
        return status;
    if (kept && head.seq > end.link.seq) {
        end.link = head;
        end.is_head = false;
    }
    *ret_end = end;
    return SCB_OK;
}

static void head_name(const struct scb_audit_file *file, char ret_name[NAME_MAX + 1])
{
    (void)snprintf(ret_name, NAME_MAX + 1, "%.200s" HEAD_SUFFIX, file->name);
}

enum scb_status scb_audit_file_head(const struct scb_audit_file *file, bool *ret_found,
                                    struct scb_audit_link *ret_link, struct scb_error *error)
{
    char name[NAME_MAX + 1];
    struct scb_error problem = {0};
    SCB_AUTO(buffer) struct scb_buffer text = {.max = SCB_AUDIT_MAX_LINE};
    head_name(file, name);
    *ret_found = false;
    if (scb_file_read_all(file->dir_fd, name, &text, &problem) != SCB_OK || text.size == 0)
        return SCB_OK;
    SCB_AUTO(audit_line) struct scb_audit_line line = {0};
    enum scb_status status =
        scb_audit_line_read((struct scb_bytes){text.data, text.size - 1}, ret_found, &line, error);
    *ret_found = status == SCB_OK && *ret_found && line.intact;
    if (*ret_found) {
        ret_link->seq = line.seq;
        memcpy(ret_link->hash, line.hash, sizeof(line.hash));
    }
    return status;
}

enum scb_status scb_audit_file_keep_head(const struct scb_audit_file *file, struct scb_bytes line,
                                         struct scb_error *error)
{
    struct scb_durable_file copy;
    struct stat about;
    char name[NAME_MAX + 1];
    head_name(file, name);
    enum scb_status status = scb_durable_open(&copy, file->dir_fd, name, 0600, error);
    if (status != SCB_OK)
        return status;
    status = scb_durable_write(&copy, line.data, line.size, error);
    /* As the log itself, whoever runs this. */
    if (status == SCB_OK && geteuid() == 0 &&
        (fstat(file->fd, &about) != 0 || fchown(copy.fd, about.st_uid, about.st_gid) != 0))
        status = scb_error_set_errno(error, SCB_ERROR_FILE, errno, "%s not given away", name);
    if (status == SCB_OK)
        return scb_durable_commit(&copy, error);
    scb_durable_abort(&copy);
    return status;
}
