#include "recurrent_layer.h"

namespace halftone::passes {
namespace {

// Constants of one direction. Gates in ONNX's order: input i, output o, forget f, cell g.
struct LstmConstants {
  ht_handle recurrence = HT_NONE;
  std::vector<ht_handle> peephole;  // of i, o, f; empty when there is none
};

struct Gates {
  ht_handle i = HT_NONE, o = HT_NONE, f = HT_NONE, g = HT_NONE;
};

class LstmStep {
 public:
  LstmStep(const StepBuilder &build, const LstmConstants &constants, std::string what, std::int64_t batch,
           std::int64_t hidden)
      : build_(build), constants_(constants), what_(std::move(what)), one_{1, batch, hidden}, n_(hidden) {}

  CellState run(ht_handle input, const CellState &state) const {
    Extents all = one_;
    all[2] = 4 * n_;
    const ht_handle product = build_.binary("MatMul", what_ + "_product", state.h, constants_.recurrence, all);
    const ht_handle sum = build_.binary("Add", what_ + "_sum", input, product, all);
    Gates gates = constants_.peephole.empty() ? joint(sum, all) : separate(sum, all, state.c);
    const ht_handle kept = build_.binary("Mul", what_ + "_kept", gates.f, state.c, one_);
    const ht_handle added = build_.binary("Mul", what_ + "_added", gates.i, gates.g, one_);
    const ht_handle c = build_.binary("Add", what_ + "_c", kept, added, one_);
    if (!constants_.peephole.empty()) gates.o = gate("_output", gates.o, 1, c);
    const ht_handle h =
        build_.binary("Mul", what_ + "_h", gates.o, build_.unary("Tanh", what_ + "_cell", c, one_), one_);
    return {h, c};
  }

 private:
  // One Sigmoid for the three gates.
  Gates joint(ht_handle sum, const Extents &all) const {
    const auto parts = build_.split(what_ + "_part", sum, 2, {3 * n_, n_}, all);
    Extents three = one_;
    three[2] = 3 * n_;
    const ht_handle open = build_.unary("Sigmoid", what_ + "_gates", parts[0], three);
    const auto gates = build_.split(what_ + "_gate", open, 2, {n_, n_, n_}, three);
    return {gates[0], gates[1], gates[2], build_.unary("Tanh", what_ + "_new", parts[1], one_)};
  }
  // Each gate sees the cell; the output gate is left for when the new cell is there.
  Gates separate(ht_handle sum, const Extents &all, ht_handle c) const {
    const auto parts = build_.split(what_ + "_part", sum, 2, {n_, n_, n_, n_}, all);
    return {gate("_input", parts[0], 0, c), parts[1], gate("_forget", parts[2], 2, c),
            build_.unary("Tanh", what_ + "_new", parts[3], one_)};
  }
  ht_handle gate(const std::string &which, ht_handle sum, std::size_t peephole, ht_handle c) const {
    const ht_handle seen = build_.binary("Mul", what_ + which + "_peephole", constants_.peephole[peephole], c, one_);
    return build_.unary("Sigmoid", what_ + which, build_.binary("Add", what_ + which + "_sum", sum, seen, one_), one_);
  }

  const StepBuilder &build_;
  const LstmConstants &constants_;
  std::string what_;
  Extents one_;
  std::int64_t n_;
};

Cell lstm_cell(const RecurrentLayer &layer, const StepBuilder &build, std::size_t direction) {
  const std::int64_t n = layer.hidden;
  std::string side = "_";
  side += std::to_string(direction);
  LstmConstants constants;
  constants.recurrence = build.constant(side + "_recurrence", {n, 4 * n},
                                        turned(rows_of(layer.recurrence, direction, 0, 4 * n, n), 4 * n, n));
  for (std::int64_t k = 0; layer.peephole && k < 3; ++k) {
    constants.peephole.push_back(
        build.constant(side + "_peephole_" + std::to_string(k), {n}, rows_of(*layer.peephole, direction, k * n, n, 1)));
  }
  Cell cell;
  cell.input_bias.assign(static_cast<std::size_t>(4 * n), 0.0);
  if (layer.bias) {
    cell.input_bias = rows_of(*layer.bias, direction, 0, 4 * n, 1);
    const auto recurrent = rows_of(*layer.bias, direction, 4 * n, 4 * n, 1);
    for (std::size_t i = 0; i < recurrent.size(); ++i) cell.input_bias[i] += recurrent[i];
  }
  cell.step = [constants, batch = layer.batch, n](const StepBuilder &b, const std::string &what, ht_handle input,
                                                  const CellState &state) {
    return LstmStep(b, constants, what, batch, n).run(input, state);
  };
  return cell;
}

}  // namespace

class SplitLstm final : public sdk::Pass {
 public:
  static void describe(sdk::Description &d) {
    d.id("split-lstm")
        .title("unrolls LSTM into MatMul, Add, Mul, Sigmoid and Tanh")
        .capabilities(HT_CAP_GRAPH_READ | HT_CAP_GRAPH_EDIT)
        .invalidates({HT_FACT_CONFIGS})
        .doc(
            "An LSTM hides its products and gates from the quantizer. Unrolled over a sequence of known length each "
            "step is "
            "made of operators with quantization points of their own; the product of all inputs is one MatMul for the "
            "whole sequence. All directions, peepholes, biases and initial states are kept, and so are the three "
            "outputs; "
            "a batch may be unknown.\n"
            "\n"
            "Left alone, with a warning that tells why: clip, activations of its own, coupled gates (input_forget), "
            "sequence_lens, layout 1, weights that the graph computes, sequences of unknown length or longer than "
            "`max_steps` (eleven nodes a step, seventeen with peepholes).\n"
            "\n"
            "PPQ has no counterpart. Method: the equations of LSTM in ONNX's operator specification; F. A. Gers, N. N. "
            "Schraudolph, J. Schmidhuber, Learning Precise Timing with LSTM Recurrent Networks, 2002, for peepholes.");
    d.params.integer("max_steps", "longer sequences stay as they are", 64, 1, 4096, "steps");
  }
  explicit SplitLstm(const sdk::Args &args) : most_steps_(args.integer("max_steps")) {}

  void run(const sdk::Context &ctx) override {
    unroll_all(ctx, "LSTM", 4, most_steps_,
               [](const sdk::Graph &graph, const sdk::GraphEdit &edit, const RecurrentLayer &layer) {
                 unroll(graph, edit, layer, [&](const StepBuilder &build, std::size_t direction) {
                   return lstm_cell(layer, build, direction);
                 });
               });
  }

 private:
  std::int64_t most_steps_;
};
HALFTONE_PASS(SplitLstm)

}  // namespace halftone::passes
