/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Design: one change is a few splices - a range of the old text and what stands there instead -
 * found from where libyaml says that things are.
 */
#include "config/config_edit.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "config/yaml_place.h"
#include "config/yaml_write.h"

struct edit {
    struct scb_bytes text;
    const struct scb_setting *setting;
    const struct scb_texts *value;
    struct scb_yaml_place place;
    const char *newline;
    struct scb_buffer *out;
    size_t copied; /* of text, into out */
    struct scb_error *error;
};

/* --- pieces --- */

static enum scb_status put(struct edit *edit, const char *text)
{
    return scb_buffer_append_text(edit->out, text, edit->error);
}

/* The old text up to a place, from where the last piece of it ended. */
static enum scb_status copy_to(struct edit *edit, size_t end)
{
    if (end <= edit->copied)
        return SCB_OK;
    enum scb_status status = scb_buffer_append(edit->out, edit->text.data + edit->copied,
                                               end - edit->copied, edit->error);
    edit->copied = end;
    return status;
}

static void skip_to(struct edit *edit, size_t end)
{
    if (end > edit->copied)
        edit->copied = end;
}

static enum scb_status put_quoted(struct edit *edit, const char *text)
{
    return scb_yaml_append_quoted(edit->out, text, edit->error);
}

static enum scb_status put_value(struct edit *edit)
{
    return scb_yaml_append_value(edit->out, edit->setting, edit->value, edit->error);
}

static enum scb_status put_setting(struct edit *edit)
{
    enum scb_status status = put(edit, edit->setting->key);
    if (status == SCB_OK)
        status = put(edit, ": ");
    return status == SCB_OK ? put_value(edit) : status;
}

static enum scb_status put_indent(struct edit *edit, size_t columns)
{
    enum scb_status status = SCB_OK;
    for (size_t i = 0; i < columns && status == SCB_OK; i++)
        status = put(edit, " ");
    return status;
}

static enum scb_status cannot(struct edit *edit, const char *why)
{
    scb_error_set(edit->error, SCB_ERROR_VALIDATION, "%s cannot be changed in this file: %s",
                  edit->setting->name, why);
    return scb_error_hint(edit->error, "change it by hand");
}

/* --- places --- */

static size_t line_start(const struct edit *edit, size_t at)
{
    while (at > 0 && edit->text.data[at - 1] != '\n' && edit->text.data[at - 1] != '\r')
        at--;
    if (at == 0 && edit->text.size >= 3 && memcmp(edit->text.data, "\xef\xbb\xbf", 3) == 0)
        return 3;
    return at;
}

static size_t line_end(const struct edit *edit, size_t at)
{
    while (at < edit->text.size && edit->text.data[at] != '\n' && edit->text.data[at] != '\r')
        at++;
    return at;
}

/* The start of the line behind the one that ends there. */
static size_t behind_line(const struct edit *edit, size_t end)
{
    if (end < edit->text.size && edit->text.data[end] == '\r')
        end++;
    if (end < edit->text.size && edit->text.data[end] == '\n')
        end++;
    return end;
}

static size_t column_of(const struct edit *edit, size_t at)
{
    return at - line_start(edit, at);
}

/* Whether only blanks stand before it on its line. */
static bool begins_line(const struct edit *edit, size_t at)
{
    for (size_t i = line_start(edit, at); i < at; i++)
        if (edit->text.data[i] != ' ')
            return false;
    return true;
}

/* --- a value that is there --- */

static enum scb_status replace(struct edit *edit, const struct scb_yaml_node *node)
{
    enum scb_status status = copy_to(edit, node->start);
    if (status == SCB_OK && node->start == node->end) /* "key:" and nothing */
        status = put(edit, " ");
    skip_to(edit, node->end);
    return status == SCB_OK ? put_value(edit) : status;
}

/* Where an item's "-" stands. */
static size_t dash_of(const struct edit *edit, const struct scb_yaml_node *item)
{
    size_t at = item->start;
    while (at > 0 && edit->text.data[at - 1] != '-')
        at--;
    return at > 0 ? at - 1 : 0;
}

/* Entry i in place of the item that stands there. */
static enum scb_status replace_item(struct edit *edit, size_t i)
{
    const struct scb_yaml_node *item = &edit->place.items[i];
    enum scb_status status = copy_to(edit, item->start);
    skip_to(edit, item->end);
    return status == SCB_OK ? put_quoted(edit, edit->value->items[i]) : status;
}

static enum scb_status add_flow_items(struct edit *edit, size_t first)
{
    const struct scb_yaml_node *list = &edit->place.section.value;
    size_t end = first == 0 ? list->start + 1 : edit->place.items[first - 1].end;
    enum scb_status status = copy_to(edit, end);
    for (size_t i = first; i < edit->value->count && status == SCB_OK; i++) {
        status = put(edit, i == 0 ? "" : ", ");
        if (status == SCB_OK)
            status = put_quoted(edit, edit->value->items[i]);
    }
    return status;
}

