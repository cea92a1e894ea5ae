#!/usr/bin/env python3
"""Says whether a table of the ABI only adds to a released one.

    released_table.py NOW RELEASED ...

NOW is a table that abi_witness wrote, RELEASED are tables of released minor versions (sdk/abi/released). Exit status 0: everything
that a released table has is in NOW at the same offset with the same type; 1: something was inserted, moved, renamed, changed or
taken away, or a struct grew that lies inside another one.
"""

import re
import sys
from pathlib import Path

# The one number that counts versions.
COUNTERS = {"HT_ABI_MINOR"}


class Table:
    def __init__(self, text):
        self.structs, self.single = {}, {}  # name: (kind, size, field lines); "number NAME", "type NAME" ...: the rest
        fields = None
        for line in text.splitlines():
            words = line.split()
            if line.startswith("  "):
                fields.append(line.strip())
            elif words[0] in ("struct", "flat"):
                fields = []
                self.structs[words[1]] = (words[0], int(words[2]), fields)
            else:
                self.single[" ".join(words[:2]).rstrip(":")] = line

    def by_value(self):
        """Structs that lie inside others, whose growth would move their neighbours."""
        types = {field.split(": ", 1)[1] for _, _, fields in self.structs.values() for field in fields}
        types = {re.sub(r"\s*\[.*\]$", "", name) for name in types}
        return {name for name in self.structs if name in types}


def struct_breaches(name, released, now, fixed):
    kind, size, fields = released
    if now is None:
        return [f"{kind} {name} is gone"]
    now_kind, now_size, now_fields = now
    found = []
    if now_kind != kind:
        found.append(f"{name} was {kind} and is {now_kind}")
    for number, field in enumerate(fields):
        other = now_fields[number] if number < len(now_fields) else "nothing"
        if field != other:
            found.append(f"{name}: field {number + 1} was '{field}' and is '{other}'")
            break
    if now_size < size:
        found.append(f"{name} shrank from {size} to {now_size} bytes")
    if now_size > size and (kind == "flat" or name in fixed):
        found.append(f"{name} grew from {size} to {now_size} bytes, and may not: {'it has no size field' if kind == 'flat' else 'it lies inside another struct'}")
    return found


def breaches(released_text, now_text):
    released, now = Table(released_text), Table(now_text)
    found = []
    for name, struct in released.structs.items():
        found += struct_breaches(name, struct, now.structs.get(name), released.by_value())
    for key, line in released.single.items():
        if key.split()[-1] not in COUNTERS and now.single.get(key) != line:
            found.append(f"was '{line}' and is '{now.single.get(key, 'gone')}'")
    return found


def main():
    if len(sys.argv) < 3:
        raise SystemExit(__doc__)
    now = Path(sys.argv[1]).read_text(encoding="utf-8")
    found = [f"{Path(path).stem}: {breach}" for path in sys.argv[2:]
             for breach in breaches(Path(path).read_text(encoding="utf-8"), now)]
    for line in found:
        print(f"since ABI {line}", file=sys.stderr)
    if found:
        raise SystemExit("Plug-ins built for a released minor would break. Add at the end of a struct, or offer a new revision of the service.")
    print(f"adds to {len(sys.argv) - 2} released table(s) and changes nothing in them")


if __name__ == "__main__":
    main()
