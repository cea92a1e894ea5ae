// Keeps what stays resident of memory-mapped weights small while they are read one after the other.
//
// The pages of a map that were read once count as memory of the process until it gives them back. They are clean copies
// of the file, so giving them back costs a later reader a page fault and nothing else.
#pragma once

#include <cstddef>
#include <span>

namespace halftone {

inline constexpr std::size_t kResidentWindow = std::size_t{256} << 20U;  // bytes

// Tells that `bytes` are about to be read, from any thread. When more than kResidentWindow bytes of mapped files were
// announced since the last time, all pages of the mapped files are given back but those of `bytes`. Bytes of no mapped
// file are ignored.
void announce_read(std::span<const std::byte> bytes);

// Gives the pages of `bytes` back, when they lie in a mapped file and the maps do not fit into the window.
void give_back(std::span<const std::byte> bytes);

// A file's map, from its making to its end.
void add_map(std::span<const std::byte> map);
void remove_map(std::span<const std::byte> map);

}  // namespace halftone
