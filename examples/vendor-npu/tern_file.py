"""Reads .tern files (FORMAT.md) and computes what Tern would, with NumPy integers and nothing of Halftone.

    python3 tern_file.py model.tern                       lists the program
    python3 tern_file.py model.tern x.npy y.npy           runs it on float32 samples that are preprocessed
"""
import struct
import sys

import numpy

PRODUCT, TABLE, ADD, MULTIPLY, MAX_POOL, MEAN, CONCAT, MOVE = range(1, 9)
NAMES = ["", "PRODUCT", "TABLE", "ADD", "MULTIPLY", "MAX_POOL", "MEAN", "CONCAT", "MOVE"]


class Words:
    """Little-endian words of a file, one after the other."""

    def __init__(self, data):
        self.data, self.at = data, 0

    def one(self, form="<i"):
        (value,) = struct.unpack_from(form, self.data, self.at)
        self.at += 4
        return value

    def many(self):
        return [self.one() for _ in range(self.one())]

    def text(self):
        size = self.one()
        value = self.data[self.at:self.at + size].decode()
        self.align(4, size)
        return value

    def align(self, to, skip=0):
        self.at = (self.at + skip + to - 1) // to * to


class Program:
    def __init__(self, data):
        if data[:4] != b"TERN":
            raise ValueError("no Tern program")
        words = Words(data)
        words.at = 4
        version = words.one()
        if version != 1:
            raise ValueError(f"version {version} of the format is not known")
        alignment = words.one()
        self.tensors = []
        for _ in range(words.one()):
            name = words.text()
            self.tensors.append({"name": name, "scale": numpy.float32(words.one("<f")), "zero": words.one(),
                                 "shape": words.many()})
        self.inputs, self.outputs = words.many(), words.many()
        count, program = words.one(), words.many()
        self.instructions = []
        while program:
            self.instructions.append((program[0], program[2:2 + program[1]]))
            program = program[2 + program[1]:]
        if len(self.instructions) != count:
            raise ValueError(f"{len(self.instructions)} instructions, not {count}")
        size = words.one()
        words.align(alignment)
        self.data = data[words.at:words.at + size]
        if len(self.data) != size:
            raise ValueError("the file ends too soon")

    def words_at(self, offset, count):
        return numpy.frombuffer(self.data, "<i4", count, offset).astype(numpy.int64)

    def table_at(self, offset):
        return numpy.frombuffer(self.data, numpy.uint8, 256, offset).astype(numpy.int64)

    def codes_at(self, offset, count, bits):
        """`count` signed codes of `bits` each, packed without gaps."""
        size = (count * bits + 7) // 8
        stream = numpy.unpackbits(numpy.frombuffer(self.data, numpy.uint8, size, offset), bitorder="little")
        codes = stream[:count * bits].reshape(count, bits).astype(numpy.int64) @ (1 << numpy.arange(bits, dtype=numpy.int64))
        return numpy.where(codes >= 1 << (bits - 1), codes - (1 << bits), codes)

    def weights_of(self, operands):
        """Of a PRODUCT: codes by output channel, input channel of its group, height and width."""
        out, source, at, bits, channels, group, kernel_h, kernel_w = operands[:8]
        shape = self.tensors[source]["shape"]
        inputs = shape[0] // group if len(shape) == 3 else int(numpy.prod(shape))
        count = channels * inputs * kernel_h * kernel_w
        return self.codes_at(at, count, bits).reshape(channels, inputs, kernel_h, kernel_w)


def shifted(value, multiplier, shift, away=False):
    """round(value * multiplier / 2^shift): halves to even, or away from zero."""
    product = value * multiplier
    shift = numpy.minimum(shift, 62)
    below = product >> shift
    rest = product - (below << shift)
    half = numpy.left_shift(numpy.int64(1), shift) >> 1
    tie = (product > 0) if away else (below & 1) != 0
    return below + ((rest > half) | ((rest == half) & tie & (shift > 0)))


def to_codes(value, zero, low, high):
    return numpy.clip(value + zero, low, high)


def windows(image, kernel, strides, dilations, pads, size, fill):
    """Every window of [n, c, h, w]: [n, c, out_h, out_w, kernel_h, kernel_w]. Beyond the image lies `fill`."""
    reach = [(kernel[i] - 1) * dilations[i] + 1 for i in (0, 1)]
    after = [max((size[i] - 1) * strides[i] + reach[i] - image.shape[2 + i] - pads[i], 0) for i in (0, 1)]
    padded = numpy.pad(image, ((0, 0), (0, 0), (pads[0], after[0]), (pads[1], after[1])), constant_values=fill)
    view = numpy.lib.stride_tricks.sliding_window_view(padded, reach, axis=(2, 3))
    view = view[:, :, ::strides[0], ::strides[1], ::dilations[0], ::dilations[1]]
    return view[:, :, :size[0], :size[1]]


