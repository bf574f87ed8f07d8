/* SPDX-License-Identifier: Apache-2.0 */
#include "config/yaml_place.h"

#include <stdint.h>
#include <string.h>
#include <yaml.h>

#include "base/memory.h"

enum { MAX_DEPTH = 32 };

struct walk {
    yaml_parser_t parser;
    yaml_event_t event; /* the present one */
    struct scb_bytes text;
    size_t known_index, known_byte; /* a mark that was found, to go on from */
    struct scb_yaml_place *place;
    const char *section, *key;
    struct scb_error *error;
};

static void walk_cleanup(struct walk *walk)
{
    yaml_event_delete(&walk->event);
    yaml_parser_delete(&walk->parser);
}

/* A mark counts characters, a byte order mark at the begin not among them. */
static size_t byte_of(struct walk *walk, const yaml_mark_t *mark)
{
    const uint8_t *data = walk->text.data;
    if (mark->index < walk->known_index || walk->known_index == 0) {
        bool has_bom = walk->text.size >= 3 && memcmp(data, "\xef\xbb\xbf", 3) == 0;
        walk->known_index = 0;
        walk->known_byte = has_bom ? 3 : 0;
    }
    while (walk->known_index < mark->index && walk->known_byte < walk->text.size) {
        walk->known_byte++;
        while (walk->known_byte < walk->text.size && (data[walk->known_byte] & 0xc0) == 0x80)
            walk->known_byte++;
        walk->known_index++;
    }
    return walk->known_byte;
}

static enum scb_status refuse(struct walk *walk, const char *what)
{
    return scb_error_set(walk->error, SCB_ERROR_VALIDATION, "line %zu: %s",
                         walk->event.start_mark.line + 1, what);
}

static enum scb_status next(struct walk *walk)
{
    yaml_event_delete(&walk->event);
    const yaml_parser_t *parser = &walk->parser;
    if (!yaml_parser_parse(&walk->parser, &walk->event))
        return parser->error == YAML_MEMORY_ERROR
                   ? scb_error_set(walk->error, SCB_ERROR_RESOURCE, "no memory to read YAML")
                   : scb_error_set(walk->error, SCB_ERROR_VALIDATION,
                                   "line %zu: not valid YAML: %s", parser->problem_mark.line + 1,
                                   parser->problem != NULL ? parser->problem : "unreadable");
    const yaml_event_t *event = &walk->event;
    bool marked = event->type == YAML_ALIAS_EVENT;
    if (event->type == YAML_SCALAR_EVENT)
        marked = event->data.scalar.anchor != NULL || event->data.scalar.tag != NULL;
    else if (event->type == YAML_SEQUENCE_START_EVENT)
        marked =
            event->data.sequence_start.anchor != NULL || event->data.sequence_start.tag != NULL;
    else if (event->type == YAML_MAPPING_START_EVENT)
        marked = event->data.mapping_start.anchor != NULL || event->data.mapping_start.tag != NULL;
    return marked ? refuse(walk, "YAML anchors, aliases and tags are not taken") : SCB_OK;
}

static void read_scalar(struct walk *walk, struct scb_yaml_node *node)
{
    yaml_scalar_style_t style = walk->event.data.scalar.style;
    const char *value = (const char *)walk->event.data.scalar.value;
    node->kind = SCB_YAML_SCALAR;
    node->null = style == YAML_PLAIN_SCALAR_STYLE &&
                 (value[0] == '\0' || strcmp(value, "~") == 0 || strcmp(value, "null") == 0);
    bool is_block = style == YAML_LITERAL_SCALAR_STYLE || style == YAML_FOLDED_SCALAR_STYLE;
    while (is_block && node->end > node->start &&
           strchr(" \t\r\n", walk->text.data[node->end - 1]) != NULL)
        node->end--;
}

static enum scb_status read_node(struct walk *walk, struct scb_yaml_node *node, unsigned depth);

/* The present event begins a list; node is complete when it has ended. */
static enum scb_status read_list(struct walk *walk, struct scb_yaml_node *node, bool is_wanted,
                                 unsigned depth)
{
    size_t last = node->start;
    node->kind = SCB_YAML_LIST;
    node->flow = walk->event.data.sequence_start.style == YAML_FLOW_SEQUENCE_STYLE;
    for (;;) {
        enum scb_status status = next(walk);
        if (status != SCB_OK)
            return status;
        if (walk->event.type == YAML_SEQUENCE_END_EVENT)
            break;
        struct scb_yaml_node item;
        status = read_node(walk, &item, depth + 1);
        if (status != SCB_OK)
            return status;
        last = item.end;
        if (!is_wanted)
            continue;
        if (walk->place->item_count == SCB_YAML_MAX_ITEMS)
            return refuse(walk, "too long a list");
        walk->place->items[walk->place->item_count++] = item;
    }
    node->end = node->flow ? byte_of(walk, &walk->event.end_mark) : last;
    return SCB_OK;
}

/* What is to be done with a mapping's values. */
typedef enum scb_status (*value_reader)(struct walk *walk, struct scb_yaml_node *node);

