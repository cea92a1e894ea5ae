"""The ctypes structs against the golden table of the ABI, and the functions against those that the library exports."""
import ctypes
import os
import pathlib
import re
import subprocess
import unittest

from halftone import _library, _structs

ABI = pathlib.Path(os.environ["HALFTONE_ABI"])


def golden():
    """{struct: (size, [(offset, size, name)])}"""
    table, fields = {}, []
    for line in (ABI / "golden" / "linux-x86_64.txt").read_text().splitlines():
        head = re.match(r"(?:struct|flat) (\w+) (\d+)$", line)
        field = re.match(r"  (\d+) (\d+) (\w+):", line)
        if head:
            fields = []
            table[head.group(1)] = (int(head.group(2)), fields)
        elif field:
            fields.append((int(field.group(1)), int(field.group(2)), field.group(3)))
    return table


class Layout(unittest.TestCase):
    def test_structs(self):
        table = golden()
        for name, struct in _structs.C_NAMES.items():
            with self.subTest(name):
                size, fields = table[name]
                ours = [(getattr(struct, field).offset, getattr(struct, field).size, field) for field, _ in struct._fields_]
                self.assertEqual(ours, fields[:len(ours)])
                self.assertIn(ctypes.sizeof(struct), (size, sum(field[1] for field in fields[:len(ours)])))

    def test_functions(self):
        """The package knows every function of embed.h, and the library exports these and no others."""
        header = (ABI.parent / "include" / "halftone" / "embed.h").read_text()
        declared = set(re.findall(r"HT_CALL (ht_\w+)\(", re.sub(r"/\*.*?\*/", "", header, flags=re.S)))
        declared = {name for name in declared if f"HT_CALL *{name}" not in header} | {"ht_register"}
        self.assertEqual(set(_library._SIGNATURES), declared)
        listed = subprocess.run(["nm", "-D", "--defined-only", _library.library()._name], capture_output=True, text=True,
                                check=True).stdout
        exported = {line.split()[-1] for line in listed.splitlines()}
        self.assertEqual(exported, {f"{name}@@HALFTONE_0" for name in declared} | {"HALFTONE_0"})


if __name__ == "__main__":
    unittest.main()
