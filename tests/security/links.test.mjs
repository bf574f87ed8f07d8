// SPDX-License-Identifier: Apache-2.0
//
// Somebody who may write in backup_dir plants links at every part of every path in it, before and
// while satellite works there: what they lead to is neither written, read nor removed.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import {
    chmodSync, existsSync, linkSync, lstatSync, mkdirSync, readdirSync, readFileSync, renameSync,
    rmSync, statSync, symlinkSync, writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { Worker } from 'node:worker_threads';
import { realisticEntries } from '../chain/entries.mjs';
import { startFakeNode } from '../chain/fake.mjs';
import { DATE, Store, workspace } from '../integration/harness.mjs';

const ARCHIVE = `backup_${DATE}.zip`;
const NAMES = ['page_0.json', 'page_1.json', 'manifest.json', 'keys.index', 'writer', DATE,
    'backup_latest.zip', ARCHIVE, '.source.json'];
let node;
before(async () => {
    node = await startFakeNode({ entries: realisticEntries(300) });
});
after(() => node?.stop());

/** A directory that is not satellite's to touch, with files of the names that it uses. */
function makeVictim(directory) {
    const victim = join(directory, 'victim');
    mkdirSync(victim);
    for (const name of NAMES) writeFileSync(join(victim, name), `untouched ${name}`);
    chmodSync(victim, 0o755);
    return victim;
}

function assertUntouched(victim) {
    assert.deepEqual(readdirSync(victim).sort(), [...NAMES].sort());
    for (const name of NAMES) {
        assert.equal(readFileSync(join(victim, name), 'utf8'), `untouched ${name}`, name);
        assert.equal(statSync(join(victim, name)).mode & 0o777, 0o644, name);
    }
    assert.equal(statSync(victim).mode & 0o777, 0o755);
}

/** Done, or failed with one line that is no defect of the program. */
function assertOneOutcome({ code, signal, stderr }) {
    assert.equal(signal, null);
    assert.ok(code === 0 || code > 1, `exit ${code}: ${stderr}`);
    const lines = stderr.trimEnd().split('\n').filter((line) => line.startsWith('satellite: '));
    assert.equal(lines.length, code === 0 ? 0 : 1, stderr);
}

function moveAway(from, to) {
    try {
        renameSync(from, to);
    } catch (error) {
        assert.equal(error.code, 'ENOENT'); // it is aside just now
    }
}

const COMMANDS = [['run', '--backup-date', DATE], ['list', '--rescan'], ['verify'], ['get', 'x'],
    ['export', '--output', '-'], ['retry', '--backup-date', DATE], ['status', '--pages'], ['storage', 'status'],
    ['cleanup', '--older-than', '1d']];

describe('a symbolic link that stands in the place of', () => {
    for (const [place, kind] of [
        [DATE, 'directory'], ['latest', 'directory'], ['.locks', 'directory'],
        ['.source.json', 'file'], ['..source.json.tmp', 'file'],
        ['.locks/writer', 'file'], [`.locks/${DATE}`, 'file'],
        [`${DATE}/page_0.json`, 'file'], [`${DATE}/page_1.json`, 'file'],
        [`${DATE}/manifest.json`, 'file'], [`${DATE}/.manifest.json.tmp`, 'file'],
        [`${DATE}/${ARCHIVE}`, 'file'], [`${DATE}/.${ARCHIVE}.tmp`, 'file'],
        [`${DATE}/keys.index`, 'file'],
        ['latest/backup_latest.zip', 'file'], ['latest/.backup_latest.zip.tmp', 'file'],
        [`.trash-${DATE}`, 'directory'],
    ]) {
        for (const done of [false, true]) {
            it(`${place}, ${done ? 'after' : 'before'} the first backup`, async (t) => {
                const directory = workspace(t);
                const store = new Store(directory, node);
                const victim = makeVictim(directory);
                if (done) await store.mustRun();
                const path = store.path(...place.split('/'));
                mkdirSync(join(path, '..'), { recursive: true, mode: 0o700 });
                rmSync(path, { recursive: true, force: true });
                const target = kind === 'file' ? join(victim, 'manifest.json') : victim;
                symlinkSync(target, path);
                for (const [command, ...more] of COMMANDS)
                    assertOneOutcome(await store.command(command, ...more));
                assertUntouched(victim);
                if (existsSync(path) && lstatSync(path).isSymbolicLink()) rmSync(path);
                assertOneOutcome(await store.run('--force'));
            });
        }
    }
});

