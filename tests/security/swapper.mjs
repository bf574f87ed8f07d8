// SPDX-License-Identifier: Apache-2.0
//
// A thread that puts symbolic links where satellite is about to work, and takes them away again,
// as fast as it can.

import { linkSync, renameSync, rmSync, symlinkSync, unlinkSync } from 'node:fs';
import { parentPort, workerData } from 'node:worker_threads';

const { places, stop } = workerData;
const stopped = new Int32Array(stop);
let swaps = 0;

/** True where it could be done; the other side is working there all the time. */
function attempt(act) {
    try {
        act();
        return true;
    } catch {
        return false;
    }
}

/** For a moment the name leads to the victim. */
function swap({ path, victim, hard }) {
    const aside = `${path}.aside`;
    const moved = attempt(() => renameSync(path, aside));
    const planted = attempt(() => (hard ? linkSync(victim, path) : symlinkSync(victim, path)));
    if (planted) {
        swaps++;
        for (let spin = 0; spin < 20000; spin++) Atomics.load(stopped, 0);
        attempt(() => unlinkSync(path));
    }
    if (moved && !attempt(() => renameSync(aside, path)))
        attempt(() => rmSync(aside, { recursive: true }));
}

while (Atomics.load(stopped, 0) === 0) for (const place of places) swap(place);
parentPort.postMessage(swaps);
