#include "activation_fusion.h"
#include "constants.h"

namespace halftone::passes {
namespace {

FusedActivation mish() {
  return {"Mish", "", 18, {}, {}};
}

}  // namespace

class FuseMish final : public sdk::Pass {
 public:
  static void describe(sdk::Description &d) {
    d.id("fuse-mish")
        .title("joins the operators of a Mish into one")
        .capabilities(HT_CAP_GRAPH_READ | HT_CAP_GRAPH_EDIT)
        .invalidates({HT_FACT_CONFIGS})
        .doc(
            "x * Tanh(Softplus(x)), also with Softplus written as Log(1 + Exp(x)), becomes Mish of opset 18. An older "
            "model is raised to it. Where the graph should stay as it is, the pass quantize-fusion takes the same "
            "place as "
            "one operator for the quantization.\n"
            "\n"
            "PPQ counterpart: the mish fusion of its quantize fusion. Source: D. Misra, Mish: A Self Regularized "
            "Non-Monotonic Activation Function, 2019, equation 1.");
    d.params.flag("raise_opset", "bring a model below opset 18 to it; without, such a model is left alone", true);
  }
  explicit FuseMish(const sdk::Args &args) : raise_(args.flag("raise_opset")) {}

  void run(const sdk::Context &ctx) override {
    const std::vector<ActivationForm> forms = {
        {"Mul(x, Tanh(Softplus(x)))",
         [](const sdk::Graph &, const sdk::PatternMatch &) { return std::optional(mish()); }},
        {"Mul(x, Tanh(Log(Add(Exp(x), one))))", [](const sdk::Graph &graph, const sdk::PatternMatch &match) {
           return is_scalar(graph, match.value("one"), match.nodes(), 1) ? std::optional(mish()) : std::nullopt;
         }}};
    fuse_activations(ctx, forms, raise_);
  }

 private:
  bool raise_;
};
HALFTONE_PASS(FuseMish)

}  // namespace halftone::passes
