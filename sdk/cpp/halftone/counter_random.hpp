// Random numbers by counter: what they are depends on the key alone, never on who asked before. So results of a pass do
// not depend on threads or on the order of its work.
#pragma once

#include <cstdint>

namespace halftone::sdk {

// The finalizer of Steele, Lea and Flood, Fast Splittable Pseudorandom Number Generators, 2014.
constexpr std::uint64_t mixed(std::uint64_t x) {
  x += 0x9E3779B97F4A7C15U;
  x = (x ^ (x >> 30U)) * 0xBF58476D1CE4E5B9U;
  x = (x ^ (x >> 27U)) * 0x94D049BB133111EBU;
  return x ^ (x >> 31U);
}
constexpr std::uint64_t mixed(std::uint64_t a, std::uint64_t b) {
  return mixed(mixed(a) ^ b);
}

// In [0, 1), with 24 bits.
constexpr float unit_float(std::uint64_t random) {
  return static_cast<float>(random >> 40U) * 0x1p-24F;
}
// In [0, 1), with 53 bits.
constexpr double unit_double(std::uint64_t random) {
  return static_cast<double>(random >> 11U) * 0x1p-53;
}
// Below `count`, which is below 2^32.
constexpr std::uint64_t below(std::uint64_t random, std::uint64_t count) {
  return ((random >> 32U) * count) >> 32U;
}

}  // namespace halftone::sdk
