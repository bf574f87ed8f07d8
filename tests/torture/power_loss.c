/* SPDX-License-Identifier: Apache-2.0 */
#include "power_loss.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MAX_CHANGES = 8192 };

static const char *watched_dir, *own_dir;
static bool lose_names, keep_database;

/* A change of a directory that is not synced yet. */
struct change {
    enum power_loss_change what;
    char path[POWER_LOSS_PATH];
    char from[POWER_LOSS_PATH]; /* of what was renamed */
    int saved;                  /* the number of a hard link to what stood there; 0 = nothing */
};
static struct change changes[MAX_CHANGES];
static int change_count;

static void shadow_path(uint64_t number, const char *kind, char path[POWER_LOSS_PATH])
{
    (void)snprintf(path, POWER_LOSS_PATH, "%s/%s-%llu", own_dir, kind, (unsigned long long)number);
}

static void copy(const char *from, const char *to, int to_flags)
{
    int in = open(from, O_RDONLY | O_CLOEXEC), out = open(to, to_flags | O_CLOEXEC, 0600);
    char piece[16384];
    ssize_t got = 0;
    while (in >= 0 && out >= 0 && (got = read(in, piece, sizeof(piece))) > 0)
        if (write(out, piece, (size_t)got) != got)
            abort();
    if (in >= 0)
        (void)close(in);
    if (out >= 0)
        (void)close(out);
}

void power_loss_remember(const char *path)
{
    struct stat about;
    char shadow[POWER_LOSS_PATH];
    if (lstat(path, &about) != 0 || !S_ISREG(about.st_mode))
        return;
    shadow_path(about.st_ino, "synced", shadow);
    copy(path, shadow, O_WRONLY | O_CREAT | O_TRUNC);
}

int power_loss_save(const char *path)
{
    static int saves;
    char link_path[POWER_LOSS_PATH];
    shadow_path((uint64_t)++saves, "saved", link_path);
    return linkat(AT_FDCWD, path, AT_FDCWD, link_path, 0) == 0 ? saves : 0;
}

void power_loss_note(enum power_loss_change what, const char *path, const char *from, int saved)
{
    if (change_count == MAX_CHANGES)
        abort();
    struct change *change = &changes[change_count++];
    change->what = what;
    change->saved = saved;
    (void)snprintf(change->path, sizeof(change->path), "%s", path);
    (void)snprintf(change->from, sizeof(change->from), "%s", from);
}

void power_loss_settle(const char *dir)
{
    size_t size = strlen(dir);
    for (int i = 0; i < change_count; i++) {
        struct change *change = &changes[i];
        if (strncmp(change->path, dir, size) == 0 && change->path[size] == '/' &&
            strchr(change->path + size + 1, '/') == NULL)
            change->what = SETTLED;
    }
}

static int remove_any(const char *path, const struct stat *about, int type, struct FTW *walk)
{
    (void)about, (void)type, (void)walk;
    return remove(path);
}

static void undo(const struct change *change)
{
    char saved[POWER_LOSS_PATH];
    shadow_path((uint64_t)change->saved, "saved", saved);
    if (change->what == MADE)
        (void)unlink(change->path);
    else if (change->what == MADE_DIRECTORY)
        (void)nftw(change->path, remove_any, 16, FTW_PHYS | FTW_DEPTH); /* what is in it, too */
    else if (change->what == REMOVED_DIRECTORY)
        (void)mkdir(change->path, 0700);
    else if (change->what == RENAMED)
        (void)rename(change->path, change->from);
    if (change->what != SETTLED && change->saved > 0)
        if (link(saved, change->path) != 0 && errno != EEXIST)
            abort();
}

static int lose_contents(const char *path, const struct stat *about, int type, struct FTW *walk)
{
    (void)walk;
    char shadow[POWER_LOSS_PATH];
    size_t size = strlen(path);
    if (type != FTW_F || (keep_database && strstr(path, ".db") != NULL))
        return 0;
    if (size > 4 && strcmp(path + size - 4, "-shm") == 0)
        return unlink(path); /* another thread may have it mapped: not to be cut */
    shadow_path(about->st_ino, "synced", shadow);
    if (access(shadow, F_OK) == 0)
        copy(shadow, path, O_WRONLY | O_TRUNC);
    else if (truncate(path, 0) != 0)
        abort();
    return 0;
}

static int remember_all(const char *path, const struct stat *about, int type, struct FTW *walk)
{
    (void)about, (void)walk;
    if (type == FTW_F)
        power_loss_remember(path);
    return 0;
}

void power_loss_begin(const char *dir, const char *own, const char *mode)
{
    watched_dir = dir;
    own_dir = own;
    lose_names = strcmp(mode, "2") == 0;
    keep_database = strcmp(mode, "3") == 0;
    (void)nftw(dir, remember_all, 16, FTW_PHYS);
}

void power_loss_strike(void)
{
    for (int i = change_count - 1; lose_names && i >= 0; i--)
        undo(&changes[i]);
    (void)nftw(watched_dir, lose_contents, 16, FTW_PHYS);
}
