// Gradients of operators in C++: one class per operator or small family, registered where it is defined.
//
//   class ReluGradient {
//    public:
//     static constexpr sdk::GradientUse kUse = {.reads_outputs = sdk::slots(0), .differentiates = sdk::slots(0)};
//     explicit ReluGradient(const sdk::OpNode &node);                     // reads attributes
//     void backward(const sdk::Backward &pass) const;                     // gradients of inputs from those of outputs
//   };
//   HALFTONE_OP_GRADIENT(ReluGradient, "Relu", 13, 21)
//
// and once in each plug-in that has gradients: a component derived from OpGradients, with HALFTONE_OP_GRADIENTS(Class).
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <string>
#include <utility>

#include "halftone/op_gradient.h"
#include "halftone/op_kernel.hpp"

namespace halftone::sdk {

// Sets of slots, as the fields of ht_op_gradient have them: bit 63 stands for slot 63 and all after it.
template <typename... Slots>
constexpr std::uint64_t slots(Slots... numbers) {
  return (std::uint64_t{0} | ... | (std::uint64_t{1} << (numbers < 63 ? numbers : 63)));
}
constexpr std::uint64_t slots_from(unsigned first) {
  return ~std::uint64_t{0} << (first < 63 ? first : 63);
}
constexpr bool has_slot(std::uint64_t set, std::size_t slot) {
  return (set >> std::min<std::size_t>(slot, 63) & 1) != 0;
}

// What a gradient reads, and the inputs that it is a gradient of.
struct GradientUse {
  std::uint64_t reads_inputs = 0, reads_outputs = 0, differentiates = 0;
};

// The arguments of one call. Data that the class does not declare in kUse is refused even where it is at hand: another
// caller would not have kept it.
class Backward {
 public:
  Backward(const GradientUse &use, KernelInputs ins, KernelInputs outs, const ht_tensor_view *output_gradients,
           const ht_tensor_view *input_gradients)
      : use_(use), inputs_(ins), outputs_(outs), dy_(output_gradients), dx_(input_gradients) {}

  // Types and shapes of all slots; data is there only of what is declared.
  KernelInputs inputs() const { return inputs_; }
  std::size_t input_count() const { return inputs_.size(); }
  std::size_t output_count() const { return outputs_.size(); }
  bool has_input(std::size_t slot) const { return present(inputs_, slot); }
  ht_dtype input_dtype(std::size_t slot) const { return inputs_[slot].dtype; }
  ht_dtype output_dtype(std::size_t slot) const { return outputs_[slot].dtype; }
  std::span<const std::int64_t> input_shape(std::size_t slot) const { return shape_of(inputs_[slot]); }
  std::span<const std::int64_t> output_shape(std::size_t slot = 0) const { return shape_of(outputs_[slot]); }

  // Data of the forward run: views of any type, and float32 values.
  const ht_tensor_view &input(std::size_t slot) const {
    return checked(inputs_[slot], use_.reads_inputs, slot, "input");
  }
  const ht_tensor_view &output(std::size_t slot = 0) const {
    return checked(outputs_[slot], use_.reads_outputs, slot, "output");
  }
  std::span<const float> x(std::size_t slot = 0) const { return floats(input(slot)); }
  std::span<const float> y(std::size_t slot = 0) const { return floats(output(slot)); }

  // Whether a gradient arrives at an output, and which; without one it is zeros.
  bool arrives(std::size_t slot = 0) const { return slot < outputs_.size() && dy_[slot].dtype != HT_DTYPE_NONE; }
  std::span<const float> dy(std::size_t slot = 0) const {
    if (!arrives(slot)) throw Failure(HT_INTERNAL, "no gradient arrives at output " + std::to_string(slot));
    return floats(dy_[slot]);
  }
  // Whether the gradient of an input is asked for, and where it goes. It is to be overwritten as a whole.
  bool wants(std::size_t slot = 0) const {
    return slot < inputs_.size() && has_slot(use_.differentiates, slot) && dx_[slot].dtype != HT_DTYPE_NONE;
  }
  std::span<float> dx(std::size_t slot = 0) const {
    return {static_cast<float *>(dx_[slot].data), static_cast<std::size_t>(count_of(dx_[slot]))};
  }

