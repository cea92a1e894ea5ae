// Gemm and MatMul: rows of the first operand are pixels of one tap. The second is stored.
#include "integer/codes.h"
#include "packed.h"
#include "products.h"
#include "rows.h"

namespace halftone::onednn {
namespace {

using integer::Placed;
using integer::PlacedView;
using integer::Step;
using integer::Tensor;

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
    Tensor moved;
    const ht_tensor_view x = row_major_view(codes[0], moved);
    if (x.rank < 2 || x.shape[x.rank - 1] != static_cast<std::int64_t>(depth_)) return {};
    if (gemm_ && x.rank != 2) return {};
    integer::Shape shape(x.shape, x.shape + x.rank);
    shape.back() = static_cast<std::int64_t>(channels_);
    Placed out{Tensor(ending_.dtype(), shape), false};
    const std::int64_t rows = integer::count_of(x) / static_cast<std::int64_t>(depth_);
    Rows(operand_, depth_).multiply(x, 0, rows, weights_, bias_, ending_, out.tensor, 0, channels_);
    return out;
  }

  std::uint64_t kept() const override { return weights_.size(); }
  std::uint64_t scratch(std::span<const PlacedView> codes) const override {
    return Rows::bytes(codes[0].view, static_cast<std::int64_t>(depth_), channels_);
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
