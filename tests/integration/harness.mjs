// SPDX-License-Identifier: Apache-2.0
//
// Runs the real satellite, as a person would, and reads what it leaves with other tools.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { spawnChild } from '../chain/children.mjs';

export const root = fileURLToPath(new URL('../..', import.meta.url));
export const program = resolve(process.env.SATELLITE ?? join(root, 'build', 'satellite'));
export const DATE = '2024-01-15';

/** Room for big pages, and blocks that are final two blocks later. */
export const ANVIL_ARGS = ['--accounts', '3', '--gas-limit', '2000000000',
    '--no-request-size-limit', '--slots-in-an-epoch', '1'];

function environment(more) {
    const kept = Object.entries(process.env)
        .filter(([name]) => !/^(BACKUP|SATELLITE)(_|$)|^RUNTIME_DIRECTORY$/.test(name));
    return { ...Object.fromEntries(kept), NO_COLOR: '1', SATELLITE_SERVER_LISTEN: '127.0.0.1:0', ...more };
}

/** Starts satellite; `done` resolves to { code, signal, stdout, stderr } when it has ended;
 *  until then `soFar` is what it has written. */
export function start(args, { env, cwd } = {}) {
    const child = spawnChild(program, args, {
        stdio: ['ignore', 'pipe', 'pipe'], env: environment(env), cwd,
    });
    const output = { stdout: '', stderr: '' };
    for (const name of ['stdout', 'stderr']) {
        child[name].setEncoding('utf8');
        child[name].on('data', (text) => { output[name] += text; });
    }
    child.soFar = output;
    child.done = child.ended.then(({ error, code, signal }) => {
        if (error) throw error;
        return { code, signal, ...output };
    });
    return child;
}

/** Waits for something to happen while satellite runs; fails where it ends before. */
export function whileRunning(child, event) {
    const ended = child.done.then(({ code, stderr }) => {
        throw new Error(`satellite ended with ${code} before that: ${stderr}`);
    });
    return Promise.race([event, ended]);
}

export function run(args, options) {
    return start(args, options).done;
}

/** The same, where anything but success is a failed test. */
export async function mustRun(args, options) {
    const result = await run(args, options);
    assert.equal(result.code, 0, `${args.join(' ')}: ${result.stderr}`);
    return result;
}

/** A directory of the test's own, removed after it. */
export function workspace(t) {
    const directory = mkdtempSync(join(tmpdir(), 'satellite-test-'));
    t.after(() => rmSync(directory, { recursive: true, force: true, maxRetries: 5 }));
    return directory;
}

function flags(settings) {
    return Object.entries(settings).flatMap(([name, value]) => [`--${name}`, String(value)]);
}

/** Where one backup goes and comes from, and the commands on it. */
export class Store {
    /**
     * @param {string} directory
     * @param {object} node { url, address }
     * @param {object} [settings] more flags, without their dashes
     */
    constructor(directory, node, settings = {}) {
        mkdirSync(directory, { recursive: true });
        this.directory = directory;
        this.backups = join(directory, 'backups');
        this.settings = {
            'backup-dir': this.backups,
            'database-url': `sqlite://${join(directory, 'satellite.db')}`,
            'contract-address': node.address,
            'contract-rpc-urls': node.url,
            'retry-delay': '1ms',
            'retry-max-delay': '5ms',
            'log-format': 'console',
            'log-level': 'error',
            progress: 'never',
            ...settings,
        };
    }

    args(command, ...more) {
        const { progress, ...settings } = this.settings;
        const shown = command === 'run' && progress ? { progress } : {};
        return ['backup', command, ...flags({ ...settings, ...shown }), ...more];
    }

    run(...more) {
        return run(this.args('run', '--backup-date', DATE, ...more));
    }

    async mustRun(...more) {
        return mustRun(this.args('run', '--backup-date', DATE, ...more));
    }

    command(command, ...more) {
        return run(this.args(command, ...more));
    }

    async json(command, ...more) {
        const { stdout } = await mustRun(this.args(command, ...more, '--json'));
        return JSON.parse(stdout);
    }

    path(...names) {
        return join(this.backups, ...names);
    }

    archivePath(date = DATE) {
        return this.path(date, `backup_${date}.zip`);
    }

    archiveBytes(date = DATE) {
        return readFileSync(this.archivePath(date));
    }

    manifest(date = DATE) {
        return JSON.parse(unzip('-p', this.archivePath(date), 'manifest.json'));
    }
}

export function unzip(...args) {
    return execFileSync('unzip', args, { maxBuffer: 1 << 30 });
}

function memberBytes(entry, name) {
    const text = entry[name];
    assert.equal(typeof text, 'string');
    return Buffer.from(text, entry.base64?.includes(name) ? 'base64' : 'utf8');
}

/** All entries of an archive in page order, as Buffers; the archive is tested on the way. */
export function archivedEntries(archive) {
    unzip('-tqq', archive);
    const directory = mkdtempSync(join(tmpdir(), 'satellite-zip-'));
    try {
        unzip('-qq', archive, '-d', directory);
        const pages = unzip('-Z1', archive).toString().trim().split('\n')
            .filter((name) => name.startsWith('page_'));
        pages.forEach((name, number) => assert.equal(name, `page_${number}.json`));
        return pages.flatMap((name) => JSON.parse(readFileSync(join(directory, name), 'utf8')))
            .map((entry) => ({
                key: memberBytes(entry, 'key'),
                value: memberBytes(entry, 'value'),
                versionId: memberBytes(entry, 'version_id'),
            }));
    } finally {
        rmSync(directory, { recursive: true });
    }
}

function inHex(entries) {
    return entries.map((entry) => ['key', 'value', 'versionId'].map((member) =>
        (Buffer.isBuffer(entry[member]) ? `0x${entry[member].toString('hex')}` : entry[member])));
}

/** Equality with a short message: a diff of ten thousand entries helps nobody. */
export function assertSameEntries(actual, expected) {
    assert.equal(actual.length, expected.length, 'number of entries');
    const [a, b] = [inHex(actual), inHex(expected)];
    const different = a.findIndex((entry, i) => entry.some((hex, j) => hex !== b[i][j]));
    if (different < 0) return;
    const shown = (entry) => entry.map((hex) => hex.slice(0, 200));
    assert.deepEqual(shown(a[different]), shown(b[different]), `entry ${different}`);
    assert.fail(`entry ${different} differs past its first bytes`);
}

/** A failed command: its exit code, and one line on stderr that says type, what and why. */
export function assertFailed({ code, stderr, stdout }, expectedCode, type, pattern = /./) {
    assert.equal(code, expectedCode, `exit code; stderr: ${stderr}`);
    const lines = stderr.trimEnd().split('\n');
    assert.equal(lines.length, 1, `one line on stderr, not:\n${stderr}`);
    assert.ok(lines[0].startsWith(`satellite: ${type}: `), lines[0]);
    assert.match(lines[0], pattern);
    assert.equal(stdout, '', 'nothing on stdout');
}
