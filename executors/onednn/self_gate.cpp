// Values that are multiplied with what an activation makes of them, as exporters write them out: swish (x *
// sigmoid(x)), hard-swish (x * clip(x + 3, 0, 6) / 6) and gelu (x * (erf(x / sqrt(2)) + 1) / 2).
#include <algorithm>
#include <cmath>

#include "builder.h"

namespace halftone::onednn {
namespace {

using api::algorithm;

bool near(double a, double b) {
  return std::abs(a - b) < 1e-6;
}

// Behind the product nothing else may follow: a factor can move into the gate, a shift or a bound cannot.
bool only_scales(const PostOp &op) {
  if (op.binary) return op.algorithm == algorithm::binary_div;
  return op.algorithm == algorithm::eltwise_linear && op.beta == 0;
}

// What operations after each other do to a number, as far as gates need it.
class Gate {
 public:
  // False for an operation that is none of a gate's.
  bool add(const PostOp &op, std::optional<float> number) {
    if (op.binary) {
      const bool scales = op.algorithm == algorithm::binary_div && number && *number != 0;
      if (scales) scale(1 / double{*number}, 0);
      return scales;
    }
    if (op.algorithm == algorithm::eltwise_linear) {
      scale(op.alpha, op.beta);
    } else if (op.algorithm == algorithm::eltwise_clip) {
      low_ = std::fmax(low_, op.alpha);
      high_ = std::fmin(high_, op.beta);
    } else {
      return op.algorithm == algorithm::eltwise_logistic && bends(Bend::kSigmoid, 1);
    }
    return true;
  }
  bool add_erf() { return bends(Bend::kErf, std::sqrt(0.5)); }

  std::optional<PostOp> operation() const {
    PostOp op;
    if (bend_ == Bend::kSigmoid && maps(1, 0, -INFINITY, INFINITY)) {
      op.algorithm = algorithm::eltwise_swish;
      op.alpha = 1;
    } else if (bend_ == Bend::kErf && maps(0.5, 0.5, -INFINITY, INFINITY)) {
      op.algorithm = algorithm::eltwise_gelu_erf;
    } else if (bend_ == Bend::kNone && maps(1.0 / 6, 0.5, 0, 1)) {
      op.algorithm = algorithm::eltwise_hardswish;
      op.alpha = 1.0F / 6;
      op.beta = 0.5F;
    } else {
      return std::nullopt;
    }
    return op;
  }

 private:
  enum class Bend { kNone, kSigmoid, kErf };

  static bool same(double a, double b) { return std::isinf(b) ? a == b : near(a, b); }
  bool maps(double slope, double offset, double low, double high) const {
    return near(slope_, slope) && near(offset_, offset) && same(low_, low) && same(high_, high);
  }
  // Of `slope` times the value, which a gate bends once at most.
  bool bends(Bend bend, double slope) {
    const bool fits = bend_ == Bend::kNone && maps(slope, 0, -INFINITY, INFINITY);
    bend_ = bend;
    slope_ = 1;
    return fits;
  }
  void scale(double factor, double shift) {
    slope_ *= factor;
    offset_ = offset_ * factor + shift;
    low_ = low_ * factor + shift;
    high_ = high_ * factor + shift;
    if (factor <= 0) slope_ = NAN;  // no gate turns round
  }
  // clip(slope * bend(x) + offset, low, high)
  double slope_ = 1, offset_ = 0, low_ = -INFINITY, high_ = INFINITY;
  Bend bend_ = Bend::kNone;
};

}  // namespace

// The operations of the node that reads `read`, if they can be post-ops; nothing else is in the chain that they come
// in.
std::optional<std::vector<PostOp>> Builder::operations_of(int index, int read, int head) const {
  const NodeRecord &node = program_.nodes[static_cast<std::size_t>(index)];
  if (!node.native || node.outputs.size() != 1 || node.outputs[0] < 0) return std::nullopt;
  PostChain alone;
  alone.head = head;
  if (!node.native->fuse(*this, node, read, alone)) return std::nullopt;
  return std::move(alone.ops);
}

// What the product takes besides the gate: the value itself, or what the other reader makes of it by a mere factor.
Builder::Factor Builder::factor_beside(int value, int reader, int head) const {
  const NodeRecord &node = program_.nodes[static_cast<std::size_t>(reader)];
  const auto ops = operations_of(reader, value, head);
  if (!ops || !std::all_of(ops->begin(), ops->end(), only_scales)) return {value, -1, {}};
  const ValueRecord &made = record(node.outputs[0]);
  if (made.emit || made.consumers.size() != 1) return {value, -1, {}};
  return {node.outputs[0], reader, *ops};
}

// Walks from the reader `first` to the product with `value`, and one node on where that only scales.
std::optional<PostLink> Builder::gated_by(int first, int other, int value, const PostChain &chain,
                                          PostOp &operation) const {
  Gate gate;
  PostLink link;
  const Factor factor = factor_beside(value, other, chain.head);
  bool product = false;
  const auto add = [&](const PostOp &op) {
    return (!product || only_scales(op)) && gate.add(op, op.binary ? scalar(op.value) : std::nullopt);
  };
  const auto step = [&](int index, int read) {
    const NodeRecord &node = program_.nodes[static_cast<std::size_t>(index)];
    if (!node.native || node.outputs.size() != 1 || node.outputs[0] < 0) return false;
    if (node.op_type == "Mul" && !product && node.inputs.size() == 2 && read != value &&
        std::count(node.inputs.begin(), node.inputs.end(), factor.value) == 1 && read != factor.value) {
      product = true;
      if (factor.node >= 0) link.nodes.push_back(factor.node);
      if (!std::all_of(factor.ops.begin(), factor.ops.end(), add)) return false;
    } else if (node.op_type == "Erf") {
      if (product || !gate.add_erf()) return false;
    } else {
      const auto ops = operations_of(index, read, chain.head);
      if (!ops || !std::all_of(ops->begin(), ops->end(), add)) return false;
    }
    link.nodes.push_back(index);
    link.value = node.outputs[0];
    return true;
  };
  constexpr std::size_t kLongest = 6;  // gelu with the half beside: Div, Erf, Add, Mul, Mul; and one to spare
  if (!step(first, value)) return std::nullopt;
  while (!(product && gate.operation())) {
    const ValueRecord &made = record(link.value);
    if (link.nodes.size() >= kLongest || made.emit || made.consumers.size() != 1) return std::nullopt;
    if (!step(made.consumers[0], link.value)) return std::nullopt;
  }
  const bool both = factor.node >= 0 || std::find(link.nodes.begin(), link.nodes.end(), other) != link.nodes.end();
  if (!both) return std::nullopt;
  operation = *gate.operation();
  return link;
}

std::optional<PostLink> Builder::self_gate(int value, PostChain &chain) const {
  const std::vector<int> &readers = record(value).consumers;
  if (readers[0] == readers[1]) return std::nullopt;
  PostOp operation;
  auto link = gated_by(readers[0], readers[1], value, chain, operation);
  if (!link) link = gated_by(readers[1], readers[0], value, chain, operation);
  if (!link) return std::nullopt;
  chain.ops.push_back(operation);
  link->ops_end = chain.ops.size();
  return link;
}

}  // namespace halftone::onednn
