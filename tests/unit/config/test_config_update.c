/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Covers config/config_update, config_edit and yaml_place: exact results on odd files, and a
 * property over made-up ones: what is parsed is what was wanted, all else and every comment stays.
 */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "config/config_text.h"
#include "config/config_update.h"
#include "config/settings.h"

static size_t index_of(const char *name)
{
    int index = scb_setting_find(name);
    assert_true(index >= 0);
    return (size_t)index;
}

static struct scb_bytes bytes_of(const char *text)
{
    return (struct scb_bytes){(const uint8_t *)text, strlen(text)};
}

/* Changes one setting; the result ends with a NUL. */
static enum scb_status update(const char *text, const char *name, const char *value,
                              struct scb_buffer *out, struct scb_error *error)
{
    const struct scb_config_change change = {
        .index = index_of(name), .value = value, .flag = "--f"};
    *out = (struct scb_buffer){.max = 1 << 20};
    static const scb_config_checker checks[] = {scb_config_check, NULL};
    const struct scb_config_update changes = {
        .path = "f", .changes = &change, .count = 1, .checks = checks};
    enum scb_status status = scb_config_update_text(bytes_of(text), &changes, out, error);
    if (status == SCB_OK)
        assert_int_equal(scb_buffer_append(out, "", 1, NULL), SCB_OK);
    return status;
}

static void results_are_exact(void **state)
{
    (void)state;
    static const struct {
        const char *text, *name, *value, *wanted;
    } cases[] = {
        /* what is there */
        {"backup:\n  page_size: 5 # why\n", "backup.page_size", "7",
         "backup:\n  page_size: 7 # why\n"},
        {"backup:\n  page_size: '5'", "backup.page_size", "7", "backup:\n  page_size: 7"},
        {"backup: {page_size: 5, retry_attempts: 2}", "backup.page_size", "7",
         "backup: {page_size: 7, retry_attempts: 2}"},
        {"{backup: {page_size: 5}}", "backup.page_size", "7", "{backup: {page_size: 7}}"},
        {"\"backup\":\r\n    'page_size' : \"5\"\r\n", "backup.page_size", "7",
         "\"backup\":\r\n    'page_size' : 7\r\n"},
        {"\xef\xbb\xbf"
         "backup:\n  page_size: 5\n",
         "backup.page_size", "7",
         "\xef\xbb\xbf"
         "backup:\n  page_size: 7\n"},
        {"# \xc3\xa9\xe2\x82\xac\nbackup: # \xf0\x9f\x92\xbe\n  page_size: 5\n", "backup.page_size",
         "7", "# \xc3\xa9\xe2\x82\xac\nbackup: # \xf0\x9f\x92\xbe\n  page_size: 7\n"},
        {"backup:\n  group: >-\n    staff\n  # behind\n  page_size: 5\n", "backup.group", "a\"b\\",
         "backup:\n  group: \"a\\\"b\\\\\"\n  # behind\n  page_size: 5\n"},
        {"backup:\n  page_size:\n    5\n", "backup.page_size", "7",
         "backup:\n  page_size:\n    7\n"},
        /* what is not there, in a section that is */
        {"backup:\n    page_size: 5 # a\n    # last\n\n# log\nlog:\n  level: info\n",
         "backup.group", "x",
         "backup:\n    page_size: 5 # a\n    group: \"x\"\n    # last\n\n# log\nlog:\n  level: "
         "info\n"},
        {"backup:\n  page_size: 5", "backup.group", "x", "backup:\n  page_size: 5\n  group: \"x\""},
        {"backup:\r\n  page_size: 5\r\n", "backup.group", "x",
         "backup:\r\n  page_size: 5\r\n  group: \"x\"\r\n"},
        {"backup:\n  #page_size: 100\n  # Group.\n  #group: \"\"\nlog:\n", "backup.group", "x",
         "backup:\n  #page_size: 100\n  # Group.\n  group: \"x\"\nlog:\n"},
        {"backup: # none\nlog:\n  level: warn\n", "backup.group", "x",
         "backup: # none\n  group: \"x\"\nlog:\n  level: warn\n"},
        {"backup: ~ # none\n", "backup.group", "x", "backup:  {group: \"x\"} # none\n"},
        {"backup: {}\n", "backup.group", "x", "backup: {group: \"x\"}\n"},
        {"backup: { page_size: 5, }\n", "backup.group", "x",
         "backup: { page_size: 5, group: \"x\", }\n"},
        {"log:\n  level: info\n  #group: not of this section\n", "backup.group", "x",
         "log:\n  level: info\n  #group: not of this section\nbackup:\n  group: \"x\"\n"},
        /* no section */
        {"", "backup.page_size", "7", "backup:\n  page_size: 7\n"},
        {"# nothing\n", "backup.page_size", "7", "# nothing\nbackup:\n  page_size: 7\n"},
        {"---\nlog: {level: info}\n...\n", "backup.page_size", "7",
         "---\nlog: {level: info}\nbackup:\n  page_size: 7\n...\n"},
        {"  log:\n     level: info", "backup.page_size", "7",
         "  log:\n     level: info\n  backup:\n    page_size: 7\n"},
        {"{log: {level: info}}", "backup.page_size", "7",
         "{backup: {page_size: 7}, log: {level: info}}"},
        {"{}", "backup.page_size", "7", "{backup: {page_size: 7}}"},
        /* lists */
        {"notify:\n  on_success:\n    - /a # first\n    # of b\n    - '/b' # second\n",
         "notify.on_success", "/c,/d,/e",
         "notify:\n  on_success:\n    - \"/c\" # first\n    # of b\n    - \"/d\" # second\n    - "
         "\"/e\"\n"},
        {"notify:\n  on_success:\n  - /a # first\n  # of b\n  - /b # second\n  on_failure: []\n",
         "notify.on_success", "/c",
         "notify:\n  on_success:\n  - \"/c\" # first\n  # of b\n  on_failure: []\n"},
        {"notify:\n  on_success:\n  - /a\n  - /b # second\nlog:\n", "notify.on_success", "",
         "notify:\n  on_success: [] # second\nlog:\n"},
        {"notify: {on_success: [/a, '/b' ]}\n", "notify.on_success", "/c,/d,/e",
         "notify: {on_success: [\"/c\", \"/d\", \"/e\" ]}\n"},
        {"notify: {on_success: [/a, '/b' ]}\n", "notify.on_success", "/c",
         "notify: {on_success: [\"/c\" ]}\n"},
        {"notify:\n  on_success: []\n", "notify.on_success", "/c,/d",
         "notify:\n  on_success: [\"/c\", \"/d\"]\n"},
        {"notify:\n  on_success: /a,/b # x\n", "notify.on_success", "/c",
         "notify:\n  on_success: [\"/c\"] # x\n"},
        {"log:\n  level: info\n", "notify.on_success", "/c",
         "log:\n  level: info\nnotify:\n  on_success: [\"/c\"]\n"},
        /* a file that is not valid as it is */
        {"backup:\n  page_size: 0\n", "backup.page_size", "7", "backup:\n  page_size: 7\n"},
        {"backup:\n  page_size:\n  group: x\n", "backup.page_size", "7",
         "backup:\n  page_size: 7\n  group: x\n"},
    };
    for (size_t i = 0; i < SCB_LENGTH(cases); i++) {
        struct scb_error error = {0};
        struct scb_buffer out;
        if (update(cases[i].text, cases[i].name, cases[i].value, &out, &error) != SCB_OK)
            fail_msg("case %zu: %s", i, error.message);
        assert_string_equal((const char *)out.data, cases[i].wanted);
        scb_buffer_free(&out);
    }
}