describe('what stands in a page file\'s place', () => {
    it('is not written through where it is another\'s hard link', async (t) => {
        const directory = workspace(t);
        const store = new Store(directory, node);
        const victim = makeVictim(directory);
        mkdirSync(store.path(DATE), { recursive: true });
        mkdirSync(store.path('.locks'), { recursive: true });
        for (const [from, to] of [['page_0.json', `${DATE}/page_0.json`],
            ['manifest.json', `${DATE}/.manifest.json.tmp`], [ARCHIVE, `${DATE}/.${ARCHIVE}.tmp`],
            ['writer', '.locks/writer'], [DATE, `.locks/${DATE}`],
            ['.source.json', '..source.json.tmp']])
            linkSync(join(victim, from), store.path(...to.split('/')));
        await store.mustRun();
        assertUntouched(victim);
        assert.equal((await store.command('verify')).code, 0);
    });

    it('is not waited for where it is a FIFO', async (t) => {
        const store = new Store(workspace(t), node);
        mkdirSync(store.path(DATE), { recursive: true });
        for (const name of ['page_0.json', '.manifest.json.tmp'])
            execFileSync('mkfifo', [store.path(DATE, name)]);
        await store.mustRun();
        assert.equal((await store.command('verify')).code, 0);
    });
});

describe('links that come and go while backups are made', () => {
    const every = (store, victim, hard) => [
        DATE, 'latest', '.locks'].map((name) => ({ path: store.path(name), victim }))
        .filter(() => !hard)
        .concat(['.locks/writer', `.locks/${DATE}`, `${DATE}/page_0.json`, `${DATE}/page_1.json`,
            `${DATE}/.${ARCHIVE}.tmp`, `${DATE}/${ARCHIVE}`, `${DATE}/.manifest.json.tmp`,
            'latest/backup_latest.zip', 'latest/.backup_latest.zip.tmp', '.source.json',
            '..source.json.tmp'].map((place) => ({
            path: store.path(...place.split('/')),
            victim: join(victim, 'manifest.json'),
            hard,
        })));

    for (const hard of [false, true]) {
        it(hard ? 'hard ones' : 'symbolic ones', async (t) => {
            const directory = workspace(t);
            const store = new Store(directory, node, { 'page-size': 20 });
            const victim = makeVictim(directory);
            mkdirSync(store.backups, { mode: 0o700 });
            const stop = new SharedArrayBuffer(4);
            const swapper = new Worker(new URL('swapper.mjs', import.meta.url),
                { workerData: { places: every(store, victim, hard), stop } });
            const end = () => Atomics.store(new Int32Array(stop), 0, 1);
            t.after(end);
            const codes = [];
            for (let round = 0; round < 12; round++) {
                const result = await store.run();
                assertOneOutcome(result);
                codes.push(result.code);
                if (result.code === 0) assertOneOutcome(await store.command('verify'));
                /* Renamed, not removed: a removal by path would itself follow a link. */
                if (lstatSync(store.path(DATE), { throwIfNoEntry: false }))
                    moveAway(store.path(DATE), join(directory, `old-${round}`));
                rmSync(join(directory, 'satellite.db'), { force: true });
            }
            end();
            const [swaps] = await once(swapper, 'message');
            t.diagnostic(`${swaps} links; exit codes ${codes.join(' ')}`);
            assert.ok(swaps > 100);
            assertUntouched(victim);
            rmSync(store.backups, { recursive: true });
            rmSync(join(directory, 'satellite.db'), { force: true });
            await store.mustRun();
            assert.equal((await store.command('verify')).code, 0);
        });
    }
});

describe('backup_dir itself', () => {
    it('may be a symbolic link: it is the operator\'s', async (t) => {
        const directory = workspace(t);
        const store = new Store(directory, node);
        mkdirSync(join(directory, 'elsewhere'));
        symlinkSync(join(directory, 'elsewhere'), store.backups);
        await store.mustRun();
        assert.ok(existsSync(join(directory, 'elsewhere', DATE, ARCHIVE)));
    });

    it('is the one that was opened, whatever its name leads to later', async (t) => {
        const directory = workspace(t);
        const slow = await startFakeNode({
            entries: realisticEntries(50),
            methods: {
                async eth_call(params, ...more) {
                    const answer = await this.truth('eth_call', params, ...more);
                    if (existsSync(store.path('.locks'))) {
                        if (!existsSync(`${store.backups}.away`))
                            renameSync(store.backups, `${store.backups}.away`);
                        if (!existsSync(store.backups))
                            symlinkSync(join(directory, 'victim'), store.backups);
                    }
                    return answer;
                },
            },
        });
        t.after(() => slow.stop());
        const store = new Store(directory, slow, { 'page-size': 1 });
        const victim = makeVictim(directory);
        assertOneOutcome(await store.run());
        assert.ok(lstatSync(store.backups).isSymbolicLink(), 'it was swapped');
        assertUntouched(victim);
    });
});
