// SPDX-License-Identifier: Apache-2.0
//
// Shows a whole backup: a test chain with a contract that holds 10,000 keys, satellite run on it,
// and what it leaves behind. Everything happens in one directory and on the loopback address.
//
//   node scripts/demo.mjs build/satellite [--keep DIR]

import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { startAnvil } from '../tests/chain/anvil.mjs';
import { spawnChild } from '../tests/chain/children.mjs';
import { createEntries, deploy } from '../tests/chain/contract.mjs';
import { realisticEntries } from '../tests/chain/entries.mjs';
import { rpc } from '../tests/chain/rpc.mjs';

const KEYS = 10_000;
const SAMPLE_KEY = 'user_profile_000120';

function fail(message) {
    console.error(`demo: ${message}`);
    process.exit(1);
}

function readArguments() {
    const { values, positionals } = parseArgs({
        allowPositionals: true,
        options: { keep: { type: 'string' } },
    });
    if (positionals.length !== 1) fail('usage: node scripts/demo.mjs SATELLITE [--keep DIR]');
    const program = resolve(positionals[0]);
    if (!existsSync(program)) fail(`${positionals[0]} is not there; run: make build`);
    if (values.keep && existsSync(values.keep) && readdirSync(values.keep).length > 0) {
        fail(`${values.keep} is not empty`);
    }
    return { program, shown: positionals[0], keep: values.keep && resolve(values.keep) };
}

function makeDirectory(keep) {
    if (!keep) return mkdtempSync(join(tmpdir(), 'satellite-demo-'));
    mkdirSync(keep, { recursive: true });
    return keep;
}

// Finalized blocks soon after they are made: two blocks back, where the default is 64.
const ANVIL_ARGS = ['--accounts', '1', '--gas-limit', '2000000000', '--slots-in-an-epoch', '1'];

async function fillContract(url) {
    const address = await deploy(url);
    console.log(`Contract KeyValueStore deployed at ${address}.`);
    const started = Date.now();
    await createEntries(url, address, realisticEntries(KEYS));
    await rpc(url, 'anvil_mine', '0x3'); // so that the block with the last key is finalized
    const seconds = ((Date.now() - started) / 1000).toFixed(1);
    console.log(`${KEYS.toLocaleString('en')} keys written to it in ${seconds} s, ` +
        'one transaction each.');
    return address;
}

function writeConfig(directory, { url, address }) {
    const file = join(directory, 'backup-config.yaml');
    writeFileSync(file, `backup:
  backup_dir: ${JSON.stringify(join(directory, 'backups'))}
contract:
  address: "${address}"
  rpc_urls: ["${url}"]
database:
  url: ${JSON.stringify(`sqlite://${join(directory, 'satellite.db')}`)}
`);
    return file;
}

/** Runs a command as a person would type it, in sight; its failure is the demo's failure. */
async function show(program, args, shown = program) {
    console.log(`\n$ ${[shown, ...args].join(' ')}`);
    const child = spawnChild(program, args, { stdio: ['ignore', 'inherit', 'inherit'] });
    const { error, code, signal } = await child.ended;
    if (error) throw error;
    if (code !== 0) throw new Error(`${shown} ${args.slice(0, 2).join(' ')}: ${signal ?? code}`);
}

function newestArchive(directory) {
    const backups = join(directory, 'backups');
    const date = readdirSync(backups).filter((name) => /^\d{4}-/.test(name)).sort().at(-1);
    if (!date) throw new Error(`no backup in ${backups}`);
    return join(backups, date, `backup_${date}.zip`);
}

async function backUp({ program, shown }, directory, config) {
    const satellite = (...args) => show(program, args, shown);
    await satellite('backup', 'run', '--config', config, '--progress', 'always');
    await satellite('backup', 'status', '--config', config);
    await satellite('backup', 'get', SAMPLE_KEY, '--config', config);
    const archive = newestArchive(directory);
    await show('unzip', ['-tq', archive]);
    return archive;
}

function tellWhatIsLeft(directory, archive, keep) {
    console.log(`\nArchive:       ${archive}`);
    console.log(`Configuration: ${join(directory, 'backup-config.yaml')}`);
    if (keep) {
        console.log('The test chain has ended; the commands that only read a backup still work.');
    } else {
        console.log('All of it is removed now; keep it with: ' +
            'node scripts/demo.mjs build/satellite --keep DIR');
    }
}

const options = readArguments();
const directory = makeDirectory(options.keep);
if (!options.keep) {
    process.on('exit', () => rmSync(directory, { recursive: true, force: true, maxRetries: 5 }));
}
try {
    const anvil = await startAnvil({ args: ANVIL_ARGS });
    console.log(`A test chain (anvil) runs at ${anvil.url}.`);
    const address = await fillContract(anvil.url);
    const config = writeConfig(directory, { url: anvil.url, address });
    console.log(`Configuration written to ${config}.`);
    const archive = await backUp(options, directory, config);
    await anvil.stop();
    tellWhatIsLeft(directory, archive, options.keep);
} catch (error) {
    fail(error.message);
}
