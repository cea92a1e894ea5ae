#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "float_types.h"
#include "halftone/pass.hpp"
#include "halftone/rewire.hpp"
#include "halftone/value_type.hpp"
#include "node_walk.h"

namespace halftone::passes {
namespace {

using Types = std::set<ht_dtype>;

bool computes(const sdk::Node &node) {
  constexpr std::array kTypes = {"Conv", "ConvTranspose", "Gemm", "MatMul", "LSTM", "GRU", "RNN", "Einsum"};
  return std::ranges::any_of(kTypes, [&](const char *type) { return node.is(type); });
}

// Some operator with weights has them in float64: then the network is a float64 one, and not a float32 one that counts
// or measures in float64 beside.
bool has_float64_weights(const sdk::Graph &graph) {
  for (const ht_handle g : graph.graphs()) {
    for (const ht_handle handle : graph.nodes(g)) {
      const sdk::Node node = graph.node(handle);
      const auto is_weight = [&](ht_handle input) {
        if (input == HT_NONE) return false;
        const sdk::Value value = graph.value(input);
        return value.is_initializer() && value.info.type.dtype == HT_F64;
      };
      if (computes(node) && std::ranges::any_of(node.inputs(), is_weight)) return true;
    }
  }
  return false;
}

// Whose results hang on the bits of its operands' type, or that nobody but its author knows: it keeps the types.
bool keeps_types(const sdk::Node &node) {
  if (node.domain().empty()) return node.op_type() == "BitCast";
  return node.domain() != "com.microsoft";
}

}  // namespace

class UnifyFloats final : public sdk::Pass {
 public:
  static void describe(sdk::Description &d) {
    d.id("unify-floats")
        .title("brings float16, bfloat16 and float64 parts of a model to float32")
        .capabilities(HT_CAP_GRAPH_READ | HT_CAP_GRAPH_EDIT)
        .doc(
            "Passes, observers and platforms work on float32; what has another floating-point type stays unquantized. "
            "This pass turns stored tensors, the types of values, Cast and other operators with a type of their own "
            "into float32, in subgraphs too. float16 and bfloat16 widen exactly; their roundings between operators "
            "fall away, so results differ from the file's by what that type rounds. Operators of unknown domains and "
            "BitCast keep their types between two Casts. A default that callers may replace becomes float32 with its "
            "value.\n"
            "\n"
            "The exporter's `float_type: model` writes what is not quantized in the model's own type again. A float32 "
            "model is left as it is.\n"
            "\n"
            "PPQ counterpart: none.");
    d.params.choice("edges",
                    "inputs and outputs of the model: `keep` their types, with a Cast behind or before, or `float32`",
                    "keep", {"keep", "float32"});
    d.params.choice("float64",
                    "whether float64 becomes float32, which rounds: `auto` where the weights of some Conv, Gemm, "
                    "MatMul, Einsum or recurrent operator are float64",
                    "auto", {"auto", "yes", "no"});
  }
  explicit UnifyFloats(const sdk::Args &args)
      : keep_edges_(args.text("edges") == "keep"), float64_(args.text("float64")) {}

  void run(const sdk::Context &ctx) override;

 private:
  bool keep_edges_;
  std::string float64_;
};

namespace {

class Unification {
 public:
  Unification(const sdk::Context &ctx, bool keep_edges, Types types)
      : ctx_(ctx), graph_(ctx), edit_(ctx), types_(ctx), keep_edges_(keep_edges), wanted_(std::move(types)) {}

  void run() {
    const auto borrowed = graph_.graphs();
    const std::vector<ht_handle> graphs(borrowed.begin(), borrowed.end());
    std::vector<ht_handle> found;
    for (const ht_handle g : graphs) {
      const auto values = graph_.values(g);
      std::ranges::copy_if(values, std::back_inserter(found), [&](ht_handle v) { return is_wanted(v); });
    }
    main_ = graph_.main();
    walk_nodes(ctx_, graph_, [&](ht_handle node) { visit(node); });
    for (std::size_t i = 0; i < found.size(); ++i) {
      if (i % 32 == 0) ctx_.poll(i, found.size());
      convert(found[i]);
    }
    tell();
  }

