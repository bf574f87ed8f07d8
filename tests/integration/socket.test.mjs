// SPDX-License-Identifier: Apache-2.0
//
// The service's Unix socket: users who may not open the backups' files get the same answers over it
// that the files' owner gets from them, as far as their role goes; and the socket's own life.

import assert from 'node:assert/strict';
import {
    chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync,
    unlinkSync, writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { realisticEntries } from '../chain/entries.mjs';
import { startFakeNode } from '../chain/fake.mjs';
import { assertFailed, mustRun, run, Store, workspace } from './harness.mjs';
import { notRoot, openWorkspace, runAs, STRANGER } from './users.mjs';
import { flagsOf, lifo, startService } from './web.mjs';

const ENTRIES = realisticEntries(250);
let node;
before(async () => { node = await startFakeNode({ entries: ENTRIES }); });
after(() => node.stop());

/** A service of root's whose directory others may pass through, with one backup made. */
async function served(test, settings = {}, { role, ...more } = {}) {
    const t = lifo(test);
    const { directory, copy } = openWorkspace(t);
    const bindings = role ? { 'access-bindings': `uid:${STRANGER}=${role}` } : {};
    const store = new Store(join(directory, 'state'), node,
        { 'chore-interval': '30d', 'min-free-space': 0, ...settings });
    chmodSync(store.directory, 0o755);
    store.socket = join(store.directory, 'satellite.sock');
    const service = await startService(t, store, { ...bindings, ...more });
    await service.logged('Backup operation completed');
    const asked = new Store(store.directory, node);
    asked.settings = Object.fromEntries(Object.entries(asked.settings)
        .filter(([name]) => /^(backup-dir|database-url|log-.*|progress)$/.test(name)));
    store.as = (uid, command, ...args) => runAs(uid, copy, asked.args(...command.split(' '), ...args));
    store.audited = () => readFileSync(join(store.directory, 'audit.log'), 'utf8').trimEnd()
        .split('\n').map((line) => JSON.parse(line)).filter(({ caller }) => caller === `uid:${STRANGER}`);
    return { store, service, copy };
}

/** What a command prints for the owner, from the files, and for a stranger, over the socket. */
async function both(store, command, ...args) {
    const mine = await mustRun(store.args(...command.split(' '), ...args));
    const theirs = await store.as(STRANGER, command, ...args);
    assert.equal(theirs.code, 0, `${command}: ${theirs.stderr}`);
    assert.equal(theirs.stderr, '');
    return [mine.stdout, theirs.stdout];
}

const sameDisk = (text) => text.replace(/"free_bytes":\d+/, '').replace(/"days_until_full":\d+/, '')
    .replace(/\nfree .*|\ndays until full .*/g, '');

describe('over the socket', { skip: notRoot }, () => {
    it('a viewer is told what the owner is, word for word', async (t) => {
        const { store } = await served(t, {}, { role: 'viewer' });
        await mustRun(store.args('run', '--backup-date', '2024-01-15'));
        await mustRun(store.args('verify', '--backup-date', '2024-01-15'));
        for (const json of [[], ['--json']]) {
            for (const [command, ...args] of [['status'], ['status', '--pages'],
                ['status', '--backup-date', '2024-01-15', '--pages'], ['list'],
                ['list', '--limit', '1'], ['storage status'],
                ['cleanup', '--older-than', '30d', '--dry-run']]) {
                const [mine, theirs] = await both(store, command, ...args, ...json);
                assert.equal(sameDisk(theirs), sameDisk(mine), command);
                assert.ok(theirs.length > 20);
            }
        }
        assertFailed(await store.as(STRANGER, 'status', '--backup-date', '2024-01-16'), 11,
            'NotFoundError', /2024-01-16/);
    });

    it('long lists and many pages come in pieces, and whole', async (t) => {
        const { store } = await served(t, { 'page-size': 1 }, { role: 'viewer' });
        const many = new Store(store.directory, node, { ...store.settings,
            'contract-rpc-urls': (await manyPages(t)).url });
        await mustRun(many.args('run', '--backup-date', '2024-01-15'));
        const [mine, theirs] = await both(store, 'status', '--backup-date', '2024-01-15', '--pages',
            '--json');
        assert.ok(JSON.parse(theirs).pages.length > 1000);
        assert.deepEqual(JSON.parse(theirs), JSON.parse(mine));
    });

    it('a viewer does nothing, and both is in the audit log', async (t) => {
        const { store } = await served(t, {}, { role: 'viewer' });
        assert.equal((await store.as(STRANGER, 'list')).code, 0);
        for (const [command, ...args] of [['run'], ['run', '--force'],
            ['cleanup', '--older-than', '1d']])
            assertFailed(await store.as(STRANGER, command, ...args), 9, 'AccessError',
                /takes the role (operator|admin); uid:54321 has viewer; .*access\.bindings/);
        assert.deepEqual(store.audited().map(({ operation, result }) => [operation, result]),
            [['backup_list', 'OK'], ['backup_run', 'AccessError'], ['backup_run', 'AccessError'],
                ['cleanup_plan', 'OK'], ['backup_cleanup', 'AccessError']]);
    });

    it('an operator makes backups, waits for them and proves them', async (t) => {
        const { store } = await served(t, {}, { role: 'operator' });
        const [{ backup_date: first }] = await store.json('list');
        const done = await store.as(STRANGER, 'run');
        assert.equal(done.code, 0, done.stderr);
        assert.match(done.stdout, new RegExp(`^Backup ${first} is done already: 250 keys, .*; --force`));
        const made = await store.as(STRANGER, 'run', '--force', '--json');
        assert.equal(made.code, 0, made.stderr);
        const backup = JSON.parse(made.stdout);
        const direct = JSON.parse((await mustRun(store.args('run', '--backup-date', '2024-01-15',
            '--json'))).stdout);
        assert.deepEqual(Object.keys(backup), Object.keys(direct));
        assert.deepEqual([backup.status, backup.total_keys, backup.already_done, backup.resumed],
            ['completed', 250, false, false]);
        assert.ok(existsSync(store.archivePath(backup.backup_date)));

        for (const args of [[], ['--all'], ['--backup-date', '2024-01-15', '--against-chain']]) {
            const [mine, theirs] = await both(store, 'verify', ...args, '--json');
            const plain = ({ backups }) => backups.map(({ duration_ms: _, ...rest }) => rest);
            assert.deepEqual(plain(JSON.parse(theirs)), plain(JSON.parse(mine)));
        }
        const text = await store.as(STRANGER, 'verify', '--backup-date', '2024-01-15');
        assert.match(text.stdout, /^Backup 2024-01-15 is valid: 250 keys in 3 pages, 0 problems/);

        writeFileSync(store.archivePath('2024-01-15'), 'no zip');
        const invalid = await store.as(STRANGER, 'verify', '--backup-date', '2024-01-15', '--json');
        assert.equal(invalid.code, 8, invalid.stderr);
        const [found] = JSON.parse(invalid.stdout).backups;
        assert.equal(found.outcome, 'invalid');
        assert.equal(found.findings.length, 1);
        assertFailed(await store.as(STRANGER, 'retry', '--backup-date', '2024-01-16'), 11,
            'NotFoundError');
        assertFailed(await store.as(STRANGER, 'run', '--backup-date', '2024-01-16'), 9,
            'AccessError', /the service names the backups/);
    });

    it('a setting that the service would not obey is refused', async (t) => {
        const { store } = await served(t, {}, { role: 'operator' });
        const before = (await store.json('list')).length;
        for (const [command, flag, ...args] of [['run', '--page-size', '500', '--force',
            '--validation', 'strict'], ['status', '--contract-address', node.address],
        ['verify', '--encryption-identity-file', '/none', '--passphrase-file', '/none'],
        ['verify', '--passphrase-file', '/none']])
            assertFailed(await store.as(STRANGER, command, flag, ...args), 2, 'UsageError',
                new RegExp(`: ${flag}: the service .*; leave it out, or run it as the owner`));
        assert.equal((await store.json('list')).length, before);
        assert.equal((await store.as(STRANGER, 'list', '--server-socket', store.socket,
            '--log-file', '/nowhere/log')).code, 0);
    });

    it('a service that is down is said to be', async (t) => {
        const { store, service } = await served(t, {}, { role: 'operator' });
        await service.stop();
        const flags = ['--log-file', join(store.directory, 'no.log'), '--access-bindings'];
        for (const command of ['list', 'run', 'health check'])
            assertFailed(await store.as(STRANGER, command, ...flags, `uid:${STRANGER}=operator`),
                11, 'NotFoundError', /no service answers you: .*; start the service, or run this as the owner/);
        assertFailed(await store.as(STRANGER, 'list', ...flags, 'uid:1=viewer'), 9, 'AccessError',
            /uid:54321 has no role/);
    });

    it('a cleanup is planned as it would be done', async (t) => {
        const { store } = await served(t, { 'retention-min-backups': 1 }, { role: 'viewer' });
        const many = new Store(store.directory, node, { ...store.settings,
            'contract-rpc-urls': (await manyPages(t)).url });
        await mustRun(many.args('run', '--backup-date', '2024-01-15'));
        const plan = ['cleanup', '--older-than', '30d', '--dry-run'];
        for (const result of [await store.command(...plan), await store.as(STRANGER, ...plan)])
            assertFailed(result, 8, 'IntegrityError', /half the 1,100 .*--allow-shrunk/);
        const [mine, theirs] = await both(store, ...plan, '--allow-shrunk', '--json');
        assert.equal(theirs, mine);
        assert.ok(JSON.parse(theirs).backups.some(({ action }) => action === 'would_delete'));
    });

    it('an admin cleans up', async (t) => {
        const { store } = await served(t, { 'retention-min-backups': 1 }, { role: 'admin' });
        await mustRun(store.args('run', '--backup-date', '2024-01-15'));
        const { code, stdout, stderr } = await store.as(STRANGER, 'cleanup', '--older-than', '30d',
            '--json');
        assert.equal(code, 0, stderr);
        const { dry_run: dry, backups, deleted } = JSON.parse(stdout);
        assert.deepEqual([dry, deleted, backups.map(({ action }) => action)],
            [false, 1, ['kept', 'deleted']]);
        assert.ok(!existsSync(store.path('2024-01-15')));
        // Without an age it is the service's retention that counts, which is for ever here.
        assertFailed(await store.as(STRANGER, 'cleanup'), 3, 'ValidationError', /retention_days/);
    });

    it('a viewer sees how the service is', async (t) => {
        const { store, service } = await served(t, {}, { role: 'viewer' });
        const { code, stdout, stderr } = await store.as(STRANGER, 'health check', '--json');
        assert.equal(code, 0, stderr);
        const health = JSON.parse(stdout);
        assert.deepEqual(health.checks.map(({ check, state }) => [check, state]),
            [['database', 'ok'], ['free_space', 'ok'], ['last_backup', 'ok'], ['chain', 'unknown']]);
        const full = await startService(lifo(t), new Store(store.directory, node, store.settings),
            { 'access-bindings': `uid:${STRANGER}=viewer`, 'min-free-space': '1000TiB',
                'server-socket': join(store.directory, 'full.sock') }, 'Unix socket served');
        const bad = await store.as(STRANGER, 'health check', '--server-socket',
            join(store.directory, 'full.sock'));
        assert.equal(bad.code, 7, bad.stderr);
        assert.match(bad.stdout, /\nfail +free_space +ResourceError/);
        await full.stop();
        await service.stop();
    });

    it('a stranger is refused, and that is in the audit log', async (t) => {
        const { store } = await served(t);
        for (const command of ['status', 'list', 'storage status', 'metrics', 'run', 'verify',
            'health check'])
            assertFailed(await store.as(STRANGER, command), 9, 'AccessError',
                /takes the role \w+; uid:54321 has no role; let an admin add uid:54321=/);
        const refused = store.audited();
        assert.ok(refused.length >= 6);
        assert.ok(refused.every(({ result }) => result === 'AccessError'));
    });

    it('what takes the files themselves is said to be their owner\'s', async (t) => {
        const { store } = await served(t, {}, { role: 'admin' });
        for (const [command, ...args] of [['get', 'key'], ['export', '--output', '-'], ['hold', '2024-01-15'],
            ['copy', '2024-01-15', '/tmp'],
            ['run', '--dry-run'], ['list', '--rescan'], ['test-restore'], ['audit', 'list']])
            assertFailed(await store.as(STRANGER, command, ...args), 9, 'AccessError',
                /^satellite: AccessError: backup .* only their owner and root may; .*; sudo -u root satellite backup/);
        assert.equal((await store.as(STRANGER, 'config show')).code, 9, 'the local gate');
    });
});

/** The same contract with more pages than one answer has. */
async function manyPages(t) {
    const other = await startFakeNode({ entries: realisticEntries(1100) });
    t.after(() => other.stop());
    return other;
}

describe('backup metrics', () => {
    it('are the running service\'s, and the kept ones without it', async (t) => {
        const { store, service } = await served(t);
        const table = async () => (await store.command('metrics')).stdout;
        const live = await table();
        assert.match(live, /^METRIC +OF +VALUE\nsource +the running service\n/);
        assert.match(live, /\noperations_total +completed +1\n/);
        assert.match(live, /\nthreads +\d+\n/); // which only a running service has
        const page = async () => (await service.get('/metrics')).text;
        const { stdout } = await store.command('metrics', '--format', 'prometheus');
        const still = (text) => text.split('\n')
            .filter((line) => !/memory_bytes|cpu_seconds|descriptors|threads|disk_/.test(line));
        assert.deepEqual(still(stdout), still(await page()));
        await service.stop();
        const kept = await table();
        assert.match(kept, /^METRIC +OF +VALUE\nsource +kept totals\n/);
        assert.match(kept, /\noperations_total +completed +1\n/);
        assert.doesNotMatch(kept, /\nthreads /);
    });

    it('are not those of a service of other files', { skip: notRoot }, async (t) => {
        const { store } = await served(t);
        const other = new Store(workspace(t), node);
        await other.mustRun();
        assert.match((await other.command('metrics')).stdout, /\nsource +kept totals\n/);
        const { stdout } = await other.command('metrics', '--server-socket', store.socket);
        assert.match(stdout, /\nsource +the running service\n/, 'named by hand it is believed');
    });
});

describe('the socket', () => {
    const mode = (path) => (statSync(path).mode & 0o7777).toString(8);

    it('is everybody\'s to reach, is there while the service is, and leaves nothing', async (t) => {
        const { store, service } = await served(t);
        assert.ok(statSync(store.socket).isSocket());
        assert.equal(mode(store.socket), '666');
        assert.equal(mode(`${store.socket}.lock`), '600');
        assert.equal((await service.stop()).code, 0);
        assert.deepEqual(readdirSync(store.directory).filter((name) => /sock/.test(name)), []);
    });

    it('that a killed service has left is replaced', async (t) => {
        const { store, service } = await served(t);
        service.child.kill('SIGKILL');
        await service.child.done;
        assert.ok(existsSync(store.socket));
        assert.match((await store.command('metrics')).stdout, /\nsource +kept totals\n/);
        const again = await startService(lifo(t), store, {}, 'Unix socket served');
        assert.match((await store.command('metrics')).stdout, /\nsource +the running service\n/);
        await again.stop();
    });

    it('of a living service is left alone', async (t) => {
        const { store, service } = await served(t);
        const second = await run(['run', 'backup', ...flagsOf(store)]);
        assert.equal(second.code, 5, second.stderr);
        assert.match(second.stderr, /FileSystemError: server\.socket .*satellite\.sock: another service listens there; end it/);
        assert.match((await store.command('metrics')).stdout, /\nsource +the running service\n/);
        assert.equal(service.child.exitCode, null);
    });

    it('of another program, or what is none, is left alone', async (t) => {
        const store = new Store(workspace(t), node);
        const path = join(store.directory, 'satellite.sock');
        const other = createServer();
        await new Promise((resolve) => { other.listen(path, resolve); });
        const start = () => run(['run', 'backup', ...flagsOf(store)]);
        assert.match((await start()).stderr, /another service listens there/);
        await new Promise((resolve) => { other.close(resolve); });
        writeFileSync(path, 'mine');
        const { code, stderr } = await start();
        assert.equal(code, 3, stderr);
        assert.match(stderr, /what stands there is no socket/);
        assert.equal(readFileSync(path, 'utf8'), 'mine');
        unlinkSync(path);
    });

    it('is where the service manager says, or the configuration, or nowhere', async (t) => {
        const store = new Store(workspace(t), node);
        const deep = join(workspace(t), 'd'.repeat(100));
        mkdirSync(deep);
        for (const [settings, env, path] of [
            [{}, { RUNTIME_DIRECTORY: `${deep}:/nowhere` }, join(deep, 'satellite.sock')],
            [{ 'server-socket': join(deep, 'a.sock') }, {}, join(deep, 'a.sock')]]) {
            const service = await startService(lifo(t), store, { ...settings, env });
            assert.equal((await service.logged('Unix socket served')).path, path);
            assert.ok(statSync(path).isSocket());
            await service.stop();
            assert.deepEqual(readdirSync(deep), []);
        }
        const service = await startService(lifo(t), store, { 'server-socket': 'none' });
        assert.ok(!service.log.some(({ msg }) => msg === 'Unix socket served'));
        assert.ok(!existsSync(join(store.directory, 'satellite.sock')));
        await service.stop();
        for (const wrong of ['satellite.sock', '/', join(deep, '..')])
            assert.match((await run(['run', 'backup', ...flagsOf(store, { 'server-socket': wrong })]))
                .stderr, /^satellite: ValidationError: .*(absolute path|no socket)/m, wrong);
    });

    it('is served without TCP, too', async (t) => {
        const store = new Store(workspace(t), node);
        const service = await startService(lifo(t), store, { 'server-listen': '' },
            'Unix socket served');
        assert.match((await store.command('metrics')).stdout, /\nsource +the running service\n/);
        await service.stop();
    });
});

/** As the package installs it: the configuration hidden, the socket in /run/satellite. */
const INSTALLED = `
set -eu
for place in /etc /run /var/lib; do mount -t tmpfs -o mode=755 tmpfs $place; done
mkdir -m 755 /etc/satellite /run/satellite
install -d -m 750 -o ${STRANGER + 1} -g ${STRANGER + 1} /var/lib/satellite
chown ${STRANGER + 1} /run/satellite
printf '%s\\n' "$CONFIG" > /etc/satellite/backup-config.yaml
chown 0:${STRANGER + 1} /etc/satellite/backup-config.yaml
chmod 640 /etc/satellite/backup-config.yaml
as() { uid=$1; shift; exec setpriv --reuid=$uid --regid=$uid --clear-groups "$PROGRAM" "$@"; }
echo before; (as ${STRANGER} backup status 2>&1) || echo "exit $?"
(export RUNTIME_DIRECTORY=/run/satellite; as ${STRANGER + 1} run backup) >/run/log 2>&1 &
service=$!
trap 'kill $service' EXIT
until grep -q 'Backup operation completed' /run/log; do
    kill -0 $service || { cat /run/log; exit 1; }
    sleep 0.05
done
echo status; (as ${STRANGER} backup status --json)
echo owner; (as ${STRANGER + 1} backup metrics) | head -2
echo root; "$PROGRAM" backup metrics | head -2
echo show; (as ${STRANGER} backup config show 2>&1) || echo "exit $?"
trap - EXIT; kill $service; wait $service
ls -A /run/satellite
`;

describe('as installed', { skip: notRoot }, () => {
    it('a user who may not read the configuration finds the service', async (t) => {
        const { copy } = openWorkspace(t);
        const config = JSON.stringify({
            backup: { min_free_space: '0', chore_interval: '30d' },
            contract: { address: node.address, rpc_urls: [node.url] },
            access: { bindings: [`uid:${STRANGER}=viewer`] },
            log: { format: 'json', level: 'info' }, server: { listen: '' },
        });
        const { code, stdout, stderr } = await runAs(0, 'unshare', ['-m', '--propagation',
            'private', 'sh', '-c', INSTALLED], { env: { PATH: process.env.PATH, PROGRAM: copy,
            CONFIG: config } });
        if (/unshare failed|not permitted/i.test(stderr) && stdout === '')
            return t.skip('no mount namespaces here');
        assert.equal(code, 0, stdout + stderr);
        const [, early, shown, owner, root, show] =
            /^before\n(.*)status\n(.*)owner\n(.*)root\n(.*)show\n(.*)$/s.exec(stdout);
        assert.match(early, /FileSystemError: '\/etc\/satellite\/backup-config\.yaml' not opened.*no service answers.*exit 5/s);
        assert.equal(JSON.parse(shown).total_keys, 250);
        for (const text of [owner, root]) assert.match(text, /source +the running service/);
        assert.match(show, /not opened/);
    });
});
