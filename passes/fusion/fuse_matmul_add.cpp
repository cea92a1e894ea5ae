#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "constants.h"
#include "halftone/pass.hpp"
#include "halftone/pattern.hpp"
#include "place.h"
#include "written_shape.h"

namespace halftone::passes {
namespace {

ht_handle add_shape(const sdk::GraphEdit &edit, const Gap &gap, const char *what, std::span<const std::int64_t> shape) {
  const auto count = static_cast<std::int64_t>(shape.size());
  ht_tensor_view view{};
  view.struct_size = sizeof(view);
  view.dtype = HT_I64;
  view.rank = 1;
  view.shape = &count;
  view.data = const_cast<std::int64_t *>(shape.data());
  return edit.add_initializer(gap.graph, gap.name + what, view);
}

ht_tensor_info matrix_type(ht_dtype dtype, std::int64_t columns) {
  ht_tensor_info type{};
  type.struct_size = sizeof(type);
  type.dtype = dtype;
  type.known_rank = 1;
  type.rank = 2;
  type.shape[0] = -1;
  type.shape[1] = columns;
  return type;
}

// The shape that brings rows back to x's axes: one extent may be unknown. Empty when more are.
std::vector<std::int64_t> shape_behind(const ht_tensor_info &x, std::int64_t columns) {
  std::vector<std::int64_t> shape(x.shape, x.shape + x.rank);
  shape.back() = columns;
  std::int64_t unknown = 0;
  for (std::int64_t &extent : shape) {
    if (extent == 0) return {};
    if (extent > 0) continue;
    extent = -1;
    ++unknown;
  }
  return unknown <= 1 ? shape : std::vector<std::int64_t>{};
}

}  // namespace

class FuseMatMulAdd final : public sdk::Pass {
 public:
  static void describe(sdk::Description &d) {
    d.id("fuse-matmul-add")
        .title("turns MatMul and Add of a vector over more than two axes into a Gemm between two Reshapes")
        .capabilities(HT_CAP_GRAPH_READ | HT_CAP_GRAPH_EDIT)
        .invalidates({HT_FACT_CONFIGS})
        .doc(
            "A fully connected layer of a transformer is MatMul([B, T, K], [K, N]) and Add([N]). ONNX has no MatMul "
            "with a "
            "bias, so the sum would be quantized as an activation. The pass writes Reshape to [-1, K], Gemm with the "
            "bias, "
            "Reshape to [B, T, N]: the bias enters the accumulator, every engine has the operators, and Reshape is "
            "passive, "
            "so that no further quantization point appears. At most one of the leading extents may be unknown.\n"
            "\n"
            "Use it for devices that compute Gemm and not MatMul with a bias. Where the device fuses MatMul and Add by "
            "itself leave the graph as it is and give quantize-fusion the pattern 'y = Add(MatMul(x, w), b)'. For two "
            "axes "
            "there is fuse-gemm.\n"
            "\n"
            "PPQ counterpart: GraphMerger.fuse_matmul_add, whose operator PPQBiasFusedMatMul no engine can read.");
  }
  explicit FuseMatMulAdd(const sdk::Args &) {}

  void run(const sdk::Context &ctx) override {
    const sdk::Graph graph(ctx);
    const sdk::GraphEdit edit(ctx);
    std::size_t fused = 0, unknown = 0;
    const auto matches = sdk::Patterns(ctx).find(std::array{"y = Add(MatMul(x, w), b)"});
    for (std::size_t i = 0; i < matches.size(); ++i) {
      ctx.poll(i, matches.size());
      fuse(graph, edit, matches[i], fused, unknown);
    }
    ctx.report("fused", std::to_string(fused) + " MatMul with Add into Gemm");
    if (unknown > 0) ctx.report("left", std::to_string(unknown) + " with more than one unknown extent");
  }

 private:
  static void fuse(const sdk::Graph &graph, const sdk::GraphEdit &edit, const sdk::PatternMatch &match,
                   std::size_t &fused, std::size_t &unknown) {
    const ht_handle x = match.value("x"), w = match.value("w");
    const auto weight = constant_tensor(graph, w);
    if (!weight || weight->rank != 2 || (weight->dtype != HT_F32 && weight->dtype != HT_F64)) return;
    const std::int64_t depth = weight->shape[0], columns = weight->shape[1];
    const ht_dtype dtype = weight->dtype;
    const ht_tensor_info type = written_shape(graph, x);
    const auto constant = read_constant(graph, match.value("b"));
    if (!constant || constant->dtype != dtype || (type.known_rank != 0 && type.rank < 3)) return;
    auto values = spread(*constant, {&columns, 1}, type.known_rank != 0 ? type.rank : 1);
    if (!values) return;
    const std::vector<std::int64_t> behind =
        type.known_rank != 0 ? shape_behind(type, columns) : std::vector<std::int64_t>{};
    if (behind.empty()) {
      ++unknown;
      return;
    }
    const Gap gap = clear_place(graph, edit, match);
    const ht_tensor_info rows_type = matrix_type(dtype, depth), sums_type = matrix_type(dtype, columns);
    const ht_handle rows = edit.add_value(gap.graph, gap.name + "_rows", &rows_type);
    const ht_handle sums = edit.add_value(gap.graph, gap.name + "_sums", &sums_type);
    const std::array flatten = {x, add_shape(edit, gap, "_rows_shape", std::array<std::int64_t, 2>{-1, depth})};
    edit.add_node(gap.graph, "Reshape", gap.name + "_flatten", flatten, {&rows, 1});
    const sdk::StoredTensor row{dtype, {columns}, std::move(*values)};
    const std::array gemm = {rows, w, sdk::add_tensor(edit, gap.graph, gap.name + "_bias", row)};
    edit.add_node(gap.graph, "Gemm", gap.name, gemm, {&sums, 1});
    const std::array restore = {sums, add_shape(edit, gap, "_shape", behind)};
    edit.add_node(gap.graph, "Reshape", gap.name + "_restore", restore, {&gap.output, 1});
    ++fused;
  }
};
HALFTONE_PASS(FuseMatMulAdd)

}  // namespace halftone::passes
