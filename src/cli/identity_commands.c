/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Commands on the identity that signs: create, show.
 */
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "base/json.h"
#include "base/memory.h"
#include "base/text.h"
#include "cli/handlers.h"
#include "cli/output.h"
#include "crypto/identity.h"

enum { MAX_TEXT = 64 * 1024, LONG_WORK = 24 /* bits of difficulty that take seconds */ };

/* What is shown of an identity. */
struct shown {
    char node_id[SCB_NODE_ID_TEXT_SIZE];
    char node_id_hex[2 * SCB_NODE_ID_SIZE + 1];
    unsigned difficulty;
    struct scb_identity_view view;
};

static enum scb_status look_at(const struct scb_identity *identity, struct shown *ret_shown,
                               struct scb_error *error)
{
    const struct scb_node_id *id = scb_identity_node_id(identity);
    ret_shown->difficulty = scb_node_id_difficulty(id);
    scb_text_hex(id->bytes, sizeof(id->bytes), ret_shown->node_id_hex);
    enum scb_status status = scb_node_id_format(id, ret_shown->node_id, error);
    if (status == SCB_OK)
        status = scb_identity_describe(identity, &ret_shown->view, error);
    return status;
}

static void show_text(const struct shown *shown)
{
    char subject[2 * sizeof(shown->view.subject)];
    struct scb_bytes bytes = {(const uint8_t *)shown->view.subject, strlen(shown->view.subject)};
    (void)printf("Node ID      %s\n", shown->node_id);
    (void)printf("Difficulty   %u\n", shown->difficulty);
    (void)printf("Subject      %s\n", scb_text_printable(bytes, subject, sizeof(subject)));
    (void)printf("Valid from   %s\n", shown->view.not_before);
    (void)printf("Valid until  %s\n", shown->view.not_after);
    (void)printf("Key SHA-256  %s\n", shown->view.key_sha256);
}

/* directory is where it has been written; NULL where it was there before. */
static enum scb_status show_json(const struct shown *shown, const char *directory,
                                 struct scb_error *error)
{
    SCB_AUTO(buffer) struct scb_buffer text = {.max = MAX_TEXT};
    struct scb_json json;
    scb_json_begin(&json, &text);
    scb_json_open_object(&json, NULL);
    scb_json_text(&json, "node_id", shown->node_id);
    scb_json_text(&json, "node_id_hex", shown->node_id_hex);
    scb_json_unsigned(&json, "difficulty", shown->difficulty);
    scb_json_text(&json, "subject", shown->view.subject);
    scb_json_text(&json, "not_before", shown->view.not_before);
    scb_json_text(&json, "not_after", shown->view.not_after);
    scb_json_text(&json, "key_sha256", shown->view.key_sha256);
    if (directory != NULL)
        scb_json_text(&json, "directory", directory);
    scb_json_close_object(&json);
    return scb_output_json(&json, error);
}

/* Storj's nodes want 36; what is asked of nobody takes a moment. */
static enum scb_status read_difficulty(const struct scb_command_context *context,
                                       unsigned *ret_difficulty, struct scb_error *error)
{
    uint64_t difficulty = 0;
    const char *text = scb_command_option(context, "--difficulty");
    struct scb_error ignored = {0};
    if (text != NULL && (scb_text_parse_u64(text, &difficulty, &ignored) != SCB_OK ||
                         difficulty > SCB_IDENTITY_MAX_DIFFICULTY))
        return scb_error_set(error, SCB_ERROR_USAGE, "--difficulty: '%.20s' is not 0 to %d", text,
                             SCB_IDENTITY_MAX_DIFFICULTY);
    *ret_difficulty = (unsigned)difficulty;
    return SCB_OK;
}

enum scb_status scb_command_identity_create(const struct scb_command_context *context,
                                            struct scb_error *error)
{
    const char *directory = scb_command_option(context, "--output-dir");
    unsigned difficulty = 0;
    enum scb_status status = read_difficulty(context, &difficulty, error);
    if (status != SCB_OK)
        return status;
    if (directory == NULL)
        directory = ".";
    (void)setrlimit(RLIMIT_CORE, &(struct rlimit){0}); /* a key must not lie in a core dump */
    if (difficulty >= LONG_WORK)
        scb_log_info(context->log,
                     "Making keys until a node ID is so difficult; each bit takes twice as long",
                     SCB_NUMBER("difficulty", difficulty));
    SCB_AUTO(identity) struct scb_identity *identity = NULL;
    struct shown shown = {0};
    status = scb_identity_create(directory, difficulty, context->cancel, &identity, error);
    if (status == SCB_OK)
        status = look_at(identity, &shown, error);
    if (status != SCB_OK)
        return status;
    if (context->json)
        return show_json(&shown, directory, error);
    show_text(&shown);
    (void)printf("\nWritten to %s: identity.cert and identity.key, which sign, and ca.cert and "
                 "ca.key,\nwhich are not needed for that: move ca.key to where it is safe, "
                 "offline.\n",
                 directory);
    return SCB_OK;
}

enum scb_status scb_command_identity_show(const struct scb_command_context *context,
                                          struct scb_error *error)
{
    const char *path = scb_command_option(context, "--cert");
    SCB_AUTO(identity) struct scb_identity *identity = NULL;
    struct shown shown = {0};
    enum scb_status status =
        scb_identity_load(path == NULL ? SCB_IDENTITY_CERT_NAME : path, NULL, &identity, error);
    if (status == SCB_OK)
        status = look_at(identity, &shown, error);
    if (status != SCB_OK)
        return status;
    if (context->json)
        return show_json(&shown, NULL, error);
    show_text(&shown);
    return SCB_OK;
}
