// SPDX-License-Identifier: Apache-2.0
//
// What is asked of the service, and what becomes of it.

import { ask, order } from './api.js';
import { byId, formatWhen, h, pill, setText, show } from './format.js';
import { announce } from './overview.js';

let watched = null; // the operation that was asked for last, until it is over

export const isWatching = () => watched !== null;

const nameOf = (operation) => `${operation.kind} ${operation.backup_date ?? ''}`.trim();

/** @param {string | Error} word */
export function say(word) {
    const failed = word instanceof Error;
    byId('hint').className = `hint${failed ? ' bad' : ''}`;
    setText('hint', failed ? [word.message, word.hint].filter(Boolean).join('. ') : word);
    show('hint', true);
    announce(byId('hint').textContent);
}

/** Asks for an operation; `lookWatched` says what becomes of it. */
export async function place(path) {
    try {
        const asked = await order(path);
        watched = asked.id;
        say(`${nameOf(asked)} ${asked.state}…`);
    } catch (problem) {
        say(problem);
    }
}

/** True once the operation is over, and then for once. */
export async function lookWatched() {
    if (watched === null) return false;
    const one = await ask(`/api/v1/operations/${watched}`);
    if (one.state === 'done') say(`${nameOf(one)}: ${one.result ?? 'done'}`);
    else if (one.state === 'failed') say(Object.assign(new Error(`${nameOf(one)}: ${one.error}`), one));
    else return false;
    watched = null;
    return true;
}

export function renderOperations({ operations }) {
    show('operations-card', operations.length > 0);
    byId('operations').replaceChildren(h('table', null,
        h('thead', null, h('tr', null, ['What', 'State', 'Asked', 'Outcome'].map((name) =>
            h('th', { scope: 'col' }, name)))),
        h('tbody', null, operations.slice(0, 8).map((one) => h('tr', null,
            h('th', { scope: 'row' }, nameOf(one)),
            h('td', { class: 'state' }, pill(one.state)),
            h('td', null, formatWhen(one.created_at)),
            h('td', { class: 'text' }, one.error ?? one.result ?? ''))))));
}
