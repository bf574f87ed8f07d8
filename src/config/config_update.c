/* SPDX-License-Identifier: Apache-2.0 */
#include "config/config_update.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/durable_apart.h"
#include "base/memory.h"
#include "config/config_edit.h"
#include "config/settings.h"

enum { MAX_TEXT = 1024 * 1024 };

static bool is_file_secret(const struct scb_config_change *change)
{
    return (scb_settings[change->index].flags & SCB_SETTING_SECRET) != 0 &&
           strncmp(change->value, "file:", 5) == 0;
}

/* Checks each value by itself, before anything is said of the file; wanted holds them then. */
static enum scb_status check_values(const struct scb_config_update *update,
                                    struct scb_config *wanted, struct scb_error *error)
{
    enum scb_status status = SCB_OK;
    for (size_t i = 0; i < update->count && status == SCB_OK; i++) {
        const struct scb_config_change *change = &update->changes[i];
        if (!is_file_secret(change))
            status = scb_config_set(wanted, scb_settings[change->index].name, change->value,
                                    change->flag, error);
    }
    return status;
}

/* The last of several changes of one setting counts, as on every command line. */
static const struct scb_config_change *change_of(const struct scb_config_update *update,
                                                 size_t index)
{
    for (size_t i = update->count; i > 0; i--)
        if (update->changes[i - 1].index == index)
            return &update->changes[i - 1];
    return NULL;
}

static enum scb_status edit_all(struct scb_bytes text, const struct scb_config_update *update,
                                struct scb_buffer *out, struct scb_error *error)
{
    SCB_AUTO(buffer) struct scb_buffer old = {.max = MAX_TEXT};
    enum scb_status status = scb_buffer_append(out, text.data, text.size, error);
    for (size_t i = 0; i < update->count && status == SCB_OK; i++) {
        const struct scb_config_change *change = &update->changes[i];
        if (change_of(update, change->index) != change)
            continue;
        const struct scb_setting *setting = &scb_settings[change->index];
        SCB_AUTO(texts) struct scb_texts value = {0};
        status = is_file_secret(change)
                     ? scb_texts_add(&value, change->value, strlen(change->value), error)
                     : scb_texts_add_value(&value, setting, change->value, ",", error);
        scb_buffer_clear(&old);
        if (status == SCB_OK)
            status = scb_buffer_append(&old, out->data, out->size, error);
        scb_buffer_clear(out);
        if (status == SCB_OK)
            status = scb_config_edit(scb_buffer_bytes(&old), change->index, &value, out, error);
    }
    return status;
}

static enum scb_status load(struct scb_bytes text, const char *path, struct scb_config **ret_config,
                            struct scb_error *error)
{
    enum scb_status status = scb_config_new(ret_config, error);
    return status == SCB_OK ? scb_config_load_text(*ret_config, text, path, error) : status;
}

/* Whether after is before (NULL: not known) but for the changes, which wanted has. */
static enum scb_status compare(const struct scb_config *before, const struct scb_config *after,
                               const struct scb_config *wanted,
                               const struct scb_config_update *update, struct scb_error *error)
{
    for (size_t i = 0; i < SCB_SETTING_COUNT; i++) {
        const struct scb_config_change *change = change_of(update, i);
        const struct scb_config *other = change == NULL ? before : wanted;
        if (other == NULL || (change != NULL && is_file_secret(change)) ||
            scb_config_same_value(other, after, i))
            continue;
        scb_error_set(error, SCB_ERROR_VALIDATION,
                      "%s would not be what it should be in the changed file",
                      scb_settings[i].name);
        return scb_error_hint(error, "change the file by hand; it is as it was");
    }
    return SCB_OK;
}

static enum scb_status prove(struct scb_bytes old_text, struct scb_bytes new_text,
                             const struct scb_config *wanted,
                             const struct scb_config_update *update, struct scb_error *error)
{
    struct scb_config *before = NULL, *after = NULL;
    struct scb_error none = {0};
    bool was_read = load(old_text, update->path, &before, &none) == SCB_OK;
    enum scb_status status = load(new_text, update->path, &after, error);
    if (status == SCB_OK)
        status = compare(was_read ? before : NULL, after, wanted, update, error);
    const scb_config_checker *check = update->checks;
    for (; *check != NULL && was_read && status == SCB_OK; check++)
        if ((*check)(before, &none) == SCB_OK)
            status = (*check)(after, error);
    scb_config_free(before);
    scb_config_free(after);
    return status;
}

enum scb_status scb_config_update_text(struct scb_bytes text,
                                       const struct scb_config_update *update,
                                       struct scb_buffer *out, struct scb_error *error)
{
    struct scb_config *wanted = NULL;
    enum scb_status status = scb_config_new(&wanted, error);
    if (status == SCB_OK)
        status = check_values(update, wanted, error);
    if (status == SCB_OK) {
        status = edit_all(text, update, out, error);
        if (status != SCB_OK)
            (void)scb_error_wrap(error, "%s", update->path);
    }
    if (status == SCB_OK)
        status = prove(text, scb_buffer_bytes(out), wanted, update, error);
    scb_config_free(wanted);
    return status;
}

