#include <algorithm>
#include <array>
#include <cstring>
#include <string>

#include "halftone/owned_tensor.hpp"
#include "halftone/pass.hpp"
#include "node_walk.h"

namespace halftone::passes {
namespace {

std::uint64_t bytes_of(ht_dtype dtype, std::span<const std::int64_t> shape) {
  std::uint64_t count = 1;
  for (const std::int64_t extent : shape) count *= static_cast<std::uint64_t>(extent);
  return (count * sdk::bits_of(dtype) + 7) / 8;
}

// Random numbers, and the quantizers that keep a stored weight small or tell what an imported model was quantized to.
constexpr std::array kNeverFolded = {
    "RandomNormal", "RandomUniform", "RandomNormalLike", "RandomUniformLike", "Multinomial",
    "Bernoulli",    "Dropout",       "QuantizeLinear",   "DequantizeLinear",  "DynamicQuantizeLinear"};

bool may_fold(const sdk::Node &node) {
  const auto is_type = [&](const char *type) { return node.op_type() == type; };
  return node.domain().empty() && !std::ranges::any_of(kNeverFolded, is_type);
}

// A kernel prepared for one node; released at the end.
class PreparedKernel {
 public:
  PreparedKernel(const sdk::Context &ctx, ht_handle node) : ctx_(ctx) {
    status_ = ctx.host.op_kernel->find(ctx.raw, node, &kernel_);
    if (status_ == HT_OK) status_ = kernel_->prepare(ctx.host.raw, ctx.raw, node, &state_);
    prepared_ = status_ == HT_OK;
  }
  ~PreparedKernel() {
    if (prepared_ && kernel_->release != nullptr) kernel_->release(state_);
  }
  PreparedKernel(const PreparedKernel &) = delete;
  PreparedKernel &operator=(const PreparedKernel &) = delete;

  ht_status status() const { return status_; }
  ht_status infer(std::span<const ht_tensor_view> inputs, std::span<ht_tensor_info> outputs) const {
    return kernel_->infer(state_, ctx_.raw, inputs.data(), inputs.size(), outputs.data(), outputs.size());
  }
  ht_status run(std::span<const ht_tensor_view> inputs, std::span<ht_tensor_view> outputs) const {
    return kernel_->run(state_, ctx_.raw, inputs.data(), inputs.size(), outputs.data(), outputs.size());
  }

 private:
  const sdk::Context &ctx_;
  const ht_op_kernel *kernel_ = nullptr;
  void *state_ = nullptr;
  bool prepared_ = false;
  ht_status status_ = HT_OK;
};

// Results of one node; they own their memory, because a long chain of them would fill the call's arena.
struct Results {
  std::vector<ht_tensor_info> infos;
  std::vector<std::vector<std::uint64_t>> storage;  // 8-byte words: aligned for every element type
  std::vector<ht_tensor_view> views;

  std::uint64_t bytes() const {
    std::uint64_t sum = 0;
    for (const ht_tensor_info &info : infos) sum += bytes_of(info.dtype, {info.shape, info.rank});
    return sum;
  }
  void allocate() {
    for (const ht_tensor_info &info : infos) {
      auto &words = storage.emplace_back((bytes_of(info.dtype, {info.shape, info.rank}) + 7) / 8 + 1);
      ht_tensor_view view{};
      view.struct_size = sizeof(view);
      view.dtype = info.dtype;
      view.rank = info.rank;
      view.shape = info.shape;
      view.data = words.data();
      views.push_back(view);
    }
  }
};

}  // namespace

class ConstantFolding final : public sdk::Pass {
 public:
  static void describe(sdk::Description &d) {
    d.id("constant-folding")
        .title("evaluates what does not depend on the model's inputs")
        .capabilities(HT_CAP_GRAPH_READ | HT_CAP_GRAPH_EDIT | HT_CAP_EXECUTE)
        .doc(
            "Constant nodes become initializers, and a node whose inputs are all initializers is computed once and "
            "replaced by its "
            "result. Pads, shapes and masks that exporters compute inside the graph become plain constants, which "
            "executors and "
            "devices can plan for.\n"
            "\n"
            "Left alone: random operators; QuantizeLinear and DequantizeLinear, so that weights stay in their stored "
            "integer form; "
            "nodes with subgraphs; results that are graph outputs; results that would make the model grow by more than "
            "`max_bytes`. "
            "The shape of a value is taken for constant only when the model declares all its extents: a dynamic "
            "dimension stays "
            "dynamic in the written file.\n"
            "\n"
            "PPQ has no counterpart beyond GraphFormatter.remove_constant_input.");
    d.params.integer("max_bytes", "results above this size are computed only when they are no larger than their inputs",
                     64 << 20, 0, std::int64_t{1} << 40, "bytes");
    d.params.flag("static_shapes", "fold Shape and Size of values whose extents are all declared", true);
  }
  explicit ConstantFolding(const sdk::Args &args)
      : max_bytes_(static_cast<std::uint64_t>(args.integer("max_bytes"))), static_shapes_(args.flag("static_shapes")) {}

