/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/age_recipients.h"

#include <string.h>

/* Puts it into its place; false where it is there already. */
static bool insert(struct scb_age_recipients *recipients, const struct scb_age_recipient *item)
{
    size_t at = recipients->count;
    for (; at > 0; at--) {
        int order = memcmp(item, &recipients->items[at - 1], sizeof(*item));
        if (order == 0)
            return false;
        if (order > 0)
            break;
    }
    memmove(&recipients->items[at + 1], &recipients->items[at],
            (recipients->count - at) * sizeof(*item));
    recipients->items[at] = *item;
    recipients->count++;
    return true;
}

static enum scb_status add(struct scb_age_recipients *recipients, const char *text,
                           struct scb_error *error)
{
    struct scb_age_recipient item;
    if (recipients->count == SCB_AGE_MAX_RECIPIENTS)
        return scb_error_set(error, SCB_ERROR_VALIDATION, "more than %d age recipients",
                             SCB_AGE_MAX_RECIPIENTS);
    enum scb_status status = scb_age_recipient_parse(text, &item, error);
    if (status != SCB_OK || insert(recipients, &item))
        return status;
    (void)scb_error_set(error, SCB_ERROR_VALIDATION, "age recipient '%s' is there twice", text);
    (void)scb_error_hint(error, "remove one of the two");
    return SCB_ERROR_VALIDATION;
}

enum scb_status scb_age_recipients_parse(const char *const *texts,
                                         struct scb_age_recipients *ret_recipients,
                                         struct scb_error *error)
{
    struct scb_age_recipients recipients = {.count = 0};
    for (size_t i = 0; texts[i] != NULL; i++) {
        enum scb_status status = add(&recipients, texts[i], error);
        if (status != SCB_OK)
            return scb_error_wrap(error, "entry %zu", i + 1);
    }
    *ret_recipients = recipients;
    return SCB_OK;
}

bool scb_age_recipients_are_equal(const struct scb_age_recipients *a,
                                  const struct scb_age_recipients *b)
{
    return a->count == b->count && memcmp(a->items, b->items, a->count * sizeof(*a->items)) == 0;
}

void scb_age_recipients_format(const struct scb_age_recipients *recipients,
                               char ret_text[SCB_AGE_RECIPIENTS_TEXT_SIZE])
{
    char *at = ret_text;
    *at = '\0';
    for (size_t i = 0; i < recipients->count; i++) {
        if (i > 0)
            *at++ = ',';
        scb_age_recipient_format(&recipients->items[i], at);
        at += strlen(at);
    }
}
