// SPDX-License-Identifier: Apache-2.0
//
// The walls around the running service, from outside: what the kernel says of it.

import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { after, before, describe, it } from 'node:test';
import { spawnChild } from '../chain/children.mjs';
import { realisticEntries } from '../chain/entries.mjs';
import { startFakeNode } from '../chain/fake.mjs';
import { program, start, Store, workspace } from '../integration/harness.mjs';
import {
    isCompleted, serviceConfig, startService, writeConfig,
} from '../integration/running.mjs';

let node;
before(async () => { node = await startFakeNode({ entries: realisticEntries(500) }); });
after(() => node?.stop());

function serviceArgs(store) {
    return ['run', 'backup', ...store.args('list').slice(2)];
}

/** ThreadSanitizer's own thread is there before the program is. */
const foreignThreads = readFileSync(program).includes('__tsan_init') ? 1 : 0;

/** What the kernel says of each thread: "1 2" has no new privileges and a filter. */
function threads(pid) {
    const found = readdirSync(`/proc/${pid}/task`);
    found.splice(1, foreignThreads);
    return found.map((thread) => {
        const text = readFileSync(`/proc/${pid}/task/${thread}/status`, 'utf8');
        const [, noNewPrivileges] = /^NoNewPrivs:\s+(\d)/m.exec(text);
        return `${noNewPrivileges} ${/^Seccomp:\s+(\d)/m.exec(text)[1]}`;
    });
}

function assertThreads(pid, expected) {
    const found = threads(pid);
    assert.ok(found.length > 2, 'few threads');
    assert.deepEqual(found, found.map(() => expected));
}

async function until(condition) {
    while (!condition()) await sleep(20);
}

/** A service that has made its first backup; then what the test looks at; then its end. */
async function withService(t, settings, look) {
    const store = new Store(workspace(t), node, { 'log-level': 'info', ...settings });
    const child = start(serviceArgs(store));
    t.after(() => child.kill('SIGKILL'));
    await until(() => existsSync(store.path('latest', 'backup_latest.zip')));
    await look(child.pid, store);
    child.kill('SIGTERM');
    const result = await child.done;
    assert.equal(result.code, 0, result.stderr);
    return result.stderr;
}

describe('the service', () => {
    it('makes its backups inside the walls', async (t) => {
        const log = await withService(t, {}, (pid) => {
            assertThreads(pid, '1 2');
        });
        assert.match(log, /Sandbox in force|Sandbox not whole/);
        assert.doesNotMatch(log, /Permission denied|not permitted/);
    });

    it('makes its checks inside them', async (t) => {
        const store = new Store(workspace(t), node, {
            'log-level': 'info', 'chore-interval': '1h', 'verify-interval': '1s',
            'test-restore-interval': '1s',
        });
        const child = start(serviceArgs(store));
        t.after(() => child.kill('SIGKILL'));
        await until(() => /Test restore/i.test(child.soFar.stderr)
            && /Verif/i.test(child.soFar.stderr));
        child.kill('SIGTERM');
        const { stderr } = await child.done;
        assert.doesNotMatch(stderr, /failed|Permission denied|not permitted/);
    });

    it('lets it read again the files that secrets are in, wherever they stand', async (t) => {
        const directory = workspace(t), elsewhere = workspace(t);
        const config = join(directory, 'config.yaml'), secret = join(elsewhere, 'urls');
        writeFileSync(secret, node.url);
        writeConfig(config, serviceConfig(directory, node, {
            contract: { address: node.address, rpc_urls: `file:${secret}` } }));
        // Its own temporary directory is not that of the test.
        const service = startService(t, config, { env: { TMPDIR: '/var/tmp' } });
        await service.until(isCompleted);
        writeFileSync(secret, `${node.url}/again`);
        service.child.kill('SIGHUP');
        const line = await service.until(({ msg }) => /Setting changed|not taken over/.test(msg));
        assert.equal(line.setting, 'contract.rpc_urls', JSON.stringify(line));
        await service.stop();
    });

    it('says which new files take a restart', async (t) => {
        const directory = workspace(t), elsewhere = workspace(t);
        const config = join(directory, 'config.yaml'), secret = join(elsewhere, 'urls');
        const sections = serviceConfig(directory, node);
        writeConfig(config, sections);
        const service = startService(t, config, { env: { TMPDIR: '/var/tmp' } });
        await service.until(isCompleted);
        writeFileSync(secret, node.url);
        writeConfig(config, { ...sections,
            contract: { address: node.address, rpc_urls: `file:${secret}` } });
        service.child.kill('SIGHUP');
        const line = await service.until(({ msg }) => /Setting changed|not taken over/.test(msg));
        assert.match(`${line.error}; ${line.hint}`, /Permission denied; .*sandbox.*restart/i);
        await service.stop();
    });

    it('has none where it is told so', async (t) => {
        const log = await withService(t, { sandbox: 'off' }, (pid) => {
            assertThreads(pid, '0 0');
        });
        assert.doesNotMatch(log, /Sandbox/);
    });

    it('starts where none may be missing', async (t) => {
        const log = await withService(t, { sandbox: 'require' }, () => {});
        assert.match(log, /Sandbox in force/);
    });
});

describe('a crash', () => {
    it('leaves no core, whatever the limit', async (t) => {
        const store = new Store(workspace(t), node, { 'log-level': 'info' });
        const child = spawnChild('sh', ['-c', 'ulimit -c unlimited; exec "$0" "$@"', program,
            ...serviceArgs(store)], { cwd: store.directory, stdio: 'ignore' });
        t.after(() => child.kill('SIGKILL'));
        await until(() => existsSync(store.path('latest', 'backup_latest.zip')));
        child.kill('SIGSEGV');
        assert.equal((await child.ended).signal, 'SIGSEGV');
        assert.deepEqual(readdirSync(store.directory).filter((name) => /core/.test(name)), []);
    });
});
