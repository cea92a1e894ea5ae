// MatMul and Gemm of two values: the second one's codes are packed as they come.
#include "integer/codes.h"
#include "packed.h"
#include "products.h"
#include "rows.h"

namespace halftone::onednn {
namespace {

using integer::Placed;
using integer::PlacedView;
using integer::Shape;
using integer::Step;
using integer::Tensor;

// The axes before the last two, as they broadcast.
struct Batch {
  Shape shape;
  std::vector<std::int64_t> a, b;  // the matrix of each operand for each of the result

  static std::optional<Batch> of(const ht_tensor_view &a, const ht_tensor_view &b) {
    Batch out;
    const std::uint32_t axes = std::max(a.rank, b.rank) - 2;
    const auto extent = [&](const ht_tensor_view &x, std::uint32_t i) {
      return i + x.rank < axes + 2 ? 1 : x.shape[i + x.rank - axes - 2];
    };
    for (std::uint32_t i = 0; i < axes; ++i) {
      const std::int64_t m = extent(a, i), n = extent(b, i);
      if (m != n && m != 1 && n != 1) return std::nullopt;
      out.shape.push_back(m == 1 ? n : m);
    }
    for (std::int64_t i = 0, all = integer::count_of(out.shape); i < all; ++i) {
      std::int64_t rest = i, at[2] = {0, 0}, stride[2] = {1, 1};
      for (std::uint32_t axis = axes; axis-- > 0;) {
        const std::int64_t index = rest % out.shape[axis];
        rest /= out.shape[axis];
        for (const std::size_t k : {0U, 1U}) {
          const std::int64_t own = extent(k == 0 ? a : b, axis);
          at[k] += (own == 1 ? 0 : index) * stride[k];
          stride[k] *= own;
        }
      }
      out.a.push_back(at[0]);
      out.b.push_back(at[1]);
    }
    return out;
  }
};

class PairProduct final : public integer::FastStep {
 public:
  PairProduct(const Step &step, bool gemm, bool transposed)
      : step_(*step.products),
        gemm_(gemm),
        transposed_(transposed),
        to_(step.outputs[0].codes),
        operand_{*step.inputs[0].codes, false},
        b_(*step.inputs[1].codes) {}

  std::optional<Placed> run(std::span<const PlacedView> codes) const override {
    Tensor moved[2];
    const ht_tensor_view x = row_major_view(codes[0], moved[0]), y = row_major_view(codes[1], moved[1]);
    if (x.rank < 2 || y.rank < 2) return {};
    if (gemm_ && (x.rank != 2 || y.rank != 2)) return {};
    const std::int64_t rows = x.shape[x.rank - 2], depth = x.shape[x.rank - 1];
    const std::int64_t channels = y.shape[y.rank - (transposed_ ? 2 : 1)];
    if (y.shape[y.rank - (transposed_ ? 1 : 2)] != depth || !fits(depth)) return {};
    const auto batch = Batch::of(x, y);
    if (!batch) return {};
    Shape shape = batch->shape;
    shape.push_back(rows);
    shape.push_back(channels);
    if (integer::count_of(shape) == 0) return {};
    const auto wide = static_cast<std::size_t>(channels);
    const std::vector<std::int32_t> bias(whole_blocks(wide));
    const Ending ending(step_, to_, wide, bias.size());
    Placed out{Tensor(ending.dtype(), shape), false};
    PackedWeights weights(false, wide, 1, static_cast<std::size_t>(depth));
    Rows source(operand_, static_cast<std::size_t>(depth));
    for (std::size_t i = 0; i < batch->a.size(); ++i) {
      if (i == 0 || batch->b[i] != batch->b[i - 1]) pack(y, batch->b[i] * depth * channels, depth, wide, weights);
      source.multiply(x, batch->a[i] * rows, rows, weights, bias, ending, out.tensor,
                      i * static_cast<std::size_t>(rows) * wide, wide);
    }
    return out;
  }

  std::uint64_t scratch(std::span<const PlacedView> codes) const override {
    const ht_tensor_view &x = codes[0].view, &y = codes[1].view;
    const std::int64_t depth = x.shape[x.rank - 1], channels = y.shape[y.rank - (transposed_ ? 2 : 1)];
    const auto wide = static_cast<std::size_t>(channels);
    const std::size_t moved = integer::bytes_of(y.dtype, integer::count_of(y));
    return Rows::bytes(x, depth, wide) + moved + (2 * static_cast<std::size_t>(depth) + 16) * whole_blocks(wide);
  }

 private:
  // Whether no sum of so many products leaves 32 bits.
  bool fits(std::int64_t depth) const {
    const std::int64_t a = most_of(operand_.format), b = most_of(b_);
    return depth > 0 && a <= 32767 && b <= 32767 && depth <= 2147483647 / std::max<std::int64_t>(a * b, 1);
  }
  void pack(const ht_tensor_view &y, std::int64_t first, std::int64_t depth, std::size_t channels,
            PackedWeights &weights) const {
    integer::with_code_type(y.dtype, [&]<typename Code>(Code *) {
      const auto *from = static_cast<const Code *>(y.data) + first;
      const auto down = static_cast<std::size_t>(transposed_ ? 1 : channels);
      const auto across = static_cast<std::size_t>(transposed_ ? depth : 1);
      weights.set(channels,
                  [&](std::size_t c, std::size_t, std::size_t i) { return from[i * down + c * across] - b_.zero; });
    });
  }

  const integer::Products &step_;
  bool gemm_, transposed_;
  std::optional<integer::Format> to_;
  Operand operand_;
  integer::Format b_;
};

}  // namespace

std::unique_ptr<integer::FastStep> fast_pair_product(const sdk::Context &ctx, const sdk::Node &node, const Step &step) {
  const bool gemm = node.is("Gemm");
  const sdk::Graph graph(ctx);
  if ((!gemm && !node.is("MatMul")) || step.products->bias || !step.products->float_bias.empty()) return nullptr;
  if (step.products->units.size() != 1 || (gemm && graph.attribute_int(node.handle, "transA", 0) != 0)) return nullptr;
  return std::make_unique<PairProduct>(step, gemm, gemm && graph.attribute_int(node.handle, "transB", 0) != 0);
}

}  // namespace halftone::onednn