static void what_cannot_be_changed_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text, *name, *value, *message;
    } cases[] = {
        {"backup:\n  page_size: &a 5\n", "backup.page_size", "7", "anchors"},
        {"backup:\n  page_size: *a\n", "backup.page_size", "7", ""},
        {"backup:\n  page_size: !!int 5\n", "backup.page_size", "7", "tags"},
        {"backup: &b {page_size: 5}\n", "backup.page_size", "7", "anchors"},
        {"backup:\n  page_size: \"5\n", "backup.page_size", "7", "not valid YAML"},
        {"backup:\n  page_size: 5\n", "backup.page_size", "0", "--f: backup.page_size"},
        {"backup:\n  page_size: 5\n  page_size: 6\n", "backup.page_size", "7", "set twice"},
        {"backup:\n  page_size: {a: 5}\n", "backup.page_size", "7", "not a value"},
        {"backup: 5\n", "backup.page_size", "7", "holds no settings"},
        {"[1]\n", "backup.page_size", "7", "no sections"},
        {"backup:\n  page_size: 5\n---\nlog:\n", "backup.page_size", "7", "second YAML document"},
        {"\xff\xfe", "backup.page_size", "7", "not UTF-8"},
        {"backup:\n  group: x\n", "backup.group", "a\xff", ""},
        {"backup:\n  unknown: x\n", "backup.group", "a", "unknown setting"},
        {"notify:\n  webhook_secret: x\n", "notify.webhook_secret", "file:relative",
         "not an absolute path"},
        {"contract: {address: \"0x0000000000000000000000000000000000000001\", rpc_urls: "
         "http://x}\n",
         "contract.quorum", "2", "quorum"},
    };
    for (size_t i = 0; i < SCB_LENGTH(cases); i++) {
        struct scb_error error = {0};
        struct scb_buffer out;
        enum scb_status status = update(cases[i].text, cases[i].name, cases[i].value, &out, &error);
        if (status != SCB_ERROR_VALIDATION || strstr(error.message, cases[i].message) == NULL)
            fail_msg("case %zu: %d %s", i, status, error.message);
        scb_buffer_free(&out);
    }
}

