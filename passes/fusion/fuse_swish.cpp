#include <cmath>

#include "activation_fusion.h"
#include "constants.h"

namespace halftone::passes {
namespace {

constexpr double kSixth = 1.0 / 6;

FusedActivation hard_swish() {
  return {"HardSwish", "", 14, {}, {}};
}

bool is_attribute(const sdk::Graph &graph, const sdk::PatternMatch &match, const char *name, double deflt,
                  double want) {
  for (const ht_handle node : match.nodes()) {
    if (graph.node(node).is("HardSigmoid")) return is_near(graph.attribute_float(node, name, deflt), want);
  }
  return false;
}

// x * cut / 6 in its orders, where cut is x + 3 between 0 and 6.
void add_hard_forms(std::vector<ActivationForm> &forms) {
  forms.push_back({"Mul(x, HardSigmoid(x))",
                   [](const sdk::Graph &graph, const sdk::PatternMatch &match) -> std::optional<FusedActivation> {
                     if (!is_attribute(graph, match, "alpha", 0.2, kSixth)) return {};
                     if (!is_attribute(graph, match, "beta", 0.5, 0.5)) return {};
                     return hard_swish();
                   }});
  struct Cut {
    std::string text;
    bool has_zero;
  };
  for (const auto &[cut, has_zero] :
       {Cut{"Clip(Add(x, three), zero, six)", true}, Cut{"Min(Relu(Add(x, three)), six)", false}}) {
    struct Order {
      std::string text;
      double constant;
    };
    for (const auto &[text, constant] :
         {Order{"Div(Mul(x, " + cut + "), k)", 6}, Order{"Mul(x, Div(" + cut + ", k))", 6},
          Order{"Mul(Div(x, k), " + cut + ")", 6}, Order{"Mul(Mul(x, " + cut + "), k)", kSixth},
          Order{"Mul(x, Mul(" + cut + ", k))", kSixth}, Order{"Mul(Mul(x, k), " + cut + ")", kSixth}}) {
      forms.push_back({text,
                       [has_zero, constant](const sdk::Graph &graph,
                                            const sdk::PatternMatch &match) -> std::optional<FusedActivation> {
                         const auto equals = [&](const char *name, double want) {
                           return is_scalar(graph, match.value(name), match.nodes(), want);
                         };
                         if (!equals("three", 3) || !equals("six", 6) || !equals("k", constant)) return {};
                         if (has_zero && !equals("zero", 0)) return {};
                         return hard_swish();
                       }});
    }
  }
}

// x * sigmoid(x) and x * sigmoid(k * x).
void add_smooth_forms(std::vector<ActivationForm> &forms) {
  forms.push_back({"Mul(x, Sigmoid(x))", [](const sdk::Graph &, const sdk::PatternMatch &) {
                     return std::optional(FusedActivation{"QuickGelu", "com.microsoft", 1, {{"alpha", 1.0}}, {}});
                   }});
  forms.push_back({"Mul(x, Sigmoid(Mul(x, k)))",
                   [](const sdk::Graph &graph, const sdk::PatternMatch &match) -> std::optional<FusedActivation> {
                     const auto k = read_scalar(graph, match.value("k"), match.nodes());
                     if (!k || !std::isfinite(*k)) return {};
                     return FusedActivation{"QuickGelu", "com.microsoft", 1, {{"alpha", *k}}, {}};
                   }});
}

}  // namespace

class FuseSwish final : public sdk::Pass {
 public:
  static void describe(sdk::Description &d) {
    d.id("fuse-swish")
        .title("joins the operators of a hard swish, or of a swish, into one")
        .capabilities(HT_CAP_GRAPH_READ | HT_CAP_GRAPH_EDIT)
        .invalidates({HT_FACT_CONFIGS})
        .doc(
            "x * clip(x + 3, 0, 6) / 6 in the orders that exporters write, and x * HardSigmoid(x) with alpha 1/6 and "
            "beta "
            "0.5, become HardSwish, which came with opset 14: an older model is raised to it. Constants are checked.\n"
            "\n"
            "x * Sigmoid(x) has no operator of ai.onnx before opset 24 and is left alone: the pass quantize-fusion "
            "takes it "
            "as one operator for the quantization. With `smooth: microsoft` it becomes QuickGelu of com.microsoft, "
            "x * sigmoid(alpha * x), which ONNX Runtime runs.\n"
            "\n"
            "PPQ counterpart: the swish and hard swish fusions of its quantize fusion. Sources: A. Howard et al., "
            "Searching "
            "for MobileNetV3, 2019, section 5.2; P. Ramachandran, B. Zoph, Q. V. Le, Searching for Activation "
            "Functions, "
            "2017, equation 1.");
    d.params.choice("smooth", "what x * Sigmoid(x) becomes", "keep", {"keep", "microsoft"});
    d.params.flag("raise_opset", "bring a model below opset 14 to it; without, such a model is left alone", true);
  }
  explicit FuseSwish(const sdk::Args &args)
      : smooth_(args.text("smooth") == "microsoft"), raise_(args.flag("raise_opset")) {}

  void run(const sdk::Context &ctx) override {
    std::vector<ActivationForm> forms;
    add_hard_forms(forms);
    if (smooth_) add_smooth_forms(forms);
    fuse_activations(ctx, forms, raise_);
  }

 private:
  bool smooth_, raise_;
};
HALFTONE_PASS(FuseSwish)

}  // namespace halftone::passes
