/* SPDX-License-Identifier: Apache-2.0 */
#include "evm/abi.h"

#include <assert.h>
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "evm/keccak.h"

enum { ARRAYS = 3, HEADS = ARRAYS * SCB_ABI_WORD };

/* What the three arrays are called in messages. */
static const char *const array_names[ARRAYS] = {"keys", "values", "versionIds"};

/* "uint256" and the like with a size in bits from step to max in steps of step; "uint" alone is
 * an alias that must not be used in a selector. */
static bool is_sized(const char *type, size_t length, const char *name, unsigned step, unsigned max)
{
    size_t prefix = strlen(name);
    if (length <= prefix || length > prefix + 3 || memcmp(type, name, prefix) != 0 ||
        type[prefix] == '0')
        return false;
    unsigned size = 0;
    for (size_t i = prefix; i < length; i++) {
        if (!isdigit((unsigned char)type[i]))
            return false;
        size = size * 10 + (unsigned)(type[i] - '0');
    }
    return size <= max && size % step == 0;
}

static bool is_elementary(const char *type, size_t length)
{
    static const char *const plain[] = {"address", "bool", "string", "bytes"};
    for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++)
        if (length == strlen(plain[i]) && memcmp(type, plain[i], length) == 0)
            return true;
    return is_sized(type, length, "uint", 8, 256) || is_sized(type, length, "int", 8, 256) ||
           is_sized(type, length, "bytes", 1, 32);
}

/* NAME(TYPE,TYPE…) and nothing else. */
static bool is_signature(const char *text)
{
    if (isdigit((unsigned char)*text))
        return false;
    const char *next = text;
    while (isalnum((unsigned char)*next) || *next == '_' || *next == '$')
        next++;
    if (next == text || *next++ != '(')
        return false;
    if (strcmp(next, ")") == 0)
        return true;
    for (;;) {
        size_t length = strcspn(next, ",)");
        if (!is_elementary(next, length))
            return false;
        next += length;
        if (*next != ',')
            return strcmp(next, ")") == 0;
        next++;
    }
}

enum scb_status scb_abi_selector(const char *signature, uint8_t ret_selector[4],
                                 struct scb_error *error)
{
    if (!is_signature(signature)) {
        char shown[160];
        scb_text_printable((struct scb_bytes){(const uint8_t *)signature, strlen(signature)}, shown,
                           sizeof(shown));
        (void)scb_error_set(error, SCB_ERROR_VALIDATION, "\"%s\" is no function signature", shown);
        (void)scb_error_hint(error, "write the name and the full types without blanks, as in "
                                    "getPaginatedKeyValues(uint256,uint256)");
        return SCB_ERROR_VALIDATION;
    }
    uint8_t hash[SCB_KECCAK256_SIZE];
    scb_keccak256(signature, strlen(signature), hash);
    memcpy(ret_selector, hash, 4);
    return SCB_OK;
}

void scb_abi_encode_call(const uint8_t selector[4], const uint64_t *arguments, size_t count,
                         uint8_t *ret_data)
{
    memcpy(ret_data, selector, 4);
    memset(ret_data + 4, 0, SCB_ABI_WORD * count);
    for (size_t i = 0; i < count; i++)
        for (size_t byte = 0; byte < 8; byte++)
            ret_data[4 + SCB_ABI_WORD * i + 24 + byte] = (uint8_t)(arguments[i] >> (56 - 8 * byte));
}

static size_t padding(size_t size)
{
    return (SCB_ABI_WORD - size % SCB_ABI_WORD) % SCB_ABI_WORD;
}

static enum scb_status append_word(struct scb_buffer *out, uint64_t value, struct scb_error *error)
{
    uint8_t word[SCB_ABI_WORD] = {0};
    for (size_t byte = 0; byte < 8; byte++)
        word[SCB_ABI_WORD - 1 - byte] = (uint8_t)(value >> (8 * byte));
    return scb_buffer_append(out, word, sizeof(word), error);
}

enum scb_status scb_abi_encode_strings(struct scb_buffer *out, const uint8_t selector[4],
                                       const struct scb_bytes *strings, size_t count,
                                       struct scb_error *error)
{
    static const uint8_t zeros[SCB_ABI_WORD];
    enum scb_status status = scb_buffer_append(out, selector, 4, error);
    size_t offset = count * SCB_ABI_WORD;
    for (size_t i = 0; i < count && status == SCB_OK; i++) {
        status = append_word(out, offset, error);
        offset += SCB_ABI_WORD + strings[i].size + padding(strings[i].size);
    }
    for (size_t i = 0; i < count && status == SCB_OK; i++) {
        status = append_word(out, strings[i].size, error);
        if (status == SCB_OK)
            status = scb_buffer_append(out, strings[i].data, strings[i].size, error);
        if (status == SCB_OK)
            status = scb_buffer_append(out, zeros, padding(strings[i].size), error);
    }
    return status;
}

