// Conv over one to three spatial axes: the input becomes a padded image with channels last, and each output pixel is a
// sum over taps.
#include "geometry.h"
#include "image.h"
#include "integer/codes.h"
#include "packed.h"
#include "products.h"

namespace halftone::onednn {
namespace {

using integer::Placed;
using integer::PlacedView;
using integer::Step;
using integer::Tensor;

// How an input with its padding lies about the outputs.
struct Frame {
  Axes inside, outside, before, after;

  Frame(const Geometry &g, const ht_tensor_view &x) : inside(extents_of(x)) {
    for (std::size_t i = 0; i < kAxes; ++i) outside[i] = g.outputs(i, inside[i], before[i], after[i]);
  }
};

// The stored weights, channel by channel.
class Kernel {
 public:
  Kernel(const Step &step, std::size_t group_count)
      : groups(group_count), products_(*step.products), stored_(*products_.operands[1]) {
    channels = static_cast<std::size_t>(stored_.shape()[0]);
    inputs = static_cast<std::size_t>(stored_.shape()[1]);
    taps = static_cast<std::size_t>(stored_.count()) / (channels * inputs);
  }
  std::int32_t operator()(std::size_t channel, std::size_t input, std::size_t tap) const {
    return stored_.codes()[(channel * inputs + input) * taps + tap];
  }
  bool fit_bytes(const integer::Format &codes) const { return onednn::fit_bytes(codes, stored_); }
  std::vector<std::int32_t> bias(const Operand &operand, std::size_t first, std::size_t count) const {
    const std::size_t depth = inputs * taps;
    return bias_of(products_, operand, first, count, depth,
                   [&](std::size_t c, std::size_t i) { return stored_.codes()[(first + c) * depth + i]; });
  }

  std::size_t groups, channels, inputs, taps;  // inputs of one group

 private:
  const integer::Products &products_;
  const integer::StoredOperand &stored_;
};

class Convolution : public integer::FastStep {
 public:
  Convolution(const Step &step, const Geometry &geometry, const Kernel &kernel, std::size_t pitch)
      : g_(geometry),
        inputs_(kernel.inputs * kernel.groups),
        channels_(kernel.channels),
        pitch_(pitch),
        ending_(step, channels_, pitch) {
    operand_.format = *step.inputs[0].codes;
  }

  std::optional<Placed> run(std::span<const PlacedView> codes) const override {
    const ht_tensor_view &x = codes[0].view;
    if (x.rank < 3 || x.rank > 2 + kAxes || x.shape[1] != static_cast<std::int64_t>(inputs_)) return {};
    const Frame frame(g_, x);
    if (std::ranges::any_of(frame.outside, [](std::int64_t extent) { return extent <= 0; })) return {};
    integer::Shape shape(x.shape, x.shape + x.rank);
    shape[1] = static_cast<std::int64_t>(channels_);
    std::copy_n(frame.outside.end() - (x.rank - 2), x.rank - 2, shape.begin() + 2);
    Placed out{Tensor(ending_.dtype(), shape), true};
    Image image(operand_, codes[0], frame.before, frame.after, overreads());
    const std::vector<std::ptrdiff_t> pixels = pixels_of(frame, image), taps = taps_of(image);
    const std::size_t most = pixels_at_once();
    const auto sums = std::make_unique_for_overwrite<std::int32_t[]>(pitch_ * std::min(most, pixels.size()));
    for (std::int64_t n = 0; n < x.shape[0]; ++n) {
      const std::uint8_t *input = image.sample(n);
      for (std::size_t at = 0; at < pixels.size(); at += most) {
        const auto part = std::span(pixels).subspan(at, std::min(most, pixels.size() - at));
        sum(input, part, taps, sums.get());
        ending_.run(sums.get(), part.size(), out.tensor,
                    (static_cast<std::size_t>(n) * pixels.size() + at) * channels_);
      }
    }
    if (out.tensor.dtype() == HT_F32) return plain_floats(out.tensor);
    return out;
  }
  std::uint64_t kept() const override { return weight_bytes(); }
  std::uint64_t scratch(std::span<const PlacedView> codes) const override {
    const ht_tensor_view &x = codes[0].view;
    const Frame frame(g_, x);
    const auto pixels = static_cast<std::size_t>(count_of(frame.outside));
    const std::size_t floats = ending_.dtype() == HT_F32 ? static_cast<std::size_t>(x.shape[0]) * channels_ * 4 : 0;
    return Image::bytes(operand_, x, frame.before, frame.after) + pixels * (sizeof(std::ptrdiff_t) + floats) +
           pitch_ * std::min(pixels_at_once(), pixels) * sizeof(std::int32_t);
  }

