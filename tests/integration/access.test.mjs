// SPDX-License-Identifier: Apache-2.0
//
// Who may do what: other users of the machine at the gate, and tokens.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
    chmodSync, chownSync, mkdirSync, readFileSync, statSync, writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { realisticEntries } from '../chain/entries.mjs';
import { startFakeNode } from '../chain/fake.mjs';
import { assertFailed, DATE, mustRun, run, Store, workspace } from './harness.mjs';
import { notRoot, openWorkspace, runAs, STRANGER } from './users.mjs';

const NOBODY = { uid: 65534, user: 'nobody', group: 'nogroup' };

/** A store of root's that others can read, and what runs satellite on it as somebody else. */
async function readableStore(t, node, settings = {}) {
    const { directory, copy } = openWorkspace(t);
    const state = join(directory, 'state');
    const store = new Store(state, node, settings);
    await store.mustRun();
    for (const path of [state, store.backups]) chmodSync(path, 0o755);
    store.audit = join(state, 'audit.log');
    store.as = (uid, command, ...more) => runAs(uid, copy, store.args(command, ...more));
    return store;
}

function auditLines(store) {
    return readFileSync(store.audit, 'utf8').trimEnd().split('\n').map((line) => JSON.parse(line));
}

describe('the gate', { skip: notRoot }, () => {
    let node;
    before(async () => { node = await startFakeNode({ entries: realisticEntries(5) }); });
    after(() => node.stop());

    it('keeps out who is bound to nothing, and notes it', async (t) => {
        const store = await readableStore(t, node);
        chmodSync(store.audit, 0o666); // an admin may let others write to it
        const before = auditLines(store).length;
        for (const command of ['list', 'run', 'cleanup']) {
            assertFailed(await store.as(STRANGER, command), 9, 'AccessError',
                /takes the role \w+; uid:54321 has no role; .*uid:54321=\w+ to access\.bindings/);
        }
        const refused = auditLines(store).slice(before);
        assert.deepEqual(refused.map((line) => [line.caller, line.operation, line.result]),
            ['backup_list', 'backup_run', 'backup_cleanup']
                .map((operation) => ['uid:54321', operation, 'AccessError']));
        assert.equal((await store.command('audit', 'verify')).code, 0);
    });

    it('lets nobody else begin the log', async (t) => {
        const store = await readableStore(t, node);
        assertFailed(await store.as(STRANGER, 'list', '--audit-path',
            join(store.directory, 'other.log')), 9, 'AccessError');
        assert.throws(() => statSync(join(store.directory, 'other.log')), /ENOENT/);
    });

    it('lets each role do what its operations take', async (t) => {
        const dates = ['--backup-date', DATE];
        const commands = [ // what is tried, and who may
            [['list'], 'viewer'], [['config', 'show'], 'viewer'],
            [['cleanup', '--older-than', '1d', '--dry-run'], 'viewer'],
            [['list', '--rescan'], 'operator'], [['retry', ...dates], 'operator'],
            [['hold', DATE], 'operator'], [['audit', 'list'], 'operator'],
            [['release', DATE], 'admin'], [['cleanup', '--older-than', '1d'], 'admin'],
            [['restore', ...dates, '--rpc-url', node.url, '--contract', node.address], 'admin'],
        ];
        const roles = ['none', 'viewer', 'operator', 'admin'];
        for (const role of roles) {
            const settings = role === 'none' ? {} : { 'access-bindings': `uid:1=admin,uid:${STRANGER}=${role}` };
            const store = await readableStore(t, node, settings);
            for (const [command, needed] of commands) {
                const { code } = await store.as(STRANGER, ...command);
                const may = roles.indexOf(role) >= roles.indexOf(needed);
                assert.equal(code !== 9, may, `${role}: ${command.join(' ')} ended with ${code}`);
            }
        }
    });

    it('knows names and groups', async (t) => {
        const id = execFileSync('id', [NOBODY.user]).toString();
        if (!id.includes(`uid=${NOBODY.uid}`) || !id.includes(`(${NOBODY.group})`))
            return t.skip('no user nobody in group nogroup');
        for (const [binding, code] of [[`user:${NOBODY.user}=viewer`, 0],
            [`group:${NOBODY.group}=viewer`, 0], ['group:daemon=viewer,user:daemon=admin', 9]]) {
            const store = await readableStore(t, node, { 'access-bindings': binding });
            const { code: got, stderr } = await store.as(NOBODY.uid, 'config', 'show');
            assert.equal(got, code, `${binding}: ${stderr}`);
        }
    });

    it('takes the owner of the backups for an admin', async (t) => {
        const store = await readableStore(t, node);
        chownSync(store.backups, STRANGER, STRANGER);
        assert.notEqual((await store.as(STRANGER, 'cleanup', '--older-than', '1d')).code, 9);
        assert.equal((await store.as(STRANGER + 1, 'cleanup', '--older-than', '1d')).code, 9);
    });
});

