// ConvTranspose over one to three spatial axes. Output o gets input i through tap t where o + begin = i * stride + t *
// dilation: outputs of one remainder modulo the strides share their taps, and are a convolution of stride 1.
#include <cstring>

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
using Ints = std::vector<std::int64_t>;

constexpr std::int64_t kMostClasses = 64, kMostPadding = 65536;

// The taps of outputs of one remainder: those whose place is `phase` modulo the strides.
struct Class {
  std::vector<Axes> taps;
  std::vector<PackedWeights> parts;  // by group
  std::vector<std::int32_t> biases;  // by group, whole blocks each
};

// What an input gives along each axis.
struct Extent {
  Axes inside, outside, begin, before, after;
};

Axes split(std::int64_t i, const Axes &extents) {
  return {i / (extents[1] * extents[2]), i / extents[2] % extents[1], i % extents[2]};
}

// Whether outputs of this phase read the tap.
bool has_tap(const Geometry &g, const Axes &phase, std::int64_t tap) {
  const Axes at = split(tap, g.kernel);
  bool own = true;
  for (std::size_t i = 0; i < kAxes; ++i) own = own && at[i] * g.dilation[i] % g.stride[i] == phase[i];
  return own;
}

bool no_class_overflows(const Step &step, const Geometry &g, std::size_t groups) {
  const integer::StoredOperand &w = *step.products->operands[1];
  const auto channels = static_cast<std::size_t>(w.shape()[1]),
             inputs = static_cast<std::size_t>(w.shape()[0]) / groups;
  const auto taps = static_cast<std::size_t>(count_of(g.kernel));
  const std::int32_t *codes = w.codes();
  for (std::int64_t i = 0; i < count_of(g.stride); ++i) {
    std::vector<std::size_t> own;
    for (std::size_t t = 0; t < taps; ++t) {
      if (has_tap(g, split(i, g.stride), static_cast<std::int64_t>(t))) own.push_back(t);
    }
    const auto weight = [&](std::size_t c, std::size_t k) {
      const std::size_t input = c / channels * inputs + k / own.size();
      return codes[(input * channels + c % channels) * taps + own[k % own.size()]];
    };
    if (!never_overflows(step, channels * groups, inputs * own.size(), weight)) return false;
  }
  return true;
}

class TransposedConvolution final : public integer::FastStep {
 public:
  TransposedConvolution(const sdk::Graph &graph, const sdk::Node &node, const Step &step, const Geometry &geometry,
                        std::size_t groups)
      : g_(geometry),
        rank_(step.products->operands[1]->shape().size()),
        inputs_(static_cast<std::size_t>(step.products->operands[1]->shape()[0])),
        groups_(groups),
        channels_of_group_(static_cast<std::size_t>(step.products->operands[1]->shape()[1])),
        pitch_(whole_blocks((groups - 1) * channels_of_group_ + whole_blocks(channels_of_group_))),
        operand_{*step.inputs[0].codes, fit_bytes(*step.inputs[0].codes, *step.products->operands[1])},
        extra_(graph.attribute_ints(node.handle, "output_padding")),
        output_shape_(graph.attribute_ints(node.handle, "output_shape")),
        ending_(step, groups * channels_of_group_, pitch_) {
    for (std::int64_t i = 0; i < count_of(g_.stride); ++i) classes_.push_back(class_of(step, split(i, g_.stride)));
  }

  std::optional<Placed> run(std::span<const PlacedView> codes) const override {
    const ht_tensor_view &x = codes[0].view;
    if (x.rank != rank_ || x.shape[1] != static_cast<std::int64_t>(inputs_)) return {};
    const std::optional<Extent> extent = extent_of(x);
    if (!extent) return {};
    integer::Shape shape(x.shape, x.shape + x.rank);
    shape[1] = static_cast<std::int64_t>(groups_ * channels_of_group_);
    std::copy_n(extent->outside.end() - (x.rank - 2), x.rank - 2, shape.begin() + 2);
    Placed out{Tensor(ending_.dtype(), shape), true};
    Image image(operand_, codes[0], extent->before, extent->after, true);
    for (std::int64_t n = 0; n < x.shape[0]; ++n) {
      const std::uint8_t *input = image.sample(n);
      for (std::int64_t i = 0; i < count_of(g_.stride); ++i)
        compute(input, image, *extent, split(i, g_.stride), out.tensor, n * count_of(extent->outside));
    }
    if (out.tensor.dtype() == HT_F32) return plain_floats(out.tensor);
    return out;
  }
  std::uint64_t kept() const override {
    std::uint64_t bytes = 0;
    for (const Class &each : classes_) {
      for (const PackedWeights &part : each.parts) bytes += part.size();
    }
    return bytes;
  }
  std::uint64_t scratch(std::span<const PlacedView> codes) const override {
    const ht_tensor_view &x = codes[0].view;
    const std::optional<Extent> extent = extent_of(x);
    if (!extent) return 0;
    const auto pixels = static_cast<std::size_t>(count_of(extent->outside));
    const std::size_t floats = ending_.dtype() == HT_F32 ? static_cast<std::size_t>(x.shape[0]) * pitch_ * 4 : 0;
    return Image::bytes(operand_, x, extent->before, extent->after) + pixels * (2 * sizeof(std::ptrdiff_t) + floats) +
           8 * kAtOnce * pitch_;
  }