 private:
  bool is_wanted(ht_handle value) const {
    return value != HT_NONE && wanted_.contains(graph_.value(value).info.type.dtype);
  }

  void visit(ht_handle handle) {
    const sdk::Node node = graph_.node(handle);
    if (keeps_types(node)) return isolate(handle);
    // All attributes that hold an element type, whatever operator they belong to.
    for (const char *name :
         {"to", "dtype", "output_datatype", "output_dtype", "precision", "softmax_precision", "stash_type"}) {
      const ht_dtype type = other_float_of_onnx(graph_.attribute_int(handle, name, kOnnxFloat32));
      if (wanted_.contains(type)) edit_.set_int(handle, name, kOnnxFloat32);
    }
    const auto tensor = graph_.attribute(handle, "value");
    if (tensor && tensor->kind == HT_ATTR_TENSOR && wanted_.contains(tensor->t.dtype)) widen_attribute(handle, *tensor);
  }

  void widen_attribute(ht_handle handle, const ht_attr &present) {
    const std::vector<float> data = as_float32(present.t, clipped_);
    const std::vector<std::int64_t> shape(present.t.shape, present.t.shape + present.t.rank);
    ht_attr attr{};
    attr.struct_size = sizeof(attr);
    attr.kind = HT_ATTR_TENSOR;
    attr.name = sdk::view("value");
    attr.t = sdk::float_view(data.data(), shape);
    sdk::check(ctx_.host.graph_edit->set_attribute(ctx_.raw, handle, &attr));
  }

  // The node goes on reading and giving its own types.
  void isolate(ht_handle handle) {
    const std::size_t inputs = graph_.node(handle).inputs().size(), outputs = graph_.node(handle).outputs().size();
    for (std::uint32_t slot = 0; slot < inputs; ++slot) {
      const ht_handle value = graph_.node(handle).input(slot);
      if (!is_wanted(value) || kept_.contains(value)) continue;
      const ht_handle narrow = like(graph_.node(handle).graph(), value, "_narrow");
      cast(graph_.node(handle).graph(), value, narrow);
      edit_.set_input(handle, slot, narrow);
      kept_.insert(narrow);
    }
    for (std::uint32_t slot = 0; slot < outputs; ++slot) {
      const ht_handle value = graph_.node(handle).output(slot);
      if (!is_wanted(value)) continue;
      std::vector<ht_use> uses = graph_.consumers(value);
      std::erase_if(uses, [&](const ht_use &use) { return keeps_types(graph_.node(use.node)); });
      kept_.insert(value);
      if (!uses.empty()) read_wide(value, uses);
    }
    ++isolated_;
  }

  // A value of the same type and shape under a new name.
  ht_handle like(ht_handle home, ht_handle value, const char *suffix) {
    const sdk::Value old = graph_.value(value);
    ht_tensor_info info = old.info.type;
    info.struct_size = sizeof(info);
    const ht_handle made = edit_.add_value(home, std::string(old.name()) + suffix, &info);
    for (std::uint32_t axis = 0; info.known_rank != 0 && axis < info.rank; ++axis) {
      const std::string symbol = types_.symbol(value, axis);
      if (!symbol.empty()) types_.set_extent(made, axis, -1, symbol);
    }
    return made;
  }

  // A Cast to the type that `to` has.
  void cast(ht_handle home, ht_handle from, ht_handle to) {
    const std::string name = std::string(graph_.value(to).name()) + "_Cast";
    const ht_handle node = edit_.add_node(home, "Cast", name, std::span(&from, 1), std::span(&to, 1));
    edit_.set_int(node, "to", onnx_number(graph_.value(to).info.type.dtype));
  }

  // These readers get the value as float32.
  void read_wide(ht_handle value, const std::vector<ht_use> &uses) {
    const ht_handle home = graph_.value(value).info.graph;
    const ht_handle wide = like(home, value, "_float32");
    types_.set_element_type(wide, HT_F32);
    for (const ht_use &use : uses) edit_.set_input(use.node, use.slot, wide);
    cast(home, value, wide);
  }

