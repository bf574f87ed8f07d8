/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Covers access/audit.c, audit_line.c, audit_file.c, audit_walk.c and audit_verify.c: what is
 * appended proves right; each way to tamper with it is found, at its line; crashes are told from
 * that; heads, rotation, and many who append at once.
 */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */
#include <sys/wait.h>

#include "../temp_dir.h"
#include "access/audit.h"
#include "access/audit_verify.h"
#include "access/audit_walk.h"
#include "base/memory.h"
#include "base/text.h"

#define LOG "audit.log"

enum { MAX_LINES = 200 };

static struct scb_audit audit;
static char log_path[512], cert_path[512], key_path[512];
static char head_hash[SCB_SHA256_TEXT_SIZE], warning[1100];
static bool head_signed;
static struct scb_error error;

static void note_head(void *state, uint64_t seq, const char *hash, bool is_signed)
{
    (void)state;
    (void)seq;
    (void)snprintf(head_hash, sizeof(head_hash), "%s", hash);
    head_signed = is_signed;
}

static void note_warning(void *state, const struct scb_error *problem)
{
    (void)state;
    (void)snprintf(warning, sizeof(warning), "%s", problem->message);
}

static int set_up(void **state)
{
    (void)temp_set_up(state);
    (void)snprintf(log_path, sizeof(log_path), "%s/" LOG, temp_dir);
    (void)snprintf(cert_path, sizeof(cert_path), "%s/id/identity.cert", temp_dir);
    (void)snprintf(key_path, sizeof(key_path), "%s/id/identity.key", temp_dir);
    audit = (struct scb_audit){.path = log_path,
                               .cert_path = "",
                               .key_path = "",
                               .head_interval = 1000,
                               .max_file_bytes = 1 << 20,
                               .clock = scb_clock_system(),
                               .head = note_head,
                               .warn = note_warning};
    head_hash[0] = warning[0] = '\0';
    error = (struct scb_error){0};
    return 0;
}

static void append(const char *operation)
{
    static const char *const arguments[] = {"--backup-date=2024-01-15", "caf\xc3\xa9 \"x\"\n"};
    const struct scb_audit_record record = {.caller = "user:alice",
                                            .role = "admin",
                                            .operation = operation,
                                            .arguments = arguments,
                                            .argument_count = 2,
                                            .result = "OK",
                                            .duration_ms = 5};
    error = (struct scb_error){0};
    if (scb_audit_append(&audit, &record, (struct scb_audit_options){.create = true}, NULL,
                         &error) != SCB_OK)
        fail_msg("%s", error.message);
}

static void append_many(int count)
{
    for (int i = 0; i < count; i++)
        append("backup_run");
}

/* What verify has told. */
static struct {
    size_t broken, torn;
    uint64_t broken_at[8], torn_at[8]; /* lines */
    char first[512];
} found;

static void note_finding(void *state, const struct scb_audit_finding *finding)
{
    (void)state;
    if (finding->is_broken && found.broken == 0)
        (void)snprintf(found.first, sizeof(found.first), "%s", finding->what);
    if (finding->is_broken && found.broken < SCB_LENGTH(found.broken_at))
        found.broken_at[found.broken] = finding->number;
    if (!finding->is_broken && found.torn < SCB_LENGTH(found.torn_at))
        found.torn_at[found.torn] = finding->number;
    found.broken += finding->is_broken;
    found.torn += !finding->is_broken;
}

static struct scb_audit_proof proof;

static enum scb_status verify(const struct scb_audit_trust *trust)
{
    memset(&found, 0, sizeof(found));
    error = (struct scb_error){0};
    proof = (struct scb_audit_proof){0};
    const struct scb_audit_trust nobody = {0};
    return scb_audit_verify(log_path, trust == NULL ? &nobody : trust, note_finding, NULL, &proof,
                            &error);
}

static void assert_valid(uint64_t lines)
{
    if (verify(NULL) != SCB_OK)
        fail_msg("%s", error.message);
    assert_int_equal(found.broken, 0);
    assert_int_equal(proof.lines, lines);
}

/* Broken first at this line, for this reason. */
static void assert_broken(uint64_t line, const char *why)
{
    assert_int_equal(verify(NULL), SCB_ERROR_INTEGRITY);
    assert_true(found.broken > 0);
    if (strstr(found.first, why) == NULL)
        fail_msg("line %d: %s", (int)found.broken_at[0], found.first);
    assert_int_equal(found.broken_at[0], line);
}