 private:
  static constexpr std::size_t kAtOnce = 48;  // pixels

  Class class_of(const Step &step, const Axes &phase) const {
    Class out;
    std::vector<std::size_t> numbers;
    for (std::int64_t t = 0; t < count_of(g_.kernel); ++t) {
      if (!has_tap(g_, phase, t)) continue;
      out.taps.push_back(split(t, g_.kernel));
      numbers.push_back(static_cast<std::size_t>(t));
    }
    const std::int32_t *stored = step.products->operands[1]->codes();
    const std::size_t inputs = inputs_ / groups_, all = static_cast<std::size_t>(count_of(g_.kernel));
    for (std::size_t group = 0; group < groups_; ++group) {
      const auto weight = [&](std::size_t c, std::size_t t, std::size_t i) {
        return stored[((group * inputs + i) * channels_of_group_ + c) * all + numbers[t]];
      };
      out.parts.emplace_back(operand_.bytes, channels_of_group_, numbers.size(), inputs);
      out.parts.back().set(channels_of_group_, weight);
      const auto bias =
          bias_of(*step.products, operand_, group * channels_of_group_, channels_of_group_, numbers.size() * inputs,
                  [&](std::size_t c, std::size_t i) { return weight(c, i / inputs, i % inputs); });
      out.biases.insert(out.biases.end(), bias.begin(), bias.end());
    }
    return out;
  }

  // Padding and outputs as the operator has them, and how far inputs beyond the border are read. Nullopt where that is
  // left to the plain kernel.
  std::optional<Extent> extent_of(const ht_tensor_view &x) const {
    Extent out{extents_of(x), {1, 1, 1}, {0, 0, 0}, {0, 0, 0}, {0, 0, 0}};
    const std::size_t axes = rank_ - 2;
    for (std::size_t i = kAxes - axes; i < kAxes; ++i) {
      const std::size_t own = i - (kAxes - axes);
      const std::int64_t stride = g_.stride[i], reach = (g_.kernel[i] - 1) * g_.dilation[i];
      const std::int64_t full = stride * (out.inside[i] - 1) + (extra_.empty() ? 0 : extra_[own]) + reach + 1;
      const bool same = g_.same_upper || g_.same_lower;
      out.begin[i] = g_.begin[i];
      out.outside[i] = full - g_.begin[i] - g_.end[i];
      if (same || !output_shape_.empty()) {
        out.outside[i] =
            output_shape_.empty() ? out.inside[i] * stride : output_shape_[output_shape_.size() - axes + own];
        const std::int64_t total = std::max<std::int64_t>(0, full - out.outside[i]);
        out.begin[i] = g_.same_upper ? total / 2 : total - total / 2;
      }
      if (out.inside[i] < 1 || out.outside[i] < 1) return std::nullopt;
      // The lowest and the highest input that some output reads.
      out.before[i] = reach / stride + 1;
      out.after[i] = std::max<std::int64_t>(0, (out.outside[i] - 1 + out.begin[i]) / stride - (out.inside[i] - 1));
      if (out.before[i] > kMostPadding || out.after[i] > kMostPadding) return std::nullopt;
    }
    return out;
  }