/* --- made-up files --- */

#define add(out_, ...) assert_int_equal(scb_buffer_printf((out_), NULL, __VA_ARGS__), SCB_OK)

static uint64_t seed;

static unsigned draw(unsigned below)
{
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(seed >> 33) % below;
}

static const struct {
    const char *name, *values[3];
} settings[] = {
    {"backup.page_size", {"5", "77", "1000"}},
    {"backup.chore_interval", {"24h", "1h30m", "90s"}},
    {"backup.group", {"staff", "a b: c#d", "q\"u'o\\te"}},
    {"backup.keep_page_files", {"true", "false", "true"}},
    {"backup.validation", {"warn", "strict", "warn"}},
    {"contract.rpc_urls", {"http://a/", "http://a/,http://b/x#y,https://c:1/", ""}},
    {"contract.total_function", {"getTotalKeys()", "a()", "b(uint256,uint256)"}},
    {"notify.on_success", {"/bin/a", "", "/bin/a -x 'y',http://h/,/bin/z {}[]&*"}},
    {"log.level", {"info", "debug", "error"}},
};

static void quote(struct scb_buffer *out, const char *text, unsigned style)
{
    const char *mark = style == 0 ? "\"" : "'";
    add(out, "%s", mark);
    for (; *text != '\0'; text++) {
        if (style == 0 && (*text == '"' || *text == '\\'))
            add(out, "%s", "\\");
        if (style == 1 && *text == '\'')
            add(out, "%s", "'");
        add(out, "%c", *text);
    }
    add(out, "%s", mark);
}

static void write_list(struct scb_buffer *out, const char *value, bool flow, unsigned indent,
                       const char *newline, unsigned *comments)
{
    if (flow)
        add(out, "%s", " [");
    for (unsigned i = 0; *value != '\0'; i++) {
        char item[128];
        size_t length = strcspn(value, ",");
        (void)snprintf(item, sizeof(item), "%.*s", (int)length, value);
        value += length + (value[length] == ',');
        if (flow)
            add(out, "%s", i == 0 ? "" : ", ");
        else
            add(out, "%s%*s- ", newline, (int)indent, "");
        quote(out, item, draw(2));
        if (!flow && draw(2) == 0)
            add(out, " #i%u", (*comments)++);
    }
    if (flow)
        add(out, "%s", "]");
}

/* A file of some of the settings, in some style. Comments are #c0, #c1 and so on. */
static void make_file(struct scb_buffer *out)
{
    const char *newline = draw(3) == 0 ? "\r\n" : "\n";
    const char *section = "";
    unsigned comments = 0, root = draw(2) * draw(3), indent = root + 1 + draw(4);
    bool flow = false, first = true;
    if (draw(6) == 0)
        add(out, "%s", "\xef\xbb\xbf");
    if (draw(4) == 0)
        add(out, "---%s", newline);
    for (size_t i = 0; i < SCB_LENGTH(settings); i++) {
        if (draw(2) == 0)
            continue;
        size_t length = strcspn(settings[i].name, ".");
        const char *key = settings[i].name + length + 1;
        const char *value = settings[i].values[draw(3)];
        if (strncmp(section, settings[i].name, length + 1) != 0) {
            if (flow)
                add(out, "%s", draw(2) == 0 ? "}" : ",\t}");
            section = settings[i].name;
            flow = draw(4) == 0;
            first = true;
            add(out, "%s%*s%.*s:%s", i == 0 ? "" : newline, (int)root, "", (int)length, section,
                flow ? " {" : "");
            if (!flow && draw(3) == 0)
                add(out, " #c%u \xc3\xa4", comments++);
        }
        if (flow)
            add(out, "%s%s:", first ? "" : ", ", key);
        else
            add(out, "%s%*s%s:", newline, (int)indent, "", key);
        first = false;
        bool with_entries = false;
        bool is_list = strstr(key, "urls") != NULL || strstr(key, "on_") != NULL;
        if (is_list && (flow || value[0] == '\0' || draw(3) == 0)) {
            write_list(out, value, true, 0, newline, &comments);
        } else if (is_list) {
            with_entries = true; /* the last one's line may go, with its comment */
            write_list(out, value, false, indent + draw(2) * 2, newline, &comments);
        } else {
            add(out, "%s", " ");
            quote(out, value, draw(2));
        }
        if (!flow && draw(3) == 0)
            add(out, "%s%*s#c%u", !with_entries && draw(2) == 0 ? " " : newline, (int)draw(5), "",
                comments++);
        if (!flow && draw(5) == 0)
            add(out, "%s", newline);
    }
    if (flow)
        add(out, "%s", "}");
    if (draw(3) != 0)
        add(out, "%s", newline);
    if (draw(8) == 0 && out->size > 0 && out->data[out->size - 1] == '\n')
        add(out, "%s", "...");
}

