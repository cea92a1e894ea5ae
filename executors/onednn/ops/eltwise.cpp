// Operators on single elements: inside the step before where possible, in place where nobody else reads the source.
#include <cfloat>

#include <map>

#include "../builder.h"

namespace halftone::onednn {
namespace {

using api::algorithm;

PostOp unary(algorithm a, double alpha = 0, double beta = 0) {
  PostOp op;
  op.algorithm = a;
  op.alpha = static_cast<float>(alpha);
  op.beta = static_cast<float>(beta);
  return op;
}

using Recipe = std::vector<PostOp> (*)(const sdk::OpNode &);

const std::map<std::string_view, Recipe> &recipes() {
  using Node = const sdk::OpNode &;
  static const std::map<std::string_view, Recipe> table = {
      {"Relu", [](Node) { return std::vector{unary(algorithm::eltwise_relu)}; }},
      {"LeakyRelu", [](Node n) { return std::vector{unary(algorithm::eltwise_relu, n.number("alpha", 0.01))}; }},
      {"Sigmoid", [](Node) { return std::vector{unary(algorithm::eltwise_logistic)}; }},
      {"Tanh", [](Node) { return std::vector{unary(algorithm::eltwise_tanh)}; }},
      {"Exp", [](Node) { return std::vector{unary(algorithm::eltwise_exp)}; }},
      {"Sqrt", [](Node) { return std::vector{unary(algorithm::eltwise_sqrt)}; }},
      {"Abs", [](Node) { return std::vector{unary(algorithm::eltwise_abs)}; }},
      {"Neg", [](Node) { return std::vector{unary(algorithm::eltwise_linear, -1)}; }},
      {"Softplus", [](Node) { return std::vector{unary(algorithm::eltwise_soft_relu)}; }},
      {"Elu", [](Node n) { return std::vector{unary(algorithm::eltwise_elu, n.number("alpha", 1))}; }},
      {"HardSwish", [](Node) { return std::vector{unary(algorithm::eltwise_hardswish, 1.0 / 6, 0.5)}; }},
      {"HardSigmoid",
       [](Node n) {
         return std::vector{unary(algorithm::eltwise_linear, n.number("alpha", 0.2), n.number("beta", 0.5)),
                            unary(algorithm::eltwise_clip, 0, 1)};
       }},
      {"Gelu",
       [](Node n) {
         const bool tanh = n.text("approximate", "none") == "tanh";
         return std::vector{unary(tanh ? algorithm::eltwise_gelu_tanh : algorithm::eltwise_gelu_erf)};
       }},
  };
  return table;
}

// Runs the operations one after the other, the first with all that can follow.
void add_eltwise(Builder &b, const NodeRecord &node, const std::vector<PostOp> &ops) {
  const int x = node.inputs[0], out = node.outputs[0];
  Placed source = b.current(x);
  const Desc desc = source.desc;
  const int target = b.writable(node, x, source) ? source.buffer : b.allocate(desc.get_size());
  for (const PostOp &op : ops) {
    const dnnl::eltwise_forward::primitive_desc pd =
        api::eltwise(b.engine(), plain_attributes(), op.algorithm, desc, op.alpha, op.beta);
    b.primitive(dnnl::eltwise_forward(pd), pd, {{DNNL_ARG_SRC, desc, source.buffer}, {DNNL_ARG_DST, desc, target}});
    source.buffer = target;
  }
  b.define(out, {desc, target});
}

class Eltwise : public NativeOp {
 public:
  explicit Eltwise(const sdk::OpNode &node) : ops_(recipes().at(node.node().op_type())(node)) {}

  bool build(Builder &b, const NodeRecord &node) const override {
    if (!b.is_available(node.inputs[0])) return false;
    add_eltwise(b, node, ops_);
    return true;
  }
  bool fuse(const Builder &, const NodeRecord &, int, PostChain &chain) const override {
    chain.ops.insert(chain.ops.end(), ops_.begin(), ops_.end());
    return true;
  }

 private:
  std::vector<PostOp> ops_;
};

// Bounds are attributes before opset 11 and inputs since.
class Clip final : public NativeOp {
 public:
  explicit Clip(const sdk::OpNode &node) : low_(node.number("min", -FLT_MAX)), high_(node.number("max", FLT_MAX)) {}

  bool build(Builder &b, const NodeRecord &node) const override {
    PostOp op;
    if (!b.is_available(node.inputs[0]) || !operation(b, node, op)) return false;
    add_eltwise(b, node, {op});
    return true;
  }
  bool fuse(const Builder &b, const NodeRecord &node, int value, PostChain &chain) const override {
    PostOp op;
    if (node.inputs[0] != value || !operation(b, node, op)) return false;
    chain.ops.push_back(op);
    return true;
  }

 private:
  bool operation(const Builder &b, const NodeRecord &node, PostOp &op) const {
    double bounds[2] = {low_, high_};
    for (std::size_t i = 0; i < 2; ++i) {
      const int value = node.inputs.size() > i + 1 ? node.inputs[i + 1] : -1;
      if (value < 0) continue;
      const auto number = b.scalar(value);
      if (!number) return false;
      bounds[i] = *number;
    }
    op = unary(algorithm::eltwise_clip, bounds[0], bounds[1]);
    return bounds[0] <= bounds[1];
  }
  double low_, high_;
};

// With a constant exponent of 2, as norms are written.
class Square final : public NativeOp {
 public:
  explicit Square(const sdk::OpNode &) {}

  bool build(Builder &b, const NodeRecord &node) const override {
    if (!b.is_available(node.inputs[0]) || !is_square(b, node)) return false;
    add_eltwise(b, node, {unary(algorithm::eltwise_square)});
    return true;
  }
  bool fuse(const Builder &b, const NodeRecord &node, int value, PostChain &chain) const override {
    if (node.inputs[0] != value || !is_square(b, node)) return false;
    chain.ops.push_back(unary(algorithm::eltwise_square));
    return true;
  }

 private:
  // The exponent must not have more axes than the base, which has the result's shape.
  static bool is_square(const Builder &b, const NodeRecord &node) {
    return b.scalar(node.inputs[1]) == 2.0F && b.shape(node.inputs[1]).size() <= b.shape(node.inputs[0]).size();
  }
};

struct Register {
  Register() {
    for (const auto &[name, recipe] : recipes()) NativeEntry(name.data(), &make_native<Eltwise>);
  }
};
const Register kEltwise;
const NativeEntry kClip("Clip", &make_native<Clip>);
const NativeEntry kPow("Pow", &make_native<Square>);

}  // namespace
}  // namespace halftone::onednn
