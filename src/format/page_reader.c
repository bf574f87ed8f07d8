/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Design: the form is fixed, so the parser is a walk along literals, with one byte of choice where
 * the form has one. Whether a member is in base64 is said after it, so members are first read as
 * text, into buffers that base64 of the longest allowed member fits into.
 */
#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "format/page.h"

enum { WINDOW = 64 * 1024, KEY = 0, VALUE = 1, VERSION_ID = 2, MEMBERS = 3 };

struct member {
    const char *name;
    const char *setting; /* that limits it */
    size_t limit;
    struct scb_buffer text;
    struct scb_buffer decoded; /* used where the text is base64 */
    bool base64;
};

struct scb_page_reader {
    struct scb_input input;
    struct member members[MEMBERS];
    uint64_t entries; /* given so far */
    bool ended;
    uint64_t before; /* bytes of the input before the window */
    size_t at, end;  /* what is unread in the window */
    uint8_t window[WINDOW];
};

static struct member new_member(const char *name, const char *setting, size_t limit)
{
    assert(limit < SIZE_MAX / 4);
    return (struct member){
        .name = name,
        .setting = setting,
        .limit = limit,
        .text = {.max = (limit + 2) / 3 * 4 + 1}, /* one more: a byte over the limit is seen */
        .decoded = {.max = limit + 2},            /* room is made for whole groups of three */
    };
}

enum scb_status scb_page_reader_new(struct scb_input input, struct scb_page_limits limits,
                                    struct scb_page_reader **ret_reader, struct scb_error *error)
{
    struct scb_page_reader *reader = scb_alloc(1, sizeof(*reader), error);
    if (reader == NULL)
        return SCB_ERROR_RESOURCE;
    reader->input = input;
    reader->members[KEY] = new_member("key", "backup.max_key_size", limits.max_key_size);
    reader->members[VALUE] = new_member("value", "backup.max_value_size", limits.max_value_size);
    reader->members[VERSION_ID] =
        new_member("version_id", "backup.max_key_size", limits.max_key_size);
    *ret_reader = reader;
    return SCB_OK;
}

void scb_page_reader_free(struct scb_page_reader *reader)
{
    if (reader == NULL)
        return;
    for (size_t i = 0; i < MEMBERS; i++) {
        scb_buffer_free(&reader->members[i].text);
        scb_buffer_free(&reader->members[i].decoded);
    }
    free(reader);
}

static enum scb_status damaged(const struct scb_page_reader *reader, const char *what,
                               struct scb_error *error)
{
    (void)scb_error_set(error, SCB_ERROR_INTEGRITY,
                        "the page %s at byte %" PRIu64 " (entry %" PRIu64 ")", what,
                        reader->before + reader->at, reader->entries);
    (void)scb_error_hint(error, "it was edited or damaged; take it from another copy");
    return SCB_ERROR_INTEGRITY;
}

static enum scb_status odd(const struct scb_page_reader *reader, struct scb_error *error)
{
    return damaged(reader, "is not in the form that satellite writes", error);
}

/* Refills an empty window; at the end of the input it stays empty. */
static enum scb_status fill(struct scb_page_reader *reader, struct scb_error *error)
{
    if (reader->at < reader->end)
        return SCB_OK;
    reader->before += reader->end;
    reader->at = 0;
    reader->end = 0;
    return reader->input.read(reader->input.state, reader->window, WINDOW, &reader->end, error);
}

/* The same where the page may not end yet. */
static enum scb_status need(struct scb_page_reader *reader, struct scb_error *error)
{
    enum scb_status status = fill(reader, error);
    if (status == SCB_OK && reader->at == reader->end)
        return damaged(reader, "ends too early,", error);
    return status;
}

static enum scb_status take_byte(struct scb_page_reader *reader, uint8_t *ret_byte,
                                 struct scb_error *error)
{
    enum scb_status status = need(reader, error);
    if (status == SCB_OK)
        *ret_byte = reader->window[reader->at++];
    return status;
}

static enum scb_status take_literal(struct scb_page_reader *reader, const char *literal,
                                    struct scb_error *error)
{
    size_t left = strlen(literal);
    while (left > 0) {
        enum scb_status status = need(reader, error);
        if (status != SCB_OK)
            return status;
        size_t size = reader->end - reader->at < left ? reader->end - reader->at : left;
        if (memcmp(reader->window + reader->at, literal, size) != 0)
            return odd(reader, error);
        reader->at += size;
        literal += size;
        left -= size;
    }
    return SCB_OK;
}

