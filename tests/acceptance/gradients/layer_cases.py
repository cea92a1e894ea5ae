"""Convolutions, products, pools, normalizations, reductions and softmaxes."""


def convolutions(torch, F, c, n):
    out = []
    two = [((2, 4, 6, 5), (6, 2, 3, 3), dict(stride=(2, 1), padding=(1, 2), dilation=(1, 2), groups=2)),
           ((1, 3, 5, 5), (3, 1, 3, 3), dict(stride=(1, 1), padding=(1, 1), dilation=(1, 1), groups=3)),
           ((2, 3, 4, 4), (5, 3, 1, 1), dict(stride=(1, 1), padding=(0, 0), dilation=(1, 1), groups=1))]
    for x, w, k in two:
        attributes = {"strides": k["stride"], "pads": k["padding"] * 2, "dilations": k["dilation"], "group": k["groups"]}
        out.append(c.Case("Conv", lambda t, k=k: F.conv2d(t[0], t[1], t[2], **k), [n(*x), n(*w), n(w[0])], attributes))
    out.append(c.Case("Conv", lambda t: F.conv1d(t[0], t[1], stride=2, padding=1), [n(2, 3, 8), n(4, 3, 3)], {"strides": (2,), "pads": (1, 1)}))
    out.append(c.Case("Conv", lambda t: F.conv3d(t[0], t[1], t[2], padding=1), [n(1, 2, 3, 4, 3), n(3, 2, 3, 2, 3), n(3)], {"pads": (1, 1, 1, 1, 1, 1)}))
    k = dict(stride=(2, 3), padding=(1, 0), output_padding=(1, 2), groups=2, dilation=(1, 2))
    out.append(c.Case("ConvTranspose", lambda t: F.conv_transpose2d(t[0], t[1], t[2], **k), [n(2, 4, 3, 4), n(4, 3, 3, 2), n(6)],
                      {"strides": (2, 3), "pads": (1, 0, 1, 0), "output_padding": (1, 2), "group": 2, "dilations": (1, 2)}))
    out.append(c.Case("ConvTranspose", lambda t: F.conv_transpose1d(t[0], t[1], stride=2), [n(1, 3, 4), n(3, 2, 3)], {"strides": (2,)}))
    out.append(c.Case("ConvTranspose", lambda t: F.conv_transpose3d(t[0], t[1]), [n(1, 2, 2, 3, 2), n(2, 3, 2, 2, 2)]))
    return out


def products(torch, c, n):
    out = []
    for a, b in [((2, 3), (3, 4)), ((3,), (2, 3, 2)), ((2, 2, 3), (3,)), ((2, 1, 2, 3), (4, 3, 2))]:
        out.append(c.Case("MatMul", lambda t: torch.matmul(t[0], t[1]), [n(*a), n(*b)]))
    out.append(c.Case("Gemm", lambda t: 0.5 * (t[0].T @ t[1].T) + 2 * t[2], [n(3, 2), n(4, 3), n(4)], {"alpha": 0.5, "beta": 2.0, "transA": 1, "transB": 1}))
    out.append(c.Case("Gemm", lambda t: t[0] @ t[1].T + t[2], [n(2, 3), n(4, 3), n(4)], {"transB": 1}))
    out.append(c.Case("Einsum", lambda t: torch.einsum("bij,bjk->bik", t[0], t[1]), [n(2, 3, 4), n(2, 4, 2)], {"equation": "bij,bjk->bik"}))
    out.append(c.Case("Einsum", lambda t: torch.einsum("ii->i", t[0]), [n(3, 3)], {"equation": "ii->i"}))
    return out


def pools(torch, F, c, n):
    tied = c.values([[[[1.0, 1.0, 2.0, 2.0], [1.0, 0.0, 2.0, 2.0], [3.0, 1.0, 0.0, 0.0], [3.0, 3.0, 0.0, 0.0]]]])
    out = [c.Case("MaxPool", lambda t: F.max_pool2d(t[0], 2, 2), [tied], {"kernel_shape": (2, 2), "strides": (2, 2)})]
    out.append(c.Case("MaxPool", lambda t: F.max_pool2d(t[0], 3, 2, 1, 1, True), [n(2, 2, 6, 6)],
                      {"kernel_shape": (3, 3), "strides": (2, 2), "pads": (1, 1, 1, 1), "ceil_mode": 1}))
    out.append(c.Case("MaxPool", lambda t: F.max_pool2d(t[0], (2, 3), (1, 2), 0, (2, 1)), [n(1, 2, 6, 7)],
                      {"kernel_shape": (2, 3), "strides": (1, 2), "dilations": (2, 1)}))
    out.append(c.Case("MaxPool", lambda t: F.max_pool1d(t[0], 3, 2), [n(1, 2, 9)], {"kernel_shape": (3,), "strides": (2,)}))
    out.append(c.Case("MaxPool", lambda t: F.max_pool3d(t[0], 2, 1), [n(1, 1, 3, 3, 4)], {"kernel_shape": (2, 2, 2)}))
    for include in (0, 1):
        out.append(c.Case("AveragePool", lambda t, i=include: F.avg_pool2d(t[0], 3, 2, 1, True, bool(i)), [n(2, 2, 6, 6)],
                          {"kernel_shape": (3, 3), "strides": (2, 2), "pads": (1, 1, 1, 1), "ceil_mode": 1, "count_include_pad": include}, 19))
    out.append(c.Case("GlobalAveragePool", lambda t: t[0].mean((2, 3), True), [n(2, 3, 4, 4)]))
    out.append(c.Case("GlobalMaxPool", lambda t: F.adaptive_max_pool2d(t[0], 1), [tied]))
    out.append(c.Case("LpPool", lambda t: F.lp_pool2d(t[0], 3, 2, 2), [n(1, 2, 4, 4, low=0.1, high=1.0)], {"kernel_shape": (2, 2), "strides": (2, 2), "p": 3}))
    return out


