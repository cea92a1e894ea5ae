"""Writes small ONNX files without the onnx package: protobuf's wire format, and only the fields that the tests need."""
import struct

FLOAT = 1


def varint(value):
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def field(number, value):
    """One field: whole numbers as varints; text, bytes and messages with their length before them."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    data = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(data)) + data


def fields(number, values):
    return b"".join(field(number, value) for value in values)


def ints_attribute(name, values):
    return field(1, name) + fields(8, values) + field(20, 7)


def node(op_type, inputs, outputs, name="", domain="", attributes=()):
    return (fields(1, inputs) + fields(2, outputs) + field(3, name or op_type.lower()) + field(4, op_type)
            + fields(5, attributes) + field(7, domain))


def value_info(name, shape):
    """A float tensor; a text extent is a symbol."""
    dims = b"".join(field(1, field(2 if isinstance(extent, str) else 1, extent)) for extent in shape)
    return field(1, name) + field(2, field(1, field(1, FLOAT) + field(2, dims)))


def tensor(name, shape, values):
    return fields(1, shape) + field(2, FLOAT) + field(8, name) + field(9, struct.pack(f"<{len(values)}f", *values))


def external_tensor(name, shape, location, offset=None):
    """A tensor whose data is in another file (data_location EXTERNAL), from `offset` bytes on."""
    entries = [("location", location)] + ([] if offset is None else [("offset", str(offset))])
    return (fields(1, shape) + field(2, FLOAT) + field(8, name)
            + fields(13, [field(1, key) + field(2, value) for key, value in entries]) + field(14, 1))


def model(nodes, inputs, outputs, initializers=(), opset=13):
    graph = (fields(1, nodes) + field(2, "net") + fields(5, initializers) + fields(11, inputs) + fields(12, outputs))
    return field(1, 8) + field(7, graph) + field(8, field(1, "") + field(2, opset))


WEIGHT_SHAPE = (4, 3, 3, 3)
WEIGHTS = [(i % 7 - 3) / 8 for i in range(4 * 3 * 3 * 3)]


def conv(inputs=("x", "w"), output="c", name="conv"):
    return node("Conv", inputs, [output], name, attributes=[ints_attribute("pads", [1, 1, 1, 1])])


def small_net(nodes=None, weights=None, opset=13, batch="N", outputs=(("y", 4),)):
    """y = Relu(Conv(x, w)) over [N, 3, 8, 8]; each test changes the one thing that it is about."""
    return model(nodes or [conv(), node("Relu", ["c"], ["y"])],
                 inputs=[value_info("x", [batch, 3, 8, 8])],
                 outputs=[value_info(name, [batch, channels, 8, 8]) for name, channels in outputs],
                 initializers=[weights or tensor("w", WEIGHT_SHAPE, WEIGHTS)], opset=opset)
