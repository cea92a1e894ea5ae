"""Operators that move elements, and those that resample."""


def moves(torch, F, c, n):
    index = [[1, 2, 0], [2, 0, 0]]
    out = [
        c.Case("Reshape", lambda t: t[0].reshape(4, 6), [n(2, 3, 4), c.ints([4, 6])]),
        c.Case("Transpose", lambda t: t[0].permute(1, 2, 0), [n(2, 3, 4)], {"perm": (1, 2, 0)}),
        c.Case("Concat", lambda t: torch.cat(t, 1), [n(2, 3), n(2, 1)], {"axis": 1}),
        c.Case("Split", lambda t: t[0].split((1, 4), 0), [n(5, 2), c.ints([1, 4])], outputs=2),
        c.Case("Slice", lambda t: t[0][1:4:2, :3], [n(5, 4), c.ints([1, 0]), c.ints([4, 3]), c.ints([0, 1]), c.ints([2, 1])]),
        c.Case("Expand", lambda t: t[0].expand(2, 3, 4), [n(3, 1), c.ints([2, 3, 4])]),
        c.Case("Tile", lambda t: t[0].repeat(3, 2), [n(2, 3), c.ints([3, 2])]),
        c.Case("DepthToSpace", lambda t: F.pixel_shuffle(t[0], 2), [n(2, 8, 2, 3)], {"blocksize": 2, "mode": "CRD"}),
        c.Case("Gather", lambda t: t[0][t[1]], [n(5, 3), c.ints([[4, 0], [1, 4]])]),
        c.Case("GatherElements", lambda t: t[0].gather(0, t[1]), [n(3, 3), c.ints(index)]),
        c.Case("Trilu", lambda t: t[0].triu(1), [n(2, 4, 4), c.ints(1)]),
        c.Case("Trilu", lambda t: t[0].tril(-1), [n(4, 5), c.ints(-1)], {"upper": 0}),
        c.Case("ScatterElements", lambda t: t[0].scatter_add(0, t[1], t[2]), [n(3, 3), c.ints(index), n(2, 3)], {"reduction": "add"}, 18),
        c.Case("ScatterElements", lambda t: t[0].scatter(0, t[1], t[2]), [n(3, 3), c.ints([[1, 2, 0], [2, 0, 1]]), n(2, 3)]),
    ]
    for mode in ("constant", "reflect", "replicate", "circular"):
        name = {"replicate": "edge", "circular": "wrap"}.get(mode, mode)
        out.append(c.Case("Pad", lambda t, m=mode: F.pad(t[0], (2, 1, 1, 2), m), [n(1, 2, 3, 4), c.ints([0, 0, 1, 2, 0, 0, 2, 1])], {"mode": name}, 19))
    return out


def resampling(torch, F, c, n):
    out = []
    for mode, name in (("bilinear", "linear"), ("bicubic", "cubic")):
        for align in (False, True):
            coordinates = "align_corners" if align else "half_pixel"
            out.append(c.Case("Resize", lambda t, m=mode, a=align: F.interpolate(t[0], size=(6, 5), mode=m, align_corners=a),
                              [n(1, 2, 4, 3), ("empty",), ("empty",), c.ints([1, 2, 6, 5])],
                              {"mode": name, "coordinate_transformation_mode": coordinates}, 19))
    out.append(c.Case("Resize", lambda t: F.interpolate(t[0], size=(8, 9), mode="nearest"), [n(1, 2, 4, 3), ("empty",), ("empty",), c.ints([1, 2, 8, 9])],
                      {"mode": "nearest", "coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}, 19))
    for mode in ("bilinear", "nearest", "bicubic"):
        for padding in ("zeros", "border", "reflection"):
            for align in (0, 1):
                if mode == "bicubic" and padding != "zeros":
                    continue
                name = {"bilinear": "linear", "bicubic": "cubic"}.get(mode, mode)
                out.append(c.Case("GridSample", lambda t, m=mode, p=padding, a=align: F.grid_sample(t[0], t[1], m, p, bool(a)),
                                  [n(1, 2, 4, 5), n(1, 3, 3, 2, low=-1.3, high=1.3)],
                                  {"mode": name, "padding_mode": padding, "align_corners": align}, 20))
    return out


def cases(torch, F, c):
    n = c.Numbers(4000)
    return moves(torch, F, c, n) + resampling(torch, F, c, n)
