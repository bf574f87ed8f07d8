// SPDX-License-Identifier: Apache-2.0
//
// Every secret that satellite is given, in every way it can be given, looked for in all that it
// says and writes: each log level and form, each error, `config show`, the process list, the disk.

import assert from 'node:assert/strict';
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { realisticEntries } from '../chain/entries.mjs';
import { RawReply, RpcError, startFakeNode } from '../chain/fake.mjs';
import { run, start, Store, workspace } from '../integration/harness.mjs';

// In the user, the password, the path and the query: where providers put their keys.
const SECRETS = ['s3cretUser', 's3cretPassword', 's3cretPathKey', 's3cretQueryKey'];
const PASSWORD = 's3cretKeystorePassword';
let node;
before(async () => { node = await startFakeNode({ entries: realisticEntries(120) }); });
after(() => node?.stop());

function secretUrl(url) {
    const { host } = new URL(url);
    return `http://${SECRETS[0]}:${SECRETS[1]}@${host}/v3/${SECRETS[2]}?apikey=${SECRETS[3]}`;
}

function assertNone(text, where) {
    for (const secret of [...SECRETS, PASSWORD]) {
        for (const form of [secret, encodeURIComponent(secret),
            Buffer.from(secret).toString('base64').replace(/=+$/, ''),
            Buffer.from(secret).toString('hex')])
            assert.ok(!text.includes(form), `${form} in ${where}: ${text.slice(0, 2000)}`);
    }
}

function assertNoneOnDisk(directory, except = []) {
    for (const name of readdirSync(directory)) {
        const path = join(directory, name);
        if (except.includes(name)) continue;
        if (statSync(path).isDirectory()) assertNoneOnDisk(path);
        else assertNone(readFileSync(path, 'latin1'), path);
    }
}

const FAILURES = {
    'none': {},
    'HTTP 401 with the URL in its body': { eth_chainId() {
        return new RawReply({ status: 401, body: `no access: ${secretUrl(node.url)}` });
    } },
    'HTTP 500': { eth_blockNumber: () => new RawReply({ status: 500, body: 'oops' }) },
    'HTML': { eth_chainId: () => new RawReply({ body: '<html>login</html>' }) },
    'a reset': { eth_chainId: () => new RawReply({ reset: true }) },
    'an error of the node': { eth_call() { throw new RpcError(-32000, 'bad thing'); } },
    'another chain': { eth_chainId: () => '0x99' },
};

const WAYS = ['flag', 'environment', 'file in the environment', 'YAML', 'file in YAML'];

// Every way where all goes well, and every failure, with one way after the other.
const CASES = [...WAYS.map((way) => [way, 'none']),
    ...Object.keys(FAILURES).slice(1).map((failure, i) => [WAYS[i % WAYS.length], failure])];

