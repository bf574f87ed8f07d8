// SPDX-License-Identifier: Apache-2.0
//
// A TCP proxy that makes a node seem far away: everything arrives later, nothing arrives slower.

import { createServer, connect } from 'node:net';
import { once } from 'node:events';

// Timers of one length fire in the order in which they were set, so the bytes stay in order.
function forward(from, to, delayMs) {
    from.on('data', (chunk) => setTimeout(() => {
        if (to.destroyed || to.write(chunk)) return;
        from.pause();
        to.once('drain', () => from.resume());
    }, delayMs));
    from.on('end', () => setTimeout(() => to.end(), delayMs));
    from.on('error', () => to.destroy());
    from.on('close', () => setTimeout(() => to.destroy(), delayMs));
}

/**
 * @param {object} options
 * @param {string} options.target URL of the real node
 * @param {number} options.delayMs added to each round trip, half of it each way
 * @returns {Promise<{url: string, stop: () => Promise<void>}>}
 */
export async function startDelayProxy({ target, delayMs }) {
    const { hostname, port } = new URL(target);
    const sockets = new Set();
    const server = createServer({ allowHalfOpen: true, noDelay: true }, (client) => {
        const node = connect({ host: hostname, port, allowHalfOpen: true, noDelay: true });
        for (const socket of [client, node]) {
            sockets.add(socket);
            socket.once('close', () => sockets.delete(socket));
        }
        forward(client, node, delayMs / 2);
        forward(node, client, delayMs / 2);
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return {
        url: `http://127.0.0.1:${server.address().port}`,
        async stop() {
            server.close();
            for (const socket of sockets) socket.destroy();
            await once(server, 'close');
        },
    };
}
