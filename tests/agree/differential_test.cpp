// Single operators with shapes, attributes and element types by dice: what plain kernels compute, the executor onednn
// computes; what they refuse, it refuses.
#include <doctest/doctest.h>

#include <map>
#include <optional>

#include "core/base/error.h"
#include "tests/agree/dice.h"

namespace halftone::test {
namespace {

constexpr std::uint64_t kCases = 10000;

// Nothing when the case is refused.
std::optional<Emitted> outcome(Net &net, const char *executor, std::string &refusal) {
  try {
    return Runner(net.working, {.executor = executor}).run(net.sample(5));
  } catch (const Error &error) {
    refusal = error.message();
    return std::nullopt;
  }
}

}  // namespace

TEST_CASE("operators by dice agree") {
  std::uint64_t refused = 0;
  std::map<std::string, std::uint64_t> operators;
  for (std::uint64_t seed = 1; seed <= kCases; ++seed) {
    DiceCase test = roll_case(seed);
    INFO("seed ", seed, ": ", test.what);
    std::string reason, other_reason;
    const auto want = outcome(test.net, "reference", reason);
    const auto got = outcome(test.net, "onednn", other_reason);
    CHECK_MESSAGE(want.has_value() == got.has_value(), reason, other_reason);
    refused += want ? 0 : 1;
    ++operators[test.what.substr(0, test.what.find(' '))];
    if (want && got) CHECK(disagreement(test.net.working.model, *got, *want, {}) == "");
  }
  CHECK(operators.size() > 40);
  CHECK(refused < kCases / 50);  // or the dice make no sense
}

}  // namespace halftone::test
