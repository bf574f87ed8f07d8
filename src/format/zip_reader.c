/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <zip.h>

#include "base/memory.h"
#include "format/zip.h"

struct scb_zip_reader {
    zip_t *zip;
    zip_file_t *file;  /* the open entry */
    const char *name;  /* libzip's */
    uint64_t said;     /* how many bytes it inflates to by the directory */
    uint64_t max_size; /* how many it may */
    uint64_t size;     /* how many it has */
};

static enum scb_status damaged(const char *what, const char *why, struct scb_error *error)
{
    (void)scb_error_set(error, SCB_ERROR_INTEGRITY, "archive: %s is damaged: %s", what, why);
    (void)scb_error_hint(error, "take the archive from another copy");
    return SCB_ERROR_INTEGRITY;
}

/* What libzip reports means a damaged archive, unless it was the machine that failed. */
static enum scb_status failed(zip_error_t *failure, const char *what, struct scb_error *error)
{
    int code = zip_error_code_zip(failure);
    if (code == ZIP_ER_MEMORY)
        return scb_error_set(error, SCB_ERROR_RESOURCE, "archive: no memory to read %s", what);
    /* A seek that fails went to where the archive itself said. */
    if (zip_error_system_type(failure) == ZIP_ET_SYS && code != ZIP_ER_SEEK)
        return scb_error_set_errno(error, SCB_ERROR_FILE, zip_error_code_system(failure),
                                   "archive: %s not read", what);
    return damaged(what, zip_error_strerror(failure), error);
}

/* A stream of its own on fd's file, and libzip's archive on that. */
static enum scb_status open_archive(int fd, zip_t **ret_zip, struct scb_error *error)
{
    int duplicate = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    FILE *file = duplicate < 0 ? NULL : fdopen(duplicate, "rb");
    if (file == NULL) {
        int errnum = errno;
        if (duplicate >= 0)
            (void)close(duplicate);
        return scb_error_set_errno(error, SCB_ERROR_FILE, errnum, "archive not opened");
    }
    zip_error_t failure;
    zip_error_init(&failure);
    zip_source_t *source = zip_source_filep_create(file, 0, -1, &failure);
    if (source == NULL)
        (void)fclose(file);
    zip_t *zip = source == NULL ? NULL : zip_open_from_source(source, ZIP_RDONLY, &failure);
    enum scb_status status = SCB_OK;
    if (zip == NULL) {
        zip_source_free(source); /* NULL does nothing */
        status = failed(&failure, "its directory", error);
    }
    zip_error_fini(&failure);
    if (status == SCB_OK)
        *ret_zip = zip;
    return status;
}

enum scb_status scb_zip_reader_new(int fd, struct scb_zip_reader **ret_reader,
                                   struct scb_error *error)
{
    struct scb_zip_reader *reader = scb_alloc(1, sizeof(*reader), error);
    if (reader == NULL)
        return SCB_ERROR_RESOURCE;
    enum scb_status status = open_archive(fd, &reader->zip, error);
    /* libzip takes an empty file for an empty archive. */
    if (status == SCB_OK && zip_get_num_entries(reader->zip, 0) == 0)
        status = damaged("its directory", "it has no entries", error);
    if (status == SCB_OK)
        *ret_reader = reader;
    else
        scb_zip_reader_free(reader);
    return status;
}

static void close_entry(struct scb_zip_reader *reader)
{
    if (reader->file != NULL)
        (void)zip_fclose(reader->file);
    reader->file = NULL;
}

void scb_zip_reader_free(struct scb_zip_reader *reader)
{
    if (reader == NULL)
        return;
    close_entry(reader);
    if (reader->zip != NULL)
        zip_discard(reader->zip);
    free(reader);
}

static enum scb_status too_large(const struct scb_zip_reader *reader, struct scb_error *error)
{
    (void)scb_error_set(error, SCB_ERROR_RESOURCE,
                        "archive: %s inflates to more than %" PRIu64 " bytes", reader->name,
                        reader->max_size);
    (void)scb_error_hint(error, "the archive is damaged or forged; take it from another copy");
    return SCB_ERROR_RESOURCE;
}

static enum scb_status entry_read(void *state, void *data, size_t size, size_t *ret_size,
                                  struct scb_error *error)
{
    struct scb_zip_reader *reader = state;
    zip_int64_t got = zip_fread(reader->file, data, size);
    if (got < 0)
        return failed(zip_file_get_error(reader->file), reader->name, error);
    reader->size += (uint64_t)got;
    if (reader->size > reader->max_size)
        return too_large(reader, error);
    if (got == 0 && reader->size != reader->said) /* which libzip does not check */
        return damaged(reader->name, "its size is not that of the directory", error);
    *ret_size = (size_t)got;
    return SCB_OK;
}

enum scb_status scb_zip_reader_open(struct scb_zip_reader *reader, const char *name,
                                    uint64_t max_size, struct scb_input *ret_input,
                                    struct scb_error *error)
{
    close_entry(reader);
    reader->max_size = max_size;
    reader->size = 0;
    zip_int64_t index = zip_name_locate(reader->zip, name, 0);
    if (index < 0)
        return scb_error_set(error, SCB_ERROR_NOT_FOUND, "archive: there is no %s in it", name);
    zip_stat_t stat;
    zip_stat_init(&stat);
    if (zip_stat_index(reader->zip, (zip_uint64_t)index, 0, &stat) != 0)
        return failed(zip_get_error(reader->zip), name, error);
    reader->name = stat.name;
    reader->said = stat.size;
    if (stat.size > max_size)
        return too_large(reader, error);
    reader->file = zip_fopen_index(reader->zip, (zip_uint64_t)index, 0);
    if (reader->file == NULL)
        return failed(zip_get_error(reader->zip), name, error);
    *ret_input = (struct scb_input){entry_read, reader};
    return SCB_OK;
}
