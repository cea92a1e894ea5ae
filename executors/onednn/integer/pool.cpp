// MaxPool and Concat of bytes with the channels last.
#include <cstring>

#include "geometry.h"
#include "integer/codes.h"
#include "integer/tables.h"
#include "lookup.h"
#include "products.h"

namespace halftone::onednn {
namespace {

using integer::Placed;
using integer::PlacedView;
using integer::Tensor;

class MaxPool final : public integer::FastStep {
 public:
  MaxPool(const Geometry &geometry, bool ceil, const integer::Format &format)
      : g_(geometry), ceil_(ceil), format_(format) {}

  // Codes are ordered as the values that they stand for.
  std::optional<Placed> run(std::span<const PlacedView> codes) const override {
    const ht_tensor_view &x = codes[0].view;
    if (!codes[0].channels_last || x.rank != 4) return {};
    std::int64_t top, left, bottom, right;
    const std::int64_t rows = g_.outputs(1, x.shape[2], top, bottom), columns = g_.outputs(2, x.shape[3], left, right);
    if (rows <= 0 || columns <= 0) return {};
    // A window more or less than without ceil_mode: left to the plain kernel.
    if (ceil_ && !(g_.same_with_ceil(1, x.shape[2], rows) && g_.same_with_ceil(2, x.shape[3], columns))) return {};
    const integer::Shape shape = {x.shape[0], x.shape[1], rows, columns};
    Placed out{Tensor(x.dtype, shape), true};
    for (std::int64_t i = 0; i < x.shape[0] * rows; ++i) {
      for (std::int64_t j = 0; j < columns; ++j) {
        const std::int64_t at = (i * columns + j) * x.shape[1];
        const Corner corner{i / rows, i % rows * g_.stride[1] - top, j * g_.stride[2] - left};
        if (x.dtype == HT_I8) {
          window(x, corner, out.tensor.data<std::int8_t>() + at);
        } else {
          window(x, corner, out.tensor.data<std::uint8_t>() + at);
        }
      }
    }
    return out;
  }

 private:
  struct Corner {
    std::int64_t sample, row, column;
  };
  template <typename Code>
  void window(const ht_tensor_view &x, const Corner &corner, Code *to) const {
    const std::int64_t channels = x.shape[1];
    std::fill_n(to, channels, static_cast<Code>(format_.low));
    for (std::int64_t i = 0; i < g_.kernel[1]; ++i) {
      const std::int64_t row = corner.row + i * g_.dilation[1];
      if (row < 0 || row >= x.shape[2]) continue;
      for (std::int64_t j = 0; j < g_.kernel[2]; ++j) {
        const std::int64_t column = corner.column + j * g_.dilation[2];
        if (column < 0 || column >= x.shape[3]) continue;
        const Code *from =
            static_cast<const Code *>(x.data) + ((corner.sample * x.shape[2] + row) * x.shape[3] + column) * channels;
        for (std::int64_t c = 0; c < channels; ++c) to[c] = std::max(to[c], from[c]);
      }
    }
  }
  Geometry g_;
  bool ceil_;
  integer::Format format_;
};

class ConcatOfChannels final : public integer::FastStep {
 public:
  explicit ConcatOfChannels(const integer::Step &step) : dtype_(step.outputs[0].codes->dtype) {
    for (std::size_t i = 0; i < step.tables.size(); ++i)
      tables_.push_back(byte_table(*step.inputs[i].codes, step.tables[i]));
  }

  std::optional<Placed> run(std::span<const PlacedView> codes) const override {
    integer::Shape shape(codes[0].view.shape, codes[0].view.shape + codes[0].view.rank);
    if (shape.size() < 3) return {};
    const std::int64_t pixels = shape[0] * integer::count_of(std::span(shape).subspan(2));
    std::int64_t channels_of_all = 0;
    for (const PlacedView &part : codes) {
      if (!part.channels_last || !fits(part.view, shape)) return {};
      channels_of_all += part.view.shape[1];
    }
    shape[1] = channels_of_all;
    Placed out{Tensor(dtype_, shape), true};
    std::vector<std::uint8_t> mapped;
    std::int64_t first = 0;
    for (std::size_t k = 0; k < codes.size(); ++k) {
      const ht_tensor_view &part = codes[k].view;
      const auto *from = static_cast<const std::uint8_t *>(part.data);
      if (!tables_.empty()) {
        mapped.resize(integer::bytes_of(part.dtype, integer::count_of(part)));
        look_up(tables_[k], from, mapped.data(), mapped.size());
        from = mapped.data();
      }
      auto *to = out.tensor.data<std::uint8_t>() + first;
      const std::int64_t channels = part.shape[1];
      for (std::int64_t p = 0; p < pixels; ++p, from += channels, to += shape[1])
        std::memcpy(to, from, static_cast<std::size_t>(channels));
      first += channels;
    }
    return out;
  }

 private:
  // Parts that differ in more than their channels have no concatenation: the plain kernel says so.
  static bool fits(const ht_tensor_view &part, const integer::Shape &first) {
    if (part.rank != first.size()) return false;
    for (std::uint32_t i = 0; i < part.rank; ++i) {
      if (i != 1 && part.shape[i] != first[i]) return false;
    }
    return true;
  }

  ht_dtype dtype_;
  std::vector<ByteTable> tables_;
};

}  // namespace

std::unique_ptr<integer::FastStep> fast_move(const sdk::Context &ctx, const sdk::Node &node,
                                             const integer::Step &step) {
  const sdk::Graph graph(ctx);
  const auto &format = step.inputs[0].codes;
  if (!format || !integer::has_table(*format)) return nullptr;
  if (node.is("Concat") && graph.attribute_int(node.handle, "axis", 0) == 1) {
    return std::make_unique<ConcatOfChannels>(step);
  }
  const std::vector<std::int64_t> window = graph.attribute_ints(node.handle, "kernel_shape");
  if (!node.is("MaxPool") || step.outputs.size() != 1 || window.size() != 2) return nullptr;
  const Geometry geometry(graph, node, window);
  if (!geometry.plain() || geometry.same_upper || geometry.same_lower || geometry.dilation[1] != 1 ||
      geometry.dilation[2] != 1)
    return nullptr;
  return std::make_unique<MaxPool>(geometry, graph.attribute_int(node.handle, "ceil_mode", 0) != 0, *format);
}

}  // namespace halftone::onednn
