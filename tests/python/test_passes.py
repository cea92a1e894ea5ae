"""Passes written in Python."""
import gc
import threading
import unittest

import numpy as np

import halftone
from glyphs import MODEL, GlyphsTest, inputs, quantized, samples


class Scaled(halftone.Pass):
    """Multiplies the bias of every operator of a type."""

    id = "test-scaled"
    title = "multiply biases"
    factor = halftone.param(2.0, low=0, high=10, doc="of the bias")
    op = halftone.param("Gemm", doc="an operator type")
    loud = halftone.param(False, doc="log each")
    names = halftone.param(["a"], doc="a list of texts")
    how = halftone.param("plain", choices=["plain", "fancy"], doc="a choice")
    times = halftone.param(1, low=1, high=9, doc="how often")

    seen = []

    def run(self, ctx, graph):
        type(self).seen.append((self.factor, self.op, self.loud, self.names, self.how, self.times))
        changed = [node for node in graph.nodes if node.op_type == self.op and len(node.inputs) > 2]
        for done, node in enumerate(changed):
            ctx.progress(done, len(changed))
            bias = node.inputs[2]
            bias.array = bias.array * np.float32(self.factor)
        ctx.report("scaled", f"{len(changed)} biases")


class Raises(halftone.Pass):
    id = "test-raises"
    title = "fails half-way"

    def run(self, ctx, graph):
        for node in graph.nodes:
            if node.op_type == "Conv":
                node.inputs[1].array = np.zeros(node.inputs[1].shape, np.float32)
        raise ValueError("no such luck")


class Asks(halftone.Pass):
    id = "test-asks"
    title = "asks for what is not there"

    def run(self, ctx, graph):
        graph.node("nowhere")


class Coarse(halftone.Pass):
    id = "test-coarse"
    title = "doubles the scales of activations"
    after = ("activations-calibrated",)

    def run(self, ctx, graph):
        count = 0
        for config in graph.configs:
            if config.state == "activated" and config.granularity == "tensor" and not config.value.is_initializer:
                config.set_scale(config.scale * 2, config.zero_point, rule="doubled")
                count += 1
        ctx.report("doubled", count)


class ReadsOnly(halftone.Pass):
    id = "test-reads-only"
    title = "edits without leave"
    capabilities = ("graph.read",)

    def run(self, ctx, graph):
        graph.nodes[0].name = "other"


class Keeps(halftone.Pass):
    id = "test-keeps"
    title = "keeps its graph"
    kept = None

    def run(self, ctx, graph):
        type(self).kept = graph


