/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Errors as values: a status says of what kind, struct scb_error says what failed, on what, why,
 * and what to do about it. The status is also the process's exit code (errors.def).
 */
#ifndef SCB_ERROR_H
#define SCB_ERROR_H

#include <stdbool.h>

#pragma GCC visibility push(default)

#define SCB_MUST_CHECK        __attribute__((warn_unused_result))
#define SCB_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))

enum scb_status {
    SCB_OK = 0,
#define SCB_ERROR_TYPE(constant, code, name, meaning) SCB_ERROR_##constant = (code),
#include "scb/errors.def"
#undef SCB_ERROR_TYPE
};

/*
 * What a failed call leaves behind. Zero-initialise before first use; a call that succeeds does
 * not touch it. The texts hold no secret and no content of the contract.
 */
struct scb_error {
    enum scb_status status;
    bool retryable;     /* the same call may succeed later */
    bool permanent;     /* it fails until a setting, the contract or the endpoint is another one */
    char message[1024]; /* what failed, on what, why */
    char hint[256];     /* what to do about it; may be empty */
};

/* The type's name as in the documentation, "ContractConnectionError"; "OK" for SCB_OK. */
const char *scb_status_name(enum scb_status status);

/* One line on what the type means. */
const char *scb_status_meaning(enum scb_status status);

/*
 * Fills error (which may be NULL) and returns status, so that a failing function can
 * `return scb_error_set(error, SCB_ERROR_FILE, "…")`. Clears the hint and the flags.
 */
enum scb_status scb_error_set(struct scb_error *error, enum scb_status status, const char *format,
                              ...) SCB_PRINTF(3, 4);

/*
 * The same for a failed system call: appends ": " and the text of errnum. A full disk or quota
 * and a refused memory become SCB_ERROR_RESOURCE with a hint, whatever status was given; for want
 * of a descriptor it is retryable.
 */
enum scb_status scb_error_set_errno(struct scb_error *error, enum scb_status status, int errnum,
                                    const char *format, ...) SCB_PRINTF(4, 5);

/* Adds what to do about it; returns the error's status. */
enum scb_status scb_error_hint(struct scb_error *error, const char *format, ...) SCB_PRINTF(2, 3);

/* Puts context before the message ("page 17: " + message); returns the error's status. */
enum scb_status scb_error_wrap(struct scb_error *error, const char *format, ...) SCB_PRINTF(2, 3);

#pragma GCC visibility pop

#endif
