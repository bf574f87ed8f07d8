/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Covers cli/command.c and cli/command_line.c: the table of commands is consistent, flags may stand
 * anywhere, and what is wrong is said with the nearest thing that is known.
 */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "cli/command_line.h"
#include "cli/help.h"

enum { MAX_WORDS = 24 };

/* Splits text at its blanks into argv and parses it; the line borrows from words. */
static char words[512];

static enum scb_status parse(const char *text, struct scb_command_line *line,
                             struct scb_error *error)
{
    char *argv[MAX_WORDS] = {words};
    int argc = 1;
    (void)strcpy(words, "satellite");
    char *end = words + sizeof("satellite");
    assert_true(strlen(text) + sizeof("satellite") < sizeof(words));
    (void)strcpy(end, text);
    for (char *rest = NULL, *word = strtok_r(end, " ", &rest); word != NULL;
         word = strtok_r(NULL, " ", &rest)) {
        assert_true(argc < MAX_WORDS);
        argv[argc++] = word;
    }
    *error = (struct scb_error){0};
    return scb_command_line_parse(argc, argv, line, error);
}

static void parse_well(const char *text, struct scb_command_line *line)
{
    struct scb_error error;
    if (parse(text, line, &error) != SCB_OK)
        fail_msg("%s: %s", text, error.message);
}

static void commands_and_arguments(void **state)
{
    (void)state;
    static const struct {
        const char *text, *path;
        size_t arguments;
    } cases[] = {
        {"backup run", "backup run", 0},
        {"run backup", "run backup", 0},
        {"backup config show", "backup config show", 0},
        {"backup get KEY", "backup get", 1},
        {"backup get run", "backup get", 1},
        {"backup get -", "backup get", 1},
        {"backup get -- --json", "backup get", 1},
        {"-- backup get -k", "backup get", 1},
        {"help", "help", 0},
        {"help backup config show", "help", 3},
        {"backup get --help", "backup get", 0},
        {"backup -h get", "backup get", 0},
        {"--version", "version", 0},
        {"backup run --version", "version", 0},
        {"", NULL, 0},
        {"backup", NULL, 0},
        {"--json backup config", NULL, 0},
    };
    for (size_t i = 0; i < SCB_LENGTH(cases); i++) {
        struct scb_command_line line;
        parse_well(cases[i].text, &line);
        assert_int_equal(line.command == NULL, cases[i].path == NULL);
        if (line.command != NULL) {
            assert_string_equal(line.command->path, cases[i].path);
            assert_int_equal(line.word_count - line.command_words, cases[i].arguments);
        }
        scb_command_line_cleanup(&line);
    }
}

static void flags_stand_anywhere(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "--config my.yaml --json backup --page-size 7 status --backup-date D --pages --quiet "
        "--progress never",
        "backup status --pages --backup-date=D --progress=never --config=my.yaml --page-size=7 "
        "--json --quiet",
    };
    for (size_t i = 0; i < SCB_LENGTH(texts); i++) {
        struct scb_command_line line;
        parse_well(texts[i], &line);
        assert_string_equal(line.command->path, "backup status");
        assert_string_equal(line.config_path, "my.yaml");
        assert_true(line.json && line.quiet && !line.help);
        assert_int_equal(line.progress, SCB_PROGRESS_NEVER);
        assert_int_equal(line.setting_count, 1);
        assert_int_equal(line.settings[0].index, scb_config_find_flag("--page-size"));
        assert_string_equal(line.settings[0].value, "7");
        const struct scb_command_context context = {
            .command = line.command, .options = line.options, .option_count = line.option_count};
        assert_string_equal(scb_command_option(&context, "--backup-date"), "D");
        assert_string_equal(scb_command_option(&context, "--pages"), "");
        assert_null(scb_command_option(&context, "--watch"));
        scb_command_line_cleanup(&line);
    }
}

static void values_may_look_like_anything(void **state)
{
    (void)state;
    struct scb_command_line line;
    parse_well("backup list --limit 1 --limit=--2=3 --log-file - --log-level=", &line);
    const struct scb_command_context context = {
        .command = line.command, .options = line.options, .option_count = line.option_count};
    assert_string_equal(scb_command_option(&context, "--limit"), "--2=3");
    assert_string_equal(line.settings[0].value, "-");
    assert_string_equal(line.settings[1].value, "");
    scb_command_line_cleanup(&line);
}

