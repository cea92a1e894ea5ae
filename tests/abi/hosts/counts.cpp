// The pass of counts.c over the C++ layer, which looks every service up.
#include <halftone/pass.hpp>

#include <string>

namespace {

namespace sdk = halftone::sdk;

class Counts final : public sdk::Pass {
 public:
  static void describe(sdk::Description &d) {
    d.id("counts").title("Counts nodes").capabilities(HT_CAP_GRAPH_READ);
    d.params.flag("subgraphs", "Counts in all graphs.", true);
  }
  explicit Counts(const sdk::Args &args) : subgraphs_(args.flag("subgraphs")) {}

  void run(const sdk::Context &ctx) override {
    const sdk::Graph graph(ctx);
    std::uint64_t total = 0;
    std::string first;
    for (const ht_handle part : graph.graphs()) {
      if (part != graph.main() && !subgraphs_) continue;
      const auto nodes = graph.nodes(part);
      total += nodes.size();
      first = graph.node(nodes.front()).op_type();
    }
    ctx.report("operators", std::to_string(total));
    ctx.report("first", first);
  }

 private:
  bool subgraphs_;
};

}  // namespace

HALFTONE_PASS(Counts)
HALFTONE_PLUGIN("halftone.tests.counts", "1.0", "Apache-2.0")
