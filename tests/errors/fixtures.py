"""What the cases name in `setup:`. Each function puts its files into the folder `work`; one that returns a list of
arguments wants the program to be run by that command."""
import os
import platform
import shutil
import struct
import subprocess
import zipfile
import zlib

import make_onnx as onnx


class Skip(Exception):
    """The case cannot be tried on this machine; the text says why."""


# --- plug-ins -----------------------------------------------------------------------------------------------------

def hostile(work, glyphs, plugins):
    """Plug-ins that misbehave, as the tests of the kernel use them; see tests/hostile."""
    for library in (plugins.parents[2] / "tests" / "hostile").glob("*.so"):
        shutil.copy(library, work / library.name)
    if not (work / "good.so").exists():
        raise Skip("the plug-ins that misbehave are not built")


# --- models -------------------------------------------------------------------------------------------------------

def small(work, glyphs, plugins):
    (work / "small.onnx").write_bytes(onnx.small_net())
    floats = [i % 17 / 17 for i in range(4 * 3 * 8 * 8)]
    npy(work / "small.npy", "<f4", (4, 3, 8, 8), struct.pack(f"<{len(floats)}f", *floats))


def unfolded(work, glyphs, plugins):
    """A convolution with a normalization that cannot be folded: its weight is computed, or a variance is below zero."""
    small(work, glyphs, plugins)
    for name, filter_name, variance in (("computed", "f", 1.0), ("negative", "w", -1.0)):
        nodes = [onnx.node("Neg", ["w"], ["f"]), onnx.conv(("x", filter_name)),
                 onnx.node("BatchNormalization", ["c", "scale", "shift", "mean", "var"], ["t"], "norm"), onnx.node("Relu", ["t"], ["y"])]
        values = {"scale": 1.0, "shift": 0.5, "mean": 0.25, "var": variance}
        stored = [onnx.tensor(parameter, (4,), [value] * 4) for parameter, value in values.items()]
        shape = ["N", 3, 8, 8]
        (work / f"{name}.onnx").write_bytes(onnx.model(
            nodes, [onnx.value_info("x", shape)], [onnx.value_info("y", ["N", 4, 8, 8])],
            [onnx.tensor("w", onnx.WEIGHT_SHAPE, onnx.WEIGHTS), *stored], opset=15))


def unfixed(work, glyphs, plugins):
    shape = ["N", 3, 8, "W"]
    (work / "unfixed.onnx").write_bytes(onnx.model(
        [onnx.node("Relu", ["x"], ["y"])], [onnx.value_info("x", shape)], [onnx.value_info("y", shape)]))


def two_inputs(work, glyphs, plugins):
    shape = ["N", 3, 8, 8]
    (work / "two.onnx").write_bytes(onnx.model(
        [onnx.node("Add", ["left", "right"], ["y"])],
        [onnx.value_info("left", shape), onnx.value_info("right", shape)], [onnx.value_info("y", shape)]))
    for name, count in (("left", 4), ("right", 3)):
        npy(work / f"{name}.npy", "<f4", (count, 3, 8, 8), bytes(count * 3 * 8 * 8 * 4))


def recurrent(work, glyphs, plugins):
    """state' = state + x, frame by frame."""
    shape = [1, 4]
    (work / "recurrent.onnx").write_bytes(onnx.model(
        [onnx.node("Add", ["x", "state"], ["stateN"]), onnx.node("Relu", ["stateN"], ["y"])],
        [onnx.value_info("x", shape), onnx.value_info("state", shape)],
        [onnx.value_info("y", shape), onnx.value_info("stateN", shape)]))
    frames = [i % 7 / 7 for i in range(3 * 1 * 6)]
    npy(work / "frames.npy", "<f4", (3, 1, 6), struct.pack(f"<{len(frames)}f", *frames))
    npy(work / "states.npy", "<f4", (3, 1, 4), struct.pack("<12f", *([0.0] * 12)))


def two_outputs(work, glyphs, plugins):
    nodes = [onnx.conv(), onnx.node("Relu", ["c"], ["y"]), onnx.node("Sigmoid", ["c"], ["z"])]
    (work / "two_outputs.onnx").write_bytes(onnx.small_net(nodes, outputs=(("y", 4), ("z", 4))))