  void run(const sdk::Context &ctx) override {
    const sdk::Graph graph(ctx);
    const sdk::GraphEdit edit(ctx);
    Counts counts;
    walk_nodes(ctx, graph, [&](ht_handle node) { visit(ctx, graph, edit, node, counts); });
    ctx.report("constants", std::to_string(counts.constants) + " Constant nodes became initializers");
    ctx.report("folded", std::to_string(counts.folded) + " nodes");
    if (counts.too_large > 0) ctx.report("too large", std::to_string(counts.too_large) + " results left as they are");
    if (counts.no_kernel > 0)
      ctx.report("no kernel", std::to_string(counts.no_kernel) + " constant nodes left as they are");
  }

 private:
  struct Counts {
    std::size_t constants = 0, folded = 0, too_large = 0, no_kernel = 0;
  };

  void visit(const sdk::Context &ctx, const sdk::Graph &graph, const sdk::GraphEdit &edit, ht_handle handle,
             Counts &counts) const {
    const sdk::Node node = graph.node(handle);
    if (!may_fold(node) || yields_graph_output(graph, node)) return;
    if (node.is("Constant")) {
      counts.constants += store_constant(graph, edit, node) ? 1 : 0;
    } else if (node.is("Shape") || node.is("Size")) {
      counts.folded += static_shapes_ && fold_shape(graph, edit, node) ? 1 : 0;
    } else {
      fold(ctx, graph, edit, node, counts);
    }
  }

  static bool yields_graph_output(const sdk::Graph &graph, const sdk::Node &node) {
    for (const ht_handle output : node.outputs()) {
      if (output != HT_NONE && graph.value(output).is_output()) return true;
    }
    return node.outputs().empty();
  }

  // The node's outputs become initializers under their own names.
  static void replace(const sdk::Graph &graph, const sdk::GraphEdit &edit, const sdk::Node &node,
                      std::span<const ht_tensor_view> tensors) {
    const std::vector<ht_handle> inputs(node.inputs().begin(), node.inputs().end());
    const std::vector<ht_handle> outputs(node.outputs().begin(), node.outputs().end());
    edit.remove_node(node.handle);
    for (std::size_t i = 0; i < outputs.size(); ++i) {
      if (outputs[i] == HT_NONE) continue;
      if (graph.value(outputs[i]).info.consumer_count == 0) {
        edit.remove_value(outputs[i]);
      } else {
        edit.set_initializer(outputs[i], tensors[i]);
      }
    }
    // Constants that only this node read would double the memory until the dead code is removed.
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      const bool seen = std::find(inputs.begin(), inputs.begin() + static_cast<std::ptrdiff_t>(i), inputs[i]) !=
                        inputs.begin() + static_cast<std::ptrdiff_t>(i);
      if (inputs[i] == HT_NONE || seen) continue;
      const sdk::Value value = graph.value(inputs[i]);
      if (value.is_initializer() && value.info.consumer_count == 0 && !value.is_output() && !value.is_input()) {
        edit.remove_value(inputs[i]);
      }
    }
  }

  static bool store_constant(const sdk::Graph &graph, const sdk::GraphEdit &edit, const sdk::Node &node) {
    if (node.output(0) == HT_NONE) return false;
    ht_tensor_view view{};
    view.struct_size = sizeof(view);
    std::vector<std::int64_t> shape;
    std::vector<std::uint64_t> words;  // a copy: the attribute goes with the node
    const auto take = [&](ht_dtype dtype, std::span<const std::int64_t> extents, const void *data) {
      shape.assign(extents.begin(), extents.end());
      const std::uint64_t bytes = bytes_of(dtype, shape);
      words.resize(bytes / 8 + 1);
      if (bytes > 0) std::memcpy(words.data(), data, bytes);
      view.dtype = dtype;
      view.rank = static_cast<std::uint32_t>(shape.size());
      view.shape = shape.data();
      view.data = words.data();
    };
    if (const auto a = graph.attribute(node.handle, "value"); a && a->kind == HT_ATTR_TENSOR) {
      if (sdk::bits_of(a->t.dtype) == 0) return false;
      take(a->t.dtype, sdk::shape_of(a->t), a->t.data);
    } else if (const auto f = graph.attribute(node.handle, "value_float"); f && f->kind == HT_ATTR_FLOAT) {
      const auto value = static_cast<float>(f->f);
      take(HT_F32, {}, &value);
    } else if (const auto i = graph.attribute(node.handle, "value_int"); i && i->kind == HT_ATTR_INT) {
      take(HT_I64, {}, &i->i);
    } else if (const auto fs = graph.attribute(node.handle, "value_floats"); fs && fs->kind == HT_ATTR_FLOATS) {
      const std::int64_t extent = static_cast<std::int64_t>(fs->float_count);
      take(HT_F32, {&extent, 1}, fs->floats);
    } else if (const auto is = graph.attribute(node.handle, "value_ints"); is && is->kind == HT_ATTR_INTS) {
      const std::int64_t extent = static_cast<std::int64_t>(is->ints.size);
      take(HT_I64, {&extent, 1}, is->ints.data);
    } else {
      return false;  // strings and sparse tensors stay as they are
    }
    replace(graph, edit, node, {&view, 1});
    return true;
  }

