// Gemm and MatMul with a stored second operand: rows of the first are pixels of one tap.
#include "products.h"

namespace halftone::onednn {
namespace {

using integer::Placed;
using integer::PlacedView;
using integer::Step;
using integer::Tensor;

class MatrixProduct final : public integer::FastStep {
 public:
  MatrixProduct(const Step &step, bool gemm, std::size_t depth, std::size_t channels, std::vector<std::int16_t> weights)
      : format_(*step.inputs[0].codes),
        gemm_(gemm),
        depth_(depth),
        channels_(channels),
        weights_(std::move(weights)),
        bias_(padded_bias(*step.products, channels)),
        ending_(step, channels) {}

  std::optional<Placed> run(std::span<const PlacedView> codes) const override {
    const ht_tensor_view &x = codes[0].view;
    if (codes[0].channels_last || x.rank < 2 || x.shape[x.rank - 1] != static_cast<std::int64_t>(depth_)) return {};
    if (gemm_ && x.rank != 2) return {};
    integer::Shape shape(x.shape, x.shape + x.rank);
    shape.back() = static_cast<std::int64_t>(channels_);
    Placed out{Tensor(ending_.dtype(), shape), false};
    constexpr std::int64_t kRows = 48;
    const std::size_t pitch = (depth_ + 1) / 2 * 2;
    const std::int64_t rows = integer::count_of(x) / static_cast<std::int64_t>(depth_);
    std::vector<std::int16_t> input(pitch * kRows);
    std::vector<std::int32_t> sums(bias_.size() * kRows);
    constexpr std::ptrdiff_t kTap[] = {0};
    DotRow row{input.data(),
               static_cast<std::ptrdiff_t>(pitch),
               kTap,
               pitch / 2,
               weights_.data(),
               bias_.data(),
               bias_.size(),
               sums.data(),
               0};
    for (std::int64_t r = 0; r < rows; r += kRows) {
      row.pixels = static_cast<std::size_t>(std::min(kRows, rows - r));
      for (std::size_t i = 0; i < row.pixels; ++i) {
        widen(x, (r + static_cast<std::int64_t>(i)) * static_cast<std::int64_t>(depth_),
              static_cast<std::int64_t>(depth_), format_, input.data() + i * pitch);
      }
      dot_row(row);
      ending_.run(sums.data(), row.pixels, out.tensor, static_cast<std::size_t>(r) * channels_);
    }
    return out;
  }

 private:
  integer::Format format_;
  bool gemm_;  // takes matrices only
  std::size_t depth_, channels_;
  std::vector<std::int16_t> weights_;
  std::vector<std::int32_t> bias_;
  Ending ending_;
};

}  // namespace

std::unique_ptr<integer::FastStep> fast_matrix_product(const sdk::Context &ctx, const sdk::Node &node,
                                                       const Step &step) {
  const bool gemm = node.is("Gemm");
  const sdk::Graph graph(ctx);
  if (!gemm && !node.is("MatMul")) return nullptr;
  if (gemm && graph.attribute_int(node.handle, "transA", 0) != 0) return nullptr;
  const integer::StoredOperand &b = *step.products->operands[1];
  if (b.shape().size() != 2) return nullptr;
  const bool transposed = gemm && graph.attribute_int(node.handle, "transB", 0) != 0;
  const auto rows = static_cast<std::size_t>(b.shape()[0]), columns = static_cast<std::size_t>(b.shape()[1]);
  const std::size_t depth = transposed ? columns : rows, channels = transposed ? rows : columns;
  const std::int32_t *w = b.codes();
  const auto weight = [&](std::size_t c, std::size_t i) { return transposed ? w[c * depth + i] : w[i * channels + c]; };
  if (depth == 0 || channels == 0 || !never_overflows(step, channels, depth, weight)) return nullptr;
  return std::make_unique<MatrixProduct>(
      step, gemm, depth, channels,
      packed_weights(channels, 1, depth, [&](std::size_t c, std::size_t, std::size_t i) { return weight(c, i); }));
}

}  // namespace halftone::onednn
