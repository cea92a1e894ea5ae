// Operator kernels in C++: one class per operator or small family, registered where it is defined.
//
//   class Relu {
//    public:
//     explicit Relu(const sdk::OpNode &node);                                        // reads attributes
//     void infer(sdk::KernelInputs inputs, sdk::KernelTypes outputs) const;          // types and shapes
//     void run(sdk::KernelInputs inputs, sdk::KernelOutputs outputs) const;          // values
//   };
//   HALFTONE_OP_KERNEL(Relu, "Relu", 13, 21)
//
// and once in each plug-in that has kernels: a component derived from OpKernels, with HALFTONE_OP_KERNELS(Class).
#pragma once

#include <cstdint>
#include <new>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "halftone/component.hpp"
#include "halftone/graph.hpp"
#include "halftone/kernel_slots.hpp"
#include "halftone/owned_tensor.hpp"

namespace halftone::sdk {

// What infer() throws when the output's shape depends on data that is not there: an answer, not an error.
inline Failure needs_data() {
  return Failure::recorded(HT_FAILED_PRECONDITION);
}

// Throws where an extent is negative, or where strides or bytes of the tensor would not fit 64 bits.
inline void require_extents(std::span<const std::int64_t> shape) {
  constexpr std::int64_t kMostElements = std::int64_t{1} << 56;  // of 128 bits at most
  std::int64_t elements = 1;                                     // were no axis empty
  for (const std::int64_t extent : shape) {
    if (extent < 0)
      throw Failure(HT_INVALID_ARGUMENT, "a tensor with an axis of " + std::to_string(extent) + " elements");
    if (extent > 0 && (__builtin_mul_overflow(elements, extent, &elements) || elements > kMostElements)) {
      throw Failure(HT_RESOURCE_EXHAUSTED, "a tensor of more elements than memory can hold");
    }
  }
}

// How errors name a node.
inline std::string label_of(const Node &node) {
  const std::string domain(node.domain().empty() ? "ai.onnx" : node.domain());
  return "node '" + std::string(node.name()) + "' (" + domain + " " + std::string(node.op_type()) + ", opset " +
         std::to_string(node.opset()) + ")";
}

// Results as errors say them: "[2, 3] (24 bytes)". `results`: ht_tensor_view or ht_tensor_info.
template <typename Results>
std::string sizes_of(const Results &results) {
  std::string text;
  for (const auto &result : results) {
    if (result.dtype == HT_DTYPE_NONE) continue;
    std::string shape;
    std::uint64_t bits = bits_of(result.dtype);
    for (std::uint32_t i = 0; i < result.rank; ++i) {
      shape += (i == 0 ? "" : ", ") + std::to_string(result.shape[i]);
      bits *= static_cast<std::uint64_t>(result.shape[i]);
    }
    text += (text.empty() ? "[" : ", [") + shape + "] (" + std::to_string((bits + 7) / 8) + " bytes)";
  }
  return text;
}

// Memory ran out for a node; its results are named as far as they are known.
template <typename Results>
Failure out_of_memory(const std::string &label, const Results &results) {
  const std::string sizes = sizes_of(results);
  return Failure(HT_RESOURCE_EXHAUSTED, label + ": out of memory" + (sizes.empty() ? "" : "; it makes " + sizes));
}

// Calls body(); what it throws names the node, and where memory ran out, what the node makes.
template <typename Body>
void named(const std::string &label, Body &&body, std::span<const ht_tensor_view> results = {}) {
  try {
    body();
  } catch (const Failure &failure) {
    if (*failure.what() == '\0') throw;
    throw Failure(failure.status(), label + ": " + failure.what(), failure.subject());
  } catch (const std::bad_alloc &) {
    throw out_of_memory(label, results);
  } catch (const std::length_error &) {  // a container asked for more than there could be
    throw out_of_memory(label, results);
  }
}

inline void set_type(ht_tensor_info &type, ht_dtype dtype, std::span<const std::int64_t> shape) {
  if (shape.size() > HT_MAX_RANK) throw Failure(HT_UNIMPLEMENTED, "a tensor of more than 16 axes");
  require_extents(shape);
  type.dtype = dtype;
  type.rank = static_cast<std::uint32_t>(shape.size());
  type.known_rank = 1;
  for (std::size_t i = 0; i < shape.size(); ++i) type.shape[i] = shape[i];
}

// A node while its kernel is prepared.
class OpNode {
 public:
  OpNode(const Context &ctx, ht_handle node) : graph_(ctx), node_(graph_.node(node)) {}
  const Graph &graph() const { return graph_; }
  const Node &node() const { return node_; }
  std::int64_t opset() const { return node_.opset(); }
  std::size_t input_count() const { return node_.inputs().size(); }
  std::size_t output_count() const { return node_.outputs().size(); }
  bool has_input(std::size_t slot) const { return node_.input(slot) != HT_NONE; }
  bool has_output(std::size_t slot) const { return node_.output(slot) != HT_NONE; }

