#include <array>
#include <string>
#include <vector>

#include "constants.h"
#include "halftone/pass.hpp"
#include "node_walk.h"

namespace halftone::passes {
namespace {

// [m, n] to [n, m].
sdk::StoredTensor transposed(const sdk::StoredTensor &p) {
  sdk::StoredTensor out{p.dtype, {p.shape[1], p.shape[0]}, std::vector<double>(p.data.size())};
  const auto rows = static_cast<std::size_t>(p.shape[0]), columns = static_cast<std::size_t>(p.shape[1]);
  for (std::size_t r = 0; r < rows; ++r) {
    for (std::size_t c = 0; c < columns; ++c) out.data[c * rows + r] = p.data[r * columns + c];
  }
  return out;
}

void multiply(sdk::StoredTensor &p, double factor) {
  for (double &x : p.data) x *= factor;
}

}  // namespace

class DecomposeGemm final : public sdk::Pass {
 public:
  static void describe(sdk::Description &d) {
    d.id("decompose-gemm")
        .title("turns Gemm into MatMul and Add")
        .capabilities(HT_CAP_GRAPH_READ | HT_CAP_GRAPH_EDIT)
        .invalidates({HT_FACT_CONFIGS, HT_FACT_PARAMETERS_QUANTIZED, HT_FACT_PASSIVE_RESOLVED, HT_FACT_BAKED})
        .doc(
            "For devices that have MatMul and no Gemm. alpha goes into the weight and beta into the bias when they are "
            "constants, in double and rounded once, otherwise into a Mul; transB of a constant weight is carried out, "
            "what "
            "else is transposed gets a Transpose. Without a bias, or with beta 0, there is no Add.\n"
            "\n"
            "PPQ counterpart: GraphFormatter.decompose_gemm, which refuses transA and wants constants.");
  }
  explicit DecomposeGemm(const sdk::Args &) {}

  void run(const sdk::Context &ctx) override {
    const sdk::Graph graph(ctx);
    const sdk::GraphEdit edit(ctx);
    std::size_t count = 0, left = 0;
    walk_nodes(ctx, graph, [&](ht_handle handle) {
      const sdk::Node node = graph.node(handle);
      if (!node.is("Gemm")) return;
      const ht_dtype dtype = dtype_of(graph, node);
      if (dtype != HT_F32 && dtype != HT_F64) {
        ++left;
        return;
      }
      decompose(graph, edit, handle, dtype);
      ++count;
    });
    ctx.report("decomposed", std::to_string(count) + " Gemm nodes");
    if (left > 0) ctx.report("left", std::to_string(left) + " Gemm nodes of other types than float32 and float64");
  }

 private:
  struct Parts {
    const sdk::GraphEdit &edit;
    ht_handle graph;
    std::string name;
    ht_dtype dtype;

    ht_handle value(const char *what) const {
      ht_tensor_info type{};
      type.struct_size = sizeof(type);
      type.dtype = dtype;
      type.known_rank = 1;
      type.rank = 2;
      type.shape[0] = type.shape[1] = -1;
      return edit.add_value(graph, name + what, &type);
    }
    ht_handle transpose(ht_handle x, const char *what) const {
      const ht_handle y = value(what);
      const ht_handle node = edit.add_node(graph, "Transpose", name + what, {&x, 1}, {&y, 1});
      edit.set_ints(node, "perm", std::array<std::int64_t, 2>{1, 0});
      return y;
    }
    ht_handle scale(ht_handle x, double factor, const char *what) const {
      const ht_handle y = value(what);
      const std::array inputs = {
          x, sdk::add_tensor(edit, graph, name + what + "_factor", sdk::StoredTensor{dtype, {}, {factor}})};
      edit.add_node(graph, "Mul", name + what, inputs, {&y, 1});
      return y;
    }
  };

  static void decompose(const sdk::Graph &graph, const sdk::GraphEdit &edit, ht_handle gemm, ht_dtype dtype) {
    const sdk::Node node = graph.node(gemm);
    const double alpha = graph.attribute_float(gemm, "alpha", 1), beta = graph.attribute_float(gemm, "beta", 1);
    const bool trans_a = graph.attribute_int(gemm, "transA", 0) != 0;
    const bool trans_b = graph.attribute_int(gemm, "transB", 0) != 0;
    ht_handle a = node.input(0), b = node.input(1), c = node.input(2);
    const ht_handle output = node.output(0);
    const Parts parts{edit, node.graph(), std::string(node.name()), dtype};
    auto weight = read_constant(graph, b);
    auto bias = c != HT_NONE && beta != 0 && beta != 1 ? read_constant(graph, c) : std::nullopt;
    edit.remove_node(gemm);

    if (weight && (trans_b || alpha != 1)) {
      if (trans_b) *weight = transposed(*weight);
      multiply(*weight, alpha);
      b = sdk::add_tensor(edit, parts.graph, parts.name + "_weight", *weight);
    } else if (!weight && trans_b) {
      b = parts.transpose(b, "_b_transposed");
    }
    if (trans_a) a = parts.transpose(a, "_a_transposed");
    const bool has_bias = c != HT_NONE && beta != 0, scales = !weight && alpha != 1;
    const ht_handle product = has_bias || scales ? parts.value("_product") : output;
    const std::array operands = {a, b};
    edit.add_node(parts.graph, "MatMul", has_bias ? parts.name + "_matmul" : parts.name, operands, {&product, 1});
    ht_handle scaled = product;
    if (scales) {
      if (has_bias) {
        scaled = parts.scale(product, alpha, "_alpha");
      } else {
        const std::array inputs = {product, sdk::add_tensor(edit, parts.graph, parts.name + "_alpha",
                                                            sdk::StoredTensor{parts.dtype, {}, {alpha}})};
        edit.add_node(parts.graph, "Mul", parts.name + "_alpha", inputs, {&output, 1});
      }
    }
    if (!has_bias) return;
    if (bias) {
      multiply(*bias, beta);
      c = sdk::add_tensor(edit, parts.graph, parts.name + "_bias", *bias);
    } else if (beta != 1) {
      c = parts.scale(c, beta, "_beta");
    }
    const std::array terms = {scaled, c};
    edit.add_node(parts.graph, "Add", parts.name, terms, {&output, 1});
  }

  static ht_dtype dtype_of(const sdk::Graph &graph, const sdk::Node &node) {
    for (const ht_handle value : {node.input(0), node.input(1), node.output(0)}) {
      const ht_dtype dtype = graph.value(value).info.type.dtype;
      if (dtype != HT_DTYPE_NONE) return dtype;
    }
    return HT_DTYPE_NONE;
  }
};
HALFTONE_PASS(DecomposeGemm)

}  // namespace halftone::passes
