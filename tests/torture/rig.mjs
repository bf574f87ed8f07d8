// SPDX-License-Identifier: Apache-2.0
//
// What the torture tests share: a backup that is disturbed, looked at, finished, and compared with
// one that nothing disturbed.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { realisticEntries } from '../chain/entries.mjs';
import { isPageCall, startFakeNode } from '../chain/fake.mjs';
import { DATE, program, start, Store } from '../integration/harness.mjs';

export const LONG = process.env.TORTURE === 'long';
export const OLDER_DATE = '2024-01-14';
export const PAGES = 30;
const PAGE_SIZE = 10;
const OLDER_BLOCK = 80;
const BLOCK = 90;
const HANG_MS = 60_000;
const LANES = 3;
/** In memory where that can be: what a power loss takes is faults.c's, not the disk's. */
const SCRATCH = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();
const ENTRIES = realisticEntries(PAGES * PAGE_SIZE);

/** Built by Meson beside the program. */
export const faultsModule = join(dirname(realpathSync(program)), '..', 'tests', 'faults.so');

/** What a disturbed run may end with: never a defect of satellite, never a wrong accusation. */
const PROPER_CODES = new Map([[4, 'ContractConnectionError'], [5, 'FileSystemError'],
    [6, 'DatabaseError'], [7, 'ResourceError']]);

const MEMORY_CODES = new Map([[7, 'ResourceError']]);

const SETTINGS = {
    'page-size': PAGE_SIZE, 'contract-block': BLOCK, 'max-concurrent-pages': 4,
    'worker-concurrency': 2, 'min-free-space': 0,
};

const sha256 = (file) => createHash('sha256').update(readFileSync(file)).digest('hex');

/** The files of a directory with their checksums. */
function contents(directory) {
    if (!existsSync(directory)) return {};
    return Object.fromEntries(readdirSync(directory).sort()
        .map((name) => [name, sha256(join(directory, name))]));
}

function withoutPages(files) {
    return Object.fromEntries(Object.entries(files).filter(([name]) => !/^page_/.test(name)));
}

function temporaries(store) {
    if (!existsSync(store.backups)) return [];
    return readdirSync(store.backups, { recursive: true }).filter((name) => /\.tmp$/.test(name));
}

/** One trial after another of the undisturbed, the older and the disturbed backup. */
export class Rig {
    static async open(t) {
        const rig = new Rig();
        rig.directory = realpathSync(mkdtempSync(join(SCRATCH, 'satellite-torture-')));
        rig.trials = 0;
        rig.counted = {};
        rig.idle = [];
        rig.waiting = [];
        for (let lane = 0; lane < LANES; lane++) {
            rig.idle.push(await startFakeNode({ entries: ENTRIES }));
        }
        rig.nodes = [...rig.idle];
        await rig.#prepare();
        return rig;
    }

    async close() {
        for (const node of this.nodes) await node.stop();
        rmSync(this.directory, { recursive: true, force: true });
    }

    store(name, settings = {}, node = this.nodes[0]) {
        const store = new Store(join(this.directory, name), node, { ...SETTINGS, ...settings });
        // Not beside the database, which syncs the directory that it lies in.
        store.backups = join(store.directory, 'var', 'backups');
        store.settings['backup-dir'] = store.backups;
        return store;
    }