  std::optional<ht_attr> attribute(std::string_view name) const { return graph_.attribute(node_.handle, name); }
  // Each getter throws where the model has the attribute as another kind: its value would be lost silently.
  std::int64_t integer(std::string_view name, std::int64_t deflt) const {
    const auto a = attribute_of(name, HT_ATTR_INT, "an integer");
    return a ? a->i : deflt;
  }
  double number(std::string_view name, double deflt) const {
    const auto a = attribute_of(name, HT_ATTR_FLOAT, "a float");
    return a ? a->f : deflt;
  }
  bool flag(std::string_view name, bool deflt) const { return integer(name, deflt ? 1 : 0) != 0; }
  std::string text(std::string_view name, std::string_view deflt) const {
    const auto a = attribute_of(name, HT_ATTR_STRING, "a string");
    return std::string(a ? view(a->s) : deflt);
  }
  std::vector<std::int64_t> integers(std::string_view name) const {
    return optional_integers(name).value_or(std::vector<std::int64_t>{});
  }
  std::optional<std::vector<std::int64_t>> optional_integers(std::string_view name) const {
    const auto a = attribute_of(name, HT_ATTR_INTS, "a list of integers");
    if (!a) return std::nullopt;
    return std::vector<std::int64_t>(a->ints.data, a->ints.data + a->ints.size);
  }
  std::vector<float> numbers(std::string_view name) const {
    const auto a = attribute_of(name, HT_ATTR_FLOATS, "a list of floats");
    if (!a) return {};
    return {a->floats, a->floats + a->float_count};
  }
  std::vector<std::string> texts(std::string_view name) const {
    std::vector<std::string> out;
    const auto a = attribute_of(name, HT_ATTR_STRINGS, "a list of strings");
    for (std::uint64_t i = 0; a && i < a->strings.size; ++i) out.emplace_back(view(a->strings.data[i]));
    return out;
  }
  // As far as it is known statically; HT_DTYPE_NONE otherwise.
  ht_dtype input_dtype(std::size_t slot) const {
    return has_input(slot) ? graph_.value(node_.input(slot)).info.type.dtype : HT_DTYPE_NONE;
  }
  // How errors name the node.
  std::string label() const { return label_of(node_); }

 private:
  std::optional<ht_attr> attribute_of(std::string_view name, std::uint32_t kind, const char *what) const {
    auto a = attribute(name);
    if (a && a->kind != kind) {
      throw Failure(HT_INVALID_ARGUMENT, "its attribute '" + std::string(name) + "' is not " + what);
    }
    return a;
  }
  Graph graph_;
  Node node_;
};

// The C functions of one kernel class.
template <typename Kernel>
class OpKernelSlots {
 public:
  static ht_status HT_CALL prepare(const ht_host *raw_host, ht_ctx *raw, ht_handle node, void **state) noexcept {
    return guarded(raw_host, raw, [&] {
      const Host host(raw_host);
      const Context ctx(host, raw);
      const OpNode op(ctx, node);
      named(op.label(), [&] {
        std::vector<bool> named_outputs;
        for (std::size_t i = 0; i < op.output_count(); ++i) named_outputs.push_back(op.has_output(i));
        *state = new State{raw_host, op.label(), std::move(named_outputs), Kernel(op)};
      });
    });
  }
  static void HT_CALL release(void *state) noexcept { delete static_cast<State *>(state); }
  static ht_status HT_CALL infer(const void *state, ht_ctx *raw, const ht_tensor_view *inputs,
                                 std::uint64_t input_count, ht_tensor_info *outputs,
                                 std::uint64_t output_count) noexcept {
    const auto *self = static_cast<const State *>(state);
    return guarded(self->host, raw, [&] {
      named(self->label, [&] {
        for (std::uint64_t i = 0; i < output_count; ++i) outputs[i].dtype = HT_DTYPE_NONE;
        const KernelTypes types(outputs, static_cast<std::size_t>(output_count));
        self->kernel.infer({inputs, static_cast<std::size_t>(input_count)}, types);
        for (std::size_t i = 0; i < types.size() && i < self->named_outputs.size(); ++i) {
          if (self->named_outputs[i] && types[i].dtype == HT_DTYPE_NONE) {
            throw Failure(HT_INVALID_ARGUMENT, "the operator has no output " + std::to_string(i) + " (counted from 0)");
          }
        }
      });
    });
  }
  static ht_status HT_CALL run(const void *state, ht_ctx *raw, const ht_tensor_view *inputs, std::uint64_t input_count,
                               ht_tensor_view *outputs, std::uint64_t output_count) noexcept {
    const auto *self = static_cast<const State *>(state);
    return guarded(self->host, raw, [&] {
      named(self->label,
            [&] {
              self->kernel.run({inputs, static_cast<std::size_t>(input_count)},
                               {outputs, static_cast<std::size_t>(output_count)});
            },
            {outputs, static_cast<std::size_t>(output_count)});
    });
  }

