#include <array>
#include <cmath>
#include <numbers>

#include "activation_fusion.h"
#include "constants.h"

namespace halftone::passes {
namespace {

// x * half * (one + f) in its three orders.
std::array<std::string, 3> orders(const std::string &f) {
  const std::string sum = "Add(" + f + ", one)";
  return {"Mul(Mul(x, " + sum + "), half)", "Mul(x, Mul(" + sum + ", half))", "Mul(Mul(x, half), " + sum + ")"};
}

bool frame_fits(const sdk::Graph &graph, const sdk::PatternMatch &match) {
  return is_scalar(graph, match.value("half"), match.nodes(), 0.5) &&
         is_scalar(graph, match.value("one"), match.nodes(), 1);
}

FusedActivation gelu(bool microsoft, bool tanh) {
  if (microsoft) return {tanh ? "FastGelu" : "Gelu", "com.microsoft", 1, {}, {}};
  return {"Gelu", "", 20, {}, {{"approximate", tanh ? "tanh" : "none"}}};
}

void add_erf_forms(bool microsoft, std::vector<ActivationForm> &forms) {
  struct Scaled {
    const char *text;
    double constant;
  };
  for (const auto &[text, constant] :
       {Scaled{"Erf(Div(x, k))", std::numbers::sqrt2}, Scaled{"Erf(Mul(x, k))", 1 / std::numbers::sqrt2}}) {
    for (std::string &pattern : orders(text)) {
      forms.push_back({std::move(pattern),
                       [microsoft, constant](const sdk::Graph &graph,
                                             const sdk::PatternMatch &match) -> std::optional<FusedActivation> {
                         if (!frame_fits(graph, match) || !is_scalar(graph, match.value("k"), match.nodes(), constant))
                           return {};
                         return gelu(microsoft, false);
                       }});
    }
  }
}

// tanh(k * (x + c * x^3)), and k * x * (1 + c * x * x).
void add_tanh_forms(bool microsoft, std::vector<ActivationForm> &forms) {
  const auto examine = [microsoft](bool has_three, bool has_unit) {
    return [=](const sdk::Graph &graph, const sdk::PatternMatch &match) -> std::optional<FusedActivation> {
      const double k = std::sqrt(2 * std::numbers::inv_pi);
      if (!frame_fits(graph, match) || !is_scalar(graph, match.value("k"), match.nodes(), k)) return {};
      if (!is_scalar(graph, match.value("c"), match.nodes(), 0.044715)) return {};
      if (has_three && !is_scalar(graph, match.value("power"), match.nodes(), has_unit ? 2 : 3)) return {};
      if (has_unit && !is_scalar(graph, match.value("unit"), match.nodes(), 1)) return {};
      return gelu(microsoft, true);
    };
  };
  struct Argument {
    std::string text;
    bool has_power, has_unit;
  };
  std::vector<Argument> arguments;
  for (const char *cube : {"Mul(Pow(x, power), c)", "Mul(Mul(x, Mul(x, x)), c)", "Mul(x, Mul(Mul(x, x), c))",
                           "Mul(Mul(x, x), Mul(x, c))", "Mul(x, Mul(x, Mul(x, c)))"}) {
    arguments.push_back({"Mul(Add(x, " + std::string(cube) + "), k)", std::string(cube).find("Pow") == 4, false});
  }
  for (const char *square : {"Mul(Pow(x, power), c)", "Mul(Mul(x, x), c)", "Mul(Mul(x, c), x)"}) {
    const bool has_power = std::string(square).find("Pow") == 4;
    for (const char *product : {"Mul(Mul(x, k), ", "Mul(x, Mul(k, "}) {
      const bool nested = product[4] == 'x';
      arguments.push_back(
          {product + ("Add(" + std::string(square) + ", unit)") + (nested ? "))" : ")"), has_power, true});
    }
  }
  for (const auto &[text, has_power, has_unit] : arguments) {
    for (std::string &pattern : orders("Tanh(" + text + ")")) {
      forms.push_back({std::move(pattern), examine(has_power, has_unit)});
    }
  }
}

}  // namespace

class FuseGelu final : public sdk::Pass {
 public:
  static void describe(sdk::Description &d) {
    d.id("fuse-gelu")
        .title("joins the operators of a Gelu into one")
        .capabilities(HT_CAP_GRAPH_READ | HT_CAP_GRAPH_EDIT)
        .invalidates({HT_FACT_CONFIGS})
        .doc(
            "Exporters write Gelu with five operators around Erf, or seven and more around Tanh. Both forms are found "
            "in "
            "the orders of products that are in use; all constants have to be those of the function, within 5e-6. The "
            "operator is Gelu of ai.onnx, which came with opset 20: the model is raised to it. With `operator: "
            "microsoft` "
            "it is Gelu or, for the form with Tanh, FastGelu of com.microsoft, which ONNX Runtime has at any opset and "
            "other engines mostly do not.\n"
            "\n"
            "Where the graph should stay as it is, the pass quantize-fusion takes the same place as one operator for "
            "the "
            "quantization by a pattern.\n"
            "\n"
            "PPQ counterpart: GraphMerger.fuse_gelu, which knows one form and checks no constant. Method: D. "
            "Hendrycks, K. "
            "Gimpel, Gaussian Error Linear Units, 2016, section 2.");
    d.params.choice("operator", "whose operator is written", "onnx", {"onnx", "microsoft"});
    d.params.flag("raise_opset", "bring a model below opset 20 to it; without, such a model is left alone", true);
  }
  explicit FuseGelu(const sdk::Args &args)
      : microsoft_(args.text("operator") == "microsoft"), raise_(args.flag("raise_opset")) {}

  void run(const sdk::Context &ctx) override {
    std::vector<ActivationForm> forms;
    add_erf_forms(microsoft_, forms);
    add_tanh_forms(microsoft_, forms);
    fuse_activations(ctx, forms, raise_);
  }

 private:
  bool microsoft_, raise_;
};
HALFTONE_PASS(FuseGelu)

}  // namespace halftone::passes