static struct scb_config *parse(const char *text)
{
    struct scb_config *config = NULL;
    struct scb_error error = {0};
    assert_int_equal(scb_config_new(&config, NULL), SCB_OK);
    if (scb_config_load_text(config, bytes_of(text), "f", &error) != SCB_OK)
        fail_msg("%s\n%s", error.message, text);
    return config;
}

/* The comments of settings and sections, in their order; list entries may take theirs along. */
static void collect_comments(const char *text, char *ret_comments, size_t size)
{
    ret_comments[0] = '\0';
    for (const char *at = strstr(text, "#c"); at != NULL; at = strstr(at + 1, "#c"))
        if (at[2] >= '0' && at[2] <= '9')
            (void)snprintf(ret_comments + strlen(ret_comments), size - strlen(ret_comments),
                           "%.*s ", (int)strspn(at, "#c0123456789"), at);
}

static void check_one(const char *text, size_t chosen, const char *value)
{
    struct scb_error error = {0};
    struct scb_buffer out;
    if (update(text, settings[chosen].name, value, &out, &error) != SCB_OK)
        fail_msg("%s := %s: %s\n%s", settings[chosen].name, value, error.message, text);
    const char *changed = (const char *)out.data;
    struct scb_config *before = parse(text), *after = parse(changed);
    assert_int_equal(scb_config_set(before, settings[chosen].name, value, "f", NULL), SCB_OK);
    for (size_t i = 0; i < scb_config_count(); i++)
        if (!scb_config_same_value(before, after, i))
            fail_msg("%s after %s := %s\n%s\n--\n%s", scb_settings[i].name, settings[chosen].name,
                     value, text, changed);
    char old_comments[512], new_comments[512];
    collect_comments(text, old_comments, sizeof(old_comments));
    collect_comments(changed, new_comments, sizeof(new_comments));
    if (strcmp(old_comments, new_comments) != 0)
        fail_msg("comments after %s := %s\n%s\n--\n%s", settings[chosen].name, value, text,
                 changed);
    for (const char *at = strchr(changed, '\n'); at != NULL && strstr(text, "\r\n") != NULL;
         at = strchr(at + 1, '\n'))
        assert_true(at > changed && at[-1] == '\r');
    scb_config_free(before);
    scb_config_free(after);
    scb_buffer_free(&out);
}

static void what_is_parsed_is_what_was_wanted(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 4000; i++) {
        seed = i;
        struct scb_buffer file = {.max = 1 << 16};
        make_file(&file);
        assert_int_equal(scb_buffer_append(&file, "", 1, NULL), SCB_OK);
        size_t chosen = draw(SCB_LENGTH(settings));
        check_one((const char *)file.data, chosen, settings[chosen].values[draw(3)]);
        scb_buffer_free(&file);
    }
}

/* The file that config init writes: every setting stands in it, most of them as comments. */
static void a_sample_file_takes_every_setting(void **state)
{
    (void)state;
    struct scb_config *config = NULL;
    struct scb_buffer sample = {.max = 1 << 20};
    assert_int_equal(scb_config_new(&config, NULL), SCB_OK);
    assert_int_equal(scb_config_sample(config, &sample, NULL), SCB_OK);
    scb_config_free(config);
    assert_int_equal(scb_buffer_append(&sample, "", 1, NULL), SCB_OK);
    const char *text = (const char *)sample.data;
    for (size_t i = 0; i < SCB_LENGTH(settings); i++) {
        struct scb_buffer out;
        check_one(text, i, settings[i].values[1]);
        assert_int_equal(update(text, settings[i].name, settings[i].values[1], &out, NULL), SCB_OK);
        size_t lines = 0, changed_lines = 0;
        for (const char *at = text; *at != '\0'; at++)
            lines += *at == '\n';
        for (const char *at = (const char *)out.data; *at != '\0'; at++)
            changed_lines += *at == '\n';
        assert_int_equal(lines, changed_lines); /* in the comment's place */
        scb_buffer_free(&out);
    }
    scb_buffer_free(&sample);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(results_are_exact),
        cmocka_unit_test(what_cannot_be_changed_is_refused),
        cmocka_unit_test(what_is_parsed_is_what_was_wanted),
        cmocka_unit_test(a_sample_file_takes_every_setting),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