def normalizations(torch, F, c, n):
    def own(low, high, *shape):
        return n(*shape, low=low, high=high)

    moments = [n(2, 3, 4, 2), n(3), n(3), n(3), own(0.5, 1.5, 3)]
    out = [c.Case("BatchNormalization", lambda t: F.batch_norm(t[0], t[3].detach(), t[4].detach(), t[1], t[2]), moments, constant=(3, 4))]
    out.append(c.Case("BatchNormalization", lambda t: (F.batch_norm(t[0], None, None, t[1], t[2], True), None, None), moments,
                      {"training_mode": 1}, outputs=3, constant=(3, 4)))
    out.append(c.Case("InstanceNormalization", lambda t: F.instance_norm(t[0], weight=t[1], bias=t[2]), [n(2, 3, 4, 2), n(3), n(3)]))
    out.append(c.Case("GroupNormalization", lambda t: F.group_norm(t[0], 2, t[1], t[2]), [n(2, 4, 3), n(4), n(4)], {"num_groups": 2}, 21))
    out.append(c.Case("LayerNormalization", lambda t: F.layer_norm(t[0], (3, 4), t[1], t[2]), [n(2, 3, 4), n(3, 4), n(3, 4)], {"axis": 1}))
    out.append(c.Case("LayerNormalization", lambda t: F.layer_norm(t[0], (4,), t[1]), [n(2, 3, 4), n(4)]))
    out.append(c.Case("SkipLayerNormalization", lambda t: (F.layer_norm(t[0] + t[1] + t[4], (4,), t[2], t[3], 1e-12), None, None, t[0] + t[1] + t[4]),
                      [n(2, 3, 4), n(2, 3, 4), n(4), n(4), n(4)], opset=1, domain="com.microsoft", outputs=4))
    out.append(c.Case("LRN", lambda t: F.local_response_norm(t[0], 3, 0.5, 0.75, 1.0), [n(2, 5, 3, 2)], {"size": 3, "alpha": 0.5, "beta": 0.75, "bias": 1.0}))
    for p in (1, 2):
        out.append(c.Case("LpNormalization", lambda t, p=p: F.normalize(t[0], p, 1), [n(2, 3, 4)], {"p": p, "axis": 1}))
    return out


def reductions(torch, F, c, n):
    tied = c.values([[1.0, 3.0, 3.0], [-2.0, -2.0, -2.0]])
    zeros = c.values([[0.0, 2.0, 3.0], [0.0, 0.0, 1.0]])
    axis = {"axes": (1,)}
    out = []
    for spec in (tied, zeros):
        out.append(c.Case("ReduceMax", lambda t: t[0].amax(1, True), [spec], axis))
        out.append(c.Case("ReduceMin", lambda t: t[0].amin(1, True), [spec], axis))
        out.append(c.Case("ReduceProd", lambda t: t[0].prod(1, True), [spec], axis))
        out.append(c.Case("ReduceL1", lambda t: t[0].abs().sum(1, True), [spec], axis))
        out.append(c.Case("ReduceSum", lambda t: t[0].sum(1, True), [spec, c.ints([1])]))
        out.append(c.Case("ReduceMean", lambda t: t[0].mean(1, True), [spec], axis))
        out.append(c.Case("ReduceSumSquare", lambda t: (t[0] ** 2).sum(1, True), [spec], axis))
        out.append(c.Case("ReduceLogSumExp", lambda t: t[0].logsumexp(1, True), [spec], axis))
    out.append(c.Case("ReduceL2", lambda t: t[0].norm(2, 1, True), [c.values([[0.0, 0.0, 0.0], [0.0, 3.0, 4.0]])], axis))
    out.append(c.Case("ReduceLogSum", lambda t: t[0].sum(1, True).log(), [n(2, 4, low=0.2, high=2.0)], axis))
    for k in (0, 1, -1):
        out.append(c.Case("Softmax", lambda t, k=k: F.softmax(t[0], k), [n(2, 3, 4)], {"axis": k}))
        out.append(c.Case("LogSoftmax", lambda t, k=k: F.log_softmax(t[0], k), [n(2, 3, 4)], {"axis": k}))
    out.append(c.Case("CumSum", lambda t: t[0].cumsum(1), [n(2, 5), c.ints([1])]))
    return out


def cases(torch, F, c):
    n = c.Numbers(3000)
    return (convolutions(torch, F, c, n) + products(torch, c, n) + pools(torch, F, c, n) + normalizations(torch, F, c, n)
            + reductions(torch, F, c, n))
