#include <string>

#include "halftone/fusion.hpp"
#include "halftone/pass.hpp"

namespace halftone::passes {

class FuseOperators final : public sdk::Pass {
 public:
  static void describe(sdk::Description &d) {
    d.id("fuse-operators")
        .title("finds the fusions that platform and pipeline declare")
        .capabilities(HT_CAP_GRAPH_READ | HT_CAP_GRAPH_EDIT)
        .needs({HT_TARGET_1})
        .doc(
            "Looks for the patterns under `fusions:` (docs/fusions.md), longest first and the pipeline's before the "
            "platform's, each node in one place at most, and notes the places with the model: from then on the "
            "platform quantizes each as one operator, at the points that the fusion names. Where a fusion has a "
            "`fused` form, its operator takes the place.\n"
            "\n"
            "Nobody need name this pass: with `fusions:` it is put before the first pass that folds normalizations, "
            "so that patterns are those of the model as it was written (`stage: find`), and fused forms are put in "
            "before configs are made (`stage: replace`), when weights are folded.\n"
            "\n"
            "PPQ counterpart: none. MQBench counterparts: `additional_fusion_pattern`, "
            "`additional_fuser_method_mapping` and `additional_qat_module_mapping`. Longest pattern first, nodes "
            "matched once: PyTorch's torch.ao.quantization, fuse.");
    d.params.choice("stage", "find: note the places; replace: put fused forms into those noted before; both", "both",
                    {"find", "replace", "both"});
  }
  explicit FuseOperators(const sdk::Args &args) : stage_(args.text("stage")) {}

  void run(const sdk::Context &ctx) override {
    const sdk::Fusions fusions(ctx);
    const std::vector<std::string> names = fusions.names();
    if (stage_ != "replace") {
      const std::vector<std::string> lines = fusions.find();
      for (std::size_t i = 0; i < names.size(); ++i) ctx.report("fusion '" + names[i] + "'", lines[i]);
    }
    if (stage_ == "find") return;
    for (const std::string &name : names) replace(ctx, fusions, name);
  }

 private:
  static void replace(const sdk::Context &ctx, const sdk::Fusions &fusions, const std::string &name) {
    const sdk::Graph graph(ctx);
    std::size_t made = 0;
    std::string type;
    const std::vector<ht_handle> roots = fusions.places(name);
    for (const ht_handle root : roots) {
      ctx.poll(made, made + 1);
      const std::vector<ht_handle> nodes = fusions.replace(root, HT_FUSION_FUSED);
      if (nodes.empty()) return;
      type = std::string(graph.node(nodes.front()).op_type());
      ++made;
    }
    if (made > 0) ctx.report("fusion '" + name + "' runs as", std::to_string(made) + " " + type);
  }

  std::string stage_;
};
HALFTONE_PASS(FuseOperators)

}  // namespace halftone::passes