 protected:
  // sums: [pixel][pitch].
  virtual void sum(const std::uint8_t *input, std::span<const std::ptrdiff_t> pixels,
                   std::span<const std::ptrdiff_t> taps, std::int32_t *sums) const = 0;
  virtual std::vector<std::ptrdiff_t> taps_of(const Image &image) const = 0;
  virtual bool overreads() const { return true; }
  virtual std::size_t weight_bytes() const = 0;

  Operand operand_;
  Geometry g_;
  std::size_t inputs_, channels_, pitch_;

 private:
  // So many that sums stay in the cache, and that weights beyond it are not read too often.
  std::size_t pixels_at_once() const {
    const std::size_t sums = weight_bytes() > (std::size_t{1} << 17) ? std::size_t{1} << 16 : std::size_t{1} << 12;
    return std::max<std::size_t>(sums / pitch_, 24);
  }

  std::vector<std::ptrdiff_t> pixels_of(const Frame &frame, const Image &image) const {
    std::vector<std::ptrdiff_t> pixels;
    pixels.reserve(static_cast<std::size_t>(count_of(frame.outside)));
    for (std::int64_t z = 0; z < frame.outside[0]; ++z) {
      for (std::int64_t y = 0; y < frame.outside[1]; ++y) {
        const std::ptrdiff_t row = z * g_.stride[0] * image.step(0) + y * g_.stride[1] * image.step(1);
        for (std::int64_t i = 0; i < frame.outside[2]; ++i) pixels.push_back(row + i * g_.stride[2] * image.step(2));
      }
    }
    return pixels;
  }

  Ending ending_;
};

// With channels in one group or several. Where neighbours along the width lie together, they are one tap.
class DenseConvolution final : public Convolution {
 public:
  DenseConvolution(const Step &step, const Geometry &geometry, const Kernel &kernel)
      : Convolution(step, geometry, kernel, pitch_of(kernel)),
        run_(kernel.groups == 1 && (g_.dilation[2] == 1 || g_.kernel[2] == 1) ? static_cast<std::size_t>(g_.kernel[2])
                                                                              : 1),
        inputs_of_tap_(run_ * kernel.inputs),
        channels_of_group_(kernel.channels / kernel.groups) {
    operand_.bytes = kernel.fit_bytes(operand_.format);
    const std::size_t taps = kernel.taps / run_;
    for (std::size_t group = 0; group < kernel.groups; ++group) {
      const std::size_t first = group * channels_of_group_;
      parts_.emplace_back(operand_.bytes, channels_of_group_, taps, inputs_of_tap_);
      parts_.back().set(channels_of_group_, [&](std::size_t c, std::size_t t, std::size_t i) {
        return kernel(first + c, i % kernel.inputs, t * run_ + i / kernel.inputs);
      });
      const std::vector<std::int32_t> bias = kernel.bias(operand_, first, channels_of_group_);
      biases_.insert(biases_.end(), bias.begin(), bias.end());
    }
  }

