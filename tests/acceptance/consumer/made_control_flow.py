"""Writes small models with If, Loop, Scan and functions, random weights, and samples that take every way through them.
Usage: made_control_flow.py FOLDER, which gets NAME/model.onnx and NAME/x.npy."""
import pathlib
import sys

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

SAMPLES = 24
FLOAT, INT, BOOL = TensorProto.FLOAT, TensorProto.INT64, TensorProto.BOOL
random = np.random.default_rng(5)


def value(name, shape, kind=FLOAT):
    return helper.make_tensor_value_info(name, kind, shape)


def weight(name, *shape, scale=0.3):
    return numpy_helper.from_array((random.normal(size=shape) * scale).astype(np.float32), name)


def node(op, inputs, outputs, **attributes):
    return helper.make_node(op, inputs, outputs, name=f"node_{outputs[0]}", **attributes)


def model(nodes, shape, out, weights, functions=()):
    graph = helper.make_graph(nodes, "g", [value("x", shape)], [value("y", out)], weights)
    opsets = [helper.make_opsetid("", 16)] + ([helper.make_opsetid("own", 1)] if functions else [])
    made = helper.make_model(graph, opset_imports=opsets, ir_version=8, functions=list(functions))
    onnx.checker.check_model(made)
    return made


def branches():
    """The sign of the mean decides between two convolutions, one of which shares its weight with the graph around it."""
    yes = helper.make_graph(
        [node("Conv", ["c", "w2"], ["yc"], pads=[1] * 4), node("Relu", ["yc"], ["yes"])], "yes", [], [value("yes", [1, 8, 10, 10])])
    no = helper.make_graph(
        [node("Conv", ["c", "w3", "b3"], ["nc"]), node("Conv", ["nc", "w2"], ["nd"], pads=[2] * 4)], "no", [],
        [value("nd", [1, 8, 10, 10])], [weight("w3", 8, 8, 1, 1), weight("b3", 8)])
    no.node[1].attribute[0].ints[:] = [1] * 4
    nodes = [node("Conv", ["x", "w1"], ["c0"], pads=[1] * 4), node("Relu", ["c0"], ["c"]), node("ReduceMean", ["x"], ["m"], keepdims=0),
             node("Greater", ["m", "zero"], ["is"]), node("If", ["is"], ["f"], then_branch=yes, else_branch=no),
             node("GlobalAveragePool", ["f"], ["y"])]
    weights = [weight("w1", 8, 3, 3, 3), weight("w2", 8, 8, 3, 3, scale=0.2), numpy_helper.from_array(np.float32(0), "zero")]
    return model(nodes, [1, 3, 10, 10], [1, 8, 1, 1], weights), (3, 10, 10)


def loop():
    """A dense layer applied until its state is small, at most five times; means of all states; an If inside."""
    grow = helper.make_graph([node("Mul", ["t", "w_scale"], ["grown"])], "grow", [], [value("grown", [1, 16])])
    keep = helper.make_graph([node("Identity", ["t"], ["kept"])], "keep", [], [value("kept", [1, 16])])
    body = helper.make_graph(
        [node("MatMul", ["s", "w"], ["p"]), node("Add", ["p", "b"], ["q"]), node("Tanh", ["q"], ["t"]),
         node("ReduceMax", ["t"], ["top"], keepdims=0), node("Greater", ["top", "half"], ["big"]),
         node("If", ["big"], ["next"], then_branch=keep, else_branch=grow), node("Identity", ["go"], ["go_out"]),
         node("ReduceMean", ["next"], ["mean"], axes=[1])],
        "body", [value("i", [], INT), value("go", [], BOOL), value("s", [1, 16])],
        [value("go_out", [], BOOL), value("next", [1, 16]), value("mean", [1, 1])],
        [weight("b", 16)])
    nodes = [node("Loop", ["five", "", "x"], ["last", "means"], body=body), node("Reshape", ["means", "row"], ["r"]),
             node("Concat", ["last", "r"], ["j"], axis=1), node("MatMul", ["j", "w_out"], ["y"])]
    weights = [weight("w", 16, 16), weight("w_out", 21, 4), numpy_helper.from_array(np.int64(5), "five"),
               numpy_helper.from_array(np.array([1, 5]), "row"), numpy_helper.from_array(np.float32(0.7), "half"),
               numpy_helper.from_array(np.float32(1.5), "w_scale")]
    return model(nodes, [1, 16], [1, 4], weights), (16,)


def scan():
    """A small recurrent layer over rows, backwards, its results along the last axis."""
    body = helper.make_graph(
        [node("MatMul", ["row", "w_in"], ["a"]), node("MatMul", ["h", "w_h"], ["r"]), node("Add", ["a", "r"], ["z"]),
         node("Tanh", ["z"], ["h_out"]), node("Relu", ["h_out"], ["o"])],
        "body", [value("h", [1, 12]), value("row", [1, 8])], [value("h_out", [1, 12]), value("o", [1, 12])],
        [weight("w_in", 8, 12), weight("w_h", 12, 12)])
    nodes = [node("Scan", ["start", "x"], ["last", "all"], body=body, num_scan_inputs=1, scan_input_axes=[1],
                  scan_input_directions=[1], scan_output_axes=[2], scan_output_directions=[1]),
             node("Flatten", ["all"], ["flat"]), node("MatMul", ["flat", "w_out"], ["y"])]
    weights = [numpy_helper.from_array(np.zeros((1, 12), np.float32), "start"), weight("w_out", 72, 5, scale=0.2)]
    return model(nodes, [1, 6, 8], [1, 5], weights), (6, 8)


def functions():
    """A block that is called twice with other slopes and calls another function."""
    opsets = [helper.make_opsetid("", 16), helper.make_opsetid("own", 1)]
    act = helper.make_function("own", "act", ["a"], ["b"], [helper.make_node("LeakyRelu", ["a"], ["b"])], opsets, ["slope"])
    ref = onnx.AttributeProto(name="alpha", ref_attr_name="slope", type=onnx.AttributeProto.FLOAT)
    act.node[0].attribute.append(ref)
    block = helper.make_function(
        "own", "block", ["a", "k"], ["c"],
        [helper.make_node("Conv", ["a", "k"], ["v"], pads=[1] * 4), helper.make_node("act", ["v"], ["u"], domain="own"),
         helper.make_node("Celu", ["u"], ["e"]), helper.make_node("Add", ["e", "u"], ["c"])], opsets, ["slope"])
    ref = onnx.AttributeProto(name="slope", ref_attr_name="slope", type=onnx.AttributeProto.FLOAT)
    block.node[1].attribute.append(ref)
    nodes = [node("block", ["x", "w1"], ["h"], domain="own", slope=0.1), node("block", ["h", "w2"], ["k"], domain="own", slope=0.3),
             node("GlobalAveragePool", ["k"], ["y"])]
    return model(nodes, [1, 3, 9, 9], [1, 6, 1, 1], [weight("w1", 6, 3, 3, 3), weight("w2", 6, 6, 3, 3)], [act, block]), (3, 9, 9)


def main(folder):
    for make in (branches, loop, scan, functions):
        made, shape = make()
        target = pathlib.Path(folder) / make.__name__
        target.mkdir(parents=True, exist_ok=True)
        onnx.save(made, target / "model.onnx")
        x = random.normal(size=(SAMPLES, *shape)).astype(np.float32)
        np.save(target / "x.npy", x + np.sign(random.normal(size=(SAMPLES,) + (1,) * len(shape))).astype(np.float32) * 0.1)


if __name__ == "__main__":
    main(sys.argv[1])
