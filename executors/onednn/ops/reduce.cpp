// ReduceMean and ReduceSum over neighbouring axes; sums are kept in float64.
#include <algorithm>
#include <optional>

#include "../builder.h"

namespace halftone::onednn {
namespace {

// [outer, length, inner], of which `length` goes.
struct Reduction {
  std::int64_t outer, length, inner;
  double unit;  // that sums are multiplied by
};

constexpr std::int64_t kLanesOfSum = 8;

double sum_of(const float *x, std::int64_t n) {
  double lanes[kLanesOfSum] = {};
  std::int64_t i = 0;
  for (; i + kLanesOfSum <= n; i += kLanesOfSum) {
    for (std::int64_t k = 0; k < kLanesOfSum; ++k) lanes[k] += double{x[i + k]};
  }
  double sum = 0;
  for (const double lane : lanes) sum += lane;
  for (; i < n; ++i) sum += double{x[i]};
  return sum;
}

void reduce_rows(const Reduction &r, const float *x, double *sums, float *y) {
  for (std::int64_t n = 0; n < r.outer; ++n, y += r.inner) {
    std::fill_n(sums, r.inner, 0.0);
    for (std::int64_t i = 0; i < r.length; ++i, x += r.inner) {
      for (std::int64_t k = 0; k < r.inner; ++k) sums[k] += double{x[k]};
    }
    for (std::int64_t k = 0; k < r.inner; ++k) y[k] = static_cast<float>(sums[k] * r.unit);
  }
}

class Reduce final : public NativeOp {
 public:
  explicit Reduce(const sdk::OpNode &node)
      : mean_(node.node().op_type() == "ReduceMean"),
        noop_(node.flag("noop_with_empty_axes", false)),
        axes_(node.integers("axes")) {}

  bool build(Builder &b, const NodeRecord &node) const override {
    const int x = node.inputs[0], out = node.outputs[0];
    if (!b.is_available(x)) return false;
    const auto reduction = reduction_of(b, node, b.shape(x));
    if (!reduction) return false;
    // All elements may be summed in any order of the axes.
    const bool whole = reduction->outer == 1 && reduction->inner == 1 && order_of(b.current(x).desc).block == 0;
    const Placed source = whole ? b.current(x) : b.plain(x);
    const Desc desc = plain_desc(b.shape(out));
    const Placed target{desc, b.allocate(desc.get_size())};
    const int scratch = b.allocate(static_cast<std::size_t>(reduction->inner) * sizeof(double));
    b.loop({source.buffer, target.buffer, scratch},
           [r = *reduction, from = source.buffer, to = target.buffer, scratch](Run &run) {
             const auto *in = static_cast<const float *>(run.workspace.at(from));
             auto *result = static_cast<float *>(run.workspace.at(to));
             if (r.inner > 1) return reduce_rows(r, in, static_cast<double *>(run.workspace.at(scratch)), result);
             for (std::int64_t n = 0; n < r.outer; ++n, in += r.length) {
               result[n] = static_cast<float>(sum_of(in, r.length) * r.unit);
             }
           });
    b.define(out, target);
    return true;
  }

 private:
  std::optional<Reduction> reduction_of(const Builder &b, const NodeRecord &node, const Shape &shape) const {
    std::vector<std::int64_t> axes = axes_;
    if (node.inputs.size() > 1 && node.inputs[1] >= 0) {
      const Constant *c = b.constant(node.inputs[1]);
      if (c == nullptr || c->layout.dtype != HT_I64) return std::nullopt;
      const auto *numbers = reinterpret_cast<const std::int64_t *>(c->data.get());
      axes.assign(numbers, numbers + count_of(c->layout.shape));
    }
    if (axes.empty() && noop_) return std::nullopt;
    std::vector<bool> goes(shape.size(), axes.empty());
    for (const std::int64_t axis : axes) {
      goes[static_cast<std::size_t>(axis < 0 ? axis + static_cast<std::int64_t>(shape.size()) : axis)] = true;
    }
    const auto first = std::find(goes.begin(), goes.end(), true), last = std::find(first, goes.end(), false);
    if (std::find(last, goes.end(), true) != goes.end()) return std::nullopt;
    const auto from = static_cast<std::size_t>(first - goes.begin()),
               to = static_cast<std::size_t>(last - goes.begin());
    const std::span all(shape);
    Reduction r{count_of(all.first(from)), count_of(all.subspan(from, to - from)), count_of(all.subspan(to)), 1};
    if (mean_) r.unit = 1.0 / static_cast<double>(r.length);
    return r;
  }
  bool mean_, noop_;
  std::vector<std::int64_t> axes_;
};

const NativeEntry kReduceMean("ReduceMean", &make_native<Reduce>);
const NativeEntry kReduceSum("ReduceSum", &make_native<Reduce>);

}  // namespace
}  // namespace halftone::onednn
