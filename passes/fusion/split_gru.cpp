#include "recurrent_layer.h"

namespace halftone::passes {
namespace {

// Gates in ONNX's order: update z, reset r, hidden n.
Cell gru_cell(const RecurrentLayer &layer, bool linear_before_reset, const StepBuilder &build, std::size_t direction) {
  const std::int64_t n = layer.hidden;
  std::string side = "_";
  side += std::to_string(direction);
  const auto constant = [&](const char *what, std::int64_t first, std::int64_t count) {
    return build.constant(side + what, {n, count},
                          turned(rows_of(layer.recurrence, direction, first, count, n), count, n));
  };
  const ht_handle gates = constant("_recurrence_gates", 0, 2 * n), hidden = constant("_recurrence_hidden", 2 * n, n);
  Cell cell;
  cell.input_bias.assign(static_cast<std::size_t>(3 * n), 0.0);
  std::vector<double> late(static_cast<std::size_t>(n), 0.0);
  if (layer.bias) {
    cell.input_bias = rows_of(*layer.bias, direction, 0, 3 * n, 1);
    const auto recurrent = rows_of(*layer.bias, direction, 3 * n, 3 * n, 1);
    for (std::size_t i = 0; i < recurrent.size(); ++i) {
      const std::size_t first_hidden = static_cast<std::size_t>(2 * n);
      if (linear_before_reset && i >= first_hidden) {
        late[i - first_hidden] = recurrent[i];
      } else {
        cell.input_bias[i] += recurrent[i];
      }
    }
  }
  const ht_handle late_bias = linear_before_reset ? build.constant(side + "_bias_hidden", {n}, late) : HT_NONE;
  cell.step = [=, &layer](const StepBuilder &b, const std::string &what, ht_handle input, const CellState &state) {
    const Extents one = {1, layer.batch, n}, two = {1, layer.batch, 2 * n};
    const auto x = b.split(what + "_input", input, 2, {2 * n, n}, {1, layer.batch, 3 * n});
    const ht_handle recurrent = b.binary("MatMul", what + "_gates_product", state.h, gates, two);
    const ht_handle sum = b.binary("Add", what + "_gates_sum", x[0], recurrent, two);
    const auto zr = b.split(what + "_gate", b.unary("Sigmoid", what + "_gates", sum, two), 2, {n, n}, two);
    ht_handle late_part;
    if (linear_before_reset) {
      const ht_handle product = b.binary("MatMul", what + "_hidden_product", state.h, hidden, one);
      late_part = b.binary("Mul", what + "_reset", zr[1],
                           b.binary("Add", what + "_hidden_biased", product, late_bias, one), one);
    } else {
      late_part = b.binary("MatMul", what + "_hidden_product", b.binary("Mul", what + "_reset", zr[1], state.h, one),
                           hidden, one);
    }
    const ht_handle next =
        b.unary("Tanh", what + "_new", b.binary("Add", what + "_hidden_sum", x[1], late_part, one), one);
    // (1 - z) * new + z * h
    const ht_handle change =
        b.binary("Mul", what + "_kept", zr[0], b.binary("Sub", what + "_difference", state.h, next, one), one);
    const ht_handle h = b.binary("Add", what + "_h", next, change, one);
    return CellState{h, h};
  };
  return cell;
}

}  // namespace

class SplitGru final : public sdk::Pass {
 public:
  static void describe(sdk::Description &d) {
    d.id("split-gru")
        .title("unrolls GRU into MatMul, Add, Mul, Sub, Sigmoid and Tanh")
        .capabilities(HT_CAP_GRAPH_READ | HT_CAP_GRAPH_EDIT)
        .invalidates({HT_FACT_CONFIGS})
        .doc(
            "A GRU hides its products and gates from the quantizer. Unrolled over a sequence of known length each step "
            "is "
            "made of operators with quantization points of their own; the product of all inputs is one MatMul for the "
            "whole sequence. All directions, linear_before_reset, biases and initial states are kept, and so are both "
            "outputs; a batch may be unknown.\n"
            "\n"
            "Left alone, with a warning that tells why: clip, activations of its own, sequence_lens, layout 1, weights "
            "that "
            "the graph computes, sequences of unknown length or longer than `max_steps` (twelve nodes a step).\n"
            "\n"
            "PPQ counterpart: GRUSplitPass, one step only, which drops the output of the sequence. Method: the "
            "equations "
            "of GRU in ONNX's operator specification; K. Cho et al., Learning Phrase Representations using RNN "
            "Encoder-Decoder, 2014.");
    d.params.integer("max_steps", "longer sequences stay as they are", 64, 1, 4096, "steps");
  }
  explicit SplitGru(const sdk::Args &args) : most_steps_(args.integer("max_steps")) {}

  void run(const sdk::Context &ctx) override {
    unroll_all(ctx, "GRU", 3, most_steps_,
               [](const sdk::Graph &graph, const sdk::GraphEdit &edit, const RecurrentLayer &layer) {
                 const bool late = graph.attribute_int(layer.node, "linear_before_reset", 0) != 0;
                 unroll(graph, edit, layer, [&](const StepBuilder &build, std::size_t direction) {
                   return gru_cell(layer, late, build, direction);
                 });
               });
  }

 private:
  std::int64_t most_steps_;
};
HALFTONE_PASS(SplitGru)

}  // namespace halftone::passes
