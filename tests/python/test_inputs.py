"""Models with several inputs, fixed batches, and bytes instead of files."""
import pathlib
import sys
import unittest

import numpy as np

import halftone
from glyphs import PLATFORM, GlyphsTest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "errors"))
import make_onnx as onnx  # noqa: E402


def two_inputs():
    """y = Relu(Conv(a, w)) + b."""
    return onnx.model([onnx.conv(inputs=("a", "w")), onnx.node("Relu", ["c"], ["r"]), onnx.node("Add", ["r", "b"], ["y"])],
                      inputs=[onnx.value_info("a", ["N", 3, 8, 8]), onnx.value_info("b", ["N", 4, 8, 8])],
                      outputs=[onnx.value_info("y", ["N", 4, 8, 8])],
                      initializers=[onnx.tensor("w", onnx.WEIGHT_SHAPE, onnx.WEIGHTS)])


def noise(count, seed=1):
    random = np.random.default_rng(seed)
    return [(random.standard_normal((3, 8, 8)).astype(np.float32), random.standard_normal((4, 8, 8)).astype(np.float32))
            for _ in range(count)]


class Inputs(GlyphsTest):
    def test_forms(self):
        """Dicts and tuples, one by one and in batches, are the same as files for each input."""
        model = halftone.load(two_inputs())
        data = noise(24)
        (self.work / "model.onnx").write_bytes(two_inputs())
        for i, name in enumerate("ab"):
            np.save(self.work / f"{name}.npy", np.stack([pair[i] for pair in data]))
        self.program("quantize", "model.onnx", "--platform", PLATFORM, "--calibration", "a=a.npy", "--calibration",
                     "b=b.npy", "-o", "program.onnx", "--quiet")
        batches = [{"a": np.stack([pair[0] for pair in data[i:i + 5]]), "b": np.stack([pair[1] for pair in data[i:i + 5]])}
                   for i in range(0, 24, 5)]
        forms = [(data, {}), ([{"b": b, "a": a} for a, b in data], {}), ((pair for pair in data), {"threads": 3}),
                 (batches, {"batched": True}), ([(a[None], b[None]) for a, b in data], {})]
        for source, options in forms:
            made = halftone.quantize(model, source, platform=PLATFORM, **options)
            made.export(self.work / "package.onnx")
            self.assertEqual((self.work / "package.onnx").read_bytes(), (self.work / "program.onnx").read_bytes())

    def test_mistakes(self):
        model = halftone.load(two_inputs())
        pair = noise(1)[0]
        for source, words in [([pair[0]], "the model has the inputs a, b"), ([{"a": pair[0]}], "inputs are a, b"),
                              ([pair + pair], "4 arrays"), ([(pair[1], pair[0])], "model input 'a' takes")]:
            self.fails("DATA_LOSS", words, halftone.quantize, model, source, platform=PLATFORM)
        self.fails("DATA_LOSS", "axis 0 of different lengths", halftone.quantize, model,
                   [(np.stack([pair[0]] * 2), np.stack([pair[1]] * 3))], platform=PLATFORM, batched=True)
        self.fails("INVALID_ARGUMENT", "inputs are a, b", model.run, {"a": pair[0][None]})

    def test_run(self):
        model = halftone.load(two_inputs())
        a, b = (array[None] for array in noise(1)[0])
        named = model.run({"b": b, "a": a})["y"]
        np.testing.assert_array_equal(named, model.run([a, b])["y"])
        np.testing.assert_array_equal(model.run([a, np.zeros_like(b)])["y"] + b, named)

    def test_fixed_batch(self):
        """A model made for batches of 4 gets single samples, with the warning that the program gives."""
        model = halftone.load(onnx.small_net(batch=4))
        data = [a for a, _ in noise(8)]
        with self.assertLogs("halftone", "WARNING") as logs:
            made = halftone.quantize(model, (a for a in data), platform=PLATFORM)
        self.assertIn("batch is free now", logs.output[0])
        self.assertEqual(made.run(np.stack(data[:3]))["y"].shape, (3, 4, 8, 8))


if __name__ == "__main__":
    unittest.main()
