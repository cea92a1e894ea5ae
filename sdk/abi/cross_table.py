#!/usr/bin/env python3
"""The table of the ABI for a system that this machine only compiles for.

    cross_table.py --compiler CLANG --target aarch64-linux-gnu --like TABLE (--check FILE | --update FILE)

Compiles fields.inc for the target, reads sizes and offsets out of the assembly, and puts them in the place of the numbers of TABLE,
which abi_witness wrote for this machine. signatures.c is compiled for the target as well. Needs a compiler that takes --target.
"""

import argparse
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ABI = Path(__file__).resolve().parent
SOURCE = """
#include "halftone/embed.h"
#include "halftone/halftone.h"
const unsigned long long ht_table[] = {
#define STRUCT(name) sizeof(name),
#define FLAT(name) sizeof(name),
#define FIELD(name, member, ...) offsetof(name, member), sizeof(((name *)0)->member),
#define END(name)
#define TYPE(name, ...) sizeof(name),
#define FUNCTION(name, ...)
#define NUMBER(name) (unsigned long long)(name),
#define TEXT(name)
#include "fields.inc"
};
"""


def compile_for(arguments, source, *flags):
    command = [arguments.compiler, f"--target={arguments.target}", "-std=c11", "-ffreestanding", "-Wall", "-Werror", "-ferror-limit=3",
               f"-I{ABI.parent / 'include'}", f"-I{ABI}", *flags, str(source)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(command)}:\n{done.stderr}")
    return done.stdout


def numbers(arguments):
    """What the array holds, in its order. Runs of zeros are one directive."""
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "table.c"
        source.write_text(SOURCE, encoding="utf-8")
        assembly = compile_for(arguments, source, "-S", "-o", "-")
    body = assembly.split("ht_table:", 1)[1].split(".size", 1)[0]
    found = []
    for directive, value in re.findall(r"\.(xword|quad|8byte|zero)\s+(\d+)", body):
        found += [0] * (int(value) // 8) if directive == "zero" else [int(value)]
    return found


def table_of(text, values):
    """The lines of `text` with `values` in the place of their numbers."""
    try:
        return with_numbers(text, iter(values))
    except StopIteration:
        raise SystemExit("fewer numbers than the table has; write it anew with abi_witness --update, for a target of 64 bits") from None


def with_numbers(text, left):
    lines = []
    for line in text.splitlines():
        if line.startswith("  "):
            rest = line.split(maxsplit=2)[2]
            lines.append(f"  {next(left)} {next(left)} {rest}")
            continue
        kind, name, rest = (line.split(maxsplit=2) + [""])[:3]
        if kind in ("struct", "flat", "number"):
            line = f"{kind} {name} {next(left)}"
        elif kind == "type":
            line = f"{kind} {name} {next(left)}:{rest.split(':', 1)[1]}"
        lines.append(line)
    if next(left, None) is not None:
        raise SystemExit("the table has fewer numbers than fields.inc; write it anew with abi_witness --update")
    return "\n".join(lines) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--compiler", required=True)
    parser.add_argument("--target", required=True)
    parser.add_argument("--like", required=True, type=Path)
    action = parser.add_mutually_exclusive_group(required=True)
    action.add_argument("--check", type=Path)
    action.add_argument("--update", type=Path)
    arguments = parser.parse_args()
    compile_for(arguments, ABI / "signatures.c", "-fsyntax-only")
    table = table_of(arguments.like.read_text(encoding="utf-8"), numbers(arguments))
    if arguments.update:
        arguments.update.write_text(table, encoding="utf-8")
        return
    golden = arguments.check.read_text(encoding="utf-8").splitlines()
    for number, (was, now) in enumerate(zip(golden + [""], table.splitlines() + [""]), 1):
        if was != now:
            print(f"line {number} of {arguments.check.name} differs\n  golden: {was}\n  now:    {now}", file=sys.stderr)
            raise SystemExit("If the change is meant: add it to sdk/abi/CHANGES.md, then run cross_table.py with --update.")


if __name__ == "__main__":
    main()
