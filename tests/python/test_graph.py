"""Looking into a model and editing it: the graph, stored tensors, quantization configs."""
import gc
import unittest

import numpy as np

import halftone
from glyphs import MODEL, GlyphsTest, inputs, quantized


class Graphs(GlyphsTest):
    def test_reads(self):
        model = halftone.load(MODEL)
        with model.look() as graph:
            self.assertEqual([value.name for value in graph.inputs], ["input"])
            self.assertEqual(graph.inputs[0].shape, (None, 3, 32, 32))
            self.assertEqual(graph.inputs[0].dtype, "float32")
            conv = next(node for node in graph.nodes if node.op_type == "Conv")
            self.assertEqual(conv.attribute("kernel_shape"), [3, 3])
            self.assertIsNone(conv.attribute("nothing"))
            self.assertEqual(conv.attribute("nothing", 7), 7)
            weight = conv.inputs[1]
            self.assertTrue(weight.is_initializer)
            self.assertEqual(weight.array.shape, weight.shape)
            self.assertEqual(graph.node(conv.name), conv)
            self.assertEqual(graph.value("input").consumers, [conv])
            self.assertEqual(conv.outputs[0].producer, conv)
            self.assertGreaterEqual(graph.opset(), 13)
            self.fails("NOT_FOUND", "no value named 'imput'", graph.value, "imput")
            self.fails("NOT_FOUND", "has no stored tensor", lambda: graph.value("input").array)
            self.fails("PERMISSION_DENIED", "model.edit()", setattr, weight, "array", weight.array)

    def test_arrays_share_memory(self):
        """The array of a stored tensor is the library's own, and outlives access, model and engine."""
        engine = halftone.Engine()
        model = halftone.load(MODEL, engine=engine)
        with model.look() as graph:
            first = next(node for node in graph.nodes if node.op_type == "Conv").inputs[1].array
            second = next(node for node in graph.nodes if node.op_type == "Conv").inputs[1].array
        self.assertEqual(first.ctypes.data, second.ctypes.data)
        self.assertFalse(first.flags.writeable)
        expected = first.copy()
        model.close()
        engine.close()
        del model, engine, second, graph
        gc.collect()
        np.testing.assert_array_equal(first, expected)
        with self.assertRaises(ValueError):
            first[0] = 0

    def test_edits(self):
        model = halftone.load(MODEL)
        before = model.run(inputs())["logits"]
        with model.edit() as graph:
            gemm = next(node for node in graph.nodes if node.op_type == "Gemm")
            out = gemm.outputs[0]
            inner = graph.add_value(graph.unique_name("inner"))
            gemm.set_output(0, inner)
            factor = graph.add_initializer("factor", np.array(-2, np.float32))
            node = graph.add_node("Mul", [inner, factor], [out], name="minus_two")
            self.assertEqual(graph.node("minus_two"), node)
        np.testing.assert_array_equal(model.run(inputs())["logits"], before * np.float32(-2))

    def test_weights(self):
        model = halftone.load(MODEL)
        with model.edit() as graph:
            bias = next(node for node in graph.nodes if node.op_type == "Gemm").inputs[2]
            bias.array = bias.array + np.float32(1)
        plus = model.run(inputs())["logits"]
        np.testing.assert_allclose(plus, halftone.load(MODEL).run(inputs())["logits"] + 1, rtol=1e-5, atol=1e-5)

    def test_nothing_changes_on_failure(self):
        model = halftone.load(MODEL)
        before = model.run(inputs())["logits"]
        with self.assertRaises(ZeroDivisionError):
            with model.edit() as graph:
                graph.nodes[0].inputs[1].array = np.zeros(graph.nodes[0].inputs[1].shape, np.float32)
                1 / 0
        np.testing.assert_array_equal(model.run(inputs())["logits"], before)

        def dangling():
            with model.edit() as graph:
                graph.nodes[3].remove()  # the verifier sees that its outputs are read

        with self.assertRaises(halftone.HalftoneError):
            dangling()
        np.testing.assert_array_equal(model.run(inputs())["logits"], before)

    def test_ended(self):
        model = halftone.load(MODEL)
        with model.look() as graph:
            node = graph.nodes[0]
        self.fails("FAILED_PRECONDITION", "no longer open", lambda: graph.nodes)
        self.fails("FAILED_PRECONDITION", "no longer open", lambda: node.name)

    def test_two_edits(self):
        model = halftone.load(MODEL)

        def both():
            with model.edit() as first:
                first.nodes[0].name = "first"
                with model.edit() as second:
                    second.nodes[0].name = "second"

        self.fails("STALE", "changed since", both)
        with model.look() as graph:
            self.assertEqual(graph.nodes[0].name, "second")


