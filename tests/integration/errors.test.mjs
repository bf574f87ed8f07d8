// SPDX-License-Identifier: Apache-2.0
//
// Everything that must fail: with the right exit code, one line that says why, and no backup.

import assert from 'node:assert/strict';
import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { once } from 'node:events';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { encodeArrays, wordHex } from '../chain/abi.mjs';
import { realisticEntries } from '../chain/entries.mjs';
import { FAKE_ADDRESS, isPageCall, RawReply, RpcError, startFakeNode } from '../chain/fake.mjs';
import { assertFailed, DATE, run, Store, workspace } from './harness.mjs';

const ENTRIES = realisticEntries(50);
let node;

before(async () => { node = await startFakeNode({ entries: ENTRIES }); });
after(() => node?.stop());

/** No archive, no latest, and the date's directory holds no unfinished file. */
function assertNoBackup(store) {
    assert.ok(!existsSync(store.archivePath()), 'an archive is there');
    assert.ok(!existsSync(store.path('latest', 'backup_latest.zip')), 'latest is there');
    if (existsSync(store.path(DATE))) {
        const left = readdirSync(store.path(DATE));
        assert.deepEqual(left.filter((name) => !/^page_\d+\.json$/.test(name)), []);
    }
}

describe('settings that cannot be', () => {
    for (const [name, settings, code, type, pattern] of [
        ['an address that is none', { 'contract-address': '0x1234' }, 3, 'ValidationError',
            /address/],
        ['an address with a wrong checksum',
            { 'contract-address': '0x5FbDB2315678afecb367f032d93F642f64180aA3' }, 3,
            'ValidationError', /checksum|EIP-55/],
        ['no address', { 'contract-address': '' }, 3, 'ValidationError', /address/],
        ['a URL that is none', { 'contract-rpc-urls': 'rpc.example.org' }, 3, 'ValidationError',
            /url/i],
        ['a URL of another kind', { 'contract-rpc-urls': 'ftp://127.0.0.1/' }, 3,
            'ValidationError', /url|http/i],
        ['a page size of 0', { 'page-size': 0 }, 3, 'ValidationError', /page.size/],
        ['a page size in words', { 'page-size': 'many' }, 3, 'ValidationError', /page.size/],
        ['a size without a unit that exists', { 'max-value-size': '12 parsecs' }, 3,
            'ValidationError', /max.value.size/],
        ['a block that is none', { 'contract-block': 'yesterday' }, 3, 'ValidationError', /block/],
        ['a database of another kind', { 'database-url': 'mysql://localhost/x' }, 3,
            'ValidationError', /database/],
    ]) {
        it(name, async (t) => {
            const store = new Store(workspace(t), node, settings);
            assertFailed(await store.run(), code, type, pattern);
            assertNoBackup(store);
        });
    }

    for (const date of ['2024-02-30', '2024-1-15', '../../etc', '2024-01-15T250000Z', '']) {
        it(`the date "${date}"`, async (t) => {
            const store = new Store(workspace(t), node);
            const result = await store.command('run', '--backup-date', date);
            assertFailed(result, 3, 'ValidationError', /date/);
            if (existsSync(store.backups)) {
                assert.deepEqual(readdirSync(store.backups).filter((name) => /^\d/.test(name)), []);
            }
        });
    }

    it('an unknown flag', async (t) => {
        const store = new Store(workspace(t), node);
        assertFailed(await store.run('--page-sice', '7'), 2, 'UsageError', /page-sice/);
    });

    it('an unknown setting in the file, with its line and the nearest name', async (t) => {
        const directory = workspace(t);
        const file = join(directory, 'config.yaml');
        writeFileSync(file, 'backup:\n  backup_dir: "/tmp/x"\n  page_sice: 7\n');
        const store = new Store(directory, node);
        assertFailed(await store.run('--config', file), 3, 'ValidationError',
            /config\.yaml:3.*page_sice.*page_size/);
    });

    it('a configuration file that is not there', async (t) => {
        const directory = workspace(t);
        const { code, stderr } = await run(['backup', 'run', '--log-format', 'console',
            '--config', join(directory, 'missing.yaml')]);
        assert.ok([3, 5].includes(code), stderr);
        assert.match(stderr, /missing\.yaml/);
    });
});

