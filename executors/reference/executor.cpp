// The executor "reference": every operator by its plain kernel, the oracle that faster executors are tested against.
#include "halftone/executor.hpp"
#include "halftone/control_flow.hpp"
#include "integer/session.h"
#include "plan.h"
#include "session.h"

namespace halftone::reference {
namespace {

class ReferenceExecutor : public sdk::Executor {
 public:
  static constexpr std::uint32_t kModes = 1u << HT_MODE_FLOAT | 1u << HT_MODE_SIMULATED | 1u << HT_MODE_INTEGER;

  static void describe(sdk::Description &d) {
    d.id("reference")
        .title("plain loops, one operator after the other")
        .doc(
            "Runs every node by its operator kernel, of this plug-in or of any other, in float, with fake "
            "quantization at "
            "every live config, or on integers. Slow and exact: sums are kept in float64.")
        .capabilities(HT_CAP_GRAPH_READ | HT_CAP_CONFIG_READ | HT_CAP_EXECUTE)
        .needs({HT_GRAPH_1, HT_CONFIG_1, HT_ARITHMETIC_1, HT_OP_KERNEL_1})
        .threading(HT_THREADING_FREE);
    integer::describe_multiplier(d.params);
  }
  explicit ReferenceExecutor(const sdk::Args &args) : multiplier_(integer::multiplier_of(args)) {}

  void supports(const sdk::Context &ctx, ht_handle handle, std::uint32_t mode) override {
    require_mode(mode);
    const sdk::Graph graph(ctx);
    const sdk::Node node = graph.node(handle);
    if (!sdk::has_bodies(node)) {
      PreparedKernel(ctx, node);
      return;
    }
    sdk::ControlFlow(sdk::OpNode(ctx, handle));
    for (const ht_handle body : sdk::body_graphs(graph, handle)) {
      for (const ht_handle inner : graph.nodes(body)) supports(ctx, inner, mode);
    }
  }
  std::unique_ptr<sdk::Session> open(const sdk::Context &ctx, const ht_session_options &options) override {
    require_mode(options.mode);
    if (options.mode == HT_MODE_INTEGER) {
      return std::make_unique<integer::IntegerSession>(integer::build_plan(ctx, options, {multiplier_, nullptr}),
                                                       options);
    }
    return std::make_unique<ReferenceSession>(build_plan(ctx, options), options);
  }

 private:
  static void require_mode(std::uint32_t mode) {
    if (mode < 32 && (kModes >> mode & 1u) != 0) return;
    throw sdk::Failure(
        HT_UNIMPLEMENTED,
        "executor 'reference' runs in modes float, simulated and integer, not in mode " + std::to_string(mode));
  }
  integer::Multiplier multiplier_;
};

}  // namespace
HALFTONE_EXECUTOR(ReferenceExecutor)
}  // namespace halftone::reference
