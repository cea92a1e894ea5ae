// Values that are multiplied with what an activation makes of them: swish (x * sigmoid(x)) and hard-swish
// (x * clip(x + 3, 0, 6) / 6), as exporters write them out.
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
    } else if (op.algorithm == algorithm::eltwise_logistic && is_plain()) {
      sigmoid_ = true;
    } else {
      return false;
    }
    return true;
  }

  std::optional<PostOp> operation() const {
    PostOp op;
    if (sigmoid_ && near(slope_, 1) && near(offset_, 0) && std::isinf(low_) && std::isinf(high_)) {
      op.algorithm = algorithm::eltwise_swish;
      op.alpha = 1;
      return op;
    }
    if (sigmoid_ || !near(slope_, 1.0 / 6) || !near(offset_, 0.5) || !near(low_, 0) || !near(high_, 1)) {
      return std::nullopt;
    }
    op.algorithm = algorithm::eltwise_hardswish;
    op.alpha = 1.0F / 6;
    op.beta = 0.5F;
    return op;
  }

 private:
  bool is_plain() const { return slope_ == 1 && offset_ == 0 && std::isinf(low_) && std::isinf(high_); }
  void scale(double factor, double shift) {
    slope_ *= factor;
    offset_ = offset_ * factor + shift;
    low_ = low_ * factor + shift;
    high_ = high_ * factor + shift;
    if (factor <= 0) slope_ = NAN;  // no gate turns round
  }
  // clip(slope * x + offset, low, high), or its sigmoid
  double slope_ = 1, offset_ = 0, low_ = -INFINITY, high_ = INFINITY;
  bool sigmoid_ = false;
};

}  // namespace

// Walks from the reader that is no product to the product with `value`, and one node on where that only scales.
std::optional<PostLink> Builder::self_gate(int value, PostChain &chain) const {
  Gate gate;
  PostLink link;
  bool product = false;
  const auto step = [&](int index, int read) {
    const NodeRecord &node = program_.nodes[static_cast<std::size_t>(index)];
    if (!node.native || node.outputs.size() != 1 || node.outputs[0] < 0) return false;
    if (node.op_type == "Mul" && !product && node.inputs != std::vector<int>{read, read} &&
        std::count(node.inputs.begin(), node.inputs.end(), value) == 1 && read != value) {
      product = true;
    } else {
      PostChain alone;
      alone.head = chain.head;
      if (!node.native->fuse(*this, node, read, alone)) return false;
      for (const PostOp &op : alone.ops) {
        if (product && !only_scales(op)) return false;
        if (!gate.add(op, op.binary ? scalar(op.value) : std::nullopt)) return false;
      }
    }
    link.nodes.push_back(index);
    link.value = node.outputs[0];
    return true;
  };
  const std::vector<int> &readers = record(value).consumers;
  if (readers[0] == readers[1] || !step(std::min(readers[0], readers[1]), value)) return std::nullopt;
  while (!(product && gate.operation())) {
    const ValueRecord &made = record(link.value);
    if (link.nodes.size() > 4 || made.emit || made.consumers.size() != 1) return std::nullopt;
    if (!step(made.consumers[0], link.value)) return std::nullopt;
  }
  if (link.nodes.end() == std::find(link.nodes.begin(), link.nodes.end(), std::max(readers[0], readers[1]))) {
    return std::nullopt;
  }
  chain.ops.push_back(*gate.operation());
  link.ops_end = chain.ops.size();
  return link;
}

}  // namespace halftone::onednn
