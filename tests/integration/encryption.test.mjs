// SPDX-License-Identifier: Apache-2.0
//
// Encrypted and signed backups: what plain tools (age, gunzip, openssl, unzip) make of them.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { oddEntries, realisticEntries } from '../chain/entries.mjs';
import { startFakeNode } from '../chain/fake.mjs';
import { DATE, mustRun, root, Store, unzip, workspace } from './harness.mjs';

const ENTRIES = [...realisticEntries(330), ...oddEntries()];
const PAGES = Math.ceil(ENTRIES.length / 100);
const MAX = { maxBuffer: 1 << 28 };

/** An identity file made by age-keygen, and its recipient. */
function keygen(directory, name = 'key.txt') {
    const path = join(directory, name);
    execFileSync('age-keygen', ['-o', path], { stdio: 'ignore' });
    return { path, recipient: execFileSync('age-keygen', ['-y', path]).toString().trim() };
}

/** What `age -d -i key.txt FILE | gunzip` prints. */
function opened(file, key) {
    return gunzipSync(execFileSync('age', ['-d', '-i', key.path], { input: file, ...MAX }));
}

/** A new identity, as the settings that sign with it. */
async function identity(directory, name = 'identity') {
    const path = join(directory, name);
    const { stdout } = await mustRun(['identity', 'create', '--output-dir', path, '--difficulty', '0', '--json']);
    return {
        nodeId: JSON.parse(stdout).node_id,
        settings: {
            'identity-cert-path': join(path, 'identity.cert'),
            'identity-key-path': join(path, 'identity.key'),
        },
    };
}

/** What the commands of docs/formats.md print about manifest.sig in a directory. */
function checkedByOpenssl(cwd) {
    const text = readFileSync(join(root, 'docs', 'formats.md'), 'utf8');
    const [, section] = text.split(/^## Signature.*$/m);
    const [, commands] = /```sh\n([^]*?)```/.exec(section);
    return execFileSync('bash', ['-ec', commands], { cwd, ...MAX }).toString();
}

async function fakeNode(t, options) {
    const node = await startFakeNode({ entries: ENTRIES, ...options });
    t.after(() => node.stop());
    return node;
}

describe('an encrypted backup', () => {
    it('opens with age and gunzip to the pages of a plain one', async (t) => {
        const directory = workspace(t);
        const node = await fakeNode(t);
        const key = keygen(directory);
        const plain = new Store(join(directory, 'plain'), node, { 'contract-block': 90 });
        const store = new Store(join(directory, 'encrypted'), node,
            { 'contract-block': 90, 'encryption-recipients': key.recipient });
        await plain.mustRun();
        await store.mustRun();
        for (let page = 0; page < PAGES; page++) {
            const name = `page_${page}.json.gz.age`;
            const wanted = readFileSync(plain.path(DATE, `page_${page}.json`));
            const file = readFileSync(store.path(DATE, name));
            assert.ok(opened(file, key).equals(wanted), name);
            assert.ok(unzip('-p', store.archivePath(), name).equals(file), `${name} in the zip`);
        }
    });
});

describe('a signed backup', () => {
    it('has a signature beside the manifest and at the end of the zip, which openssl checks', async (t) => {
        const directory = workspace(t);
        const node = await fakeNode(t);
        const { nodeId, settings } = await identity(directory);
        const store = new Store(join(directory, 'store'), node, { 'contract-block': 90, ...settings });
        await store.mustRun();
        const names = unzip('-Z1', store.archivePath()).toString().trim().split('\n');
        assert.deepEqual(names.slice(-2), ['manifest.json', 'manifest.sig']);
        const signature = readFileSync(store.path(DATE, 'manifest.sig'));
        assert.ok(unzip('-p', store.archivePath(), 'manifest.sig').equals(signature));
        assert.equal(JSON.parse(signature).node_id, nodeId);
        assert.match(checkedByOpenssl(store.path(DATE)), /^Verified OK$/m);
    });
});