describe('a configuration that is not valid', { skip: notRoot }, () => {
    it('is mended by its owner or root, and by nobody else', async (t) => {
        const { directory, copy } = openWorkspace(t);
        const config = join(directory, 'my.yaml');
        const update = ['backup', 'config', 'update', '--config', config, '--access-bindings'];
        const bad = 'access:\n  bindings: ["alice=admin"]\n';
        writeFileSync(config, bad, { mode: 0o666 }); // what he could do by hand does not count
        chmodSync(config, 0o666);
        const refused = await runAs(STRANGER, copy, [...update, `uid:${STRANGER}=admin`]);
        assert.equal(refused.code, 3, refused.stderr);
        assert.match(refused.stderr, /my\.yaml:2: access\.bindings: .*root or the owner of .*my\.yaml/);
        assert.equal(readFileSync(config, 'utf8'), bad);
        chownSync(config, STRANGER, STRANGER);
        chownSync(directory, STRANGER, STRANGER);
        const mended = await runAs(STRANGER, copy, [...update, `uid:${STRANGER}=admin`]);
        assert.equal(mended.code, 0, mended.stderr);
        assert.match(readFileSync(config, 'utf8'), /uid:54321=admin/);
    });
});

describe('access.bindings', () => {
    it('says file and line of what is no binding', async (t) => {
        const directory = workspace(t);
        const config = join(directory, 'my.yaml');
        writeFileSync(config, [`database:\n  url: "sqlite://${directory}/s.db"`,
            'access:\n  bindings: ["uid:1=viewer", "alice=admin"]', ''].join('\n'));
        const result = await run(['backup', 'config', 'validate', '--config', config,
            '--log-format', 'console']);
        assertFailed(result, 3, 'ValidationError',
            /my\.yaml:4: access\.bindings: entry 2, 'alice=admin': .*; write it like user:alice=/);
    });
});

describe('tokens', () => {
    function tokenStore(t) {
        const store = new Store(workspace(t), { url: 'http://127.0.0.1:1', address: '0x1' });
        const flags = store.args('list').slice(2).filter((_, i, all) => !/contract/.test(all[i - i % 2]));
        store.token = (...args) => run(['token', ...args, ...flags]);
        store.mustToken = (...args) => mustRun(['token', ...args, ...flags]);
        return store;
    }

    it('are shown once and kept as a hash', async (t) => {
        const store = tokenStore(t);
        const { stdout, stderr } = await store.mustToken('create', '--role', 'viewer', '--name',
            'grafana');
        assert.match(stdout, /^satellite_[0-9a-f]{12}_[0-9a-f]{64}\n$/);
        assert.match(stderr, /not shown again/);
        const [, id, secret] = stdout.trim().split('_');
        const file = join(store.directory, 'tokens.json');
        assert.equal(statSync(file).mode & 0o777, 0o600);
        for (const name of ['tokens.json', 'audit.log'])
            assert.ok(!readFileSync(join(store.directory, name), 'utf8').includes(secret), name);
        const [token] = JSON.parse((await store.mustToken('list', '--json')).stdout);
        assert.deepEqual([token.id, token.name, token.role, token.expired],
            [id, 'grafana', 'viewer', false]);
        const days = (Date.parse(token.expires_at) - Date.parse(token.created_at)) / 86_400_000;
        assert.equal(days, 90);
        assert.match((await store.mustToken('list')).stdout, new RegExp(`${id} +viewer +grafana`));
    });

    it('are given as JSON, expire and are revoked', async (t) => {
        const store = tokenStore(t);
        const made = JSON.parse((await store.mustToken('create', '--role', 'admin', '--expires',
            '1s', '--json')).stdout);
        assert.match(made.token, new RegExp(`^satellite_${made.id}_`));
        assert.equal(Date.parse(made.expires_at) - Date.parse(made.created_at), 1000);
        await store.mustToken('revoke', made.id);
        assert.deepEqual(JSON.parse((await store.mustToken('list', '--json')).stdout), []);
        assertFailed(await store.token('revoke', made.id), 11, 'NotFoundError', /no token/);
    });

    it('want a role and a time', async (t) => {
        const store = tokenStore(t);
        for (const args of [[], ['--role', 'root'], ['--role', 'viewer', '--expires', '0'],
            ['--role', 'viewer', '--expires', '9999d'], ['--role', 'viewer', '--expires', 'never'],
            ['--role', 'viewer', '--name', 'x'.repeat(65)]])
            assertFailed(await store.token('create', ...args), 2, 'UsageError');
        assert.throws(() => statSync(join(store.directory, 'tokens.json')), /ENOENT/);
    });

    it('belong to who has the directory, whoever makes them', { skip: notRoot }, async (t) => {
        const store = tokenStore(t);
        chmodSync(store.directory, 0o755); // root becomes him
        const state = join(store.directory, 'his');
        mkdirSync(state);
        chownSync(state, STRANGER, STRANGER);
        await mustRun(['token', 'create', '--role', 'viewer', '--quiet', '--database-url',
            `sqlite://${state}/s.db`, '--backup-dir', state]);
        for (const name of ['tokens.json', 'audit.log'])
            assert.equal(statSync(join(state, name)).uid, STRANGER, name);
    });
});
