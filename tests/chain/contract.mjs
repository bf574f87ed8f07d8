// SPDX-License-Identifier: Apache-2.0
//
// A KeyValueStore on a test node: deployed, filled, and read back by another client (viem) than
// the one under test.

import { readFileSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import { createPublicClient, encodeFunctionData, http } from 'viem';
import { entrySlots, word } from './layout.mjs';
import { rpc, rpcBatch } from './rpc.mjs';

const BATCH = 250; // transactions a request and block: far below anvil's 2 MB a request
const DEPLOY_GAS = 5_000_000;

export function readArtifact(name) {
    return JSON.parse(readFileSync(new URL(`../../contracts/${name}.json`, import.meta.url)));
}

export const artifact = readArtifact('KeyValueStore');

// string and bytes are encoded alike and the outputs are no part of a selector, so asking for
// bytes reads the same call without loss where a string is not UTF-8.
export const bytesAbi = JSON.parse(JSON.stringify(artifact.abi), (name, value) =>
    name === 'type' ? value.replace(/^string/, 'bytes') : value);

/** Calldata of a call whose arguments may be any bytes: Buffers for strings. */
export function calldata(functionName, args) {
    const hexArgs = args.map((arg) =>
        Buffer.isBuffer(arg) ? `0x${arg.toString('hex')}` : arg);
    const selector = encodeFunctionData({
        abi: artifact.abi,
        functionName,
        args: args.map((arg) => (Buffer.isBuffer(arg) ? '' : arg)),
    }).slice(0, 10);
    return selector + encodeFunctionData({ abi: bytesAbi, functionName, args: hexArgs }).slice(10);
}

/**
 * Deploys with the node's first account, which becomes owner and operator. `more` are members of
 * the transaction.
 */
export async function deploy(url, more = {}) {
    const [from] = await rpc(url, 'eth_accounts');
    const receipt = await send(url, {
        from, data: artifact.bytecode, gas: word(BigInt(DEPLOY_GAS)), ...more,
    });
    return receipt.contractAddress;
}

/** Sends one transaction to a node that mines by itself, and returns its receipt. */
export async function send(url, transaction) {
    const hash = await rpc(url, 'eth_sendTransaction', transaction);
    let receipt = null;
    while (!receipt) { // the block is made after the answer
        receipt = await rpc(url, 'eth_getTransactionReceipt', hash);
        if (!receipt) await setTimeout(2);
    }
    if (receipt.status !== '0x1') throw new Error(`transaction ${hash} failed`);
    return receipt;
}

export async function editEntry(url, address, { key, value, versionId }) {
    const [from] = await rpc(url, 'eth_accounts');
    const data = calldata('editKeyValue', [key, value, versionId]);
    return send(url, { from, to: address, data });
}

// A little more than what it costs: 16 gas a byte sent, 8 a byte logged, 22,100 a slot.
function gasFor({ key, value, versionId }) {
    const bytes = key.length + value.length + versionId.length;
    const slots = 8 + Math.ceil(bytes / 32);
    return `0x${(100_000 + 50 * bytes + 22_500 * slots).toString(16)}`;
}

/**
 * Creates entries by transactions, many to a block. The node wants a high --gas-limit.
 *
 * @param {(done: number) => void} [onProgress]
 */
export async function createEntries(url, address, entries, onProgress = () => {}) {
    const [from] = await rpc(url, 'eth_accounts');
    const before = await totalKeys(url, address);
    let nonce = Number(await rpc(url, 'eth_getTransactionCount', from, 'latest'));
    await rpc(url, 'evm_setAutomine', false);
    for (let at = 0; at < entries.length; at += BATCH) {
        const transactions = entries.slice(at, at + BATCH).map((entry) => [{
            from,
            to: address,
            nonce: `0x${(nonce++).toString(16)}`, // given: a batch is not worked off in order
            gas: gasFor(entry),
            data: calldata('createKeyValue', [entry.key, entry.value, entry.versionId]),
        }]);
        await rpcBatch(url, 'eth_sendTransaction', transactions);
        await rpc(url, 'evm_mine');
        onProgress(Math.min(at + BATCH, entries.length));
    }
    await rpc(url, 'evm_setAutomine', true);
    const created = (await totalKeys(url, address)) - before;
    if (created !== entries.length) {
        throw new Error(`${entries.length - created} of ${entries.length} entries were refused`);
    }
}

/** Adds one entry behind the contract's back: for what no transaction has the gas for. */
export async function plantEntry(url, address, entry) {
    const index = await totalKeys(url, address);
    const slots = [...entrySlots(index, entry), [word(0n), word(BigInt(index) + 1n)]];
    for (let at = 0; at < slots.length; at += 5000) {
        const calls = slots.slice(at, at + 5000).map(([slot, value]) => [address, slot, value]);
        await rpcBatch(url, 'anvil_setStorageAt', calls);
    }
    await rpc(url, 'evm_mine'); // into a block of its own
}

function client(url) {
    return createPublicClient({ transport: http(url) });
}

export async function totalKeys(url, address, blockNumber) {
    const total = await client(url).readContract({
        address, abi: artifact.abi, functionName: 'getTotalKeys', blockNumber,
    });
    return Number(total);
}

/** All pairs at a block: [{ key, value, versionId }], each as 0x… hex of its bytes. */
export async function readAllPairs(url, address, blockNumber, pageSize = 500) {
    const total = await totalKeys(url, address, blockNumber);
    const { abi, functionName } = { abi: bytesAbi, functionName: 'getPaginatedKeyValues' };
    const pairs = [];
    while (pairs.length < total) {
        const [keys, values, versions] = await client(url).readContract({
            address, abi, functionName, blockNumber,
            args: [BigInt(pairs.length), BigInt(pageSize)],
        });
        if (keys.length === 0) throw new Error(`only ${pairs.length} of ${total} pairs`);
        keys.forEach((key, i) => pairs.push({ key, value: values[i], versionId: versions[i] }));
    }
    return pairs;
}
