// SPDX-License-Identifier: Apache-2.0
//
// Nodes, and those between us and them, that mean harm: certificates of others, redirections,
// endless headers, bodies that inflate to a thousand times their size.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import { createServer as createTcpServer } from 'node:net';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { gzipSync } from 'node:zlib';
import { realisticEntries } from '../chain/entries.mjs';
import { RawReply, startFakeNode } from '../chain/fake.mjs';
import { makeCertificates } from '../integration/certificates.mjs';
import { assertFailed, run, start, Store, workspace } from '../integration/harness.mjs';

let node;
before(async () => { node = await startFakeNode({ entries: realisticEntries(60) }); });
after(() => node?.stop());

async function listen(t, server) {
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    t.after(() => { server.closeAllConnections?.(); server.close(); });
    return server.address().port;
}

/** The fake node behind TLS: the bytes of a request are handed on to it. */
async function serveSecurely(t, { cert, key }, options = {}) {
    const server = createSecureServer(
        { cert: readFileSync(cert), key: readFileSync(key), ...options },
        async (request, response) => {
            const chunks = await collect(request);
            const answer = await fetch(node.url, {
                method: 'POST', body: Buffer.concat(chunks),
                headers: { 'Content-Type': 'application/json' },
            });
            response.end(Buffer.from(await answer.arrayBuffer()));
        });
    server.on('tlsClientError', () => {});
    return `https://127.0.0.1:${await listen(t, server)}`;
}

async function collect(stream) {
    const chunks = [];
    for await (const chunk of stream) chunks.push(chunk);
    return chunks;
}

function storeAt(t, url, settings = {}) {
    return new Store(workspace(t), { url, address: node.address },
        { 'retry-attempts': 2, ...settings });
}

describe('an https:// endpoint', () => {
    it('of an own CA serves a backup where contract.ca_file names it', async (t) => {
        const made = makeCertificates(workspace(t), 'own');
        const url = await serveSecurely(t, made);
        await storeAt(t, url, { 'contract-ca-file': made.ca }).mustRun();
    });

    it('of an own CA is not believed without it', async (t) => {
        const url = await serveSecurely(t, makeCertificates(workspace(t), 'own'));
        assertFailed(await storeAt(t, url).run(), 4, 'ContractConnectionError', /certificate/i);
    });

    it('of another CA is not believed', async (t) => {
        const directory = workspace(t);
        const url = await serveSecurely(t, makeCertificates(directory, 'own'));
        const other = makeCertificates(directory, 'other');
        assertFailed(await storeAt(t, url, { 'contract-ca-file': other.ca }).run(), 4,
            'ContractConnectionError', /certificate/i);
    });

    it('whose certificate is of another host is not believed', async (t) => {
        const made = makeCertificates(workspace(t), 'own', 'DNS:rpc.example.org,IP:127.0.0.2');
        const url = await serveSecurely(t, made);
        assertFailed(await storeAt(t, url, { 'contract-ca-file': made.ca }).run(), 4,
            'ContractConnectionError', /certificate|peer/i);
    });

    it('that speaks only TLS 1.1 is not spoken to', async (t) => {
        const made = makeCertificates(workspace(t), 'own');
        const url = await serveSecurely(t, made, {
            minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'ALL:@SECLEVEL=0',
        });
        assertFailed(await storeAt(t, url, { 'contract-ca-file': made.ca }).run(), 4,
            'ContractConnectionError', /SSL|TLS/);
    });

    it('needs a CA file that is there, and is one', async (t) => {
        const directory = workspace(t);
        assertFailed(await storeAt(t, 'https://127.0.0.1:1',
            { 'contract-ca-file': join(directory, 'none') }).run(), 3, 'ValidationError', /none/);
        writeFileSync(join(directory, 'empty'), '');
        assertFailed(await storeAt(t, 'https://127.0.0.1:1',
            { 'contract-ca-file': join(directory, 'empty') }).run(), 4, 'ContractConnectionError');
    });
});

describe('a redirection', () => {
    for (const status of [301, 302, 303, 307, 308]) {
        it(`(${status}) is not followed, to another host or a file`, async (t) => {
            let reached = 0;
            const inner = createServer((request, response) => { reached++; response.end('{}'); });
            const target = `http://127.0.0.1:${await listen(t, inner)}/latest/meta-data`;
            for (const location of [target, 'file:///etc/passwd', 'gopher://127.0.0.1/']) {
                const outer = createServer((request, response) => {
                    response.writeHead(status, { Location: location }).end();
                });
                const url = `http://127.0.0.1:${await listen(t, outer)}`;
                assertFailed(await storeAt(t, url).run(), 4, 'ContractConnectionError');
            }
            assert.equal(reached, 0);
        });
    }
});

