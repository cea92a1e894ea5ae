// From a sample as it is stored to the tensor that a model input takes: layout, size, channel order, normalization.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/base/setting.h"
#include "core/base/shape.h"
#include "core/host/context.h"
#include "core/model/model.h"
#include "halftone/tensor.h"

namespace halftone::calibration {

// x = (v * scale - mean) / std in float32, each step rounded, in this order.
struct Preprocess {
  enum class Layout : std::uint32_t { kGuess, kChannelsFirst, kChannelsLast };

  std::int64_t resize_short = 0;        // the shorter side afterwards; 0: none
  std::vector<std::int64_t> resize_to;  // or height and width
  std::vector<std::int64_t> crop;       // height and width around the centre
  bool reverse_channels = false;        // stored RGB, the model takes BGR
  bool gray_to_3 = false;
  std::optional<float> scale;
  std::vector<float> mean, std;  // one value, or one a channel
  Layout from = Layout::kGuess, to = Layout::kGuess;

  bool changes_values() const { return scale || !mean.empty() || !std.empty(); }
  bool changes_pictures() const {
    return resize_short > 0 || !resize_to.empty() || !crop.empty() || reverse_channels || gray_to_3;
  }
  // [worker] A tensor for the model input `input` of type `type`, in the context's arena. Throws InvalidArgument naming
  // the sample when it does not fit, and DataLoss when a value is not finite.
  ht_tensor_view apply(host::Context &ctx, const ht_tensor_view &sample, const model::ValueType &type,
                       const std::string &input, const std::string &sample_name) const;
};

// The keys of `preprocess:`. Keys that describe a model rather than its input (layout, formula, classes ...) are passed
// over, so that a model's meta.json serves as it is; any other unknown key is an error with the nearest name.
Preprocess parse_preprocess(const Setting &setting);
const Shape &preprocess_shape();
std::span<const char *const> passed_over_keys();

}  // namespace halftone::calibration
