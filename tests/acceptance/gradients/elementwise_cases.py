"""Functions of one and two tensors, at their bends too."""

BEND = [[-4.0, -3.0, -2.5, -1.0, -0.5, 0.0], [0.5, 0.75, 1.0, 2.5, 3.0, 4.0]]


def unary(torch, F, c, n):
    plain = {
        "Relu": torch.relu, "Abs": torch.abs, "Sigmoid": torch.sigmoid, "Tanh": torch.tanh, "Exp": torch.exp,
        "Erf": torch.erf, "Sin": torch.sin, "Cos": torch.cos, "Atan": torch.atan, "Sinh": torch.sinh, "Cosh": torch.cosh,
        "Asinh": torch.asinh, "Neg": torch.neg, "Floor": torch.floor, "Ceil": torch.ceil, "Round": torch.round,
        "Sign": torch.sign, "Softsign": F.softsign, "Softplus": F.softplus, "Selu": F.selu, "Elu": F.elu,
        "LeakyRelu": F.leaky_relu, "Celu": F.celu, "HardSwish": F.hardswish, "Tan": torch.tan,
    }
    out = [c.Case(op, lambda t, f=f: f(t[0]), [c.values(BEND)]) for op, f in plain.items()]
    for op, f in {"Log": torch.log, "Sqrt": torch.sqrt, "Reciprocal": torch.reciprocal}.items():
        out.append(c.Case(op, lambda t, f=f: f(t[0]), [n(2, 4, low=0.2, high=3.0)]))
    for op, f in {"Asin": torch.asin, "Acos": torch.acos, "Atanh": torch.atanh}.items():
        out.append(c.Case(op, lambda t, f=f: f(t[0]), [n(2, 4, low=-0.9, high=0.9)]))
    out.append(c.Case("Acosh", lambda t: torch.acosh(t[0]), [n(2, 4, low=1.1, high=3.0)]))
    out.append(c.Case("Mish", lambda t: F.mish(t[0]), [c.values(BEND)], opset=18))
    out.append(c.Case("Gelu", lambda t: F.gelu(t[0]), [c.values(BEND)], opset=20))
    out.append(c.Case("Gelu", lambda t: F.gelu(t[0], approximate="tanh"), [c.values(BEND)], {"approximate": "tanh"}, 20))
    out.append(c.Case("Gelu", lambda t: F.gelu(t[0]), [c.values(BEND)], opset=1, domain="com.microsoft"))
    out.append(c.Case("FastGelu", lambda t: F.gelu(t[0] + t[1], approximate="tanh"), [n(3, 4), n(4)], opset=1, domain="com.microsoft"))
    out.append(c.Case("BiasGelu", lambda t: F.gelu(t[0] + t[1]), [n(3, 4), n(4)], opset=1, domain="com.microsoft"))
    out.append(c.Case("LeakyRelu", lambda t: F.leaky_relu(t[0], 0.25), [c.values(BEND)], {"alpha": 0.25}))
    out.append(c.Case("Elu", lambda t: F.elu(t[0], 0.5), [c.values(BEND)], {"alpha": 0.5}))
    out.append(c.Case("Celu", lambda t: F.celu(t[0], 0.5), [c.values(BEND)], {"alpha": 0.5}))
    out.append(c.Case("ThresholdedRelu", lambda t: F.threshold(t[0], 0.5, 0.0), [c.values(BEND)], {"alpha": 0.5}))
    out.append(c.Case("Shrink", lambda t: F.softshrink(t[0], 0.5), [c.values(BEND)], {"bias": 0.5, "lambd": 0.5}))
    out.append(c.Case("HardSigmoid", lambda t: F.hardsigmoid(t[0]), [c.values(BEND)], {"alpha": 1 / 6, "beta": 0.5}))
    out.append(c.Case("Clip", lambda t: torch.clamp(t[0], t[1], t[2]), [c.values(BEND), c.values(-0.5), c.values(2.5)]))
    out.append(c.Case("Clip", lambda t: torch.clamp(t[0], t[1], t[2]), [c.values(BEND), c.values(2.5), c.values(-0.5)]))
    out.append(c.Case("PRelu", lambda t: F.prelu(t[0], t[1]), [c.values([[-1.0, 0.0, 2.0], [0.0, -3.0, 0.5]]), n(3)]))
    return out


def binary(torch, c, n):
    out = []
    shapes = [((2, 3, 4), (2, 3, 4)), ((2, 3, 4), (3, 1)), ((4,), (2, 1, 4)), ((), (2, 2))]
    two = {"Add": torch.add, "Sub": torch.sub, "Mul": torch.mul, "Max": torch.maximum, "Min": torch.minimum}
    for a, b in shapes:
        for op, f in two.items():
            out.append(c.Case(op, lambda t, f=f: f(t[0], t[1]), [n(*a), n(*b)]))
        out.append(c.Case("Div", lambda t: t[0] / t[1], [n(*a), n(*b, low=0.5, high=2.0)]))
        out.append(c.Case("Pow", lambda t: torch.pow(t[0], t[1]), [n(*a, low=0.3, high=2.0), n(*b, low=-2.0, high=3.0)]))
        out.append(c.Case("Sum", lambda t: t[0] + t[1] + t[2], [n(*a), n(*b), n(*a)]))
        out.append(c.Case("Mean", lambda t: (t[0] + t[1]) / 2, [n(*a), n(*b)]))
    ties = [c.values([1.0, 2.0, 3.0, -1.0]), c.values([1.0, 3.0, 2.0, -1.0])]
    out.append(c.Case("Max", lambda t: torch.maximum(t[0], t[1]), ties))
    out.append(c.Case("Min", lambda t: torch.minimum(t[0], t[1]), ties))
    zeros = [c.values([0.0, 0.0, 2.0, 0.5]), c.values([0.0, 2.0, 0.0, 3.0])]
    out.append(c.Case("Pow", lambda t: torch.pow(t[0], t[1]), zeros))
    out.append(c.Case("Mod", lambda t: torch.fmod(t[0], t[1]), [n(3, 4, low=-3.0, high=3.0), n(4, low=0.6, high=0.9)], {"fmod": 1}))
    return out


def cases(torch, F, c):
    n = c.Numbers(2000)
    return unary(torch, F, c, n) + binary(torch, c, n)
