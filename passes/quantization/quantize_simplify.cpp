#include <string>

#include "quantization_points.h"

namespace halftone::passes {

class QuantizeSimplify final : public sdk::Pass {
 public:
  static void describe(sdk::Description &d) {
    d.id("quantize-simplify")
        .title("quantizes each value once")
        .capabilities(HT_CAP_GRAPH_READ | HT_CAP_CONFIG_READ | HT_CAP_CONFIG_EDIT)
        .after({HT_FACT_CONFIGS})
        .doc(
            "Where a value is quantized when it is produced, a reader that would quantize it in the same way adds "
            "nothing: its "
            "config becomes overlapped under the producer's. A value that is not quantized where it comes from, such "
            "as an input "
            "of the model, keeps one config for each reader; those of the same scheme share the scale of the first, so "
            "that it is "
            "measured once and stored once (`share`).\n"
            "\n"
            "PPQ counterpart: QuantizeSimplifyPass, which does not share: each reader of a value that is not quantized "
            "where it "
            "comes from measures it anew.");
    d.params.flag("share", "readers of a value that nothing quantizes before them share one scale", true).advanced();
  }
  explicit QuantizeSimplify(const sdk::Args &args) : share_(args.flag("share")) {}

  void run(const sdk::Context &ctx) override {
    const QuantizationPoints points(ctx);
    std::size_t joined = 0, shared = 0;
    for (const ht_handle graph : points.graph.graphs()) {
      for (const ht_handle value : points.graph.inputs(graph)) shared += share_ ? share(points, value) : 0;
    }
    const std::vector<ht_handle> nodes = points.every_node();
    for (std::size_t i = 0; i < nodes.size(); ++i) {
      if (i % 64 == 0) ctx.poll(i, nodes.size());
      const sdk::Node node = points.graph.node(nodes[i]);
      for (std::uint32_t slot = 0; slot < node.outputs().size(); ++slot) {
        const ht_handle value = node.outputs()[slot];
        if (value == HT_NONE) continue;
        const ht_handle produced = points.configs.output(nodes[i], slot);
        if (points.root_state(produced) == HT_STATE_FP32) {
          shared += share_ ? share(points, value) : 0;
        } else {
          joined += join_readers(points, value, produced);
        }
      }
    }
    ctx.report("joined", std::to_string(joined) + " readers with the producer of their value");
    if (shared > 0) ctx.report("shared", std::to_string(shared) + " readers take the scale of another reader");
  }

 private:
  // Configs of the readers about which nothing is decided yet.
  static std::vector<ht_handle> undecided(const QuantizationPoints &points, ht_handle value) {
    std::vector<ht_handle> found;
    for (const ht_use &use : points.graph.consumers(value)) {
      const ht_handle config = points.configs.input(use.node, use.slot);
      if (config != HT_NONE && points.configs.state(config) == HT_STATE_INITIAL) found.push_back(config);
    }
    return found;
  }

  static std::size_t join_readers(const QuantizationPoints &points, ht_handle value, ht_handle produced) {
    std::size_t joined = 0;
    const std::string reason = "quantized already as " + points.describe(produced);
    for (const ht_handle config : undecided(points, value)) {
      if (!same_scheme(points.configs.info(config).spec, points.configs.info(produced).spec)) continue;
      joined += points.join(config, produced, reason) ? 1 : 0;
    }
    return joined;
  }

  // Readers stay live, because nothing quantizes the value before them.
  static std::size_t share(const QuantizationPoints &points, ht_handle value) {
    std::vector<ht_handle> leaders;  // one for each scheme
    std::size_t shared = 0;
    for (const ht_handle config : undecided(points, value)) {
      const ht_quant_spec spec = points.configs.info(config).spec;
      ht_handle leader = HT_NONE;
      for (const ht_handle candidate : leaders) {
        if (same_scheme(points.configs.info(candidate).spec, spec)) leader = candidate;
      }
      if (leader == HT_NONE) {
        leaders.push_back(config);
        continue;
      }
      points.configs.set_master(config, leader, "the same value as " + points.describe(leader));
      ++shared;
    }
    return shared;
  }

  bool share_;
};
HALFTONE_PASS(QuantizeSimplify)

}  // namespace halftone::passes
