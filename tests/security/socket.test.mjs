// SPDX-License-Identifier: Apache-2.0
//
// The service's Unix socket, which everybody on the machine may connect to, in the hands of a user
// who is bound to nothing or to little: the kernel says who it is, and nothing else does.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import {
    chmodSync, lstatSync, readdirSync, readFileSync, symlinkSync, writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { realisticEntries } from '../chain/entries.mjs';
import { spawnChild } from '../chain/children.mjs';
import { startFakeNode } from '../chain/fake.mjs';
import { run, Store } from '../integration/harness.mjs';
import { notRoot, openWorkspace, runAs, STRANGER } from '../integration/users.mjs';
import { flagsOf, lifo, makeToken, startService } from '../integration/web.mjs';

let node;
before(async () => { node = await startFakeNode({ entries: realisticEntries(20) }); });
after(() => node.stop());

/** Sends bytes to a socket and prints what comes back until the end. */
const SEND = `
import socket, sys
s = socket.socket(socket.AF_UNIX)
s.connect(sys.argv[1])
s.sendall(sys.stdin.buffer.read())
s.shutdown(socket.SHUT_WR)
while True:
    part = s.recv(65536)
    if not part: break
    sys.stdout.write(part.decode())
`;

/**
 * Opens so many connections, half a request on each where the service has not hung up yet, says so
 * and stays until it is ended.
 */
const HOLD = `
import socket, sys, time
held = []
for i in range(int(sys.argv[2])):
    s = socket.socket(socket.AF_UNIX)
    s.connect(sys.argv[1])
    held.append(s)
    try: s.sendall(b'GET / HTTP/1.1\\r\\n')
    except OSError: pass
print('held', flush=True)
time.sleep(1000)
`;

async function served(test, bindings) {
    const t = lifo(test);
    const { directory, copy } = openWorkspace(t);
    const store = new Store(join(directory, 'state'), node, { 'chore-interval': '30d' });
    chmodSync(store.directory, 0o755);
    store.socket = join(store.directory, 'satellite.sock');
    const service = await startService(t, store,
        bindings ? { 'access-bindings': bindings } : {});
    await service.logged('Backup operation completed');
    store.audited = () => readFileSync(join(store.directory, 'audit.log'), 'utf8').trimEnd()
        .split('\n').map((line) => JSON.parse(line));
    /** A request of a user's, as bytes. */
    store.ask = async (uid, text) => {
        const { stdout, stderr, code } = await runAs(uid, '/usr/bin/python3',
            ['-c', SEND, store.socket], { input: text });
        assert.equal(code, 0, stderr);
        const [head, body] = stdout.split('\r\n\r\n');
        return { status: Number(head.split(' ')[1]), json: body ? JSON.parse(body) : undefined };
    };
    return { store, service, copy };
}

function request(method, path, headers = {}, body = '') {
    const all = { Host: 'localhost', Connection: 'close', 'Content-Length': body.length,
        'Content-Type': 'application/json', ...headers };
    return `${method} ${path} HTTP/1.1\r\n${Object.entries(all)
        .map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n${body}`;
}

describe('a user of the machine', { skip: notRoot }, () => {
    it('is who the kernel says, whatever is sent', async (t) => {
        const { store } = await served(t, `uid:${STRANGER}=viewer`);
        const token = await makeToken(store, 'admin');
        const claims = [{ Authorization: `Bearer ${token}` }, { Authorization: 'Basic cm9vdDo=' },
            { 'X-Remote-User': 'root', 'X-Forwarded-User': 'root', Forwarded: 'for=root' },
            { 'X-Satellite-Caller': 'user:root' }, { Cookie: 'user=root' }];
        for (const headers of claims) {
            const who = await store.ask(STRANGER, request('GET', '/api/v1/whoami', headers));
            assert.equal(who.status, 200);
            assert.deepEqual([who.json.caller, who.json.role], [`uid:${STRANGER}`, 'viewer']);
            const made = await store.ask(STRANGER, request('POST', '/api/v1/backups', headers,
                '{"force":true}'));
            assert.equal(made.status, 403);
            assert.equal(made.json.error_type, 'AccessError');
        }
        const { json } = await store.ask(0, request('GET', '/api/v1/operations'));
        assert.deepEqual(json.operations, [], 'nothing was queued');
        assert.equal((await store.ask(0, request('GET', '/api/v1/whoami'))).json.role, 'admin');
    });

    it('without a binding is refused everything that takes a role, and audited', async (t) => {
        const { store } = await served(t);
        const refused = [['GET', '/api/v1/status', 'backup_status'],
            ['GET', '/api/v1/backups', 'backup_list'], ['GET', '/api/v1/metrics', 'backup_metrics'],
            ['GET', '/api/v1/storage', 'storage_status'], ['POST', '/api/v1/backups', 'backup_run'],
            ['POST', '/api/v1/cleanup', 'backup_cleanup']];
        for (const [method, path] of refused) {
            const { status, json } = await store.ask(STRANGER, request(method, path));
            assert.equal(status, 403, path);
            assert.match(json.detail, /uid:54321 has no role/);
        }
        assert.deepEqual(store.audited().filter(({ caller }) => caller === `uid:${STRANGER}`)
            .map(({ operation, result }) => [operation, result]),
        refused.map(([, , operation]) => [operation, 'AccessError']));
    });

    it('whom the kernel cannot name is nobody, though somebody is called so', async (t) => {
        const { store } = await served(t, 'uid:65534=admin');
        const { status, json } = await store.ask(65534, request('GET', '/api/v1/status'));
        assert.equal(status, 403);
        assert.match(json.detail, /kernel does not say/);
        assert.match(json.hint, /PrivateUsers/);
    });

    it('sends a Host of this machine or none gets through', async (t) => {
        const { store } = await served(t, `uid:${STRANGER}=viewer`);
        for (const Host of ['evil.example.org', '10.0.0.1'])
            assert.equal((await store.ask(STRANGER, request('GET', '/healthz', { Host }))).status, 421);
    });

    it('cannot keep the others out', async (t) => {
        const { store } = await served(t);
        const child = spawnChild('setpriv', [`--reuid=${STRANGER}`, `--regid=${STRANGER}`,
            '--clear-groups', '/usr/bin/python3', '-c', HOLD, store.socket, '64'],
        { stdio: ['ignore', 'pipe', 'inherit'], cwd: '/' });
        t.after(() => child.kill('SIGKILL'));
        await once(child.stdout, 'readable'); // or its end
        assert.match(String(child.stdout.read()), /held/);
        const { status } = await store.ask(0, request('GET', '/api/v1/status'));
        assert.equal(status, 200);
    });
});

describe('a symbolic link in the socket\'s place', () => {
    for (const name of ['satellite.sock', 'satellite.sock.lock']) {
        it(`(${name}) is neither followed nor replaced`, async (t) => {
            const { directory } = openWorkspace(t);
            const store = new Store(join(directory, 'state'), node);
            const victim = join(directory, 'victim');
            writeFileSync(victim, 'precious', { mode: 0o640 });
            symlinkSync(victim, join(store.directory, name));
            const { code, stderr } = await run(['run', 'backup', ...flagsOf(store)]);
            assert.ok(code === 3 || code === 5, stderr);
            assert.match(stderr, /server\.socket/);
            assert.ok(lstatSync(join(store.directory, name)).isSymbolicLink());
            assert.equal(readFileSync(victim, 'utf8'), 'precious');
            assert.equal(lstatSync(victim).mode & 0o777, 0o640);
            assert.ok(!readdirSync(store.directory).includes('backups'));
        });
    }
});
