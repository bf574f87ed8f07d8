// SPDX-License-Identifier: Apache-2.0
//
// Other users of the machine than the one who runs the tests, where that is root.

import { spawnChild } from '../chain/children.mjs';
import { chmodSync, copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { program, workspace } from './harness.mjs';

export const STRANGER = 54321; // nobody's number
export const OWNER = 54320; // nor this
export const notRoot = process.getuid() !== 0 && 'only root can run satellite as somebody else';

/** Runs a program as another user: { code, stdout, stderr }. */
export async function runAs(uid, file, args, { env = process.env, input } = {}) {
    const child = spawnChild('setpriv', [`--reuid=${uid}`, `--regid=${uid}`, '--clear-groups',
        file, ...args], { stdio: [input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
        cwd: '/', env: { ...env, NO_COLOR: '1' } });
    const output = { stdout: '', stderr: '' };
    for (const name of ['stdout', 'stderr']) {
        child[name].setEncoding('utf8');
        child[name].on('data', (text) => { output[name] += text; });
    }
    if (input !== undefined) child.stdin.end(input);
    const { error, code } = await child.ended;
    if (error) throw error;
    return { code, ...output };
}

/** A workspace that everybody may pass through, and a copy of the program there. */
export function openWorkspace(t) {
    const directory = workspace(t);
    chmodSync(directory, 0o755);
    const copy = join(directory, 'satellite');
    copyFileSync(program, copy);
    chmodSync(copy, 0o755);
    return { directory, copy };
}