 private:
  // Whole blocks from the first channel of the last group on.
  static std::size_t pitch_of(const Kernel &kernel) {
    const std::size_t each = kernel.channels / kernel.groups;
    return whole_blocks(kernel.channels - each + whole_blocks(each));
  }
  void sum(const std::uint8_t *input, std::span<const std::ptrdiff_t> pixels, std::span<const std::ptrdiff_t> taps,
           std::int32_t *sums) const override {
    const std::size_t inputs = inputs_ / parts_.size() * operand_.width();
    // What a group writes beyond its channels, the next one writes again.
    for (std::size_t group = 0; group < parts_.size(); ++group) {
      dot({input + group * inputs, pixels, taps, &parts_[group],
           biases_.data() + group * whole_blocks(channels_of_group_), sums + group * channels_of_group_, pitch_});
    }
  }
  std::vector<std::ptrdiff_t> taps_of(const Image &image) const override {
    std::vector<std::ptrdiff_t> taps;
    for (std::int64_t z = 0; z < g_.kernel[0]; ++z) {
      for (std::int64_t y = 0; y < g_.kernel[1]; ++y) {
        const std::ptrdiff_t row = z * g_.dilation[0] * image.step(0) + y * g_.dilation[1] * image.step(1);
        for (std::int64_t i = 0; i < g_.kernel[2]; i += static_cast<std::int64_t>(run_))
          taps.push_back(row + i * g_.dilation[2] * image.step(2));
      }
    }
    return taps;
  }
  bool overreads() const override { return inputs_of_tap_ * operand_.width() % 4 != 0; }
  std::size_t weight_bytes() const override { return parts_[0].size() * parts_.size(); }

  std::size_t run_;  // pixels of one tap
  std::size_t inputs_of_tap_, channels_of_group_;
  std::vector<PackedWeights> parts_;  // by group
  std::vector<std::int32_t> biases_;
};

class DepthwiseConvolution final : public Convolution {
 public:
  DepthwiseConvolution(const Step &step, const Geometry &geometry, const Kernel &kernel)
      : Convolution(step, geometry, kernel, whole_blocks(kernel.channels, kDepthwiseBlock)),
        weights_((kernel.taps + 1) / 2 * 2 * pitch_),
        bias_(kernel.bias(operand_, 0, kernel.channels)) {
    bias_.resize(pitch_);
    for (std::size_t t = 0; t < kernel.taps; ++t) {
      for (std::size_t c = 0; c < channels_; ++c) weights_[t * pitch_ + c] = static_cast<std::int16_t>(kernel(c, 0, t));
    }
  }

 private:
  void sum(const std::uint8_t *input, std::span<const std::ptrdiff_t> pixels, std::span<const std::ptrdiff_t> taps,
           std::int32_t *sums) const override {
    depthwise_dot({input, pixels, taps, weights_.data(), bias_.data(), sums, pitch_});
  }
  // Of an odd number, the last stands twice, the second time with weights of zero.
  std::vector<std::ptrdiff_t> taps_of(const Image &image) const override {
    std::vector<std::ptrdiff_t> taps;
    for (std::int64_t z = 0; z < g_.kernel[0]; ++z) {
      for (std::int64_t y = 0; y < g_.kernel[1]; ++y) {
        for (std::int64_t i = 0; i < g_.kernel[2]; ++i)
          taps.push_back(z * g_.dilation[0] * image.step(0) + y * g_.dilation[1] * image.step(1) +
                         i * g_.dilation[2] * image.step(2));
      }
    }
    if (taps.size() % 2 != 0) taps.push_back(taps.back());
    return taps;
  }
  std::size_t weight_bytes() const override { return weights_.size() * sizeof(weights_[0]); }

  std::vector<std::int16_t> weights_;
  std::vector<std::int32_t> bias_;
};

}  // namespace

std::unique_ptr<integer::FastStep> fast_convolution(const sdk::Context &ctx, const sdk::Node &node, const Step &step) {
  const sdk::Graph graph(ctx);
  const integer::StoredOperand &w = *step.products->operands[1];
  const integer::Shape &shape = w.shape();
  if (shape.size() < 3 || shape.size() > 2 + kAxes || w.count() == 0) return nullptr;
  const Geometry geometry(graph, node, std::span(shape).subspan(2));
  const auto group = graph.attribute_int(node.handle, "group", 1);
  if (group < 1 || shape[0] % group != 0 || !geometry.plain()) return nullptr;
  const Kernel kernel(step, static_cast<std::size_t>(group));
  if (!never_overflows(step, kernel.channels, kernel.inputs * kernel.taps,
                       [&](std::size_t c, std::size_t i) { return kernel(c, i / kernel.taps, i % kernel.taps); }))
    return nullptr;
  if (kernel.groups > 1 && kernel.inputs == 1 && kernel.groups == kernel.channels)
    return std::make_unique<DepthwiseConvolution>(step, geometry, kernel);
  return std::make_unique<DenseConvolution>(step, geometry, kernel);
}

}  // namespace halftone::onednn
