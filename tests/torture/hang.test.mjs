// SPDX-License-Identifier: Apache-2.0
//
// A disk that never answers ends whatever works with it, on whichever thread it happens, and a
// service that is asked to end does so within its bound.

import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, it } from 'node:test';
import { realisticEntries } from '../chain/entries.mjs';
import { startFakeNode } from '../chain/fake.mjs';
import { assertFailed, DATE, mustRun, run, Store, workspace } from '../integration/harness.mjs';
import {
    isCompleted, serviceConfig, startManager, startService, writeConfig,
} from '../integration/running.mjs';
import { ask } from '../integration/web.mjs';
import { faultsModule, OLDER_DATE } from './rig.mjs';

const PAGES = 5;
const PAGE_SIZE = 10;
const ENTRIES = realisticEntries(PAGES * PAGE_SIZE);

async function startNode(t) {
    const node = await startFakeNode({ entries: ENTRIES });
    t.after(() => node.stop());
    return node;
}

async function backedUp(t, settings = {}) {
    const store = new Store(workspace(t), await startNode(t),
        { 'page-size': PAGE_SIZE, 'file-operation-timeout': '1s', ...settings });
    await store.mustRun();
    return store;
}

function faults(directory, below, fault) {
    rmSync(join(directory, 'mark'), { force: true });
    return {
        LD_PRELOAD: faultsModule, FAULT: fault, FAULT_DIR: realpathSync(below),
        FAULT_MARK: join(directory, 'mark'), FAULT_COUNT: join(directory, 'count'),
    };
}

function disturbed(store, command, fault) {
    rmSync(store.path(DATE, 'keys.index'), { force: true }); // with it the next verify opens less
    const [name, ...more] = command.split(' ');
    return run(store.args(name, ...more),
        { env: faults(store.directory, store.backups, fault), cwd: store.directory });
}

describe('an open file that hangs', () => {
    for (const [command, least] of [
        ['verify', PAGES], ['test-restore', 2], [`get ${ENTRIES[0].key}`, 2],
        ['export --format ndjson --output out', 2], [`diff ${OLDER_DATE} ${DATE}`, 4],
        [`copy ${DATE} copy.zip`, 2],
        ['cleanup --older-than 1d --dry-run', 2], ['list --rescan', 2],
    ])
        it(`ends backup ${command.split(' ')[0]}`, async (t) => {
            const store = await backedUp(t);
            if (command.startsWith('diff'))
                assert.equal((await run(store.args('run', '--backup-date', OLDER_DATE))).code, 0);
            const { code, stderr } = await disturbed(store, command, 'open:0:EIO');
            assert.equal(code, 0, stderr);
            const places = Number(readFileSync(join(store.directory, 'count'), 'utf8'));
            assert.ok(places >= least, `${places} opened files`);
            for (const place of [1, Math.ceil(places / 2), places]) {
                const result = await disturbed(store, command, `open:${place}:HANG`);
                assert.ok(existsSync(join(store.directory, 'mark')), 'nothing hung');
                assertFailed(result, 5, 'FileSystemError', /file_operation_timeout/);
            }
        });
});

describe('a log file that hangs', () => {
    it('ends the command, though nobody can write down why', async (t) => {
        const directory = workspace(t);
        const logs = join(directory, 'logs');
        mkdirSync(logs);
        const store = new Store(directory, await startNode(t), {
            'file-operation-timeout': '1s', 'log-level': 'info', 'log-file': join(logs, 'log') });
        const result = await run(store.args('run'),
            { env: faults(directory, logs, 'write:2+:HANG') });
        assert.ok(existsSync(join(directory, 'mark')), 'nothing hung');
        assertFailed(result, 5, 'FileSystemError', /file_operation_timeout/);
    });
});

/** A service that has made its backup; once it is armed, the next such call below data/ hangs. */
async function hangingService(t, settings, { fault = 'open:1:HANG', env = {}, before } = {}) {
    const directory = workspace(t);
    const data = join(directory, 'data');
    mkdirSync(data);
    const config = join(directory, 'config.yaml');
    writeConfig(config, serviceConfig(data, await startNode(t),
        { backup: { backup_dir: join(data, 'backups'), verify_interval: '1d', ...settings } }));
    await before?.(config);
    const service = startService(t, config, { env: { // its sandbox: it writes below data/ only
        ...faults(directory, data, fault), FAULT_MARK: join(data, 'mark'),
        FAULT_ARM: join(directory, 'armed'), MONOTONIC_FILE: join(directory, 'monotonic'), ...env,
    } });
    const { url } = await service.until(({ msg }) => msg === 'HTTP server started');
    await service.until(isCompleted);
    if (settings.verify_interval !== '0')
        await service.until(({ msg }) => msg === 'Backup verified');
    return {
        service, url, config,
        arm: () => writeFileSync(join(directory, 'armed'), ''),
        async hung() { while (!existsSync(join(data, 'mark'))) await sleep(20); },
        later: (seconds) => writeFileSync(join(directory, 'monotonic'), String(seconds)),
    };
}

describe('a disk that hangs under the idle service', () => {
    for (const [what, act] of [
        ['its loop', ({ service }) => service.child.kill('SIGHUP')],
        ['a thread that answers', ({ url }) => { ask(`${url}metrics`).catch(() => {}); }],
    ])
        it(`ends it: ${what}`, async (t) => {
            const made = await hangingService(t, { file_operation_timeout: '1s' });
            made.arm();
            act(made);
            const { code, stderr } = await made.service.child.done;
            assert.equal(code, 5, stderr);
            assert.match(stderr, /"error_type":"FileSystemError","error":"a file operation has not/);
        });
});

describe('a service that does not come to its end', () => {
    it('is ended a minute after it was asked', async (t) => {
        const manager = await startManager(t);
        const made = await hangingService(t, { file_operation_timeout: '1h' },
            { env: { NOTIFY_SOCKET: manager.socket } });
        made.arm();
        made.service.child.kill('SIGHUP');
        await made.hung();
        made.service.child.kill('SIGTERM');
        await manager.lines.until((line) => line === 'STOPPING=1');
        made.later(61);
        const { code, stderr } = await made.service.child.done;
        assert.equal(code, 130, stderr);
        assert.match(stderr, /"error_type":"Canceled","error":"the service has not come to its end/);
    });
});

describe('a cleanup under way', () => {
    it('is seen, with the backup that goes', async (t) => {
        let token;
        const made = await hangingService(t,
            { file_operation_timeout: '1h', retention_min_backups: 1, verify_interval: '0' }, {
                fault: 'unlink:1:HANG',
                async before(config) {
                    await mustRun(['backup', 'run', '--config', config, '--backup-date', OLDER_DATE]);
                    const { stdout } = await mustRun(['token', 'create', '--role', 'admin',
                        '--config', config, '--json']);
                    token = JSON.parse(stdout).token;
                },
            });
        const look = async () => (await ask(`${made.url}api/v1/progress`, { token })).json;
        while ((await look()).activity !== 'idle') await sleep(20);
        made.arm();
        const asked = await ask(`${made.url}api/v1/cleanup`,
            { method: 'POST', token, body: { older_than: '1d' } });
        assert.equal(asked.status, 202, asked.text);
        await made.hung();
        const seen = await look();
        assert.deepEqual([seen.activity, seen.backup_date, seen.total_pages],
            ['cleanup', OLDER_DATE, 1]);
    });
});
