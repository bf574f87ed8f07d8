// SPDX-License-Identifier: Apache-2.0
//
// The full circle: chain A, a backup, a restore onto chain B, a backup of B, and no difference.
//
// 300 keys in make test; make round-trip goes it with 10,000, or KEYS of them.

import assert from 'node:assert/strict';
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { startAnvil } from '../chain/anvil.mjs';
import { createEntries, deploy } from '../chain/contract.mjs';
import { oddEntries, oddEntry } from '../chain/entries.mjs';
import { keystoreText, testKey } from '../chain/keystore.mjs';
import { rpc } from '../chain/rpc.mjs';
import {
    ANVIL_ARGS, DATE, Store, archivedEntries, assertSameEntries, mustRun, run, unzip, workspace,
} from './harness.mjs';

const KEYS = Number(process.env.KEYS ?? 300);
const LATER = '2024-01-16';
// anvil hashes all of a contract's state for every block: a block a transaction is slow with many.
const TARGET_ARGS = KEYS > 1000 ? ['--block-time', '1'] : [];
const SETTINGS = { 'contract-block': 'latest' };

async function withAnvil(t, args = []) {
    const chain = await startAnvil({ args: [...ANVIL_ARGS, ...args] });
    t.after(() => chain.stop());
    return chain;
}

async function timed(t, what, body) {
    const began = performance.now();
    const result = await body();
    t.diagnostic(`${what}: ${((performance.now() - began) / 1000).toFixed(1)} s`);
    return result;
}

async function restore(store, url, contract, directory) {
    writeFileSync(join(directory, 'key.json'), keystoreText(testKey(0), 'x'));
    writeFileSync(join(directory, 'password'), 'x');
    const { stdout } = await mustRun(store.args('restore', '--yes', '--json', '--rpc-url', url,
        '--contract', contract, '--keystore', join(directory, 'key.json'),
        '--password-file', join(directory, 'password'), '--contract-confirmations', '0',
        '--max-total-cost', '1000ether'));
    return JSON.parse(stdout);
}

/**
 * diff compares backups of one directory, which holds one contract's. An archive says itself whose
 * it is, so a copy of it is taken in by a rescan, for comparing.
 */
async function diffOf(store, other) {
    cpSync(other.path(LATER), store.path(LATER), { recursive: true });
    await mustRun(store.args('list', '--rescan'));
    return run(store.args('diff', DATE, LATER));
}

async function exported(store, date, directory) {
    const file = join(directory, `${date}.ndjson`);
    await mustRun(store.args('export', '--backup-date', date, '--format', 'ndjson',
        '--output', file));
    return readFileSync(file, 'latin1').trimEnd().split('\n').sort();
}

test(`${KEYS} keys with odd bytes: chain A, chain B, no difference`, async (t) => {
    const odd = oddEntries();
    const entries = [...odd, ...Array.from({ length: KEYS - odd.length }, (_, i) => oddEntry(i))];
    const directory = workspace(t);

    const a = await withAnvil(t);
    const from = await deploy(a.url);
    await createEntries(a.url, from, entries);
    const first = new Store(join(directory, 'a'), { url: a.url, address: from }, SETTINGS);
    await timed(t, 'backup of A', () => first.mustRun());
    await a.stop();

    const b = await withAnvil(t, TARGET_ARGS);
    await deploy(b.url); // so that B's contract has another address
    const to = await deploy(b.url);
    assert.notEqual(to, from);
    const result = await timed(t, 'restore', () => restore(first, b.url, to, directory));
    t.diagnostic(`sending: ${(KEYS / result.sending_ms * 1000).toFixed(0)} transactions/s`);
    assert.equal(result.equal, KEYS);
    const [account] = await rpc(b.url, 'eth_accounts');
    const sent = Number(await rpc(b.url, 'eth_getTransactionCount', account, 'latest')) - 2;
    assert.equal(sent, KEYS, 'one transaction a key');

    const second = new Store(join(directory, 'b'), { url: b.url, address: to }, SETTINGS);
    await timed(t, 'backup of B', () => mustRun(second.args('run', '--backup-date', LATER)));
    assertSameEntries(archivedEntries(second.archivePath(LATER)), entries);
    assert.ok(unzip('-p', first.archivePath(), 'page_*')
        .equals(unzip('-p', second.archivePath(LATER), 'page_*')), 'the pages, byte for byte');
    assert.deepEqual(await exported(first, DATE, directory),
        await exported(second, LATER, directory), 'the exports, line by line');
    const { code, stdout, stderr } = await timed(t, 'diff', () => diffOf(first, second));
    assert.equal(code, 0, stdout + stderr);
    assert.match(stdout, /: 0 added, 0 removed, 0 changed\n$/);
});
