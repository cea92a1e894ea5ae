#include <string>
#include <vector>

#include "halftone/pass.hpp"

namespace halftone::passes {

class SplitParameters final : public sdk::Pass {
 public:
  static void describe(sdk::Description &d) {
    d.id("split-parameters")
        .title("gives each reader of a parameter a copy of its own")
        .capabilities(HT_CAP_GRAPH_READ | HT_CAP_GRAPH_EDIT)
        .invalidates({HT_FACT_CONFIGS})
        .doc(
            "Halftone lets several slots read one parameter and gives each slot its own config, so most pipelines need "
            "no "
            "copies. They are wanted where a pass or device treats parameters as belonging to one operator: "
            "equalization "
            "of one of two layers that share a weight, baking with different scales, a vendor's format that stores "
            "weights "
            "inside of operators. A parameter that two slots of one node read is copied too; readers in subgraphs "
            "count.\n"
            "\n"
            "`max_bytes` keeps tied embeddings from doubling the model. Initializers that are graph inputs or outputs "
            "stay "
            "shared: their name is part of the model's interface.\n"
            "\n"
            "PPQ counterpart: GraphFormatter.format_parameter, which cannot split two slots of one node.");
    d.params.integer("max_bytes", "larger parameters stay shared", 64 << 20, 0, std::int64_t{1} << 40, "bytes");
    d.params.flag("floats_only", "integer parameters, such as shapes and axes, stay shared", true);
  }
  explicit SplitParameters(const sdk::Args &args)
      : max_bytes_(args.integer("max_bytes")), floats_only_(args.flag("floats_only")) {}

  void run(const sdk::Context &ctx) override {
    const sdk::Graph graph(ctx);
    const sdk::GraphEdit edit(ctx);
    std::size_t parameters = 0, copies = 0, large = 0;
    const auto borrowed = graph.graphs();
    for (const ht_handle g : std::vector<ht_handle>(borrowed.begin(), borrowed.end())) {
      const auto all = graph.values(g);
      const std::vector<ht_handle> values(all.begin(), all.end());
      for (std::size_t i = 0; i < values.size(); ++i) {
        if (i % 64 == 0) ctx.poll(i, values.size());
        const sdk::Value value = graph.value(values[i]);
        if (!value.is_initializer() || value.is_input() || value.is_output() || value.info.consumer_count < 2) continue;
        const auto tensor = graph.initializer(values[i]);
        if (!tensor || (floats_only_ && !is_float(tensor->dtype))) continue;
        if (sdk::count_of(*tensor) * width(tensor->dtype) > max_bytes_) {
          ++large;
          continue;
        }
        ++parameters;
        copies += split(graph, edit, g, value);
      }
    }
    ctx.report("split", std::to_string(parameters) + " parameters, " + std::to_string(copies) + " copies");
    if (large > 0) ctx.report("shared", std::to_string(large) + " parameters larger than max_bytes");
  }

 private:
  static bool is_float(ht_dtype dtype) {
    return dtype == HT_F32 || dtype == HT_F64 || dtype == HT_F16 || dtype == HT_BF16;
  }
  // Bytes of an element; of those below a byte one is assumed.
  static std::int64_t width(ht_dtype dtype) {
    if (dtype == HT_F64 || dtype == HT_I64 || dtype == HT_U64) return 8;
    if (dtype == HT_F32 || dtype == HT_I32 || dtype == HT_U32) return 4;
    return dtype == HT_F16 || dtype == HT_BF16 || dtype == HT_I16 || dtype == HT_U16 ? 2 : 1;
  }

  // The first reader keeps the original.
  static std::size_t split(const sdk::Graph &graph, const sdk::GraphEdit &edit, ht_handle g, const sdk::Value &value) {
    const std::vector<ht_use> uses = graph.consumers(value.handle);
    const std::string name(value.name());
    for (std::size_t i = 1; i < uses.size(); ++i) {
      const auto tensor = graph.initializer(value.handle);
      // With the number in the name, no name has to be searched for: that would take longer for each copy.
      edit.set_input(uses[i].node, uses[i].slot, edit.add_initializer(g, name + "_" + std::to_string(i), *tensor));
    }
    return uses.size() - 1;
  }

  std::int64_t max_bytes_;
  bool floats_only_;
};
HALFTONE_PASS(SplitParameters)

}  // namespace halftone::passes
