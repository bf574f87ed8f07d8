// SPDX-License-Identifier: Apache-2.0
//
// Starts and ends a real node, anvil, on a free port that it picks itself.

import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { spawnChild } from './children.mjs';
import { rpc } from './rpc.mjs';

const START_TIMEOUT_MS = 300_000; // loading a large state takes its time

/** The program itself, out of its npm package. */
export function anvilProgram() {
    const resolve = createRequire(import.meta.url).resolve;
    const manifest = resolve('@foundry-rs/anvil-linux-amd64/package.json');
    return join(dirname(manifest), 'bin', 'anvil');
}

/**
 * @param {object} [options]
 * @param {string[]} [options.args] more arguments for anvil
 * @param {number} [options.cpu] the only core that it may use
 * @returns {Promise<{url: string, port: number, pid: number, command: string[],
 *     stop: () => Promise<void>}>}
 */
export async function startAnvil({ args = [], cpu } = {}) {
    const command = [anvilProgram(), '--host', '127.0.0.1', '--port', '0', ...args];
    if (cpu !== undefined) command.unshift('taskset', '-c', String(cpu));
    const child = spawnChild(command[0], command.slice(1), { stdio: ['ignore', 'pipe', 'pipe'] });
    const port = await listeningPort(child);
    const url = `http://127.0.0.1:${port}`;
    await rpc(url, 'anvil_setLoggingEnabled', false); // else a line for each request
    return {
        url,
        port,
        pid: child.pid,
        command,
        async stop() {
            child.kill('SIGKILL'); // nothing of it is kept, so there is nothing to save
            await child.ended;
        },
    };
}

function listeningPort(child) {
    return new Promise((resolve, reject) => {
        let output = '';
        let found = false;
        const timer = setTimeout(() => {
            child.kill('SIGKILL');
            reject(new Error(`anvil did not start in ${START_TIMEOUT_MS} ms`));
        }, START_TIMEOUT_MS);
        const read = (chunk) => {
            if (found) return; // read on, or anvil would block on a full pipe
            output += chunk;
            const match = /Listening on [^\n]*:(\d+)\n/.exec(output);
            if (!match) return;
            found = true;
            clearTimeout(timer);
            resolve(Number(match[1]));
        };
        child.stdout.on('data', read);
        child.stderr.on('data', read);
        child.ended.then(({ error, code, signal }) => {
            clearTimeout(timer);
            reject(error ?? new Error(`anvil ended (${signal ?? code}): ${output.slice(-2000)}`));
        });
    });
}
