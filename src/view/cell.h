/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Cells of tables for people; "-" where there is nothing to show.
 */
#ifndef SCB_VIEW_CELL_H
#define SCB_VIEW_CELL_H

#include <stddef.h>
#include <stdint.h>

void scb_view_time(int64_t real_ms, char *ret_text, size_t size);
void scb_view_count(int64_t count, char *ret_text, size_t size);
void scb_view_size(int64_t bytes, char *ret_text, size_t size);

#endif
