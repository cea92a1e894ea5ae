#include <cmath>
#include <string>

#include "dispatch_methods.h"
#include "halftone/cost.hpp"
#include "platform_options.h"
#include "quantization_points.h"

namespace halftone::passes {
class Dispatch final : public sdk::Pass {
 public:
  static void describe(sdk::Description &d) {
    d.id("dispatch")
        .title("decides which nodes may be quantized")
        .capabilities(HT_CAP_GRAPH_READ | HT_CAP_CONFIG_READ | HT_CAP_CONFIG_EDIT)
        .needs({HT_TARGET_1})
        .provides({HT_FACT_DISPATCHED})
        .invalidates({HT_FACT_CONFIGS})
        .doc(
            "Gives each node of the main graph a verdict: quantized, in float, or a computation of shapes or indices. "
            "assign-configs keeps to it; a node without a quantized form stays in float whatever the verdict. Nodes "
            "that a "
            "pass before this one has decided about stay as they are, so that a dispatcher of your own decides for "
            "some nodes and leaves the rest to a method.\n"
            "\n"
            "Methods (docs/dispatch.md has their rules): conservative takes what lies behind weighted operators as "
            "long as the "
            "platform quantizes what comes; pplnn what lies between two convolutions; aggressive all that lies behind "
            "weighted operators; pointwise these operators alone; allin everything that the platform quantizes; "
            "perseus what is "
            "connected with weighted operators and not with shapes. `platform` takes what the platform or "
            "`--dispatcher` says, and allin where neither does.\n"
            "\n"
            "PPQ counterpart: its dispatchers of the same names. PPQ's pointwise fails when it is used; its allin "
            "quantizes shapes too.");
    d.params
        .choice("method", "the rule", "platform",
                {"platform", "conservative", "pplnn", "aggressive", "pointwise", "allin", "perseus"})
        .flag(
            "ppq_paths",
            "conservative: leave a weighted operator in float when nothing follows it, as PPQ does, which counts paths "
            "and not operators",
            false)
        .advanced();
  }
  explicit Dispatch(const sdk::Args &args) : method_(args.text("method")), ppq_paths_(args.flag("ppq_paths")) {}

  void run(const sdk::Context &ctx) override {
    const std::string method = method_ == "platform" ? platform_text(ctx, "dispatcher").value_or("allin") : method_;
    const sdk::Configs configs(ctx);
    const sdk::Target target(ctx);
    const std::vector<DispatchNode> nodes = dispatch_graph(ctx);
    const std::vector<Verdict> verdicts = dispatch_by(method, nodes, ppq_paths_);
    std::size_t quantized = 0, shapes = 0, decided = 0;
    for (std::size_t i = 0; i < nodes.size(); ++i) {
      std::uint32_t code = target.dispatch(nodes[i].handle);
      if (code != HT_DISPATCH_OPEN) {
        ++decided;
      } else {
        code = verdicts[i].code;
        configs.set_dispatch(nodes[i].handle, code, verdicts[i].reason);
      }
      quantized += code == HT_DISPATCH_QUANTIZE ? 1 : 0;
      shapes += code == HT_DISPATCH_SHAPE ? 1 : 0;
    }
    ctx.report(method, std::to_string(quantized) + " of " + std::to_string(nodes.size()) + " nodes may be quantized");
    if (shapes > 0) ctx.report("shapes", std::to_string(shapes) + " nodes compute shapes or indices");
    if (decided > 0) ctx.report("decided before", std::to_string(decided) + " nodes");
    report_cost(ctx, nodes);
  }

 private:
  // What the verdicts come to, where the platform says what operators cost, beside the same model in float.
  static void report_cost(const sdk::Context &ctx, const std::vector<DispatchNode> &nodes) {
    const sdk::Costs costs(ctx);
    const std::string unit = costs.unit();
    if (unit.empty()) return;
    double dispatched = 0, in_float = 0;
    std::size_t unknown = 0;
    bool all_in_float = true;
    for (const DispatchNode &node : nodes) {
      if (node.op_type == "Constant") continue;
      const ht_node_cost now = costs.node(node.handle), without = costs.node(node.handle, HT_COST_FLOAT);
      dispatched += now.cost;
      in_float += without.cost;
      unknown += now.known != 0 ? 0 : 1;
      all_in_float = all_in_float && without.known != 0;
    }
    std::string text = std::to_string(std::llround(dispatched)) + " " + unit + " a sample";
    if (unknown > 0) text += ", without " + std::to_string(unknown) + " that have no hint or no known shape";
    if (all_in_float) text += "; in float " + std::to_string(std::llround(in_float));
    ctx.report("cost", text);
  }

  std::string method_;
  bool ppq_paths_;
};
HALFTONE_PASS(Dispatch)

}  // namespace halftone::passes
