"""Samples from iterables: streamed, of unknown number, broken, stopped."""
import gc
import os
import signal
import threading
import time
import unittest
import weakref

import numpy as np

import halftone
from glyphs import META, MODEL, PLATFORM, GlyphsTest, inputs, labels, preprocess, quantized, samples


class Counted:
    """Arrays that are counted while they live."""

    def __init__(self, count):
        self.count, self.alive, self.most, self.passes = count, 0, 0, 0
        self._lock = threading.Lock()

    def _gone(self):
        with self._lock:
            self.alive -= 1

    def __iter__(self):
        self.passes += 1
        source = samples(count=64)
        for i in range(self.count):
            array = source[i % 64].copy()
            with self._lock:
                self.alive += 1
                self.most = max(self.most, self.alive)
            weakref.finalize(array, self._gone)
            yield array
            del array


class Samples(GlyphsTest):
    def test_streams(self):
        """However many samples: only a few are alive at a time, and all are given back."""
        counted = Counted(3000)
        quantized(data=counted, threads=2)
        gc.collect()
        self.assertEqual(counted.passes, 1)
        self.assertLess(counted.most, 32)
        self.assertEqual(counted.alive, 0)

    def test_threads_change_nothing(self):
        one = quantized(data=(sample for sample in samples()), threads=1).configs()
        self.assertEqual(quantized(data=(sample for sample in samples()), threads=7).configs(), one)

    def test_several_passes(self):
        """Preset accurate goes through the samples again: a list can, a generator says that it cannot."""
        data = list(samples(count=48))
        quantized(data=data, preset="accurate")
        quantized(data=lambda: (sample for sample in data), preset="accurate")
        self.fails("FAILED_PRECONDITION", "only once", quantized, data=(sample for sample in data), preset="accurate")

    def test_limit(self):
        endless = self.endless()
        limited = quantized(data=endless, limit=32).configs()
        self.assertEqual(limited, quantized(data=samples(count=32)).configs())

    @staticmethod
    def endless():
        while True:
            yield from samples()

    def test_iterator_raises(self):
        def broken():
            yield from samples(count=10)
            raise OSError("the disk is gone")

        out = self.work / "never.onnx"
        error = self.fails("INTERNAL", "OSError: the disk is gone", quantized, data=broken(), export=out)
        self.assertIsInstance(error.__cause__, OSError)
        self.assertFalse(out.exists())

    def test_bad_samples(self):
        good = list(samples(count=40))
        nan = np.full((3, 32, 32), np.nan, np.float32)
        floats = [sample.astype(np.float32).transpose(2, 0, 1) for sample in good]
        self.fails("DATA_LOSS", "not finite", quantized, data=floats[:5] + [nan] + floats[5:])
        with self.assertLogs("halftone", "WARNING"):
            skipped = quantized(data=(s for s in floats[:5] + [nan] + floats[5:]), skip_bad=True)
        self.assertEqual(skipped.configs(), quantized(data=floats).configs())
        self.assertIn("skipped 1 of 41", skipped.figures["warnings"][0])

    def test_wrong_samples(self):
        good = samples(count=4)
        cases = [
            ([np.zeros((5, 7), np.float32)], "DATA_LOSS", "samples[0]"),
            ([{"imput": good[0]}], "DATA_LOSS", "the model's inputs are input"),
            ([good[0], {"x": good[0]}], "DATA_LOSS", "the model's inputs are input"),
            ([np.array(["text"])], "DATA_LOSS", "convert it"),
            ([np.array([None])], "DATA_LOSS", "convert it"),
            ([(good[0], good[1])], "DATA_LOSS", "sample"),
            ([], "DATA_LOSS", "no samples"),
            (iter([]), "DATA_LOSS", "no calibration sample"),
            ("calib/x.npy", "INVALID_ARGUMENT", "an iterable of arrays"),
            (7, "INVALID_ARGUMENT", "an iterable of arrays"),
            ({"input": good}, "INVALID_ARGUMENT", "an iterable of arrays"),
        ]
        for data, code, words in cases:
            with self.subTest(repr(data)[:40]):
                self.fails(code, words, quantized, data=data)
        self.fails("DATA_LOSS", "announced", quantized, data=iter(good), count=9)
        self.fails("INVALID_ARGUMENT", "count is 0", quantized, data=iter(good), count=0)
        self.fails("INVALID_ARGUMENT", "memory budget", quantized, data=iter(good), memory_budget="1GiB")
        quantized(data=iter(good), count=4, memory_budget="1GiB")

    def test_layouts(self):
        """Strides, byte order and read-only arrays."""
        expected = quantized(data=list(samples(count=16))).configs()
        fortran = [np.asfortranarray(sample) for sample in samples(count=16)]
        flipped = [sample[::-1][::-1] for sample in samples(count=16)]
        wide = [np.repeat(sample, 2, axis=1)[:, ::2] for sample in samples(count=16)]
        for data in (fortran, flipped, wide):
            for array in data:
                array.flags.writeable = False
            self.assertEqual(quantized(data=data).configs(), expected)
        floats = [sample.astype(">f4") for sample in samples(count=16)]
        self.assertEqual(quantized(data=floats).configs(), quantized(data=[s.astype("f4") for s in floats]).configs())

    def test_labels(self):
        model = quantized()
        evaluate = model.evaluate
        self.assertIn("top1", evaluate(samples("test", 50), labels(count=50), preprocess=preprocess()))
        self.fails("FAILED_PRECONDITION", "has 10 labels for 50 samples", evaluate, samples("test", 50),
                   labels(count=10), preprocess=preprocess())
        self.fails("FAILED_PRECONDITION", "there are 10 labels and more samples", evaluate,
                   iter(samples("test", 50)), labels(count=10), preprocess=preprocess())
        self.fails("INVALID_ARGUMENT", "class numbers", evaluate, samples("test", 5), [0.5] * 5)
        self.fails("FAILED_PRECONDITION", "is no class of the model", evaluate, samples("test", 2), [0, 99])

    def test_ctrl_c(self):
        """Ends the run at once, as KeyboardInterrupt, with nothing written."""
        out = self.work / "never.onnx"
        timer = threading.Timer(1.0, os.kill, (os.getpid(), signal.SIGINT))
        timer.start()
        begun = time.monotonic()
        with self.assertRaises(KeyboardInterrupt):
            quantized(data=self.endless(), export=out)
        self.assertLess(time.monotonic() - begun, 60)
        self.assertEqual(list(self.work.iterdir()), [])

    def test_stop(self):
        stop = halftone.Stop()
        threading.Timer(0.5, stop.stop).start()
        self.fails("CANCELLED", "cancelled", quantized, data=self.endless(), stop=stop)
        model = halftone.load(MODEL)
        self.fails("CANCELLED", "cancelled", model.evaluate, self.endless(), preprocess=preprocess(), stop=stop)