/* The log's lines, to be moved about. */
static char text[256 * 1024];
static char *lines[MAX_LINES];
static size_t line_count;

static void read_lines(void)
{
    FILE *file = fopen(log_path, "re");
    assert_non_null(file);
    text[fread(text, 1, sizeof(text) - 1, file)] = '\0';
    assert_int_equal(fclose(file), 0);
    line_count = 0;
    for (char *line = strtok(text, "\n"); line != NULL; line = strtok(NULL, "\n"))
        lines[line_count++] = line;
}

static void write_lines(void)
{
    FILE *file = fopen(log_path, "we");
    assert_non_null(file);
    for (size_t i = 0; i < line_count; i++)
        if (lines[i] != NULL)
            assert_true(fprintf(file, "%s\n", lines[i]) > 0);
    assert_int_equal(fclose(file), 0);
}

static void add_text(const void *data, size_t size)
{
    FILE *file = fopen(log_path, "ae");
    assert_non_null(file);
    assert_int_equal(fwrite(data, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

static void what_is_appended_proves_right(void **state)
{
    (void)state;
    append_many(20);
    assert_valid(20);
    assert_int_equal(proof.last_seq, 20);
    assert_int_equal(temp_mode(LOG), 0600);
    read_lines();
    assert_non_null(strstr(lines[0], "\"caller\":\"user:alice\""));
    assert_non_null(strstr(lines[0], "caf\xc3\xa9 \\\"x\\\"\\n"));
}

/* Every single byte counts. */
static void an_edit_is_found(void **state)
{
    (void)state;
    append_many(3);
    read_lines();
    size_t length = strlen(lines[1]);
    for (size_t i = 0; i < length; i++) {
        char before = lines[1][i];
        lines[1][i] = before == 'x' ? 'y' : 'x';
        write_lines();
        assert_int_equal(verify(NULL), SCB_ERROR_INTEGRITY);
        assert_true(found.broken_at[0] == 2 || found.broken_at[0] == 3);
        lines[1][i] = before;
    }
    write_lines();
    assert_valid(3);
    memcpy(strstr(lines[1], "alice"), "mary!", 5);
    write_lines();
    assert_broken(2, "it was changed");
}

static void a_line_taken_out_is_found(void **state)
{
    (void)state;
    append_many(6);
    read_lines();
    lines[3] = NULL;
    write_lines();
    assert_broken(4, "seq 4 is missing before it");
    lines[2] = NULL;
    write_lines();
    assert_broken(3, "seq 3 to 4 are missing before it");
}

static void the_first_lines_taken_out_are_found(void **state)
{
    (void)state;
    append_many(6);
    read_lines();
    lines[0] = NULL;
    write_lines();
    assert_broken(1, "seq 1 is missing");
}

static void a_moved_line_is_found(void **state)
{
    (void)state;
    append_many(6);
    read_lines();
    char *third = lines[2];
    lines[2] = lines[3];
    lines[3] = third;
    write_lines();
    assert_broken(3, "seq 3 is missing before it");
    lines[3] = lines[2];
    lines[2] = third;
    lines[5] = lines[1];
    write_lines();
    assert_broken(6, "seq 2 stands behind seq 5");
}

/* With a hash that is right for it. */
static void a_line_written_anew_is_found(void **state)
{
    (void)state;
    append_many(2);
    read_lines();
    char *first = strdup(lines[0]), *second = strdup(lines[1]);
    assert_int_equal(unlink(log_path), 0);
    append("backup_cleanup");
    read_lines();
    lines[1] = second;
    line_count = 2;
    write_lines();
    assert_broken(2, "it does not follow the line before it");
    free(first);
    free(second);
}

static void what_is_no_line_is_found(void **state)
{
    (void)state;
    append_many(4);
    read_lines();
    char *second = lines[1];
    lines[1] = (char[]){"{\"seq\":2}"};
    write_lines();
    assert_broken(2, "it is no line of an audit log");
    lines[1] = second;
    write_lines();
    add_text("rubbish\n", 8);
    assert_broken(5, "it is no line of an audit log");
}

static void a_cut_shows_at_the_last_head(void **state)
{
    (void)state;
    append_many(5);
    assert_int_equal(scb_audit_sign(&audit, &error), SCB_OK);
    append_many(2);
    read_lines();
    assert_int_equal(line_count, 8);
    line_count = 7; /* behind the last head: not to be seen from the log alone */
    write_lines();
    assert_valid(7);
    line_count = 4;
    write_lines();
    assert_broken(0, "the log is cut: it ends with seq 4, its last head was seq 6");
    append_many(1); /* nor does it heal when the log goes on */
    assert_broken(5, "seq 5 to 6 are missing before it");
    append_many(3);
    assert_int_equal(scb_audit_sign(&audit, &error), SCB_OK);
    assert_broken(5, "seq 5 to 6 are missing before it");
}

static void a_log_that_is_gone_is_missed(void **state)
{
    (void)state;
    assert_int_equal(verify(NULL), SCB_ERROR_NOT_FOUND);
    append_many(2);
    assert_int_equal(scb_audit_sign(&audit, &error), SCB_OK);
    assert_int_equal(unlink(log_path), 0);
    assert_int_equal(verify(NULL), SCB_ERROR_INTEGRITY);
    append_many(1);
    assert_broken(1, "seq 1 to 3 are missing");
}

static void a_head_that_was_kept_elsewhere_finds_a_rewritten_log(void **state)
{
    (void)state;
    uint8_t kept[SCB_SHA256_SIZE];
    const struct scb_audit_trust trust = {.head = kept};
    append_many(3);
    assert_int_equal(scb_audit_sign(&audit, &error), SCB_OK);
    assert_true(scb_text_unhex(head_hash, sizeof(kept), kept));
    append_many(1);
    assert_int_equal(verify(&trust), SCB_OK);
    assert_int_equal(unlink(log_path), 0);
    assert_int_equal(unlink(temp_path(LOG ".head")), 0);
    append_many(5); /* a sound chain, but another one */
    assert_valid(5);
    assert_int_equal(verify(&trust), SCB_ERROR_INTEGRITY);
    assert_non_null(strstr(error.message, "the head that was given is not in the log"));
}

static struct scb_node_id make_identity(void)
{
    SCB_AUTO(identity) struct scb_identity *identity = NULL;
    assert_int_equal(scb_identity_create(temp_path("id"), 0, NULL, &identity, &error), SCB_OK);
    audit.cert_path = cert_path;
    audit.key_path = key_path;
    return *scb_identity_node_id(identity);
}

static void heads_are_signed_at_intervals(void **state)
{
    (void)state;
    struct scb_node_id id = make_identity(), other = id;
    const struct scb_audit_trust trust = {.signers = {&id, 1}}, no_trust = {.signers = {&other, 1}};
    other.bytes[5] ^= 1;
    audit.head_interval = 10;
    append_many(25);
    assert_true(head_signed);
    assert_string_equal(warning, "");
    assert_int_equal(verify(&trust), SCB_OK);
    assert_int_equal(proof.signed_heads, 2);
    assert_int_equal(proof.signed_until, 21);
    assert_int_equal(proof.lines, 27);
    assert_int_equal(verify(&no_trust), SCB_OK);
    assert_int_equal(proof.signed_heads, 0);
    assert_int_equal(proof.foreign_heads, 2);
}

static void a_head_of_another_place_is_no_head(void **state)
{
    (void)state;
    (void)make_identity();
    SCB_AUTO(identity) struct scb_identity *identity = NULL;
    struct scb_audit_link link = {.seq = 2};
    SCB_AUTO(buffer) struct scb_buffer line = {.max = SCB_AUDIT_MAX_LINE};
    assert_int_equal(scb_identity_load(cert_path, key_path, &identity, &error), SCB_OK);
    /* A signature over a chain that stands elsewhere, in a line that has its hash right. */
    assert_int_equal(scb_audit_head_make(identity, 0, &link, &line, &error), SCB_OK);
    SCB_AUTO(audit_line) struct scb_audit_line read = {0};
    bool is_line = false;
    enum scb_audit_head_state head = SCB_AUDIT_HEAD_UNSIGNED;
    struct scb_node_id signer;
    assert_int_equal(
        scb_audit_line_read((struct scb_bytes){line.data, line.size - 1}, &is_line, &read, &error),
        SCB_OK);
    assert_true(is_line && read.intact && read.is_head);
    assert_int_equal(scb_audit_head_check(&read, &head, &signer, &error), SCB_OK);
    assert_int_equal(head, SCB_AUDIT_HEAD_SIGNED);
    read.prev[0] ^= 1;
    assert_int_equal(scb_audit_head_check(&read, &head, &signer, &error), SCB_OK);
    assert_int_equal(head, SCB_AUDIT_HEAD_WRONG);
}

static void a_head_without_its_key_is_not_signed(void **state)
{
    (void)state;
    (void)make_identity();
    assert_int_equal(unlink(key_path), 0);
    append_many(2);
    assert_int_equal(scb_audit_sign(&audit, &error), SCB_OK);
    assert_false(head_signed);
    assert_non_null(strstr(warning, "head is not signed"));
    assert_valid(3);
}

static void a_torn_line_is_gone_over(void **state)
{
    (void)state;
    append_many(3);
    add_text("{\"seq\":4,\"ts\":\"20", 17);
    assert_valid(3);
    assert_int_equal(found.torn, 1);
    append_many(2);
    assert_valid(5);
    assert_int_equal(found.torn_at[0], 4);
    add_text("\0\0\0\0\0", 5); /* as some file systems leave it after a power loss */
    append_many(1);
    assert_valid(6);
    assert_int_equal(found.torn, 2);
    assert_int_equal(found.torn_at[1], 7);
}

static void only_its_newline_was_lost(void **state)
{
    (void)state;
    append_many(3);
    assert_int_equal(truncate(log_path, temp_stat(LOG).st_size - 1), 0);
    assert_valid(3);
    append_many(1);
    assert_valid(4);
    assert_int_equal(found.torn, 0);
}

/* A crash at any byte of the last line. */
static void a_crash_at_any_byte_is_no_tampering(void **state)
{
    (void)state;
    append_many(2);
    off_t before = temp_stat(LOG).st_size;
    append_many(1);
    off_t after = temp_stat(LOG).st_size;
    for (off_t size = after; size >= before; size -= 7) {
        assert_int_equal(truncate(log_path, size), 0);
        append_many(1);
        if (verify(NULL) != SCB_OK)
            fail_msg("cut to %d of %d: %s", (int)size, (int)after, error.message);
        assert_int_equal(truncate(log_path, before), 0);
        append_many(1);
    }
}

static void what_is_all_rubbish_is_not_gone_over(void **state)
{
    (void)state;
    static char rubbish[600 * 1024];
    append_many(1);
    memset(rubbish, '\n', sizeof(rubbish));
    add_text(rubbish, sizeof(rubbish));
    const struct scb_audit_record record = {
        .caller = "c", .role = "r", .operation = "o", .result = "OK", .duration_ms = -1};
    assert_int_equal(
        scb_audit_append(&audit, &record, (struct scb_audit_options){.create = true}, NULL, &error),
        SCB_ERROR_INTEGRITY);
}

static void rotation_keeps_the_chain(void **state)
{
    (void)state;
    audit.max_file_bytes = 1000;
    audit.head_interval = 5;
    append_many(40);
    assert_string_equal(warning, "");
    assert_int_equal(verify(NULL), SCB_OK);
    assert_true(proof.files >= 5);
    assert_int_equal(proof.lines, 40 + proof.heads);
    assert_int_equal(proof.last_seq, proof.lines);
    assert_true(proof.heads >= proof.files - 1);
    const char *names = temp_list(".");
    assert_non_null(strstr(names, LOG ".head"));
    char oldest[64] = "";
    unsigned number = 0;
    for (number = 1; number < 40; number++) { /* named by its last line */
        (void)snprintf(oldest, sizeof(oldest), LOG ".%u", number);
        if (access(temp_path(oldest), F_OK) == 0)
            break;
    }
    assert_int_equal(temp_mode(oldest), 0600);
    assert_int_equal(unlink(temp_path(oldest)), 0);
    char why[64];
    (void)snprintf(why, sizeof(why), "lines with seq 1 to %u are missing", number);
    assert_broken(1, why);
}

/* As of one that may only be appended to (chattr +a). */
static void what_cannot_be_put_away_grows_on(void **state)
{
    (void)state;
    enum { LINES = 60 };
    char name[64];
    audit.max_file_bytes = 1000;
    audit.head_interval = 10;
    append_many(1);
    for (unsigned seq = 1; seq <= 2 * LINES; seq++) {
        (void)snprintf(name, sizeof(name), LOG ".%u", seq);
        temp_mkdir(name);
    }
    append_many(LINES - 1);
    assert_string_not_equal(warning, "");
    for (unsigned seq = 1; seq <= 2 * LINES; seq++) {
        (void)snprintf(name, sizeof(name), LOG ".%u", seq);
        assert_int_equal(rmdir(temp_path(name)), 0);
    }
    assert_int_equal(verify(NULL), SCB_OK);
    assert_int_equal(proof.files, 1);
    assert_int_equal(proof.lines, LINES + proof.heads);
    assert_true(proof.heads <= LINES / 10 + 1);
}

/* A crash between the two steps of a rotation leaves no present file. */
static void a_rotation_that_was_interrupted_goes_on(void **state)
{
    (void)state;
    append_many(3);
    assert_int_equal(scb_audit_sign(&audit, &error), SCB_OK);
    assert_int_equal(rename(log_path, temp_path(LOG ".4")), 0);
    append_many(2);
    assert_valid(6);
    assert_int_equal(proof.files, 2);
}

static void many_append_at_once(void **state)
{
    (void)state;
    enum { WRITERS = 6, EACH = 40 };
    pid_t children[WRITERS];
    audit.max_file_bytes = 8000; /* they rotate as well */
    audit.head_interval = 25;
    for (int i = 0; i < WRITERS; i++) {
        children[i] = fork();
        if (children[i] == 0) {
            append_many(EACH);
            _exit(0);
        }
    }
    for (int i = 0; i < WRITERS; i++) {
        int status = 1;
        assert_int_equal(waitpid(children[i], &status, 0), children[i]);
        assert_int_equal(status, 0);
    }
    assert_int_equal(verify(NULL), SCB_OK);
    assert_int_equal(proof.lines - proof.heads, WRITERS * EACH);
    assert_true(proof.files > 3);
}

static void a_link_is_not_followed(void **state)
{
    (void)state;
    temp_write("precious", "x");
    temp_link("precious", LOG);
    const struct scb_audit_record record = {
        .caller = "c", .role = "r", .operation = "o", .result = "OK", .duration_ms = -1};
    assert_int_equal(
        scb_audit_append(&audit, &record, (struct scb_audit_options){.create = true}, NULL, &error),
        SCB_ERROR_FILE);
    assert_string_equal(temp_read("precious"), "x");
}

static void long_arguments_are_cut(void **state)
{
    (void)state;
    static char huge[100000];
    const char *arguments[500];
    memset(huge, '\x01', sizeof(huge) - 1);
    for (size_t i = 0; i < SCB_LENGTH(arguments); i++)
        arguments[i] = huge;
    const struct scb_audit_record record = {.caller = "c",
                                            .role = "r",
                                            .operation = "o",
                                            .arguments = arguments,
                                            .argument_count = SCB_LENGTH(arguments),
                                            .result = "OK",
                                            .duration_ms = -1};
    uint64_t seq = 0;
    assert_int_equal(
        scb_audit_append(&audit, &record, (struct scb_audit_options){.create = true}, &seq, &error),
        SCB_OK);
    assert_int_equal(seq, 1);
    append_many(1);
    assert_valid(2);
    assert_true(temp_stat(LOG).st_size < 2 * SCB_AUDIT_MAX_LINE);
}

static void without_a_log_reading_leaves_none(void **state)
{
    (void)state;
    const struct scb_audit_record record = {
        .caller = "c", .role = "r", .operation = "o", .result = "OK", .duration_ms = -1};
    assert_int_equal(scb_audit_append(&audit, &record, (struct scb_audit_options){0}, NULL, &error),
                     SCB_ERROR_NOT_FOUND);
    assert_string_equal(temp_list("."), "");
}

#define CASE(test_) cmocka_unit_test_setup_teardown(test_, set_up, temp_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(what_is_appended_proves_right),
        CASE(an_edit_is_found),
        CASE(a_line_taken_out_is_found),
        CASE(the_first_lines_taken_out_are_found),
        CASE(a_moved_line_is_found),
        CASE(a_line_written_anew_is_found),
        CASE(what_is_no_line_is_found),
        CASE(a_cut_shows_at_the_last_head),
        CASE(a_log_that_is_gone_is_missed),
        CASE(a_head_that_was_kept_elsewhere_finds_a_rewritten_log),
        CASE(heads_are_signed_at_intervals),
        CASE(a_head_of_another_place_is_no_head),
        CASE(a_head_without_its_key_is_not_signed),
        CASE(a_torn_line_is_gone_over),
        CASE(only_its_newline_was_lost),
        CASE(a_crash_at_any_byte_is_no_tampering),
        CASE(what_is_all_rubbish_is_not_gone_over),
        CASE(rotation_keeps_the_chain),
        CASE(what_cannot_be_put_away_grows_on),
        CASE(a_rotation_that_was_interrupted_goes_on),
        CASE(many_append_at_once),
        CASE(a_link_is_not_followed),
        CASE(long_arguments_are_cut),
        CASE(without_a_log_reading_leaves_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
