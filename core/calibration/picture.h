// A picture in float, channels last, and what preprocessing does to it before normalization.
#pragma once

#include <cstdint>
#include <vector>

#include "halftone/tensor.h"

namespace halftone::calibration {

struct Picture {
  std::int64_t height = 0, width = 0, channels = 0;
  std::vector<float> data;  // [height, width, channels]
};

// Elements of a contiguous view as float32; integers beyond 2^24 round. Throws InvalidArgument for types that hold no
// numbers.
std::vector<float> as_floats(const ht_tensor_view &view);

// `channels_last`: [H,W,C] or [H,W]; otherwise [C,H,W] or [H,W].
Picture to_picture(const ht_tensor_view &view, bool channels_last);

void gray_to_three(Picture &picture);
// Bilinear between pixel centres (x' = (x + 0.5) * w / w' - 0.5), edges repeated, no smoothing before shrinking.
Picture resized(const Picture &picture, std::int64_t height, std::int64_t width);
// The middle; an odd rest goes to the right and the bottom. The picture is at least that large.
Picture center_cropped(const Picture &picture, std::int64_t height, std::int64_t width);

}  // namespace halftone::calibration
