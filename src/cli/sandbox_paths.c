/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Design: of a file its directory is opened, since those who replace a file do so by its name, and
 * of a link also the directory that it leads to. A file in "/" is opened by itself: it is read as
 * it was at the start, but nothing else is with it.
 */
#include "cli/sandbox_paths.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/sqlite_url.h"
#include "config/socket_path.h"

/* Programs, libraries, name resolution, secrets that are mounted; what /etc/ssl leads to (SUSE). */
static const char *const system_paths[] = {"/bin",
                                           "/etc",
                                           "/lib",
                                           "/lib32",
                                           "/lib64",
                                           "/nix",
                                           "/opt",
                                           "/proc",
                                           "/run",
                                           "/sbin",
                                           "/sys",
                                           "/usr",
                                           "/var/lib/ca-certificates"};

static const char *const read_files[] = {"contract.ca_file",    "encryption.identity_file",
                                         "identity.cert_path",  "identity.key_path",
                                         "notify.ca_file",      "server.tls_cert_path",
                                         "server.tls_key_path", "server.tls_client_ca_path"};

static const char *const written_files[] = {"log.file", "audit.path"};

void scb_sandbox_paths_cleanup(struct scb_sandbox_paths *paths)
{
    for (size_t i = 0; i < paths->count; i++)
        free(paths->owned[i]);
    paths->count = 0;
}

/* Takes path over. */
static enum scb_status add(struct scb_sandbox_paths *paths, char *path, bool writable,
                           struct scb_error *error)
{
    if (path == NULL)
        return SCB_ERROR_RESOURCE;
    if (paths->count == SCB_SANDBOX_MAX_PATHS) {
        free(path);
        return scb_error_set(error, SCB_ERROR_INTERNAL, "more paths than a sandbox takes");
    }
    paths->owned[paths->count] = path;
    paths->list[paths->count++] = (struct scb_sandbox_path){path, writable};
    return SCB_OK;
}

/* The directory that a path's last part stands in, to be freed. */
static char *directory_of(const char *path, struct scb_error *error)
{
    const char *slash = strrchr(path, '/');
    if (slash == NULL)
        return scb_strdup(".", error);
    return scb_format(error, "%.*s", slash == path ? 1 : (int)(slash - path), path);
}

static bool is_root(const char *directory)
{
    struct stat about, root;
    return stat(directory, &about) == 0 && stat("/", &root) == 0 && about.st_dev == root.st_dev &&
           about.st_ino == root.st_ino;
}

static enum scb_status add_read(struct scb_sandbox_paths *paths, const char *file,
                                struct scb_error *error)
{
    char *directory = directory_of(file, error);
    if (directory == NULL || !is_root(directory))
        return add(paths, directory, false, error);
    free(directory);
    return add(paths, scb_strdup(file, error), false, error);
}

/*
 * A directory that the first backup makes is made in the nearest one that there is. configured is
 * what needs it.
 */
static enum scb_status add_written(struct scb_sandbox_paths *paths, const char *directory,
                                   const char *configured, struct scb_error *error)
{
    struct stat about;
    char *path = scb_strdup(directory, error);
    while (path != NULL && stat(path, &about) != 0 && strcmp(path, "/") != 0 &&
           strcmp(path, ".") != 0) {
        char *parent = directory_of(path, error);
        free(path);
        path = parent;
    }
    if (path != NULL && is_root(path))
        paths->opens_all = configured;
    return add(paths, path, true, error);
}

static enum scb_status add_one_name(struct scb_sandbox_paths *paths, const char *file,
                                    const char *configured, bool writable, struct scb_error *error)
{
    if (!writable)
        return add_read(paths, file, error);
    SCB_AUTO(string) char *directory = directory_of(file, error);
    return directory == NULL ? SCB_ERROR_RESOURCE
                             : add_written(paths, directory, configured, error);
}

/* By its own name, and by that of what it is a link to. */
static enum scb_status add_file(struct scb_sandbox_paths *paths, const char *file, bool writable,
                                struct scb_error *error)
{
    if (file[0] == '\0')
        return SCB_OK;
    SCB_AUTO(string) char *real = realpath(file, NULL);
    enum scb_status status = add_one_name(paths, file, file, writable, error);
    if (status == SCB_OK && real != NULL && strcmp(real, file) != 0)
        status = add_one_name(paths, real, file, writable, error);
    return status;
}