def float_node(work, glyphs, plugins):
    """Neg is an operator that the platform does not quantize."""
    npy(work / "small.npy", "<f4", (4, 3, 8, 8), bytes(4 * 3 * 8 * 8 * 4))
    nodes = [onnx.conv(), onnx.node("Neg", ["c"], ["d"], "minus"), onnx.node("Neg", ["d"], ["y"], "plus")]
    (work / "small.onnx").write_bytes(onnx.small_net(nodes))


def other_width(work, glyphs, plugins):
    """The small net with two output channels instead of four."""
    weights = onnx.tensor("w", (2, 3, 3, 3), onnx.WEIGHTS[:54])
    (work / "other.onnx").write_bytes(onnx.small_net(weights=weights, outputs=(("y", 2),)))


def fixed_batch(work, glyphs, plugins):
    turn = onnx.node("Transpose", ["c"], ["t"], "turn", attributes=[onnx.ints_attribute("perm", [1, 0, 2, 3])])
    (work / "fixed.onnx").write_bytes(onnx.small_net([onnx.conv(), turn, onnx.node("Relu", ["t"], ["y"])], batch=2))


def empty_model(work, glyphs, plugins):
    (work / "empty.onnx").write_bytes(b"")


def truncated_model(work, glyphs, plugins):
    whole = (glyphs / "model.onnx").read_bytes()
    (work / "truncated.onnx").write_bytes(whole[:len(whole) // 2])


def text_model(work, glyphs, plugins):
    (work / "model.txt").write_text("This is not a model.\n")


def picture_model(work, glyphs, plugins):
    (work / "cat.png").write_bytes(png(8, 8))


def unknown_operator(work, glyphs, plugins):
    nodes = [onnx.conv(), onnx.node("Relluu", ["c"], ["y"], "act")]
    (work / "unknown.onnx").write_bytes(onnx.small_net(nodes))


def computed_scales(work, glyphs, plugins):
    """Quantized with scales that are taken from the data at run time."""
    nodes = [onnx.conv(), onnx.node("DynamicQuantizeLinear", ["c"], ["q", "s", "z"]),
             onnx.node("DequantizeLinear", ["q", "s", "z"], ["y"])]
    (work / "computed.onnx").write_bytes(onnx.small_net(nodes))


def foreign_operator(work, glyphs, plugins):
    """Valid for the reader, which knows nothing of the domain, but nothing can compute it."""
    nodes = [onnx.conv(), onnx.node("Warp", ["c"], ["y"], "warp", domain="acme")]
    (work / "foreign.onnx").write_bytes(onnx.small_net(nodes) + onnx.field(8, onnx.field(1, "acme") + onnx.field(2, 1)))


def cycle(work, glyphs, plugins):
    nodes = [onnx.conv(), onnx.node("Add", ["c", "b"], ["a"]), onnx.node("Relu", ["a"], ["b"]),
             onnx.node("Neg", ["b"], ["y"])]
    (work / "cycle.onnx").write_bytes(onnx.small_net(nodes))


def dangling(work, glyphs, plugins):
    (work / "dangling.onnx").write_bytes(onnx.small_net([onnx.conv(), onnx.node("Relu", ["nowhere"], ["y"])]))


def dangling_output(work, glyphs, plugins):
    (work / "dangling.onnx").write_bytes(onnx.small_net([onnx.conv(), onnx.node("Relu", ["c"], ["r"])]))


def duplicate_value(work, glyphs, plugins):
    nodes = [onnx.conv(), onnx.node("Relu", ["c"], ["y"]), onnx.node("Neg", ["c"], ["y"])]
    (work / "duplicate.onnx").write_bytes(onnx.small_net(nodes))


def external_missing(work, glyphs, plugins):
    (work / "external.onnx").write_bytes(
        onnx.small_net(weights=onnx.external_tensor("w", onnx.WEIGHT_SHAPE, "weights.bin")))


def external_weights(work, glyphs, plugins):
    """A model whose weights have the name that those of `out.onnx` would get."""
    small(work, glyphs, plugins)
    (work / "small.onnx").write_bytes(
        onnx.small_net(weights=onnx.external_tensor("w", onnx.WEIGHT_SHAPE, "out.onnx.data")))
    (work / "out.onnx.data").write_bytes(struct.pack(f"<{len(onnx.WEIGHTS)}f", *onnx.WEIGHTS))


def weights_called_y(work, glyphs, plugins):
    """A model whose weights have the name that its output `y` would get as an array."""
    small(work, glyphs, plugins)
    (work / "small.onnx").write_bytes(onnx.small_net(weights=onnx.external_tensor("w", onnx.WEIGHT_SHAPE, "y.npy")))
    (work / "y.npy").write_bytes(struct.pack(f"<{len(onnx.WEIGHTS)}f", *onnx.WEIGHTS))


def external_escape(work, glyphs, plugins):
    (work / "model").mkdir()
    (work / "weights.bin").write_bytes(bytes(432))
    (work / "model" / "external.onnx").write_bytes(
        onnx.small_net(weights=onnx.external_tensor("w", onnx.WEIGHT_SHAPE, "../weights.bin")))


def external_link_escape(work, glyphs, plugins):
    external_escape(work, glyphs, plugins)
    (work / "model" / "link.bin").symlink_to("../weights.bin")
    (work / "model" / "external.onnx").write_bytes(
        onnx.small_net(weights=onnx.external_tensor("w", onnx.WEIGHT_SHAPE, "link.bin")))


def external_short(work, glyphs, plugins):
    external_missing(work, glyphs, plugins)
    (work / "weights.bin").write_bytes(bytes(100))


# --- samples ------------------------------------------------------------------------------------------------------

def npy_bytes(descr, shape, data, fortran=False):
    text = f"{{'descr': '{descr}', 'fortran_order': {fortran}, 'shape': {shape}, }}"
    text += " " * (-(len(text) + 11) % 64) + "\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text.encode() + data


def npy(path, descr, shape, data, fortran=False):
    path.write_bytes(npy_bytes(descr, shape, data, fortran))


def npz(path, method=zipfile.ZIP_DEFLATED, **arrays):
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, data in arrays.items():
            archive.writestr(zipfile.ZipInfo(f"{name}.npy"), data, method)


def empty_folder(work, glyphs, plugins):
    (work / "samples").mkdir()


def folder_of_notes(work, glyphs, plugins):
    (work / "samples").mkdir()
    (work / "samples" / "notes.txt").write_text("no samples here\n")


def no_samples(work, glyphs, plugins):
    npy(work / "none.npy", "|u1", (0, 32, 32, 3), b"")


def wrong_shape(work, glyphs, plugins):
    npy(work / "wrong.npy", "|u1", (4, 28, 28, 3), bytes(4 * 28 * 28 * 3))


def gray(work, glyphs, plugins):
    npy(work / "gray.npy", "|u1", (4, 32, 32), bytes(4 * 32 * 32))


def text_samples(work, glyphs, plugins):
    npy(work / "text.npy", "<U4", (4,), bytes(64))


def complex_samples(work, glyphs, plugins):
    npy(work / "complex.npy", "<c8", (4, 3, 32, 32), bytes(4 * 3 * 32 * 32 * 8))


def pickled_samples(work, glyphs, plugins):
    npy(work / "pickled.npy", "|O", (4,), bytes(64))


def big_endian_samples(work, glyphs, plugins):
    npy(work / "big.npy", ">f4", (4, 3, 32, 32), bytes(4 * 3 * 32 * 32 * 4))


def fortran_samples(work, glyphs, plugins):
    npy(work / "fortran.npy", "<f4", (4, 3, 32, 32), bytes(4 * 3 * 32 * 32 * 4), fortran=True)


def truncated_samples(work, glyphs, plugins):
    npy(work / "truncated.npy", "|u1", (4, 32, 32, 3), bytes(1000))


def nan_samples(work, glyphs, plugins):
    data = bytearray(4 * 3 * 32 * 32 * 4)
    struct.pack_into("<f", data, (2 * 3 * 32 * 32 + 5) * 4, float("nan"))
    npy(work / "nan.npy", "<f4", (4, 3, 32, 32), bytes(data))


def broken_header(work, glyphs, plugins):
    (work / "broken.npy").write_bytes(b"\x93NUMPY\x01\x00\x10\x00{'descr': '<f4',")


def two_sizes(work, glyphs, plugins):
    """A model that takes pictures of any size, and two sizes of them."""
    shape = ["N", 3, "H", "W"]
    (work / "any.onnx").write_bytes(onnx.model([onnx.node("Relu", ["x"], ["y"])], [onnx.value_info("x", shape)],
                                               [onnx.value_info("y", shape)]))
    (work / "samples").mkdir()
    for name, side in (("a", 4), ("b", 5)):
        npy(work / "samples" / f"{name}.npy", "<f4", (3, side, side), bytes(3 * side * side * 4))


def linked_model(work, glyphs, plugins):
    """The small net under three names: itself, a link to it, and one more name of the same file."""
    small(work, glyphs, plugins)
    (work / "link.onnx").symlink_to("small.onnx")
    (work / "hard.onnx").hardlink_to(work / "small.onnx")


def archives(work, glyphs, plugins):
    """`several` has two arrays of which none is called as the model's input; the others are what goes wrong with files."""
    pictures = npy_bytes("|u1", (4, 32, 32, 3), bytes(i % 251 for i in range(4 * 32 * 32 * 3)))
    npz(work / "several.npz", x=pictures, y=npy_bytes("<i8", (4,), bytes(32)))
    npz(work / "damaged.npz", zipfile.ZIP_STORED, x=pictures)
    data = bytearray((work / "damaged.npz").read_bytes())
    data[len(data) // 2] ^= 1
    (work / "damaged.npz").write_bytes(data)
    (work / "cut.npz").write_bytes(data[:-40])
    (work / "text.npz").write_text("no archive\n")
    npz(work / "short.npz", x=pictures[:-100])
    with zipfile.ZipFile(work / "none.npz", "w") as archive:
        archive.writestr("readme.txt", "no array")


def archive_of_left(work, glyphs, plugins):
    two_inputs(work, glyphs, plugins)
    npz(work / "left.npz", left=npy_bytes("<f4", (4, 3, 8, 8), bytes(4 * 3 * 8 * 8 * 4)))


def statistics(work, glyphs, plugins):
    """Statistics of the small net, of the example, and files that look like some."""
    small(work, glyphs, plugins)
    halftone = plugins.parents[2] / "bin" / "halftone"
    for name, model, *more in (("small", "small.onnx", "small.npy", "--observe-for", "tensorrt-int8"),
                               ("glyphs", glyphs / "model.onnx", glyphs / "calib" / "x.npy", "--preprocess", glyphs / "meta.json",
                                "--limit", "8")):
        subprocess.run([halftone, "calibrate", model, "-o", f"{name}.htstats", "-q", "-c", *more], cwd=work, check=True)
    for i, part in ((1, "other"), (2, "last")):
        subprocess.run([halftone, "calibrate", "small.onnx", "-o", f"{part}.htstats", "-q", "-c", "small.npy", "--observe-for",
                        "tensorrt-int8", "--shard", f"{i}/2"], cwd=work, check=True)
    data = (work / "small.htstats").read_bytes()
    (work / "cut.htstats").write_bytes(data[:-5])
    (work / "text.htstats").write_text("no statistics\n")
    (work / "copy.htstats").write_bytes(data)


def interrupted(work, glyphs, plugins):
    small(work, glyphs, plugins)
    (work / "out.htstats.partial").write_text("left by an earlier run")


def linked_output(work, glyphs, plugins):
    (work / "link.json").symlink_to("out.onnx")


def outputs_folder(work, glyphs, plugins):
    (work / "o3").mkdir()


def damaged_files(work, glyphs, plugins):
    """Folders of one sample a file, each with a second file that is cut off."""
    small(work, glyphs, plugins)
    data = npy_bytes("<f4", (3, 8, 8), bytes(3 * 8 * 8 * 4))
    for folder in ("arrays", "archives"):
        (work / folder).mkdir()
    for name in "abc":
        (work / "arrays" / f"{name}.npy").write_bytes(data)
        npz(work / "archives" / f"{name}.npz", x=data)
    (work / "arrays" / "b.npy").write_bytes(data[:20])
    (work / "archives" / "b.npz").write_bytes(b"PK")


def named_pipe(work, glyphs, plugins):
    small(work, glyphs, plugins)
    os.mkfifo(work / "pipe.npy")


def few_labels(work, glyphs, plugins):
    npy(work / "few.npy", "<i8", (3,), struct.pack("<3q", 0, 1, 2))


def strange_label(work, glyphs, plugins):
    npy(work / "strange.npy", "<i8", (3,), struct.pack("<3q", 0, 99, 2))


def float_labels(work, glyphs, plugins):
    npy(work / "float.npy", "<f4", (3,), bytes(12))


def small_labels(work, glyphs, plugins):
    """One for each sample of `small`."""
    npy(work / "labels.npy", "<i8", (4,), struct.pack("<4q", 0, 1, 2, 3))


def fortran_labels(work, glyphs, plugins):
    npy(work / "fortran.npy", "<i8", (3, 1), bytes(24), fortran=True)


def matrix_labels(work, glyphs, plugins):
    npy(work / "matrix.npy", "<i8", (3, 2), bytes(48))


def png(height, width, shade=128):
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    rows = b"".join(b"\0" + bytes([shade, x * 7 % 256, y * 5 % 256][c] for x in range(width) for c in range(3))
                    for y in range(height))
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
            + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))


def pictures(work, glyphs, plugins):
    """Four pictures, the third of them cut off."""
    (work / "pictures").mkdir()
    for i in range(4):
        data = png(32, 32, 40 * i)
        (work / "pictures" / f"{i}.png").write_bytes(data[:100] if i == 2 else data)


def bad_pictures(work, glyphs, plugins):
    (work / "pictures").mkdir()
    for i in range(2):
        (work / "pictures" / f"{i}.png").write_bytes(png(32, 32)[:100])


# --- settings -----------------------------------------------------------------------------------------------------

def bad_preprocess(work, glyphs, plugins):
    (work / "preprocess.yaml").write_text("scale: 0.5\nmeen: [1, 2, 3]\n")


def plain_preprocess(work, glyphs, plugins):
    (work / "preprocess.yaml").write_text("scale: 0.5\n")


def uneven_preprocess(work, glyphs, plugins):
    (work / "preprocess.yaml").write_text("mean: [1, 2, 3]\nstd: [1, 2]\n")


def zero_std(work, glyphs, plugins):
    (work / "preprocess.yaml").write_text("std: 0\n")


# --- plug-ins and places ------------------------------------------------------------------------------------------

def foreign_plugin(work, glyphs, plugins):
    """A plug-in of this build that says it is for another processor (e_machine of RISC-V)."""
    if platform.machine() != "x86_64":
        raise Skip("the message names this machine, and the case expects x86-64")
    data = bytearray((plugins / "ht_observers.so").read_bytes())
    struct.pack_into("<H", data, 18, 243)
    (work / "foreign.so").write_bytes(data)


def truncated_plugin(work, glyphs, plugins):
    """The ELF header of a plug-in of this build, with no segments and 10 sections of 64 bytes at byte 10000."""
    data = bytearray((plugins / "ht_observers.so").read_bytes()[:3000])
    struct.pack_into("<Q", data, 40, 10000)
    struct.pack_into("<4H", data, 56, 0, 64, 10, 9)
    (work / "truncated.so").write_bytes(data)


def platform_file(work, glyphs, plugins):
    text = (plugins / "onnxruntime-int8.platform.yaml").read_text()
    (work / "here.platform.yaml").write_text(text.replace("id: onnxruntime-int8", "id: here"))


def text_plugin(work, glyphs, plugins):
    (work / "notes.so").write_text("This is no plug-in.\n")


def not_a_plugin(work, glyphs, plugins):
    """A shared library that is none of ours: the kernel itself."""
    kernel = next(iter(sorted(plugins.parent.parent.glob("libhalftone.so*"))), None)
    if kernel is None:
        raise Skip(f"no libhalftone.so beside {plugins}")
    shutil.copy(kernel, work / "other.so")


def full_stdout(work, glyphs, plugins):
    return ["sh", "-c", '"$@" >/dev/full', "sh"]


def lost_tmpdir(work, glyphs, plugins):
    """Temporary files are to go into a folder that is not there."""
    return ["env", "TMPDIR=/no/such/folder"]


def tiny_disk(work, glyphs, plugins):
    """A file system of 64 KiB at `tiny`, in a name space of its own so that it ends with the program. What is left on
    it is listed on standard output, where a failed run must leave nothing."""
    (work / "tiny").mkdir()
    command = ["unshare", "--mount", "--map-root-user", "sh", "-c",
               'mount -t tmpfs -o size=64k tmpfs tiny || exit 77; "$@"; code=$?; ls -A tiny; exit $code', "sh"]
    try:
        tried = subprocess.run(command + ["true"], cwd=work, capture_output=True, text=True)
    except FileNotFoundError:
        raise Skip("there is no unshare program") from None
    if tried.returncode != 0:
        raise Skip(f"a tmpfs cannot be mounted: {tried.stderr.strip()}")
    return command


def find(name):
    found = globals().get(name)
    if not callable(found) or getattr(found, "__module__", None) != __name__ or name in ("npy", "npy_bytes", "npz", "png", "find", "Skip"):
        raise SystemExit(f"fixtures.py has no fixture '{name}'")
    return found
