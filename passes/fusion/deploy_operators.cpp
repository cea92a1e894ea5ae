#include <string>

#include "halftone/fusion.hpp"
#include "halftone/pass.hpp"

namespace halftone::passes {

class DeployOperators final : public sdk::Pass {
 public:
  static void describe(sdk::Description &d) {
    d.id("deploy-operators")
        .title("puts what the device runs into the places of fusions")
        .capabilities(HT_CAP_GRAPH_READ | HT_CAP_GRAPH_EDIT)
        .needs({HT_TARGET_1})
        .doc(
            "Where a fusion has a `deployed` form (docs/fusions.md), its operators take the place, with the scales, "
            "the quantized weights and everything else that is known of the values around it. With `fusions:` this is "
            "put at the end of a pipeline. It changes what is exported alone: evaluations and analyses after the "
            "passes run the model as it was quantized, so that a deployed operator needs no kernel here.\n"
            "\n"
            "PPQ counterpart: none. MQBench counterparts: the convert functions of its deployment, and the vendor's "
            "passes over the exported graph.");
  }
  explicit DeployOperators(const sdk::Args &) {}

  void run(const sdk::Context &ctx) override {
    const sdk::Fusions fusions(ctx);
    for (const std::string &name : fusions.names()) {
      std::size_t made = 0;
      for (const ht_handle root : fusions.places(name)) {
        ctx.poll(made, made + 1);
        made += fusions.replace(root, HT_FUSION_DEPLOYED).empty() ? 0 : 1;
      }
      if (made > 0)
        ctx.report("fusion '" + name + "'",
                   std::to_string(made) + (made == 1 ? " place deployed" : " places deployed"));
    }
  }
};
HALFTONE_PASS(DeployOperators)

}  // namespace halftone::passes
