// Where each element of Pad's output comes from.
#pragma once

#include <string>
#include <vector>

#include "halftone/op_kernel.hpp"
#include "ops/shape.h"

namespace halftone::reference {

// Elements added before and after each axis; negative ones crop. From Pad's second and fourth input.
struct Pads {
  explicit Pads(sdk::KernelInputs inputs);
  Shape begin, end;
};

// Throws for modes other than constant, reflect, edge and wrap.
void require_pad_mode(const std::string &mode);

// Per axis of the output and coordinate on it: the offset in the input, -1 for the constant.
std::vector<Shape> pad_sources(const std::string &mode, const Pads &pads, ShapeSpan from, ShapeSpan to);

// visit(i, offset) for each element of the output in order; offset is -1 for the constant.
template <typename Visit>
void for_each_source(ShapeSpan to, const std::vector<Shape> &sources, Visit visit) {
  const std::int64_t n = count_of(to);
  Shape index(to.size(), 0);
  for (std::int64_t i = 0; i < n; ++i) {
    std::int64_t offset = 0;
    for (std::size_t k = 0; k < index.size() && offset >= 0; ++k) {
      const std::int64_t part = sources[k][static_cast<std::size_t>(index[k])];
      offset = part < 0 ? -1 : offset + part;
    }
    visit(i, offset);
    for (std::size_t k = index.size(); k-- > 0;) {
      if (++index[k] < to[k]) break;
      index[k] = 0;
    }
  }
}

}  // namespace halftone::reference
