// What gradients are built of: elements under broadcasting, and sums in float64.
#pragma once

#include <array>
#include <span>
#include <vector>

#include "halftone/op_gradient.hpp"
#include "ops/shape.h"
#include "ops/version.h"

namespace halftone::gradients {

using reference::axis_of;
using reference::broadcast_strides;
using reference::count_of;
using reference::integers_of;
using reference::kNewest;
using reference::Shape;
using reference::ShapeSpan;
using reference::strides_of;

// visit(offsets) for each element of `shape` in row-major order: where it stands in each of the operands.
template <std::size_t N, typename Visit>
void for_each_element(ShapeSpan shape, const std::array<Shape, N> &strides, Visit visit) {
  reference::for_each_row<N>(shape, strides, [&](const auto &first, std::int64_t n, const auto &step) {
    std::array<std::int64_t, N> at = first;
    for (std::int64_t i = 0; i < n; ++i) {
      visit(at);
      for (std::size_t k = 0; k < N; ++k) at[k] += step[k];
    }
  });
}

// A gradient that many elements flow into: summed in float64, rounded once by store().
class Sums {
 public:
  explicit Sums(std::span<float> to) : to_(to), sums_(to.size(), 0.0) {}
  double &operator[](std::int64_t i) { return sums_[static_cast<std::size_t>(i)]; }
  double *data() { return sums_.data(); }
  void store() const {
    for (std::size_t i = 0; i < to_.size(); ++i) to_[i] = static_cast<float>(sums_[i]);
  }

 private:
  std::span<float> to_;
  std::vector<double> sums_;
};

// A tensor cut along one axis: rows of `length` elements, `inner` apart.
struct Rows {
  Rows(ShapeSpan shape, std::size_t axis)
      : length(shape[axis]), inner(count_of(shape, axis + 1, shape.size())), count(count_of(shape, 0, axis) * inner) {}
  std::int64_t start(std::int64_t row) const { return row / inner * length * inner + row % inner; }

  std::int64_t length, inner, count;
};

}  // namespace halftone::gradients
