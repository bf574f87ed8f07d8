// SPDX-License-Identifier: Apache-2.0
//
// Real parts that turn against the run: a node that prunes or reorganises under it, a node of
// another make, a disk that is really full, a clock that jumps.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import {
    existsSync, mkdtempSync, readdirSync, readFileSync, rmdirSync, writeFileSync,
} from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { startAnvil } from '../chain/anvil.mjs';
import { SELECTORS } from '../chain/abi.mjs';
import { spawnChild } from '../chain/children.mjs';
import { createEntries, deploy, editEntry, readAllPairs, totalKeys } from '../chain/contract.mjs';
import { oddEntries, realisticEntries } from '../chain/entries.mjs';
import { FAKE_ADDRESS, startFakeNode } from '../chain/fake.mjs';
import { keystoreText, testKey } from '../chain/keystore.mjs';
import { rpc } from '../chain/rpc.mjs';
import {
    ANVIL_ARGS, archivedEntries, assertFailed, assertSameEntries, DATE, start, Store, workspace,
} from '../integration/harness.mjs';
import { faultsModule, LONG } from './rig.mjs';

/** A node in front of the real one, to which `onPage(n)` happens before its nth page call. */
async function startBetween(t, url, onPage) {
    let pages = 0;
    const server = createServer(async (request, response) => {
        const chunks = [];
        for await (const chunk of request) chunks.push(chunk);
        const body = Buffer.concat(chunks).toString();
        if (body.includes(SELECTORS.page)) await onPage(++pages);
        const answer = await fetch(url, {
            method: 'POST', body, headers: { 'content-type': 'application/json' },
        });
        response.end(Buffer.from(await answer.arrayBuffer()));
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    t.after(() => {
        server.close();
        server.closeAllConnections();
    });
    return `http://127.0.0.1:${server.address().port}`;
}

async function anvilWith(t, entries, args = []) {
    const node = await startAnvil({ args: [...ANVIL_ARGS, ...args] });
    t.after(() => node.stop());
    const address = await deploy(node.url);
    await createEntries(node.url, address, entries);
    return { node, address };
}

/** The backup is what another client reads at its block, which is still the chain's. */
async function assertWhole(store, url, address) {
    const { block_number: number, block_hash: hash } = store.manifest();
    const block = await rpc(url, 'eth_getBlockByNumber', `0x${number.toString(16)}`, false);
    assert.equal(hash, block.hash, 'the block is not the chain\'s');
    assertSameEntries(archivedEntries(store.archivePath()),
        await readAllPairs(url, address, BigInt(number)));
    return number;
}

describe('anvil', () => {
    const entries = realisticEntries(300);

    it('that drops the pinned state in the middle: a newer block, all of it', async (t) => {
        const { node, address } = await anvilWith(t, entries, ['--prune-history', '5']);
        await rpc(node.url, 'anvil_mine', '0x3');
        let before;
        const url = await startBetween(t, node.url, async (page) => {
            if (page !== 4) return;
            before = Number(await rpc(node.url, 'eth_blockNumber'));
            await editEntry(node.url, address, { ...entries[7], value: Buffer.from('later'),
                versionId: Buffer.from('x') });
            await rpc(node.url, 'anvil_mine', '0x32');
        });
        const store = new Store(workspace(t), { url, address },
            { 'page-size': 30, 'max-concurrent-pages': 1 });
        await store.mustRun();
        assert.ok(await assertWhole(store, node.url, address) > before, 'the old block');
    });

    it('that reorganises in the middle: the chain as it is then', async (t) => {
        const { node, address } = await anvilWith(t, entries);
        await editEntry(node.url, address, { ...entries[7], value: Buffer.from('reorged away'),
            versionId: Buffer.from('x') });
        const url = await startBetween(t, node.url, async (page) => {
            if (page === 4) await rpc(node.url, 'anvil_reorg', 1, []);
        });
        const store = new Store(workspace(t), { url, address },
            { 'page-size': 30, 'max-concurrent-pages': 1, 'contract-block': 'latest' });
        await store.mustRun();
        await assertWhole(store, node.url, address);
        const { value } = archivedEntries(store.archivePath())[7];
        assert.deepEqual(value, entries[7].value, 'an entry of the lost block');
    });

    const every = 'that reorganises at every page: a bounded number of pins, then an error';
    it(every, { skip: !LONG && 'only in the long form' }, async (t) => {
        const { node, address } = await anvilWith(t, entries);
        const url = await startBetween(t, node.url, (page) =>
            (page % 4 === 0 ? rpc(node.url, 'anvil_reorg', 1, []) : undefined));
        const store = new Store(workspace(t), { url, address },
            { 'page-size': 30, 'max-concurrent-pages': 1, 'contract-block': 'latest' });
        assertFailed(await store.run(), 4, 'ContractConnectionError', /lost 4 times/);
        assert.ok(!existsSync(store.archivePath()), 'an archive is there');
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

const HARDHAT = fileURLToPath(new URL('./hardhat', import.meta.url));
const HARDHAT_CLI = join(HARDHAT, 'node_modules/hardhat/internal/cli/bootstrap.js');

async function startHardhat(t) {
    const port = await unusedPort(); // it says 0 of a port that it picks itself
    const child = spawnChild(process.execPath, [HARDHAT_CLI, 'node', '--port', String(port)], {
        cwd: HARDHAT, stdio: ['ignore', 'pipe', 'inherit'],
        env: { ...process.env, HARDHAT_DISABLE_TELEMETRY_PROMPT: 'true' },
    });
    t.after(async () => {
        child.kill('SIGKILL');
        await child.ended;
    });
    await once(child.stdout, 'data'); // its first line comes when it listens
    child.stdout.resume();
    return { url: `http://127.0.0.1:${port}` };
}

/** The bytes of each page file, in order. */
function pageFiles(store) {
    const { total_pages: pages } = store.manifest();
    return Array.from({ length: pages }, (_, page) =>
        readFileSync(store.path(DATE, `page_${page}.json`)));
}

/** A node of another make; `make torture` installs it (scripts/setup.sh torture). */
describe('hardhat node', () => {
    const skip = !LONG ? 'only in the long form'
        : !existsSync(HARDHAT_CLI) && 'it is not installed: scripts/setup.sh torture';
    const entries = [...realisticEntries(280), ...oddEntries()];

    async function bothNodes(t) {
        const { node: anvil, address: anvilAddress } = await anvilWith(t, entries);
        const hardhat = await startHardhat(t);
        const address = await deploy(hardhat.url);
        await createEntries(hardhat.url, address, entries);
        await rpc(anvil.url, 'anvil_mine', '0x3'); // so that they are final
        const expected = new Store(workspace(t), { url: anvil.url, address: anvilAddress },
            { 'page-size': 30 });
        await expected.mustRun();
        return { hardhat, address, expected };
    }

    it('gives the pages that anvil gives', { skip }, async (t) => {
        const { hardhat, address, expected } = await bothNodes(t);
        const node = { url: hardhat.url, address };
        const plain = new Store(workspace(t), node, { 'page-size': 30 });
        await plain.mustRun();
        await assertWhole(plain, hardhat.url, address);
        assertSameEntries(archivedEntries(plain.archivePath()), entries);
        const theirs = pageFiles(expected);
        pageFiles(plain).forEach((bytes, page) =>
            assert.ok(bytes.equals(theirs[page]), `page ${page}`));

        // Too heavy for the gas that goes with a call: its own words for that are understood.
        const whole = new Store(workspace(t), node, { 'page-size': 1000 });
        let asked = 0;
        const url = await startBetween(t, hardhat.url, () => { asked += 1; });
        const heavy = new Store(workspace(t), { url, address },
            { 'page-size': 1000, 'contract-gas-limit': 6_000_000 });
        await whole.mustRun();
        await heavy.mustRun();
        assert.ok(asked > 1, 'it was not too heavy');
        assert.ok(heavy.archiveBytes().equals(whole.archiveBytes()), 'the archives differ');
        const starved = new Store(workspace(t), node, { 'contract-gas-limit': 30_000 });
        assertFailed(await starved.run(), 4, 'ContractConnectionError', /gas/);
        const elsewhere = new Store(workspace(t), { ...node, address: FAKE_ADDRESS });
        assertFailed(await elsewhere.run(), 3, 'ValidationError', /no contract at/);
    });

    it('takes a restore that is killed and goes on, each entry once', { skip }, async (t) => {
        const directory = workspace(t);
        const pairs = [...realisticEntries(80), ...oddEntries().filter(({ key }) => key.length < 1000)]
            .slice(0, 100);
        const { node: anvil, address } = await anvilWith(t, pairs);
        const store = new Store(directory, { url: anvil.url, address },
            { 'contract-block': 'latest' });
        await store.mustRun();
        const hardhat = await startHardhat(t);
        const target = await deploy(hardhat.url);
        writeFileSync(join(directory, 'key.json'), keystoreText(testKey(0), 'x'));
        writeFileSync(join(directory, 'password'), 'x');
        const args = store.args('restore', '--yes', '--json', '--rpc-url', hardhat.url,
            '--contract', target, '--keystore', join(directory, 'key.json'),
            '--password-file', join(directory, 'password'), '--contract-confirmations', '0',
            '--max-total-cost', '10ether');
        for (const goal of [10, 45]) {
            const child = start(args);
            const reached = (async () => {
                while (await totalKeys(hardhat.url, target) < goal) await sleep(3);
                await sleep(Math.random() * 60);
            })();
            await Promise.race([child.done, reached]);
            child.kill('SIGKILL');
            await child.done;
        }
        const { code, stdout, stderr } = await start(args).done;
        assert.equal(code, 0, stderr);
        assert.equal(JSON.parse(stdout).equal, pairs.length);
        const [account] = await rpc(hardhat.url, 'eth_accounts');
        const sent = Number(await rpc(hardhat.url, 'eth_getTransactionCount', account, 'latest'));
        assert.equal(sent - 1, pairs.length, 'one transaction an entry');
        const byKey = (a, b) => (a.key < b.key ? -1 : 1);
        assertSameEntries((await readAllPairs(hardhat.url, target)).sort(byKey),
            (await readAllPairs(anvil.url, address)).sort(byKey));
    });

    it('may close connections that idle for 5 s', { skip }, async (t) => {
        const { hardhat, address, expected } = await bothNodes(t);
        const store = new Store(workspace(t), { url: hardhat.url, address },
            { 'page-size': 150, 'smart-contract-rate-limit': 11, 'max-concurrent-pages': 1,
                'log-level': 'info', 'log-format': 'json' });
        const { stderr } = await store.mustRun();
        assertSameEntries(archivedEntries(store.archivePath()),
            archivedEntries(expected.archivePath()));
        const line = stderr.split('\n').filter(Boolean).map((text) => JSON.parse(text))
            .find(({ msg }) => msg === 'Backup operation completed');
        assert.equal(line.retries, 0, 'a closed connection was taken for a failure');
    });
});

/** A file system of that size, and how to change it; undefined where that is not allowed. */
function smallDisk(t, size) {
    if (process.getuid() !== 0) return undefined;
    const directory = mkdtempSync(join(tmpdir(), 'satellite-disk-'));
    try {
        execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'tmpfs', directory],
            { stdio: 'ignore' });
    } catch {
        rmdirSync(directory);
        return undefined;
    }
    t.after(() => {
        execFileSync('umount', ['-l', directory]);
        rmdirSync(directory);
    });
    const resize = (to) =>
        execFileSync('mount', ['-o', `remount,size=${to}`, directory]);
    return { directory, resize };
}

describe('a disk that is really full', () => {
    const SETTINGS = { 'contract-block': 90, 'page-size': 100 };

    for (const [name, reserve] of [['in the middle of a write', 0], ['by min_free_space', '128KiB'],
    ]) {
        it(`${name}: ResourceError; with more space, the same bytes`, async (t) => {
            const disk = smallDisk(t, '512k');
            if (!disk) {
                t.skip('no right to mount a tmpfs');
                return;
            }
            const node = await startFakeNode({ entries: realisticEntries(5000) });
            t.after(() => node.stop());
            const whole = new Store(workspace(t), node, SETTINGS);
            await whole.mustRun();
            const store = new Store(disk.directory, node,
                { ...SETTINGS, 'min-free-space': reserve });
            const failed = await store.run();
            assert.equal(failed.code, 7, failed.stderr);
            assert.match(failed.stderr, /^satellite: ResourceError: .*space/m);
            const left = readdirSync(store.backups, { recursive: true });
            assert.deepEqual(left.filter((file) => /\.(tmp|zip)$/.test(file)), []);
            disk.resize('64m');
            const retried = await store.command('retry', '--backup-date', DATE);
            assert.equal(retried.code, 0, retried.stderr);
            assert.ok(store.archiveBytes().equals(whole.archiveBytes()), 'the archives differ');
        });
    }
});

describe('a disk of the database that is really full', () => {
    it('ResourceError or DatabaseError; with more space, the same bytes', async (t) => {
        const disk = smallDisk(t, '320k');
        if (!disk) {
            t.skip('no right to mount a tmpfs');
            return;
        }
        const node = await startFakeNode({ entries: realisticEntries(5000) });
        t.after(() => node.stop());
        const settings = { 'contract-block': 90, 'page-size': 10, 'min-free-space': 0 };
        const whole = new Store(workspace(t), node, settings);
        await whole.mustRun();
        const store = new Store(workspace(t), node, { ...settings,
            'database-url': `sqlite://${join(disk.directory, 'satellite.db')}` });
        const failed = await store.run();
        assert.ok([6, 7].includes(failed.code), failed.stderr);
        assert.match(failed.stderr, /^satellite: .*status database .*; .*disk/m);
        assert.ok(!existsSync(store.archivePath()));
        disk.resize('64m');
        const { pages } = await store.json('status', '--backup-date', DATE, '--pages');
        const done = pages.filter((page) => page.status === 'completed');
        node.calls.length = 0;
        const retried = await store.command('retry', '--backup-date', DATE);
        assert.equal(retried.code, 0, retried.stderr);
        const asked = new Set(node.pagesAsked().map(([first]) => first / 10));
        assert.deepEqual(done.filter((page) => asked.has(page.page_number)), []);
        assert.ok(store.archiveBytes().equals(whole.archiveBytes()), 'the archives differ');
    });
});

describe('a clock that jumps', () => {
    const DAY = 86_400;
    const SLEEP_MS = 35_000; // the service looks at the clock at least every 30 s

    it('neither skips nor doubles a day', { skip: !LONG && 'only in the long form' }, async (t) => {
        const directory = workspace(t);
        const clock = join(directory, 'clock');
        const now = Math.floor(Date.now() / 1000);
        const day = Math.floor(now / DAY);
        const dateOf = (number) => new Date(number * DAY * 1000).toISOString().slice(0, 10);
        const setClock = (number, secondsOfDay) => writeFileSync(clock,
            String((number - day) * DAY + secondsOfDay - (Math.floor(Date.now() / 1000) % DAY)));
        const node = await startFakeNode({ entries: realisticEntries(30) });
        t.after(() => node.stop());
        const store = new Store(directory, node, { 'contract-max-block-age': '0' });
        const flags = store.args('status').slice(2);
        setClock(day, DAY - 5); // 23:59:55
        const service = start(['run', 'backup', ...flags],
            { env: { LD_PRELOAD: faultsModule, CLOCK_FILE: clock } });
        const made = () => readdirSync(store.backups).filter((name) => /^\d{4}-/.test(name));
        await sleep(3000);
        assert.deepEqual(made(), [dateOf(day)], 'before midnight');
        await sleep(SLEEP_MS);
        assert.deepEqual(made(), [dateOf(day), dateOf(day + 1)], 'after midnight');
        const bytes = readFileSync(store.archivePath(dateOf(day)));
        setClock(day, 12 * 3600); // back to the day before
        await sleep(SLEEP_MS);
        assert.deepEqual(made(), [dateOf(day), dateOf(day + 1)], 'back: nothing new');
        assert.ok(bytes.equals(readFileSync(store.archivePath(dateOf(day)))), 'it was replaced');
        setClock(day + 3, 3600);
        await sleep(SLEEP_MS);
        assert.deepEqual(made(), [dateOf(day), dateOf(day + 1), dateOf(day + 3)], 'on');
        service.kill('SIGTERM');
        assert.equal((await service.done).code, 0);
    });
});
