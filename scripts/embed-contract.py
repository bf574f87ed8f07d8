#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes a compiled contract's bytecode as a C array: embed-contract.py ARTIFACT OUTPUT"""

import json
import sys

with open(sys.argv[1], encoding="utf-8") as artifact:
    code = bytes.fromhex(json.load(artifact)["bytecode"].removeprefix("0x"))

lines = [
    "  " + "".join(f"0x{byte:02x}, " for byte in code[at : at + 16]).rstrip()
    for at in range(0, len(code), 16)
]
with open(sys.argv[2], "w", encoding="utf-8") as out:
    out.write('#include "job/embedded_contract.h"\n\n')
    out.write("const unsigned char scb_embedded_contract[] = {\n" + "\n".join(lines) + "\n};\n")
    out.write(f"const size_t scb_embedded_contract_size = {len(code)};\n")