/* The word as a number; false where it does not fit. */
static bool load_u64(const uint8_t *word, uint64_t *ret_value)
{
    uint8_t rest = 0;
    for (size_t i = 0; i < SCB_ABI_WORD - 8; i++)
        rest |= word[i];
    uint64_t value = 0;
    for (size_t i = SCB_ABI_WORD - 8; i < SCB_ABI_WORD; i++)
        value = value << 8 | word[i];
    *ret_value = value;
    return rest == 0;
}

/*
 * An offset or a length. All that is over 63 bits is INT64_MAX, which is outside any data and over
 * any count, so that the checks of bounds catch it.
 */
static uint64_t load_size(struct scb_bytes data, size_t offset)
{
    assert(offset <= data.size && data.size - offset >= SCB_ABI_WORD);
    uint64_t value = 0;
    return load_u64(data.data + offset, &value) && value < INT64_MAX ? value : INT64_MAX;
}

enum scb_status scb_abi_decode_u64(struct scb_bytes data, const char *what, uint64_t *ret_value,
                                   struct scb_error *error)
{
    uint64_t value = 0;
    if (data.size == 0)
        (void)scb_error_set(error, SCB_ERROR_VALIDATION, "%s returned nothing", what);
    else if (data.size != SCB_ABI_WORD)
        (void)scb_error_set(error, SCB_ERROR_VALIDATION, "%s returned %zu bytes, not one uint256",
                            what, data.size);
    else if (!load_u64(data.data, &value))
        (void)scb_error_set(error, SCB_ERROR_VALIDATION, "%s returned a number over 64 bits", what);
    else {
        *ret_value = value;
        return SCB_OK;
    }
    (void)scb_error_hint(error, "check the contract's address and its function names");
    return SCB_ERROR_VALIDATION;
}

/* Finds one of the three arrays; its elements' offsets are inside data then. */
static enum scb_status open_array(struct scb_bytes data, size_t index, uint64_t max_count,
                                  struct scb_abi_strings *ret_strings, uint64_t *ret_count,
                                  struct scb_error *error)
{
    const char *name = array_names[index];
    if (data.size < HEADS)
        return scb_error_set(error, SCB_ERROR_VALIDATION, "%zu bytes are no three arrays",
                             data.size);
    uint64_t offset = load_size(data, index * SCB_ABI_WORD);
    if (offset < HEADS || offset > data.size - SCB_ABI_WORD)
        return scb_error_set(error, SCB_ERROR_VALIDATION,
                             "%s: offset %llu is outside of the %zu bytes", name,
                             (unsigned long long)offset, data.size);
    uint64_t count = load_size(data, offset);
    if (count > max_count)
        return scb_error_set(error, SCB_ERROR_VALIDATION,
                             "%s: %llu entries where at most %llu were asked for", name,
                             (unsigned long long)count, (unsigned long long)max_count);
    size_t base = offset + SCB_ABI_WORD;
    if (count > (data.size - base) / SCB_ABI_WORD)
        return scb_error_set(error, SCB_ERROR_VALIDATION,
                             "%s: %llu entries do not fit into the %zu bytes", name,
                             (unsigned long long)count, data.size);
    *ret_strings = (struct scb_abi_strings){base, base + count * SCB_ABI_WORD};
    *ret_count = count;
    return SCB_OK;
}

static enum scb_status hint_at_contract(struct scb_error *error)
{
    (void)scb_error_hint(error, "the answer is not (string[] keys, string[] values, string[] "
                                "versionIds): check contract.page_function, or try another node");
    return SCB_ERROR_VALIDATION;
}

enum scb_status scb_abi_page_open(struct scb_bytes data, uint64_t max_count,
                                  struct scb_abi_page *ret_page, struct scb_error *error)
{
    struct scb_abi_strings arrays[ARRAYS];
    uint64_t counts[ARRAYS] = {0};
    for (size_t i = 0; i < ARRAYS; i++) {
        enum scb_status status = open_array(data, i, max_count, &arrays[i], &counts[i], error);
        if (status != SCB_OK)
            return hint_at_contract(error);
    }
    if (counts[0] != counts[1] || counts[0] != counts[2]) {
        (void)scb_error_set(error, SCB_ERROR_VALIDATION,
                            "%llu keys, %llu values and %llu versionIds: the arrays must be "
                            "equally long",
                            (unsigned long long)counts[0], (unsigned long long)counts[1],
                            (unsigned long long)counts[2]);
        return hint_at_contract(error);
    }
    *ret_page = (struct scb_abi_page){.data = data,
                                      .count = counts[0],
                                      .keys = arrays[0],
                                      .values = arrays[1],
                                      .versions = arrays[2]};
    return SCB_OK;
}

