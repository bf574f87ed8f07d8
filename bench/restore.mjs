// raw rate: sends journal's raw transactions to a fresh anvil in windowed pipeline
import { startAnvil } from '../tests/chain/anvil.mjs';
import { deploy, calldata, totalKeys } from '../tests/chain/contract.mjs';
import { realisticEntries } from '../tests/chain/entries.mjs';
import { rpc } from '../tests/chain/rpc.mjs';
import { Store, ANVIL_ARGS, run, DATE } from '../tests/integration/harness.mjs';
import { keystoreText, testKey } from '../tests/chain/keystore.mjs';
import { createEntries } from '../tests/chain/contract.mjs';
import { privateKeyToAccount } from 'viem/accounts';
import { mkdtempSync, writeFileSync, rmSync } from 'node:fs';
const N = Number(process.argv[2] ?? 1000);
const entries = realisticEntries(N);
async function rawRate() {
    const b = await startAnvil({ args: ANVIL_ARGS });
    try {
        const address = await deploy(b.url);
        const account = privateKeyToAccount('0x' + testKey(0).toString('hex'));
        const raws = [];
        for (let i = 0; i < N; i++) raws.push(await account.signTransaction({ type: 'eip1559', chainId: 31337, nonce: i + 1, to: address, gas: 400000n, maxFeePerGas: 3000000000n, maxPriorityFeePerGas: 1000000000n, data: calldata('createKeyValue', [entries[i].key, entries[i].value, entries[i].versionId]) }));
        const start = performance.now();
        let next = 0;
        async function worker() { while (next < N) { const raw = raws[next++]; await rpc(b.url, 'eth_sendRawTransaction', raw); } }
        await Promise.all(Array.from({ length: 16 }, worker));
        while (await totalKeys(b.url, address) < N) await new Promise((r) => setTimeout(r, 10));
        const s = (performance.now() - start) / 1000;
        console.log('raw', (N / s).toFixed(0), 'tx/s');
    } finally { await b.stop(); }
}
async function restoreRate() {
    const dir = mkdtempSync('/tmp/raw-');
    const a = await startAnvil({ args: ANVIL_ARGS });
    const b = await startAnvil({ args: ANVIL_ARGS });
    try {
        const address = await deploy(a.url);
        await createEntries(a.url, address, entries);
        const store = new Store(dir + '/a', { url: a.url, address }, { 'contract-block': 'latest' });
        await store.mustRun();
        await a.stop();
        const target = await deploy(b.url);
        writeFileSync(dir + '/key.json', keystoreText(testKey(0), 'secret'));
        writeFileSync(dir + '/pw', 'secret\n');
        const args = store.args('restore', '--rpc-url', b.url, '--contract', target, '--keystore', dir + '/key.json', '--password-file', dir + '/pw', '--contract-confirmations', '0');
        const r = await run([...args, '--yes', '--max-total-cost', '100ether', '--json']);
        const j = JSON.parse(r.stdout);
        console.log('restore', (N / j.sending_ms * 1000).toFixed(0), 'tx/s sending;', j.duration_ms, 'ms in all');
    } finally { await b.stop(); rmSync(dir, { recursive: true }); }
}
await rawRate(); await restoreRate(); await rawRate(); await restoreRate();