static void mistakes_are_explained(void **state)
{
    (void)state;
    static const struct {
        const char *text, *message, *hint;
    } cases[] = {
        {"backup runn", "unknown command 'backup runn'", "did you mean satellite backup run?"},
        {"bakup", "unknown command 'bakup'", "did you mean satellite backup?"},
        {"backup gett KEY", "unknown command 'backup gett KEY'", "satellite backup get?"},
        {"frobnicate", "unknown command 'frobnicate'", "satellite help"},
        {"x\x1b[31m", "unknown command 'x\\x1b[31m'", ""},
        {"backup run --page-siez 5", "unknown option --page-siez", "did you mean --page-size?"},
        {"backup run --jsn", "unknown option --jsn", "did you mean --json?"},
        {"backup run --bogus", "unknown option --bogus",
         "see satellite help COMMAND and satellite help settings"},
        {"backup run --forc", "unknown option --forc", "did you mean --force?"},
        {"backup run --rpc-urk=https://h/SECRET", "unknown option --rpc-urk",
         "did you mean --rpc-url?"},
        {"backup run -x", "unknown option -x", ""},
        {"backup run --page-size", "--page-size needs a value", "--page-size=VALUE"},
        {"backup run --page-size --json", "--page-size needs a value", ""},
        {"backup list --limit", "--limit needs a value", ""},
        {"backup run --config", "--config needs a value", ""},
        {"backup run --force=yes", "--force takes no value", "write --force alone"},
        {"backup run --json=yes", "--json takes no value", ""},
        {"backup list --force", "--force is not an option of satellite backup list",
         "see satellite help backup list"},
        {"--progress sometimes version", "--progress", "auto, always or never"},
        {"backup get", "satellite backup get: KEY is missing", "satellite backup get user"},
        {"backup retry", "satellite backup retry: --backup-date D is missing",
         "satellite backup retry --backup-date 2024-01-15"},
        {"backup restore --rpc-url http://127.0.0.1:1", "--contract ADDR is missing", ""},
        {"backup get a b", "satellite backup get: 'b' is an argument too many", ""},
        {"backup run now", "satellite backup run: 'now' is an argument too many", ""},
    };
    for (size_t i = 0; i < SCB_LENGTH(cases); i++) {
        struct scb_command_line line;
        struct scb_error error;
        assert_int_equal(parse(cases[i].text, &line, &error), SCB_ERROR_USAGE);
        if (strstr(error.message, cases[i].message) == NULL ||
            strstr(error.hint, cases[i].hint) == NULL)
            fail_msg("%s: %s; %s", cases[i].text, error.message, error.hint);
        assert_null(strstr(error.message, "SECRET"));
        assert_null(strstr(error.hint, "SECRET"));
        scb_command_line_cleanup(&line);
    }
}

static void json_is_known_even_then(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool json;
    } cases[] = {{"backup runn --json", true},
                 {"--nonsense backup run --json", true},
                 {"backup runn -- --json", false},
                 {"backup runn", false}};
    for (size_t i = 0; i < SCB_LENGTH(cases); i++) {
        struct scb_command_line line;
        struct scb_error error;
        assert_int_equal(parse(cases[i].text, &line, &error), SCB_ERROR_USAGE);
        assert_int_equal(line.json, cases[i].json);
        scb_command_line_cleanup(&line);
    }
}

/* No flag means two things, and every example is one that works. */
static void the_table_is_consistent(void **state)
{
    (void)state;
    for (size_t i = 0; i < scb_command_count; i++) {
        const struct scb_command *command = &scb_commands[i];
        assert_non_null(command->run);
        assert_true(command->min_arguments <= command->max_arguments);
        assert_int_equal(command->max_arguments > 0, command->arguments[0] != '\0');
        for (const struct scb_command_option *option = command->options; option->flag != NULL;
             option++) {
            const struct scb_command_option *first = scb_command_find_option(option->flag);
            assert_int_equal(first->value == NULL, option->value == NULL);
            assert_int_equal(scb_config_find_flag(option->flag), -1);
            for (const struct scb_command_option *global = scb_global_options; global->flag != NULL;
                 global++)
                assert_string_not_equal(global->flag, option->flag);
        }
        /* Where no configuration is read there is no gate: that is for what anyone may do. */
        bool is_anyones = scb_operation_of(command->operation)->role == SCB_ROLE_ANYONE;
        assert_int_equal(is_anyones, command->readiness == SCB_READINESS_FLAGS);
        struct scb_command_line line;
        assert_memory_equal(command->example, "satellite ", 10);
        parse_well(command->example + 10, &line);
        assert_ptr_equal(line.command, command);
        scb_command_line_cleanup(&line);
    }
}

static void help_is_short(void **state)
{
    (void)state;
    for (size_t i = 0; i < scb_command_count; i++) {
        char text[4096] = "";
        FILE *out = fmemopen(text, sizeof(text), "w");
        assert_non_null(out);
        scb_help_command(out, &scb_commands[i]);
        assert_int_equal(fclose(out), 0);
        assert_non_null(strstr(text, scb_commands[i].summary));
        assert_non_null(strstr(text, scb_commands[i].example));
        size_t lines = 0;
        for (const char *line = text; *line != '\0'; lines++) {
            size_t length = strcspn(line, "\n");
            assert_true(length <= 100);
            line += length + (line[length] == '\n' ? 1 : 0);
        }
        assert_true(lines < 26);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(commands_and_arguments),
        cmocka_unit_test(flags_stand_anywhere),
        cmocka_unit_test(values_may_look_like_anything),
        cmocka_unit_test(mistakes_are_explained),
        cmocka_unit_test(json_is_known_even_then),
        cmocka_unit_test(the_table_is_consistent),
        cmocka_unit_test(help_is_short),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
