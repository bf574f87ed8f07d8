/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What stands for a setting's value: texts as given, checked and read by the setting's kind. No
 * message quotes a secret.
 */
#include <assert.h>
#include <curl/curl.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/file_watch.h"
#include "base/memory.h"
#include "base/text.h"
#include "config/settings.h"

enum { MAX_TEXTS = 1024, MAX_SECRET = 64 * 1024 };

enum scb_status scb_texts_add(struct scb_texts *texts, const char *text, size_t size,
                              struct scb_error *error)
{
    if (texts->count == MAX_TEXTS)
        return scb_error_set(error, SCB_ERROR_VALIDATION, "more than %d entries", MAX_TEXTS);
    for (size_t i = 0; i < size; i++)
        if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f)
            return scb_error_set(error, SCB_ERROR_VALIDATION, "a control character is in it");
    char **items = scb_realloc(texts->items, texts->count + 2, sizeof(*items), error);
    if (items == NULL)
        return SCB_ERROR_RESOURCE;
    texts->items = items;
    items[texts->count] = NULL;
    char *copy = scb_alloc(size + 1, 1, error);
    if (copy == NULL)
        return SCB_ERROR_RESOURCE;
    memcpy(copy, text, size);
    items[texts->count++] = copy;
    items[texts->count] = NULL;
    return SCB_OK;
}

void scb_texts_cleanup(struct scb_texts *texts)
{
    for (size_t i = 0; i < texts->count; i++) {
        scb_wipe(texts->items[i], strlen(texts->items[i]));
        free(texts->items[i]);
    }
    free(texts->items);
    *texts = (struct scb_texts){0};
}

enum scb_status scb_texts_add_value(struct scb_texts *texts, const struct scb_setting *setting,
                                    const char *value, const char *separators,
                                    struct scb_error *error)
{
    if (!scb_setting_is_list(setting))
        return scb_texts_add(texts, value, strlen(value), error);
    if (value[0] == '\0')
        return SCB_OK;
    for (const char *at = value;; at++) {
        at += strspn(at, " ");
        size_t length = strcspn(at, separators), next = length;
        while (length > 0 && at[length - 1] == ' ')
            length--;
        enum scb_status status = scb_texts_add(texts, at, length, error);
        at += next;
        if (status != SCB_OK || *at == '\0')
            return status;
    }
}

enum scb_status scb_config_read_file(const char *path, struct scb_buffer *out,
                                     struct scb_error *error)
{
    SCB_FILE_OPERATION;
    SCB_AUTO(fd) int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return scb_error_set_errno(error, SCB_ERROR_FILE, errno, "file '%s' not opened", path);
    enum scb_status status = scb_buffer_reserve(out, out->max, error);
    size_t size = 0;
    if (status == SCB_OK)
        status = scb_file_read(fd, path, out->data, out->max, &size, error);
    if (status == SCB_OK && size == out->max)
        return scb_error_set(error, SCB_ERROR_VALIDATION, "file '%s' is larger than %zu bytes",
                             path, out->max - 1);
    out->size = size;
    return status;
}

enum scb_status scb_texts_add_file(struct scb_texts *texts, const struct scb_setting *setting,
                                   const char *path, struct scb_error *error)
{
    if (path[0] != '/') {
        scb_error_set(error, SCB_ERROR_VALIDATION, "the secret's file is not an absolute path");
        return scb_error_hint(error, "write it like /run/secrets/rpc_urls");
    }
    /* One byte to see a larger file by, one for the NUL. */
    SCB_AUTO(buffer) struct scb_buffer content = {.max = MAX_SECRET + 1};
    enum scb_status status = scb_config_read_file(path, &content, error);
    if (status == SCB_OK) {
        char *text = (char *)content.data;
        assert(text != NULL);
        if (content.size > 0 && text[content.size - 1] == '\n')
            content.size--;
        text[content.size] = '\0';
        status = strlen(text) == content.size
                     ? scb_texts_add_value(texts, setting, text, ",\n", error)
                     : scb_error_set(error, SCB_ERROR_VALIDATION, "a NUL byte is in it");
    }
    if (status == SCB_ERROR_FILE)
        (void)scb_error_hint(error, "put the secret there and let satellite read it");
    if (content.data != NULL)
        scb_wipe(content.data, content.capacity);
    return status;
}

static enum scb_status check_choice(const struct scb_setting *setting, const char *text,
                                    struct scb_error *error)
{
    size_t length = strlen(text);
    for (const char *at = setting->choices; length > 0; at++) {
        size_t size = strcspn(at, "|");
        if (size == length && strncmp(at, text, size) == 0)
            return SCB_OK;
        at += size;
        if (*at == '\0')
            break;
    }
    scb_error_set(error, SCB_ERROR_VALIDATION, "'%.40s' is not a choice", text);
    return scb_error_hint(error, "give %s", setting->choices);
}

