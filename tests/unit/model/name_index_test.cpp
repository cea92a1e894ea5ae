#include "core/model/name_index.h"

#include <doctest/doctest.h>
#include <fmt/core.h>

#include <map>
#include <random>
#include <set>
#include <string>

namespace halftone::model {

TEST_CASE("the index agrees with a plain map under random edits") {
  std::mt19937 random(7);
  NameIndex index;
  std::multimap<std::string, Handle> plain;
  for (Handle h = 1; h <= 20000; ++h) {
    const std::string name = fmt::format("v{}", random() % 500);
    if (random() % 2 == 0) {
      index.insert(name, h);
      plain.emplace(name, h);
    } else if (const auto found = plain.find(name); found != plain.end()) {
      index.erase(name, found->second);
      plain.erase(found);
    }
    index.erase("never inserted", h);
  }
  for (int i = 0; i < 500; ++i) {
    const std::string name = fmt::format("v{}", i);
    std::set<Handle> listed, wanted;
    index.find(name, [&](Handle h) {
      listed.insert(h);
      return false;
    });
    const auto [first, last] = plain.equal_range(name);
    for (auto it = first; it != last; ++it) wanted.insert(it->second);
    CHECK(listed == wanted);
  }
}

}  // namespace halftone::model
