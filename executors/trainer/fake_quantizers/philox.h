// Random numbers of a counter: Philox4x32-10 (Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3"). The
// numbers of a counter and a key are the same wherever and in whatever order they are asked for.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace halftone::trainer {

inline constexpr std::uint32_t kPhiloxMultiply[2] = {0xD2511F53U, 0xCD9E8D57U};
inline constexpr std::uint32_t kPhiloxWeyl[2] = {0x9E3779B9U, 0xBB67AE85U};

// `kLanes` counters at once, which the compiler makes vectors of: word w of counter l is words[w][l]. Inlined, so that
// it is compiled for the instruction set of its caller.
template <std::size_t kLanes>
[[gnu::always_inline]] inline void philox(std::uint32_t (&words)[4][kLanes], std::uint64_t key) {
  std::uint32_t k0 = static_cast<std::uint32_t>(key), k1 = static_cast<std::uint32_t>(key >> 32);
  for (int round = 0; round < 10; ++round) {
    for (std::size_t l = 0; l < kLanes; ++l) {
      const std::uint64_t a = std::uint64_t{words[0][l]} * kPhiloxMultiply[0];
      const std::uint64_t b = std::uint64_t{words[2][l]} * kPhiloxMultiply[1];
      words[0][l] = static_cast<std::uint32_t>(b >> 32) ^ words[1][l] ^ k0;
      words[2][l] = static_cast<std::uint32_t>(a >> 32) ^ words[3][l] ^ k1;
      words[1][l] = static_cast<std::uint32_t>(b);
      words[3][l] = static_cast<std::uint32_t>(a);
    }
    k0 += kPhiloxWeyl[0];
    k1 += kPhiloxWeyl[1];
  }
}

}  // namespace halftone::trainer
