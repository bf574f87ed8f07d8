// SPDX-License-Identifier: Apache-2.0
//
// The little of the contract ABI that a fake node needs, written by hand so that tests can bend
// it: a library would refuse to encode what is wrong.

import { toFunctionSelector } from 'viem';

export const SELECTORS = {
    total: toFunctionSelector('getTotalKeys()'),
    page: toFunctionSelector('getPaginatedKeyValues(uint256,uint256)'),
};

/** An unsigned number as a 32-byte word in hex, without 0x. */
export function wordHex(number) {
    return BigInt(number).toString(16).padStart(64, '0');
}

function stringHex(bytes) {
    const padded = Math.ceil(bytes.length / 32) * 64;
    return wordHex(bytes.length) + bytes.toString('hex').padEnd(padded, '0');
}

function headAndTails(parts) {
    let offset = 32 * parts.length;
    let heads = '';
    for (const part of parts) {
        heads += wordHex(offset);
        offset += part.length / 2;
    }
    return heads + parts.join('');
}

/** The encoding of (string[], string[], …), each array a list of Buffers. */
export function encodeArrays(arrays) {
    return `0x${headAndTails(arrays.map((array) =>
        wordHex(array.length) + headAndTails(array.map(stringHex))))}`;
}

/** What getPaginatedKeyValues answers for these entries. */
export function encodePage(entries) {
    return encodeArrays(['key', 'value', 'versionId'].map((member) =>
        entries.map((entry) => entry[member])));
}

/** The arguments of a page call: [startIndex, count]. */
export function decodePageCall(data) {
    const words = [data.slice(10, 74), data.slice(74, 138)];
    return words.map((word) => Number(BigInt(`0x${word}`)));
}
