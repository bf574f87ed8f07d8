// SPDX-License-Identifier: Apache-2.0
//
// The identity that signs: what is made, what openssl says of it, whose identities are read.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { mustRun, root, run, start, workspace } from './harness.mjs';

const FILES = ['ca.cert', 'ca.key', 'identity.cert', 'identity.key'];

function openssl(cwd, ...args) {
    return execFileSync('openssl', args, { cwd, stdio: ['ignore', 'pipe', 'pipe'] });
}

async function create(t, ...args) {
    const directory = join(workspace(t), 'identity');
    const made = await mustRun(['identity', 'create', '--output-dir', directory, '--json',
        ...args]);
    return { directory, ...JSON.parse(made.stdout) };
}

function sha256(bytes) {
    return createHash('sha256').update(bytes).digest();
}

describe('identity create', () => {
    it('makes a chain and keys that openssl finds sound', async (t) => {
        const { directory } = await create(t);
        assert.deepEqual(readdirSync(directory).sort(), FILES);
        assert.deepEqual(FILES.map((name) => statSync(join(directory, name)).mode & 0o777),
            [0o644, 0o600, 0o644, 0o600]);
        assert.match(String(openssl(directory, 'verify', '-x509_strict', '-purpose', 'sslclient',
            '-CAfile', 'ca.cert', 'identity.cert')), /^identity.cert: OK$/m);
        for (const name of ['ca.key', 'identity.key'])
            openssl(directory, 'pkey', '-check', '-noout', '-in', name);
    });

    it('has a key that openssl signs with, for its certificate', async (t) => {
        const { directory, key_sha256: fingerprint } = await create(t);
        writeFileSync(join(directory, 'text'), 'some text');
        openssl(directory, 'dgst', '-sha256', '-sign', 'identity.key', '-out', 'text.sig', 'text');
        writeFileSync(join(directory, 'leaf.pub'),
            openssl(directory, 'x509', '-in', 'identity.cert', '-noout', '-pubkey'));
        assert.match(String(openssl(directory, 'dgst', '-sha256', '-verify', 'leaf.pub',
            '-signature', 'text.sig', 'text')), /Verified OK/);
        const der = openssl(directory, 'pkey', '-pubin', '-in', 'leaf.pub', '-outform', 'der');
        assert.equal(fingerprint, sha256(der).toString('hex'));
    });

    it('has the node ID of its authority, as difficult as asked for', async (t) => {
        const { directory, node_id_hex: id, difficulty } = await create(t, '--difficulty', '16');
        const der = openssl(directory, 'pkey', '-in', 'ca.key', '-pubout', '-outform', 'der');
        const expected = sha256(sha256(der));
        expected[31] = 0;
        assert.equal(id, expected.toString('hex'));
        assert.ok(difficulty >= 16 && id.endsWith('0000'), id);
    });

    it('never replaces a file', async (t) => {
        const { directory } = await create(t);
        const before = FILES.map((name) => readFileSync(join(directory, name)));
        const { code, stderr } = await run(['identity', 'create', '--output-dir', directory]);
        assert.equal(code, 5);
        assert.match(stderr, /ca.key' is there already/);
        assert.deepEqual(FILES.map((name) => readFileSync(join(directory, name))), before);
    });

    it('can be interrupted while it looks for a difficult one', async (t) => {
        const directory = join(workspace(t), 'identity');
        const child = start(['identity', 'create', '--difficulty', '40', '--output-dir',
            directory]);
        while (!existsSync(directory)) await sleep(10);
        child.kill('SIGINT');
        assert.equal((await child.done).code, 130);
        assert.deepEqual(readdirSync(directory), []);
    });

    it('wants a difficulty that can be met', async () => {
        for (const difficulty of ['41', '-1', 'much', ''])
            assert.equal((await run(['identity', 'create', '--difficulty', difficulty])).code, 2);
    });
});

describe('identity show', () => {
    it('says the same as create, for people and for programs', async (t) => {
        const { directory, ...made } = await create(t);
        const cert = join(directory, 'identity.cert');
        const { stdout } = await mustRun(['identity', 'show', '--cert', cert, '--json']);
        assert.deepEqual({ ...JSON.parse(stdout) }, made);
        const text = (await mustRun(['identity', 'show'], { cwd: directory })).stdout;
        assert.match(text, new RegExp(`^Node ID +${made.node_id}$`, 'm'));
        assert.match(text, new RegExp(`^Key SHA-256 +${made.key_sha256}$`, 'm'));
        assert.match(text, /^Valid until +9999-12-31T23:59:59Z$/m);
    });

    it('reads the identities of Storj\'s own tests', async (t) => {
        const vectors = join(root, '..', 'shared', 'vectors', 'storj', 'node_ids.json');
        if (!existsSync(vectors)) return t.skip('no vectors');
        const directory = workspace(t);
        for (const { chain, ...expected } of JSON.parse(readFileSync(vectors)).slice(-3)) {
            writeFileSync(join(directory, 'identity.cert'), chain);
            const { stdout } = await mustRun(['identity', 'show', '--json'], { cwd: directory });
            const { node_id: id, node_id_hex: hex } = JSON.parse(stdout);
            assert.deepEqual({ node_id: id, node_id_hex: hex }, expected);
        }
    });

    it('refuses what is no identity', async (t) => {
        const { directory } = await create(t);
        for (const name of ['ca.cert', 'identity.key']) {
            const { code, stderr } = await run(['identity', 'show', '--cert',
                join(directory, name)]);
            assert.equal(code, 3);
            assert.match(stderr, /certificates, not a leaf and its authority/);
        }
        const missing = await run(['identity', 'show', '--cert', join(directory, 'none')]);
        assert.equal(missing.code, 11);
    });
});
