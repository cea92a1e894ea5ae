"""What the package makes is, byte for byte, what the program makes of the same files."""
import json
import unittest

import numpy as np

import halftone
from glyphs import GLYPHS, META, MODEL, PLATFORM, GlyphsTest, inputs, labels, preprocess, quantized, samples

CALIBRATION = GLYPHS / "calib" / "x.npy"
TEST = GLYPHS / "test" / "x.npy"
LABELS = GLYPHS / "test" / "y.npy"
MEASURED = {"seconds", "peak_memory_bytes", "steps", "written"}


def results(figures):
    return {key: value for key, value in figures.items() if key not in MEASURED}


class SameAsProgram(GlyphsTest):
    def test_quantize(self):
        self.program("quantize", MODEL, "--platform", PLATFORM, "--calibration", CALIBRATION, "--preprocess", META,
                     "--test", TEST, "--labels", LABELS, "-o", "program.onnx", "--configs-out", "program.json",
                     "--json", "figures.json", "--quiet")
        forms = {"array": samples(), "generator": (sample for sample in samples()), "list": list(samples()),
                 "dicts": [{"input": sample} for sample in samples()], "function": lambda: iter(samples()),
                 "with a batch axis": [np.ascontiguousarray(sample) for sample in samples()]}
        for name, data in forms.items():
            with self.subTest(name):
                out = self.work / "package.onnx"
                made = quantized(data=data, test=samples("test"), labels=labels(), export=out,
                                 configs_out=self.work / "package.json")
                self.assertEqual(out.read_bytes(), (self.work / "program.onnx").read_bytes())
                configs = (self.work / "program.json").read_text()
                self.assertEqual((self.work / "package.json").read_text(), configs)
                self.assertEqual(made.configs(), json.loads(configs))
                made.export(self.work / "again.onnx")
                self.assertEqual((self.work / "again.onnx").read_bytes(), out.read_bytes())
                self.assertEqual(results(made.figures), results(json.loads((self.work / "figures.json").read_text())))

    def test_batches(self):
        """Items of several samples are the samples one by one."""
        one = quantized(data=samples(count=96)).configs()
        batches = [samples(count=96)[i:i + 17] for i in range(0, 96, 17)]
        self.assertEqual(quantized(data=batches, batched=True).configs(), one)

    def test_pipeline_file(self):
        (self.work / "run.yaml").write_text(
            f"halftone: 1\nmodel: {MODEL}\nplatform: {PLATFORM}\n"
            f"calibration: {{path: {CALIBRATION}, preprocess: {META}, limit: 64}}\n"
            "overrides: [{match: {op: Gemm}, set: {outputs: {state: fp32}}}]\n"
            "export: [{path: out.onnx}]\nconfigs_out: out.json\n")
        self.program("run", "run.yaml", "--quiet", "--set", "observer=kl")
        program = (self.work / "out.onnx").read_bytes()
        (self.work / "out.onnx").unlink()
        quantized(data=samples(), pipeline=self.work / "run.yaml", platform=None, preprocess=None, settings=["observer=kl"])
        self.assertEqual((self.work / "out.onnx").read_bytes(), program)

    def test_preset(self):
        self.program("quantize", MODEL, "--preset", "accurate", "--platform", PLATFORM, "--calibration", CALIBRATION,
                     "--limit", "48", "--preprocess", META, "-o", "program.onnx", "--quiet")
        quantized(data=samples(), preset="accurate", limit=48, export=self.work / "package.onnx")
        self.assertEqual((self.work / "package.onnx").read_bytes(), (self.work / "program.onnx").read_bytes())

    def test_statistics(self):
        """Files of statistics of the same samples, and what is quantized from them."""
        self.program("calibrate", MODEL, "--calibration", CALIBRATION, "--preprocess", META, "--limit", "64",
                     "--observe-for", PLATFORM, "--observe-for", "tensorrt-int8", "-o", "program.htstats", "--quiet")
        model = halftone.load(MODEL)
        figures = halftone.calibrate(model, lambda: iter(samples(count=64)), self.work / "package.htstats",
                                     preprocess=META, platforms=[PLATFORM, "tensorrt-int8"])
        self.assertEqual(figures["samples"], 64)
        self.assertEqual((self.work / "package.htstats").read_bytes(), (self.work / "program.htstats").read_bytes())
        made = halftone.quantize(model, platform=PLATFORM, statistics=self.work / "package.htstats")
        self.assertEqual(made.configs(), quantized(model, samples(count=64)).configs())
        self.fails("INVALID_ARGUMENT", ".htstats", halftone.calibrate, model, samples(count=2), self.work / "x.bin")

    def test_evaluate(self):
        quantized(export=self.work / "model.onnx")
        for mode in ("float", "simulated", "integer"):
            with self.subTest(mode):
                self.program("evaluate", "model.onnx", "--data", TEST, "--labels", LABELS, "--preprocess", META,
                             "--against", MODEL, "--mode", mode, "--json", "figures.json", "--quiet")
                model = halftone.load(self.work / "model.onnx")
                figures = model.evaluate((sample for sample in samples("test")), labels(), mode=mode,
                                         against=halftone.load(MODEL), preprocess=preprocess())
                self.assertEqual(results(figures), results(json.loads((self.work / "figures.json").read_text())))

    def test_run(self):
        """One array at a time gives the bits that `halftone evaluate --outputs-npy` writes."""
        quantized(export=self.work / "model.onnx")
        model = halftone.load(self.work / "model.onnx")
        for mode in ("float", "simulated", "integer"):
            with self.subTest(mode):
                self.program("evaluate", "model.onnx", "--data", TEST, "--limit", "8", "--preprocess", META,
                             "--mode", mode, "--outputs-npy", "outputs", "--quiet")
                written = np.load(self.work / "outputs" / "logits.npy")
                with model.session(mode) as session:
                    for i, sample in enumerate(inputs(count=8)):
                        found = session.run(sample[None])["logits"]
                        np.testing.assert_array_equal(found.reshape(-1), written[i].reshape(-1))

    def test_from_bytes(self):
        made = quantized(model=halftone.load(MODEL.read_bytes()), export=self.work / "bytes.onnx")
        quantized(export=self.work / "file.onnx")
        self.assertEqual((self.work / "bytes.onnx").read_bytes(), (self.work / "file.onnx").read_bytes())
        self.assertEqual(made.inputs, ["input"])

    def test_same_words(self):
        """Bad input is told in the words of the program."""
        cases = [
            (["--platform", "onnxruntime-int9"], {"platform": "onnxruntime-int9"}),
            (["--platform", PLATFORM, "--observer", "kll"], {"observer": "kll"}),
            (["--platform", PLATFORM, "--preset", "acurate"], {"preset": "acurate"}),
        ]
        for arguments, options in cases:
            with self.subTest(options):
                told = self.program_fails("quantize", MODEL, *arguments, "--calibration", CALIBRATION, "--preprocess",
                                          META, "-o", "never.onnx", "--quiet")
                with self.assertRaises(halftone.HalftoneError) as caught:
                    quantized(**options)
                self.assertEqual(str(caught.exception), told)
                self.assertEqual(caught.exception.code, "INVALID_ARGUMENT")
        told = self.program_fails("inspect", "nowhere.onnx")
        with self.assertRaises(halftone.HalftoneError) as caught:
            halftone.load("nowhere.onnx")
        self.assertEqual(str(caught.exception), told)


if __name__ == "__main__":
    unittest.main()
