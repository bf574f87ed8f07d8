/* SPDX-License-Identifier: Apache-2.0 */
#include "scb/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

const char *scb_status_name(enum scb_status status)
{
    switch (status) {
    case SCB_OK:
        return "OK";
#define SCB_ERROR_TYPE(constant, code, name, meaning)                                              \
    case SCB_ERROR_##constant:                                                                     \
        return name;
#include "scb/errors.def"
#undef SCB_ERROR_TYPE
    }
    return "InternalError";
}

const char *scb_status_meaning(enum scb_status status)
{
    switch (status) {
    case SCB_OK:
        return "done";
#define SCB_ERROR_TYPE(constant, code, name, meaning)                                              \
    case SCB_ERROR_##constant:                                                                     \
        return meaning;
#include "scb/errors.def"
#undef SCB_ERROR_TYPE
    }
    return "unknown";
}

SCB_PRINTF(3, 0)
static enum scb_status set(struct scb_error *error, enum scb_status status, const char *format,
                           va_list arguments)
{
    if (error != NULL) {
        /* The arguments may point into the error itself. */
        struct scb_error fresh = {.status = status};
        (void)vsnprintf(fresh.message, sizeof(fresh.message), format, arguments);
        *error = fresh;
    }
    return status;
}

enum scb_status scb_error_set(struct scb_error *error, enum scb_status status, const char *format,
                              ...)
{
    va_list arguments;
    va_start(arguments, format);
    set(error, status, format, arguments);
    va_end(arguments);
    return status;
}

enum scb_status scb_error_set_errno(struct scb_error *error, enum scb_status status, int errnum,
                                    const char *format, ...)
{
    bool full = errnum == ENOSPC || errnum == EDQUOT;
    if (full || errnum == ENOMEM)
        status = SCB_ERROR_RESOURCE;
    va_list arguments;
    va_start(arguments, format);
    set(error, status, format, arguments);
    va_end(arguments);
    if (error != NULL) {
        size_t used = strlen(error->message);
        (void)snprintf(error->message + used, sizeof(error->message) - used, ": %s",
                       strerrordesc_np(errnum) != NULL ? strerrordesc_np(errnum) : "unknown error");
        if (full)
            (void)scb_error_hint(error, "free disk space or move backup.backup_dir");
        if (errnum == ENOMEM)
            (void)scb_error_hint(error, "give the process more memory");
        if (errnum == EMFILE || errnum == ENFILE) {
            error->retryable = true;
            (void)scb_error_hint(error, "raise the limit of open files (ulimit -n)");
        }
    }
    return status;
}

enum scb_status scb_error_hint(struct scb_error *error, const char *format, ...)
{
    if (error == NULL)
        return SCB_ERROR_INTERNAL;
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(error->hint, sizeof(error->hint), format, arguments);
    va_end(arguments);
    return error->status;
}

enum scb_status scb_error_wrap(struct scb_error *error, const char *format, ...)
{
    if (error == NULL)
        return SCB_ERROR_INTERNAL;
    char whole[sizeof(error->message)];
    va_list arguments;
    va_start(arguments, format);
    int used = vsnprintf(whole, sizeof(whole), format, arguments);
    va_end(arguments);
    if (used >= 0 && (size_t)used < sizeof(whole) &&
        snprintf(whole + used, sizeof(whole) - (size_t)used, ": %s", error->message) > 0)
        memcpy(error->message, whole, sizeof(whole));
    return error->status;
}