static enum scb_status add_block_items(struct edit *edit, size_t first)
{
    const struct scb_yaml_node *last = &edit->place.items[first - 1];
    size_t column = column_of(edit, dash_of(edit, &edit->place.items[0]));
    enum scb_status status = copy_to(edit, line_end(edit, last->end));
    for (size_t i = first; i < edit->value->count && status == SCB_OK; i++) {
        status = put(edit, edit->newline);
        if (status == SCB_OK)
            status = put_indent(edit, column);
        if (status == SCB_OK)
            status = put(edit, "- ");
        if (status == SCB_OK)
            status = put_quoted(edit, edit->value->items[i]);
    }
    return status;
}

/* Items from first on go: of a block list their lines, with what stands behind them. */
static enum scb_status remove_items(struct edit *edit, size_t first)
{
    const struct scb_yaml_place *place = &edit->place;
    const struct scb_yaml_node *last = &place->items[place->item_count - 1];
    if (place->section.value.flow) {
        enum scb_status status = copy_to(edit, place->items[first - 1].end);
        skip_to(edit, last->end);
        return status;
    }
    for (size_t i = first; i < place->item_count; i++) {
        enum scb_status status = copy_to(edit, line_start(edit, dash_of(edit, &place->items[i])));
        if (status != SCB_OK)
            return status;
        skip_to(edit, behind_line(edit, line_end(edit, place->items[i].end)));
    }
    return SCB_OK;
}

/* Entry by entry, so that what is said beside them stays. */
static enum scb_status change_list(struct edit *edit)
{
    const struct scb_yaml_node *list = &edit->place.section.value;
    size_t wanted = edit->value->count, have = edit->place.item_count;
    if (wanted == 0) { /* behind the key: a list at the key's own column may be none in brackets */
        enum scb_status status =
            copy_to(edit, list->flow ? list->start : line_end(edit, edit->place.section.key.end));
        skip_to(edit, list->end);
        return status == SCB_OK ? put(edit, list->flow ? "[]" : " []") : status;
    }
    enum scb_status status = SCB_OK;
    for (size_t i = 0; i < wanted && i < have && status == SCB_OK; i++)
        status = replace_item(edit, i);
    if (status == SCB_OK && wanted > have)
        status = list->flow ? add_flow_items(edit, have) : add_block_items(edit, have);
    if (status == SCB_OK && wanted < have)
        status = remove_items(edit, wanted);
    return status;
}

/* --- a value that is not there --- */

/* "#key: value" in the section, as `config init` writes what is not set: its line, or SIZE_MAX. */
static size_t find_comment(const struct edit *edit, size_t from, size_t end)
{
    size_t length = strlen(edit->setting->key);
    for (size_t at = behind_line(edit, line_end(edit, from)); at < end;
         at = behind_line(edit, line_end(edit, at))) {
        const uint8_t *data = edit->text.data;
        size_t hash = at;
        while (hash < end && data[hash] == ' ')
            hash++;
        if (hash > at && end - hash > length + 1 && data[hash] == '#' &&
            memcmp(data + hash + 1, edit->setting->key, length) == 0 &&
            data[hash + 1 + length] == ':')
            return at;
        if (line_end(edit, at) == edit->text.size)
            break;
    }
    return SIZE_MAX;
}

/* A line of its own behind the one at `behind`. */
static enum scb_status add_line(struct edit *edit, size_t behind, size_t column)
{
    enum scb_status status = copy_to(edit, line_end(edit, behind));
    if (status == SCB_OK)
        status = put(edit, edit->newline);
    if (status == SCB_OK)
        status = put_indent(edit, column);
    return status == SCB_OK ? put_setting(edit) : status;
}

static enum scb_status add_to_block_section(struct edit *edit)
{
    const struct scb_yaml_mapping *root = &edit->place.root, *section = &edit->place.section;
    bool empty = section->count == 0;
    size_t column =
        empty ? column_of(edit, root->first_key) + 2 : column_of(edit, section->first_key);
    size_t end =
        root->next_key == SIZE_MAX ? edit->place.document_end : line_start(edit, root->next_key);
    size_t comment = find_comment(edit, root->key.end, end);
    if (comment == SIZE_MAX)
        return add_line(edit, empty ? root->key.end : section->node.end, column);
    if (empty) /* all of them stand in comments, which show where they belong */
        column = strcspn((const char *)edit->text.data + comment, "#");
    enum scb_status status = copy_to(edit, comment);
    skip_to(edit, line_end(edit, comment));
    if (status == SCB_OK)
        status = put_indent(edit, column);
    return status == SCB_OK ? put_setting(edit) : status;
}