describe('places that cannot be written', () => {
    it('the backup directory', async (t) => {
        const directory = workspace(t);
        writeFileSync(join(directory, 'file'), '');
        const store = new Store(directory, node,
            { 'backup-dir': join(directory, 'file', 'backups') });
        assertFailed(await store.run(), 5, 'FileSystemError', /file/);
    });

    it('the database', async (t) => {
        const directory = workspace(t);
        writeFileSync(join(directory, 'file'), '');
        const store = new Store(directory, node,
            { 'database-url': `sqlite://${join(directory, 'file', 'satellite.db')}` });
        const { code, stderr } = await store.run();
        assert.ok([5, 6].includes(code), stderr);
        assertNoBackup(store);
    });
});

async function unusedPort() {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address();
    server.close();
    await once(server, 'close');
    return port;
}

/** A run against a node with these overrides fails so. */
async function failsOn(t, options, [code, type, pattern], settings = {}) {
    const strange = await startFakeNode({ entries: ENTRIES, ...options });
    t.after(() => strange.stop());
    const store = new Store(workspace(t), strange, { 'retry-attempts': 2, ...settings });
    assertFailed(await store.run(), code, type, pattern);
    assertNoBackup(store);
    return strange;
}

describe('nodes that do not serve', () => {
    const CONNECTION = [4, 'ContractConnectionError'];

    it('one that is down', async (t) => {
        const url = `http://127.0.0.1:${await unusedPort()}`;
        const store = new Store(workspace(t), { url, address: FAKE_ADDRESS },
            { 'retry-attempts': 2 });
        assertFailed(await store.run(), ...CONNECTION, /127\.0\.0\.1/);
        assertNoBackup(store);
    });

    it('one on another chain', (t) => failsOn(t, {},
        [3, 'ValidationError', /chain.*31337|31337.*chain/], { 'contract-chain-id': 51 }));

    it('one without the contract', (t) => failsOn(t, { address: '0x1' },
        [3, 'ValidationError', /no contract at/], { 'contract-address': FAKE_ADDRESS }));

    it('one that wants a key, without asking it twice', async (t) => {
        const methods = { eth_chainId: () => new RawReply({ status: 401, body: 'key?' }) };
        const strange = await failsOn(t, { methods }, [...CONNECTION, /401/]);
        const asked = strange.calls.filter(({ method }) => method === 'eth_chainId');
        assert.equal(asked.length, 1);
    });

    it('one whose contract reverts, without asking it twice', async (t) => {
        // Error("paused")
        const data = `0x08c379a0${wordHex(32)}${wordHex(6)}${'706175736564'.padEnd(64, '0')}`;
        const page = () => { throw new RpcError(3, 'execution reverted: paused', data); };
        const strange = await failsOn(t, { page }, [...CONNECTION, /paused/]);
        assert.equal(strange.pagesAsked().length, 1);
    });

    it('one that answers with nothing but 500', async (t) => {
        const page = () => new RawReply({ status: 500, body: 'oops' });
        const strange = await failsOn(t, { page }, [...CONNECTION, /500/]);
        assert.equal(strange.pagesAsked().length, 2, 'retry_attempts is 2');
    });

    it('one whose hex is odd', (t) =>
        failsOn(t, { page: () => '0x123' }, [3, 'ValidationError', /pairs of digits/]));

    it('one whose result is no hex', (t) =>
        failsOn(t, { page: () => '0xzz' }, [3, 'ValidationError', /pairs of digits/]));
});

