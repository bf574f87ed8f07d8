// SPDX-License-Identifier: Apache-2.0
//
// JSON-RPC over HTTP, for tests: an error answer is an exception.

async function post(url, body) {
    const response = await fetch(url, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
    });
    return response.json();
}

function resultOf(answer, method) {
    if (answer.error) throw new Error(`${method}: ${answer.error.message}`);
    return answer.result;
}

export async function rpc(url, method, ...params) {
    return resultOf(await post(url, { jsonrpc: '2.0', id: 1, method, params }), method);
}

/** Sends many calls of one method in one request; returns their results in order. */
export async function rpcBatch(url, method, listOfParams) {
    const calls = listOfParams.map((params, id) => ({ jsonrpc: '2.0', id, method, params }));
    const answers = await post(url, calls);
    if (!Array.isArray(answers)) return [resultOf(answers, method)];
    answers.sort((a, b) => a.id - b.id);
    return answers.map((answer) => resultOf(answer, method));
}
