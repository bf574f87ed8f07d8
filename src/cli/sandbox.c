/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/sandbox.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/sandbox.h"

/* Programs, libraries, name resolution, certificates, secrets that are mounted. */
static const char *const system_paths[] = {"/bin", "/etc",  "/lib", "/lib32", "/lib64", "/nix",
                                           "/opt", "/proc", "/run", "/sbin",  "/sys",   "/usr"};

/* Of files: their directories are read, since those who replace a file do so by its name. */
static const char *const read_settings[] = {"contract.ca_file",    "encryption.identity_file",
                                            "identity.cert_path",  "identity.key_path",
                                            "notify.ca_file",      "server.tls_cert_path",
                                            "server.tls_key_path", "server.tls_client_ca_path"};

struct paths {
    struct scb_sandbox_path list[SCB_SANDBOX_MAX_PATHS];
    char *owned[SCB_SANDBOX_MAX_PATHS];
    size_t count;
};

static void paths_cleanup(struct paths *paths)
{
    for (size_t i = 0; i < paths->count; i++)
        free(paths->owned[i]);
}

/* The directory that a path's last part stands in, to be freed. */
static char *directory_of(const char *path, struct scb_error *error)
{
    const char *slash = strrchr(path, '/');
    if (slash == NULL)
        return scb_strdup(".", error);
    return scb_format(error, "%.*s", slash == path ? 1 : (int)(slash - path), path);
}

/* Takes path over. */
static enum scb_status add(struct paths *paths, char *path, bool writable, struct scb_error *error)
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

/* A directory that the first backup makes is made in the nearest one that there is. */
static enum scb_status add_written(struct paths *paths, const char *directory,
                                   struct scb_error *error)
{
    struct stat about;
    char *path = scb_strdup(directory, error);
    while (path != NULL && stat(path, &about) != 0 && strcmp(path, "/") != 0 &&
           strcmp(path, ".") != 0) {
        char *parent = directory_of(path, error);
        free(path);
        path = parent;
    }
    return add(paths, path, true, error);
}

static enum scb_status add_directory_of(struct paths *paths, const char *file, bool writable,
                                        struct scb_error *error)
{
    if (file == NULL || file[0] == '\0')
        return SCB_OK;
    SCB_AUTO(string) char *directory = directory_of(file, error);
    if (directory == NULL)
        return SCB_ERROR_RESOURCE;
    return writable ? add_written(paths, directory, error)
                    : add(paths, SCB_TAKE(directory), false, error);
}

static enum scb_status add_database(struct paths *paths, const char *url, struct scb_error *error)
{
    static const char scheme[] = "sqlite://";
    if (strncmp(url, scheme, strlen(scheme)) != 0)
        return SCB_OK;
    SCB_AUTO(string) char *path = scb_strdup(url + strlen(scheme), error);
    if (path == NULL)
        return SCB_ERROR_RESOURCE;
    path[strcspn(path, "?")] = '\0';
    return add_directory_of(paths, path, true, error);
}

/* Where the commands of a notification stand: those may be run, wherever that is. */
static enum scb_status add_commands(struct paths *paths, const char *const *entries,
                                    struct scb_error *error)
{
    enum scb_status status = SCB_OK;
    for (; *entries != NULL && status == SCB_OK; entries++) {
        if (**entries != '/')
            continue;
        SCB_AUTO(string)
        char *program = scb_format(error, "%.*s", (int)strcspn(*entries, " \t"), *entries);
        status =
            program == NULL ? SCB_ERROR_RESOURCE : add_directory_of(paths, program, false, error);
    }
    return status;
}

static enum scb_status collect(const struct scb_command_context *context, struct paths *paths,
                               struct scb_error *error)
{
    const struct scb_config *config = context->config;
    enum scb_status status =
        add_written(paths, scb_config_text(config, "backup.backup_dir"), error);
    if (status == SCB_OK)
        status = add_database(paths, scb_config_text(config, "database.url"), error);
    if (status == SCB_OK)
        status = add_directory_of(paths, scb_config_text(config, "log.file"), true, error);
    if (status == SCB_OK)
        status = add_directory_of(paths, scb_config_text(config, "audit.path"), true, error);
    if (status == SCB_OK)
        status = add(paths, scb_strdup(scb_temporary_dir(), error), true, error);
    /* /dev/null and the like; no devices are made there. */
    if (status == SCB_OK)
        status = add(paths, scb_strdup("/dev", error), true, error);
    if (status == SCB_OK)
        status = add_directory_of(paths, context->config_path, false, error);
    if (status == SCB_OK)
        status = add_commands(paths, scb_config_list(config, "notify.on_success"), error);
    if (status == SCB_OK)
        status = add_commands(paths, scb_config_list(config, "notify.on_failure"), error);
    for (size_t i = 0; i < SCB_LENGTH(read_settings) && status == SCB_OK; i++)
        status = add_directory_of(paths, scb_config_text(config, read_settings[i]), false, error);
    for (size_t i = 0; i < SCB_LENGTH(system_paths) && status == SCB_OK; i++)
        status = add(paths, scb_strdup(system_paths[i], error), false, error);
    return status;
}

static enum scb_status tell(const struct scb_command_context *context,
                            const struct scb_sandbox_result *result, struct scb_error *error)
{
    if (result->missing[0] == '\0') {
        scb_log_info(context->log, "Sandbox in force",
                     SCB_NUMBER("landlock_abi", result->landlock_abi));
        return SCB_OK;
    }
    if (strcmp(scb_config_text(context->config, "backup.sandbox"), "require") == 0) {
        (void)scb_error_set(error, SCB_ERROR_VALIDATION, "no sandbox: %s", result->missing);
        return scb_error_hint(error, "set backup.sandbox to auto, or use a kernel that has it");
    }
    scb_log_warn(context->log, "Sandbox not whole", SCB_TEXT("missing", result->missing));
    return SCB_OK;
}

enum scb_status scb_sandbox_service(const struct scb_command_context *context,
                                    struct scb_error *error)
{
    if (strcmp(scb_config_text(context->config, "backup.sandbox"), "off") == 0)
        return SCB_OK;
    __attribute__((cleanup(paths_cleanup))) struct paths paths = {0};
    struct scb_sandbox_result result;
    enum scb_status status = collect(context, &paths, error);
    if (status == SCB_OK)
        status = scb_sandbox_enter(paths.list, paths.count, &result, error);
    return status == SCB_OK ? tell(context, &result, error) : status;
}