  static bool fold_shape(const sdk::Graph &graph, const sdk::GraphEdit &edit, const sdk::Node &node) {
    if (node.input(0) == HT_NONE || node.output(0) == HT_NONE) return false;
    const ht_tensor_info type = graph.value(node.input(0)).info.type;
    if (type.known_rank == 0) return false;
    const auto rank = static_cast<std::int64_t>(type.rank);
    const auto bound = [&](const char *name, std::int64_t deflt) {
      const std::int64_t at = graph.attribute_int(node.handle, name, deflt);
      return std::clamp(at < 0 ? at + rank : at, std::int64_t{0}, rank);
    };
    const bool is_size = node.is("Size");
    const std::int64_t start = is_size ? 0 : bound("start", 0), end = is_size ? rank : bound("end", rank);
    std::vector<std::int64_t> extents;
    for (std::int64_t i = start; i < end; ++i) extents.push_back(type.shape[i]);
    if (std::ranges::any_of(extents, [](std::int64_t e) { return e < 0; })) return false;
    if (is_size) {
      std::int64_t product = 1;
      for (const std::int64_t e : extents) product *= e;
      extents = {product};
    }
    const std::int64_t count = static_cast<std::int64_t>(extents.size());
    extents.reserve(1);  // so that an empty shape has an address too
    ht_tensor_view view{};
    view.struct_size = sizeof(view);
    view.dtype = HT_I64;
    view.rank = is_size ? 0 : 1;
    view.shape = &count;
    view.data = extents.data();
    replace(graph, edit, node, {&view, 1});
    return true;
  }

  void fold(const sdk::Context &ctx, const sdk::Graph &graph, const sdk::GraphEdit &edit, const sdk::Node &node,
            Counts &counts) const {
    std::vector<ht_tensor_view> inputs;
    std::uint64_t input_bytes = 0;
    for (const ht_handle input : node.inputs()) {
      ht_tensor_view view{};
      view.struct_size = sizeof(view);
      if (input != HT_NONE) {
        const auto tensor = graph.initializer(input);
        if (!tensor) return;
        view = *tensor;
        input_bytes += bytes_of(view.dtype, sdk::shape_of(view));
      }
      inputs.push_back(view);
    }
    if (inputs.empty() || has_subgraphs(graph, node)) return;

    const PreparedKernel kernel(ctx, node.handle);
    Results results;
    results.infos.resize(node.outputs().size());
    for (ht_tensor_info &info : results.infos) info.struct_size = sizeof(info);
    if (!worked(kernel.status()) || !worked(kernel.infer(inputs, results.infos))) {
      ++counts.no_kernel;
      return;
    }
    if (const std::uint64_t bytes = results.bytes(); bytes > max_bytes_ && bytes > input_bytes) {
      ++counts.too_large;
      return;
    }
    results.allocate();
    if (!worked(kernel.run(inputs, results.views))) {
      ++counts.no_kernel;
      return;
    }
    replace(graph, edit, node, results.views);
    ++counts.folded;
  }

  // A node that a kernel refuses stays as it is: it may be fine on the device. Cancellation and lack of memory end the
  // pass.
  static bool worked(ht_status status) {
    if (status == HT_CANCELLED || status == HT_RESOURCE_EXHAUSTED) throw sdk::Failure::recorded(status);
    return status == HT_OK;
  }

  static bool has_subgraphs(const sdk::Graph &graph, const sdk::Node &node) {
    for (const char *name : {"body", "then_branch", "else_branch"}) {
      if (const auto a = graph.attribute(node.handle, name); a && a->kind == HT_ATTR_GRAPH) return true;
    }
    return false;
  }

  std::uint64_t max_bytes_;
  bool static_shapes_;
};
HALFTONE_PASS(ConstantFolding)

}  // namespace halftone::passes
