// SPDX-License-Identifier: Apache-2.0
//
// Certificates of a test's own, for servers that it starts.

import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

function openssl(...args) {
    execFileSync('openssl', args, { stdio: 'ignore' });
}

/** A CA and a server certificate of it, for 127.0.0.1 or another name. */
export function makeCertificates(directory, name, subject = 'IP:127.0.0.1') {
    const at = (file) => join(directory, `${name}-${file}`);
    openssl('req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes',
        '-keyout', at('ca.key'), '-out', at('ca.pem'), '-subj', `/CN=${name}`, '-days', '2');
    openssl('req', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes',
        '-keyout', at('key.pem'), '-out', at('request.pem'), '-subj', '/CN=node');
    writeFileSync(at('extensions'), `subjectAltName=${subject}`);
    openssl('x509', '-req', '-in', at('request.pem'), '-CA', at('ca.pem'), '-CAkey', at('ca.key'),
        '-CAcreateserial', '-out', at('cert.pem'), '-days', '2', '-extfile', at('extensions'));
    return { ca: at('ca.pem'), cert: at('cert.pem'), key: at('key.pem') };
}
