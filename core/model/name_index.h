// From names to handles, flat in memory so that copying a model copies it in one sweep.
//
// It stores only hashes; whoever asks compares the names of the few candidates. Objects of one name in different graphs
// are all candidates.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "core/model/handle.h"

namespace halftone::model {

class NameIndex {
 public:
  void insert(std::string_view name, Handle h);
  void erase(std::string_view name, Handle h);

  // The first candidate that `accept` takes, or HT_NONE.
  template <typename Accept>
  Handle find(std::string_view name, Accept accept) const {
    if (entries_.empty()) return HT_NONE;
    const std::uint64_t hash = hash_of(name);
    for (std::size_t i = home(hash); entries_[i].handle != HT_NONE; i = next(i)) {
      if (entries_[i].hash == hash && accept(entries_[i].handle)) return entries_[i].handle;
    }
    return HT_NONE;
  }

 private:
  struct Entry {
    std::uint64_t hash = 0;
    Handle handle = HT_NONE;
  };
  static std::uint64_t hash_of(std::string_view name);
  std::size_t home(std::uint64_t hash) const { return static_cast<std::size_t>(hash) & (entries_.size() - 1); }
  std::size_t next(std::size_t i) const { return (i + 1) & (entries_.size() - 1); }
  void place(Entry entry);
  void grow();

  std::vector<Entry> entries_;  // open addressing; the size is a power of two, at most half of it in use
  std::size_t used_ = 0;
};

}  // namespace halftone::model
