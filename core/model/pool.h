// Storage of graph objects behind handles, shared between copies of a model until one of them edits an object.
//
// Copying a pool copies pointers; an object is cloned when it is edited while another copy still holds it. That is what
// makes the working copy of a transaction cheap.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "core/model/handle.h"

namespace halftone::model {

template <typename T>
class Pool {
 public:
  Handle add(HandleKind kind, T object) {
    std::uint32_t index = 0;
    if (free_.empty()) {
      index = static_cast<std::uint32_t>(slots_.size());
      slots_.emplace_back();
    } else {
      index = free_.back();
      free_.pop_back();
    }
    Slot &slot = slots_[index];
    slot.object = std::make_shared<T>(std::move(object));
    return make_handle(kind, slot.generation, index);
  }

  // The handle must be alive. A slot whose generations are used up is never filled again.
  void remove(Handle h) {
    Slot &slot = slots_[handle_index(h)];
    slot.object.reset();
    if (++slot.generation <= kLastGeneration) free_.push_back(handle_index(h));
  }

  const T *find(HandleKind kind, Handle h) const noexcept {
    if (handle_kind(h) != kind || handle_index(h) >= slots_.size()) return nullptr;
    const Slot &slot = slots_[handle_index(h)];
    return slot.generation == handle_generation(h) ? slot.object.get() : nullptr;
  }

  T *edit(HandleKind kind, Handle h) {
    if (find(kind, h) == nullptr) return nullptr;
    std::shared_ptr<T> &object = slots_[handle_index(h)].object;
    if (object.use_count() > 1) object = std::make_shared<T>(std::as_const(*object));
    // The last other holder may just have let go in another thread: what it read must come before what we write.
    std::atomic_thread_fence(std::memory_order_acquire);
    return object.get();
  }

  // Every handle's index is below this.
  std::size_t size() const noexcept { return slots_.size(); }

 private:
  friend class ModelImage;

  static constexpr std::uint32_t kLastGeneration = 0xFFFFFFU;
  struct Slot {
    std::shared_ptr<T> object;
    std::uint32_t generation = 0;
  };
  std::vector<Slot> slots_;
  std::vector<std::uint32_t> free_;
};

}  // namespace halftone::model
