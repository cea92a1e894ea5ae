// The inputs and outputs of a node as its kernel sees them. A model may give a node fewer or more than its operator
// has: what a kernel reads is there, or the node is refused.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <type_traits>

#include "halftone/status.hpp"
#include "halftone/tensor.h"

namespace halftone::sdk {

// A span of views or types, by slot. Access throws HT_INVALID_ARGUMENT naming the slot where the node has none, or
// where it is an input that the node leaves empty; ask present() first where the operator allows that. Iteration is
// unchecked.
template <typename T>
class KernelSlots {
 public:
  KernelSlots(T *data, std::size_t size) : slots_(data, size) {}
  KernelSlots(std::span<T> slots) : slots_(slots) {}
  template <typename Container>
  requires std::is_convertible_v<Container &, std::span<T>> KernelSlots(Container &slots) : slots_(slots) {}
  operator std::span<T>() const { return slots_; }

  std::size_t size() const { return slots_.size(); }
  bool empty() const { return slots_.empty(); }
  T *begin() const { return slots_.data(); }
  T *end() const { return slots_.data() + slots_.size(); }
  T &operator[](std::size_t slot) const {
    if (slot >= slots_.size()) missing(slot);
    if constexpr (kIsInput) {
      if (slots_[slot].dtype == HT_DTYPE_NONE) missing(slot);
    }
    return slots_[slot];
  }
  // What follows the first `count` slots, which must be there.
  std::span<T> subspan(std::size_t count) const {
    if (count > slots_.size()) missing(slots_.size());
    return slots_.subspan(count);
  }
  // For kernels that treat all further outputs alike.
  void require_at_most(std::size_t count) const {
    if (slots_.size() > count) {
      throw Failure(HT_INVALID_ARGUMENT, "it has " + std::to_string(slots_.size()) + kKind + "s; the operator has " +
                                             std::to_string(count) + " at most");
    }
  }

 private:
  static constexpr bool kIsInput = std::is_const_v<T>;
  static constexpr const char *kKind = kIsInput ? " input" : " output";
  [[noreturn]] static void missing(std::size_t slot) {
    throw Failure(HT_INVALID_ARGUMENT,
                  "it has no" + (kKind + (" " + std::to_string(slot))) + ", which the operator needs (counted from 0)");
  }
  std::span<T> slots_;
};

using KernelInputs = KernelSlots<const ht_tensor_view>;
using KernelTypes = KernelSlots<ht_tensor_info>;
using KernelOutputs = KernelSlots<ht_tensor_view>;

inline bool present(KernelInputs inputs, std::size_t slot) {
  return slot < inputs.size() && inputs.begin()[slot].dtype != HT_DTYPE_NONE;
}

}  // namespace halftone::sdk
