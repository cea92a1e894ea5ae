#include "core/calibration/preprocess.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <span>

#include "core/base/error.h"
#include "core/calibration/picture.h"
#include "core/model/dtype.h"
#include "core/model/narrow_float.h"

namespace halftone::calibration {
namespace {

using Layout = Preprocess::Layout;

// One sample on its way to one model input.
class Application {
 public:
  Application(const Preprocess &settings, host::Context &ctx, const ht_tensor_view &sample,
              const model::ValueType &type, const std::string &input, const std::string &name)
      : settings_(settings), ctx_(ctx), sample_(sample), type_(type), input_(input), name_(name) {}

  ht_tensor_view run() {
    const ht_dtype wanted = type_.dtype == HT_DTYPE_NONE ? HT_F32 : type_.dtype;
    if (!is_float(wanted) || is_exact_double(wanted)) return unchanged(wanted);
    return in_type(wanted, floats());
  }

 private:
  static bool is_float(ht_dtype type) { return type == HT_F32 || type == HT_F16 || type == HT_BF16 || type == HT_F64; }
  // Doubles that nothing is done to keep the digits that a float has not.
  bool is_exact_double(ht_dtype wanted) const {
    return wanted == HT_F64 && sample_.dtype == HT_F64 && !settings_.changes_values() && !settings_.changes_pictures();
  }

  ht_tensor_view floats() {
    charge(2 * model::element_count({sample_.shape, sample_.rank}));  // as floats, in two orders
    if (is_picture()) return picture();
    if (settings_.changes_pictures()) {
      misfit(
          fmt::format("is no picture: {}; resize, center_crop, channel_order and gray_to_3 are for pictures", given()));
    }
    return plain();
  }

  // What was computed in float32, in another floating-point type.
  ht_tensor_view in_type(ht_dtype wanted, const ht_tensor_view &computed) {
    if (wanted == HT_F32) return computed;
    const std::span<const std::int64_t> shape(computed.shape, computed.rank);
    const auto count = static_cast<std::size_t>(model::element_count(shape));
    const std::span<const float> from(static_cast<const float *>(computed.data), count);
    if (wanted == HT_F64) {
      auto *wide = allocate<double>(count);
      std::copy(from.begin(), from.end(), wide);
      return view(wanted, shape, wide);
    }
    auto *narrow = allocate<std::uint16_t>(count);
    const bool half = wanted == HT_F16;
    for (std::size_t i = 0; i < count; ++i) {
      narrow[i] = half ? model::f16_from_float(from[i]) : model::bf16_from_float(from[i]);
      if (half && (narrow[i] & 0x7C00U) == 0x7C00U && std::isfinite(from[i])) {
        misfit(
            fmt::format("has a value of {}, at element {}, and the input is float16, which ends at 65504; "
                        "set `scale:` of `preprocess:`",
                        from[i], i));
      }
    }
    return view(wanted, shape, narrow);
  }

  std::string given() const { return fmt::format("[{}]", fmt::join(std::span(sample_.shape, sample_.rank), ",")); }
  std::string taken() const {
    std::vector<std::string> extents;
    for (const model::Dim &dim : type_.dims) {
      extents.push_back(dim.extent >= 0 ? std::to_string(dim.extent) : dim.symbol.empty() ? "?" : dim.symbol);
    }
    return fmt::format("[{}]", fmt::join(extents, ","));
  }
  [[noreturn]] void misfit(const std::string &why) const {
    fail(Status::kInvalidArgument, "sample '{}' for model input '{}' {}", name_, input_, why);
  }
  std::int64_t dim(std::size_t axis) const { return axis < type_.dims.size() ? type_.dims[axis].extent : -1; }
  static bool agrees(std::int64_t wanted, std::int64_t have) { return wanted < 0 || wanted == have; }

  // Three axes (or two, for gray) into an input of four.
  bool is_picture() const {
    if (settings_.changes_pictures() || settings_.mean.size() > 1 || settings_.std.size() > 1) return picture_rank();
    if (settings_.from != Layout::kGuess || settings_.to != Layout::kGuess) return picture_rank();
    return picture_rank() && type_.has_shape && type_.dims.size() == 4;
  }
  bool picture_rank() const { return sample_.rank == 2 || sample_.rank == 3; }

