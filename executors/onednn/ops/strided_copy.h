// Copies between two tensors whose elements lie at regular distances.
#pragma once

#include "../layout.h"

namespace halftone::onednn {

class StridedCopy {
 public:
  // Strides and offsets count elements.
  StridedCopy(const Shape &extents, const Shape &from_strides, const Shape &to_strides, std::int64_t from_offset,
              std::int64_t to_offset);
  void run(const float *from, float *to) const;

 private:
  struct Axis {
    std::int64_t extent, from, to;
  };
  std::vector<Axis> axes_;  // from the outside in, as the target lies; neighbours that run on are one
  std::int64_t from_offset_, to_offset_;
};

}  // namespace halftone::onednn
