// SPDX-License-Identifier: Apache-2.0
//
// measure FILE CORE COMMAND [ARGUMENT...]
//
// Runs the command on one core and writes what it cost to FILE as JSON, as the kernel counted it.
// It is a program of its own because Linux counts the memory of whoever forks into the child's
// peak: started from Node, everything would seem to need 50 MB. It pins the command itself, so
// that no start of taskset is counted as the command's.

#define _GNU_SOURCE
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static void die(const char *what)
{
    fprintf(stderr, "measure: %s: %s\n", what, strerror(errno));
    exit(125);
}

static double now_seconds(void)
{
    struct timespec now;
    if (clock_gettime(CLOCK_MONOTONIC, &now) != 0) {
        die("clock_gettime");
    }
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static double seconds_of(struct timeval time)
{
    return (double)time.tv_sec + (double)time.tv_usec / 1e6;
}

// Ends with the bench, even when that is killed.
static void die_with_parent(void)
{
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) {
        die("prctl");
    }
}

static void stay_on(int core)
{
    cpu_set_t cores;
    CPU_ZERO(&cores);
    CPU_SET(core, &cores);
    if (sched_setaffinity(0, sizeof(cores), &cores) != 0) {
        die("sched_setaffinity");
    }
}

int main(int argc, char **argv)
{
    if (argc < 4) {
        fprintf(stderr, "usage: measure FILE CORE COMMAND [ARGUMENT...]\n");
        return 2;
    }
    die_with_parent();
    stay_on(atoi(argv[2]));
    FILE *report = fopen(argv[1], "we");
    if (report == NULL) {
        die(argv[1]);
    }

    double started = now_seconds();
    pid_t child = fork();
    if (child < 0) {
        die("fork");
    }
    if (child == 0) {
        die_with_parent();
        execvp(argv[3], argv + 3);
        die(argv[3]);
    }
    int status;
    struct rusage usage;
    if (wait4(child, &status, 0, &usage) != child) {
        die("wait4");
    }
    double wall = now_seconds() - started;

    fprintf(report, "{\"wall_s\":%.6f,\"user_s\":%.6f,\"system_s\":%.6f,\"peak_kib\":%ld}\n", wall,
            seconds_of(usage.ru_utime), seconds_of(usage.ru_stime), usage.ru_maxrss);
    if (fclose(report) != 0) {
        die(argv[1]);
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
