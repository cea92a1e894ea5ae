"""Writes values/formulas.json: the published formulas of the fake quantizers, in double, one element at a time.

Slopes of what is differentiable (DSQ's staircase, AdaRound's sigmoid and penalty, DoReFa's tanh) are central differences
of the formula. Usage: make_formula_values.py FILE, or --check FILE: fails when the file says something else.
"""
import json
import sys

import numpy as np

STEP = 1e-6


def difference(f, at, step=STEP):
    return (f(at + step) - f(at - step)) / (2 * step)


def f32(values):
    return [float(v) for v in np.asarray(values, np.float32).reshape(-1)]


class Points:
    """Data of one case; element k belongs to group k // inner % groups."""

    def __init__(self, seed, grouping, scales, zero_points=(), spread=1.0):
        rng = np.random.default_rng(seed)
        count = grouping[0] * grouping[1] * grouping[2]
        self.grouping, self.scales = grouping, f32(scales)
        self.zero_points = [float(z) for z in zero_points] or [0.0] * len(scales)
        self.x, self.dy = f32(rng.normal(0, spread, count)), f32(rng.normal(0, 1, count))
        self.groups = [k // grouping[2] % grouping[1] for k in range(count)]

    def rows(self):
        for k, group in enumerate(self.groups):
            yield k, self.x[k], self.dy[k], group

    def sums(self, terms):
        return [float(sum(t for t, g in zip(terms, self.groups) if g == group)) for group in range(self.grouping[1])]

    def case(self, name, method, parameters, grid, y, dx, **more):
        symmetric = all(z == 0 for z in self.zero_points)
        return {"name": name, "method": method, "parameters": parameters, "quant_min": grid[0], "quant_max": grid[1],
                "symmetric": symmetric, "is_weight": False, "grouping": self.grouping, "scales": self.scales,
                "zero_points": self.zero_points, "x": self.x, "dy": self.dy, "y": [float(v) for v in y],
                "dx": [float(v) for v in dx]} | more


def lsq(points, grid, name):
    """Esser et al., equations 1, 2, 3 and 5, with g = 1 / sqrt(N Qp)."""
    y, dx, ds = [], [], []
    for _, x, dy, group in points.rows():
        s = points.scales[group]
        v = x / s
        y.append(np.round(np.clip(v, *grid)) * s)
        inside = grid[0] < v < grid[1]
        dx.append(dy if inside else 0.0)
        ds.append(dy * (np.round(v) - v if inside else grid[0] if v <= grid[0] else grid[1]))
    per_scale = len(points.x) // points.grouping[1]
    g = 1 / np.sqrt(per_scale * grid[1])
    return points.case(name, "lsq", {}, grid, y, dx, per_scale=per_scale,
                       scales_gradient=[g * v for v in points.sums(ds)])


def lsq_plus(points, grid, name):
    """Bhalgat et al., equations 3 to 6: y = round(clamp((x - beta) / s)) s + beta. The offset is z = -beta / s, whole here;
    d/dz = -s d/dbeta, and with z held instead of beta d/ds gains -z d/dbeta."""
    y, dx, ds, dz = [], [], [], []
    for _, x, dy, group in points.rows():
        s, z = points.scales[group], points.zero_points[group]
        beta = -s * z
        v = (x - beta) / s
        y.append(np.round(np.clip(v, *grid)) * s + beta)
        inside = grid[0] < v < grid[1]
        of_s = np.round(v) - v if inside else grid[0] if v <= grid[0] else grid[1]
        of_beta = 0.0 if inside else 1.0
        dx.append(dy if inside else 0.0)
        ds.append(dy * (of_s - z * of_beta))
        dz.append(dy * -s * of_beta)
    per_scale = len(points.x) // points.grouping[1]
    g = 1 / np.sqrt(per_scale * grid[1])
    return points.case(name, "lsq-plus", {}, grid, y, dx, per_scale=per_scale,
                       scales_gradient=[g * v for v in points.sums(ds)],
                       offsets_gradient=[g * v for v in points.sums(dz)])


def pact(points, grid, name):
    """Choi et al., equations 1 to 3: clip to [0, alpha], or [-alpha, alpha] where the range is signed."""
    y, dx, da = [], [], []
    for _, x, dy, group in points.rows():
        s = points.scales[group]
        alpha, bottom = s * grid[1], s * grid[0]
        y.append(np.round(np.clip(x, bottom, alpha) * grid[1] / alpha) * alpha / grid[1])
        dx.append(dy if bottom < x < alpha else 0.0)
        da.append(dy * (1.0 if x >= alpha else grid[0] / grid[1] if x <= bottom else 0.0))
    return points.case(name, "pact", {}, grid, y, dx, scales_gradient=points.sums(da))


def dsq(points, grid, alpha, name):
    """Gong et al., equations 3 to 8: the soft staircase, whose derivative is taken numerically."""
    t, k = 1 / (1 - alpha), np.log(2 / alpha - 1)

    def soft(x, s):
        lower, upper = grid[0] * s, grid[1] * s
        if x < lower:
            return lower
        if x > upper:
            return upper
        i = np.floor((x - lower) / s)
        middle = lower + (i + 0.5) * s
        phi = t * np.tanh(k / s * (x - middle))
        return lower + s * (i + (phi + 1) / 2)

    y, dx, ds = [], [], []
    for _, x, dy, group in points.rows():
        s = points.scales[group]
        y.append(np.round(np.clip(x / s, *grid)) * s)
        dx.append(dy * difference(lambda at: soft(at, s), x))
        ds.append(dy * difference(lambda at: soft(x, at), s))
    return points.case(name, "dsq", {"alpha": alpha}, grid, y, dx, scales_gradient=points.sums(ds), loose=1)


def tqt(points, grid, name):
    """Jain et al., equations 4 to 8: s = 2^ceil(log2 t) / 2^(b-1), gradient with respect to log2 t."""
    y, dx, dt = [], [], []
    for _, x, dy, group in points.rows():
        reach = -grid[0] if grid[0] < 0 else grid[1] + 1
        s = 2.0 ** np.ceil(np.log2(points.scales[group] * reach)) / reach
        code = np.round(x / s)
        inside = grid[0] <= code <= grid[1]
        y.append(np.clip(code, *grid) * s)
        dx.append(dy if inside else 0.0)
        dt.append(dy * s * np.log(2) * (code - x / s if inside else grid[0] if code < grid[0] else grid[1]))
    return points.case(name, "tqt", {}, grid, y, dx, scales_gradient=points.sums(dt))


def dorefa(points, grid, name):
    """Zhou et al., equation 9 without the shift to a grid that has no zero; the reach is that of the scale."""
    top = min(-grid[0], grid[1])
    members = [[k for k, g in enumerate(points.groups) if g == group] for group in range(points.grouping[1])]

    def transformed(w, group):
        t = np.tanh(np.asarray(w)[members[group]])
        return points.scales[group] * top * t / np.abs(t).max()

    y, dx = np.zeros(len(points.x)), np.zeros(len(points.x))
    for group, own in enumerate(members):
        s = points.scales[group]
        y[own] = np.round(transformed(points.x, group) / s) * s
        for k in own:
            def moved(at):
                w = np.array(points.x)
                w[k] = at
                return float(np.dot(transformed(w, group), np.asarray(points.dy)[own]))
            dx[k] = difference(moved, points.x[k])
    return points.case(name, "dorefa", {}, grid, y, dx, is_weight=True, loose=1)


def power_of_two(points, grid, direction, rounded, name):
    y, dx = [], []
    for _, x, dy, group in points.rows():
        s = 2.0 ** rounded(np.log2(points.scales[group]))
        code = np.round(x / s)
        y.append(np.clip(code, *grid) * s)
        dx.append(dy if grid[0] <= code <= grid[1] else 0.0)
    return points.case(name, "power-of-two", {"direction": direction}, grid, y, dx)


def adaround(points, grid, name, seed):
    """Nagel et al., equations 21 to 24; the penalty has weight 0.01 and exponent 5."""
    r = f32(np.random.default_rng(seed).normal(0, 2, len(points.x)))
    weight, beta = float(np.float32(0.01)), 5.0

    def h(v):
        return np.clip(1.2 / (1 + np.exp(-v)) - 0.1, 0, 1)

    def quantized(w, v, s, z):
        return (np.clip(np.floor(w / s) + v + z, *grid) - z) * s

    def penalty(v):
        return 1 - np.abs(2 * h(v) - 1) ** beta

    y, hard, dr, dp, ds, dx = [], [], [], [], [], []
    for k, x, dy, group in points.rows():
        s, z = points.scales[group], points.zero_points[group]
        y.append(quantized(x, h(r[k]), s, z))
        hard.append(quantized(x, float(r[k] >= 0), s, z))
        dr.append(dy * difference(lambda at: quantized(x, h(at), s, z), r[k]))
        dp.append(weight * difference(penalty, r[k]))
        ds.append(dy * (np.clip(np.floor(x / s) + h(r[k]) + z, *grid) - z))
        raw = np.floor(x / s) + h(r[k]) + z
        dx.append(dy if grid[0] <= raw <= grid[1] else 0.0)
    return points.case(name, "adaround", {}, grid, y, dx, is_weight=True, loose=1, rounding=r,
                       hard=[float(v) for v in hard], rounding_gradient=[float(v) for v in dr],
                       scales_gradient=points.sums(ds), penalty_weight=weight, penalty_beta=beta,
                       penalty=float(weight * sum(penalty(v) for v in r)), penalty_gradient=[float(v) for v in dp])


def initial_values():
    """Starts that are functions of the values: LSQ's, LSQ+'s for weights, TQT's."""
    w = f32(np.random.default_rng(40).normal(0.02, 0.3, 2 * 45))
    parts = [np.asarray(w[:45]), np.asarray(w[45:])]
    return {"x": w, "grouping": [1, 2, 45], "quant_min": -8, "quant_max": 7,
            "lsq": [float(2 * np.abs(p).mean() / np.sqrt(7)) for p in parts],
            "lsq-plus": [float(max(abs(p.mean() - 3 * p.std()), abs(p.mean() + 3 * p.std())) / 8) for p in parts],
            "tqt": [float(np.log2(3 * p.std() / 8)) for p in parts]}


def all_values():
    signed4, unsigned4 = [-8, 7], [0, 15]
    rows = [
        lsq(Points(1, [1, 1, 150], [0.21]), signed4, "lsq, per tensor"),
        lsq(Points(2, [3, 4, 9], [0.11, 0.2, 0.3, 0.17]), unsigned4, "lsq, per channel, unsigned"),
        lsq_plus(Points(3, [1, 1, 130], [0.19], [5]), unsigned4, "lsq-plus, per tensor"),
        lsq_plus(Points(4, [5, 6, 3], [0.11, 0.2, 0.15, 0.17, 0.1, 0.12], [3, 4, 9, 7, 8, 1]), unsigned4,
                 "lsq-plus, per channel"),
        pact(Points(5, [1, 1, 120], [0.1]), unsigned4, "pact, unsigned"),
        pact(Points(6, [1, 1, 120], [0.13]), signed4, "pact, signed"),
        dsq(Points(7, [1, 1, 100], [0.2]), signed4, 0.4, "dsq"),
        dsq(Points(8, [1, 2, 50], [0.15, 0.22]), unsigned4, 0.1, "dsq, unsigned and nearly hard"),
        tqt(Points(9, [1, 1, 120], [0.1]), signed4, "tqt, signed"),
        tqt(Points(10, [1, 2, 60], [0.125, 0.3]), unsigned4, "tqt, unsigned"),
        dorefa(Points(11, [1, 1, 60], [1 / 7]), signed4, "dorefa, per tensor, the paper's scale"),
        dorefa(Points(12, [1, 3, 20], [0.1, 0.2, 0.02]), signed4, "dorefa, per channel"),
        power_of_two(Points(13, [1, 1, 50], [0.1]), signed4, "up", np.ceil, "power-of-two, up"),
        power_of_two(Points(14, [1, 1, 50], [0.15]), signed4, "nearest", np.round, "power-of-two, nearest"),
        power_of_two(Points(15, [1, 1, 50], [0.2]), signed4, "down", np.floor, "power-of-two, down"),
        adaround(Points(16, [1, 3, 41], [0.2, 0.3, 0.25]), signed4, "adaround, symmetric", 21),
        adaround(Points(17, [4, 5, 3], [0.2, 0.14, 0.16, 0.19, 0.15], [7, 8, 6, 5, 9]), unsigned4,
                 "adaround, asymmetric, short runs", 22),
    ]
    return {"cases": rows, "initial": initial_values()}


def close(a, b):
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(close(a[k], b[k]) for k in a)
    if isinstance(a, list):
        return len(a) == len(b) and all(close(x, y) for x, y in zip(a, b))
    if isinstance(a, float):
        return abs(a - b) <= 1e-9 + 1e-7 * abs(b)
    return a == b


def main():
    values = all_values()
    if sys.argv[1] == "--check":
        with open(sys.argv[2], encoding="utf-8") as file:
            if not close(json.loads(json.dumps(values)), json.load(file)):
                sys.exit(f"{sys.argv[2]} is not what this script makes; run it again")
        print(f"{len(values['cases'])} cases are up to date")
        return
    with open(sys.argv[1], "w", encoding="utf-8") as file:
        json.dump(values, file, separators=(",", ":"))


if __name__ == "__main__":
    main()
