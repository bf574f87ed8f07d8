/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/age_armor.h"

#include <string.h>

#include "base/memory.h"
#include "base/text.h"

enum { COLUMNS = 64, MAX_BLANKS = 1024 };

static const char begin_line[] = "-----BEGIN AGE ENCRYPTED FILE-----";
static const char end_line[] = "-----END AGE ENCRYPTED FILE-----";

static enum scb_status refuse(struct scb_error *error, const char *why)
{
    return scb_error_set(error, SCB_ERROR_INTEGRITY, "age armor: %s", why);
}

static bool is_blank(char byte)
{
    return byte == ' ' || byte == '\t' || byte == '\r' || byte == '\n';
}

void scb_age_armor_begin(struct scb_age_armor *armor, struct scb_sink sink)
{
    *armor = (struct scb_age_armor){.sink = sink};
}

bool scb_age_armor_is(struct scb_bytes file)
{
    while (file.size > 0 && is_blank((char)file.data[0]))
        file = (struct scb_bytes){file.data + 1, file.size - 1};
    return file.size >= sizeof(begin_line) - 1 &&
           memcmp(file.data, begin_line, sizeof(begin_line) - 1) == 0;
}

static bool line_is(const struct scb_age_armor *armor, const char *text)
{
    return armor->size == strlen(text) && memcmp(armor->line, text, armor->size) == 0;
}

/* A line of base64, padded; after one that is not full comes the end. */
static enum scb_status take_body(struct scb_age_armor *armor, struct scb_error *error)
{
    if (armor->state == SCB_AGE_ARMOR_SHORT)
        return refuse(error, "a line that is not full is not the last");
    if (armor->size == 0 || armor->size > COLUMNS)
        return refuse(error, "a line is empty or over 64 digits");
    SCB_AUTO(buffer) struct scb_buffer bytes = {.max = COLUMNS};
    enum scb_status status = scb_text_base64_decode(
        &bytes, (struct scb_bytes){(const uint8_t *)armor->line, armor->size}, error);
    if (status != SCB_OK)
        return status == SCB_ERROR_INTEGRITY ? refuse(error, "base64 is malformed") : status;
    if (bytes.size < COLUMNS / 4 * 3)
        armor->state = SCB_AGE_ARMOR_SHORT;
    return armor->sink.write(armor->sink.state, bytes.data, bytes.size, error);
}

static enum scb_status take_line(struct scb_age_armor *armor, struct scb_error *error)
{
    if (armor->size > 0 && armor->line[armor->size - 1] == '\r')
        armor->size--;
    enum scb_status status = SCB_OK;
    if (armor->state == SCB_AGE_ARMOR_BEFORE && line_is(armor, begin_line))
        armor->state = SCB_AGE_ARMOR_BODY;
    else if (armor->state == SCB_AGE_ARMOR_BEFORE)
        status = refuse(error, "it does not begin with its BEGIN line");
    else if (line_is(armor, end_line))
        armor->state = SCB_AGE_ARMOR_AFTER;
    else
        status = take_body(armor, error);
    armor->size = 0;
    return status;
}

/* A byte outside of the lines between BEGIN and END. */
static bool is_outside(const struct scb_age_armor *armor, char byte)
{
    if (armor->state == SCB_AGE_ARMOR_AFTER)
        return true;
    return armor->state == SCB_AGE_ARMOR_BEFORE && armor->size == 0 && is_blank(byte);
}

static enum scb_status take_byte(struct scb_age_armor *armor, char byte, struct scb_error *error)
{
    if (is_outside(armor, byte)) {
        if (!is_blank(byte))
            return refuse(error, "something stands after its END line");
        return ++armor->blanks <= MAX_BLANKS ? SCB_OK : refuse(error, "too many blanks around it");
    }
    if (byte == '\n')
        return take_line(armor, error);
    if (armor->size == sizeof(armor->line))
        return refuse(error, "a line is too long");
    armor->line[armor->size++] = byte;
    return SCB_OK;
}

enum scb_status scb_age_armor_write(struct scb_age_armor *armor, const void *data, size_t size,
                                    struct scb_error *error)
{
    const char *bytes = data;
    enum scb_status status = SCB_OK;
    for (size_t i = 0; status == SCB_OK && i < size; i++)
        status = take_byte(armor, bytes[i], error);
    return status;
}

enum scb_status scb_age_armor_end(struct scb_age_armor *armor, struct scb_error *error)
{
    enum scb_status status = SCB_OK;
    if (armor->size > 0) /* the last line may have no line feed */
        status = take_line(armor, error);
    if (status == SCB_OK && armor->state != SCB_AGE_ARMOR_AFTER)
        status = refuse(error, "its END line is missing");
    return status;
}
