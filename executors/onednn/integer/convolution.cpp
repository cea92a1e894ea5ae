// Conv over one or two spatial axes: the input is widened into a padded image with channels last, and each row of
// output pixels is a row of sums over taps.
#include "geometry.h"
#include "integer/codes.h"
#include "integer/tables.h"
#include "products.h"

namespace halftone::onednn {
namespace {

using integer::Placed;
using integer::PlacedView;
using integer::Step;
using integer::Tensor;

class Convolution final : public integer::FastStep {
 public:
  Convolution(const Step &step, const Geometry &geometry, std::size_t inputs, std::size_t channels, bool depthwise,
              std::vector<std::int16_t> weights)
      : format_(*step.inputs[0].codes),
        g_(geometry),
        inputs_(inputs),
        channels_(channels),
        // What a pixel of the padded image takes: whole pairs, or whole blocks of channels.
        pitch_(depthwise ? (inputs + kBlock - 1) / kBlock * kBlock : (inputs + 1) / 2 * 2),
        depthwise_(depthwise),
        weights_(std::move(weights)),
        bias_(padded_bias(*step.products, channels)),
        ending_(step, channels) {}

  std::optional<Placed> run(std::span<const PlacedView> codes) const override {
    const ht_tensor_view &x = codes[0].view;
    if (x.rank < 3 || x.rank > 4 || x.shape[1] != static_cast<std::int64_t>(inputs_)) return {};
    Image image;
    image.height = x.rank == 4 ? x.shape[2] : 1;
    image.width = x.shape[x.rank - 1];
    std::int64_t after[2];
    const std::int64_t rows = g_.outputs(0, image.height, image.top, after[0]);
    const std::int64_t columns = g_.outputs(1, image.width, image.left, after[1]);
    if (rows <= 0 || columns <= 0) return {};
    image.pitch = static_cast<std::int64_t>(pitch_) * (image.width + image.left + after[1]);
    image.data.assign(static_cast<std::size_t>(image.pitch * (image.height + image.top + after[0])), 0);
    integer::Shape shape = {x.shape[0], static_cast<std::int64_t>(channels_), rows, columns};
    if (x.rank == 3) shape.erase(shape.begin() + 2);
    Placed out{Tensor(ending_.dtype(), shape), true};
    std::vector<std::int32_t> sums(bias_.size() * static_cast<std::size_t>(columns));
    const std::vector<std::ptrdiff_t> taps = taps_of(image);
    PlacedView source = codes[0];
    Tensor moved;
    if (!source.channels_last && inputs_ >= 16 && integer::has_table(format_)) {
      moved = integer::channels_last(x);
      source = {moved.view(), true};
    }
    for (std::int64_t n = 0; n < x.shape[0]; ++n) {
      fill(image, source, n);
      for (std::int64_t row = 0; row < rows; ++row) {
        const DotRow work{image.data.data() + row * g_.stride[0] * image.pitch,
                          static_cast<std::ptrdiff_t>(g_.stride[1] * static_cast<std::int64_t>(pitch_)),
                          taps,
                          pitch_ / 2,
                          weights_.data(),
                          bias_.data(),
                          bias_.size(),
                          sums.data(),
                          static_cast<std::size_t>(columns)};
        depthwise_ ? depthwise_row(work) : dot_row(work);
        ending_.run(sums.data(), work.pixels, out.tensor,
                    static_cast<std::size_t>((n * rows + row) * columns) * channels_);
      }
    }
    if (out.tensor.dtype() == HT_F32) return plain_floats(out.tensor);
    return out;
  }

 private:
  struct Image {
    std::int64_t height = 1, width = 1, top = 0, left = 0, pitch = 0;
    std::vector<std::int16_t> data;
  };

  std::vector<std::ptrdiff_t> taps_of(const Image &image) const {
    std::vector<std::ptrdiff_t> taps;
    for (std::int64_t i = 0; i < g_.kernel[0]; ++i) {
      for (std::int64_t j = 0; j < g_.kernel[1]; ++j) {
        taps.push_back(i * g_.dilation[0] * image.pitch + j * g_.dilation[1] * static_cast<std::int64_t>(pitch_));
      }
    }
    return taps;
  }

