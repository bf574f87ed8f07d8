/* SPDX-License-Identifier: Apache-2.0 */
/*
 * resume_check DIRECTORY [MIB]
 *
 * Makes that many MiB (1024) of finished page files of an interrupted backup below DIRECTORY, once
 * with 100 and once with 1,000 keys a page, then times what a resume does with them, on one core:
 * their check, which must reach 1 GB/s of CPU time. To compare: the least that a check can be
 * (open, read, SHA-256, close), and the check with the deflate that the archive needs. Removes what
 * it made.
 */
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/memory.h"
#include "job/page_work.h"
#include "store/store.h"

#define DATE "2024-01-15"

static const char *directory;
static const struct scb_age_recipients nobody;

enum { MIB = 1024 * 1024, MOST_KEYS = 1000, PASSES = 3 };

struct pages {
    struct scb_store *store;
    struct scb_backup_dir *dir;
    struct scb_page_tools tools;
    struct scb_page_work work;
    uint8_t (*sha256)[SCB_SHA256_SIZE];
    uint64_t keys; /* a page */
    uint64_t count, bytes;
};

static void must(enum scb_status status, const struct scb_error *error)
{
    if (status == SCB_OK)
        return;
    (void)fprintf(stderr, "resume_check: %s\n", error->message);
    exit(1);
}

/* A page of realistic entries; no two pages are the same. */
static size_t make_page(uint64_t number, uint64_t keys, char *text, size_t room)
{
    size_t used = (size_t)snprintf(text, room, "[");
    for (uint64_t i = 0; i < keys; i++) {
        uint64_t index = number * keys + i;
        used += (size_t)snprintf(
            text + used, room - used,
            "%s\n  {\n    \"key\": \"user_profile_%010llu\",\n    \"value\": "
            "\"{\\\"id\\\":\\\"%010llu\\\",\\\"owner\\\":\\\"0x%016llx%016llx\\\",\\\"plan\\\":"
            "\\\"enterprise\\\",\\\"quota_gb\\\":%llu,\\\"tag\\\":\\\"%016llx\\\"}\",\n"
            "    \"version_id\": \"v1.0.%llu\"\n  }",
            i == 0 ? "" : ",", (unsigned long long)index, (unsigned long long)index,
            (unsigned long long)(index * 0x9e3779b97f4a7c15u),
            (unsigned long long)(index * 0xbf58476d1ce4e5b9u), (unsigned long long)(index % 10000),
            (unsigned long long)(index * 0x94d049bb133111ebu), (unsigned long long)(index % 7));
    }
    return used + (size_t)snprintf(text + used, room - used, "\n]");
}

static void make_pages(struct pages *pages, uint64_t bytes)
{
    static char text[MOST_KEYS * 1024];
    struct scb_error error = {0};
    uint64_t most = bytes / (pages->keys * 100) + 1;
    pages->sha256 = scb_alloc(most, sizeof(*pages->sha256), &error);
    must(pages->sha256 == NULL ? SCB_ERROR_RESOURCE : SCB_OK, &error);
    while (pages->bytes < bytes && pages->count < most) {
        char name[SCB_PAGE_NAME_SIZE];
        scb_page_file_name(pages->count, false, name);
        struct scb_bytes page = {(const uint8_t *)text,
                                 make_page(pages->count, pages->keys, text, sizeof(text))};
        must(scb_backup_dir_write(pages->dir, name, page, &error), &error);
        must(scb_digest_sha256(&pages->tools.digest, page, pages->sha256[pages->count], &error),
             &error);
        pages->bytes += page.size;
        pages->count++;
    }
}

typedef enum scb_status (*page_step)(struct scb_page_work *work, struct scb_page_tools *tools,
                                     const uint8_t recorded[SCB_SHA256_SIZE], bool *ret_good,
                                     struct scb_error *error);