static enum scb_status add_to_section(struct edit *edit)
{
    const struct scb_yaml_mapping *root = &edit->place.root, *section = &edit->place.section;
    const struct scb_yaml_node *value = &root->value;
    if (section->node.kind == SCB_YAML_MAPPING && section->node.flow) {
        size_t at = section->count == 0 ? section->node.start + 1 : section->node.end - 1;
        while (section->count > 0 && strchr(" \t\r\n,", edit->text.data[at - 1]) != NULL)
            at--;
        enum scb_status status = copy_to(edit, at);
        if (status == SCB_OK)
            status = put(edit, section->count == 0 ? "" : ", ");
        return status == SCB_OK ? put_setting(edit) : status;
    }
    if (section->node.kind == SCB_YAML_MAPPING)
        return begins_line(edit, section->first_key) ? add_to_block_section(edit)
                                                     : cannot(edit, "its section is written oddly");
    if (value->kind != SCB_YAML_SCALAR || !value->null)
        return cannot(edit, "its section holds no settings");
    if (!root->node.flow && value->start == value->end)
        return add_to_block_section(edit);
    enum scb_status status = copy_to(edit, value->start);
    skip_to(edit, value->end);
    if (status == SCB_OK)
        status = put(edit, " {");
    if (status == SCB_OK)
        status = put_setting(edit);
    return status == SCB_OK ? put(edit, "}") : status;
}

static enum scb_status add_section(struct edit *edit)
{
    const struct scb_yaml_mapping *root = &edit->place.root;
    enum scb_status status = SCB_OK;
    if (root->node.kind == SCB_YAML_MAPPING && root->node.flow) {
        status = copy_to(edit, root->node.start + 1);
        if (status == SCB_OK)
            status = scb_buffer_printf(edit->out, edit->error, "%s: {", edit->setting->section);
        if (status == SCB_OK)
            status = put_setting(edit);
        return status == SCB_OK ? put(edit, root->count == 0 ? "}" : "}, ") : status;
    }
    bool empty = root->node.kind == SCB_YAML_NOTHING ||
                 (root->node.null && root->node.start == root->node.end);
    if (root->node.kind != SCB_YAML_MAPPING && !empty)
        return cannot(edit, "it holds no sections");
    size_t column = empty ? 0 : column_of(edit, root->first_key);
    size_t end = edit->place.document_end;
    if (!empty && !begins_line(edit, root->first_key))
        return cannot(edit, "its first section is written oddly");
    status = copy_to(edit, end);
    if (status == SCB_OK && end > 0 && line_start(edit, end) != end)
        status = put(edit, edit->newline);
    if (status == SCB_OK)
        status = put_indent(edit, column);
    if (status == SCB_OK)
        status = scb_buffer_printf(edit->out, edit->error, "%s:%s", edit->setting->section,
                                   edit->newline);
    if (status == SCB_OK)
        status = put_indent(edit, column + 2);
    if (status == SCB_OK)
        status = put_setting(edit);
    return status == SCB_OK ? put(edit, edit->newline) : status;
}

static enum scb_status change(struct edit *edit)
{
    const struct scb_yaml_node *value = &edit->place.section.value;
    bool is_list = scb_setting_is_list(edit->setting);
    if (value->kind == SCB_YAML_LIST && is_list)
        return change_list(edit);
    if (value->kind == SCB_YAML_SCALAR)
        return replace(edit, value);
    if (value->kind != SCB_YAML_NOTHING)
        return cannot(edit, "what stands there is not a value");
    if (edit->place.root.key.kind != SCB_YAML_NOTHING)
        return add_to_section(edit);
    return add_section(edit);
}

enum scb_status scb_config_edit(struct scb_bytes text, size_t index, const struct scb_texts *value,
                                struct scb_buffer *out, struct scb_error *error)
{
    struct edit *edit = scb_alloc(1, sizeof(*edit), error);
    if (edit == NULL)
        return SCB_ERROR_RESOURCE;
    const uint8_t *break_at = text.size == 0 ? NULL : memchr(text.data, '\n', text.size);
    *edit = (struct edit){
        .text = text,
        .setting = &scb_settings[index],
        .value = value,
        .newline = break_at != NULL && break_at > text.data && break_at[-1] == '\r' ? "\r\n" : "\n",
        .out = out,
        .error = error};
    enum scb_status status =
        scb_yaml_find(text, edit->setting->section, edit->setting->key, &edit->place, error);
    if (status == SCB_OK)
        status = change(edit);
    if (status == SCB_OK)
        status = copy_to(edit, text.size);
    free(edit);
    return status;
}
