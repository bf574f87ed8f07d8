// SPDX-License-Identifier: Apache-2.0
//
// Runs the programs that are compared, each on the client's core, and tells what they cost.

import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { spawnChild } from '../tests/chain/children.mjs';

export const NODE_CORE = 0;
export const CLIENT_CORE = 1;

export const root = fileURLToPath(new URL('..', import.meta.url));
export const cache = join(root, 'bench', 'cache'); // in .gitignore
const work = join(cache, `work-${process.pid}`);
const measure = join(cache, 'measure');

export class BenchError extends Error {}

function works(command, ...args) {
    return spawnSync(command, args, { stdio: 'ignore' }).error === undefined;
}

/** Refuses to start where something is missing, and builds what measures. */
export function prepare() {
    for (const [command, flag, source] of [
        ['wrk', '-v', 'apt-get install wrk'],
        ['unzip', '-v', 'apt-get install unzip'],
        ['libdeflate-gzip', '-V', 'apt-get install libdeflate-tools'],
        ['taskset', '-V', 'apt-get install util-linux'],
        ['cc', '--version', 'apt-get install gcc'],
    ]) {
        if (!works(command, flag)) throw new BenchError(`${command} is missing: ${source}`);
    }
    if (!works('taskset', '-c', `${NODE_CORE},${CLIENT_CORE}`, 'true')) {
        throw new BenchError('two cores are needed, one for the node and one for the client');
    }
    mkdirSync(work, { recursive: true });
    process.on('exit', () => rmSync(work, { recursive: true, force: true, maxRetries: 5 }));
    const source = join(root, 'bench', 'measure.c');
    const { status } = spawnSync('cc', ['-O2', '-o', measure, source], { stdio: 'inherit' });
    if (status !== 0) throw new BenchError('bench/measure.c does not compile');
}

function environment() {
    return Object.fromEntries(Object.entries(process.env)
        .filter(([name]) => !/^(BACKUP|SATELLITE)_/.test(name)));
}

/**
 * Runs a command pinned to the client's core: { stdout, wall, cpu, peakKib }. What ran before has
 * its files on the disk by then, so that none waits for another's.
 */
async function measured(command) {
    spawnSync('sync');
    const report = join(work, 'usage.json');
    const args = [report, String(CLIENT_CORE), ...command];
    const child = spawnChild(measure, args, {
        stdio: ['ignore', 'pipe', 'pipe'], env: environment(),
    });
    let stdout = '';
    let stderr = '';
    child.stdout.on('data', (chunk) => { stdout += chunk; });
    child.stderr.on('data', (chunk) => { stderr = (stderr + chunk).slice(-4000); });
    const { error, code, signal } = await child.ended;
    if (error || code !== 0) {
        const reason = error?.message ?? `ended with ${signal ?? code}`;
        throw new BenchError(`${command.slice(0, 3).join(' ')} ${reason}\n${stderr}${stdout}`);
    }
    const usage = JSON.parse(readFileSync(report, 'utf8'));
    return {
        stdout,
        wall: usage.wall_s,
        cpu: usage.user_s + usage.system_s,
        peakKib: usage.peak_kib,
    };
}

/**
 * wrk cycling through the pages of a target for some seconds.
 *
 * @param {object} target { url, address, blockHash, keys }
 * @returns {Promise<{rate: number, meanMs: number, cpuPerPageUs: number}>} rate in pages a second
 */
export async function runWrk(target, { pageSize, connections, seconds }) {
    const { stdout, cpu } = await measured(['wrk', '-t1', `-c${connections}`, `-d${seconds}s`,
        '--timeout', '60s', '-s', join(root, 'bench', 'wrk-pages.lua'), target.url, '--',
        target.address, target.blockHash, String(pageSize), String(target.keys)]);
    const result = JSON.parse(stdout.trim().split('\n').at(-1));
    if (result.errors > 0 || result.pages === 0) {
        throw new BenchError(`wrk: ${result.errors} of ${result.pages} answers were no page`);
    }
    return {
        rate: result.pages / result.seconds,
        meanMs: result.mean_ms,
        cpuPerPageUs: (cpu / result.pages) * 1e6,
    };
}

function costs(target, pageSize, { wall, cpu, peakKib }) {
    const pages = Math.ceil(target.keys / pageSize);
    return {
        wall,
        rate: pages / wall,
        keysPerSecond: target.keys / wall,
        cpuPerKeyUs: (cpu / target.keys) * 1e6,
        peakMib: peakKib / 1024,
    };
}

