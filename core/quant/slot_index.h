// From slots to handles: a hash table in one block of memory, so that copying it costs a memcpy. A transaction that
// adds a config copies the index of the whole model.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "halftone/base.h"

namespace halftone::quant {

// Where a config sits.
struct SlotKey {
  ht_handle node = HT_NONE;
  bool is_output = false;
  std::uint32_t slot = 0;
  friend bool operator==(const SlotKey &, const SlotKey &) = default;
};

class SlotIndex {
 public:
  ht_handle find(const SlotKey &key) const noexcept;  // HT_NONE when absent
  void insert(const SlotKey &key, ht_handle handle);  // the key must be absent, the handle not HT_NONE
  void erase(const SlotKey &key) noexcept;

 private:
  struct Entry {
    SlotKey key;
    ht_handle handle = HT_NONE;  // HT_NONE: free
  };
  // Linear probing in a power of two of entries, at most half of which are used: the first is where the hash says.
  std::size_t home(const SlotKey &key) const noexcept;
  std::size_t position(const SlotKey &key) const noexcept;  // of the key, or of the free entry where it would go

  std::vector<Entry> entries_;
  std::size_t used_ = 0;
};

}  // namespace halftone::quant
