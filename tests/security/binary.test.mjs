// SPDX-License-Identifier: Apache-2.0
//
// What the compiler and the linker were asked for is in the program: readelf's word for it.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { arch } from 'node:process';
import { describe, it } from 'node:test';
import { program } from '../integration/harness.mjs';

function tool(name, ...args) {
    return execFileSync(name, [...args, program], { encoding: 'utf8', maxBuffer: 1 << 28 });
}

const symbols = tool('readelf', '--wide', '--dyn-syms');
const sanitized = /__(asan|tsan|msan)_init/.test(symbols); // it has walls of its own

describe('the program', () => {
    it('is position-independent', () => {
        assert.match(tool('readelf', '--file-header'), /Type:\s+DYN/);
        assert.match(tool('readelf', '--dynamic'), /FLAGS_1.*\bPIE\b/);
    });

    it('has no table of addresses that can be written: full RELRO', () => {
        assert.match(tool('readelf', '--wide', '--program-headers'), /GNU_RELRO/);
        assert.match(tool('readelf', '--dynamic'), /BIND_NOW|FLAGS_1.*\bNOW\b/);
    });

    it('has no memory that is both written and run', () => {
        const headers = tool('readelf', '--wide', '--program-headers');
        assert.match(headers, /GNU_STACK\s.*\sRW\s/);
        assert.doesNotMatch(headers, /^\s+LOAD\s.*\sRWE\s/m);
        assert.doesNotMatch(tool('readelf', '--dynamic'), /TEXTREL/);
    });

    it('takes no library from a directory of its own', () => {
        assert.doesNotMatch(tool('readelf', '--dynamic'), /R(UN)?PATH/);
    });

    it('watches its stack', () => {
        assert.match(symbols, /__stack_chk_fail/);
    });

    it('calls the C library with the sizes of its buffers', { skip: sanitized }, () => {
        assert.match(symbols, /__v?snprintf_chk/);
        assert.match(symbols, /__memcpy_chk|__memmove_chk|__strcat_chk|__read_chk|__pread64_chk/);
    });

    it('marks where a jump may land', { skip: arch !== 'x64' }, () => {
        assert.match(tool('objdump', '--disassemble=main'), /endbr64/);
    });

    it('probes every page of a large stack frame', { skip: sanitized || arch !== 'x64' }, () => {
        assert.match(tool('objdump', '--disassemble=scb_file_read_all'),
            /sub\s+\$0x1000,%rsp[\s\S]*orq?\s+\$0x0,/);
    });
});