/* The present event begins a mapping, in which wanted (may be NULL) is read by reader. */
static enum scb_status read_mapping(struct walk *walk, struct scb_yaml_mapping *mapping,
                                    const char *wanted, value_reader reader, unsigned depth)
{
    struct scb_yaml_node *node = &mapping->node;
    size_t last = node->start;
    mapping->next_key = SIZE_MAX;
    node->kind = SCB_YAML_MAPPING;
    node->flow = walk->event.data.mapping_start.style == YAML_FLOW_MAPPING_STYLE;
    for (;;) {
        enum scb_status status = next(walk);
        if (status != SCB_OK)
            return status;
        if (walk->event.type == YAML_MAPPING_END_EVENT)
            break;
        bool is_it = wanted != NULL && mapping->key.kind == SCB_YAML_NOTHING &&
                     walk->event.type == YAML_SCALAR_EVENT &&
                     strcmp((const char *)walk->event.data.scalar.value, wanted) == 0;
        struct scb_yaml_node key, value = {0};
        status = read_node(walk, &key, depth + 1);
        if (mapping->count++ == 0)
            mapping->first_key = key.start;
        if (mapping->key.kind != SCB_YAML_NOTHING && mapping->next_key == SIZE_MAX)
            mapping->next_key = key.start;
        if (status == SCB_OK)
            status = next(walk);
        if (status == SCB_OK)
            status = is_it ? reader(walk, &value) : read_node(walk, &value, depth + 1);
        if (status != SCB_OK)
            return status;
        last = value.end;
        if (is_it) {
            mapping->key = key;
            mapping->value = value;
        }
    }
    node->end = node->flow ? byte_of(walk, &walk->event.end_mark) : last;
    return SCB_OK;
}

static void begin_node(struct walk *walk, struct scb_yaml_node *node)
{
    *node = (struct scb_yaml_node){.start = byte_of(walk, &walk->event.start_mark),
                                   .end = byte_of(walk, &walk->event.end_mark)};
}

static enum scb_status read_node(struct walk *walk, struct scb_yaml_node *node, unsigned depth)
{
    if (depth > MAX_DEPTH)
        return refuse(walk, "nested too deeply");
    begin_node(walk, node);
    if (walk->event.type == YAML_SEQUENCE_START_EVENT)
        return read_list(walk, node, false, depth);
    if (walk->event.type == YAML_MAPPING_START_EVENT) {
        struct scb_yaml_mapping mapping = {.node = *node};
        enum scb_status status = read_mapping(walk, &mapping, NULL, NULL, depth);
        *node = mapping.node;
        return status;
    }
    read_scalar(walk, node);
    return SCB_OK;
}

static enum scb_status read_setting(struct walk *walk, struct scb_yaml_node *node)
{
    if (walk->event.type != YAML_SEQUENCE_START_EVENT)
        return read_node(walk, node, 2);
    begin_node(walk, node);
    return read_list(walk, node, true, 2);
}

static enum scb_status read_section(struct walk *walk, struct scb_yaml_node *node)
{
    if (walk->event.type != YAML_MAPPING_START_EVENT)
        return read_node(walk, node, 1);
    struct scb_yaml_mapping *section = &walk->place->section;
    begin_node(walk, &section->node);
    enum scb_status status = read_mapping(walk, section, walk->key, read_setting, 1);
    *node = section->node;
    return status;
}

/* The present event is the first of the document's node. */
static enum scb_status read_root(struct walk *walk)
{
    struct scb_yaml_mapping *root = &walk->place->root;
    begin_node(walk, &root->node);
    if (walk->event.type != YAML_MAPPING_START_EVENT)
        return read_node(walk, &root->node, 0);
    return read_mapping(walk, root, walk->section, read_section, 0);
}

static enum scb_status read_stream(struct walk *walk)
{
    enum scb_status status = next(walk); /* the stream's start */
    if (status == SCB_OK)
        status = next(walk);
    if (status != SCB_OK || walk->event.type != YAML_DOCUMENT_START_EVENT)
        return status;
    status = next(walk);
    if (status == SCB_OK)
        status = read_root(walk);
    if (status == SCB_OK)
        status = next(walk);
    if (status == SCB_OK && !walk->event.data.document_end.implicit)
        walk->place->document_end = byte_of(walk, &walk->event.start_mark);
    if (status == SCB_OK)
        status = next(walk);
    if (status == SCB_OK && walk->event.type != YAML_STREAM_END_EVENT)
        return refuse(walk, "a second YAML document");
    return status;
}

enum scb_status scb_yaml_find(struct scb_bytes text, const char *section, const char *key,
                              struct scb_yaml_place *ret_place, struct scb_error *error)
{
    memset(ret_place, 0, sizeof(*ret_place));
    ret_place->document_end = text.size;
    __attribute__((cleanup(walk_cleanup))) struct walk walk = {
        .text = text, .place = ret_place, .section = section, .key = key, .error = error};
    if (!yaml_parser_initialize(&walk.parser))
        return scb_error_set(error, SCB_ERROR_RESOURCE, "no memory to read YAML");
    if (text.size >= 2 &&
        (memcmp(text.data, "\xff\xfe", 2) == 0 || memcmp(text.data, "\xfe\xff", 2) == 0))
        return scb_error_set(error, SCB_ERROR_VALIDATION, "the file is not UTF-8");
    static const uint8_t nothing[1]; /* libyaml does not take NULL */
    yaml_parser_set_input_string(&walk.parser, text.size == 0 ? nothing : text.data, text.size);
    return read_stream(&walk);
}