describe('another protocol in a URL is refused:', () => {
    for (const url of ['file:///etc/passwd', 'gopher://127.0.0.1/', 'dict://127.0.0.1/',
        'unix:///run/docker.sock', 'ws://127.0.0.1/', 'HTTPS+FILE://x/', 'ftp://127.0.0.1/'])
        it(url, async (t) => {
            assertFailed(await storeAt(t, url).run(), 3, 'ValidationError', /http/);
        });
});

/** The most memory that a run has taken, in KiB, and how it ended. */
async function measured(store) {
    const child = start(store.args('run'));
    let peak = 0;
    const timer = setInterval(() => {
        try {
            const text = readFileSync(`/proc/${child.pid}/status`, 'utf8');
            peak = Math.max(peak, Number(text.match(/VmHWM:\s+(\d+)/)?.[1] ?? 0));
        } catch { /* it has ended */ }
    }, 5);
    const result = await child.done;
    clearInterval(timer);
    return { result, peak };
}

const BOMB = 400 << 20;
const MOST_KIB = 160 * 1024; // 256 MiB is memory_limit; none of these needs it

describe('an answer that is', () => {
    it('a gzip bomb ends where its bound is', async (t) => {
        const bomb = gzipSync(Buffer.alloc(BOMB, ' '), { level: 1 });
        const server = createServer((request, response) => {
            response.writeHead(200, { 'Content-Encoding': 'gzip' }).end(bomb);
        });
        const url = `http://127.0.0.1:${await listen(t, server)}`;
        const { result, peak } = await measured(storeAt(t, url));
        assertFailed(result, 4, 'ContractConnectionError');
        assert.ok(peak < MOST_KIB, `${peak} KiB`);
    });

    it('a page that is a gzip bomb ends there too', async (t) => {
        const bomb = gzipSync(Buffer.concat([Buffer.from('{"jsonrpc":"2.0","id":1,"result":"0x'),
            Buffer.alloc(BOMB, '0')]), { level: 1 });
        const lying = await startFakeNode({
            entries: realisticEntries(60),
            page: () => new RawReply({ headers: { 'Content-Encoding': 'gzip' }, body: bomb }),
        });
        t.after(() => lying.stop());
        const { result, peak } = await measured(storeAt(t, lying.url));
        assert.notEqual(result.code, 0);
        assert.equal(result.signal, null);
        assert.ok(peak < MOST_KIB, `${peak} KiB`);
    });

    it('compressed many times over is refused', async (t) => {
        const server = createServer((request, response) => {
            response.writeHead(200, { 'Content-Encoding': Array(50).fill('gzip').join(', ') })
                .end(gzipSync('x'));
        });
        const url = `http://127.0.0.1:${await listen(t, server)}`;
        assertFailed(await storeAt(t, url).run(), 4, 'ContractConnectionError');
    });

    for (const [name, head] of [
        ['headers without end', 'HTTP/1.1 200 OK\r\n'],
        ['provisional answers without end', ''],
    ]) {
        it(name, async (t) => {
            const piece = name[0] === 'h' ? `X-Filler: ${'x'.repeat(1000)}\r\n`.repeat(64)
                : `HTTP/1.1 102 Wait\r\nX-Filler: ${'x'.repeat(1000)}\r\n\r\n`.repeat(64);
            let sent = 0;
            const server = createTcpServer((socket) => {
                const more = () => {
                    while (socket.writable && socket.write(piece)) sent += piece.length;
                };
                socket.on('error', () => {}).on('drain', more).once('data', () => {
                    socket.write(head);
                    more();
                });
                t.after(() => socket.destroy());
            });
            const url = `http://127.0.0.1:${await listen(t, server)}`;
            const { result, peak } = await measured(storeAt(t, url,
                { 'smart-contract-timeout': '20s', 'retry-attempts': 1 }));
            assertFailed(result, 4, 'ContractConnectionError', /header/i);
            assert.ok(peak < MOST_KIB, `${peak} KiB`);
        });
    }
});

describe('a proxy', () => {
    it('of the environment is used, and no_proxy obeyed', async (t) => {
        const asked = [];
        const proxy = createServer(async (request, response) => {
            asked.push(request.url);
            const answer = await fetch(node.url, {
                method: 'POST', body: Buffer.concat(await collect(request)),
                headers: { 'Content-Type': 'application/json' },
            });
            response.end(Buffer.from(await answer.arrayBuffer()));
        });
        const env = { http_proxy: `http://127.0.0.1:${await listen(t, proxy)}`, no_proxy: '' };
        const store = storeAt(t, 'http://node.invalid:8545/path');
        assert.equal((await run(store.args('run'), { env })).code, 0);
        assert.ok(asked.length > 0 && asked.every((url) => url === 'http://node.invalid:8545/path'));
        const direct = await run(store.args('run', '--force'),
            { env: { ...env, no_proxy: 'node.invalid' } });
        assertFailed(direct, 4, 'ContractConnectionError', /resolve|host/i);
    });
});
