// What the device wants of PoolLinear in a file: it adds pixels up and divides once, so that it has to know how many
// there are.
#include <string>

#include "halftone/fusion.hpp"
#include "halftone/pass.hpp"

namespace example {

namespace sdk = halftone::sdk;

class DeployPoolLinear final : public sdk::Pass {
 public:
  static void describe(sdk::Description &d) {
    d.id("deploy-pool-linear")
        .title("tells the device how many pixels PoolLinear adds up")
        .capabilities(HT_CAP_GRAPH_READ | HT_CAP_GRAPH_EDIT)
        .doc(
            "Gives each com.example.PoolLinear that a fusion has made the attribute `pixels`. Shapes have to be "
            "known.");
    d.params.text("fusion", "the fusion whose places are deployed", "pool-linear");
  }
  explicit DeployPoolLinear(const sdk::Args &args) : fusion_(args.text("fusion")) {}

  void run(const sdk::Context &ctx) override {
    const sdk::Graph graph(ctx);
    const sdk::GraphEdit edit(ctx);
    const sdk::Fusions fusions(ctx);
    for (const ht_handle root : fusions.places(fusion_)) {
      const ht_tensor_info type = graph.value(fusions.value(root, "x")).info.type;
      std::int64_t pixels = type.known_rank != 0 ? 1 : -1;
      for (std::uint32_t axis = 2; pixels > 0 && axis < type.rank; ++axis) pixels *= type.shape[axis];
      if (pixels <= 0)
        throw sdk::Failure(HT_FAILED_PRECONDITION, "the number of pixels is not known before the run", root);
      edit.set_int(root, "pixels", pixels);
      ctx.report("pixels", std::to_string(pixels));
    }
  }

 private:
  std::string fusion_;
};

HALFTONE_PASS(DeployPoolLinear)

}  // namespace example

HALFTONE_PLUGIN("example.fused-operator", "0.1.0", "Apache-2.0")