  // The outputs of one remainder.
  void compute(const std::uint8_t *input, const Image &image, const Extent &extent, const Axes &remainder, Tensor &to,
               std::int64_t first) const {
    Axes outputs, shift, phase;
    for (std::size_t i = 0; i < kAxes; ++i) {
      outputs[i] = extent.outside[i] > remainder[i] ? (extent.outside[i] - remainder[i] - 1) / g_.stride[i] + 1 : 0;
      shift[i] = remainder[i] + extent.begin[i];
      phase[i] = shift[i] % g_.stride[i];
    }
    const Class &own =
        classes_[static_cast<std::size_t>((phase[0] * g_.stride[1] + phase[1]) * g_.stride[2] + phase[2])];
    std::vector<std::ptrdiff_t> taps, pixels, places;
    for (const Axes &tap : own.taps) {
      std::ptrdiff_t at = 0;
      for (std::size_t i = 0; i < kAxes; ++i)
        at += ((shift[i] - tap[i] * g_.dilation[i]) / g_.stride[i] + extent.before[i]) * image.step(i);
      taps.push_back(at);
    }
    for (std::int64_t p = 0; p < count_of(outputs); ++p) {
      const Axes at = split(p, outputs);
      pixels.push_back(at[0] * image.step(0) + at[1] * image.step(1) + at[2] * image.step(2));
      Axes o;
      for (std::size_t i = 0; i < kAxes; ++i) o[i] = at[i] * g_.stride[i] + remainder[i];
      places.push_back(first + (o[0] * extent.outside[1] + o[1]) * extent.outside[2] + o[2]);
    }
    sum(input, own, taps, pixels, places, to);
  }

  void sum(const std::uint8_t *input, const Class &own, std::span<const std::ptrdiff_t> taps,
           std::span<const std::ptrdiff_t> pixels, std::span<const std::ptrdiff_t> places, Tensor &to) const {
    const std::size_t channels = groups_ * channels_of_group_, inputs = inputs_ / groups_ * operand_.width();
    const integer::Shape shape = {static_cast<std::int64_t>(kAtOnce * channels)};
    Tensor codes(ending_.dtype(), shape);
    const std::size_t each = codes.bytes() / kAtOnce;
    const auto sums = std::make_unique_for_overwrite<std::int32_t[]>(pitch_ * kAtOnce);
    for (std::size_t at = 0; at < pixels.size(); at += kAtOnce) {
      const auto part = pixels.subspan(at, std::min(kAtOnce, pixels.size() - at));
      // What a group writes beyond its channels, the next one writes again.
      for (std::size_t group = 0; group < groups_; ++group) {
        dot({input + group * inputs, part, taps, &own.parts[group],
             own.biases.data() + group * whole_blocks(channels_of_group_), sums.get() + group * channels_of_group_,
             pitch_});
      }
      ending_.run(sums.get(), part.size(), codes, 0);
      for (std::size_t p = 0; p < part.size(); ++p)
        std::memcpy(to.data() + static_cast<std::size_t>(places[at + p]) * each, codes.data() + p * each, each);
    }
  }

  Geometry g_;
  std::size_t rank_, inputs_, groups_, channels_of_group_, pitch_;
  Operand operand_;
  Ints extra_, output_shape_;
  Ending ending_;
  std::vector<Class> classes_;  // by phase
};

}  // namespace

std::unique_ptr<integer::FastStep> fast_transposed_convolution(const sdk::Context &ctx, const sdk::Node &node,
                                                               const Step &step) {
  const sdk::Graph graph(ctx);
  const integer::StoredOperand &w = *step.products->operands[1];
  const integer::Shape &shape = w.shape();
  if (shape.size() < 3 || shape.size() > 2 + kAxes || w.count() == 0) return nullptr;
  const std::size_t axes = shape.size() - 2;
  const Geometry geometry(graph, node, std::span(shape).subspan(2));
  const auto group = graph.attribute_int(node.handle, "group", 1);
  const Ints extra = graph.attribute_ints(node.handle, "output_padding");
  const Ints output_shape = graph.attribute_ints(node.handle, "output_shape");
  if (group < 1 || shape[0] % group != 0 || !geometry.plain() || (!extra.empty() && extra.size() != axes) ||
      (!output_shape.empty() && output_shape.size() < axes) ||
      std::ranges::any_of(extra, [](std::int64_t rows) { return rows < 0 || rows > kMostPadding; }) ||
      std::ranges::any_of(geometry.stride, [](std::int64_t stride) { return stride > kMostClasses; }) ||
      count_of(geometry.stride) > kMostClasses)
    return nullptr;
  if (!no_class_overflows(step, geometry, static_cast<std::size_t>(group))) return nullptr;
  return std::make_unique<TransposedConvolution>(graph, node, step, geometry, static_cast<std::size_t>(group));
}

}  // namespace halftone::onednn
