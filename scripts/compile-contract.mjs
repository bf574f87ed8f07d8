// SPDX-License-Identifier: Apache-2.0
//
// Compiles the contracts and writes the committed artifacts beside them.
// With --check it writes nothing and exits 1 where a committed artifact differs.

import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import solc from 'solc';

const CONTRACTS = [
    { folder: 'contracts/', name: 'KeyValueStore' },
    { folder: 'contracts/test/', name: 'SyntheticStore' },
];

// paris: XDC and other older chains do not know PUSH0. No metadata hash: the same bytes anywhere.
const SETTINGS = {
    evmVersion: 'paris',
    optimizer: { enabled: true, runs: 1000 },
    metadata: { bytecodeHash: 'none', appendCBOR: false },
};

function pathOf(relative) {
    return fileURLToPath(new URL(`../${relative}`, import.meta.url));
}

function compile({ folder, name }) {
    const file = `${name}.sol`;
    const output = JSON.parse(solc.compile(JSON.stringify({
        language: 'Solidity',
        sources: { [file]: { content: readFileSync(pathOf(folder + file), 'utf8') } },
        settings: {
            ...SETTINGS,
            outputSelection: { [file]: {
                [name]: ['abi', 'evm.bytecode.object', 'evm.deployedBytecode.object'],
            } },
        },
    })));
    if (output.errors?.length) {
        throw new Error(output.errors.map((e) => e.formattedMessage).join('\n'));
    }
    const { abi, evm } = output.contracts[file][name];
    return `${JSON.stringify({
        contractName: name,
        compiler: `solc ${solc.version()}`,
        settings: SETTINGS,
        abi,
        bytecode: `0x${evm.bytecode.object}`,
        deployedBytecode: `0x${evm.deployedBytecode.object}`,
    }, null, 2)}\n`;
}

function readIfThere(path) {
    try {
        return readFileSync(path, 'utf8');
    } catch (error) {
        if (error.code === 'ENOENT') return '';
        throw error;
    }
}

const check = process.argv.includes('--check');
for (const contract of CONTRACTS) {
    const artifact = `${contract.folder}${contract.name}.json`;
    const text = compile(contract);
    if (!check) {
        writeFileSync(pathOf(artifact), text);
        console.log(`wrote ${artifact}`);
    } else if (readIfThere(pathOf(artifact)) !== text) {
        console.error(`${artifact} is not what ${contract.name}.sol compiles to; ` +
            'run: node scripts/compile-contract.mjs');
        process.exitCode = 1;
    }
}