 private:
  static const ht_tensor_view &checked(const ht_tensor_view &t, std::uint64_t declared, std::size_t slot,
                                       const char *what) {
    const std::string name = std::string(what) + " " + std::to_string(slot);
    if (!has_slot(declared, slot))
      throw Failure(HT_INTERNAL, "its gradient reads " + name + ", which it does not declare");
    if (t.data == nullptr && count_of(t) != 0) {
      throw Failure(HT_INVALID_ARGUMENT, "its gradient needs the data of " + name + ", which is not there");
    }
    return t;
  }
  static std::span<const float> floats(const ht_tensor_view &t) {
    if (t.dtype != HT_F32) throw Failure(HT_UNIMPLEMENTED, "gradients are computed of float32 alone");
    return {static_cast<const float *>(t.data), static_cast<std::size_t>(count_of(t))};
  }
  const GradientUse &use_;
  KernelInputs inputs_, outputs_;
  const ht_tensor_view *dy_, *dx_;
};

// The C functions of one gradient class.
template <typename Gradient>
class OpGradientSlots {
 public:
  static ht_status HT_CALL prepare(const ht_host *raw_host, ht_ctx *raw, ht_handle node, void **state) noexcept {
    return guarded(raw_host, raw, [&] {
      const Host host(raw_host);
      const Context ctx(host, raw);
      const OpNode op(ctx, node);
      named(op.label(), [&] { *state = new State{raw_host, op.label(), Gradient(op)}; });
    });
  }
  static void HT_CALL release(void *state) noexcept { delete static_cast<State *>(state); }
  static ht_status HT_CALL backward(const void *state, ht_ctx *raw, const ht_tensor_view *inputs,
                                    std::uint64_t input_count, const ht_tensor_view *outputs,
                                    std::uint64_t output_count, const ht_tensor_view *output_gradients,
                                    ht_tensor_view *input_gradients) noexcept {
    const auto *self = static_cast<const State *>(state);
    return guarded(self->host, raw, [&] {
      const std::span<const ht_tensor_view> wanted(input_gradients, static_cast<std::size_t>(input_count));
      named(
          self->label,
          [&] {
            require_floats(wanted, "wanted gradient");
            const std::span<const ht_tensor_view> given(output_gradients, static_cast<std::size_t>(output_count));
            require_floats(given, "given gradient");
            const bool any = std::ranges::any_of(given, [](const auto &t) { return t.dtype != HT_DTYPE_NONE; });
            clear(wanted, any ? ~Gradient::kUse.differentiates : ~std::uint64_t{0});
            if (!any) return;
            self->gradient.backward(Backward(Gradient::kUse, {inputs, static_cast<std::size_t>(input_count)},
                                             {outputs, static_cast<std::size_t>(output_count)}, output_gradients,
                                             input_gradients));
          },
          wanted);
    });
  }

 private:
  struct State {
    const ht_host *host;
    std::string label;
    Gradient gradient;
  };
  static void require_floats(std::span<const ht_tensor_view> views, const char *what) {
    for (const ht_tensor_view &view : views) {
      if (view.dtype == HT_DTYPE_NONE) continue;
      if (view.dtype != HT_F32 || (view.data == nullptr && count_of(view) != 0)) {
        throw Failure(HT_INVALID_ARGUMENT, std::string("a ") + what + " is not of float32, or has no data");
      }
    }
  }
  // What is constant, and everything where nothing arrives, has a gradient of zeros.
  static void clear(std::span<const ht_tensor_view> wanted, std::uint64_t set) {
    for (std::size_t i = 0; i < wanted.size(); ++i) {
      if (wanted[i].dtype == HT_DTYPE_NONE || !has_slot(set, i)) continue;
      std::fill_n(static_cast<float *>(wanted[i].data), count_of(wanted[i]), 0.0F);
    }
  }
};

}  // namespace halftone::sdk

extern "C" {
__attribute__((visibility("hidden"))) extern const ht_op_gradient *const __start_ht_op_gradients[];
__attribute__((visibility("hidden"))) extern const ht_op_gradient *const __stop_ht_op_gradients[];
}

namespace halftone::sdk {

// Derive, define describe() and a constructor from Args. The table is what HALFTONE_OP_GRADIENT collected.
class OpGradients {
 public:
  static constexpr std::uint32_t kKind = HT_KIND_OP_GRADIENTS;
  static constexpr const char *kRole = HT_OP_GRADIENTS_1;

  template <typename T>
  static const ht_op_gradients *role_table() {
    static const ht_op_gradients table = {sizeof(ht_op_gradients), 0, __start_ht_op_gradients,
                                          static_cast<std::uint64_t>(__stop_ht_op_gradients - __start_ht_op_gradients)};
    return &table;
  }
};

}  // namespace halftone::sdk

#define HALFTONE_OP_GRADIENTS(Class) HALFTONE_COMPONENT(Class)

// One entry in the plug-in's list of gradients, from any of its source files. `since` and `until` are opsets, both
// inclusive. A family registers one class several times.
#define HALFTONE_OP_GRADIENT_OF(domain_id, Class, op_type_id, since, until) \
  HALFTONE_OP_GRADIENT_NUMBERED(__COUNTER__, domain_id, Class, op_type_id, since, until)
#define HALFTONE_OP_GRADIENT_NUMBERED(number, domain_id, Class, op_type_id, since, until)            \
  namespace {                                                                                        \
  constexpr ht_op_gradient HALFTONE_JOIN(halftone_op_gradient_, number) = {                          \
      sizeof(ht_op_gradient),                                                                        \
      0,                                                                                             \
      domain_id,                                                                                     \
      op_type_id,                                                                                    \
      since,                                                                                         \
      until,                                                                                         \
      Class::kUse.reads_inputs,                                                                      \
      Class::kUse.reads_outputs,                                                                     \
      Class::kUse.differentiates,                                                                    \
      &::halftone::sdk::OpGradientSlots<Class>::prepare,                                             \
      &::halftone::sdk::OpGradientSlots<Class>::release,                                             \
      &::halftone::sdk::OpGradientSlots<Class>::backward};                                           \
  __attribute__((used, section("ht_op_gradients")))                                                  \
  const ht_op_gradient *const HALFTONE_JOIN(halftone_op_gradient_entry_,                             \
                                            number) = &HALFTONE_JOIN(halftone_op_gradient_, number); \
  }
#define HALFTONE_OP_GRADIENT(Class, op_type_id, since, until) \
  HALFTONE_OP_GRADIENT_OF("", Class, op_type_id, since, until)