  void convert(ht_handle handle) {
    if (kept_.contains(handle)) return;
    const sdk::Value value = graph_.value(handle);
    const ht_dtype type = value.info.type.dtype;
    const bool edge = keep_edges_ && value.info.graph == main_;
    if (const auto tensor = graph_.initializer(handle)) {
      if (edge && value.is_output()) keep_output(handle);
      widen_tensor(handle, *tensor);
      ++stored_[type];
      return;
    }
    if (edge && value.is_input()) {
      const std::vector<ht_use> uses = graph_.consumers(handle);
      if (!uses.empty()) read_wide(handle, uses);
      ++edges_;
      return;
    }
    if (edge && value.is_output()) keep_output(handle);
    types_.set_element_type(handle, HT_F32);
    ++computed_[type];
  }

  // The output of that name is a Cast of what is computed.
  void keep_output(ht_handle handle) {
    const ht_handle out = like(main_, handle, "_new");
    const std::vector<ht_use> uses = graph_.consumers(handle);
    edit_.replace_uses(handle, out);
    for (const ht_use &use : uses) edit_.set_input(use.node, use.slot, handle);
    cast(main_, handle, out);
    ++edges_;
  }

  void widen_tensor(ht_handle value, const ht_tensor_view &tensor) {
    const std::vector<float> data = as_float32(tensor, clipped_);
    const std::vector<std::int64_t> shape(tensor.shape, tensor.shape + tensor.rank);
    edit_.set_initializer(value, sdk::float_view(data.data(), shape));
  }

  void tell() const {
    ht_dtype most = HT_DTYPE_NONE;
    for (const ht_dtype type : {HT_F16, HT_BF16, HT_F64}) {
      const std::size_t stored = count(stored_, type), computed = count(computed_, type);
      if (stored + computed == 0) continue;
      ctx_.report(float_name(type), std::to_string(stored) + " stored tensors and " + std::to_string(computed) +
                                        " computed values are float32 now");
      if (most == HT_DTYPE_NONE || stored + computed > count(stored_, most) + count(computed_, most)) most = type;
    }
    if (edges_ > 0) ctx_.report("edges", std::to_string(edges_) + " inputs and outputs keep their types, with a Cast");
    if (isolated_ > 0) ctx_.report("kept", std::to_string(isolated_) + " nodes that keep their types between Casts");
    if (clipped_ > 0) {
      ctx_.warn(std::to_string(clipped_) + " stored float64 numbers are beyond the range of float32 and were clipped");
    }
    // For an exporter that is asked for the model's own type.
    if (most != HT_DTYPE_NONE) edit_.set_metadata(HT_NOTE_PREFIX "float-type", float_name(most));
  }
  using Counts = std::map<ht_dtype, std::size_t>;
  static std::size_t count(const Counts &counts, ht_dtype type) {
    const auto found = counts.find(type);
    return found == counts.end() ? 0 : found->second;
  }

  const sdk::Context &ctx_;
  const sdk::Graph graph_;
  const sdk::GraphEdit edit_;
  const sdk::ValueTypes types_;
  bool keep_edges_;
  Types wanted_;
  ht_handle main_ = HT_NONE;
  std::set<ht_handle> kept_;
  Counts stored_, computed_;
  std::size_t edges_ = 0, isolated_ = 0, clipped_ = 0;
};

// Whether any value has one of the types. Types of values are inferred when a model is read, so that a node which makes
// one of them shows by its output.
bool occurs(const sdk::Graph &graph, const Types &types) {
  const auto is_one = [&](ht_handle value) { return types.contains(graph.value(value).info.type.dtype); };
  return std::ranges::any_of(graph.graphs(), [&](ht_handle g) { return std::ranges::any_of(graph.values(g), is_one); });
}

}  // namespace

void UnifyFloats::run(const sdk::Context &ctx) {
  const sdk::Graph graph(ctx);
  Types types = {HT_F16, HT_BF16};
  if (float64_ == "yes" || (float64_ == "auto" && has_float64_weights(graph))) types.insert(HT_F64);
  if (occurs(graph, types)) Unification(ctx, keep_edges_, std::move(types)).run();
}
HALFTONE_PASS(UnifyFloats)

}  // namespace halftone::passes
