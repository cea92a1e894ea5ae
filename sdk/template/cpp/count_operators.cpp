// A pass that counts the model's operators by type: the smallest thing that reads a model, takes a parameter and
// reports.
#include <halftone/pass.hpp>

#include <cstdint>
#include <map>
#include <string>

namespace {

namespace sdk = halftone::sdk;

class CountOperators final : public sdk::Pass {
 public:
  static void describe(sdk::Description &d) {
    d.id("count-operators")
        .version("1.0")
        .title("Counts operators by type")
        .doc("Reports one row for each operator type of the model, subgraphs included.")
        .capabilities(HT_CAP_GRAPH_READ);
    d.params.integer("at_least", "Leaves out types that occur less often.", 1, 1, 1000000);
  }

  explicit CountOperators(const sdk::Args &args) : at_least_(args.integer("at_least")) {}

  void run(const sdk::Context &ctx) override {
    const sdk::Graph graph(ctx);
    std::map<std::string, std::int64_t> counts;
    for (const ht_handle part : graph.graphs()) {
      for (const ht_handle node : graph.nodes(part)) counts[std::string(graph.node(node).op_type())] += 1;
    }
    for (const auto &[type, count] : counts) {
      if (count >= at_least_) ctx.report(type, std::to_string(count));
    }
  }

 private:
  std::int64_t at_least_;
};

}  // namespace

HALFTONE_PASS(CountOperators)
HALFTONE_PLUGIN("com.example.count-operators", "1.0", "Apache-2.0")
