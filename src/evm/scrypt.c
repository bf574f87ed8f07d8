/* SPDX-License-Identifier: Apache-2.0 */
#include "evm/scrypt.h"

#include <endian.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

enum { SALSA_WORDS = 16, SALSA_ROUNDS = 8 };

static uint32_t rotate(uint32_t value, unsigned bits)
{
    return value << bits | value >> (32 - bits);
}

static void quarter_round(uint32_t x[SALSA_WORDS], const uint8_t at[4])
{
    x[at[1]] ^= rotate(x[at[0]] + x[at[3]], 7);
    x[at[2]] ^= rotate(x[at[1]] + x[at[0]], 9);
    x[at[3]] ^= rotate(x[at[2]] + x[at[1]], 13);
    x[at[0]] ^= rotate(x[at[3]] + x[at[2]], 18);
}

/* Salsa20/8 (RFC 7914, section 3), in place. */
static void salsa(uint32_t block[SALSA_WORDS])
{
    static const uint8_t columns[4][4] = {
        {0, 4, 8, 12}, {5, 9, 13, 1}, {10, 14, 2, 6}, {15, 3, 7, 11}};
    static const uint8_t rows[4][4] = {
        {0, 1, 2, 3}, {5, 6, 7, 4}, {10, 11, 8, 9}, {15, 12, 13, 14}};
    uint32_t x[SALSA_WORDS];
    memcpy(x, block, sizeof(x));
    for (int round = 0; round < SALSA_ROUNDS; round += 2) {
        for (int i = 0; i < 4; i++)
            quarter_round(x, columns[i]);
        for (int i = 0; i < 4; i++)
            quarter_round(x, rows[i]);
    }
    for (int i = 0; i < SALSA_WORDS; i++)
        block[i] += x[i];
}

/* Section 4: from in to out, 2 × r blocks; the even ones come first. */
static void block_mix(const uint32_t *in, uint32_t *out, size_t r)
{
    uint32_t x[SALSA_WORDS];
    memcpy(x, in + (2 * r - 1) * SALSA_WORDS, sizeof(x));
    for (size_t i = 0; i < 2 * r; i++) {
        for (size_t word = 0; word < SALSA_WORDS; word++)
            x[word] ^= in[i * SALSA_WORDS + word];
        salsa(x);
        memcpy(out + (i / 2 + (i % 2) * r) * SALSA_WORDS, x, sizeof(x));
    }
}

/* Section 5, on one block of 32 × r words; table has room for n of them, and x for two. */
static void mix(uint32_t *block, uint64_t n, size_t r, uint32_t *table, uint32_t *x)
{
    size_t words = 32 * r;
    uint32_t *y = x + words;
    for (size_t i = 0; i < words; i++)
        x[i] = le32toh(block[i]);
    for (uint64_t i = 0; i < n; i++) {
        memcpy(table + i * words, x, words * sizeof(*x));
        block_mix(table + i * words, x, r);
    }
    for (uint64_t i = 0; i < n; i++) {
        const uint32_t *last = x + (2 * r - 1) * SALSA_WORDS;
        uint64_t at = ((uint64_t)last[1] << 32 | last[0]) & (n - 1);
        for (size_t word = 0; word < words; word++)
            y[word] = x[word] ^ table[at * words + word];
        block_mix(y, x, r);
    }
    for (size_t i = 0; i < words; i++)
        block[i] = htole32(x[i]);
}

static enum scb_status stretch(struct scb_bytes password, struct scb_bytes salt, void *ret_key,
                               size_t size, struct scb_error *error)
{
    if (PKCS5_PBKDF2_HMAC((const char *)password.data, (int)password.size, salt.data,
                          (int)salt.size, 1, EVP_sha256(), (int)size, ret_key) == 1)
        return SCB_OK;
    return scb_error_set(error, SCB_ERROR_INTERNAL, "PBKDF2 failed");
}

enum scb_status scb_scrypt(struct scb_bytes password, struct scb_bytes salt,
                           const struct scb_scrypt_cost *cost, uint8_t *ret_key, size_t size,
                           struct scb_error *error)
{
    size_t words = 32 * cost->r, block_size = words * sizeof(uint32_t);
    uint32_t *blocks = scb_alloc(cost->p, block_size, error);
    uint32_t *table = scb_alloc(cost->n, block_size, error);
    uint32_t *x = scb_alloc(2, block_size, error);
    enum scb_status status = SCB_OK;
    if (blocks == NULL || table == NULL || x == NULL)
        status = SCB_ERROR_RESOURCE;
    if (status == SCB_OK)
        status = stretch(password, salt, blocks, cost->p * block_size, error);
    for (uint64_t i = 0; status == SCB_OK && i < cost->p; i++)
        mix(blocks + i * words, cost->n, cost->r, table, x);
    if (status == SCB_OK)
        status =
            stretch(password, (struct scb_bytes){(const uint8_t *)blocks, cost->p * block_size},
                    ret_key, size, error);
    if (blocks != NULL)
        scb_wipe(blocks, cost->p * block_size);
    if (table != NULL)
        scb_wipe(table, cost->n * block_size);
    if (x != NULL)
        scb_wipe(x, 2 * block_size);
    free(blocks);
    free(table);
    free(x);
    return status;
}
