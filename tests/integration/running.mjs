// SPDX-License-Identifier: Apache-2.0
//
// A service under test: started from a configuration file, its JSON log followed, and, where wanted,
// what it tells its service manager through a socket like systemd's.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { spawnChild } from '../chain/children.mjs';
import { start, whileRunning, workspace } from './harness.mjs';

const MANAGER = `
import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1])
print('ready', flush=True)
while True:
    for line in s.recv(65536).decode().splitlines():
        print(line, flush=True)
`;

/** Collects lines; `until(test)` resolves to the first that passes, past or to come. */
class Lines {
    constructor(stream, parse = (line) => line) {
        this.all = [];
        this.waiting = [];
        let rest = '';
        stream.setEncoding('utf8');
        stream.on('data', (text) => {
            const parts = (rest + text).split('\n');
            rest = parts.pop();
            this.all.push(...parts.map(parse));
            this.waiting = this.waiting.filter((look) => !look());
        });
    }

    until(test) {
        return new Promise((resolve) => {
            const look = () => {
                const found = this.all.find(test);
                if (found !== undefined) resolve(found);
                return found !== undefined;
            };
            if (!look()) this.waiting.push(look);
        });
    }

    /** Until so many lines pass. */
    async count(number, test) {
        let seen = 0;
        const counted = new Set();
        await this.until(() => {
            this.all.forEach((line, i) => {
                if (!counted.has(i) && test(line)) {
                    counted.add(i);
                    seen += 1;
                }
            });
            return seen >= number || undefined;
        });
        return this.all.filter(test);
    }
}

/** systemd's end of NOTIFY_SOCKET: `lines` of "READY=1", "STATUS=…", … as they come. */
export async function startManager(t) {
    const socket = join(workspace(t), 'notify');
    const child = spawnChild('python3', ['-c', MANAGER, socket],
        { stdio: ['ignore', 'pipe', 'inherit'] });
    t.after(() => child.kill('SIGKILL'));
    const lines = new Lines(child.stdout);
    await lines.until((line) => line === 'ready');
    return { socket, lines };
}

/** YAML of { section: { key: value } }; JSON values are YAML. */
export function writeConfig(path, sections) {
    const text = Object.entries(sections).map(([section, settings]) => `${section}:\n${
        Object.entries(settings).map(([key, value]) => `  ${key}: ${JSON.stringify(value)}\n`)
            .join('')}`).join('');
    writeFileSync(path, text);
}

/** The settings of a service in a directory, against a node; more sections are merged into them. */
export function serviceConfig(directory, node, more = {}) {
    const sections = {
        backup: {
            backup_dir: join(directory, 'backups'), chore_interval: '30d', retry_delay: '1ms',
            retry_max_delay: '5ms', retry_attempts: 1, min_free_space: '0',
        },
        contract: { address: node.address, rpc_urls: [node.url] },
        database: { url: `sqlite://${join(directory, 'satellite.db')}` },
        log: { format: 'json', level: 'info' },
    };
    for (const [section, settings] of Object.entries(more))
        sections[section] = { ...sections[section], ...settings };
    return sections;
}

export const isCompleted = (line) => line.msg === 'Backup operation completed';

/** Starts `satellite run backup --config FILE`; `log` are its lines, `stop()` ends it with 0. */
export function startService(t, config, { args = [], env } = {}) {
    const child = start(['run', 'backup', '--config', config, '--progress', 'never', ...args],
        { env });
    t.after(() => child.kill('SIGKILL'));
    const log = new Lines(child.stderr, (line) => JSON.parse(line));
    return {
        child,
        log,
        until: (test) => whileRunning(child, log.until(test)),
        count: (number, test) => whileRunning(child, log.count(number, test)),
        async stop() {
            child.kill('SIGTERM');
            const { code, stderr } = await child.done;
            assert.equal(code, 0, stderr);
        },
        async ended() {
            if (child.exitCode === null) await once(child, 'close');
            return child.exitCode;
        },
    };
}
