#include "core/calibration/picture.h"

#include <algorithm>
#include <cmath>

#include "core/base/error.h"
#include "core/model/dtype.h"
#include "core/model/narrow_float.h"
#include "core/model/tensor.h"

namespace halftone::calibration {
namespace {

template <typename T>
void convert(const void *data, std::vector<float> &out) {
  const T *from = static_cast<const T *>(data);
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = static_cast<float>(from[i]);
}

// Where an output pixel falls between two input pixels.
struct Blend {
  std::int64_t first, second;
  float weight;  // of the second
};

std::vector<Blend> blends(std::int64_t from, std::int64_t to) {
  std::vector<Blend> out(static_cast<std::size_t>(to));
  const double step = static_cast<double>(from) / static_cast<double>(to);
  for (std::int64_t i = 0; i < to; ++i) {
    const double at = std::clamp((static_cast<double>(i) + 0.5) * step - 0.5, 0.0, static_cast<double>(from - 1));
    const auto first = static_cast<std::int64_t>(at);
    out[static_cast<std::size_t>(i)] = {first, std::min(first + 1, from - 1),
                                        static_cast<float>(at - static_cast<double>(first))};
  }
  return out;
}

}  // namespace

std::vector<float> as_floats(const ht_tensor_view &view) {
  std::vector<float> out(static_cast<std::size_t>(model::element_count({view.shape, view.rank})));
  switch (view.dtype) {
    case HT_F32:
      convert<float>(view.data, out);
      break;
    case HT_F64:
      convert<double>(view.data, out);
      break;
    case HT_U8:
      convert<std::uint8_t>(view.data, out);
      break;
    case HT_I8:
      convert<std::int8_t>(view.data, out);
      break;
    case HT_U16:
      convert<std::uint16_t>(view.data, out);
      break;
    case HT_I16:
      convert<std::int16_t>(view.data, out);
      break;
    case HT_U32:
      convert<std::uint32_t>(view.data, out);
      break;
    case HT_I32:
      convert<std::int32_t>(view.data, out);
      break;
    case HT_U64:
      convert<std::uint64_t>(view.data, out);
      break;
    case HT_I64:
      convert<std::int64_t>(view.data, out);
      break;
    case HT_BOOL:
      convert<std::uint8_t>(view.data, out);
      break;
    case HT_F16: {
      const auto *from = static_cast<const std::uint16_t *>(view.data);
      for (std::size_t i = 0; i < out.size(); ++i) out[i] = model::float_from_f16(from[i]);
      break;
    }
    default:
      fail(Status::kInvalidArgument, "elements of type {} cannot be samples", model::dtype_name(view.dtype));
  }
  return out;
}

Picture to_picture(const ht_tensor_view &view, bool channels_last) {
  Picture out;
  std::vector<float> data = as_floats(view);
  if (view.rank == 2) {
    out = {view.shape[0], view.shape[1], 1, std::move(data)};
    return out;
  }
  if (channels_last) {
    out = {view.shape[0], view.shape[1], view.shape[2], std::move(data)};
    return out;
  }
  out = {view.shape[1], view.shape[2], view.shape[0], std::vector<float>(data.size())};
  const std::size_t pixels = static_cast<std::size_t>(out.height * out.width);
  const auto channels = static_cast<std::size_t>(out.channels);
  for (std::size_t c = 0; c < channels; ++c) {
    for (std::size_t p = 0; p < pixels; ++p) out.data[p * channels + c] = data[c * pixels + p];
  }
  return out;
}

void gray_to_three(Picture &picture) {
  std::vector<float> out;
  out.reserve(picture.data.size() * 3);
  for (const float v : picture.data) out.insert(out.end(), 3, v);
  picture.data = std::move(out);
  picture.channels = 3;
}

Picture resized(const Picture &picture, std::int64_t height, std::int64_t width) {
  if (height == picture.height && width == picture.width) return picture;
  const std::vector<Blend> rows = blends(picture.height, height), columns = blends(picture.width, width);
  const auto channels = static_cast<std::size_t>(picture.channels);
  Picture out{height, width, picture.channels, {}};
  out.data.reserve(static_cast<std::size_t>(height * width) * channels);
  const auto row = [&](std::int64_t y) {
    return picture.data.data() + static_cast<std::size_t>(y * picture.width) * channels;
  };
  for (const Blend &y : rows) {
    const float *upper = row(y.first), *lower = row(y.second);
    for (const Blend &x : columns) {
      const std::size_t left = static_cast<std::size_t>(x.first) * channels,
                        right = static_cast<std::size_t>(x.second) * channels;
      for (std::size_t c = 0; c < channels; ++c) {
        const float top = upper[left + c] + (upper[right + c] - upper[left + c]) * x.weight;
        const float bottom = lower[left + c] + (lower[right + c] - lower[left + c]) * x.weight;
        out.data.push_back(top + (bottom - top) * y.weight);
      }
    }
  }
  return out;
}

Picture center_cropped(const Picture &picture, std::int64_t height, std::int64_t width) {
  Picture out{height, width, picture.channels, {}};
  const std::int64_t top = (picture.height - height) / 2, left = (picture.width - width) / 2;
  const auto length = width * picture.channels;
  out.data.reserve(static_cast<std::size_t>(height * length));
  for (std::int64_t y = 0; y < height; ++y) {
    const auto begin = picture.data.begin() + ((top + y) * picture.width + left) * picture.channels;
    out.data.insert(out.data.end(), begin, begin + length);
  }
  return out;
}

}  // namespace halftone::calibration