/* The string at the page's next place in one of its arrays. */
static enum scb_status next_string(const struct scb_abi_page *page, struct scb_abi_strings *strings,
                                   const char *name, struct scb_bytes *ret_string,
                                   struct scb_error *error)
{
    struct scb_bytes data = page->data;
    uint64_t offset = load_size(data, strings->base + page->next * SCB_ABI_WORD);
    if (offset > data.size - SCB_ABI_WORD - strings->base)
        return scb_error_set(error, SCB_ERROR_VALIDATION,
                             "%s[%llu]: offset %llu is outside of the %zu bytes", name,
                             (unsigned long long)page->next, (unsigned long long)offset, data.size);
    size_t start = strings->base + offset;
    if (start < strings->previous_end)
        return scb_error_set(error, SCB_ERROR_VALIDATION,
                             "%s[%llu]: byte %zu is before the end of what precedes it, byte %zu",
                             name, (unsigned long long)page->next, start, strings->previous_end);
    uint64_t length = load_size(data, start);
    start += SCB_ABI_WORD;
    if (length > data.size - start)
        return scb_error_set(
            error, SCB_ERROR_VALIDATION, "%s[%llu]: %llu bytes do not fit after byte %zu of %zu",
            name, (unsigned long long)page->next, (unsigned long long)length, start, data.size);
    strings->previous_end = start + length;
    *ret_string = (struct scb_bytes){data.data + start, length};
    return SCB_OK;
}

enum scb_status scb_abi_page_next(struct scb_abi_page *page, struct scb_entry *ret_entry,
                                  struct scb_error *error)
{
    assert(page->next < page->count);
    struct scb_entry entry;
    enum scb_status status = next_string(page, &page->keys, array_names[0], &entry.key, error);
    if (status == SCB_OK)
        status = next_string(page, &page->values, array_names[1], &entry.value, error);
    if (status == SCB_OK)
        status = next_string(page, &page->versions, array_names[2], &entry.version_id, error);
    if (status != SCB_OK)
        return hint_at_contract(error);
    page->next++;
    *ret_entry = entry;
    return SCB_OK;
}

enum scb_status scb_abi_page_check(struct scb_bytes data, uint64_t max_count, uint64_t *ret_count,
                                   struct scb_error *error)
{
    struct scb_abi_page page;
    struct scb_entry entry;
    enum scb_status status = scb_abi_page_open(data, max_count, &page, error);
    while (status == SCB_OK && page.next < page.count)
        status = scb_abi_page_next(&page, &entry, error);
    if (status == SCB_OK)
        *ret_count = page.count;
    return status;
}

static const char *panic_meaning(uint64_t code)
{
    static const struct {
        uint8_t code;
        const char *meaning;
    } table[] = {
        {0x01, "assertion failed"},          {0x11, "arithmetic overflow"},
        {0x12, "division by zero"},          {0x21, "bad enum value"},
        {0x22, "bad storage byte array"},    {0x31, "pop of an empty array"},
        {0x32, "index out of bounds"},       {0x41, "out of memory"},
        {0x51, "call of an unset function"},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
        if (table[i].code == code)
            return table[i].meaning;
    return "unknown";
}

/* The text of an ABI-encoded string argument; false where it is malformed. */
static bool string_argument(struct scb_bytes arguments, struct scb_bytes *ret_text)
{
    if (arguments.size < SCB_ABI_WORD)
        return false;
    uint64_t offset = load_size(arguments, 0);
    if (offset > arguments.size - SCB_ABI_WORD)
        return false;
    uint64_t length = load_size(arguments, offset);
    size_t start = offset + SCB_ABI_WORD;
    if (length > arguments.size - start)
        return false;
    *ret_text = (struct scb_bytes){arguments.data + start, length};
    return true;
}

void scb_abi_revert_reason(struct scb_bytes data, char *ret_text, size_t size)
{
    static const uint8_t error_string[4] = {0x08, 0xc3, 0x79, 0xa0}; /* Error(string) */
    static const uint8_t panic[4] = {0x4e, 0x48, 0x7b, 0x71};        /* Panic(uint256) */
    assert(size > 0);
    if (data.size < 4) {
        ret_text[0] = '\0';
        if (data.size > 0)
            (void)snprintf(ret_text, size, "%zu bytes", data.size);
        return;
    }
    struct scb_bytes arguments = {data.data + 4, data.size - 4};
    struct scb_bytes text;
    uint64_t code = 0;
    if (memcmp(data.data, error_string, 4) == 0 && string_argument(arguments, &text))
        scb_text_printable(text, ret_text, size);
    else if (memcmp(data.data, panic, 4) == 0 && arguments.size >= SCB_ABI_WORD &&
             load_u64(arguments.data, &code))
        (void)snprintf(ret_text, size, "panic 0x%02llx (%s)", (unsigned long long)code,
                       panic_meaning(code));
    else
        (void)snprintf(ret_text, size, "custom error 0x%02x%02x%02x%02x", data.data[0],
                       data.data[1], data.data[2], data.data[3]);
}