class Passes(GlyphsTest):
    def setUp(self):
        super().setUp()
        self.engine = halftone.Engine()
        for kind in (Scaled, Raises, Asks, Coarse, ReadsOnly, Keeps):
            self.engine.register(kind)
        self.model = halftone.load(MODEL, engine=self.engine)

    def run_passes(self, *passes, **options):
        return halftone.quantize(self.model, passes=list(passes), **options)

    def test_listed(self):
        entry = next(entry for entry in self.engine.components("pass") if entry["id"] == "test-scaled")
        self.assertEqual(entry["doc"], Scaled.__doc__)
        self.assertEqual(entry["parameters"][0], {"name": "factor", "doc": "of the bias"})

    def test_parameters(self):
        Scaled.seen.clear()
        self.run_passes("test-scaled", {"test-scaled": {"factor": 3, "op": "Conv", "loud": True, "names": ["x", "y"],
                                                        "how": "fancy", "times": 4}})
        self.assertEqual(Scaled.seen, [(2.0, "Gemm", False, ["a"], "plain", 1), (3.0, "Conv", True, ["x", "y"], "fancy", 4)])
        self.fails("INVALID_ARGUMENT", "factor", self.run_passes, {"test-scaled": {"factor": 11}})
        self.fails("INVALID_ARGUMENT", "did you mean 'factor'", self.run_passes, {"test-scaled": {"factr": 1}})
        self.fails("INVALID_ARGUMENT", "fancy", self.run_passes, {"test-scaled": {"how": "plane"}})

    def test_edits(self):
        made = self.run_passes({"test-scaled": {"factor": 2}})
        self.assertEqual(made.figures["steps"][0]["reported"], {"scaled": "1 biases"})
        with made.look() as after, self.model.look() as before:
            new, old = ([node for node in graph.nodes if node.op_type == "Gemm"][0].inputs[2].array
                        for graph in (after, before))
        np.testing.assert_array_equal(new, old * 2)

    def test_configs(self):
        plan = halftone.plan(self.model, samples(count=8), platform="onnxruntime-int8")
        passes = [step["pass"] for step in plan["steps"] if not step["inserted"]]
        at = passes.index("runtime-calibration") + 1
        plain = quantized(self.model, platform="onnxruntime-int8", passes=passes)
        coarse = quantized(self.model, platform="onnxruntime-int8", passes=passes[:at] + ["test-coarse"] + passes[at:])
        with plain.look() as one, coarse.look() as other:
            a, b = (graph.nodes[0].input_config(0).scale for graph in (one, other))
        np.testing.assert_array_equal(b, a * 2)
        first = coarse.configs()["operations"][0]["inputs"][0]
        self.assertEqual((first["set_by"], first["rule"]), ("test-coarse", "doubled"))

    def test_raises(self):
        before = self.model.run(inputs())["logits"]
        out = self.work / "never.onnx"
        error = self.fails("INTERNAL", "ValueError: no such luck", self.run_passes, "test-raises", export=out)
        self.assertIsInstance(error.__cause__, ValueError)
        self.assertEqual(error.message, "ValueError: no such luck")
        self.assertIn("test_passes.py", error.chain[1])
        self.assertIn("in pass 'test-raises'", error.chain[-1])
        self.assertFalse(out.exists())
        np.testing.assert_array_equal(self.model.run(inputs())["logits"], before)

    def test_service_errors(self):
        error = self.fails("NOT_FOUND", "no node named 'nowhere'", self.run_passes, "test-asks")
        self.assertIn("in pass 'test-asks'", error.chain[-1])
        self.fails("PERMISSION_DENIED", "declare what the pass edits", self.run_passes, "test-reads-only")

    def test_order_is_checked(self):
        self.fails("INVALID_ARGUMENT", "activations-calibrated", self.run_passes, "test-coarse")

    def test_kept_graph(self):
        self.run_passes("test-keeps")
        self.fails("FAILED_PRECONDITION", "no longer open", lambda: Keeps.kept.nodes)

    def test_refused(self):
        class Nameless(halftone.Pass):
            title = "has no id"

        class Untitled(halftone.Pass):
            id = "untitled"

        class Odd(halftone.Pass):
            id = "odd"
            title = "has an odd parameter"
            what = halftone.param({}, doc="a dict")

        class Outside(halftone.Pass):
            id = "outside"
            title = "has a default that it forbids"
            number = halftone.param(5, low=0, high=4, doc="a number")

        self.fails("INVALID_ARGUMENT", "lower-case letters", self.engine.register, Nameless)
        self.fails("INVALID_ARGUMENT", "title is empty", self.engine.register, Untitled)
        self.fails("INVALID_ARGUMENT", "it takes a number", self.engine.register, Odd)
        self.fails("INVALID_ARGUMENT", "no subclass", self.engine.register, int)
        with self.assertRaises(halftone.HalftoneError):
            self.engine.register(Outside)
        self.fails("ALREADY_EXISTS", "test-raises", self.engine.register, Raises)

    def test_stopped(self):
        stop = halftone.Stop()

        class Waits(halftone.Pass):
            id = "test-waits"
            title = "waits to be stopped"

            def run(self, ctx, graph):
                stop.stop()
                ctx.progress(0, 1)

        self.engine.register(Waits)
        self.fails("CANCELLED", "cancelled", self.run_passes, "test-waits", stop=stop)

    def test_default_engine(self):
        @halftone.register
        class Everywhere(halftone.Pass):
            id = "test-everywhere"
            title = "known to all engines"

            def run(self, ctx, graph):
                ctx.log("here")

        with self.assertLogs("halftone", "INFO") as logs:
            halftone.quantize(MODEL, passes=["test-everywhere"])
        self.assertIn("here", logs.output[0])
        del Everywhere
        gc.collect()
        later = halftone.Engine()
        halftone.quantize(halftone.load(MODEL, engine=later), passes=["test-everywhere"])

    def test_in_threads(self):
        done = []

        def work():
            done.append(self.run_passes("test-scaled").figures["steps"][0]["reported"])

        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(done, [{"scaled": "1 biases"}] * 4)


if __name__ == "__main__":
    unittest.main()
