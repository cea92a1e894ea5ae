"""Recurrent operators, attention and losses. ONNX orders the gates of an LSTM i, o, f, c and of a GRU z, r, h; PyTorch
i, f, c, o and r, z, h."""


def gates(torch, tensor, order, hidden):
    """The rows of a stacked parameter in another order of gates."""
    return torch.cat([tensor[k * hidden:(k + 1) * hidden] for k in order])


def recurrent(torch, kind, order, t, bidirectional):
    """Y, and the last states, of the first layer of PyTorch's LSTM, GRU or RNN with ONNX's parameters."""
    x, w, r, b, _, h = t[:6]
    hidden, count = r.shape[2], b.shape[1] // 2
    parameters = []
    for d in range(w.shape[0]):
        parameters += [gates(torch, w[d], order, hidden), gates(torch, r[d], order, hidden),
                       gates(torch, b[d, :count], order, hidden), gates(torch, b[d, count:], order, hidden)]
    states = (h, t[6]) if kind == "lstm" else h
    run = {"lstm": torch.lstm, "gru": torch.gru, "rnn": torch.rnn_tanh}[kind]
    y, *last = run(x, states, parameters, True, 1, 0.0, False, bidirectional, False)
    steps, batch = y.shape[:2]
    return [y.reshape(steps, batch, -1, hidden).permute(0, 2, 1, 3), *last]


def attention(torch, q, k, v, heads, mask=None):
    def split(x):
        return x.reshape(x.shape[0], x.shape[1], heads, -1).transpose(1, 2)

    q, k, v = split(q), split(k), split(v)
    scores = q @ k.transpose(2, 3) / q.shape[-1] ** 0.5
    y = torch.softmax(scores if mask is None else scores + mask, -1) @ v
    return y.transpose(1, 2).reshape(y.shape[0], y.shape[2], -1)


def cases(torch, F, c):
    n = c.Numbers(5000)
    out = []
    for op, kind, order, more in (("LSTM", "lstm", (0, 2, 3, 1), {}), ("GRU", "gru", (1, 0, 2), {"linear_before_reset": 1}),
                                  ("RNN", "rnn", (0,), {})):
        for directions in (1, 2):
            rows = len(order) * 3
            inputs = [n(4, 2, 2), n(directions, rows, 2), n(directions, rows, 3), n(directions, 2 * rows), ("empty",), n(directions, 2, 3)]
            if kind == "lstm":
                inputs.append(n(directions, 2, 3))
            attributes = {"hidden_size": 3, "direction": "bidirectional" if directions == 2 else "forward", **more}
            out.append(c.Case(op, lambda t, a=kind, b=order, d=directions: recurrent(torch, a, b, t, d == 2), inputs, attributes,
                              outputs=3 if kind == "lstm" else 2))
    out.append(c.Case("MultiHeadAttention", lambda t: attention(torch, t[0], t[1], t[2], 2), [n(2, 3, 4), n(2, 5, 4), n(2, 5, 6)],
                      {"num_heads": 2}, opset=1, domain="com.microsoft"))
    out.append(c.Case("Attention", lambda t: attention(torch, t[0], t[1], t[2], 2, t[3]), [n(2, 3, 4), n(2, 5, 4), n(2, 5, 6), n(3, 5)],
                      {"q_num_heads": 2, "kv_num_heads": 2}, opset=23))
    targets = c.ints([[0, 3, 1], [2, 2, 3]])
    for reduction in ("none", "sum", "mean"):
        weights = n(4, low=0.2, high=1.0)
        out.append(c.Case("SoftmaxCrossEntropyLoss", lambda t, r=reduction: F.cross_entropy(t[0], t[1], t[2].detach(), ignore_index=2, reduction=r),
                          [n(2, 4, 3), targets, weights], {"reduction": reduction, "ignore_index": 2}, constant=(2,)))
        out.append(c.Case("NegativeLogLikelihoodLoss", lambda t, r=reduction: F.nll_loss(t[0], t[1], reduction=r),
                          [n(2, 4, 3), targets], {"reduction": reduction}))
    out.append(c.Case("TopK", lambda t: t[0].topk(2, 1)[0], [n(3, 5), c.ints([2])], {"axis": 1}, outputs=2))
    return out
