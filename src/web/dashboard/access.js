// SPDX-License-Identifier: Apache-2.0
//
// Who looks, and what they may: the service's word, and the dialog that takes a token.

import { ask, forgetToken, hasToken, keepToken } from './api.js';
import { byId, setText, show } from './format.js';

const ROLES = ['none', 'viewer', 'operator', 'admin'];

let ownRole = 'none';

export const may = (role) => ROLES.indexOf(ownRole) >= ROLES.indexOf(role);

export async function lookWho() {
    const signedIn = hasToken();
    try {
        const { role, caller } = await ask('/api/v1/whoami');
        ownRole = role;
        setText('role', caller ? `${role} · ${caller}` : role);
        show('role', role !== 'none');
    } catch (problem) {
        if (problem.status !== 401 || !signedIn) throw problem;
        forgetToken();
        return lookWho();
    }
    show('sign-in', !hasToken());
    show('sign-out', hasToken());
    return undefined;
}

async function signIn(token) {
    keepToken(token);
    try {
        await ask('/api/v1/whoami');
    } catch (problem) {
        forgetToken();
        throw problem;
    }
    await lookWho();
}

/** @param {() => Promise<void>} then after somebody has signed in */
export function onSignIn(then) {
    byId('sign-in').addEventListener('click', () => {
        setText('token-problem', '');
        byId('token-dialog').showModal();
    });
    byId('sign-out').addEventListener('click', () => {
        forgetToken();
        location.reload();
    });
    byId('token-cancel').addEventListener('click', () => byId('token-dialog').close());
    byId('token-dialog').addEventListener('close', () => { byId('token').value = ''; });
    byId('token-form').addEventListener('submit', async (event) => {
        event.preventDefault();
        try {
            await signIn(byId('token').value.trim());
            byId('token-dialog').close();
            await then();
        } catch (problem) {
            setText('token-problem', problem.message);
        }
    });
}
