/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The path behind server.socket.
 */
#ifndef SCB_CONFIG_SOCKET_PATH_H
#define SCB_CONFIG_SOCKET_PATH_H

#include "scb/config.h"
#include "scb/error.h"

/* The runtime directory of the packaged unit, where commands look. */
#define SCB_RUNTIME_DIR "/run/satellite"

/*
 * To be freed; "" for none. What stands for auto is in runtime_dir (the first of several, as in
 * systemd's RUNTIME_DIRECTORY), or in the state directory where that is NULL or "". NULL with
 * ValidationError for what is no absolute path, and as scb_config_state_dir.
 */
char *scb_config_socket_path(const struct scb_config *config, const char *runtime_dir,
                             struct scb_error *error);

#endif
