/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Source: "The Keccak reference", version 3.0: Keccak[r=1088, c=512] with a 256-bit output.
 */
#include "evm/keccak.h"

#include <string.h>

enum { ROUNDS = 24, LANES = 25, RATE = 136 };

/* Iota's constants. */
static const uint64_t round_constants[ROUNDS] = {
    0x0000000000000001, 0x0000000000008082, 0x800000000000808a, 0x8000000080008000,
    0x000000000000808b, 0x0000000080000001, 0x8000000080008081, 0x8000000000008009,
    0x000000000000008a, 0x0000000000000088, 0x0000000080008009, 0x000000008000000a,
    0x000000008000808b, 0x800000000000008b, 0x8000000000008089, 0x8000000000008003,
    0x8000000000008002, 0x8000000000000080, 0x000000000000800a, 0x800000008000000a,
    0x8000000080008081, 0x8000000000008080, 0x0000000080000001, 0x8000000080008008,
};

/* Rho and pi as one walk over the lanes 1 to 24: the next lane, and how far what goes there is
 * rotated. */
static const uint8_t walk_lane[LANES - 1] = {10, 7,  11, 17, 18, 3, 5,  16, 8,  21, 24, 4,
                                             15, 23, 19, 13, 12, 2, 20, 14, 22, 9,  6,  1};
static const uint8_t walk_rotation[LANES - 1] = {1,  3,  6,  10, 15, 21, 28, 36, 45, 55, 2,  14,
                                                 27, 41, 56, 8,  25, 43, 62, 18, 39, 61, 20, 44};

static uint64_t rotate_left(uint64_t value, unsigned bits)
{
    return (value << bits) | (value >> (64 - bits));
}

static void permute_round(uint64_t lanes[LANES], uint64_t constant)
{
    /* theta */
    uint64_t column[5];
    for (size_t x = 0; x < 5; x++)
        column[x] = lanes[x] ^ lanes[x + 5] ^ lanes[x + 10] ^ lanes[x + 15] ^ lanes[x + 20];
    for (size_t i = 0; i < LANES; i++)
        lanes[i] ^= column[(i + 4) % 5] ^ rotate_left(column[(i + 1) % 5], 1);

    /* rho and pi */
    uint64_t carried = lanes[1];
    for (size_t i = 0; i < LANES - 1; i++) {
        uint64_t next = lanes[walk_lane[i]];
        lanes[walk_lane[i]] = rotate_left(carried, walk_rotation[i]);
        carried = next;
    }

    /* chi */
    for (size_t y = 0; y < LANES; y += 5) {
        uint64_t row[5];
        memcpy(row, lanes + y, sizeof(row));
        for (size_t x = 0; x < 5; x++)
            lanes[y + x] = row[x] ^ (~row[(x + 1) % 5] & row[(x + 2) % 5]);
    }

    /* iota */
    lanes[0] ^= constant;
}

static void absorb(uint64_t lanes[LANES], const uint8_t block[RATE])
{
    for (size_t i = 0; i < RATE; i++)
        lanes[i / 8] ^= (uint64_t)block[i] << (8 * (i % 8));
    for (size_t i = 0; i < ROUNDS; i++)
        permute_round(lanes, round_constants[i]);
}

void scb_keccak256(const void *data, size_t size, uint8_t ret_hash[SCB_KECCAK256_SIZE])
{
    uint64_t lanes[LANES] = {0};
    const uint8_t *bytes = data;
    for (; size >= RATE; size -= RATE, bytes += RATE)
        absorb(lanes, bytes);

    uint8_t last[RATE] = {0};
    if (size > 0)
        memcpy(last, bytes, size);
    last[size] = 0x01;
    last[RATE - 1] |= 0x80;
    absorb(lanes, last);

    for (size_t i = 0; i < SCB_KECCAK256_SIZE; i++)
        ret_hash[i] = (uint8_t)(lanes[i / 8] >> (8 * (i % 8)));
}
