/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SQLite's own seam to the system, between SQLite and the real files: sleeps that take no time,
 * writes and syncs that fail or are counted, a filesystem without shared memory. And statfs, which
 * says what the test says.
 */
#ifndef TEST_CATALOG_SHIM_H
#define TEST_CATALOG_SHIM_H

#include <linux/magic.h>
#include <sys/vfs.h>

#include "fixture.h"

enum { SHIM_SLEEPS_MAX = 64 };

struct shim {
    sqlite3_vfs *real;
    sqlite3_vfs vfs;
    const sqlite3_io_methods *real_methods[2]; /* of the database, of its log */
    sqlite3_io_methods methods[2];
    int write_code; /* SQLITE_OK, or what every write to a log gives */
    int sync_code;
    int log_syncs;
    bool no_shared_memory;
    size_t sleeps;
    int sleep_us[SHIM_SLEEPS_MAX];
    size_t release_after; /* sleeps, then holder's transaction ends; 0 for never */
    sqlite3 *holder;
};

static struct shim shim;
static uint32_t shim_filesystem = EXT4_SUPER_MAGIC;      /* of directories */
static uint32_t shim_file_filesystem = EXT4_SUPER_MAGIC; /* of what a path leads to */

int statfs(const char *path, struct statfs *ret_info)
{
    *ret_info = (struct statfs){.f_type = (__typeof__(ret_info->f_type))shim_file_filesystem};
    return access(path, F_OK);
}

int fstatfs(int fd, struct statfs *ret_info)
{
    (void)fd;
    *ret_info = (struct statfs){.f_type = (__typeof__(ret_info->f_type))shim_filesystem};
    return 0;
}

static inline int is_log(const sqlite3_file *file)
{
    return file->pMethods == &shim.methods[1];
}

static inline int shim_write(sqlite3_file *file, const void *data, int size, sqlite3_int64 offset)
{
    if (is_log(file) && shim.write_code != SQLITE_OK)
        return shim.write_code;
    return shim.real_methods[is_log(file)]->xWrite(file, data, size, offset);
}

static inline int shim_sync(sqlite3_file *file, int flags)
{
    shim.log_syncs += is_log(file);
    if (is_log(file) && shim.sync_code != SQLITE_OK)
        return shim.sync_code;
    return shim.real_methods[is_log(file)]->xSync(file, flags);
}

static inline int shim_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags,
                            int *ret_flags)
{
    (void)vfs;
    int code = shim.real->xOpen(shim.real, name, file, flags, ret_flags);
    if (code != SQLITE_OK || (flags & (SQLITE_OPEN_MAIN_DB | SQLITE_OPEN_WAL)) == 0)
        return code;
    int log = (flags & SQLITE_OPEN_WAL) != 0;
    shim.real_methods[log] = file->pMethods;
    shim.methods[log] = *file->pMethods;
    shim.methods[log].xWrite = shim_write;
    shim.methods[log].xSync = shim_sync;
    if (shim.no_shared_memory)
        shim.methods[log].iVersion = 1;
    file->pMethods = &shim.methods[log];
    return SQLITE_OK;
}

static inline int shim_sleep(sqlite3_vfs *vfs, int us)
{
    (void)vfs;
    if (shim.sleeps < SHIM_SLEEPS_MAX)
        shim.sleep_us[shim.sleeps] = us;
    if (++shim.sleeps == shim.release_after)
        (void)sqlite3_exec(shim.holder, "ROLLBACK", NULL, NULL, NULL);
    return us;
}

static inline void shim_install(void)
{
    shim = (struct shim){.real = sqlite3_vfs_find(NULL)};
    shim.vfs = *shim.real;
    shim.vfs.zName = "shim";
    shim.vfs.xOpen = shim_open;
    shim.vfs.xSleep = shim_sleep;
    (void)sqlite3_vfs_register(&shim.vfs, 1);
}

static inline void shim_remove(void)
{
    (void)sqlite3_vfs_unregister(&shim.vfs);
    (void)sqlite3_vfs_register(shim.real, 1);
}

static inline int slept_ms(void)
{
    assert_true(shim.sleeps <= SHIM_SLEEPS_MAX);
    int sum = 0;
    for (size_t i = 0; i < shim.sleeps; i++)
        sum += shim.sleep_us[i] / 1000;
    return sum;
}

static inline int set_up_shim(void **state)
{
    shim_install();
    return set_up(state);
}

static inline int set_up_shim_open(void **state)
{
    shim_install();
    return set_up_open(state);
}

static inline int tear_down_shim(void **state)
{
    int result = tear_down(state);
    shim_remove();
    return result;
}

#define SHIM(test_)      cmocka_unit_test_setup_teardown(test_, set_up_shim, tear_down_shim)
#define SHIM_OPEN(test_) cmocka_unit_test_setup_teardown(test_, set_up_shim_open, tear_down_shim)

#endif
