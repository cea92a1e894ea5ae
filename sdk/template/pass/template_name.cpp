// A pass that keeps all operators of one type in float. It shows what most passes do: it takes a parameter, walks over
// the operators, changes quantization configs, and reports what it did.
#include <halftone/pass.hpp>
#include <halftone/walk.hpp>

namespace sdk = halftone::sdk;

class TemplateName final : public sdk::Pass {
 public:
  // Data, which the host reads before it runs anything: `halftone help pass template-name` prints it, and what a user
  // writes is checked against it. A pass gets only the services whose capabilities it declares. HT_FACT_CONFIGS must
  // hold before the pass, so it goes behind assign-configs; where no pass of a pipeline says so, the plan is refused.
  static void describe(sdk::Description &d) {
    d.id("template-name").version("0.1.0").title("keeps operators of one type in float");
    d.doc("Sets the configs of every operator of the given type to float, bodies of control flow included.");
    d.capabilities(HT_CAP_GRAPH_READ | HT_CAP_CONFIG_READ | HT_CAP_CONFIG_EDIT).after({HT_FACT_CONFIGS});
    d.params.text("operator_type", "The type, as ONNX calls it.", "Softmax");
  }
  // Values are checked and have their defaults by now.
  explicit TemplateName(const sdk::Args &args) : type_(args.text("operator_type")) {}

  // Works on a copy of the model, which takes the model's place when this returns and the verifier finds no fault.
  // `throw sdk::Failure(HT_INVALID_ARGUMENT, "what is wrong and what to do", handle)` drops all edits.
  void run(const sdk::Context &ctx) override {
    const sdk::Graph graph(ctx);
    const sdk::Configs configs(ctx);
    const std::vector<ht_handle> nodes = sdk::every_node(graph);  // bodies of If, Loop and Scan included
    std::size_t kept = 0;
    for (const ht_handle handle : nodes) {
      const sdk::Node node = graph.node(handle);
      if (!node.is(type_)) continue;
      ++kept;
      for (const ht_handle config : sdk::configs_of(configs, node)) configs.set_state(config, HT_STATE_FP32, "kept");
    }
    ctx.report("kept", std::to_string(kept) + " of " + std::to_string(nodes.size()) + " operators");
  }

 private:
  std::string type_;
};

HALFTONE_PASS(TemplateName)
HALFTONE_PLUGIN("com.example.template-name", "0.1.0", "Apache-2.0")
