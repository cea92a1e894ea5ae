// The pass tern-lut-activations: what the lookup tables can compute becomes one operator.
#include <array>
#include <cmath>
#include <string>
#include <string_view>
#include <vector>

#include "halftone/pass.hpp"
#include "halftone/pattern.hpp"
#include "lut_functions.h"

namespace sdk = halftone::sdk;

namespace tern {
namespace {

struct Rewrite {
  std::string_view pattern, function;
};
constexpr std::array kRewrites = {
    Rewrite{"y = Div(Mul(x, Clip(Add(x, 3), 0, 6)), 6)", "hard-swish"},
    Rewrite{"y = Mul(x, Sigmoid(x))", "swish"},
    Rewrite{"y = Mul(x, HardSigmoid(x))", "hard-swish"},
    Rewrite{"y = HardSwish(x)", "hard-swish"},
    Rewrite{"y = Sigmoid(x)", "sigmoid"},
    Rewrite{"y = Tanh(x)", "tanh"},
};

// A place in the model, copied: what a match shows may move with the first edit.
struct Place {
  std::string_view function;
  ht_handle graph, root, input;
  std::vector<ht_handle> nodes, inner;
};

}  // namespace

class UseLutActivations final : public sdk::Pass {
 public:
  static void describe(sdk::Description &d) {
    d.id("tern-lut-activations")
        .title("activations that Tern looks up in tables become com.example.tern.LutActivation")
        .capabilities(HT_CAP_GRAPH_READ | HT_CAP_GRAPH_EDIT)
        .doc(
            "Swish and hard-swish in the forms that exporters write them, Sigmoid and Tanh. The table has an entry for "
            "each of the 256 codes of the input, so that nothing between has to be quantized.\n"
            "\n"
            "PPQ counterpart: none.");
    d.params.texts("functions", "Which functions are rewritten.", {"sigmoid", "tanh", "swish", "hard-swish"});
  }
  explicit UseLutActivations(const sdk::Args &args) : functions_(args.texts("functions")) {
    for (const std::string &name : functions_) {
      if (lut_function(name) == nullptr) {
        throw sdk::Failure(HT_INVALID_ARGUMENT,
                           "there is no function '" + name + "'; the tables know sigmoid, tanh, swish, hard-swish");
      }
    }
  }

  void run(const sdk::Context &ctx) override {
    const sdk::Graph graph(ctx);
    const sdk::GraphEdit edit(ctx);
    const std::vector<Place> places = find(ctx, graph);
    for (std::size_t i = 0; i < places.size(); ++i) {
      ctx.poll(i, places.size());
      replace(graph, edit, places[i]);
    }
    if (!places.empty() && graph.opset(kDomain) == 0) edit.set_opset(kDomain, 1);
    ctx.report("rewritten", std::to_string(places.size()) + " activations");
  }

 private:
  bool wanted(std::string_view function) const {
    return std::find(functions_.begin(), functions_.end(), function) != functions_.end();
  }

  std::vector<Place> find(const sdk::Context &ctx, const sdk::Graph &graph) const {
    std::vector<std::string_view> patterns;
    for (const Rewrite &rewrite : kRewrites) patterns.push_back(rewrite.pattern);
    std::vector<Place> places;
    for (const sdk::PatternMatch &match : sdk::Patterns(ctx).find(patterns)) {
      const std::string_view function = kRewrites[match.pattern()].function;
      if (!wanted(function) || !is_plain(graph, match)) continue;
      places.push_back({function,
                        match.graph(),
                        match.root(),
                        match.value("x"),
                        {match.nodes().begin(), match.nodes().end()},
                        {match.inner().begin(), match.inner().end()}});
    }
    return places;
  }

  // The HardSigmoid of a hard-swish has the slope 1/6, which is not its default.
  static bool is_plain(const sdk::Graph &graph, const sdk::PatternMatch &match) {
    for (const ht_handle node : match.nodes()) {
      if (!graph.node(node).is("HardSigmoid")) continue;
      if (std::fabs(graph.attribute_float(node, "alpha", 0.2) - 1.0 / 6.0) > 1e-4) return false;
      if (graph.attribute_float(node, "beta", 0.5) != 0.5) return false;
    }
    return true;
  }

  // The new node takes over the output, so that its name stays.
  static void replace(const sdk::Graph &graph, const sdk::GraphEdit &edit, const Place &place) {
    const std::string name(graph.node(place.root).name());
    const ht_handle output = graph.node(place.root).output(0);
    for (const ht_handle node : place.nodes) edit.remove_node(node);
    for (const ht_handle value : place.inner) edit.remove_value(value);
    const ht_handle node =
        edit.add_node(place.graph, kLutActivation, name, std::array{place.input}, std::array{output}, kDomain);
    edit.set_text(node, "function", place.function);
  }

  std::vector<std::string> functions_;
};
HALFTONE_PASS(UseLutActivations)

}  // namespace tern
