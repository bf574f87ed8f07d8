/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the process keeps from others: its memory, and what it makes.
 */
#ifndef SCB_BASE_PROCESS_H
#define SCB_BASE_PROCESS_H

/*
 * From here on new files and directories are their owner's alone (umask 077), no core dump is
 * made, and no other process of the same user looks into this one's memory. Not passed on to
 * programs that it starts, but for the umask.
 */
void scb_process_protect(void);

#endif
