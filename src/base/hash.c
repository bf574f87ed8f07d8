/* SPDX-License-Identifier: Apache-2.0 */
#include "base/hash.h"

#include <string.h>

#include "base/random.h"

enum scb_status scb_hash_seed(uint64_t *ret_seed, struct scb_error *error)
{
    return scb_random(ret_seed, sizeof(*ret_seed), error);
}

static uint64_t mix(uint64_t a, uint64_t b)
{
    unsigned __int128 product = (unsigned __int128)a * b;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

uint64_t scb_hash(uint64_t seed, struct scb_bytes bytes)
{
    uint64_t hash = seed ^ mix(bytes.size + 0x9e3779b97f4a7c15u, 0xbf58476d1ce4e5b9u);
    size_t i = 0;
    for (; i + 8 <= bytes.size; i += 8) {
        uint64_t word = 0;
        memcpy(&word, bytes.data + i, 8);
        hash = mix(hash ^ word, seed ^ 0x94d049bb133111ebu);
    }
    uint64_t last = 0;
    if (i < bytes.size)
        memcpy(&last, bytes.data + i, bytes.size - i);
    return mix(hash ^ last, seed ^ 0xd6e8feb86659fd93u);
}
