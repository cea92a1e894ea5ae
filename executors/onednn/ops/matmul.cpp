// MatMul and Gemm: rows of a sample times a matrix, or a batch of matrices.
#include <algorithm>

#include "../builder.h"

namespace halftone::onednn {
namespace {

struct Product {
  Desc a, b, bias, dst;
  int a_value, b_value;
  Placed bias_place;
};

// Post-ops see the collapsed result: what lies along the last axis of the value lies along the last axis of that.
PostRules rules_for(const Shape &full, bool collapsed) {
  return {true, [last = full.size() - 1, collapsed](const PostOp &op) {
            return !op.binary || !collapsed || op.broadcast.kind != Broadcast::kAxis || op.broadcast.axis == last;
          }};
}

void add_product(Builder &b, int out, const Product &p) {
  const Shape &full = b.shape(out);
  const std::size_t rank = api::dims_of(p.dst).size();
  dnnl::matmul::primitive_desc pd;
  std::vector<PrimitiveStep::Operand> operands;
  const int result = b.with_chain(out, rules_for(full, rank != full.size()), p.dst,
                                  [&](const Builder::PostOps &post, const PostChain &) {
                                    pd = api::matmul(b.engine(), post.attr, p.a, p.b, p.bias, p.dst);
                                    operands = post.operands;
                                  });
  const int target = b.allocate(p.dst.get_size());
  operands.insert(operands.end(), {{DNNL_ARG_SRC, p.a, b.plain(p.a_value).buffer},
                                   {DNNL_ARG_WEIGHTS, p.b, b.plain(p.b_value).buffer},
                                   {DNNL_ARG_DST, p.dst, target}});
  if (p.bias_place.buffer != kNoBuffer) operands.push_back({DNNL_ARG_BIAS, p.bias, p.bias_place.buffer});
  b.primitive(dnnl::matmul(pd), pd, std::move(operands));
  b.define(result, {plain_desc(full), target});
}

Shape with_leading_ones(const Shape &shape, std::size_t rank) {
  Shape out(rank - shape.size(), 1);
  out.insert(out.end(), shape.begin(), shape.end());
  return out;
}

class MatMul final : public NativeOp {
 public:
  explicit MatMul(const sdk::OpNode &) {}

  bool build(Builder &b, const NodeRecord &node) const override {
    const int x = node.inputs[0], y = node.inputs[1], out = node.outputs[0];
    if (!b.is_available(x) || !b.is_available(y)) return false;
    const Shape &a = b.shape(x), &c = b.shape(y), &full = b.shape(out);
    if (a.size() < 2 || c.size() < 2) return false;
    if (c.size() == 2) {
      const std::int64_t k = a.back(), n = c.back(), m = count_of(a) / k;
      add_product(b, out, {plain_desc(Shape{m, k}), plain_desc(c), Desc(), plain_desc(Shape{m, n}), x, y, {}});
      return true;
    }
    const std::size_t rank = full.size();
    add_product(b, out,
                {plain_desc(with_leading_ones(a, rank)),
                 plain_desc(with_leading_ones(c, rank)),
                 Desc(),
                 plain_desc(full),
                 x,
                 y,
                 {}});
    return true;
  }
};

class Gemm final : public NativeOp {
 public:
  explicit Gemm(const sdk::OpNode &node)
      : trans_a_(node.flag("transA", false)),
        trans_b_(node.flag("transB", false)),
        alpha_(node.number("alpha", 1)),
        beta_(node.number("beta", 1)) {}

  bool build(Builder &b, const NodeRecord &node) const override {
    const int x = node.inputs[0], y = node.inputs[1], out = node.outputs[0];
    const int c = node.inputs.size() > 2 ? node.inputs[2] : -1;
    if (alpha_ != 1.0 || (c >= 0 && beta_ != 1.0) || !b.is_available(x) || !b.is_available(y)) return false;
    if (c >= 0 && !b.is_available(c)) return false;
    Product p{matrix(b.shape(x), trans_a_), matrix(b.shape(y), trans_b_), Desc(), plain_desc(b.shape(out)), x, y, {}};
    if (c >= 0) {
      // A row of N, one number, or a full matrix; others are left to the kernel.
      const Broadcast broadcast = classify(b.shape(c), b.shape(out));
      Shape extents = {1, 1};
      if (broadcast.kind == Broadcast::kSame)
        extents = b.shape(out);
      else if (broadcast.kind == Broadcast::kAxis && broadcast.axis == 1)
        extents[1] = b.shape(out)[1];
      else
        return false;
      p.bias = plain_desc(extents);
      p.bias_place = b.plain(c);
    }
    add_product(b, out, p);
    return true;
  }

 private:
  static Desc matrix(const Shape &shape, bool transposed) {
    return transposed ? strided_desc({shape[1], shape[0]}, {1, shape[1]}) : plain_desc(shape);
  }
  bool trans_a_, trans_b_;
  double alpha_, beta_;
};

const NativeEntry kMatMul("MatMul", &make_native<MatMul>);
const NativeEntry kGemm("Gemm", &make_native<Gemm>);

}  // namespace
}  // namespace halftone::onednn