describe('the secrets of an RPC URL', () => {
    for (const [way, failure] of CASES) {
        it(`given by ${way} are not shown (failure: ${failure})`, async (t) => {
            const failing = await startFakeNode({
                entries: realisticEntries(120), methods: FAILURES[failure],
            });
            t.after(() => failing.stop());
            const directory = workspace(t);
            const store = new Store(directory, failing, {
                'log-level': 'debug', 'log-file': join(directory, 'log'),
                'contract-chain-id': 31337, 'retry-attempts': 2,
            });
            const url = secretUrl(failing.url);
            const config = join(directory, 'config.yaml');
            const file = join(directory, 'secret');
            writeFileSync(file, `${url}\n`);
            writeFileSync(config, {
                YAML: `contract:\n  rpc_urls: ["${url}"]\n`,
                'file in YAML': `contract:\n  rpc_urls: file:${file}\n`,
            }[way] ?? 'log:\n  level: debug\n');
            const env = {
                environment: { SATELLITE_CONTRACT_RPC_URLS: url },
                'file in the environment': { SATELLITE_CONTRACT_RPC_URLS_FILE: file },
            }[way] ?? {};
            if (way === 'flag') store.settings['contract-rpc-urls'] = url;
            else delete store.settings['contract-rpc-urls'];
            const runs = [['run'], ['run', '--dry-run', '--json'], ['status', '--json'],
                ['list'], ['verify', '--against-chain'], ['config', 'show', '--origin'],
                ['config', 'show', '--json'], ['config', 'validate']];
            for (const [command, ...more] of runs) {
                for (const format of command === 'run' ? ['json', 'console'] : ['json']) {
                    store.settings['log-format'] = format;
                    const result = await run(store.args(command, ...more, '--config', config),
                        { env });
                    assert.equal(result.signal, null);
                    assertNone(result.stdout + result.stderr, `${command} ${more}`);
                }
            }
            assertNoneOnDisk(directory, ['secret', 'config.yaml']);
            assertNone(readFileSync(join(directory, 'log'), 'utf8'), 'the log file');
        });
    }

    it('are in no error about the URL itself', async (t) => {
        const [user, password, path, query] = SECRETS;
        for (const url of [`htp://${user}:${password}@h/${path}?k=${query}`,
            `http://${user}:${password}@h:99999/${path}?k=${query}`,
            `http://${user}:${password}@/${path}?${query}`,
            `http://${user}:${password}@h/${path} ${query}`,
            `${user}:${password}@h/${path}?${query}`]) {
            const store = new Store(workspace(t), { url, address: node.address });
            const result = await store.run();
            assert.notEqual(result.code, 0);
            assertNone(result.stderr, url);
        }
    });

    it('are not in the process list where they come from a file', async (t) => {
        const directory = workspace(t);
        const slow = await startFakeNode({
            entries: realisticEntries(10),
            methods: { eth_chainId: () => new RawReply({ body: '{}', pieces: 2, pauseMs: 500 }) },
        });
        t.after(() => slow.stop());
        const store = new Store(directory, slow);
        delete store.settings['contract-rpc-urls'];
        const file = join(directory, 'secret');
        writeFileSync(file, secretUrl(slow.url));
        const child = start(store.args('run'), { env: { SATELLITE_CONTRACT_RPC_URLS_FILE: file } });
        while (slow.calls.length === 0) await new Promise((done) => { setTimeout(done, 10); });
        assertNone(readFileSync(`/proc/${child.pid}/cmdline`, 'utf8'), 'cmdline');
        assertNone(readFileSync(`/proc/${child.pid}/environ`, 'utf8'), 'environ');
        child.kill('SIGTERM');
        await child.done;
    });
});

describe('a keystore\'s password', () => {
    it('is not shown, right or wrong', async (t) => {
        const directory = workspace(t);
        const store = new Store(directory, node, {
            'log-level': 'debug', 'log-file': join(directory, 'log'),
        });
        await store.mustRun();
        const file = join(directory, 'password');
        const keystore = join(directory, 'keystore');
        writeFileSync(file, `${PASSWORD}\n`);
        for (const document of ['{}', PASSWORD, JSON.stringify({
            version: 3, address: '17c5185167401ed00cf5f5b2fc97d9bbfdb7d025',
            crypto: {
                cipher: 'aes-128-ctr', cipherparams: { iv: 'deadbeef1deadbeef2deadbeef301234' },
                ciphertext: 'cea502df4b9405fa2b6d8d19ec4e2953c5ce08e0e01d4c0292512ce62baef8f3',
                kdf: 'scrypt', kdfparams: {
                    salt: 'abcd1abcd2abcd3abcd4abcd5abcd6ef', n: 1024, dklen: 32, p: 2, r: 4,
                },
                mac: '6e0a8e2409261d464e35a251f4b1fddd6ad0f7045a18d3957c127387f1c0de72',
            },
        })]) {
            writeFileSync(keystore, document);
            const result = await store.command('restore', '--rpc-url', node.url, '--contract',
                node.address, '--keystore', keystore, '--password-file', file, '--dry-run');
            assert.notEqual(result.code, 0);
            assertNone(result.stderr + result.stdout, 'restore');
        }
        assertNoneOnDisk(directory, ['password', 'keystore']);
    });
});
