// SPDX-License-Identifier: Apache-2.0
//
// The age format against the age tool (Debian's): each reads what the other has written, keys and
// identity files included.

import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, it } from 'node:test';
import { spawnChild } from '../chain/children.mjs';
import { assertFailed, mustRun, program, run, workspace } from './harness.mjs';

const PIPE = join(dirname(program), 'tests', 'age_pipe');
const PASSPHRASE = 'correct horse battery';
const SIZES = [0, 1, 65535, 65536, 65537, 131072, 200_000, 3_000_000];
const MAX = { maxBuffer: 1 << 28 };

function pipe(args, input) {
    const { status, stdout, stderr } = spawnSync(PIPE, args, { input, ...MAX });
    return { code: status, stdout, stderr: stderr.toString() };
}

function mustPipe(args, input) {
    const { code, stdout, stderr } = pipe(args, input);
    assert.equal(code, 0, stderr);
    return stdout;
}

function age(args, input) {
    return execFileSync('age', args, { input, stdio: ['pipe', 'pipe', 'pipe'], ...MAX });
}

/** An identity file made by age-keygen, and its recipient. */
function keygen(directory, name) {
    const path = join(directory, name);
    execFileSync('age-keygen', ['-o', path], { stdio: 'ignore' });
    return { path, recipient: execFileSync('age-keygen', ['-y', path]).toString().trim() };
}

/** The identity file under PASSPHRASE, which age reads from a terminal. */
async function protect(path, ...options) {
    const out = `${path}${options.join('')}.age`;
    const child = spawnChild('script',
        ['-qec', ['age', '-p', ...options, '-o', out, path].map((word) => `'${word}'`).join(' '),
            '/dev/null'], { stdio: ['pipe', 'pipe', 'pipe'] });
    let shown = '';
    const prompts = [/Enter passphrase/, /Confirm passphrase/];
    child.stdout.on('data', (text) => {
        shown += text;
        if (prompts.length > 0 && prompts[0].test(shown)) {
            prompts.shift();
            child.stdin.write(`${PASSPHRASE}\r`);
        }
    });
    const { code } = await child.ended;
    assert.equal(code, 0, shown);
    return out;
}

describe('age files', () => {
    it('that age wrote are read', (t) => {
        const key = keygen(workspace(t), 'key.txt');
        for (const size of SIZES) {
            const text = randomBytes(size);
            const file = age(['-r', key.recipient], text);
            assert.ok(mustPipe(['decrypt', key.path], file).equals(text), `${size} bytes`);
        }
    });

    it('that are written age reads, for each of the recipients', (t) => {
        const directory = workspace(t);
        const keys = ['a', 'b', 'c'].map((name) => keygen(directory, name));
        for (const verb of ['encrypt', 'encrypt-whole']) {
            for (const size of SIZES) {
                const text = randomBytes(size);
                const file = mustPipe([verb, keys[0].recipient, keys[1].recipient], text);
                for (const { path } of keys.slice(0, 2)) {
                    assert.ok(age(['-d', '-i', path], file).equals(text), `${verb}, ${size} bytes`);
                }
                const refused = spawnSync('age', ['-d', '-i', keys[2].path], { input: file });
                assert.match(refused.stderr.toString(), /no identity matched/);
            }
        }
    });

    it('for somebody else are not opened, and damaged ones are found', (t) => {
        const directory = workspace(t);
        const [mine, other] = ['a', 'b'].map((name) => keygen(directory, name));
        const file = age(['-r', other.recipient], randomBytes(100_000));
        const refused = pipe(['decrypt', mine.path], file);
        assert.equal(refused.code, 9);
        assert.match(refused.stderr, /no identity matches/);
        file[file.length - 1] ^= 1;
        assert.equal(pipe(['decrypt', other.path], file).code, 8);
        assert.equal(pipe(['decrypt', other.path], file.subarray(0, -1)).code, 8);
    });

    for (const options of [[], ['-a']]) {
        it(`an identity that age -p ${options} protects is opened`, async (t) => {
            const key = keygen(workspace(t), 'key.txt');
            const locked = await protect(key.path, ...options);
            const file = age(['-r', key.recipient], 'hello');
            assert.equal(mustPipe(['decrypt', locked, PASSPHRASE], file).toString(), 'hello');
            const wrong = pipe(['decrypt', locked, 'wrong'], file);
            assert.equal(wrong.code, 9);
            assert.match(wrong.stderr, /the passphrase is wrong/);
        });
    }
});

describe('backup key generate', () => {
    const generate = (...args) => ['backup', 'key', 'generate', ...args];

    it('makes a file as age-keygen does, which age takes, and prints the recipient', async (t) => {
        const path = join(workspace(t), 'key.txt');
        const { stdout } = await mustRun(generate('--output', path));
        const recipient = stdout.trim();
        const theirs = keygen(workspace(t), 'key.txt');
        const shape = (text) => text.replace(/created: .*/, 'created: T').replace(/age1\w+/, 'R')
            .replace(/AGE-SECRET-KEY-1\w+/, 'S');
        const text = readFileSync(path, 'utf8');
        assert.equal(shape(text), shape(readFileSync(theirs.path, 'utf8')));
        assert.match(text, /^# created: \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ\n/);
        assert.equal(statSync(path).mode & 0o7777, 0o600);
        assert.equal(execFileSync('age-keygen', ['-y', path]).toString().trim(), recipient);
        assert.equal(age(['-d', '-i', path], age(['-r', recipient], 'hello')).toString(), 'hello');
    });

    it('never writes over anything', async (t) => {
        const directory = workspace(t);
        const [file, link] = ['key.txt', 'link'].map((name) => join(directory, name));
        writeFileSync(file, 'precious');
        symlinkSync(join(directory, 'nowhere'), link);
        for (const path of [file, link, directory]) {
            assertFailed(await run(generate('--output', path, '--log-format', 'console')), 5,
                'FileSystemError', /there already/);
        }
        assert.equal(readFileSync(file, 'utf8'), 'precious');
    });

    it('without a file prints the identity; --json never does', async (t) => {
        const path = join(workspace(t), 'key.txt');
        const { stdout } = await mustRun(generate());
        writeFileSync(path, stdout);
        const recipient = execFileSync('age-keygen', ['-y', path]).toString().trim();
        assert.ok(stdout.includes(`# public key: ${recipient}\n`));
        const refused = await run(generate('--json'));
        assert.equal(refused.code, 2);
        assert.doesNotMatch(refused.stdout + refused.stderr, /AGE-SECRET-KEY/);
        const other = join(workspace(t), 'other.txt');
        const made = await mustRun(generate('--json', '--output', other));
        assert.deepEqual(JSON.parse(made.stdout), {
            recipient: execFileSync('age-keygen', ['-y', other]).toString().trim(),
            identity_file: other,
        });
    });
});