static enum scb_status add_settings(struct scb_sandbox_paths *paths,
                                    const struct scb_config *config, const char *const *names,
                                    size_t count, bool writable, struct scb_error *error)
{
    enum scb_status status = SCB_OK;
    for (size_t i = 0; i < count && status == SCB_OK; i++)
        status = add_file(paths, scb_config_text(config, names[i]), writable, error);
    return status;
}

/* Where the commands of a notification stand: those may be run, wherever that is. */
static enum scb_status add_commands(struct scb_sandbox_paths *paths, const char *const *entries,
                                    struct scb_error *error)
{
    enum scb_status status = SCB_OK;
    for (; *entries != NULL && status == SCB_OK; entries++) {
        if (**entries != '/')
            continue;
        SCB_AUTO(string)
        char *program = scb_format(error, "%.*s", (int)strcspn(*entries, " \t"), *entries);
        status = program == NULL ? SCB_ERROR_RESOURCE : add_file(paths, program, false, error);
    }
    return status;
}

/* Where the service makes its Unix socket; the unit's runtime directory, say. */
static enum scb_status add_socket(struct scb_sandbox_paths *paths, const struct scb_config *config,
                                  struct scb_error *error)
{
    SCB_AUTO(string)
    char *path = scb_config_socket_path(config, getenv("RUNTIME_DIRECTORY"), error);
    if (path == NULL || path[0] == '\0')
        return path == NULL ? error->status : SCB_OK;
    return add_one_name(paths, path, scb_config_text(config, "server.socket"), true, error);
}

static enum scb_status add_what_is_written(struct scb_sandbox_paths *paths,
                                           const struct scb_config *config, struct scb_error *error)
{
    const char *backups = scb_config_text(config, "backup.backup_dir");
    const char *database = scb_sqlite_url_path(scb_config_text(config, "database.url"), error);
    if (database == NULL)
        return error->status;
    enum scb_status status = add_written(paths, backups, backups, error);
    if (status == SCB_OK)
        status = add_file(paths, database, true, error);
    if (status == SCB_OK)
        status = add_socket(paths, config, error);
    if (status == SCB_OK)
        status = add_settings(paths, config, written_files, SCB_LENGTH(written_files), true, error);
    if (status == SCB_OK)
        status = add(paths, scb_strdup(scb_temporary_dir(), error), true, error);
    /* /dev/null and the like; no devices are made there. */
    return status == SCB_OK ? add(paths, scb_strdup("/dev", error), true, error) : status;
}

/* All of it is read again while the service runs. */
static enum scb_status add_what_is_read(struct scb_sandbox_paths *paths,
                                        const struct scb_config *config, const char *config_path,
                                        struct scb_error *error)
{
    enum scb_status status =
        add_settings(paths, config, read_files, SCB_LENGTH(read_files), false, error);
    if (status == SCB_OK && config_path != NULL)
        status = add_file(paths, config_path, false, error);
    for (const char *const *file = scb_config_files(config); *file != NULL && status == SCB_OK;
         file++)
        status = add_file(paths, *file, false, error);
    if (status == SCB_OK)
        status = add_commands(paths, scb_config_list(config, "notify.on_success"), error);
    if (status == SCB_OK)
        status = add_commands(paths, scb_config_list(config, "notify.on_failure"), error);
    for (size_t i = 0; i < SCB_LENGTH(system_paths) && status == SCB_OK; i++)
        status = add(paths, scb_strdup(system_paths[i], error), false, error);
    return status;
}

enum scb_status scb_sandbox_paths_find(const struct scb_config *config, const char *config_path,
                                       struct scb_sandbox_paths *ret_paths, struct scb_error *error)
{
    *ret_paths = (struct scb_sandbox_paths){0};
    enum scb_status status = add_what_is_written(ret_paths, config, error);
    return status == SCB_OK ? add_what_is_read(ret_paths, config, config_path, error) : status;
}
