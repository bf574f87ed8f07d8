// SPDX-License-Identifier: Apache-2.0
//
// Who is told of a backup: commands, URLs, the dead man's switch. Nothing of it touches the backup.

import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { realisticEntries } from '../chain/entries.mjs';
import { isPageCall, RpcError, startFakeNode } from '../chain/fake.mjs';
import { run, workspace } from './harness.mjs';
import { isCompleted, serviceConfig, startService, writeConfig } from './running.mjs';

const ENTRIES = realisticEntries(5);
const SECRET = 'a secret of the hook';

/** Receives; `answer(n)` gives the status of the nth request. */
async function startReceiver(t, answer = () => 200) {
    const received = [];
    const waiting = [];
    const server = createServer(async (request, response) => {
        const chunks = [];
        for await (const chunk of request) chunks.push(chunk);
        const { method, url, headers } = request;
        received.push({ method, url, headers, body: Buffer.concat(chunks) });
        const status = answer(received.length);
        if (status !== null) response.writeHead(status).end('x'.repeat(1000));
        for (const look of waiting) look();
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    t.after(() => {
        server.close();
        server.closeAllConnections();
    });
    return {
        received,
        url: `http://127.0.0.1:${server.address().port}`,
        count: (number) => new Promise((resolve) => {
            const look = () => { if (received.length >= number) resolve(received); };
            waiting.push(look);
            look();
        }),
    };
}

/** A command of the operator's that keeps what it is given beside itself. */
function writeHook(directory, script) {
    const path = join(directory, 'hook');
    writeFileSync(path, `#!/bin/sh\ncd ${directory}\n${script}\n`);
    chmodSync(path, 0o755);
    return path;
}

async function setUp(t, notify, node = {}) {
    const fake = await startFakeNode({ entries: ENTRIES, ...node });
    t.after(() => fake.stop());
    const directory = workspace(t);
    const config = join(directory, 'config.yaml');
    writeConfig(config, serviceConfig(directory, fake, { notify }));
    return { directory, config, node: fake };
}

const paused = { methods: {
    eth_call(params) {
        if (isPageCall(params)) throw new RpcError(3, 'execution reverted: paused', '0x');
        return this.truth('eth_call', params);
    },
} };

describe('notifications of backup run', () => {
    it('go to URLs, signed, and to the heartbeat', async (t) => {
        const receiver = await startReceiver(t);
        const { config } = await setUp(t, {
            on_success: [`${receiver.url}/hook?token=SECRET-IN-URL`],
            on_failure: [`${receiver.url}/bad`],
            heartbeat_url: `${receiver.url}/alive`, webhook_secret: SECRET,
        });
        const { code, stderr } = await run(['backup', 'run', '--config', config]);
        assert.equal(code, 0, stderr);
        const [alive, hook] = receiver.received;
        assert.equal(receiver.received.length, 2);
        assert.deepEqual([alive.method, alive.url, alive.body.length], ['GET', '/alive', 0]);
        assert.equal(alive.headers['x-satellite-signature'], undefined);
        assert.deepEqual([hook.method, hook.url], ['POST', '/hook?token=SECRET-IN-URL']);
        assert.equal(hook.headers['content-type'], 'application/json');
        assert.equal(hook.headers['x-satellite-signature'],
            `sha256=${createHmac('sha256', SECRET).update(hook.body).digest('hex')}`);
        const body = JSON.parse(hook.body);
        assert.equal(body.event, 'backup_completed');
        assert.equal(body.total_keys, ENTRIES.length);
        assert.match(body.checksum, /^[0-9a-f]{64}$/);
        const completed = stderr.split('\n').find((line) => line.includes('operation completed'));
        assert.equal(body.run_id, JSON.parse(completed).run_id);
        assert.ok(!hook.body.includes(SECRET) && !hook.body.includes('SECRET-IN-URL'));

        assert.equal((await run(['backup', 'run', '--config', config])).code, 0);
        assert.equal(receiver.received.length, 2, 'nothing new was made');
        await run(['backup', 'run', '--config', config, '--dry-run']);
        assert.equal(receiver.received.length, 2);
    });

    it('go to commands, with nothing but what they need', async (t) => {
        const directory = workspace(t);
        const hook = writeHook(directory, 'cat > in; env > env; printf "%s|" "$@" > arguments; '
            + 'ls /proc/self/fd > fds; pwd > where');
        const { config } = await setUp(t, {
            on_success: [`${hook} --who  ops $HOME;true`], webhook_secret: SECRET });
        const { code, stderr } = await run(['backup', 'run', '--config', config],
            { env: { NOT_FOR_OTHERS: 'x' } });
        assert.equal(code, 0, stderr);
        assert.equal(JSON.parse(readFileSync(join(directory, 'in'))).event, 'backup_completed');
        assert.equal(readFileSync(join(directory, 'arguments'), 'utf8'), '--who|ops|$HOME;true|');
        const names = readFileSync(join(directory, 'env'), 'utf8').trim().split('\n')
            .map((line) => line.split('=')[0]).filter((name) => !['PWD', 'OLDPWD', '_', 'SHLVL']
                .includes(name));
        assert.deepEqual(names.sort(), ['LC_ALL', 'PATH']);
        assert.deepEqual(readFileSync(join(directory, 'fds'), 'utf8').trim().split('\n')
            .map(Number).filter((fd) => fd > 3), []); // ls itself has 3
    });

    it('say what failed', async (t) => {
        const receiver = await startReceiver(t);
        const { config } = await setUp(t,
            { on_failure: [`${receiver.url}/bad`], heartbeat_url: `${receiver.url}/alive` }, paused);
        const { code } = await run(['backup', 'run', '--config', config]);
        assert.equal(code, 4);
        assert.equal(receiver.received.length, 1);
        const body = JSON.parse(receiver.received[0].body);
        assert.deepEqual([body.event, body.error_type, body.retryable],
            ['backup_failed', 'ContractConnectionError', false]);
        assert.match(body.error, /paused/);
        const { stdout } = await run(['backup', 'status', '--config', config, '--json']);
        assert.ok(JSON.parse(stdout).error_message.endsWith(` (run ${body.run_id})`), stdout);
        assert.equal(receiver.received[0].headers['x-satellite-signature'], undefined);
    });

    it('are tried again, and given up where it is no use; the backup is none the worse', async (t) => {
        const receiver = await startReceiver(t, (n) => (n === 1 ? 503 : n === 2 ? 200 : 403));
        const { config, directory } = await setUp(t, { on_success: [`${receiver.url}/a?key=K`] });
        const first = await run(['backup', 'run', '--config', config]);
        assert.equal(first.code, 0, first.stderr);
        assert.equal(receiver.received.length, 2);
        assert.ok(!first.stderr.includes('not delivered'), first.stderr);
        const second = await run(['backup', 'run', '--config', config, '--force']);
        assert.equal(second.code, 0, second.stderr);
        assert.equal(receiver.received.length, 3);
        const warning = JSON.parse(second.stderr.split('\n')
            .find((line) => line.includes('not delivered')));
        assert.deepEqual([warning.level, warning.target, warning.error],
            ['warn', receiver.url, 'HTTP 403']);
        assert.ok(!second.stderr.includes('key=K'));
        assert.ok(existsSync(join(directory, 'backups', 'latest', 'backup_latest.zip')));
    });

    it('that nobody takes are dropped at the end, and that is logged', async (t) => {
        const silent = await startReceiver(t, () => null); // no answer, ever
        const directory = workspace(t);
        const hook = writeHook(directory, 'sleep 1000 & echo $! > child; sleep 1000');
        const { config } = await setUp(t, { on_success: [silent.url, hook] });
        const { code, stderr } = await run(['backup', 'run', '--config', config]);
        assert.equal(code, 0, stderr);
        const dropped = stderr.trim().split('\n').map((line) => JSON.parse(line))
            .filter(({ msg }) => msg === 'Notification not delivered');
        assert.deepEqual(dropped.map(({ target }) => target).sort(), [hook, silent.url].sort());
        if (existsSync(join(directory, 'child'))) {
            const pid = readFileSync(join(directory, 'child'), 'utf8').trim();
            assert.ok(!existsSync(`/proc/${pid}`)
                || readFileSync(`/proc/${pid}/stat`, 'utf8').includes(') Z '), 'it lives on');
        }
    });

    it('name a command that failed', async (t) => {
        const { config } = await setUp(t, { on_success: ['/bin/false', '/no/such/command x'] });
        const { code, stderr } = await run(['backup', 'run', '--config', config]);
        assert.equal(code, 0, stderr);
        assert.match(stderr, /"target":"\/bin\/false","attempts":1,"error":"[^"]*exit code 1"/);
        assert.match(stderr, /"target":"\/no\/such\/command","attempts":1,"error":"[^"]*No such file/);
    });
});

describe('notifications of verify', () => {
    it('say that a backup is invalid', async (t) => {
        const receiver = await startReceiver(t);
        const { config, directory } = await setUp(t, { on_failure: [receiver.url] });
        const { code } = await run(['backup', 'run', '--config', config]);
        assert.equal(code, 0);
        assert.equal((await run(['backup', 'verify', '--config', config])).code, 0);
        assert.equal(receiver.received.length, 0);
        const archive = join(directory, 'backups', 'latest', 'backup_latest.zip');
        const bytes = readFileSync(archive);
        bytes[100] ^= 1;
        writeFileSync(archive, bytes); // the same file: a hard link
        assert.equal((await run(['backup', 'verify', '--config', config])).code, 8);
        const body = JSON.parse(receiver.received[0].body);
        assert.deepEqual([body.event, body.error_type], ['verify_invalid', 'IntegrityError']);
    });
});

describe('notifications of the service', () => {
    it('come for each success, and once for a slot that fails', async (t) => {
        const receiver = await startReceiver(t);
        let broken = true;
        const { config } = await setUp(t,
            { on_success: [`${receiver.url}/good`], on_failure: [`${receiver.url}/bad`] },
            { methods: {
                eth_call(params) {
                    if (broken && isPageCall(params))
                        throw new RpcError(3, 'execution reverted: paused', '0x');
                    return this.truth('eth_call', params);
                },
            } });
        const service = startService(t, config);
        await receiver.count(1);
        service.child.kill('SIGHUP'); // tries again, fails again
        await service.count(2, ({ msg }) => msg === 'Next attempt');
        broken = false;
        service.child.kill('SIGHUP');
        await service.until(isCompleted);
        await receiver.count(2);
        await service.stop();
        assert.deepEqual(receiver.received.map(({ url }) => url), ['/bad', '/good']);
    });
});

describe('their settings', () => {
    it('are masked where they are shown', async (t) => {
        const { config } = await setUp(t, {
            on_success: ['https://hooks.example.org/T/SECRETPATH', '/usr/bin/tell SECRETARG'],
            heartbeat_url: 'https://hc.example.org/SECRETUUID', webhook_secret: 'SECRETKEY',
        });
        const { code, stdout } = await run(['backup', 'config', 'show', '--config', config]);
        assert.equal(code, 0);
        assert.doesNotMatch(stdout, /SECRET/);
        assert.match(stdout, /https:\/\/hooks\.example\.org\/\*\*\*,\/usr\/bin\/tell \*\*\*/);
    });

    it('are refused where they are neither a URL nor a path', async (t) => {
        const { config } = await setUp(t, { on_failure: ['mail -s x root'] });
        const { code, stderr } = await run(['backup', 'config', 'validate', '--config', config]);
        assert.equal(code, 3);
        assert.match(stderr, /notify\.on_failure.*neither a URL nor a command/);
    });
});
