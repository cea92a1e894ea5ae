#include <string>

#include "quantization_points.h"

namespace halftone::passes {

class ParameterBaking final : public sdk::Pass {
 public:
  static void describe(sdk::Description &d) {
    d.id("parameter-baking")
        .title("stores parameters in quantized form")
        .capabilities(HT_CAP_GRAPH_READ | HT_CAP_CONFIG_READ | HT_CAP_CONFIG_EDIT)
        .after({HT_FACT_PARAMETERS_QUANTIZED})
        .provides({HT_FACT_BAKED})
        .doc(
            "Marks every parameter that is quantized as stored in its quantized form. From here on its readers see the "
            "fake-quantized value and its scale cannot change; passes that train or equalize weights must come before. "
            "The tensor is "
            "not copied: it is quantized when it is read or written.\n"
            "\n"
            "PPQ counterpart: ParameterBakingPass.");
  }
  explicit ParameterBaking(const sdk::Args &) {}

  void run(const sdk::Context &ctx) override {
    const QuantizationPoints points(ctx);
    std::size_t baked = 0;
    const std::vector<ht_handle> configs = points.configs.all();
    for (std::size_t i = 0; i < configs.size(); ++i) {
      if (i % 64 == 0) ctx.poll(i, configs.size());
      const ht_config_info info = points.configs.info(configs[i]);
      if (!is_live(info.state) || !points.is_parameter(info)) continue;
      points.configs.bake(configs[i]);
      ++baked;
    }
    ctx.report("baked", std::to_string(baked) + " parameters");
  }
};
HALFTONE_PASS(ParameterBaking)

}  // namespace halftone::passes
