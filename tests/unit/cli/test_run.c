/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Covers cli/run.c, config_commands.c and general_commands.c: from a command line to what is
 * printed and the exit code. Each case runs in a child process with its own standard output.
 */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/memory.h"
#include "cli/run.h"

enum { MAX_WORDS = 16, MAX_OUTPUT = 65536 };

static char directory[] = "/tmp/scb_run_XXXXXX";
static char out_text[MAX_OUTPUT], error_text[MAX_OUTPUT];
static const char *environment[4]; /* of the next run */

static void read_back(const char *name, char text[MAX_OUTPUT])
{
    FILE *file = fopen(name, "re");
    assert_non_null(file);
    text[fread(text, 1, MAX_OUTPUT - 1, file)] = '\0';
    assert_int_equal(fclose(file), 0);
}

static void redirect(int fd, const char *name)
{
    int to = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (to < 0 || dup2(to, fd) < 0)
        _exit(99);
}

/* Runs "satellite <text>" with standard output to a file; returns the exit code. */
static int run_into(const char *text, const char *out_name)
{
    char words[512], *argv[MAX_WORDS] = {words};
    int argc = 1, status = 0;
    assert_true(snprintf(words, sizeof(words), "satellite %s", text) < (int)sizeof(words));
    char *rest = NULL;
    (void)strtok_r(words, " ", &rest);
    for (char *word = strtok_r(NULL, " ", &rest); word != NULL; word = strtok_r(NULL, " ", &rest)) {
        assert_true(argc < MAX_WORDS);
        argv[argc++] = word;
    }
    (void)fflush(NULL);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        redirect(STDOUT_FILENO, out_name);
        redirect(STDERR_FILENO, "error");
        _exit(scb_cli_run(argc, argv, environment, NULL));
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    read_back("error", error_text);
    return WEXITSTATUS(status);
}

static int run(const char *text)
{
    int code = run_into(text, "out");
    read_back("out", out_text);
    return code;
}

