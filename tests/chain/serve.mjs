// SPDX-License-Identifier: Apache-2.0
//
// A chain with a filled contract for tests that are shell scripts: `serve.mjs KEYS` says "URL ADDRESS"
// on a line once it is there, and ends with its standard input.

import { realisticEntries } from './entries.mjs';
import { startAnvil } from './anvil.mjs';
import { createEntries, deploy } from './contract.mjs';
import { rpc } from './rpc.mjs';

const anvil = await startAnvil({ args: ['--accounts', '1', '--gas-limit', '2000000000',
    '--slots-in-an-epoch', '1'] });
const address = await deploy(anvil.url);
await createEntries(anvil.url, address, realisticEntries(Number(process.argv[2])));
await rpc(anvil.url, 'anvil_mine', '0x3'); // the block with the last key is final
console.log(`${anvil.url} ${address}`);
process.stdin.resume();
process.stdin.on('end', () => anvil.stop().then(() => process.exit(0)));
