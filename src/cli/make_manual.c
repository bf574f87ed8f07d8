/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For the build: make_manual satellite.1|satellite-config.5 prints that page. Its date is
 * SOURCE_DATE_EPOCH's, so that the same source gives the same bytes, else today's.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli/manual.h"

int main(int argc, char **argv)
{
    const char *epoch = getenv("SOURCE_DATE_EPOCH");
    time_t now = epoch == NULL ? time(NULL) : (time_t)strtoll(epoch, NULL, 10);
    struct tm parts;
    char date[32] = "";
    if (gmtime_r(&now, &parts) != NULL)
        (void)strftime(date, sizeof(date), "%Y-%m-%d", &parts);
    struct scb_config *config = NULL;
    struct scb_error error = {0};
    if (argc != 2 || scb_config_new(&config, &error) != SCB_OK) {
        (void)fprintf(stderr, "usage: make_manual satellite.1|satellite-config.5\n");
        return 1;
    }
    if (strcmp(argv[1], "satellite.1") == 0)
        scb_manual_commands(stdout, date);
    else
        scb_manual_settings(stdout, config, date);
    scb_config_free(config);
    return fflush(stdout) == 0 && ferror(stdout) == 0 ? 0 : 1;
}
