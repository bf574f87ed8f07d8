/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Covers cli/completion.c: what may stand next, for lines in every state.
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
#include "cli/completion.h"

enum { MAX_WORDS = 16, MAX_ANSWER = 65536 };

/* The words offered for a line, "a|b|c"; a blank at the line's end begins a new word. */
static const char *complete(const char *text)
{
    static char words[512], answer[MAX_ANSWER];
    const char *argv[MAX_WORDS];
    size_t count = 0;
    assert_true(strlen(text) < sizeof(words));
    (void)strcpy(words, text);
    for (char *word = words; word != NULL; count++) {
        assert_true(count < MAX_WORDS);
        argv[count] = strsep(&word, " ");
    }
    SCB_AUTO(buffer) struct scb_buffer out = {.max = MAX_ANSWER};
    struct scb_error error = {0};
    assert_int_equal(scb_complete(argv, count, &out, &error), SCB_OK);
    size_t used = 0;
    for (size_t at = 0; at < out.size;) {
        const uint8_t *end = memchr(out.data + at, '\n', out.size - at);
        assert_non_null(end);
        size_t size = (size_t)(end - out.data) - at;
        const uint8_t *tab = memchr(out.data + at, '\t', size);
        size_t length = tab == NULL ? size : (size_t)(tab - out.data) - at;
        (void)memcpy(answer + used, out.data + at, length);
        used += length;
        answer[used++] = '|';
        at += size + 1;
    }
    answer[used > 0 ? used - 1 : 0] = '\0';
    return answer;
}

static void every_state_of_a_line(void **state)
{
    (void)state;
    static const struct {
        const char *line, *offered;
    } cases[] = {
        {"backu", "backup"},
        {"backup ru", "run"},
        {"backup nothing-like-it ", ""},
        {"backup config val", "validate"},
        {"--json backup storage ", "status"},
        {"--page-size 7 backup ru", "run"},
        {"--page-size=7 backup ru", "run"},
        {"backup verify --al", "--all"},
        {"backup verify --aga", "--against-chain"},
        {"backup verify --against-chain --al", "--all"},
        {"backup export --format ", "ndjson|csv|sqlite"},
        {"backup export --format s", "sqlite"},
        {"backup export --format=n", "--format=ndjson"},
        {"backup export --format = c", "csv"},
        {"backup export --format =", "ndjson|csv|sqlite"},
        {"backup run --validation ", "warn|strict"},
        {"backup run --keep-page-files=f", "--keep-page-files=false"},
        {"backup run --page-size ", ""},
        {"backup run --backup-dir ", ":directories"},
        {"backup run --config ", ":files"},
        {"backup run --log-file=/tmp/", ":files"},
        {"backup run -- --al", ""},
        {"backup get some --page-s", "--page-size"},
        {"backup config init ", ":files"},
        {"backup copy ", ""},
        {"backup copy 2024-01-15 ", ":files"},
        {"backup copy 2024-01-15 /mnt ", ""},
        {"completion z", "zsh"},
        {"completion bash ", ""},
        {"help backup stor", "storage"},
        {"help se", "settings"},
        {"--json=x backup ru", "run"},
    };
    for (size_t i = 0; i < SCB_LENGTH(cases); i++) {
        const char *offered = complete(cases[i].line);
        if (strcmp(offered, cases[i].offered) != 0)
            fail_msg("%s: %s", cases[i].line, offered);
    }
}

/* Whoever goes from word to word by what is offered can reach every command. */
static void every_command_is_reached(void **state)
{
    (void)state;
    for (size_t i = 0; i < scb_command_count; i++) {
        const char *path = scb_commands[i].path;
        for (size_t at = 0;; at++) {
            size_t end = at + strcspn(path + at, " ");
            char line[128];
            (void)snprintf(line, sizeof(line), "%.*s", (int)end, path);
            const char *offered = complete(line);
            char word[64], shared[160];
            (void)snprintf(word, sizeof(word), "%.*s", (int)(end - at), path + at);
            (void)snprintf(shared, sizeof(shared), "%s|%s|", word, word);
            if (strstr(offered, word) == NULL || strstr(offered, shared) != NULL)
                fail_msg("%s: %s", line, offered);
            if (path[end] == '\0')
                break;
            at = end;
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_state_of_a_line),
        cmocka_unit_test(every_command_is_reached),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
