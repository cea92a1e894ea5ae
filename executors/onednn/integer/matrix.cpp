// Gemm and MatMul: rows of the first operand are pixels of one tap. The second is stored, or comes in.
#include "integer/codes.h"
#include "packed.h"
#include "products.h"

namespace halftone::onednn {
namespace {

using integer::Placed;
using integer::PlacedView;
using integer::Step;
using integer::Tensor;

// Rows of codes times packed weights.
class Rows {
 public:
  Rows(const Operand &operand, std::size_t depth)
      : operand_(operand),
        depth_(depth),
        pitch_(depth * operand.width()),
        direct_(operand.bytes && operand.format.dtype == HT_U8 && depth % 4 == 0) {
    const integer::Shape bytes = {static_cast<std::int64_t>(direct_ ? 0 : kAtOnce * pitch_ + kSlack)};
    memory_ = Tensor(HT_U8, bytes);
    for (std::size_t i = 0; i < kAtOnce; ++i) pixels_.push_back(static_cast<std::ptrdiff_t>(i * pitch_));
  }
  void multiply(const ht_tensor_view &x, std::int64_t first, std::int64_t rows, const PackedWeights &weights,
                const std::vector<std::int32_t> &bias, const Ending &ending, Tensor &to, std::size_t at,
                std::size_t channels) {
    constexpr std::ptrdiff_t kTap[] = {0};
    const auto sums = std::make_unique_for_overwrite<std::int32_t[]>(bias.size() * kAtOnce);
    const auto depth = static_cast<std::int64_t>(depth_);
    for (std::int64_t r = 0; r < rows; r += static_cast<std::int64_t>(kAtOnce)) {
      const auto part = static_cast<std::size_t>(std::min(static_cast<std::int64_t>(kAtOnce), rows - r));
      const std::uint8_t *input = static_cast<const std::uint8_t *>(x.data) + (first + r) * depth;
      if (!direct_) {
        input = memory_.data<std::uint8_t>();
        operand_.map(x, (first + r) * depth, static_cast<std::int64_t>(part) * depth, memory_.data<std::uint8_t>());
      }
      dot({input, std::span(pixels_).first(part), kTap, &weights, bias.data(), sums.get(), bias.size()});
      ending.run(sums.get(), part, to, at + static_cast<std::size_t>(r) * channels);
    }
  }

 private:
  static constexpr std::size_t kAtOnce = 48;
  const Operand &operand_;
  std::size_t depth_, pitch_;
  bool direct_;
  Tensor memory_;
  std::vector<std::ptrdiff_t> pixels_;
};

class MatrixProduct final : public integer::FastStep {
 public:
  template <typename Weight>
  MatrixProduct(const Step &step, bool gemm, std::size_t depth, std::size_t channels, Weight &&weight)
      : gemm_(gemm),
        depth_(depth),
        channels_(channels),
        operand_{*step.inputs[0].codes, fit_bytes(*step.inputs[0].codes, *step.products->operands[1])},
        weights_(operand_.bytes, channels, 1, depth),
        bias_(bias_of(*step.products, operand_, 0, channels, depth, weight)),
        ending_(step, channels, bias_.size()) {
    weights_.set(channels, [&](std::size_t c, std::size_t, std::size_t i) { return weight(c, i); });
  }

  std::optional<Placed> run(std::span<const PlacedView> codes) const override {
    const ht_tensor_view &x = codes[0].view;
    if (codes[0].channels_last || x.rank < 2 || x.shape[x.rank - 1] != static_cast<std::int64_t>(depth_)) return {};
    if (gemm_ && x.rank != 2) return {};
    integer::Shape shape(x.shape, x.shape + x.rank);
    shape.back() = static_cast<std::int64_t>(channels_);
    Placed out{Tensor(ending_.dtype(), shape), false};
    const std::int64_t rows = integer::count_of(x) / static_cast<std::int64_t>(depth_);
    Rows(operand_, depth_).multiply(x, 0, rows, weights_, bias_, ending_, out.tensor, 0, channels_);
    return out;
  }

 private:
  bool gemm_;  // takes matrices only
  std::size_t depth_, channels_;
  Operand operand_;
  PackedWeights weights_;
  std::vector<std::int32_t> bias_;
  Ending ending_;
};

}  // namespace

std::unique_ptr<integer::FastStep> fast_matrix_product(const sdk::Context &ctx, const sdk::Node &node,
                                                       const Step &step) {
  const bool gemm = node.is("Gemm");
  const sdk::Graph graph(ctx);
  if ((!gemm && !node.is("MatMul")) || !step.products->operands[1]) return nullptr;
  if (gemm && graph.attribute_int(node.handle, "transA", 0) != 0) return nullptr;
  const integer::StoredOperand &b = *step.products->operands[1];
  if (b.shape().size() != 2) return nullptr;
  const bool transposed = gemm && graph.attribute_int(node.handle, "transB", 0) != 0;
  const auto rows = static_cast<std::size_t>(b.shape()[0]), columns = static_cast<std::size_t>(b.shape()[1]);
  const std::size_t depth = transposed ? columns : rows, channels = transposed ? rows : columns;
  const std::int32_t *w = b.codes();
  const auto weight = [&](std::size_t c, std::size_t i) { return transposed ? w[c * depth + i] : w[i * channels + c]; };
  if (depth == 0 || channels == 0 || !never_overflows(step, channels, depth, weight)) return nullptr;
  return std::make_unique<MatrixProduct>(step, gemm, depth, channels, weight);
}

}  // namespace halftone::onednn