class Device:
    """Runs a program on a batch of samples; `codes` has every tensor afterwards."""

    def __init__(self, program):
        self.program, self.codes = program, {}

    def run(self, *inputs):
        for number, x in zip(self.program.inputs, inputs):
            tensor = self.program.tensors[number]
            rounded = numpy.rint(x.astype(numpy.float32) / tensor["scale"]).astype(numpy.int64)
            self.codes[number] = to_codes(rounded, tensor["zero"], 0, 255)
        for op, operands in self.program.instructions:
            self.codes[operands[0]] = getattr(self, NAMES[op].lower())(*operands)
        return [((self.codes[number] - self.program.tensors[number]["zero"]).astype(numpy.float32)
                 * self.program.tensors[number]["scale"]) for number in self.program.outputs]

    def zero(self, number):
        return self.program.tensors[number]["zero"]

    def centred(self, number):
        return self.codes[number] - self.zero(number)

    def product(self, out, source, at, bits, channels, group, kernel_h, kernel_w, stride_h, stride_w, dilation_h, dilation_w,
                pad_top, pad_left, bias_at, multiplier_at, shift_at, low, high):
        program = self.program
        weights = program.weights_of([out, source, at, bits, channels, group, kernel_h, kernel_w])
        image, size = self.centred(source), program.tensors[out]["shape"]
        if image.ndim != 4:
            image = image.reshape(len(image), -1, 1, 1)
        spatial = size[1:] if len(size) == 3 else [1, 1]
        taps = windows(image, (kernel_h, kernel_w), (stride_h, stride_w), (dilation_h, dilation_w), (pad_top, pad_left), spatial, 0)
        taps = taps.reshape(len(taps), group, -1, *spatial, kernel_h, kernel_w)
        weights = weights.reshape(group, channels // group, -1, kernel_h, kernel_w)
        # Codes and sums are far below 2^53: sums of float64 are exact, and fast.
        sums = numpy.einsum("ngcyxhw,gochw->ngoyx", taps.astype(numpy.float64), weights.astype(numpy.float64), optimize=True)
        sums = sums.reshape(len(taps), channels, *spatial).astype(numpy.int64)
        column = (1, channels, 1, 1)
        sums = sums + program.words_at(bias_at, channels).reshape(column)
        if numpy.abs(sums).max(initial=0) >= 1 << 31:
            raise OverflowError("a sum leaves 32 bits")
        scaled = shifted(sums, program.words_at(multiplier_at, channels).reshape(column),
                         program.words_at(shift_at, channels).reshape(column))
        return to_codes(scaled, self.zero(out), low, high).reshape(len(taps), *size)

    def table(self, _out, source, at):
        return self.program.table_at(at)[self.codes[source]]

    def add(self, out, a, b, multiplier_a, shift_a, multiplier_b, shift_b, multiplier, shift, low, high):
        left = shifted(self.centred(a) << 20, multiplier_a, numpy.int64(shift_a), away=True)
        right = shifted(self.centred(b) << 20, multiplier_b, numpy.int64(shift_b), away=True)
        return to_codes(shifted(left + right, multiplier, numpy.int64(shift)), self.zero(out), low, high)

    def multiply(self, out, a, b, multiplier, shift, low, high):
        return to_codes(shifted(self.centred(a) * self.centred(b), multiplier, numpy.int64(shift)), self.zero(out), low, high)

    def max_pool(self, out, source, kernel_h, kernel_w, stride_h, stride_w, pad_top, pad_left):
        size = self.program.tensors[out]["shape"][1:]
        return windows(self.codes[source], (kernel_h, kernel_w), (stride_h, stride_w), (1, 1), (pad_top, pad_left), size, 0).max(
            axis=(4, 5))

    def mean(self, out, source, multiplier, shift, low, high):
        codes = self.centred(source)
        count = int(numpy.prod(codes.shape[2:]))
        total = codes.sum(axis=tuple(range(2, codes.ndim)), keepdims=True)
        mean = numpy.sign(total) * ((2 * numpy.abs(total) + count) // (2 * count))  # halves away from zero
        return to_codes(shifted(mean, multiplier, numpy.int64(shift)), self.zero(out), low, high)

    def concat(self, _out, axis, *parts):
        return numpy.concatenate([self.codes[part] for part in parts], axis=axis + 1)

    def move(self, out, source):
        return self.codes[source].reshape(len(self.codes[source]), *self.program.tensors[out]["shape"])


def read(path):
    with open(path, "rb") as file:
        return Program(file.read())


def listing(program):
    for op, operands in program.instructions:
        tensor = program.tensors[operands[0]]
        bits = f" weights of {operands[3]} bits" if op == PRODUCT else ""
        yield f"{NAMES[op]:9}{tensor['name']} {tensor['shape']} scale {tensor['scale']:.6g} zero {tensor['zero']}{bits}"
    yield f"{len(program.instructions)} instructions, {len(program.data)} bytes of data"


def main(arguments):
    program = read(arguments[0])
    if len(arguments) == 1:
        print("\n".join(listing(program)))
        return
    outputs = Device(program).run(*[numpy.load(path) for path in arguments[1:-1]])
    numpy.save(arguments[-1], outputs[0])


if __name__ == "__main__":
    main(sys.argv[1:])