let runs = 0;

/**
 * A new directory. All of them are removed at the end only: ext4 does not use an inode again for
 * some seconds after its file was deleted, and looking past those costs the next run dearly.
 */
function freshDirectory() {
    const directory = join(work, `run-${runs++}`);
    mkdirSync(directory, { recursive: true });
    return directory;
}

function options(all) {
    return Object.entries(all).flatMap(([name, value]) => [`--${name}`, String(value)]);
}

/** A whole backup of a target, into an empty directory: its store's flags, archive and cost. */
async function makeBackup(program, target, settings) {
    const directory = freshDirectory();
    const store = options({
        'backup-dir': join(directory, 'backups'),
        'database-url': `sqlite://${join(directory, 'satellite.db')}`,
        'contract-address': target.address,
        'contract-rpc-urls': target.url,
    });
    const usage = await measured([program, 'backup', 'run', '--progress', 'never',
        '--log-level', 'error', ...store,
        ...options({ 'contract-block': target.blockNumber, ...settings })]);
    const { stdout } = await measured([program, 'backup', 'status', '--json', ...store]);
    const status = JSON.parse(stdout);
    const archive = join(directory, 'backups', status.backup_date,
        `backup_${status.backup_date}.zip`);
    if (status.status !== 'completed' || status.total_keys !== target.keys ||
        statSync(archive).size === 0) {
        throw new BenchError(`the backup is not whole: ${stdout}`);
    }
    return { store, archive, usage };
}

/**
 * CPU seconds that tools take for the least that a backup does with its page files, each tool once
 * for all of them: write, hash, deflate.
 */
export async function runTools(archive) {
    const pages = dirname(archive);
    const copy = freshDirectory();
    let seconds = 0;
    for (const command of ['cp "$1"/page_*.json "$2"', 'sha256sum "$1"/page_*.json',
        'libdeflate-gzip -1 -c "$1"/page_*.json']) {
        seconds += (await measured(['sh', '-c', `${command} >/dev/null`, 'sh', pages, copy])).cpu;
    }
    return seconds;
}

/** What a whole backup of a target costs; `settings` are flags without dashes. */
export async function runSatellite(program, target, settings = {}) {
    const { usage } = await makeBackup(program, target, settings);
    return costs(target, settings['page-size'] ?? 100, usage);
}

/** The same, and where its archive is. */
export async function runAndKeep(program, target, settings) {
    const { archive, usage } = await makeBackup(program, target, settings);
    return { archive, satellite: costs(target, settings['page-size'], usage) };
}

/** Verify and the tools that do as much, in turn on one archive: { bytes, runs } */
export async function runVerify(program, target, pairs) {
    const { store, archive } = await makeBackup(program, target, {});
    const runs = [];
    for (let i = 0; i < pairs; i++) {
        const tools = await measured(['sh', '-c', 'unzip -tqq "$1" && sha256sum "$1"', 'sh',
            archive]);
        const satellite = await measured([program, 'backup', 'verify', '--progress', 'never',
            ...store]);
        runs.push({ tools, satellite });
    }
    return { bytes: statSync(archive).size, runs };
}

function ratesOf(what, text) {
    return [...text.matchAll(new RegExp(`^${what}: .* ([\\d.]+) GB/s`, 'gm'))]
        .map(([, rate]) => Number(rate));
}

/** What build/tests/resume_check prints of so many MiB of page files: a row a page size. */
export async function runResumeCheck(program, mib) {
    const { stdout } = await measured([join(dirname(program), 'tests', 'resume_check'),
        freshDirectory(), String(mib)]);
    return stdout.split(/^(?=\d+ keys a page)/m).map((text) => ({
        pageSize: Number.parseInt(text, 10),
        bytes: Number(/([\d.]+) GB$/m.exec(text)[1]) * 1e9,
        rates: ratesOf('check', text),
        leastRates: ratesOf('least', text),
    }));
}

/** The same with the script that a user would write. */
export async function runBaseline(target, { pageSize }) {
    const directory = freshDirectory();
    const usage = await measured([process.execPath, join(root, 'bench', 'baseline-viem.mjs'),
        target.url, target.address, String(target.blockNumber), String(pageSize), directory]);
    return costs(target, pageSize, usage);
}