    async #prepare() {
        const older = this.store('older', { 'contract-block': OLDER_BLOCK });
        assert.equal((await older.command('run', '--backup-date', OLDER_DATE)).code, 0);
        this.older = contents(older.path(OLDER_DATE));
        this.expected = {};
        for (const keep of [true, false]) {
            const whole = this.store(`whole-${keep}`, { 'keep-page-files': keep });
            await whole.mustRun();
            this.expected[keep] = contents(whole.path(DATE));
            this.latest = sha256(whole.archivePath());
        }
        mkdirSync(join(this.directory, 'first'));
    }

    /** Runs `use(node, name)` in a lane of its own. */
    async lane(use) {
        const node = this.idle.pop() ??
            await new Promise((resolve) => { this.waiting.push(resolve); });
        try {
            return await use(node, `trial-${++this.trials}`);
        } finally {
            const next = this.waiting.shift();
            if (next) next(node);
            else this.idle.push(node);
        }
    }

    /** How many places for its fault an undisturbed run has; it may be one more or less. */
    places({ from, fault, keep = true }) {
        const key = `${from} ${fault?.split(':')[0]} ${keep}`;
        this.counted[key] ??= this.#countPlaces(from, fault && `${fault.split(':')[0]}:0:EIO`, keep);
        return this.counted[key];
    }

    #countPlaces(from, fault, keep) {
        return this.lane(async (node, name) => {
            const directory = join(this.directory, name);
            cpSync(join(this.directory, from), directory, { recursive: true });
            node.calls.length = 0;
            const file = `${directory}.count`;
            const env = fault ? { LD_PRELOAD: faultsModule, FAULT: fault, FAULT_DIR: directory,
                FAULT_COUNT: file } : {};
            const store = this.store(name, { 'keep-page-files': keep }, node);
            const { code, stderr } =
                await bounded(start(store.args('run', '--backup-date', DATE), { env }));
            assert.equal(code, 0, stderr);
            return fault ? Number(readFileSync(file, 'utf8')) : node.calls.length;
        });
    }

    /**
     * One disturbed run, what it left, and what finishes it.
     *
     * @param {object} trial
     * @param {string} trial.from 'first' (nothing there yet) or 'older' (a backup of another day)
     * @param {string} [trial.fault] KIND:N:HOW (see faults.c)
     * @param {number} [trial.lost] power loss at the kill (LOST, see faults.c)
     * @param {number} [trial.killAtCall] SIGKILL from outside instead, `killAfterMs` after that call
     *     of the node, or after the start where it is 0
     * @param {Function} [trial.reply] what the node answers to call `replyAt` (`replyOnwards`: and
     *     to all after it) instead of the truth
     * @param {boolean} [trial.keep] keep_page_files
     * @param {number} [trial.delayMs] how long the node takes for a page
     * @returns {Promise<{struck: boolean, survived: boolean, killed: boolean, code: number,
     *     kept: number}>} kept: pages on record afterwards that were not fetched again
     */
    trial(trial) {
        return this.lane(async (node, name) => {
            const directory = join(this.directory, name);
            cpSync(join(this.directory, trial.from), directory, { recursive: true });
            const { keep = true } = trial;
            const store = this.store(name, { 'keep-page-files': keep }, node);
            const hangs = trial.fault?.endsWith('HANG') ? { 'file-operation-timeout': '1s' } : {};
            const disturbed = this.store(name, { 'keep-page-files': keep, ...hangs }, node);
            try {
                const strange = makeStrange(node, trial);
                const outcome = await disturbedRun(disturbed, directory, trial, strange.reached);
                outcome.struck ||= strange.end();
                const state = await this.#inspect(store, trial, outcome);
                outcome.kept = await this.#finish(store, node, trial, state);
                rmSync(directory, { recursive: true, force: true });
                return outcome;
            } catch (error) {
                error.message = `${JSON.stringify(trial)} in ${name}: ${error.message}`;
                throw error;
            }
        });
    }

    /** Nothing that was complete is touched; `completed` and `latest` say the truth. */
    async #inspect(store, trial, { code, stderr, killed }) {
        if (trial.from === 'older') {
            // Its page files are removed by every start where they are not to be kept.
            const part = trial.keep === false ? withoutPages : (files) => files;
            assert.deepEqual(part(contents(store.path(OLDER_DATE))), part(this.older),
                'the older backup');
        }
        const spoilsCleanup = /^(unlink|any)|HANG$/.test(trial.fault ?? '');
        if (!killed && !spoilsCleanup) assert.deepEqual(temporaries(store), []);
        const status = await store.command('status', '--backup-date', DATE, '--pages', '--json');
        const begun = status.code !== 11;
        const row = begun ? JSON.parse(status.stdout) : { status: 'none', pages: [] };
        const completed = row.status === 'completed';
        if (completed) assert.equal(sha256(store.archivePath()), this.latest, 'the archive');
        if (code === 0) assert.ok(completed, 'exit code 0 without a completed backup');
        const latest = store.path('latest', 'backup_latest.zip');
        const olderLatest = this.older[`backup_${OLDER_DATE}.zip`];
        const allowed = [trial.from === 'older' ? olderLatest : undefined,
            completed ? this.latest : undefined];
        const found = existsSync(latest) ? sha256(latest) : undefined;
        assert.ok(allowed.includes(found), `latest is ${found}; ${stderr}`);
        const good = row.pages.filter((page) => page.status === 'completed' &&
            existsSync(store.path(DATE, `page_${page.page_number}.json`)) &&
            sha256(store.path(DATE, `page_${page.page_number}.json`)) === page.checksum);
        return { begun, completed, good: good.map((page) => page.page_number) };
    }

    /** Retry gives the whole backup; returns how many pages it did not fetch again. */
    async #finish(store, node, { keep = true, lost }, { begun, completed, good }) {
        node.calls.length = 0;
        const command = begun ? 'retry' : 'run';
        const { code, stderr } = await bounded(start(store.args(command, '--backup-date', DATE)));
        assert.equal(code, 0, `${command}: ${stderr}`);
        const asked = new Set(node.pagesAsked().map(([first]) => first / PAGE_SIZE));
        const again = good.filter((page) => asked.has(page)).length;
        assert.equal(again, 0, `${again} recorded pages were fetched again`);
        if (completed) assert.equal(asked.size, 0, 'pages of a completed backup were fetched');
        // Page files are never synced: of a completed backup they are only a convenience. Its row
        // may be lost with the power; the archive is then taken for what it is.
        const part = lost && (completed || asked.size === 0) ? withoutPages : (files) => files;
        assert.deepEqual(part(contents(store.path(DATE))), part(this.expected[keep]),
            'the finished backup');
        assert.equal(sha256(store.path('latest', 'backup_latest.zip')), this.latest, 'latest');
        assert.deepEqual(temporaries(store), []);
        return good.length;
    }
}

