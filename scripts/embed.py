#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes files as C arrays: embed.py HEADER OUTPUT NAME=FILE ...

NAME and NAME_size are declared in HEADER. Of a compiled contract (NAME=FILE#bytecode) only its
bytecode is taken.
"""

import json
import sys


def content(source):
    path, _, member = source.partition("#")
    with open(path, "rb") as file:
        data = file.read()
    return bytes.fromhex(json.loads(data)[member].removeprefix("0x")) if member else data


def array(name, data):
    lines = [
        "  " + "".join(f"0x{byte:02x}, " for byte in data[at : at + 16]).rstrip()
        for at in range(0, len(data), 16)
    ]
    return (
        f"const unsigned char {name}[] = {{\n" + "\n".join(lines) + "\n};\n"
        f"const size_t {name}_size = {len(data)};\n"
    )


header, output, *sources = sys.argv[1:]
with open(output, "w", encoding="utf-8") as out:
    out.write(f'#include "{header}"\n')
    for source in sources:
        name, _, path = source.partition("=")
        out.write("\n" + array(name, content(path)))
