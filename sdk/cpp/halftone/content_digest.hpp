// 64 bits that tell contents apart: FNV-1a (Fowler, Noll, Vo) over words, each mixed first. Against mistakes, not
// against forgery.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>

#include "halftone/counter_random.hpp"

namespace halftone::sdk {

class ContentDigest {
 public:
  void add(std::uint64_t word) { value_ = (value_ ^ mixed(word)) * 0x100000001b3U; }
  void add(double number) {
    std::uint64_t word = 0;
    std::memcpy(&word, &number, sizeof(word));
    add(word);
  }
  void add(std::span<const std::byte> bytes) {
    add(static_cast<std::uint64_t>(bytes.size()));
    while (!bytes.empty()) {
      std::uint64_t word = 0;
      const std::size_t part = bytes.size() < sizeof(word) ? bytes.size() : sizeof(word);
      std::memcpy(&word, bytes.data(), part);
      add(word);
      bytes = bytes.subspan(part);
    }
  }
  void add(std::string_view text) { add(std::as_bytes(std::span(text.data(), text.size()))); }
  std::uint64_t value() const { return value_; }

 private:
  std::uint64_t value_ = 0xcbf29ce484222325U;
};

}  // namespace halftone::sdk
