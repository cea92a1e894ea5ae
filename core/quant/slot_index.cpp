#include "core/quant/slot_index.h"

#include <algorithm>
#include <utility>

namespace halftone::quant {

std::size_t SlotIndex::home(const SlotKey &key) const noexcept {
  // Multiplication by odd constants spreads the consecutive numbers that handles and slots are.
  const std::uint64_t slot = (std::uint64_t{key.slot} << 1) | (key.is_output ? 1U : 0U);
  const std::uint64_t mixed = key.node * 0x9E3779B97F4A7C15U ^ slot * 0xC2B2AE3D27D4EB4FU;
  return static_cast<std::size_t>(mixed ^ (mixed >> 32)) & (entries_.size() - 1);
}

std::size_t SlotIndex::position(const SlotKey &key) const noexcept {
  std::size_t at = home(key);
  while (entries_[at].handle != HT_NONE && !(entries_[at].key == key)) at = (at + 1) & (entries_.size() - 1);
  return at;
}

ht_handle SlotIndex::find(const SlotKey &key) const noexcept {
  return entries_.empty() ? HT_NONE : entries_[position(key)].handle;
}

void SlotIndex::insert(const SlotKey &key, ht_handle handle) {
  if (2 * (used_ + 1) > entries_.size()) {
    const std::vector<Entry> before =
        std::exchange(entries_, std::vector<Entry>(std::max<std::size_t>(16, 2 * entries_.size())));
    for (const Entry &entry : before) {
      if (entry.handle != HT_NONE) entries_[position(entry.key)] = entry;
    }
  }
  entries_[position(key)] = {key, handle};
  ++used_;
}

void SlotIndex::erase(const SlotKey &key) noexcept {
  if (find(key) == HT_NONE) return;
  const std::size_t mask = entries_.size() - 1;
  std::size_t hole = position(key);
  // Entries behind the hole move into it unless their search starts after it.
  for (std::size_t at = (hole + 1) & mask; entries_[at].handle != HT_NONE; at = (at + 1) & mask) {
    const std::size_t from_home = (at - home(entries_[at].key)) & mask;
    if (from_home < ((at - hole) & mask)) continue;
    entries_[hole] = entries_[at];
    hole = at;
  }
  entries_[hole] = {};
  --used_;
}

}  // namespace halftone::quant
