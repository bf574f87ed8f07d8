/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A directory of a test's own below the system's temporary one, and short words for what lies in
 * it. Names are relative to it. Include after cmocka.h.
 */
#ifndef SCB_TESTS_TEMP_DIR_H
#define SCB_TESTS_TEMP_DIR_H

#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char temp_dir[256];
static int temp_fd = -1;

static inline int temp_set_up(void **state)
{
    (void)state;
    const char *parent = getenv("TMPDIR");
    (void)snprintf(temp_dir, sizeof(temp_dir), "%s/scb_test_XXXXXX",
                   parent == NULL ? "/tmp" : parent);
    assert_non_null(mkdtemp(temp_dir));
    temp_fd = open(temp_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_true(temp_fd >= 0);
    return 0;
}

static inline int temp_remove_one(const char *path, const struct stat *about, int kind,
                                  struct FTW *where)
{
    (void)about;
    (void)kind;
    (void)where;
    return remove(path);
}

static inline int temp_tear_down(void **state)
{
    (void)state;
    (void)close(temp_fd);
    return nftw(temp_dir, temp_remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* The path of a name, in one of two places by turns. */
static inline const char *temp_path(const char *name)
{
    static char paths[2][1024];
    static int turn;
    turn = !turn;
    (void)snprintf(paths[turn], sizeof(paths[turn]), "%s/%s", temp_dir, name);
    return paths[turn];
}

static inline void temp_write(const char *name, const char *text)
{
    FILE *file = fopen(temp_path(name), "we");
    assert_non_null(file);
    assert_int_equal(fputs(text, file) >= 0, 1);
    assert_int_equal(fclose(file), 0);
}

/* The file's text; "" where there is none. */
static inline const char *temp_read(const char *name)
{
    static char text[64 * 1024];
    text[0] = '\0';
    FILE *file = fopen(temp_path(name), "re");
    if (file != NULL) {
        text[fread(text, 1, sizeof(text) - 1, file)] = '\0';
        assert_int_equal(fclose(file), 0);
    }
    return text;
}

static inline void temp_link(const char *target, const char *name)
{
    assert_int_equal(symlink(target, temp_path(name)), 0);
}

static inline void temp_mkdir(const char *name)
{
    assert_int_equal(mkdir(temp_path(name), 0700), 0);
}

/* What lstat says of it. */
static inline struct stat temp_stat(const char *name)
{
    struct stat about = {0};
    if (lstat(temp_path(name), &about) != 0)
        fail_msg("%s is not there", name);
    return about;
}

static inline unsigned temp_mode(const char *name)
{
    return temp_stat(name).st_mode & 07777;
}

static inline int temp_is_visible(const struct dirent *entry)
{
    return strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
}

/* The names in a directory, sorted bytewise, with a blank between them. */
static inline const char *temp_list(const char *name)
{
    static char text[4096];
    struct dirent **entries = NULL;
    int count = scandir(temp_path(name), &entries, temp_is_visible, alphasort);
    assert_true(count >= 0);
    size_t used = 0;
    text[0] = '\0';
    for (int i = 0; i < count; i++) {
        used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%s", i > 0 ? " " : "",
                                 entries[i]->d_name);
        assert_true(used < sizeof(text));
        free(entries[i]);
    }
    free(entries);
    return text;
}

#define IN_TEMP(test_) cmocka_unit_test_setup_teardown(test_, temp_set_up, temp_tear_down)

#endif
