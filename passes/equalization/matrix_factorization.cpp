#include <Eigen/SVD>
#include <cmath>
#include <string>

#include "halftone/pass.hpp"
#include "layer_names.h"
#include "layer_twin.h"

namespace halftone::passes {
namespace {

// W = second * first, with [outputs, rank] and [rank, inputs], row by row.
struct Factors {
  std::vector<double> first, second;
  std::size_t rank = 0;
};

// Layers whose weight is one matrix.
bool is_matrix(const WeightedLayer &layer) {
  if (layer.type == "Gemm" || layer.type == "MatMul") return layer.weight.rank() == 2;
  if (layer.type != "Conv" || layer.groups != 1) return false;
  return layer.weight.data.size() == layer.inputs * layer.outputs;
}

StoredTensor matrix(const WeightedLayer &layer, const std::vector<double> &rows, std::size_t outputs,
                    std::size_t inputs) {
  const auto o = static_cast<std::int64_t>(outputs), i = static_cast<std::int64_t>(inputs);
  StoredTensor out{layer.weight.dtype, {o, i}, rows};
  if (layer.type == "Conv") {
    out.shape.resize(layer.weight.rank(), 1);
  } else if (!layer.outputs_lead) {
    out.shape = {i, o};
    for (std::size_t r = 0; r < outputs; ++r) {
      for (std::size_t c = 0; c < inputs; ++c) out.data[c * outputs + r] = rows[r * inputs + c];
    }
  }
  return out;
}

}  // namespace

class MatrixFactorization final : public sdk::Pass {
 public:
  static void describe(sdk::Description &d) {
    d.id("matrix-factorization")
        .title("writes a layer as two, by singular values")
        .capabilities(HT_CAP_GRAPH_READ | HT_CAP_GRAPH_EDIT)
        .invalidates({HT_FACT_CONFIGS, HT_FACT_FUSED, HT_FACT_PARAMETERS_QUANTIZED, HT_FACT_ACTIVATIONS_CALIBRATED,
                      HT_FACT_PASSIVE_RESOLVED, HT_FACT_BAKED})
        .doc(
            "W = U S V' becomes the layers sqrt(S) V' and U sqrt(S): Gemm, MatMul with a stored weight, and 1x1 "
            "convolutions without groups. With all singular values the float model computes the same; with `rank` or "
            "`energy` below 1 the smallest are dropped, which makes layers smaller and the model another one. The "
            "intermediate values are few and even, and each factor has a smaller range than W.\n"
            "\n"
            "Layers that would have more weights than before are left unless `grow` is set.\n"
            "\n"
            "Method: truncated singular value decomposition (C. Eckart, G. Young, The Approximation of One Matrix by "
            "Another of Lower Rank, 1936), with Eigen's divide and conquer. PPQ counterpart: MatrixFactorizationPass, "
            "whose setting only warns.");
    d.params.texts("layers", "names or patterns of the layers; all when empty", {})
        .integer("rank", "singular values that are kept at most; 0: as many as `energy` says", 0, 0, 1 << 20)
        .number("energy", "part of the sum of squared singular values that is kept at least", 1, 0, 1)
        .flag("grow", "also where the two layers have more weights than the one", false);
  }
  explicit MatrixFactorization(const sdk::Args &args)
      : names_(args.texts("layers")),
        rank_(static_cast<std::size_t>(args.integer("rank"))),
        energy_(args.number("energy")),
        grow_(args.flag("grow")) {}

  void run(const sdk::Context &ctx) override {
    if (!grow_ && rank_ == 0 && energy_ >= 1) {
      throw sdk::Failure(
          HT_INVALID_ARGUMENT,
          "all singular values would be kept, so that every layer would grow; give `rank`, `energy` below "
          "1, or `grow: true`");
    }
    const sdk::Graph graph(ctx);
    const sdk::GraphEdit edit(ctx);
    names_.require_matches(graph);
    const std::vector<ht_handle> nodes = graph.nodes();
    std::size_t changed = 0, left = 0;
    for (std::size_t i = 0; i < nodes.size(); ++i) {
      ctx.poll(i, nodes.size());
      const auto layer = names_.selects(graph.node(nodes[i]).name()) ? read_layer(graph, nodes[i]) : std::nullopt;
      if (!layer || !is_matrix(*layer)) continue;
      const Factors factors = factorize(*layer);
      if (!grow_ && factors.rank * (layer->inputs + layer->outputs) >= layer->inputs * layer->outputs) {
        ++left;
        continue;
      }
      write(graph, edit, *layer, factors);
      ++changed;
    }
    ctx.report("factorized", std::to_string(changed) + " layers");
    if (left > 0) ctx.report("left", std::to_string(left) + " layers, which would grow");
  }