static enum scb_status check_block(const char *text, struct scb_error *error)
{
    static const char *const tags[] = {"auto", "finalized", "safe", "latest"};
    for (size_t i = 0; i < SCB_LENGTH(tags); i++)
        if (strcmp(text, tags[i]) == 0)
            return SCB_OK;
    uint8_t hash[32];
    uint64_t number = 0;
    if (strncmp(text, "0x", 2) == 0 && strlen(text) == 66 && scb_text_unhex(text + 2, 32, hash))
        return SCB_OK;
    if (scb_text_parse_u64(text, &number, NULL) == SCB_OK)
        return SCB_OK;
    scb_error_set(error, SCB_ERROR_VALIDATION, "'%.80s' is not a block", text);
    return scb_error_hint(error, "give auto, finalized, safe, latest, a number, or a hash of 0x "
                                 "and 64 hex digits");
}

/* name(type,type): a wrong form would only be seen as a call that the contract does not know. */
static enum scb_status check_function(const char *text, struct scb_error *error)
{
    static const char name[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_$";
    size_t length = strspn(text, name), whole = strlen(text);
    bool good = length > 0 && (text[0] < '0' || text[0] > '9') && whole <= 256 &&
                text[length] == '(' && text[whole - 1] == ')' && strchr(text, ' ') == NULL;
    if (good)
        return SCB_OK;
    scb_error_set(error, SCB_ERROR_VALIDATION, "'%.80s' is not a function's signature", text);
    return scb_error_hint(error, "write it like getTotalKeys() or page(uint256,uint256)");
}

/* The parser is the HTTP client's, so what passes here is what it will connect to. */
static enum scb_status check_http_url(const char *text, size_t number, struct scb_error *error)
{
    CURLU *url = curl_url();
    if (url == NULL)
        return scb_error_set(error, SCB_ERROR_RESOURCE, "no memory to check a URL");
    char *host = NULL;
    size_t scheme = strncmp(text, "http://", 7) == 0    ? 7
                    : strncmp(text, "https://", 8) == 0 ? 8
                                                        : 0;
    /* curl would forgive a third slash. */
    bool good = scheme > 0 && strchr("/?#", text[scheme]) == NULL && strlen(text) <= 2048 &&
                curl_url_set(url, CURLUPART_URL, text, 0) == CURLUE_OK &&
                curl_url_get(url, CURLUPART_HOST, &host, 0) == CURLUE_OK && host[0] != '\0';
    curl_free(host);
    curl_url_cleanup(url);
    if (good)
        return SCB_OK;
    scb_error_set(error, SCB_ERROR_VALIDATION, "URL %zu is not one of http:// or https://", number);
    return scb_error_hint(error, "write it like https://rpc.example.org");
}

/* A command is found by its path alone: nobody's PATH decides what a service runs. */
static enum scb_status check_call(const char *text, size_t number, struct scb_error *error)
{
    if (strncmp(text, "http", 4) == 0)
        return check_http_url(text, number, error);
    if (text[0] == '/' && strlen(text) <= 4096)
        return SCB_OK;
    scb_error_set(error, SCB_ERROR_VALIDATION, "entry %zu is neither a URL nor a command", number);
    return scb_error_hint(error, "write it like https://hooks.example.org/backup or "
                                 "/usr/local/bin/tell --who operators");
}

static enum scb_status out_of_bounds(const struct scb_setting *setting, const char *what,
                                     struct scb_error *error)
{
    char bounds[96];
    scb_setting_bounds(setting, bounds, sizeof(bounds));
    scb_error_set(error, SCB_ERROR_VALIDATION, "%s is out of bounds", what);
    return scb_error_hint(error, "give %s", bounds);
}

static enum scb_status parse_number(const struct scb_setting *setting, const char *text,
                                    int64_t *ret_number, struct scb_error *error)
{
    enum scb_status status = SCB_OK;
    uint64_t value = 0;
    int64_t ms = 0;
    if (setting->kind == SCB_SETTING_BOOLEAN) {
        *ret_number = strcmp(text, "true") == 0;
        return *ret_number == 1 || strcmp(text, "false") == 0
                   ? SCB_OK
                   : scb_error_set(error, SCB_ERROR_VALIDATION, "'%.40s' is not true or false",
                                   text);
    }
    if (setting->kind == SCB_SETTING_DURATION)
        status = scb_text_parse_duration_ms(text, &ms, error), value = (uint64_t)ms;
    else if (setting->kind == SCB_SETTING_SIZE)
        status = scb_text_parse_size(text, &value, error);
    else
        status = scb_text_parse_u64(text, &value, error);
    if (status != SCB_OK)
        return status;
    if (value > INT64_MAX || (int64_t)value < setting->min || (int64_t)value > setting->max) {
        char what[64];
        (void)snprintf(what, sizeof(what), "'%.40s'", text);
        return out_of_bounds(setting, what, error);
    }
    *ret_number = (int64_t)value;
    return SCB_OK;
}

/* So far that a private key, pasted here by mistake, is never taken, shown or audited. */
static enum scb_status check_recipient(const char *text, size_t number, struct scb_error *error)
{
    if (strncmp(text, "age1", 4) == 0)
        return SCB_OK;
    scb_error_set(error, SCB_ERROR_VALIDATION, "entry %zu: this is no age recipient", number);
    return scb_error_hint(error, "give the public key, age1...; an identity (AGE-SECRET-KEY-1...) "
                                 "does not belong here");
}

static enum scb_status check_text(const struct scb_setting *setting, const char *text,
                                  size_t number, struct scb_error *error)
{
    if (setting->kind == SCB_SETTING_CHOICE)
        return check_choice(setting, text, error);
    if (setting->kind == SCB_SETTING_BLOCK)
        return check_block(text, error);
    if (setting->kind == SCB_SETTING_FUNCTION)
        return check_function(text, error);
    if (setting->kind == SCB_SETTING_HTTP_URLS)
        return check_http_url(text, number, error);
    if (setting->kind == SCB_SETTING_CALLS)
        return check_call(text, number, error);
    if (setting->kind == SCB_SETTING_RECIPIENTS)
        return check_recipient(text, number, error);
    if (setting->kind == SCB_SETTING_HTTP_URL && text[0] != '\0')
        return check_http_url(text, number, error);
    if (setting->kind == SCB_SETTING_LIST)
        return text[0] != '\0'
                   ? SCB_OK
                   : scb_error_set(error, SCB_ERROR_VALIDATION, "entry %zu is empty", number);
    size_t length = strlen(text);
    if (length < (size_t)setting->min || length > (size_t)setting->max)
        return out_of_bounds(setting, length == 0 ? "an empty text" : "its length", error);
    return SCB_OK;
}

enum scb_status scb_value_parse(const struct scb_setting *setting, struct scb_texts *texts,
                                struct scb_value *ret_value, struct scb_error *error)
{
    if (!scb_setting_is_list(setting) && texts->count != 1)
        return scb_error_set(error, SCB_ERROR_VALIDATION, "a list where one value is expected");
    if (scb_setting_is_number(setting)) {
        enum scb_status status = parse_number(setting, texts->items[0], &ret_value->number, error);
        if (status == SCB_OK)
            scb_texts_cleanup(texts);
        return status;
    }
    if (scb_setting_is_list(setting) && texts->count > (size_t)setting->max)
        return out_of_bounds(setting, "the number of entries", error);
    for (size_t i = 0; i < texts->count; i++) {
        enum scb_status status = check_text(setting, texts->items[i], i + 1, error);
        if (status != SCB_OK)
            return status;
    }
    ret_value->texts = *texts;
    *texts = (struct scb_texts){0};
    return SCB_OK;
}

void scb_value_format_number(const struct scb_setting *setting, int64_t number, char *ret_text,
                             size_t size)
{
    if (setting->kind == SCB_SETTING_BOOLEAN)
        (void)snprintf(ret_text, size, "%s", number != 0 ? "true" : "false");
    else if (setting->kind == SCB_SETTING_DURATION)
        scb_text_format_duration(number, ret_text, size);
    else if (setting->kind == SCB_SETTING_SIZE)
        scb_text_format_size((uint64_t)number, ret_text, size);
    else
        (void)snprintf(ret_text, size, "%" PRId64, number);
}

void scb_value_show(const struct scb_setting *setting, const char *text, char *ret_text,
                    size_t size)
{
    bool is_call = setting->kind == SCB_SETTING_CALLS;
    bool is_url = setting->kind == SCB_SETTING_URL || setting->kind == SCB_SETTING_HTTP_URLS ||
                  setting->kind == SCB_SETTING_HTTP_URL || is_call;
    bool is_secret = (setting->flags & SCB_SETTING_SECRET) != 0;
    if (is_call && text[0] == '/') { /* its path; arguments may be secret */
        size_t length = strcspn(text, " ");
        (void)snprintf(ret_text, size, "%.*s%s", (int)length, text,
                       text[length] == '\0' ? "" : " ***");
    } else if (!is_secret ||
               (is_url && strncmp(text, "sqlite:", 7) == 0)) { /* a path: no credentials */
        (void)snprintf(ret_text, size, "%s", text);
    } else if (is_url && strstr(text, "://") != NULL) {
        scb_text_url_origin(text, ret_text, size);
        size_t length = strlen(ret_text);
        bool whole = strncmp(text, ret_text, length) == 0 && strlen(text) <= length + 1;
        if (!whole)
            (void)snprintf(ret_text + length, size - length, "/***");
    } else {
        (void)snprintf(ret_text, size, "%s", text[0] == '\0' ? "" : "***");
    }
}
