#include <doctest/doctest.h>

#include <cstdint>
#include <map>
#include <random>
#include <tuple>

#include "core/quant/slot_index.h"

namespace halftone::quant {
namespace {

TEST_CASE("random insertions and removals leave what a map holds") {
  std::mt19937 random(1);
  for (int round = 0; round < 20; ++round) {
    SlotIndex index;
    std::map<std::tuple<ht_handle, bool, std::uint32_t>, ht_handle> expected;
    // Few distinct keys, so that the same ones come and go; the high bits are those of real handles.
    const auto random_key = [&] {
      return SlotKey{(ht_handle{3} << 56) | (random() % 40), random() % 2 == 0,
                     static_cast<std::uint32_t>(random() % 4)};
    };
    for (ht_handle step = 1; step <= 2000; ++step) {
      const SlotKey key = random_key();
      const auto known = expected.find({key.node, key.is_output, key.slot});
      REQUIRE(index.find(key) == (known == expected.end() ? HT_NONE : known->second));
      if (known != expected.end()) {
        index.erase(key);
        index.erase(key);  // the second one finds nothing
        expected.erase(known);
      } else if (random() % 3 != 0) {
        index.insert(key, step);
        expected[{key.node, key.is_output, key.slot}] = step;
      }
    }
    for (const auto &[key, handle] : expected) {
      CHECK(index.find({std::get<0>(key), std::get<1>(key), std::get<2>(key)}) == handle);
    }
  }
}

}  // namespace
}  // namespace halftone::quant