 private:
  struct State {
    const ht_host *host;
    std::string label;
    std::vector<bool> named_outputs;
    Kernel kernel;
  };
};

}  // namespace halftone::sdk

extern "C" {
__attribute__((visibility("hidden"))) extern const ht_op_kernel *const __start_ht_op_kernels[];
__attribute__((visibility("hidden"))) extern const ht_op_kernel *const __stop_ht_op_kernels[];
}

namespace halftone::sdk {

// Derive, define describe() and a constructor from Args. The table is what HALFTONE_OP_KERNEL collected.
class OpKernels {
 public:
  static constexpr std::uint32_t kKind = HT_KIND_OP_KERNELS;
  static constexpr const char *kRole = HT_OP_KERNELS_1;

  template <typename T>
  static const ht_op_kernels *role_table() {
    static const ht_op_kernels table = {sizeof(ht_op_kernels), 0, __start_ht_op_kernels,
                                        static_cast<std::uint64_t>(__stop_ht_op_kernels - __start_ht_op_kernels)};
    return &table;
  }
};

}  // namespace halftone::sdk

#define HALFTONE_OP_KERNELS(Class) HALFTONE_COMPONENT(Class)

#define HALFTONE_JOIN_(a, b) a##b
#define HALFTONE_JOIN(a, b) HALFTONE_JOIN_(a, b)

// One entry in the plug-in's kernel list, from any of its source files. `since` and `until` are opsets, both inclusive.
// A family registers one class several times.
#define HALFTONE_OP_KERNEL_OF(domain_id, Class, op_type_id, since, until) \
  HALFTONE_OP_KERNEL_NUMBERED(__COUNTER__, domain_id, Class, op_type_id, since, until)
#define HALFTONE_OP_KERNEL_NUMBERED(number, domain_id, Class, op_type_id, since, until)                            \
  namespace {                                                                                                      \
  constexpr ht_op_kernel HALFTONE_JOIN(halftone_op_kernel_, number) = {                                            \
      sizeof(ht_op_kernel),                                                                                        \
      0,                                                                                                           \
      domain_id,                                                                                                   \
      op_type_id,                                                                                                  \
      since,                                                                                                       \
      until,                                                                                                       \
      &::halftone::sdk::OpKernelSlots<Class>::prepare,                                                             \
      &::halftone::sdk::OpKernelSlots<Class>::release,                                                             \
      &::halftone::sdk::OpKernelSlots<Class>::infer,                                                               \
      &::halftone::sdk::OpKernelSlots<Class>::run};                                                                \
  __attribute__((used, section("ht_op_kernels")))                                                                  \
  const ht_op_kernel *const HALFTONE_JOIN(halftone_op_kernel_entry_, number) = &HALFTONE_JOIN(halftone_op_kernel_, \
                                                                                              number);             \
  }
#define HALFTONE_OP_KERNEL(Class, op_type_id, since, until) HALFTONE_OP_KERNEL_OF("", Class, op_type_id, since, until)