class Configs(GlyphsTest):
    def test_reads(self):
        model = quantized()
        with model.look() as graph:
            conv = next(node for node in graph.nodes if node.op_type == "Conv")
            activation, weight = conv.input_config(0), conv.input_config(1)
            self.assertEqual(activation.state, "activated")
            self.assertEqual((activation.bits, activation.signed, activation.granularity), (8, False, "tensor"))
            self.assertEqual(activation.scale.shape, (1,))
            self.assertEqual(activation.zero_point.dtype, np.int32)
            self.assertEqual(weight.state, "baked")
            self.assertEqual(weight.granularity, "channel")
            self.assertEqual(weight.scale.size, conv.inputs[1].shape[0])
            self.assertEqual(activation.node, conv)
            self.assertEqual(activation.value.name, "input")
            self.assertEqual(len(graph.configs), 99)
        table = {entry["op"]: entry for entry in model.configs()["operations"]}
        with model.look() as graph:
            conv = next(node for node in graph.nodes if node.op_type == "Conv")
            entry = table[conv.name]["inputs"][0]
            np.testing.assert_array_equal(np.float32(entry["scale"]), conv.input_config(0).scale)

    def test_sets(self):
        model = quantized()
        before = model.run(inputs())["logits"]
        with model.edit() as graph:
            config = next(node for node in graph.nodes if node.op_type == "Conv").input_config(0)
            config.set_scale(config.scale * 8, config.zero_point, rule="too coarse")
            self.assertEqual(config.value.name, "input")
        after = model.run(inputs())["logits"]
        self.assertFalse(np.array_equal(before, after))
        first = model.configs()["operations"][0]["inputs"][0]
        self.assertEqual((first["set_by"], first["rule"]), ("the program", "too coarse"))

    def test_state_machine(self):
        model = quantized()
        with model.look() as graph:
            before = [config.state for config in graph.configs]

        def illegal():
            with model.edit() as graph:
                weight = next(node for node in graph.nodes if node.op_type == "Conv").input_config(1)
                weight.state = "passive"  # baked weights have a scale of their own

        with self.assertRaises(halftone.HalftoneError) as caught:
            illegal()
        self.assertEqual(caught.exception.code, "FAILED_PRECONDITION")
        with model.look() as graph:
            self.assertEqual([config.state for config in graph.configs], before)

        def unknown():
            with model.edit() as graph:
                graph.configs[0].state = "on"

        self.fails("INVALID_ARGUMENT", "there are initial, activated", unknown)

    def test_scales_are_checked(self):
        model = quantized()
        for wrong in (0.0, -1.0, float("nan"), [0.1, 0.2]):
            with self.subTest(wrong):
                def set_it():
                    with model.edit() as graph:
                        graph.configs[0].set_scale(wrong, 0)

                with self.assertRaises(halftone.HalftoneError):
                    set_it()

    def test_scheme(self):
        model = quantized()
        with model.edit() as graph:
            config = next(node for node in graph.nodes if node.op_type == "Conv").input_config(0)
            scale, zero_point = config.scale, config.zero_point
            config.set_scheme(bits=4)
            self.assertIsNone(config.scale)
            config.set_scale(scale * 16, zero_point // 16)
        with model.look() as graph:
            config = next(node for node in graph.nodes if node.op_type == "Conv").input_config(0)
            self.assertEqual((config.bits, config.quant_range), (4, (0, 15)))

    def test_inner_values(self):
        model = halftone.load(MODEL)
        with model.look() as graph:
            name = graph.nodes[0].outputs[0].name
        self.assertEqual(model.run(inputs(count=2), outputs=[name, "logits"])[name].shape[0], 2)
        self.fails("NOT_FOUND", "no value 'nothing'", model.run, inputs(count=1), outputs=["nothing"])


if __name__ == "__main__":
    unittest.main()