  // Where the sample's channels are. Bytes are pictures as files hold them; floats have been through a framework
  // already.
  bool channels_last() const {
    if (settings_.from != Layout::kGuess) return settings_.from == Layout::kChannelsLast;
    if (sample_.rank == 2) return true;
    const std::int64_t *shape = sample_.shape;
    const bool first_fits = agrees(dim(1), shape[0]) && agrees(dim(2), shape[1]) && agrees(dim(3), shape[2]);
    const auto may_be_channels = [&](std::int64_t extent) {
      return extent == dim(1) || (dim(1) < 0 && extent <= 4) || extent == 1;
    };
    if (sample_.dtype == HT_U8) return may_be_channels(shape[2]) || (shape[2] <= 4 && !first_fits);
    return !first_fits && shape[2] <= 4;
  }

  bool output_channels_last(std::int64_t channels) const {
    if (settings_.to != Layout::kGuess) return settings_.to == Layout::kChannelsLast;
    return dim(1) >= 0 && dim(1) != channels && dim(3) == channels;
  }

  ht_tensor_view picture() {
    Picture image = to_picture(sample_, channels_last());
    if (settings_.gray_to_3) {
      if (image.channels != 1) misfit(fmt::format("has {} channels; gray_to_3 takes one", image.channels));
      charge(3 * image.data.size());
      gray_to_three(image);
    }
    resize(image);
    if (!settings_.crop.empty()) {
      const std::int64_t h = settings_.crop[0], w = settings_.crop[1];
      if (h > image.height || w > image.width) {
        misfit(
            fmt::format("is {} x {}, smaller than center_crop {} x {}; add resize", image.height, image.width, h, w));
      }
      image = center_cropped(image, h, w);
    }
    if (settings_.reverse_channels && image.channels != 3) {
      misfit(fmt::format("has {} channels; channel_order bgr takes 3", image.channels));
    }
    const bool last = output_channels_last(image.channels);
    const std::int64_t shape[4] = {1, last ? image.height : image.channels, last ? image.width : image.height,
                                   last ? image.channels : image.width};
    check_fit(shape);
    float *out = allocate<float>(image.data.size());
    normalize(image, last, out);
    check_finite(out, image.data.size());
    return view(HT_F32, shape, out);
  }

  void resize(Picture &image) const {
    const auto change = [&](std::int64_t height, std::int64_t width) {
      const std::int64_t rows = std::max(height, image.height);
      charge(static_cast<std::size_t>(std::max<std::int64_t>(0, image.channels * width * (height + rows))));
      image = resized(image, height, width);
    };
    if (!settings_.resize_to.empty()) {
      change(settings_.resize_to[0], settings_.resize_to[1]);
    } else if (settings_.resize_short > 0 && image.height > 0 && image.width > 0) {
      const std::int64_t shorter = std::min(image.height, image.width);
      const auto scaled = [&](std::int64_t side) {
        return (side * settings_.resize_short * 2 + shorter) / (shorter * 2);
      };
      change(scaled(image.height), scaled(image.width));
    }
  }

  void check_fit(std::span<const std::int64_t> shape) const {
    if (!type_.has_shape) return;
    bool fits = type_.dims.size() == shape.size();
    for (std::size_t i = 0; fits && i < shape.size(); ++i) fits = agrees(dim(i), shape[i]);
    if (fits) return;
    const bool rest_fits =
        type_.dims.size() == shape.size() &&
        std::equal(shape.begin() + 1, shape.end(), type_.dims.begin() + 1,
                   [](std::int64_t have, const model::Dim &want) { return agrees(want.extent, have); });
    std::string remedy = "check `from:`, `to:` and the data";
    if (rest_fits) {
      remedy = "the model's batch is fixed; export the model with a free batch or one of 1";
    } else if (shape.size() == 4 && type_.dims.size() == 4) {
      const bool gray = dim(1) == 3 && shape[1] == 1;
      remedy = gray ? "add gray_to_3: true to `preprocess:`"
                    : "add resize/center_crop to `preprocess:`, or set `from:` and `to:`";
    }
    fail(Status::kInvalidArgument, "sample '{}' gives [{}], model input '{}' takes {}; {}", name_,
         fmt::join(shape, ","), input_, taken(), remedy);
  }

  float pick(const std::vector<float> &values, std::size_t channel, float deflt) const {
    return values.empty() ? deflt : values.size() == 1 ? values[0] : values[channel];
  }

  // Three roundings to float32, as written: the same bits as array code that multiplies, subtracts and divides. A step
  // that is not asked for has a neutral value and changes nothing.
  static void steps(const float *in, float *out, std::size_t count, std::size_t in_stride, std::size_t out_stride,
                    float scale, float mean, float std) {
    for (std::size_t i = 0; i < count; ++i) {
      const float scaled = in[i * in_stride] * scale;
      const float centred = scaled - mean;
      out[i * out_stride] = centred / std;
    }
  }