 private:
  Factors factorize(const WeightedLayer &layer) const {
    Eigen::MatrixXd w(static_cast<Eigen::Index>(layer.outputs), static_cast<Eigen::Index>(layer.inputs));
    for (std::size_t i = 0; i < layer.weight.data.size(); ++i) {
      w(static_cast<Eigen::Index>(layer.output_of(i)), static_cast<Eigen::Index>(layer.input_of(i))) =
          layer.weight.data[i];
    }
    const Eigen::BDCSVD<Eigen::MatrixXd> svd(w, Eigen::ComputeThinU | Eigen::ComputeThinV);
    const Eigen::VectorXd &values = svd.singularValues();
    Factors factors;
    factors.rank = kept(values);
    for (std::size_t r = 0; r < factors.rank; ++r) {
      const auto k = static_cast<Eigen::Index>(r);
      for (std::size_t i = 0; i < layer.inputs; ++i) {
        factors.first.push_back(std::sqrt(values(k)) * svd.matrixV()(static_cast<Eigen::Index>(i), k));
      }
    }
    for (std::size_t o = 0; o < layer.outputs; ++o) {
      for (std::size_t r = 0; r < factors.rank; ++r) {
        const auto k = static_cast<Eigen::Index>(r);
        factors.second.push_back(std::sqrt(values(k)) * svd.matrixU()(static_cast<Eigen::Index>(o), k));
      }
    }
    return factors;
  }

  std::size_t kept(const Eigen::VectorXd &values) const {
    const auto all = static_cast<std::size_t>(values.size());
    std::size_t count = all;
    if (energy_ < 1) {
      const double wanted = energy_ * values.squaredNorm();
      double sum = 0;
      for (count = 0; count < all && sum < wanted; ++count) {
        const double value = values(static_cast<Eigen::Index>(count));
        sum += value * value;
      }
    }
    if (rank_ != 0) count = std::min(count, rank_);
    return std::max<std::size_t>(count, 1);
  }

  // The node that is there becomes the second layer: it keeps its bias and its output.
  static void write(const sdk::Graph &graph, const sdk::GraphEdit &edit, const WeightedLayer &layer,
                    const Factors &factors) {
    const sdk::Node node = graph.node(layer.node);
    const ht_handle home = node.graph(), data = node.input(layer.data_slot);
    const ht_handle first =
        add_tensor(edit, home, layer.name + "_first_weight", matrix(layer, factors.first, factors.rank, layer.inputs));
    const ht_tensor_info whole = graph.value(node.output(0)).info.type;
    ht_tensor_info type = whole;
    if (type.known_rank != 0 && type.rank >= 2) {
      const std::size_t axis = layer.axes_from_last ? type.rank - 1 - layer.output_axis : layer.output_axis;
      type.shape[axis] = static_cast<std::int64_t>(factors.rank);
    }
    const ht_handle between = edit.add_value(home, layer.name + "_factors", &type);
    ht_handle inputs[] = {data, first};
    if (layer.weight_slot == 0) std::swap(inputs[0], inputs[1]);
    const ht_handle made = edit.add_node(home, layer.type, layer.name + "_first", inputs, {&between, 1});
    copy_attributes(graph, edit, layer.node, made, {"beta"});
    for (const char *used : {"pads", "strides", "dilations", "auto_pad", "alpha", "transA"}) {
      if (graph.attribute(layer.node, used)) edit.remove_attribute(layer.node, used);
    }
    edit.set_input(layer.node, layer.data_slot, between);
    store_tensor(graph, edit, layer.node, layer.weight_slot, layer.name + "_weight",
                 matrix(layer, factors.second, layer.outputs, factors.rank));
  }

  LayerNames names_;
  std::size_t rank_;
  double energy_;
  bool grow_;
};
HALFTONE_PASS(MatrixFactorization)

}  // namespace halftone::passes
