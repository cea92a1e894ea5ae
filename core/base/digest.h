// 128-bit content digests (XXH3) that key caches, statistics and provenance. Not a security measure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace halftone {

struct Digest {
  std::uint64_t high = 0, low = 0;
  std::string hex() const;  // 32 lower-case digits
  friend bool operator==(const Digest &, const Digest &) = default;
};

class Digester {
 public:
  Digester();
  ~Digester();
  Digester(const Digester &) = delete;
  Digester &operator=(const Digester &) = delete;
  // Strings and numbers are length- and type-prefixed, so that ("ab","c") and ("a","bc") differ.
  Digester &add(std::span<const std::byte> bytes);
  Digester &add(std::string_view text);
  Digester &add(std::int64_t number);
  Digest finish() const;

 private:
  void *state_;
};

}  // namespace halftone
