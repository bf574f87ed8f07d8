/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Power loss for faults.c: remembers what of the files below a directory was synced, and takes the
 * rest away. Its calls of the system may go through the layer, whose directory its own is not in.
 */
#ifndef TORTURE_POWER_LOSS_H
#define TORTURE_POWER_LOSS_H

#include <stdbool.h>

enum { POWER_LOSS_PATH = 512 };

/* A change of a directory. */
enum power_loss_change { MADE, MADE_DIRECTORY, RENAMED, REMOVED, REMOVED_DIRECTORY, SETTLED };

/* What stands below dir now counts as synced; mode is LOST of faults.c. */
void power_loss_begin(const char *dir, const char *own_dir, const char *mode);
/* The file's present contents are on the disk. */
void power_loss_remember(const char *path);
/* The directory's names are. */
void power_loss_settle(const char *dir);
/* Keeps what has this name, since it is about to lose it; a number for power_loss_note, or 0. */
int power_loss_save(const char *path);
/* from is of what was renamed. */
void power_loss_note(enum power_loss_change what, const char *path, const char *from, int saved);
/* What was not synced vanishes. Nothing else may touch the files meanwhile. */
void power_loss_strike(void);

#endif
