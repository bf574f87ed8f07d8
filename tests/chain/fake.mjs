// SPDX-License-Identifier: Apache-2.0
//
// A node that does what a real one cannot be made to do. By default it is a small healthy chain
// with one contract; a test overrides any method, or answers with raw HTTP, to make it lie.

import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { decodePageCall, encodePage, SELECTORS, wordHex } from './abi.mjs';

// One clock for all chains of a test, so that two of them can have the same block.
const STARTED = Math.floor(Date.now() / 1000);

export const FAKE_ADDRESS = '0x00000000000000000000000000000000000fa4e0';
const PIN_PROBE = '0x4360005260206000f3'; // init code that returns NUMBER

/** Thrown by a method: becomes a JSON-RPC error. */
export class RpcError extends Error {
    constructor(code, message, data) {
        super(message);
        Object.assign(this, { code, data });
    }
}

/** Returned by a method: becomes the HTTP response as it is, e.g. { status: 429 }. */
export class RawReply {
    /**
     * @param {object} reply
     * @param {number} [reply.status]
     * @param {object} [reply.headers]
     * @param {string | Buffer | ((id: unknown) => string | Buffer)} [reply.body]
     * @param {number} [reply.cutAt] hang up after that many bytes of the body
     * @param {number} [reply.pieces] send the body in so many pieces, one after the other
     * @param {number} [reply.pauseMs] after each piece
     * @param {boolean} [reply.reset] reset the connection, without an answer or where it is cut
     */
    constructor({ status = 200, headers = {}, body = '', cutAt, pieces = 1, pauseMs = 0,
        reset = false }) {
        Object.assign(this, { status, headers, body, cutAt, pieces, pauseMs, reset });
    }
}

function hex(number) {
    return `0x${number.toString(16)}`;
}

class Chain {
    constructor({ chainId, latest, finalized, safe }) {
        Object.assign(this, { chainId, latest, finalized, safe });
        this.fork = ''; // change it, and every block has another hash
    }

    hashOf(number) {
        const fork = number === 0 ? 'genesis' : this.fork; // a reorg reaches not that far
        return `0x${createHash('sha256').update(`${fork}:${number}`).digest('hex')}`;
    }

    /** A number, tag, hash or EIP-1898 object to the block's number. */
    resolve(block = 'latest') {
        if (typeof block === 'object') return this.resolve(block.blockHash ?? block.blockNumber);
        if (block === 'earliest') return 0;
        if (['latest', 'safe', 'finalized'].includes(block)) return this[block];
        if (block === 'pending') return this.latest;
        if (block.length === 66) {
            for (let n = this.latest; n >= 0; n--) if (this.hashOf(n) === block) return n;
        } else if (Number(block) <= this.latest) {
            return Number(block);
        }
        throw new RpcError(-32000, 'header not found');
    }

    block(number) {
        return {
            number: hex(number),
            hash: this.hashOf(number),
            parentHash: number > 0 ? this.hashOf(number - 1) : `0x${'0'.repeat(64)}`,
            timestamp: hex(this.timestampOf(number)),
            stateRoot: `0x${'1'.repeat(64)}`,
            gasLimit: '0x1c9c380',
            gasUsed: '0x0',
            transactions: [],
        };
    }

    // Blocks of two seconds, the newest one just made.
    timestampOf(number) {
        return STARTED - 2 * (this.latest - number);
    }
}

/** What a healthy node does; `this` is the fake node. */
const healthy = {
    web3_clientVersion: () => 'fake/1.0.0',
    eth_syncing: () => false,
    eth_chainId() { return hex(this.chain.chainId); },
    net_version() { return String(this.chain.chainId); },
    eth_blockNumber() { return hex(this.chain.latest); },
    eth_getBlockByNumber([block]) { return this.blockOrNull(block); },
    eth_getBlockByHash([hash]) { return this.blockOrNull(hash); },
    eth_getCode([address, block]) {
        this.chain.resolve(block);
        return address.toLowerCase() === this.address ? '0x6001' : '0x';
    },
    eth_call([call, block]) {
        const number = this.chain.resolve(block);
        const data = call.data ?? call.input;
        if (!call.to) {
            if (data !== PIN_PROBE) throw new RpcError(-32000, 'invalid opcode');
            return `0x${wordHex(number)}`;
        }
        if (call.to.toLowerCase() !== this.address) return '0x';
        if (data.startsWith(SELECTORS.total)) return `0x${wordHex(this.total)}`;
        if (data.startsWith(SELECTORS.page)) return this.page(...decodePageCall(data));
        throw new RpcError(3, 'execution reverted', '0x');
    },
};

