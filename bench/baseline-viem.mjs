// SPDX-License-Identifier: Apache-2.0
//
// What a user would write today instead of satellite: viem, ten pages in flight, a JSON file and a
// SHA-256 for each page, everything in a zip. No resume, no retries of its own, no status.
//
//   node bench/baseline-viem.mjs RPC_URL ADDRESS BLOCK_NUMBER PAGE_SIZE DIRECTORY

import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { finished } from 'node:stream/promises';
import { ZipArchive } from 'archiver';
import { createPublicClient, http, parseAbi } from 'viem';

const IN_FLIGHT = 10;
const abi = parseAbi([
    'function getTotalKeys() view returns (uint256)',
    'function getPaginatedKeyValues(uint256 startIndex, uint256 count) view ' +
        'returns (string[] keys, string[] values, string[] versionIds)',
]);

const [rpcUrl, address, block, size, directory] = process.argv.slice(2);
const pageSize = Number(size);
const client = createPublicClient({ transport: http(rpcUrl) });
const contract = { address, abi, blockNumber: BigInt(block) };

const total = Number(await client.readContract({ ...contract, functionName: 'getTotalKeys' }));
const pages = Array.from({ length: Math.ceil(total / pageSize) });

async function backUpPage(number) {
    const [keys, values, versionIds] = await client.readContract({
        ...contract,
        functionName: 'getPaginatedKeyValues',
        args: [BigInt(number * pageSize), BigInt(pageSize)],
    });
    const entries = keys.map((key, i) => (
        { key, value: values[i], version_id: versionIds[i] }));
    const text = JSON.stringify(entries, null, 2);
    const name = `page_${number}.json`;
    await writeFile(join(directory, name), text);
    const sha256 = createHash('sha256').update(text).digest('hex');
    pages[number] = { name, keys: keys.length, sha256 };
}

let next = 0;
await Promise.all(Array.from({ length: IN_FLIGHT }, async () => {
    while (next < pages.length) await backUpPage(next++);
}));

const archive = new ZipArchive();
const output = createWriteStream(join(directory, 'backup.zip'));
archive.pipe(output);
for (const { name } of pages) archive.file(join(directory, name), { name });
archive.append(JSON.stringify({ total, block, pages }, null, 2), { name: 'manifest.json' });
await archive.finalize();
await finished(output);

const stored = pages.reduce((sum, page) => sum + page.keys, 0);
if (stored !== total) throw new Error(`${stored} of ${total} keys`);
