#include <array>
#include <string>
#include <vector>

#include "constants.h"
#include "halftone/pass.hpp"
#include "halftone/pattern.hpp"
#include "place.h"

namespace halftone::passes {

class FuseGemm final : public sdk::Pass {
 public:
  static void describe(sdk::Description &d) {
    d.id("fuse-gemm")
        .title("turns MatMul of matrices, with or without an Add of a vector, into Gemm")
        .capabilities(HT_CAP_GRAPH_READ | HT_CAP_GRAPH_EDIT)
        .invalidates({HT_FACT_CONFIGS})
        .doc(
            "MatMul has no slot for a bias: an Add behind it is quantized as an activation of its own, while the bias "
            "of a "
            "Gemm enters the accumulator. A MatMul of a matrix and a constant matrix, and the Add of a constant of one "
            "row that alone reads it, become one Gemm; a lone MatMul becomes a Gemm without bias (`lone`). The weight "
            "stays as it is stored: transB remains 0.\n"
            "\n"
            "Both inputs must have rank 2, the rank has to be known, and the Add must not widen the result: a constant "
            "of "
            "[N], [1, N] or one element. For more axes there is fuse-matmul-add.\n"
            "\n"
            "PPQ counterpart: GraphMerger.fuse_gemm, which asks for no rank and transposes some weights wrongly.");
    d.params.flag("lone", "a MatMul of a constant matrix without an Add becomes a Gemm too", true);
  }
  explicit FuseGemm(const sdk::Args &args) : lone_(args.flag("lone")) {}

  void run(const sdk::Context &ctx) override {
    const sdk::Graph graph(ctx);
    const sdk::GraphEdit edit(ctx);
    const sdk::Patterns patterns(ctx);
    std::size_t with_bias = 0, without = 0;
    for (const sdk::PatternMatch &match : patterns.find(std::array{"y = Add(MatMul(x, w), b)"})) {
      ctx.poll(with_bias, 0);
      with_bias += fuse(graph, edit, match, true) ? 1 : 0;
    }
    if (lone_) {
      for (const sdk::PatternMatch &match : patterns.find(std::array{"y = MatMul(x, w)"})) {
        ctx.poll(without, 0);
        without += fuse(graph, edit, match, false) ? 1 : 0;
      }
    }
    ctx.report("fused", std::to_string(with_bias) + " MatMul with Add into Gemm");
    if (lone_) ctx.report("turned", std::to_string(without) + " lone MatMul into Gemm");
  }

 private:
  static bool is_matrix(const sdk::Graph &graph, ht_handle value) {
    const ht_tensor_info &type = graph.value(value).info.type;
    return type.known_rank != 0 && type.rank == 2;
  }

  static bool fuse(const sdk::Graph &graph, const sdk::GraphEdit &edit, const sdk::PatternMatch &match, bool has_bias) {
    const ht_handle x = match.value("x"), w = match.value("w");
    const auto weight = constant_tensor(graph, w);
    if (!weight || weight->rank != 2 || (weight->dtype != HT_F32 && weight->dtype != HT_F64)) return false;
    if (!is_matrix(graph, x)) return false;
    std::vector<ht_handle> inputs = {x, w};
    std::optional<sdk::StoredTensor> row;
    if (has_bias) {
      const std::int64_t columns = weight->shape[1];
      const auto constant = read_constant(graph, match.value("b"));
      if (!constant || (constant->dtype != weight->dtype)) return false;
      auto values = spread(*constant, {&columns, 1}, 2);
      if (!values) return false;
      row = sdk::StoredTensor{constant->dtype, {columns}, std::move(*values)};
    }
    const Gap gap = clear_place(graph, edit, match);
    if (row) inputs.push_back(sdk::add_tensor(edit, gap.graph, gap.name + "_bias", *row));
    edit.add_node(gap.graph, "Gemm", gap.name, inputs, {&gap.output, 1});
    return true;
  }

  bool lone_;
};
HALFTONE_PASS(FuseGemm)

}  // namespace halftone::passes
