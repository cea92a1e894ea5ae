// Unique: the distinct elements, or slices along an axis, sorted or in the order in which they appear, with where each
// was first, which of them each element is, and how often each occurs. Source: ONNX operator Unique, opset 11.
#include <algorithm>
#include <numeric>
#include <optional>

#include "halftone/op_kernel.hpp"
#include "ops/move.h"
#include "ops/shape.h"
#include "ops/types.h"
#include "ops/version.h"

namespace halftone::reference {
namespace {

using UniqueTypes = Types<float, double, std::int32_t, std::int64_t, std::int8_t, std::uint8_t, std::int16_t,
                          std::uint16_t, std::uint32_t, std::uint64_t, bool, Float16, BFloat16>;

// Slices by number: the first of each kind, and of which kind each is.
struct Kinds {
  Shape first, of, counts;
};

class Unique {
 public:
  explicit Unique(const sdk::OpNode &node) : sorted_(node.flag("sorted", true)) {
    if (node.attribute("axis")) axis_ = node.integer("axis", 0);
  }
  void infer(sdk::KernelInputs inputs, sdk::KernelTypes outputs) const {
    require_type(inputs[0].dtype, UniqueTypes{});
    if (inputs[0].data == nullptr) throw sdk::needs_data();
    const Kinds kinds = kinds_of(inputs[0]);
    Shape shape = viewed(inputs[0]);
    const auto distinct = static_cast<std::int64_t>(kinds.first.size());
    const auto all = static_cast<std::int64_t>(kinds.of.size());
    shape[axis(shape)] = distinct;
    sdk::set_type(outputs[0], inputs[0].dtype, shape);
    outputs.require_at_most(4);
    for (std::size_t i = 1; i < outputs.size(); ++i) sdk::set_type(outputs[i], HT_I64, Shape{i == 2 ? all : distinct});
  }
  void run(sdk::KernelInputs inputs, sdk::KernelOutputs outputs) const {
    const Kinds kinds = kinds_of(inputs[0]);
    const Shape shape = viewed(inputs[0]);
    const std::size_t at = axis(shape);
    const std::int64_t outer = count_of(shape, 0, at), inner = count_of(shape, at + 1, shape.size());
    dispatch_size(inputs[0].dtype, [&]<typename T>() {
      T *to = out_data<T>(outputs[0]);
      for (std::int64_t o = 0; o < outer; ++o) {
        for (const std::int64_t k : kinds.first) {
          to = std::copy_n(in_data<T>(inputs[0]) + (o * shape[at] + k) * inner, inner, to);
        }
      }
    });
    const Shape *extra[] = {&kinds.first, &kinds.of, &kinds.counts};
    for (std::size_t i = 1; i < outputs.size(); ++i) {
      if (outputs[i].data != nullptr) std::ranges::copy(*extra[i - 1], out_data<std::int64_t>(outputs[i]));
    }
  }

 private:
  Shape viewed(const ht_tensor_view &x) const { return axis_ ? shape_copy(x) : Shape{count_of(x)}; }
  std::size_t axis(ShapeSpan shape) const { return axis_ ? axis_of(*axis_, shape.size()) : 0; }

  Kinds kinds_of(const ht_tensor_view &x) const {
    const Shape shape = viewed(x);
    const std::size_t at = axis(shape);
    const std::int64_t n = shape[at], outer = count_of(shape, 0, at), inner = count_of(shape, at + 1, shape.size());
    Kinds kinds;
    dispatch(x.dtype, UniqueTypes{}, [&]<typename T>() {
      const T *data = in_data<T>(x);
      // -1, 0 or 1: slices element by element in order.
      const auto compare = [&](std::int64_t a, std::int64_t b) {
        for (std::int64_t i = 0; i < outer * inner; ++i) {
          const std::int64_t row = i / inner * n, column = i % inner;
          const T u = data[(row + a) * inner + column], v = data[(row + b) * inner + column];
          if (u < v) return -1;
          if (v < u) return 1;
        }
        return 0;
      };
      kinds = group(n, compare);
    });
    return kinds;
  }
  template <typename Compare>
  Kinds group(std::int64_t n, Compare compare) const {
    Shape order(static_cast<std::size_t>(n));
    std::iota(order.begin(), order.end(), 0);
    std::stable_sort(order.begin(), order.end(), [&](auto a, auto b) { return compare(a, b) < 0; });
    Kinds sorted;
    sorted.of.resize(order.size());
    for (const std::int64_t slice : order) {
      if (sorted.first.empty() || compare(sorted.first.back(), slice) != 0) {
        sorted.first.push_back(slice);
        sorted.counts.push_back(0);
      }
      ++sorted.counts.back();
      sorted.of[static_cast<std::size_t>(slice)] = static_cast<std::int64_t>(sorted.first.size()) - 1;
    }
    return sorted_ ? sorted : by_appearance(sorted);
  }
  static Kinds by_appearance(const Kinds &sorted) {
    Shape rank(sorted.first.size());
    std::iota(rank.begin(), rank.end(), 0);
    const auto at = [](const Shape &values, std::int64_t i) { return values[static_cast<std::size_t>(i)]; };
    std::ranges::sort(rank, {}, [&](std::int64_t k) { return at(sorted.first, k); });
    Kinds out;
    Shape place(rank.size());
    for (const std::int64_t k : rank) {
      place[static_cast<std::size_t>(k)] = static_cast<std::int64_t>(out.first.size());
      out.first.push_back(at(sorted.first, k));
      out.counts.push_back(at(sorted.counts, k));
    }
    for (const std::int64_t k : sorted.of) out.of.push_back(at(place, k));
    return out;
  }
  std::optional<std::int64_t> axis_;
  bool sorted_;
};

}  // namespace
HALFTONE_OP_KERNEL(Unique, "Unique", 11, kNewest)
}  // namespace halftone::reference
