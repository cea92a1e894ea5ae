#include <array>
#include <string>
#include <vector>

#include "attention_place.h"
#include "halftone/pass.hpp"

namespace halftone::passes {
namespace {

// Adds the nodes around the fused operator.
class Builder {
 public:
  Builder(const sdk::GraphEdit &edit, ht_handle home, std::string name)
      : edit_(edit), home_(home), name_(std::move(name)) {}

  // [batch, rows, heads * width].
  ht_handle rows(const HeadTensor &tensor, std::int64_t columns, const std::string &what) const {
    ht_handle value = tensor.value;
    if (!tensor.heads_last) {
      const ht_handle swapped = edit_.add_value(home_, name_ + what + "_swapped");
      transpose(value, swapped, what + "_swap");
      value = swapped;
    }
    const ht_handle out = edit_.add_value(home_, name_ + what);
    reshape(value, out, std::array<std::int64_t, 3>{0, 0, columns}, what + "_join");
    return out;
  }
  // ONNX Runtime (1.21, without optimization) repeats a mask over the heads only where it is one for all samples.
  ht_handle for_each_head(ht_handle mask, std::int64_t heads) const {
    const ht_handle out = edit_.add_value(home_, name_ + "_mask");
    const std::array<std::int64_t, 4> shape = {1, heads, 1, 1};
    with_shape("Expand", mask, out, shape, "_mask_expand");
    return out;
  }
  void transpose(ht_handle from, ht_handle to, const std::string &what) const {
    const ht_handle node = edit_.add_node(home_, "Transpose", name_ + what, {&from, 1}, {&to, 1});
    edit_.set_ints(node, "perm", std::array<std::int64_t, 4>{0, 2, 1, 3});
  }
  void reshape(ht_handle from, ht_handle to, std::span<const std::int64_t> shape, const std::string &what) const {
    with_shape("Reshape", from, to, shape, what);
  }

 private:
  void with_shape(const char *op_type, ht_handle from, ht_handle to, std::span<const std::int64_t> shape,
                  const std::string &what) const {
    const auto count = static_cast<std::int64_t>(shape.size());
    ht_tensor_view view{};
    view.struct_size = sizeof(view);
    view.dtype = HT_I64;
    view.rank = 1;
    view.shape = &count;
    view.data = const_cast<std::int64_t *>(shape.data());
    const std::array inputs = {from, edit_.add_initializer(home_, name_ + what + "_shape", view)};
    edit_.add_node(home_, op_type, name_ + what, inputs, {&to, 1});
  }

  const sdk::GraphEdit &edit_;
  ht_handle home_;
  std::string name_;
};

}  // namespace

class FuseAttention final : public sdk::Pass {
 public:
  static void describe(sdk::Description &d) {
    d.id("fuse-attention")
        .title("joins scaled dot-product attention into one operator")
        .capabilities(HT_CAP_GRAPH_READ | HT_CAP_GRAPH_EDIT)
        .invalidates({HT_FACT_CONFIGS})
        .doc(
            "MatMul(Softmax(scale * MatMul(q, transposed k) + mask), v) over [batch, heads, rows, width] becomes "
            "MultiHeadAttention of com.microsoft, which ONNX Runtime runs without ever storing the scores. The scale "
            "may be "
            "a Mul or Div of the product, of q, of k or of both; it is read from the graph, whatever its value. "
            "Softmax has "
            "to run over the last axis, heads and widths have to be known and equal, a mask has to have four axes, and "
            "nothing outside may read a value between.\n"
            "\n"
            "The operator stays in float, with its two products: use the pass where attention is to be left in float "
            "anyway. "
            "Where the device quantizes the products leave the graph as it is; their patterns are for "
            "quantize-fusion.\n"
            "\n"
            "PPQ counterpart: GraphMerger.fuse_selfattention, whose SelfAttention no engine can read. Method: A. "
            "Vaswani et "
            "al., Attention Is All You Need, 2017, equation 1.");
    d.params.flag("dynamic", "extents that are unknown on both sides are taken for equal", true);
  }
  explicit FuseAttention(const sdk::Args &args) : dynamic_(args.flag("dynamic")) {}

  void run(const sdk::Context &ctx) override {
    const sdk::Graph graph(ctx);
    const sdk::GraphEdit edit(ctx);
    std::size_t fused = 0, left = 0;
    const auto matches = sdk::Patterns(ctx).find(std::array{"y = MatMul(Softmax(s), v)"});
    for (std::size_t i = 0; i < matches.size(); ++i) {
      ctx.poll(i, matches.size());
      if (const auto place = find_attention(graph, matches[i], dynamic_)) {
        replace(graph, edit, matches[i].root(), *place);
        ++fused;
      } else {
        ++left;
      }
    }
    if (fused > 0 && graph.opset("com.microsoft") == 0) edit.set_opset("com.microsoft", 1);
    ctx.report("fused", std::to_string(fused) + " attentions");
    if (left > 0) ctx.report("left", std::to_string(left) + " products of a Softmax that are no such attention");
  }

 private:
  static void replace(const sdk::Graph &graph, const sdk::GraphEdit &edit, ht_handle root,
                      const AttentionPlace &place) {
    const sdk::Node end = graph.node(root);
    const ht_handle home = end.graph(), output = end.output(0);
    const std::string name(end.name());
    std::vector<ht_handle> inner;
    for (const ht_handle node : place.nodes) {
      const ht_handle value = graph.node(node).output(0);
      if (value != output) inner.push_back(value);
      edit.remove_node(node);
    }
    for (const ht_handle value : inner) edit.remove_value(value);

    const Builder build(edit, home, name);
    const std::int64_t columns = place.heads * place.width, value_columns = place.heads * place.value_width;
    std::vector<ht_handle> inputs = {build.rows(place.query, columns, "_query"), build.rows(place.key, columns, "_key"),
                                     build.rows(place.values, value_columns, "_value")};
    if (place.mask != HT_NONE) {
      const ht_handle mask = place.mask_lacks_heads ? build.for_each_head(place.mask, place.heads) : place.mask;
      inputs.insert(inputs.end(), {HT_NONE, HT_NONE, mask});
    }
    const ht_handle joined = edit.add_value(home, name + "_joined"), split = edit.add_value(home, name + "_split");
    const ht_handle node = edit.add_node(home, "MultiHeadAttention", name, inputs, {&joined, 1}, "com.microsoft");
    edit.set_int(node, "num_heads", place.heads);
    edit.set_float(node, "scale", place.scale);
    build.reshape(joined, split, std::array<std::int64_t, 4>{0, 0, place.heads, place.value_width}, "_split");
    build.transpose(split, output, "_swap");
  }

  bool dynamic_;
};
HALFTONE_PASS(FuseAttention)

}  // namespace halftone::passes
