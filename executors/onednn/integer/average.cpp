// AveragePool and GlobalAveragePool with the channels last: sums of codes are exact, and a mean is the double nearest
// to sum over count, as the plain kernel has it.
#include "geometry.h"
#include "integer/codes.h"
#include "integer/tables.h"
#include "products.h"

namespace halftone::onednn {
namespace {

using integer::Placed;
using integer::PlacedView;
using integer::Tensor;

class AveragePool final : public integer::FastStep {
 public:
  AveragePool(const integer::Step &step, const std::optional<Geometry> &geometry, std::size_t rank, bool ceil,
              bool include_padding)
      : g_(geometry),
        rank_(rank),
        ceil_(ceil),
        include_padding_(include_padding),
        from_(*step.inputs[0].codes),
        to_(*step.rescale),
        dtype_(step.outputs[0].codes->dtype) {}

  std::optional<Placed> run(std::span<const PlacedView> codes) const override {
    const ht_tensor_view &x = codes[0].view;
    if (x.rank < 3 || x.rank > 2 + kAxes || (g_ && x.rank != rank_)) return {};
    const Axes inside = extents_of(x);
    Axes outside = {1, 1, 1}, before = {0, 0, 0}, after = {0, 0, 0};
    for (std::size_t i = 0; g_ && i < kAxes; ++i) {
      outside[i] = g_->outputs(i, inside[i], before[i], after[i]);
      // A window more or less than without ceil_mode: left to the plain kernel.
      if (ceil_ && !g_->same_with_ceil(i, inside[i], outside[i])) return {};
    }
    // A sum of so many codes fits 32 bits.
    if (count_of(outside) <= 0 || count_of(inside) == 0 || count_of(inside) > kMostCodes) return {};
    Tensor moved;
    if (!codes[0].channels_last) moved = integer::channels_last(x);
    const auto *source = static_cast<const std::uint8_t *>(codes[0].channels_last ? x.data : moved.view().data);
    integer::Shape shape(x.shape, x.shape + x.rank);
    std::copy_n(outside.end() - (x.rank - 2), x.rank - 2, shape.begin() + 2);
    Placed out{Tensor(dtype_, shape), count_of(outside) != 1};
    const auto channels = static_cast<std::size_t>(x.shape[1]);
    std::vector<std::int32_t> sums(channels);
    std::size_t at = 0;
    for (std::int64_t n = 0; n < x.shape[0]; ++n, source += count_of(inside) * x.shape[1]) {
      for (std::int64_t p = 0; p < count_of(outside); ++p, at += channels) {
        const Window window = window_at(p, outside, before, inside);
        add(source, window, inside, sums);
        finish(window, sums, out.tensor, at);
      }
    }
    return out;
  }

 private:
  static constexpr std::int64_t kMostCodes = std::int64_t{1} << 22;

  // From `first` to before `last` along each axis, within the input, in steps of the dilation.
  struct Window {
    Axes first, last;
    std::int64_t count;
  };
  Window window_at(std::int64_t p, const Axes &outside, const Axes &before, const Axes &inside) const {
    if (!g_) return {{0, 0, 0}, inside, count_of(inside)};
    const Axes at = {p / (outside[1] * outside[2]), p / outside[2] % outside[1], p % outside[2]};
    Window out{};
    out.count = 1;
    for (std::size_t i = 0; i < kAxes; ++i) {
      std::int64_t first = at[i] * g_->stride[i] - before[i], taps = g_->kernel[i];
      const std::int64_t step = g_->dilation[i], skipped = first < 0 ? std::min(taps, (step - 1 - first) / step) : 0;
      first += skipped * step;
      taps -= skipped;
      if (first + (taps - 1) * step >= inside[i]) taps = first >= inside[i] ? 0 : (inside[i] - 1 - first) / step + 1;
      out.first[i] = first;
      out.last[i] = first + taps * step;
      out.count *= taps;
    }
    return out;
  }

  void add(const std::uint8_t *source, const Window &window, const Axes &inside,
           std::vector<std::int32_t> &sums) const {
    std::ranges::fill(sums, 0);
    const Axes step = g_ ? g_->dilation : Axes{1, 1, 1};
    for (std::int64_t z = window.first[0]; z < window.last[0]; z += step[0]) {
      for (std::int64_t y = window.first[1]; y < window.last[1]; y += step[1]) {
        for (std::int64_t i = window.first[2]; i < window.last[2]; i += step[2]) {
          const auto pixel = static_cast<std::size_t>((z * inside[1] + y) * inside[2] + i);
          add_codes(source + pixel * sums.size(), from_.dtype == HT_I8, sums.data(), sums.size());
        }
      }
    }
  }

  void finish(const Window &window, const std::vector<std::int32_t> &sums, Tensor &to, std::size_t at) const {
    const std::int64_t count = include_padding_ && g_ ? count_of(g_->kernel) : window.count;
    integer::with_code_type(to.dtype(), [&]<typename Code>(Code *) {
      auto *code = to.data<Code>() + at;
      for (std::size_t c = 0; c < sums.size(); ++c) {
        const std::int64_t sum = sums[c] - window.count * from_.zero;
        code[c] =
            static_cast<Code>(to_.of_mean(count == 0 ? 0.0 : static_cast<double>(sum) / static_cast<double>(count)));
      }
    });
  }

  std::optional<Geometry> g_;  // none where the window is the whole
  std::size_t rank_;
  bool ceil_, include_padding_;
  integer::Format from_;
  integer::Requantizer to_;
  ht_dtype dtype_;
};

}  // namespace

std::unique_ptr<integer::FastStep> fast_average(const sdk::Context &ctx, const sdk::Node &node,
                                                const integer::Step &step) {
  const sdk::Graph graph(ctx);
  if (!integer::has_table(*step.inputs[0].codes)) return nullptr;
  if (node.is("GlobalAveragePool")) return std::make_unique<AveragePool>(step, std::nullopt, 0, false, false);
  const std::vector<std::int64_t> window = graph.attribute_ints(node.handle, "kernel_shape");
  if (!node.is("AveragePool") || window.empty() || window.size() > kAxes) return nullptr;
  const Geometry geometry(graph, node, window);
  if (!geometry.plain()) return nullptr;
  return std::make_unique<AveragePool>(step, geometry, window.size() + 2,
                                       graph.attribute_int(node.handle, "ceil_mode", 0) != 0,
                                       graph.attribute_int(node.handle, "count_include_pad", 0) != 0);
}

}  // namespace halftone::onednn
