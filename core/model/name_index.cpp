#include "core/model/name_index.h"

#include <functional>
#include <utility>

namespace halftone::model {

std::uint64_t NameIndex::hash_of(std::string_view name) {
  return std::hash<std::string_view>{}(name);
}

void NameIndex::place(Entry entry) {
  std::size_t i = home(entry.hash);
  while (entries_[i].handle != HT_NONE) i = next(i);
  entries_[i] = entry;
}

void NameIndex::grow() {
  const std::vector<Entry> old =
      std::exchange(entries_, std::vector<Entry>(entries_.empty() ? 16 : 2 * entries_.size()));
  for (const Entry &entry : old) {
    if (entry.handle != HT_NONE) place(entry);
  }
}

void NameIndex::insert(std::string_view name, Handle h) {
  if (2 * (used_ + 1) > entries_.size()) grow();
  place({hash_of(name), h});
  ++used_;
}

void NameIndex::erase(std::string_view name, Handle h) {
  if (entries_.empty()) return;
  const std::uint64_t hash = hash_of(name);
  std::size_t hole = home(hash);
  while (entries_[hole].handle != HT_NONE && !(entries_[hole].hash == hash && entries_[hole].handle == h))
    hole = next(hole);
  if (entries_[hole].handle == HT_NONE) return;
  --used_;
  // Move later entries of the run into the hole where their home allows it, so that no markers pile up.
  for (std::size_t i = next(hole); entries_[i].handle != HT_NONE; i = next(i)) {
    const std::size_t wanted = home(entries_[i].hash);
    const std::size_t mask = entries_.size() - 1;
    if (((i - wanted) & mask) >= ((i - hole) & mask)) {
      entries_[hole] = entries_[i];
      hole = i;
    }
  }
  entries_[hole] = Entry{};
}

}  // namespace halftone::model
