/* SPDX-License-Identifier: Apache-2.0 */
#include "config/yaml_write.h"

enum scb_status scb_yaml_append_quoted(struct scb_buffer *out, const char *text,
                                       struct scb_error *error)
{
    enum scb_status status = scb_buffer_append_text(out, "\"", error);
    for (; *text != '\0' && status == SCB_OK; text++) {
        if (*text == '"' || *text == '\\')
            status = scb_buffer_append_text(out, "\\", error);
        if (status == SCB_OK)
            status = scb_buffer_append(out, text, 1, error);
    }
    return status == SCB_OK ? scb_buffer_append_text(out, "\"", error) : status;
}

enum scb_status scb_yaml_append_value(struct scb_buffer *out, const struct scb_setting *setting,
                                      const struct scb_texts *value, struct scb_error *error)
{
    if (setting->kind == SCB_SETTING_INTEGER || setting->kind == SCB_SETTING_BOOLEAN)
        return scb_buffer_append_text(out, value->items[0], error);
    if (!scb_setting_is_list(setting))
        return scb_yaml_append_quoted(out, value->items[0], error);
    enum scb_status status = scb_buffer_append_text(out, "[", error);
    for (size_t i = 0; i < value->count && status == SCB_OK; i++) {
        status = scb_buffer_append_text(out, i == 0 ? "" : ", ", error);
        if (status == SCB_OK)
            status = scb_yaml_append_quoted(out, value->items[i], error);
    }
    return status == SCB_OK ? scb_buffer_append_text(out, "]", error) : status;
}