/* Moves text from the window to out as far as both go, up to a byte that is not plain. */
static void take_plain(struct scb_page_reader *reader, struct scb_buffer *out)
{
    const uint8_t *from = reader->window + reader->at, *end = reader->window + reader->end;
    uint8_t *to = out->data + out->size, *to_end = out->data + out->capacity;
    while (from < end && to < to_end) {
        if (*from >= 0x20 && *from != '"' && *from != '\\')
            *to++ = *from++;
        else if (*from == '\\' && end - from > 1 && (from[1] == '"' || from[1] == '\\')) {
            *to++ = from[1];
            from += 2;
        } else
            break;
    }
    reader->at = (size_t)(from - reader->window);
    out->size = (size_t)(to - out->data);
}

/* The byte that an escape stands for, in the one way in which the writer escapes it. */
static enum scb_status take_escape(struct scb_page_reader *reader, uint8_t *ret_byte,
                                   struct scb_error *error)
{
    static const char letters[] = "\"\\bfnrt", bytes[] = "\"\\\b\f\n\r\t";
    uint8_t letter = 0, high = 0, low = 0;
    enum scb_status status = take_byte(reader, &letter, error);
    if (status != SCB_OK)
        return status;
    const char *known = letter == '\0' ? NULL : strchr(letters, letter);
    if (known != NULL) {
        *ret_byte = (uint8_t)bytes[known - letters];
        return SCB_OK;
    }
    if (letter != 'u')
        return odd(reader, error);
    status = take_literal(reader, "00", error);
    if (status == SCB_OK)
        status = take_byte(reader, &high, error);
    if (status == SCB_OK)
        status = take_byte(reader, &low, error);
    if (status != SCB_OK)
        return status;
    int digit = low >= 'A' && low <= 'F' ? -1 : scb_text_hex_digit((char)low);
    if ((high != '0' && high != '1') || digit < 0)
        return odd(reader, error);
    uint8_t byte = (uint8_t)((high - '0') * 16 + digit);
    if (byte != 0 && strchr(bytes, byte) != NULL)
        return odd(reader, error);
    *ret_byte = byte;
    return SCB_OK;
}

static enum scb_status too_long(const struct scb_page_reader *reader, const struct member *member,
                                struct scb_error *error)
{
    (void)scb_error_set(error, SCB_ERROR_RESOURCE,
                        "the %s of the page's entry %" PRIu64 " has more than %zu bytes",
                        member->name, reader->entries, member->limit);
    (void)scb_error_hint(error, "raise %s", member->setting);
    return SCB_ERROR_RESOURCE;
}

/* A string's bytes up to and with its closing quote. */
static enum scb_status take_text(struct scb_page_reader *reader, struct member *member,
                                 struct scb_error *error)
{
    struct scb_buffer *text = &member->text;
    scb_buffer_clear(text);
    for (;;) {
        enum scb_status status = need(reader, error);
        if (status != SCB_OK)
            return status;
        if (text->size >= text->max)
            return too_long(reader, member, error);
        status = scb_buffer_reserve(text, 1, error);
        if (status != SCB_OK)
            return status;
        take_plain(reader, text);
        if (reader->at == reader->end || text->size == text->capacity)
            continue;
        uint8_t byte = reader->window[reader->at];
        if (byte != '"' && byte != '\\')
            return odd(reader, error);
        reader->at++;
        if (byte == '"') /* capacity may be more than max */
            return text->size < text->max ? SCB_OK : too_long(reader, member, error);
        status = take_escape(reader, &text->data[text->size], error);
        if (status != SCB_OK)
            return status;
        text->size++;
    }
}

static bool skip(const char **at, const char *prefix)
{
    size_t size = strlen(prefix);
    bool there = strncmp(*at, prefix, size) == 0;
    *at += there ? size : 0;
    return there;
}

/* Which members are in base64: in their order, and at least one. */
static enum scb_status take_base64_list(struct scb_page_reader *reader, struct scb_error *error)
{
    static const char *const forms[MEMBERS][2] = {{"\"key\"", ", \"key\""},
                                                  {"\"value\"", ", \"value\""},
                                                  {"\"version_id\"", ", \"version_id\""}};
    char list[40] = "";
    for (size_t size = 0; size == 0 || list[size - 1] != ']'; size++) {
        uint8_t byte = 0;
        enum scb_status status = take_byte(reader, &byte, error);
        if (status != SCB_OK)
            return status;
        if (size == sizeof(list) - 1)
            return odd(reader, error);
        list[size] = (char)byte;
    }
    const char *at = list;
    bool any = false;
    for (size_t i = 0; i < MEMBERS; i++) {
        reader->members[i].base64 = skip(&at, forms[i][any]);
        any = any || reader->members[i].base64;
    }
    return any && strcmp(at, "]") == 0 ? SCB_OK : odd(reader, error);
}

