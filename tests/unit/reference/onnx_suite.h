// ONNX's own tests (Debian's libonnx-testdata), run on an executor and compared with the published outputs.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace halftone::test {

enum class Outcome { kPassed, kExcluded, kFailed };

struct SuiteResult {
  std::string name;
  std::vector<std::string> operators;  // of the model and its bodies, those of other domains with their domain
  Outcome outcome = Outcome::kFailed;
  std::string reason;  // why it is excluded or what failed; for kExcluded one of a few fixed words
};

// All tests of a folder of the package, in the order of their names; nothing where the package is not installed.
std::optional<std::vector<SuiteResult>> run_suite(const std::string &suite, const std::string &executor);

// Why an operator is not offered, or nothing. ai.onnx's without domain, others as "domain Operator".
std::optional<std::string> exclusion_of(const std::string &op);
// All of them.
std::vector<std::string> excluded_operators();

}  // namespace halftone::test