class FakeNode {
    constructor({ entries = [], methods = {}, page, address = FAKE_ADDRESS, ...chain }) {
        this.chain = new Chain({
            chainId: 31337, latest: 100, finalized: 98, safe: 99, ...chain,
        });
        this.entries = entries;
        this.total = entries.length;
        this.address = address;
        this.methods = { ...healthy, ...methods };
        this.page = page ?? ((start, count) => encodePage(this.slice(start, count)));
        /** Every call so far: { method, params }. */
        this.calls = [];
    }

    slice(start, count) {
        return this.entries.slice(start, start + count);
    }

    blockOrNull(block) {
        try {
            return this.chain.block(this.chain.resolve(block));
        } catch {
            return null;
        }
    }

    /** What the healthy node would answer; for overrides that lie only now and then. */
    truth(method, params) {
        return healthy[method].call(this, params);
    }

    /** The [startIndex, count] of every page that was asked for, in order. */
    pagesAsked() {
        return this.calls
            .filter(({ method, params }) => method === 'eth_call' && isPageCall(params))
            .map(({ params }) => decodePageCall(params[0].data ?? params[0].input));
    }

    async answer({ id, method, params = [] }) {
        this.calls.push({ method, params });
        try {
            const run = this.methods[method];
            if (!run) throw new RpcError(-32601, `the method ${method} does not exist`);
            const result = await run.call(this, params);
            return result instanceof RawReply ? result : { jsonrpc: '2.0', id, result };
        } catch (error) {
            if (!(error instanceof RpcError)) throw error;
            const { code, message, data } = error;
            return { jsonrpc: '2.0', id, error: { code, message, data } };
        }
    }
}

/** Whether the parameters of an eth_call ask for a page of the contract. */
export function isPageCall([call]) {
    return Boolean(call.to) && (call.data ?? call.input).startsWith(SELECTORS.page);
}

/** Methods that override page calls: `lie(truth)` for the first `times` of them. */
export function pageCalls(times, lie) {
    let seen = 0;
    return {
        eth_call(params) {
            const truth = () => this.truth('eth_call', params);
            if (!isPageCall(params) || seen >= times) return truth();
            seen += 1;
            return lie(truth);
        },
    };
}

/** Methods that never answer a page call; `held` resolves at the first. */
export function silentPages() {
    let reached;
    const held = new Promise((resolve) => { reached = resolve; });
    const methods = pageCalls(Infinity, () => {
        reached();
        return new Promise(() => {});
    });
    return { held, methods };
}

async function respond(node, request, response) {
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    const message = JSON.parse(Buffer.concat(chunks));
    const answer = Array.isArray(message)
        ? await Promise.all(message.map((one) => node.answer(one)))
        : await node.answer(message);
    const raw = answer instanceof RawReply
        ? answer
        : new RawReply({ body: JSON.stringify(answer) });
    const body = typeof raw.body === 'function' ? raw.body(message.id) : raw.body;
    if (raw.reset && raw.cutAt === undefined) {
        request.socket.resetAndDestroy();
        return;
    }
    response.writeHead(raw.status, {
        'content-type': 'application/json',
        'content-length': Buffer.byteLength(body),
        ...raw.headers,
    });
    if (raw.cutAt !== undefined) {
        response.write(body.slice(0, raw.cutAt), () =>
            (raw.reset ? request.socket.resetAndDestroy() : response.destroy()));
        return;
    }
    const size = Math.ceil(body.length / raw.pieces);
    for (let at = 0; at < body.length - size; at += size) {
        await new Promise((sent) => { response.write(body.slice(at, at + size), sent); });
        if (raw.pauseMs > 0) await sleep(raw.pauseMs);
    }
    response.end(body.slice((raw.pieces - 1) * size));
}

/**
 * @param {object} [options]
 * @param {object[]} [options.entries] { key, value, versionId } Buffers
 * @param {object} [options.methods] JSON-RPC methods by name: (params) => result, `this` the node
 * @param {(start: number, count: number) => string} [options.page] another page encoder
 * @returns {Promise<FakeNode & { url: string, stop: () => Promise<void> }>}
 */
export async function startFakeNode(options = {}) {
    const node = new FakeNode(options);
    const server = createServer((request, response) => {
        respond(node, request, response).catch((error) => {
            // A client may go away in the middle; anything else is a defect of the test.
            if (error.code !== 'ECONNRESET') node.failure = error;
            response.destroy();
        });
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    node.url = `http://127.0.0.1:${server.address().port}`;
    node.stop = async () => {
        server.close();
        server.closeAllConnections();
        await once(server, 'close');
        if (node.failure) throw node.failure;
    };
    return node;
}