/* What no check can do without. */
static enum scb_status check_barely(struct scb_page_work *work, struct scb_page_tools *tools,
                                    const uint8_t recorded[SCB_SHA256_SIZE], bool *ret_good,
                                    struct scb_error *error)
{
    static uint8_t page[MOST_KEYS * 1024];
    char path[PATH_MAX];
    uint8_t sha256[SCB_SHA256_SIZE];
    (void)snprintf(path, sizeof(path), "%s/" DATE "/%s", directory, work->name);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t size = fd < 0 ? 0 : read(fd, page, sizeof(page));
    (void)close(fd);
    enum scb_status status =
        scb_digest_sha256(&tools->digest, (struct scb_bytes){page, (size_t)size}, sha256, error);
    *ret_good = status == SCB_OK && memcmp(sha256, recorded, sizeof(sha256)) == 0;
    return status;
}

struct cost {
    double seconds, cpu_seconds;
};

static double now(clockid_t clock)
{
    struct timespec time = {0};
    (void)clock_gettime(clock, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static struct cost cost_of(struct pages *pages, page_step step)
{
    struct scb_page_settings settings = {.dir = pages->dir,
                                         .rules = {.max_key_size = MIB, .max_value_size = MIB},
                                         .recipients = &nobody};
    struct scb_error error = {0};
    double began = now(CLOCK_MONOTONIC), cpu_began = now(CLOCK_THREAD_CPUTIME_ID);
    for (uint64_t i = 0; i < pages->count; i++) {
        bool good = false;
        must(scb_page_work_begin(&pages->work, &settings, i, i * pages->keys, pages->keys, &error),
             &error);
        must(step(&pages->work, &pages->tools, pages->sha256[i], &good, &error), &error);
        if (!good)
            must(scb_error_set(&error, SCB_ERROR_INTEGRITY, "a page is not what was written"),
                 &error);
    }
    return (struct cost){now(CLOCK_MONOTONIC) - began, now(CLOCK_THREAD_CPUTIME_ID) - cpu_began};
}

static void tell(struct pages *pages, const char *what, page_step step)
{
    for (int pass = 1; pass <= PASSES; pass++) {
        struct cost cost = cost_of(pages, step);
        (void)printf("%s: %.3f s, of CPU time %.3f s, %.2f GB/s of it\n", what, cost.seconds,
                     cost.cpu_seconds, (double)pages->bytes / 1e9 / cost.cpu_seconds);
    }
}

static void measure(uint64_t keys, uint64_t bytes)
{
    struct scb_error error = {0};
    struct pages pages = {.keys = keys};
    struct scb_store_settings settings = {.dir = directory, .group = ""};
    must(scb_store_open(&settings, true, &pages.store, &error), &error);
    must(scb_backup_dir_open(pages.store, DATE, true, &pages.dir, &error), &error);
    must(scb_page_tools_init(&pages.tools, &nobody, &error), &error);
    make_pages(&pages, bytes);
    (void)printf("%llu keys a page: %llu pages, %.3f GB\n", (unsigned long long)keys,
                 (unsigned long long)pages.count, (double)pages.bytes / 1e9);
    tell(&pages, "least", check_barely);
    tell(&pages, "check", scb_page_work_check);
    tell(&pages, "check and deflate", scb_page_work_reuse);
    must(scb_backup_dir_clear(pages.dir, &error), &error);
    scb_backup_dir_remove_if_empty(pages.dir);
    scb_page_work_free(&pages.work);
    scb_page_tools_free(&pages.tools);
    scb_backup_dir_close(pages.dir);
    scb_store_close(pages.store);
    free(pages.sha256);
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        (void)fprintf(stderr, "usage: resume_check DIRECTORY [MIB]\n");
        return 2;
    }
    cpu_set_t core;
    CPU_ZERO(&core);
    CPU_SET((unsigned)sched_getcpu(), &core);
    (void)sched_setaffinity(0, sizeof(core), &core);
    uint64_t bytes = (uint64_t)(argc > 2 ? strtoul(argv[2], NULL, 10) : 1024) * MIB;
    directory = argv[1];
    measure(100, bytes);
    measure(MOST_KEYS, bytes);
    return 0;
}
