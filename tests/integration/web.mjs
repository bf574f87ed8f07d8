// SPDX-License-Identifier: Apache-2.0
//
// A running service and what one asks of it over HTTP.

import assert from 'node:assert/strict';
import { request } from 'node:http';
import { request as secureRequest } from 'node:https';
import { setTimeout as sleep } from 'node:timers/promises';
import { mustRun, start, whileRunning } from './harness.mjs';

/** Cleanups in the opposite order: a service ends before its directory goes. */
export function lifo(test) {
    const list = [];
    test.after(async () => { for (const one of list) await one(); });
    return { after: (one) => list.unshift(one) };
}

/** The flags of a store's settings, for commands other than `backup`. */
export function flagsOf(store, more = {}) {
    const { progress, ...settings } = { ...store.settings, ...more };
    return Object.entries(settings).flatMap(([name, value]) => [`--${name}`, String(value)]);
}

/** A token of this role, made as a person would. */
export async function makeToken(store, role, ...more) {
    const { stdout } = await mustRun(['token', 'create', '--role', role, ...more, '--json',
        ...flagsOf(store)]);
    return JSON.parse(stdout).token;
}

/** One request, nothing taken out of it on the way: { status, headers, text, json }. */
export function ask(url, { method = 'GET', path, headers = {}, body, token, agent, tls } = {}) {
    const target = new URL(url);
    const send = target.protocol === 'https:' ? secureRequest : request;
    const all = { ...headers };
    if (token) all.Authorization = `Bearer ${token}`;
    if (body !== undefined && all['Content-Type'] === undefined)
        all['Content-Type'] = 'application/json';
    return new Promise((resolve, reject) => {
        const asked = send({
            host: target.hostname.replace(/[[\]]/g, ''), port: target.port, method, agent,
            path: path ?? `${target.pathname}${target.search}`, headers: all, ...tls,
        }, (answer) => {
            const parts = [];
            answer.on('data', (part) => parts.push(part));
            answer.on('error', reject);
            answer.on('end', () => {
                const text = Buffer.concat(parts).toString();
                const isJson = /json/.test(answer.headers['content-type'] ?? '');
                resolve({ status: answer.statusCode, headers: answer.headers, text,
                    json: isJson && text !== '' ? JSON.parse(text) : undefined });
            });
        });
        asked.on('error', reject);
        asked.end(body === undefined || typeof body === 'string' || Buffer.isBuffer(body)
            ? body : JSON.stringify(body));
    });
}

/**
 * `satellite run backup` with its server on a port of its own.
 * @returns {Promise<object>} child, url, log (its lines so far), get(path, options),
 *     post(path, options), logged(msg), operation(answer), stop()
 */
export async function startService(t, store, { env, ...more } = {},
    ready = 'HTTP server started') {
    const settings = { 'log-format': 'json', 'log-level': 'info', 'server-listen': '127.0.0.1:0',
        ...more };
    const child = start(['run', 'backup', ...flagsOf(store, settings)], { env });
    t.after(async () => {
        child.kill('SIGTERM');
        await child.done.catch(() => {});
    });
    const log = [];
    const waiting = [];
    let rest = '';
    child.stderr.on('data', (text) => {
        const lines = (rest + text).split('\n');
        rest = lines.pop();
        for (const line of lines) log.push(JSON.parse(line));
        for (const look of waiting) look();
    });
    const logged = (msg) => whileRunning(child, new Promise((resolve) => {
        const look = () => {
            const line = log.find((one) => one.msg === msg);
            if (line) resolve(line);
        };
        waiting.push(look);
        look();
    }));
    const { url } = await logged(ready);
    /** Waits where there are too many requests, unless the test is about that. */
    const patiently = async ({ hurry, ...options }) => {
        for (;;) {
            const answer = await ask(url, options);
            if (answer.status !== 429 || hurry) return answer;
            await sleep(100);
        }
    };
    const service = {
        child, log, logged, url,
        get: (path, options) => patiently({ path, ...options }),
        post: (path, options) => patiently({ method: 'POST', path, ...options }),
        /** What became of an accepted operation. */
        async operation({ status, headers, text }, token) {
            assert.equal(status, 202, text);
            for (;;) {
                const { json } = await service.get(headers.location, { token });
                if (json.state === 'done' || json.state === 'failed') return json;
                await sleep(20);
            }
        },
        async stop() {
            child.kill('SIGTERM');
            return child.done;
        },
    };
    return service;
}
