#include <string>

#include "halftone/pass.hpp"

namespace halftone::passes {

class RemoveDeadCode final : public sdk::Pass {
 public:
  static void describe(sdk::Description &d) {
    d.id("remove-dead-code")
        .title("removes nodes and constants that no output depends on")
        .capabilities(HT_CAP_GRAPH_READ | HT_CAP_GRAPH_EDIT)
        .doc(
            "A node goes when nothing reads its outputs and none of them is an output of its graph; then values and "
            "constants that nothing produces or reads go too. Other passes leave such remains behind. Subgraphs of If, "
            "Loop and Scan are swept as well, and what only they used outside. Outputs of the graph and inputs that "
            "have to be fed always stay.\n"
            "\n"
            "Files before IR version 4 had to list every constant among the inputs too, and some exporters still do; "
            "since then such an entry makes the constant a default that callers may override. `stored_inputs: unlist` "
            "takes constants of the main graph off the list, so that its inputs are those that have to be fed: a "
            "weight that a caller replaces would not fit the scales. `keep` leaves the list alone.\n"
            "\n"
            "Source: ONNX, IR specification, section Graphs. PPQ counterpart: GraphFormatter.delete_isolated.");
    d.params.choice("stored_inputs", "what becomes of constants that are listed as inputs of the model", "unlist",
                    {"unlist", "keep"});
  }
  explicit RemoveDeadCode(const sdk::Args &args) : unlists_(args.text("stored_inputs") == "unlist") {}

  void run(const sdk::Context &ctx) override {
    const sdk::Graph graph(ctx);
    const sdk::GraphEdit edit(ctx);
    std::size_t nodes = 0, values = 0;
    // What dies inside a subgraph can free nodes outside it, so sweep until nothing more goes.
    for (bool changed = true; changed;) {
      changed = false;
      for (const ht_handle g : copy_of(graph.graphs())) {
        const std::size_t gone = sweep(ctx, graph, edit, g);
        nodes += gone;
        changed = changed || gone > 0;
        if (gone > 0) break;  // subgraphs may have gone with their nodes: list them anew
      }
    }
    const std::size_t unlisted = unlists_ ? unlist(graph, edit) : 0;
    for (const ht_handle g : copy_of(graph.graphs())) values += sweep_values(ctx, graph, edit, g);
    if (unlisted > 0) ctx.report("unlisted", std::to_string(unlisted) + " constants that were listed as inputs");
    ctx.report("removed", std::to_string(nodes) + " nodes, " + std::to_string(values) + " values");
  }

 private:
  static std::vector<ht_handle> copy_of(std::span<const ht_handle> handles) { return {handles.begin(), handles.end()}; }

  static bool is_dead(const sdk::Graph &graph, const sdk::Node &node) {
    // A node without outputs could only be there for an effect that we do not know.
    if (node.outputs().empty()) return false;
    for (const ht_handle output : node.outputs()) {
      if (output == HT_NONE) continue;
      const sdk::Value value = graph.value(output);
      if (value.info.consumer_count > 0 || value.is_output()) return false;
    }
    return true;
  }

  // From the end, so that a chain goes in one sweep.
  static std::size_t sweep(const sdk::Context &ctx, const sdk::Graph &graph, const sdk::GraphEdit &edit, ht_handle g) {
    const std::vector<ht_handle> nodes = graph.nodes(g);
    std::size_t removed = 0;
    for (std::size_t i = nodes.size(); i-- > 0;) {
      if (i % 64 == 0) ctx.poll(nodes.size() - i, nodes.size());
      const sdk::Node node = graph.node(nodes[i]);
      if (!is_dead(graph, node)) continue;
      const std::vector<ht_handle> outputs = copy_of(node.outputs());
      edit.remove_node(nodes[i]);
      for (const ht_handle output : outputs) {
        if (output != HT_NONE) edit.remove_value(output);
      }
      ++removed;
    }
    return removed;
  }

  // Of the main graph: what a body is given is known by its place in the list.
  static std::size_t unlist(const sdk::Graph &graph, const sdk::GraphEdit &edit) {
    std::size_t unlisted = 0;
    for (const ht_handle handle : copy_of(graph.values(graph.main()))) {
      const sdk::Value value = graph.value(handle);
      if (!value.is_initializer() || !value.is_input()) continue;
      edit.unlist_initializer(handle);
      ++unlisted;
    }
    return unlisted;
  }

  static std::size_t sweep_values(const sdk::Context &ctx, const sdk::Graph &graph, const sdk::GraphEdit &edit,
                                  ht_handle g) {
    const std::vector<ht_handle> values = copy_of(graph.values(g));
    std::size_t removed = 0;
    for (std::size_t i = 0; i < values.size(); ++i) {
      if (i % 256 == 0) ctx.poll(i, values.size());
      const sdk::Value value = graph.value(values[i]);
      if (value.info.producer != HT_NONE || value.info.consumer_count > 0 || value.is_output()) continue;
      if (value.is_input()) continue;
      edit.remove_value(values[i]);
      ++removed;
    }
    return removed;
  }

  bool unlists_;
};
HALFTONE_PASS(RemoveDeadCode)

}  // namespace halftone::passes