static void write_file(const char *name, const char *content)
{
    FILE *file = fopen(name, "we");
    assert_non_null(file);
    assert_true(fputs(content, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

#define ADDRESS "0x52908400098527886E0F7030069857D2E4169EE7"

static void each_source_wins_over_the_one_before(void **state)
{
    (void)state;
    write_file("my.yaml",
               "backup:\n  page_size: 1\n  retry_attempts: 1\n  worker_concurrency: 1\n");
    environment[0] = "BACKUP_PAGE_SIZE=2";
    environment[1] = "BACKUP_RETRY_ATTEMPTS=2";
    environment[2] = "BACKUP_NONSENSE=2";
    int code = run("backup config show --origin --config my.yaml --page-size 3 --log-format json");
    memset(environment, 0, sizeof(environment));
    assert_int_equal(code, 0);
    static const char *const lines[][3] = {
        {"backup.page_size ", " 3 ", " --page-size\n"},
        {"backup.retry_attempts ", " 2 ", " BACKUP_RETRY_ATTEMPTS\n"},
        {"backup.worker_concurrency ", " 1 ", " my.yaml:4\n"},
        {"backup.min_free_space ", " 1GiB ", " default\n"}};
    for (size_t i = 0; i < SCB_LENGTH(lines); i++) {
        const char *line = strstr(out_text, lines[i][0]);
        assert_non_null(line);
        const char *end = strchr(line, '\n'), *value = strstr(line, lines[i][1]);
        assert_true(value != NULL && value < end);
        assert_memory_equal(end + 1 - strlen(lines[i][2]), lines[i][2], strlen(lines[i][2]));
    }
    assert_non_null(strstr(error_text, "BACKUP_NONSENSE"));
    assert_non_null(strstr(error_text, "\"level\":\"warn\""));
}

static void show_masks_secrets(void **state)
{
    (void)state;
    assert_int_equal(run("backup config show --contract-rpc-urls https://h.example/SECRET"), 0);
    assert_non_null(strstr(out_text, "https://h.example/***"));
    assert_null(strstr(out_text, "SECRET"));
    assert_int_equal(run("backup config show --json --contract-rpc-urls https://u:SECRET@h"), 0);
    assert_non_null(strstr(out_text, "\"contract.rpc_urls\":{\"value\":\"https://h/***\","
                                     "\"origin\":\"--contract-rpc-urls\"}"));
    assert_null(strstr(out_text, "SECRET"));
    assert_null(strstr(error_text, "SECRET"));
}

static void init_then_validate(void **state)
{
    (void)state;
    struct stat info;
    assert_int_equal(run("backup config init new/sample.yaml"), 0);
    assert_int_equal(stat("new/sample.yaml", &info), 0);
    assert_int_equal(info.st_mode & 07777, 0600);
    assert_int_equal(run("backup config init new/sample.yaml"), 5);
    assert_non_null(strstr(error_text, "'new/sample.yaml' is there already"));
    assert_int_equal(run("backup config validate --config new/sample.yaml"), 3);
    assert_non_null(strstr(error_text, "contract.address is not set"));
    assert_int_equal(run("backup config init full.yaml --contract-address " ADDRESS
                         " --contract-rpc-urls https://h/SECRET"),
                     0);
    assert_int_equal(run("backup config validate --config full.yaml"), 0);
    assert_string_equal(out_text, "the configuration is valid (full.yaml)\n");
    assert_int_equal(run("--json backup config validate --config full.yaml"), 0);
    assert_string_equal(out_text, "{\"valid\":true,\"file\":\"full.yaml\"}\n");
    assert_int_equal(run("backup config validate --config full.yaml --contract-address 0x12"), 3);
    assert_non_null(strstr(error_text, "contract.address: "));
    assert_int_equal(run("backup config init -"), 0);
    assert_non_null(strstr(out_text, "\ncontract:\n"));
}

static void errors_are_one_line(void **state)
{
    (void)state;
    assert_int_equal(run("backup runn"), 2);
    assert_string_equal(error_text, "satellite: UsageError: unknown command 'backup runn'; did you "
                                    "mean satellite backup run?\n");
    assert_int_equal(run("backup config show --page-size 0 --json"), 3);
    assert_non_null(strstr(error_text,
                           "\"error_type\":\"ValidationError\",\"error\":\"--page-size: "
                           "backup.page_size: '0' is out of bounds\",\"hint\":\"give 1 to 10000 "
                           "keys\",\"retryable\":false}\n"));
    assert_int_equal(run("backup config show --config nowhere.yaml"), 5);
    assert_non_null(strstr(error_text, "satellite: FileSystemError: file 'nowhere.yaml' not"));
    assert_string_equal(out_text, "");
    assert_int_equal(run("backup config validate --log-format console"), 3);
    assert_non_null(strstr(error_text, "satellite: ValidationError: contract.address"));
    assert_int_equal(run("backup config validate --log-format json"), 3);
    assert_non_null(strstr(error_text, "\"error_type\":\"ValidationError\""));
}

/* A log file takes the error too, and the screen keeps its plain line. */
static void a_log_file_holds_the_error(void **state)
{
    (void)state;
    char log[MAX_OUTPUT];
    assert_int_equal(run("backup config validate --log-file log"), 3);
    assert_non_null(strstr(error_text, "satellite: ValidationError: contract.address"));
    read_back("log", log);
    assert_non_null(strstr(log, "\"error_type\":\"ValidationError\""));
    assert_int_equal(run("backup config show --log-file nowhere/log"), 5);
    /* It writes the name down, and logs nothing itself. */
    assert_int_equal(run("backup config init - --log-file nowhere/log"), 0);
    assert_non_null(strstr(out_text, "\n  file: \"nowhere/log\"\n"));
}

static void help_goes_where_it_belongs(void **state)
{
    (void)state;
    assert_int_equal(run("help"), 0);
    assert_non_null(strstr(out_text, "\n  backup config init "));
    assert_int_equal(run("backup"), 2); /* no command: nothing was done */
    assert_string_equal(out_text, "");
    assert_non_null(strstr(error_text, "  backup list "));
    assert_null(strstr(error_text, "run backup"));
    assert_int_equal(run("backup --help"), 0);
    assert_non_null(strstr(out_text, "  backup list "));
    assert_int_equal(run("backup get --help"), 0);
    assert_non_null(strstr(out_text, "usage: satellite backup get KEY [--backup-date D]"));
    assert_int_equal(run("help backup get"), 0);
    assert_non_null(strstr(out_text, "usage: satellite backup get KEY"));
    assert_int_equal(run("help settings"), 0);
    assert_non_null(strstr(out_text, "  --page-size 100\n"));
    assert_int_equal(run("help backup nothing"), 2);
    assert_int_equal(run("version --json"), 0);
    assert_non_null(strstr(out_text, "{\"version\":\""));
}

static void a_failed_write_is_noticed(void **state)
{
    (void)state;
    if (access("/dev/full", W_OK) != 0)
        skip();
    assert_int_equal(run_into("version", "/dev/full"), 7);
    assert_non_null(strstr(error_text, "standard output not written"));
}

static int enter_directory(void **state)
{
    (void)state;
    return mkdtemp(directory) != NULL ? chdir(directory) : -1;
}

static int remove_directory(void **state)
{
    (void)state;
    static const char *const names[] = {"out",     "error",           "log",
                                        "my.yaml", "new/sample.yaml", "full.yaml"};
    for (size_t i = 0; i < SCB_LENGTH(names); i++)
        (void)unlink(names[i]);
    (void)rmdir("new");
    return rmdir(directory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_source_wins_over_the_one_before),
        cmocka_unit_test(show_masks_secrets),
        cmocka_unit_test(init_then_validate),
        cmocka_unit_test(errors_are_one_line),
        cmocka_unit_test(a_log_file_holds_the_error),
        cmocka_unit_test(help_goes_where_it_belongs),
        cmocka_unit_test(a_failed_write_is_noticed),
    };
    return cmocka_run_group_tests(tests, enter_directory, remove_directory);
}
