"""Arrays of samples as files: as many as a measurement asks for."""

import ast
import struct

MAGIC = b"\x93NUMPY"


def read_header(file):
    """Shape, dtype text and order of an open .npy file, which is left at its data."""
    if file.read(6) != MAGIC:
        raise SystemExit(f"{file.name} is no .npy file")
    major = file.read(2)[0]
    size = struct.unpack("<H", file.read(2))[0] if major == 1 else struct.unpack("<I", file.read(4))[0]
    header = ast.literal_eval(file.read(size).decode("latin1"))
    return header["shape"], header["descr"], header["fortran_order"]


def cycle(source, count, target):
    """Writes `count` samples to `target`: those of `source` over and over."""
    with open(source, "rb") as file:
        shape, descr, fortran = read_header(file)
        if fortran:
            raise SystemExit(f"{source} is in Fortran order; save it in C order")
        data = file.read()
    each = len(data) // shape[0]
    header = repr({"descr": descr, "fortran_order": False, "shape": (count, *shape[1:])}).encode("latin1")
    header += b" " * (-(len(header) + 11) % 64) + b"\n"
    with open(target, "wb") as file:
        file.write(MAGIC + b"\x01\x00" + struct.pack("<H", len(header)) + header)
        whole, rest = divmod(count, shape[0])
        for _ in range(whole):
            file.write(data)
        file.write(data[:rest * each])
    return target
