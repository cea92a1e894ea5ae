// ONNX's own tests: every one outside of a few exclusions must give the published outputs, on each executor.
#include <doctest/doctest.h>

#include <map>

#include "tests/unit/reference/onnx_suite.h"

namespace halftone::test {
namespace {

struct Expected {
  std::size_t all;       // tests in the package (libonnx-testdata 1.12)
  std::size_t excluded;  // at most
};

// Figures are those of docs/operators.md, which another test keeps up to date; here nothing may fail, and exclusions
// may not grow.
void check_suite(const std::string &suite, const std::string &executor, const Expected &expected) {
  const auto results = run_suite(suite, executor);
  if (!results) {
    MESSAGE("libonnx-testdata is not installed");
    return;
  }
  std::map<std::string, int> excluded;
  std::size_t skipped = 0;
  for (const SuiteResult &result : *results) {
    CHECK_MESSAGE(result.outcome != Outcome::kFailed, executor, ": ", result.name, ": ", result.reason);
    if (result.outcome != Outcome::kExcluded) continue;
    ++excluded[result.reason];
    ++skipped;
  }
  std::string reasons;
  for (const auto &[reason, count] : excluded) reasons += ", " + reason + " " + std::to_string(count);
  MESSAGE(executor, ", ", suite, ": ", results->size() - skipped, " of ", results->size(), " run", reasons);
  CHECK(results->size() >= expected.all);
  CHECK(skipped <= expected.excluded);
}

}  // namespace

TEST_CASE("onnx node tests") {
  check_suite("node", "reference", {932, 44});
  check_suite("node", "onednn", {932, 44});
}
TEST_CASE("onnx simple models") {
  check_suite("simple", "reference", {23, 16});
  check_suite("simple", "onednn", {23, 16});
}
TEST_CASE("onnx models converted from pytorch") {
  check_suite("pytorch-converted", "reference", {82, 0});
  check_suite("pytorch-converted", "onednn", {82, 0});
}
TEST_CASE("onnx operators exported from pytorch") {
  check_suite("pytorch-operator", "reference", {35, 0});
  check_suite("pytorch-operator", "onednn", {35, 0});
}

}  // namespace halftone::test
