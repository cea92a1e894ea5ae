#include "shared_constants.h"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <map>
#include <mutex>

namespace halftone::onednn {
namespace {

constexpr std::size_t kWorthSharing = 4096;     // bytes; smaller ones are copied for each session
constexpr std::size_t kWorthHolding = 1 << 20;  // bytes; smaller ones are copied to where vector code likes them

// A tensor of a file may begin anywhere.
bool is_aligned(const ht_tensor_view &tensor) {
  return reinterpret_cast<std::uintptr_t>(tensor.data) % bytes_of(tensor.dtype, 1) == 0;
}

ConstantPtr held_constant(const sdk::HeldTensor &tensor) {
  auto constant = std::make_shared<Constant>();
  const ht_tensor_view &view = tensor.view();
  constant->layout = plain_layout(view.dtype, Shape(view.shape, view.shape + view.rank));
  constant->data = tensor.bytes();
  constant->held = tensor;
  return constant;
}

// Nothing here keeps anything alive: what no session holds any more is forgotten.
struct Registry {
  struct Layout {
    Desc source, wanted;
    std::weak_ptr<std::byte> data;
  };
  struct Entry {
    std::weak_ptr<const Constant> constant;
    std::vector<Layout> layouts;
  };
  std::mutex mutex;
  std::map<const void *, Entry> by_origin;             // where the tensor is in the model
  std::map<const Constant *, const void *> origin_of;  // of the constants above
  void forget_expired() {
    std::erase_if(origin_of, [&](const auto &item) { return by_origin[item.second].constant.expired(); });
    std::erase_if(by_origin, [](const auto &item) { return item.second.constant.expired(); });
  }
  Entry *entry_of(const ConstantPtr &constant) {
    const auto origin = origin_of.find(constant.get());
    if (origin == origin_of.end()) return nullptr;
    Entry &entry = by_origin[origin->second];
    return entry.constant.lock() == constant ? &entry : nullptr;
  }
};

Registry &registry() {
  static Registry one;
  return one;
}

}  // namespace

ConstantPtr shared_constant(const sdk::HeldTensor &held) {
  const ht_tensor_view &tensor = held.view();
  const Shape shape(tensor.shape, tensor.shape + tensor.rank);
  const std::size_t bytes = bytes_of(tensor.dtype, count_of(shape));
  if (bytes < kWorthSharing) return copy_constant(tensor);
  Registry &all = registry();
  const std::lock_guard lock(all.mutex);
  if (const auto found = all.by_origin.find(tensor.data); found != all.by_origin.end()) {
    const ConstantPtr known = found->second.constant.lock();
    if (known && known->layout.dtype == tensor.dtype && known->layout.shape == shape &&
        (known->data.get() == tensor.data || std::memcmp(known->data.get(), tensor.data, bytes) == 0))
      return known;
  }
  all.forget_expired();
  ConstantPtr made = bytes >= kWorthHolding && is_aligned(tensor) ? held_constant(held) : copy_constant(tensor);
  Registry::Entry &entry = all.by_origin[tensor.data];
  if (const ConstantPtr replaced = entry.constant.lock()) all.origin_of.erase(replaced.get());
  entry = {made, {}};
  all.origin_of[made.get()] = tensor.data;
  return made;
}

Bytes find_layout(const ConstantPtr &constant, const Desc &source, const Desc &wanted) {
  Registry &all = registry();
  const std::lock_guard lock(all.mutex);
  const Registry::Entry *entry = all.entry_of(constant);
  if (entry == nullptr) return nullptr;
  for (const Registry::Layout &layout : entry->layouts) {
    if (layout.source == source && layout.wanted == wanted) {
      if (Bytes data = layout.data.lock()) return data;
    }
  }
  return nullptr;
}

void keep_layout(const ConstantPtr &constant, const Desc &source, const Desc &wanted, const Bytes &data) {
  Registry &all = registry();
  const std::lock_guard lock(all.mutex);
  Registry::Entry *entry = all.entry_of(constant);
  if (entry == nullptr) return;
  std::erase_if(entry->layouts, [](const Registry::Layout &layout) { return layout.data.expired(); });
  entry->layouts.push_back({source, wanted, data});
}

}  // namespace halftone::onednn
