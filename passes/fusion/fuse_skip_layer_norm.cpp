#include <array>
#include <string>
#include <vector>

#include "extents.h"
#include "halftone/pass.hpp"
#include "node_walk.h"
#include "written_shape.h"

namespace halftone::passes {

class FuseSkipLayerNorm final : public sdk::Pass {
 public:
  static void describe(sdk::Description &d) {
    d.id("fuse-skip-layer-norm")
        .title("joins a residual Add and the LayerNormalization behind it")
        .capabilities(HT_CAP_GRAPH_READ | HT_CAP_GRAPH_EDIT)
        .invalidates({HT_FACT_CONFIGS})
        .doc(
            "LayerNormalization(Add(x, skip)) becomes SkipLayerNormalization of com.microsoft, which ONNX Runtime "
            "computes in "
            "one sweep. Where the sum is read elsewhere as well, as in networks that normalize first, the operator's "
            "fourth output gives it. The operator normalizes the last axis of inputs of rank 3, so others stay; so do "
            "sums "
            "of a constant and sums that broadcast. Run fuse-layer-norm first for models below opset 17.\n"
            "\n"
            "The operator stays in float on every platform that comes with Halftone. Engines other than ONNX Runtime "
            "mostly "
            "cannot read it.\n"
            "\n"
            "PPQ counterpart: GraphMerger.fuse_skiplayernorm, whose operator is a plug-in of TensorRT.");
    d.params.flag("dynamic", "extents that are unknown in both operands of the sum are taken for equal", true);
  }
  explicit FuseSkipLayerNorm(const sdk::Args &args) : dynamic_(args.flag("dynamic")) {}

  void run(const sdk::Context &ctx) override {
    const sdk::Graph graph(ctx);
    const sdk::GraphEdit edit(ctx);
    std::size_t fused = 0;
    walk_nodes(ctx, graph, [&](ht_handle node) {
      if (graph.node(node).is("LayerNormalization") && fuse(graph, edit, node)) ++fused;
    });
    if (fused > 0 && graph.opset("com.microsoft") == 0) edit.set_opset("com.microsoft", 1);
    ctx.report("fused", std::to_string(fused) + " sums with LayerNormalization");
  }

 private:
  bool is_residual_sum(const sdk::Graph &graph, const sdk::Node &add) const {
    if (!add.is("Add")) return false;
    const sdk::Value a = graph.value(add.input(0)), b = graph.value(add.input(1));
    if (a.is_initializer() || b.is_initializer()) return false;
    const ht_tensor_info left = written_shape(graph, a.handle), right = written_shape(graph, b.handle);
    return left.rank == 3 && same_extents(left, right, dynamic_);
  }

  // Only the first output is read, and the last axis is normalized with vectors.
  static bool is_plain_norm(const sdk::Graph &graph, const sdk::Node &norm) {
    const std::int64_t axis = graph.attribute_int(norm.handle, "axis", -1);
    if ((axis != -1 && axis != 2) || graph.attribute_int(norm.handle, "stash_type", 1) != 1) return false;
    for (std::size_t i = 1; i < norm.outputs().size(); ++i) {
      if (norm.outputs()[i] != HT_NONE) return false;
    }
    for (const ht_handle parameter : {norm.input(1), norm.input(2)}) {
      if (parameter == HT_NONE) continue;
      const ht_tensor_info type = graph.value(parameter).info.type;
      if (type.known_rank == 0 || type.rank != 1) return false;
      const ht_tensor_info data = written_shape(graph, norm.input(0));
      if (data.known_rank == 0 || data.rank != 3 || data.shape[2] != type.shape[0]) return false;
    }
    return norm.input(1) != HT_NONE;
  }

  bool fuse(const sdk::Graph &graph, const sdk::GraphEdit &edit, ht_handle handle) const {
    const sdk::Node norm = graph.node(handle);
    const ht_handle sum = norm.input(0), producer = sum == HT_NONE ? HT_NONE : graph.value(sum).info.producer;
    if (producer == HT_NONE) return false;
    const sdk::Node add = graph.node(producer);
    if (add.graph() != norm.graph() || !is_residual_sum(graph, add) || !is_plain_norm(graph, norm)) return false;
    std::vector<ht_handle> inputs = {add.input(0), add.input(1), norm.input(1)};
    if (norm.input(2) != HT_NONE) inputs.push_back(norm.input(2));
    const ht_handle home = norm.graph(), output = norm.output(0);
    const std::string name(norm.name());
    const double epsilon = graph.attribute_float(handle, "epsilon", 1e-5);
    edit.remove_node(handle);
    edit.remove_node(producer);
    const sdk::Value left = graph.value(sum);
    std::vector<ht_handle> outputs = {output};
    if (left.info.consumer_count > 0 || left.is_output()) {
      outputs.insert(outputs.end(), {HT_NONE, HT_NONE, sum});
    } else {
      edit.remove_value(sum);
    }
    const ht_handle node = edit.add_node(home, "SkipLayerNormalization", name, inputs, outputs, "com.microsoft");
    edit.set_float(node, "epsilon", epsilon);
    return true;
  }

  bool dynamic_;
};
HALFTONE_PASS(FuseSkipLayerNorm)

}  // namespace halftone::passes
