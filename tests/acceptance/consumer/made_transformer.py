"""Writes a small model of what the fusions look for, with random weights: masked attention, a residual sum, layer normalization by
Reciprocal, Gelu by Tanh, Mish, a bidirectional GRU and a reverse LSTM with peepholes. Usage: made_transformer.py FILE.onnx"""
import sys

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

BATCH, ROWS, HEADS, WIDTH, HIDDEN = 2, 5, 3, 4, 6
COLUMNS = HEADS * WIDTH


class Maker:
    def __init__(self):
        self.random = np.random.default_rng(3)
        self.nodes, self.constants = [], []

    def constant(self, array):
        name = f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.asarray(array), name))
        return name

    def number(self, value):
        return self.constant(np.float32(value))

    def weight(self, *shape, scale=0.4):
        return self.constant((self.random.normal(size=shape) * scale).astype(np.float32))

    def nodes_of(self, op, inputs, outputs, **attributes):
        names = [f"v{len(self.nodes)}_{i}" for i in range(outputs)]
        self.nodes.append(helper.make_node(op, inputs, names, name=f"n{len(self.nodes)}", **attributes))
        return names

    def node(self, op, *inputs, **attributes):
        return self.nodes_of(op, list(inputs), 1, **attributes)[0]


def attention(m, x, mask_shape):
    def heads():
        rows = m.node("Add", m.node("MatMul", x, m.weight(COLUMNS, COLUMNS)), m.weight(COLUMNS))
        split = m.node("Reshape", rows, m.constant(np.array([BATCH, ROWS, HEADS, WIDTH], np.int64)))
        return m.node("Transpose", split, perm=[0, 2, 1, 3])

    query, key, value = heads(), heads(), heads()
    product = m.node("MatMul", query, m.node("Transpose", key, perm=[0, 1, 3, 2]))
    scores = m.node("Add", m.node("Div", product, m.number(2)), m.weight(*mask_shape, scale=1))
    mixed = m.node("MatMul", m.node("Softmax", scores, axis=-1), value)
    joined = m.node("Transpose", mixed, perm=[0, 2, 1, 3])
    return m.node("Reshape", joined, m.constant(np.array([BATCH, ROWS, COLUMNS], np.int64)))


def layer_norm(m, x):
    difference = m.node("Sub", x, m.node("ReduceMean", x, axes=[-1]))
    variance = m.node("ReduceMean", m.node("Mul", difference, difference), axes=[-1])
    inverse = m.node("Reciprocal", m.node("Sqrt", m.node("Add", variance, m.number(1e-5))))
    return m.node("Add", m.node("Mul", m.node("Mul", difference, inverse), m.weight(COLUMNS)), m.weight(COLUMNS))


def gelu(m, x):
    cube = m.node("Mul", m.number(0.044715), m.node("Pow", x, m.number(3)))
    tanh = m.node("Tanh", m.node("Mul", m.number(np.sqrt(2 / np.pi)), m.node("Add", x, cube)))
    return m.node("Mul", m.node("Mul", m.number(0.5), x), m.node("Add", m.number(1), tanh))


def build():
    m = Maker()
    x = m.node("Add", "x", m.weight(COLUMNS))
    for mask_shape in ((BATCH, 1, ROWS, ROWS), (1, HEADS, ROWS, ROWS)):
        residual = m.node("Add", attention(m, x, mask_shape), x)
        x = m.node("Add", gelu(m, layer_norm(m, residual)), residual)
    mish = m.node("Mul", x, m.node("Tanh", m.node("Softplus", x)))
    sequence = m.node("Transpose", mish, perm=[1, 0, 2])
    gru = m.nodes_of("GRU", [sequence, m.weight(2, 3 * HIDDEN, COLUMNS), m.weight(2, 3 * HIDDEN, HIDDEN), m.weight(2, 6 * HIDDEN)], 2,
                     hidden_size=HIDDEN, direction="bidirectional", linear_before_reset=1)
    lstm = m.nodes_of("LSTM", [sequence, m.weight(1, 4 * HIDDEN, COLUMNS), m.weight(1, 4 * HIDDEN, HIDDEN), m.weight(1, 8 * HIDDEN), "",
                               m.weight(1, BATCH, HIDDEN), m.weight(1, BATCH, HIDDEN), m.weight(1, 3 * HIDDEN)], 3,
                      hidden_size=HIDDEN, direction="reverse")
    outputs = [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in [mish, *gru, *lstm]]
    graph = helper.make_graph(m.nodes, "made", [helper.make_tensor_value_info("x", TensorProto.FLOAT, [BATCH, ROWS, COLUMNS])], outputs,
                              m.constants)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)


if len(sys.argv) != 2:
    sys.exit(__doc__)
onnx.save(build(), sys.argv[1])
