/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Allocations that are refused when they are told to. The test program's own definitions stand
 * before the C library's, so the library under test calls these. A sanitizer has its own: there
 * CAN_REFUSE is false, and nothing is refused.
 */
#ifndef SCB_TESTS_REFUSED_MEMORY_H
#define SCB_TESTS_REFUSED_MEMORY_H

#include <stdbool.h>
#include <stdlib.h>

static long refuse_at; /* which allocation from now on; 0: none */

#if defined(__has_feature) /* clang's way to tell */
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) ||                         \
    __has_feature(memory_sanitizer)
#define __SANITIZE_ADDRESS__ 1
#endif
#endif
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define CAN_REFUSE true
void *__libc_malloc(size_t size);

static bool is_refused(void)
{
    return refuse_at > 0 && --refuse_at == 0;
}

void *malloc(size_t size)
{
    return is_refused() ? NULL : __libc_malloc(size);
}

void *reallocarray(void *block, size_t count, size_t size)
{
    return is_refused() ? NULL : realloc(block, count * size);
}
#else
#define CAN_REFUSE false
#endif

#endif