/* The member's bytes, once it is known how they were written. */
static enum scb_status finish_member(struct scb_page_reader *reader, struct member *member,
                                     struct scb_bytes *ret_bytes, struct scb_error *error)
{
    struct scb_bytes bytes = scb_buffer_bytes(&member->text);
    if (member->base64) {
        scb_buffer_clear(&member->decoded);
        enum scb_status status = scb_text_base64_decode(&member->decoded, bytes, error);
        if (status == SCB_ERROR_INTEGRITY)
            return odd(reader, error);
        if (status != SCB_OK)
            return status;
        bytes = scb_buffer_bytes(&member->decoded);
    }
    if (bytes.size > member->limit)
        return too_long(reader, member, error);
    if (scb_text_is_utf8(bytes) == member->base64)
        return odd(reader, error);
    *ret_bytes = bytes;
    return SCB_OK;
}

/* What stands between the quote after the version_id and the end of the object. */
static enum scb_status take_object_end(struct scb_page_reader *reader, struct scb_error *error)
{
    uint8_t byte = 0;
    for (size_t i = 0; i < MEMBERS; i++)
        reader->members[i].base64 = false;
    enum scb_status status = take_byte(reader, &byte, error);
    if (status == SCB_OK && byte == ',') {
        status = take_literal(reader, "\n    \"base64\": [", error);
        if (status == SCB_OK)
            status = take_base64_list(reader, error);
        if (status == SCB_OK)
            status = take_byte(reader, &byte, error);
    }
    if (status == SCB_OK && byte != '\n')
        status = odd(reader, error);
    return status == SCB_OK ? take_literal(reader, "  }", error) : status;
}

static enum scb_status take_entry(struct scb_page_reader *reader, struct scb_entry *ret_entry,
                                  struct scb_error *error)
{
    static const char *const before[MEMBERS] = {"  {\n    \"key\": \"", ",\n    \"value\": \"",
                                                ",\n    \"version_id\": \""};
    struct scb_bytes bytes[MEMBERS] = {0};
    enum scb_status status = SCB_OK;
    for (size_t i = 0; i < MEMBERS && status == SCB_OK; i++) {
        status = take_literal(reader, before[i], error);
        if (status == SCB_OK)
            status = take_text(reader, &reader->members[i], error);
    }
    if (status == SCB_OK)
        status = take_object_end(reader, error);
    for (size_t i = 0; i < MEMBERS && status == SCB_OK; i++)
        status = finish_member(reader, &reader->members[i], &bytes[i], error);
    if (status == SCB_OK) {
        *ret_entry = (struct scb_entry){bytes[KEY], bytes[VALUE], bytes[VERSION_ID]};
        reader->entries++;
    }
    return status;
}

/* Up to the next entry, or to the end of the page with nothing after it. */
static enum scb_status take_separator(struct scb_page_reader *reader, struct scb_error *error)
{
    bool first = reader->entries == 0;
    uint8_t byte = 0;
    enum scb_status status = first ? take_literal(reader, "[", error) : SCB_OK;
    if (status == SCB_OK)
        status = take_byte(reader, &byte, error);
    if (status != SCB_OK)
        return status;
    if (first ? byte == '\n' : byte == ',')
        return first ? SCB_OK : take_literal(reader, "\n", error);
    if (byte != (first ? ']' : '\n'))
        return odd(reader, error);
    if (!first)
        status = take_literal(reader, "]", error);
    if (status == SCB_OK)
        status = fill(reader, error);
    if (status == SCB_OK && reader->at < reader->end)
        status = damaged(reader, "goes on after its end", error);
    reader->ended = status == SCB_OK;
    return status;
}

enum scb_status scb_page_reader_next(struct scb_page_reader *reader, bool *ret_more,
                                     struct scb_entry *ret_entry, struct scb_error *error)
{
    enum scb_status status = reader->ended ? SCB_OK : take_separator(reader, error);
    if (status == SCB_OK && !reader->ended)
        status = take_entry(reader, ret_entry, error);
    if (status == SCB_OK)
        *ret_more = !reader->ended;
    return status;
}