  void normalize(const Picture &image, bool last, float *out) const {
    const auto channels = static_cast<std::size_t>(image.channels);
    for (const auto *values : {&settings_.mean, &settings_.std}) {
      if (values->size() > 1 && values->size() != channels) {
        misfit(fmt::format("has {} channels; mean and std have {} values", channels, values->size()));
      }
    }
    const auto pixels = static_cast<std::size_t>(image.height * image.width);
    for (std::size_t c = 0; c < channels; ++c) {
      const std::size_t stored = settings_.reverse_channels ? channels - 1 - c : c;
      steps(image.data.data() + stored, last ? out + c : out + c * pixels, pixels, channels, last ? channels : 1,
            settings_.scale.value_or(1.0F), pick(settings_.mean, c, 0.0F), pick(settings_.std, c, 1.0F));
    }
  }

  ht_tensor_view plain() {
    if (settings_.mean.size() > 1 || settings_.std.size() > 1)
      misfit("has no channels; mean and std take one value each");
    const std::vector<float> in = as_floats(sample_);
    float *out = allocate<float>(in.size());
    steps(in.data(), out, in.size(), 1, 1, settings_.scale.value_or(1.0F), pick(settings_.mean, 0, 0.0F),
          pick(settings_.std, 0, 1.0F));
    check_finite(out, in.size());
    return view(HT_F32, fitted_shape(), out);
  }

  // The sample's shape with a batch axis of 1 before it where the model has one axis more.
  std::vector<std::int64_t> fitted_shape() const {
    std::vector<std::int64_t> shape(sample_.shape, sample_.shape + sample_.rank);
    if (!type_.has_shape || type_.dims.size() == shape.size() + 1) shape.insert(shape.begin(), 1);
    check_fit(shape);
    return shape;
  }

  // Inputs that are no floats, such as token numbers, pass as they are.
  ht_tensor_view unchanged(ht_dtype wanted) {
    if (settings_.changes_values() || settings_.changes_pictures()) {
      misfit(fmt::format("is not preprocessed: the input is {}; leave scale, mean, std and picture settings out",
                         model::dtype_name(wanted)));
    }
    if (wanted != sample_.dtype) {
      misfit(fmt::format("is {}, the input takes {}; convert the data", model::dtype_name(sample_.dtype),
                         model::dtype_name(wanted)));
    }
    const std::vector<std::int64_t> shape = fitted_shape();
    const std::size_t bytes = model::dtype_bytes(wanted, model::element_count(shape));
    std::byte *out = allocate<std::byte>(bytes);
    if (bytes > 0) std::memcpy(out, sample_.data, bytes);
    return view(wanted, shape, out);
  }

  void check_finite(const float *data, std::size_t count) const {
    if (sample_.dtype != HT_F32 && sample_.dtype != HT_F64 && sample_.dtype != HT_F16) return;
    const float *bad = std::find_if(data, data + count, [](float v) { return !std::isfinite(v); });
    if (bad == data + count) return;
    fail(Status::kDataLoss,
         "sample '{}' for model input '{}' has a value that is not finite ({}), at element {}; repair or remove it",
         name_, input_, *bad, bad - data);
  }

  // Floats that are not in the arena, and count like those that are.
  void charge(std::size_t floats) const { ctx_.arena.charge(floats * sizeof(float)); }

  template <typename T>
  T *allocate(std::size_t count) {
    return static_cast<T *>(ctx_.arena.allocate(std::max<std::size_t>(count, 1) * sizeof(T), 64));
  }
  ht_tensor_view view(ht_dtype dtype, std::span<const std::int64_t> shape, void *data) {
    auto *extents = allocate<std::int64_t>(shape.size());
    std::copy(shape.begin(), shape.end(), extents);
    ht_tensor_view out{};
    out.struct_size = sizeof(out);
    out.dtype = dtype;
    out.rank = static_cast<std::uint32_t>(shape.size());
    out.shape = extents;
    out.data = data;
    return out;
  }

  const Preprocess &settings_;
  host::Context &ctx_;
  const ht_tensor_view &sample_;
  const model::ValueType &type_;
  const std::string &input_, &name_;
};

}  // namespace

ht_tensor_view Preprocess::apply(host::Context &ctx, const ht_tensor_view &sample, const model::ValueType &type,
                                 const std::string &input, const std::string &sample_name) const {
  return Application(*this, ctx, sample, type, input, sample_name).run();
}

}  // namespace halftone::calibration
