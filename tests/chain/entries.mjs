// SPDX-License-Identifier: Apache-2.0
//
// Entries to fill a contract with: { key, value, versionId }, all Buffers. The same ones each time.

const PREFIXES = ['user_profile', 'key_share', 'bucket_policy', 'access_grant', 'node_audit'];
const PLANS = ['free', 'pro', 'team', 'enterprise'];
const REGIONS = ['us1', 'eu1', 'ap1'];

/** A number that looks random and depends on nothing but its two inputs (murmur3's finalizer). */
function mix(index, seed) {
    let h = (index * 0x9e3779b1 + seed * 0x85ebca6b) >>> 0;
    h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
    h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
    return (h ^ (h >>> 16)) >>> 0;
}

function pick(list, index, seed) {
    return list[mix(index, seed) % list.length];
}

function hex(index, seed, digits) {
    let text = '';
    for (let i = 0; text.length < digits; i++) {
        text += mix(index, seed + i).toString(16).padStart(8, '0');
    }
    return text.slice(0, digits);
}

/** Entry number `index` of an endless realistic store; values are 145 to 155 bytes long. */
export function realisticEntry(index) {
    const prefix = PREFIXES[index % PREFIXES.length];
    const number = String(index).padStart(6, '0');
    const value = {
        id: number,
        owner: `0x${hex(index, 10, 40)}`,
        plan: pick(PLANS, index, 1),
        region: pick(REGIONS, index, 2),
        quota_gb: mix(index, 3) % 10_000,
        updated_at: 1_700_000_000 + (mix(index, 4) % 10_000_000),
        tag: '',
    };
    const missing = 145 + (mix(index, 5) % 11) - JSON.stringify(value).length;
    value.tag = hex(index, 20, missing);
    const patch = mix(index, 6) % 4;
    return {
        key: Buffer.from(`${prefix}_${number}`),
        value: Buffer.from(JSON.stringify(value)),
        versionId: Buffer.from(`v1.${mix(index, 7) % 3}.${patch}`),
    };
}

export function realisticEntries(count, first = 0) {
    return Array.from({ length: count }, (_, i) => realisticEntry(first + i));
}

const ODD_BYTES = {
    'NUL bytes': Buffer.from('a\0b\0'),
    'invalid UTF-8': Buffer.from('fffe8041', 'hex'),
    'a cut sequence': Buffer.from('41e282', 'hex'),
    'quotes and backslashes': Buffer.from('"\\"\\\\/\\u0041'),
    'control characters': Buffer.from(Array.from({ length: 32 }, (_, i) => i)),
    'DEL and C1': Buffer.from('7fc280c29f', 'hex'),
    'four-byte emoji': Buffer.from('🛰️🔑'),
    'line separators': Buffer.from('\u2028\u2029'),
    'a byte order mark': Buffer.from('efbbbf41', 'hex'),
    'the last code point': Buffer.from('f48fbfbf', 'hex'),
    'past the last code point': Buffer.from('f4908080', 'hex'),
    'a lone surrogate': Buffer.from('eda080', 'hex'),
    'a surrogate pair in UTF-8': Buffer.from('eda081edb080', 'hex'),
    'an overlong slash': Buffer.from('c0af', 'hex'),
    'an overlong NUL': Buffer.from('e08080', 'hex'),
    'a noncharacter': Buffer.from('efbfbf', 'hex'),
    'JSON in JSON': Buffer.from('{"base64": ["value"], "a": null}'),
    'a path': Buffer.from('../../etc/passwd'),
};

/** Entries that a careless program loses or changes; all keys are distinct. */
export function oddEntries() {
    const plain = Buffer.from('plain');
    const empty = Buffer.alloc(0);
    const entries = [
        { key: empty, value: Buffer.from('the empty key'), versionId: Buffer.from('v1') },
        { key: Buffer.from('empty value'), value: empty, versionId: Buffer.from('v1') },
        { key: Buffer.from('empty version'), value: plain, versionId: empty },
        { key: Buffer.from('31 bytes: the longest short one'), value: plain, versionId: plain },
        { key: Buffer.from('32 bytes, which is one word full'), value: plain, versionId: plain },
        { key: Buffer.alloc(65_536, 'k'), value: plain, versionId: Buffer.from('64 KiB key') },
    ];
    for (const [name, bytes] of Object.entries(ODD_BYTES)) {
        entries.push(
            { key: bytes, value: plain, versionId: Buffer.from('v1') },
            { key: Buffer.from(`value: ${name}`), value: bytes, versionId: Buffer.from('v1') },
            { key: Buffer.from(`version: ${name}`), value: plain, versionId: bytes },
        );
    }
    const allThree = ['80', '81', '82'].map((text) => Buffer.from(text, 'hex'));
    entries.push({ key: allThree[0], value: allThree[1], versionId: allThree[2] });
    return entries;
}

const ODD_PIECES = [Buffer.alloc(0), ...Object.values(ODD_BYTES), Buffer.from('鍵値版'.repeat(30)),
    Buffer.alloc(2000, Buffer.from('long \xff\0"é', 'latin1'))];

/** Entry number `index` of an endless store whose keys, values and versions are odd bytes. */
export function oddEntry(index) {
    const number = Buffer.alloc(4);
    number.writeUInt32BE(index);
    return {
        key: Buffer.concat([number, pick(ODD_PIECES.slice(0, -1), index, 1)]),
        value: pick(ODD_PIECES, index, 2),
        versionId: pick(ODD_PIECES.slice(0, -1), index, 3),
    };
}

/** A value that no transaction can carry on most chains: set it in the node's storage. */
export function bigEntry(size = 3_000_000) {
    const value = Buffer.alloc(size);
    for (let i = 0; i < size; i++) value[i] = 0x20 + (mix(i, 30) % 0x5f);
    return { key: Buffer.from('big'), value, versionId: Buffer.from('v1') };
}
