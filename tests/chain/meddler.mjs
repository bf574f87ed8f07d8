// SPDX-License-Identifier: Apache-2.0
//
// A real node whose answers a test can spoil: an HTTP server in front of it that hands each call
// on, unless the test has something else to say.

import { once } from 'node:events';
import { createServer } from 'node:http';

/** Returned by a meddler: the connection is cut; after the node has answered where `after` is set. */
export class Cut {
    constructor({ after = false } = {}) {
        this.after = after;
    }
}

/**
 * @param {string} target URL of the real node
 * @param {(call: {method: string, params: unknown[]}) => unknown} meddle what to answer: an object
 *     with `error` or `result`, a Cut, or nothing to hand the call on
 * @returns {Promise<{url: string, calls: Map<string, number>, stop: () => Promise<void>}>}
 */
export async function startMeddler(target, meddle) {
    const calls = new Map();
    async function handOn(body) {
        const node = await fetch(target, {
            method: 'POST', body, headers: { 'content-type': 'application/json' },
        });
        return node.text();
    }
    async function answer(request, response) {
        let body = '';
        for await (const chunk of request) body += chunk;
        const call = JSON.parse(body);
        calls.set(call.method, (calls.get(call.method) ?? 0) + 1);
        const said = await meddle(call);
        if (said instanceof Cut) {
            if (said.after) await handOn(body);
            request.socket.destroy();
            return;
        }
        response.setHeader('content-type', 'application/json');
        if (said !== undefined) {
            response.end(JSON.stringify({ jsonrpc: '2.0', id: call.id, ...said }));
            return;
        }
        response.end(await handOn(body));
    }
    const server = createServer((request, response) => {
        answer(request, response).catch(() => request.socket.destroy());
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return {
        url: `http://127.0.0.1:${server.address().port}`,
        calls,
        async stop() {
            server.close();
            server.closeAllConnections();
            await once(server, 'close');
        },
    };
}