  // The inside of the image; its border and what fills up a pixel stay zero, which is the zero point.
  void fill(Image &image, const PlacedView &x, std::int64_t n) const {
    const auto channels = static_cast<std::int64_t>(inputs_), pitch = static_cast<std::int64_t>(pitch_);
    const std::int64_t plane = image.height * image.width;
    std::vector<std::int16_t> line(static_cast<std::size_t>(image.width));
    for (std::int64_t i = 0; i < image.height; ++i) {
      std::int16_t *to = image.data.data() + (i + image.top) * image.pitch + image.left * pitch;
      const std::int64_t first = (n * plane + i * image.width) * channels;
      if (x.channels_last && channels == pitch) {
        widen(x.view, first, image.width * channels, format_, to);
        continue;
      }
      for (std::int64_t j = 0; x.channels_last && j < image.width; ++j)
        widen(x.view, first + j * channels, channels, format_, to + j * pitch);
      for (std::int64_t c = 0; !x.channels_last && c < channels; ++c) {
        widen(x.view, (n * channels + c) * plane + i * image.width, image.width, format_, line.data());
        for (std::int64_t j = 0; j < image.width; ++j) to[j * pitch + c] = line[static_cast<std::size_t>(j)];
      }
    }
  }

  // Floats are for the plain kernels, which read them in the order of the shape.
  static Placed plain_floats(const Tensor &from) {
    Placed out{Tensor(HT_F32, from.shape()), false};
    const std::int64_t channels = from.shape()[1], plane = from.count() / (from.shape()[0] * channels);
    const auto *source = from.data<float>();
    for (std::int64_t i = 0, all = from.count(); i < all; ++i) {
      const std::int64_t n = i / (channels * plane), c = i / plane % channels;
      out.tensor.data<float>()[i] = source[(n * plane + i % plane) * channels + c];
    }
    return out;
  }

  integer::Format format_;
  Geometry g_;
  std::size_t inputs_, channels_, pitch_;
  bool depthwise_;
  std::vector<std::int16_t> weights_;
  std::vector<std::int32_t> bias_;
  Ending ending_;
};

}  // namespace

std::unique_ptr<integer::FastStep> fast_convolution(const sdk::Context &ctx, const sdk::Node &node, const Step &step) {
  const sdk::Graph graph(ctx);
  const integer::StoredOperand &w = *step.products->operands[1];
  const integer::Shape &shape = w.shape();
  if (shape.size() < 3 || shape.size() > 4 || w.count() == 0) return nullptr;
  const Geometry geometry(graph, node, std::span(shape).subspan(2));
  const auto group = graph.attribute_int(node.handle, "group", 1);
  const auto channels = static_cast<std::size_t>(shape[0]), inputs = static_cast<std::size_t>(shape[1]);
  const bool depthwise = group > 1 && inputs == 1 && group == shape[0];
  if ((group != 1 && !depthwise) || !geometry.plain()) return nullptr;
  const std::size_t taps = static_cast<std::size_t>(w.count()) / (channels * inputs), depth = inputs * taps;
  const std::int32_t *codes = w.codes();
  if (!never_overflows(step, channels, depth, [&](std::size_t c, std::size_t i) { return codes[c * depth + i]; }))
    return nullptr;
  std::vector<std::int16_t> packed;
  if (depthwise) {
    const std::size_t padded = (channels + kBlock - 1) / kBlock * kBlock;
    packed.resize(taps * padded);
    for (std::size_t c = 0; c < channels; ++c) {
      for (std::size_t t = 0; t < taps; ++t) packed[t * padded + c] = static_cast<std::int16_t>(codes[c * taps + t]);
    }
  } else {
    packed = packed_weights(channels, taps, inputs, [&](std::size_t c, std::size_t t, std::size_t i) {
      return codes[(c * inputs + i) * taps + t];
    });
  }
  return std::make_unique<Convolution>(step, geometry, depthwise ? channels : inputs, channels, depthwise,
                                       std::move(packed));
}

}  // namespace halftone::onednn