class Use(GlyphsTest):
    def test_after_close(self):
        model = halftone.load(MODEL)
        session = model.session()
        model.close()
        for body in (lambda: model.run(inputs()), model.configs, lambda: model.export(self.work / "x.onnx"),
                     lambda: quantized(model), lambda: model.evaluate(samples("test", 2))):
            self.fails("FAILED_PRECONDITION", "the model is closed", body)
        self.assertEqual(session.run(inputs(count=1))["logits"].shape, (1, 36))
        session.close()
        self.fails("FAILED_PRECONDITION", "the inference is closed", session.run, inputs(count=1))
        engine = halftone.Engine()
        engine.close()
        self.fails("FAILED_PRECONDITION", "the engine is closed", halftone.load, MODEL, engine=engine)

    def test_wrong_order(self):
        model = halftone.load(MODEL)
        self.fails("FAILED_PRECONDITION", "has no QuantizeLinear", model.run, inputs(), mode="simulated")
        self.fails("INVALID_ARGUMENT", "must be float, simulated or integer", model.run, inputs(), mode="fast")
        self.fails("FAILED_PRECONDITION", "quantized already", quantized, quantized())
        self.fails("INVALID_ARGUMENT", "neither a platform nor passes", halftone.quantize, model, samples(count=2))
        self.fails("INVALID_ARGUMENT", "labels name classes", halftone.quantize, model, platform=PLATFORM, labels=[1])
        self.fails("INVALID_ARGUMENT", "give the samples", halftone.quantize, model, platform=PLATFORM, labels=[1])
        other = halftone.load(MODEL, engine=halftone.Engine())
        self.fails("INVALID_ARGUMENT", "different engines", model.evaluate, samples("test", 2), against=other)

    def test_wrong_arrays(self):
        model = halftone.load(MODEL)
        good = inputs(count=1)
        self.fails("INVALID_ARGUMENT", "input 'input' takes float32", model.run, good[0])
        self.fails("INVALID_ARGUMENT", "[1,3,32,31]", model.run, good[..., :31])
        self.fails("INVALID_ARGUMENT", "int64", model.run, good.astype(np.int64))
        self.fails("INVALID_ARGUMENT", "convert it", model.run, good.astype(object))
        self.fails("INVALID_ARGUMENT", "the model's inputs are input", model.run, {"x": good})
        self.fails("INVALID_ARGUMENT", "1 input", model.run, [good, good])
        np.testing.assert_array_equal(model.run(good.astype(np.float64))["logits"], model.run(good)["logits"])
        np.testing.assert_array_equal(model.run(np.asfortranarray(good))["logits"], model.run(good)["logits"])

    def test_outputs(self):
        model = quantized()
        (self.work / "sub").mkdir()
        self.fails("NOT_FOUND", "does not exist", model.export, self.work / "no" / "x.onnx")
        self.fails("FAILED_PRECONDITION", "is a folder", model.export, self.work / "sub")
        self.fails("INVALID_ARGUMENT", "did you mean 'onnx-qdq'", model.export, self.work / "x.onnx", format="onnx-qd")
        self.fails("INVALID_ARGUMENT", "overwrite the input model", model.export, MODEL)
        self.fails("INVALID_ARGUMENT", "report", quantized, settings=["report=x.html"])
        self.fails("DATA_LOSS", "", halftone.load, b"\x00\x01\x02 no model")

    def test_engines_in_threads(self):
        """Two engines in two threads, and one model in many: the results are those of one at a time."""
        expected = quantized().configs()
        single = quantized()
        logits = single.run(inputs())["logits"]
        found, failed = [], []

        def engine_of_its_own():
            model = halftone.load(MODEL, engine=halftone.Engine())
            found.append(quantized(model).configs())

        def shared():
            for _ in range(5):
                found.append(np.array_equal(single.run(inputs())["logits"], logits))

        def guarded(body):
            try:
                body()
            except BaseException as error:
                failed.append(error)

        threads = [threading.Thread(target=guarded, args=(body,)) for body in [engine_of_its_own] * 2 + [shared] * 3]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(failed, [])
        self.assertEqual(sum(result is True for result in found), 15)
        self.assertEqual([result for result in found if result is not True], [expected, expected])

    def test_close_while_running(self):
        model = halftone.load(MODEL)
        session = model.session()
        begun = threading.Event()

        def runs():
            for _ in range(30):
                try:
                    session.run(inputs(count=16))
                except halftone.HalftoneError as error:
                    self.assertEqual(error.code, "FAILED_PRECONDITION")
                    return
                begun.set()

        thread = threading.Thread(target=runs)
        thread.start()
        begun.wait()
        session.close()
        thread.join()

    def test_progress(self):
        told = []
        engine = halftone.Engine(progress=lambda step, done, total: told.append((step, done, total)))
        quantized(halftone.load(MODEL, engine=engine), data=samples(count=24))
        self.assertIn(("runtime-calibration", 24, 24), told)
        told.clear()
        quantized(halftone.load(MODEL, engine=engine), data=iter(samples(count=24)))
        self.assertIn(("runtime-calibration", 24, 0), told)


if __name__ == "__main__":
    unittest.main()