/**
 * The node's calls are counted and go wrong as the trial says, until `end()` is called; `reached`
 * resolves at call `killAtCall`.
 */
function makeStrange(node, { reply, replyAt, replyOnwards = false, delayMs, killAtCall }) {
    let calls = 0;
    let reach;
    const reached = new Promise((resolve) => { reach = resolve; });
    if (killAtCall === 0) reach();
    node.answer = async function answer(message) {
        calls += 1;
        if (calls === killAtCall) reach();
        const page = message.method === 'eth_call' && isPageCall(message.params);
        if (delayMs && page) await sleep(delayMs);
        const wrong = reply && (calls === replyAt || (replyOnwards && calls > replyAt));
        return wrong ? reply() : Object.getPrototypeOf(node).answer.call(node, message);
    };
    return {
        reached,
        end() {
            delete node.answer;
            return reply !== undefined && calls >= replyAt;
        },
    };
}

/** The end of a satellite that must come; a hang is a failure. */
async function bounded(child) {
    let hung = false;
    const timer = setTimeout(() => {
        hung = true;
        child.kill('SIGKILL');
    }, HANG_MS);
    const result = await child.done;
    clearTimeout(timer);
    assert.ok(!hung, `it hung; stderr: ${result.stderr}`);
    return result;
}

async function disturbedRun(store, directory, { fault, lost, killAtCall, killAfterMs }, reached) {
    const outside = `${directory}.layer`;
    mkdirSync(outside);
    const mark = join(outside, 'mark');
    const env = fault ? {
        LD_PRELOAD: faultsModule, FAULT: fault, FAULT_DIR: directory, FAULT_MARK: mark,
        ...(lost ? { LOST: String(lost), LOST_DIR: outside } : {}),
    } : {};
    const child = start(store.args('run', '--backup-date', DATE), { env });
    if (killAtCall !== undefined) {
        reached.then(() => sleep(killAfterMs)).then(() => child.kill('SIGKILL'));
    }
    const result = await bounded(child);
    const struck = fault ? existsSync(mark) : result.signal === 'SIGKILL';
    rmSync(outside, { recursive: true });
    const killed = result.signal !== null;
    checkEnd(result, struck && !/:E|:SHORT|:HANG/.test(fault ?? ':KILL'),
        /^malloc.*ENOMEM$/.test(fault ?? '') ? MEMORY_CODES : PROPER_CODES);
    return { ...result, struck, killed, survived: result.code === 0 };
}

/** A proper exit code and one line that says why. */
function checkEnd({ code, signal, stderr }, mayBeKilled, proper) {
    if (signal !== null) {
        assert.ok(mayBeKilled && signal === 'SIGKILL', `ended by ${signal}; stderr: ${stderr}`);
        return;
    }
    const said = stderr.trimEnd().split('\n').filter((line) => line.startsWith('satellite: '));
    if (code === 0) {
        assert.deepEqual(said, []);
        return;
    }
    assert.ok(proper.has(code), `exit code ${code}; stderr: ${stderr}`);
    assert.equal(said.length, 1, `one error line, not: ${stderr}`);
    assert.ok(said[0].startsWith(`satellite: ${proper.get(code)}: `), said[0]);
}
