// SPDX-License-Identifier: Apache-2.0
//
// The service's API, asked with the token of this tab where there is one.

const TOKEN = 'satellite-token';

export const hasToken = () => sessionStorage.getItem(TOKEN) !== null;
export const keepToken = (token) => sessionStorage.setItem(TOKEN, token);
export const forgetToken = () => sessionStorage.removeItem(TOKEN);

class Problem extends Error {
    constructor(problem, status) {
        super(problem.detail ?? `HTTP ${status}`);
        this.status = status;
        this.hint = problem.hint;
    }
}

export async function ask(path, options = {}) {
    const headers = { Accept: 'application/json' };
    const token = sessionStorage.getItem(TOKEN);
    if (token) headers.Authorization = `Bearer ${token}`;
    if (options.body) headers['Content-Type'] = 'application/json';
    const answer = await fetch(path, { ...options, headers, cache: 'no-store' });
    const body = await answer.json().catch(() => ({}));
    if (!answer.ok) throw new Problem(body, answer.status);
    return body;
}

export const order = (path, body = {}) => ask(path, { method: 'POST', body: JSON.stringify(body) });
