// 128-bit content digests (XXH3) that key caches, statistics and provenance. Not a security measure.
#pragma once

#include <compare>
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
  friend auto operator<=>(const Digest &, const Digest &) = default;
};

// The digest of a collection in no order: sum(a, b) == sum(b, a), and the empty collection's is Digest(). Addition
// modulo 2^128 (AdHash; Bellare and Micciancio, "A New Paradigm for Collision-Free Hashing", 1997).
Digest sum(const Digest &a, const Digest &b);

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