describe('answers that are no page', () => {
    const INVALID = [3, 'ValidationError'];
    const column = (member, entries = ENTRIES) => entries.map((entry) => entry[member]);
    const columns = (entries) =>
        ['key', 'value', 'versionId'].map((member) => column(member, entries));
    const honest = encodeArrays(columns(ENTRIES));
    /** The honest answer with one 32-byte word replaced. */
    const bent = (index, value) => {
        const at = 2 + index * 64;
        return honest.slice(0, at) + value + honest.slice(at + 64);
    };
    const HUGE = 'f'.repeat(64);

    for (const [name, answer, pattern] of [
        ['arrays of unequal length', encodeArrays(
            [column('key'), column('value').slice(1), column('versionId')]), /length|49|50/],
        ['more entries than asked for', encodeArrays(
            columns([...ENTRIES, ...realisticEntries(60)])), /./],
        ['an offset of 2^256 - 1', bent(0, HUGE), /./],
        ['an offset just past the end', bent(1, wordHex((honest.length - 2) / 2)), /./],
        ['an offset back into the head', bent(2, wordHex(1)), /./],
        ['an array length of 2^256 - 1', bent(3, HUGE), /./],
        ['an array length of 2^61', bent(3, wordHex(2n ** 61n)), /./],
        ['a string offset of 2^64 - 1', bent(4, wordHex(2n ** 64n - 1n)), /./],
        ['a string length of 2^63', bent(4 + ENTRIES.length, wordHex(2n ** 63n)), /./],
        ['only a head', honest.slice(0, 2 + 3 * 64), /./],
        ['half a page', honest.slice(0, 2 + 64 * 100), /./],
        ['one word', `0x${wordHex(1)}`, /./],
    ]) {
        it(name, async (t) => {
            const strange = await failsOn(t, { page: () => answer }, [...INVALID, pattern]);
            assert.ok(strange.pagesAsked().length > 0);
        });
    }

    // The code was there when the block was pinned: this is the node's trouble.
    it('nothing at all', (t) =>
        failsOn(t, { page: () => '0x' }, [4, 'ContractConnectionError', /empty result/]));

    it('a total of 2^256 - 1', (t) => failsOn(t, { methods: {
        eth_call(params) {
            const truth = this.truth('eth_call', params);
            return params[0].to && !isPageCall(params) ? `0x${HUGE}` : truth;
        },
    } }, INVALID));

    it('fewer entries than the total says', (t) => failsOn(t, { methods: {
        eth_call(params) {
            const truth = this.truth('eth_call', params);
            return params[0].to && !isPageCall(params) ? `0x${wordHex(51)}` : truth;
        },
    } }, INVALID));

    it('a value over max_value_size, named by its index', (t) => failsOn(t, {
        entries: [...ENTRIES.slice(0, 20), { ...ENTRIES[20], value: Buffer.alloc(2000, 'x') }],
    }, [7, 'ResourceError', /20.*2000.*max_value_size/], { 'max-value-size': 1999 }));

    it('a key over max_key_size, named by its index', (t) => failsOn(t, {
        entries: [...ENTRIES.slice(0, 20), { ...ENTRIES[20], key: Buffer.alloc(200, 'x') }],
    }, [7, 'ResourceError', /20.*200.*max_key_size/], { 'max-key-size': 199 }));
});

describe('commands on what is not there', () => {
    it('are NotFoundErrors', async (t) => {
        const store = new Store(workspace(t), node);
        await store.mustRun();
        assertFailed(await store.command('get', 'no such key'), 11, 'NotFoundError');
        assertFailed(await store.command('get', 'x', '--backup-date', '2024-01-16'), 11,
            'NotFoundError', /2024-01-16/);
        assertFailed(await store.command('status', '--backup-date', '2024-01-16'), 11,
            'NotFoundError', /2024-01-16/);
    });

    it('unknown commands are UsageErrors', async () => {
        assert.equal((await run(['backup', 'rum'])).code, 2);
        assert.equal((await run(['bakcup'])).code, 2);
    });

    it('an error is the same in JSON', async (t) => {
        const store = new Store(workspace(t), node, { 'log-format': 'json', 'page-size': 0 });
        const { code, stderr } = await store.run();
        assert.equal(code, 3);
        const line = JSON.parse(stderr.trimEnd().split('\n').at(-1));
        assert.equal(line.error_type, 'ValidationError');
        assert.equal(typeof line.error, 'string');
        assert.equal(line.retryable, false);
    });
});
