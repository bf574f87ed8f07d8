// SPDX-License-Identifier: Apache-2.0
//
// Child processes that never outlive this one: ended by their process id when they are done with,
// and in any case when this process exits, Ctrl-C included.

import { spawn } from 'node:child_process';

const running = new Set();
let handlersSet = false;

function endAll() {
    for (const child of running) child.kill('SIGKILL');
}

// A signal's default action skips the 'exit' event, so it is turned into an exit.
function exitOnSignals() {
    process.once('SIGINT', () => process.exit(130));
    process.once('SIGTERM', () => process.exit(143));
    process.once('SIGHUP', () => process.exit(129));
}

export function spawnChild(command, args, options) {
    if (!handlersSet) {
        handlersSet = true;
        process.prependListener('exit', endAll); // before whoever removes their files
        exitOnSignals();
    }
    const child = spawn(command, args, options);
    running.add(child);
    child.ended = new Promise((resolve) => {
        child.once('error', (error) => resolve({ error }));
        child.once('close', (code, signal) => resolve({ code, signal }));
    }).finally(() => running.delete(child));
    return child;
}