/* --- the file --- */

/* The file itself, which a link of the operator's may only point to. */
static enum scb_status find_file(const char *path, char **ret_path, struct scb_error *error)
{
    char *real = realpath(path, NULL);
    if (real == NULL) {
        scb_error_set_errno(error, SCB_ERROR_FILE, errno, "configuration file '%s'", path);
        return scb_error_hint(error, "write one with satellite backup config init FILE");
    }
    *ret_path = real;
    if (strstr(real, "/..") == NULL)
        return SCB_OK;
    scb_error_set(error, SCB_ERROR_VALIDATION, "'%s' is of a Kubernetes mount ('%s')", path, real);
    return scb_error_hint(error, "change the ConfigMap or Secret; the service takes it over");
}

/* One update at a time: whoever waited for the lock may hold a file that is replaced by then. */
static enum scb_status open_locked(int dir_fd, const char *name, int *ret_fd, struct stat *ret_stat,
                                   struct scb_error *error)
{
    for (;;) {
        struct stat there;
        int fd = -1;
        enum scb_status status = scb_file_open(dir_fd, name, O_RDONLY, 0, &fd, error);
        if (status != SCB_OK)
            return status;
        *ret_fd = fd;
        if (flock(fd, LOCK_EX) != 0 || fstat(fd, ret_stat) != 0 ||
            fstatat(dir_fd, name, &there, AT_SYMLINK_NOFOLLOW) != 0)
            return scb_error_set_errno(error, SCB_ERROR_FILE, errno, "file '%s'", name);
        if (!S_ISREG(ret_stat->st_mode))
            return scb_error_set(error, SCB_ERROR_VALIDATION, "'%s' is not a file", name);
        if (there.st_dev == ret_stat->st_dev && there.st_ino == ret_stat->st_ino)
            return SCB_OK;
        *ret_fd = -1;
        (void)close(fd);
    }
}

static enum scb_status write_file(int dir_fd, const char *name, const struct stat *as,
                                  const struct scb_buffer *text, struct scb_error *error)
{
    struct scb_durable_file file;
    enum scb_status status = scb_durable_open_apart(&file, dir_fd, name, 0600, error);
    if (status != SCB_OK)
        return status;
    if (fchown(file.fd, as->st_uid, as->st_gid) != 0 || fchmod(file.fd, as->st_mode & 07777) != 0) {
        status = scb_error_set_errno(error, SCB_ERROR_FILE, errno,
                                     "owner and mode of '%s' cannot be kept", name);
        (void)scb_error_hint(error, "do it as its owner, or as root");
    }
    if (status == SCB_OK)
        status = scb_durable_write(&file, text->data, text->size, error);
    if (status != SCB_OK) {
        scb_durable_abort(&file);
        return status;
    }
    return scb_durable_commit(&file, error);
}

static enum scb_status update_in(int dir_fd, const char *name,
                                 const struct scb_config_update *update, bool *ret_changed,
                                 struct scb_error *error)
{
    SCB_AUTO(fd) int fd = -1;
    struct stat as;
    SCB_AUTO(buffer) struct scb_buffer text = {.max = MAX_TEXT};
    SCB_AUTO(buffer) struct scb_buffer changed = {.max = MAX_TEXT + 256 * 1024};
    enum scb_status status = open_locked(dir_fd, name, &fd, &as, error);
    if (status == SCB_OK)
        status = scb_file_read_all(dir_fd, name, &text, error);
    if (status == SCB_OK)
        status = scb_config_update_text(scb_buffer_bytes(&text), update, &changed, error);
    *ret_changed = status == SCB_OK &&
                   (text.size != changed.size || memcmp(text.data, changed.data, text.size) != 0);
    if (*ret_changed)
        status = write_file(dir_fd, name, &as, &changed, error);
    if (text.data != NULL)
        scb_wipe(text.data, text.capacity);
    if (changed.data != NULL)
        scb_wipe(changed.data, changed.capacity);
    return status;
}

enum scb_status scb_config_update_file(const struct scb_config_update *update, bool *ret_changed,
                                       struct scb_error *error)
{
    SCB_AUTO(string) char *real = NULL;
    enum scb_status status = find_file(update->path, &real, error);
    if (status != SCB_OK)
        return status;
    char *slash = strrchr(real, '/');
    *slash = '\0';
    SCB_AUTO(fd) int dir_fd = -1;
    status = scb_dir_open(slash == real ? "/" : real, false, 0, &dir_fd, error);
    return status == SCB_OK ? update_in(dir_fd, slash + 1, update, ret_changed, error) : status;
}
