#include "tests/unit/reference/operator_table.h"

#include <fmt/core.h>

#include <algorithm>
#include <map>
#include <set>
#include <vector>

#include "tests/unit/reference/model_runner.h"
#include "tests/unit/reference/onnx_suite.h"

namespace halftone::test {
namespace {

struct Counts {
  int passed = 0, failed = 0;
  std::map<std::string, int> excluded;  // by reason

  void add(const SuiteResult &result) {
    if (result.outcome == Outcome::kPassed) ++passed;
    if (result.outcome == Outcome::kFailed) ++failed;
    if (result.outcome == Outcome::kExcluded) ++excluded[result.reason];
  }
  int all() const {
    int sum = passed + failed;
    for (const auto &[reason, count] : excluded) sum += count;
    return sum;
  }
  std::string reasons() const {
    std::string out;
    for (const auto &[reason, count] : excluded) out += fmt::format("{}{} {}", out.empty() ? "" : ", ", count, reason);
    return out;
  }
};

using ByOperator = std::map<std::string, Counts>;

const std::vector<std::string> kSuites = {"node", "simple", "pytorch-converted", "pytorch-operator"};

std::string full_name(const ht_op_kernel &kernel) {
  const std::string domain = kernel.domain;
  return domain.empty() ? kernel.op_type : domain + " " + kernel.op_type;
}

// The opsets that kernels cover, by operator.
std::map<std::string, std::string> coverage() {
  std::map<std::string, std::set<std::pair<std::int64_t, std::int64_t>>> ranges;
  for (const ht_op_kernel *kernel : all_kernels()) {
    ranges[full_name(*kernel)].emplace(kernel->since_opset, kernel->until_opset);
  }
  std::map<std::string, std::string> out;
  for (const auto &[op, spans] : ranges) {
    for (const auto &[since, until] : spans) {
      std::string &text = out[op];
      if (!text.empty()) text += ", ";
      text += since == until ? std::to_string(since) : fmt::format("{} to {}", since, until);
    }
  }
  return out;
}

std::string passed_of(const ByOperator &counts, const std::string &op) {
  const auto found = counts.find(op);
  if (found == counts.end()) return "";
  const std::string failed = found->second.failed == 0 ? "" : fmt::format(", {} failed", found->second.failed);
  return fmt::format("{} of {}{}", found->second.passed, found->second.all(), failed);
}

// Operators that the package has no tests of.
std::string plain_rows(const std::vector<std::string> &ops, const std::map<std::string, std::string> &covered) {
  std::string out = "| operator | opsets |\n|---|---|\n";
  for (const std::string &op : ops) out += fmt::format("| {} | {} |\n", op.substr(op.find(' ') + 1), covered.at(op));
  return out;
}

std::string rows(const std::vector<std::string> &ops, const std::map<std::string, std::string> &covered,
                 const ByOperator &reference, const ByOperator &onednn) {
  std::string out = "| operator | opsets | reference | onednn | not run |\n|---|---|---|---|---|\n";
  for (const std::string &op : ops) {
    const auto opsets = covered.find(op);
    const auto counts = reference.find(op);
    const std::size_t space = op.find(' ');
    out += fmt::format("| {} | {} | {} | {} | {} |\n", space == std::string::npos ? op : op.substr(space + 1),
                       opsets == covered.end() ? "" : opsets->second, passed_of(reference, op), passed_of(onednn, op),
                       counts == reference.end() ? "" : counts->second.reasons());
  }
  return out;
}

constexpr const char *kHead =
    R"(<!-- Made by: HALFTONE_UPDATE_DOCS=1 ctest -R unit_reference (in the build folder). Never edited by hand. -->
# Operators

Which operators run, and what ONNX's own tests (Debian's `libonnx-testdata`) say of them. A test passes when the executor gives
the published outputs, within 1e-7 + 1e-3 of their magnitude, which is the tolerance of ONNX's own runner; integers must be equal,
and bfloat16 may differ by one unit of the last place, because the published numbers were cut off instead of rounded.
Models of opset 1 to 12 are lifted to opset 13 when they are read, so older forms of an operator need no kernel of their own.
In a model of a newer opset than the newest here, operators are computed as in that one, with a warning.
`onednn` runs what it has no fast form of by the plain kernel.

)";

}  // namespace

std::optional<std::string> operator_page() {
  ByOperator reference, onednn;
  std::string totals = "| tests | reference | onednn | not run |\n|---|---|---|---|\n";
  for (const std::string &suite : kSuites) {
    std::map<std::string, Counts> sums;
    for (const std::string executor : {"reference", "onednn"}) {
      const auto results = run_suite(suite, executor);
      if (!results) return std::nullopt;
      for (const SuiteResult &result : *results) {
        sums[executor].add(result);
        for (const std::string &op : result.operators) (executor == "onednn" ? onednn : reference)[op].add(result);
      }
    }
    totals +=
        fmt::format("| {} | {} of {} | {} of {} | {} |\n", suite, sums["reference"].passed, sums["reference"].all(),
                    sums["onednn"].passed, sums["onednn"].all(), sums["reference"].reasons());
  }
  const auto covered = coverage();
  std::vector<std::string> plain, training, microsoft;
  for (const auto &[op, opsets] : covered) {
    const bool foreign = op.starts_with("com.microsoft ");
    (foreign ? microsoft : (op.find(' ') == std::string::npos ? plain : training)).push_back(op);
  }
  std::string excluded = "| operator | why |\n|---|---|\n";
  for (const std::string &op : excluded_operators()) {
    if (!covered.contains(op)) excluded += fmt::format("| {} | {} |\n", op, *exclusion_of(op));
  }
  return kHead + totals + "\n## ai.onnx\n\n" + rows(plain, covered, reference, onednn) +
         "\n## ai.onnx.preview.training\n\n" + rows(training, covered, reference, onednn) +
         "\n## com.microsoft\n\nProved against ONNX Runtime (`tests/acceptance/operators`), as ONNX has no tests of "
         "them.\n\n" +
         plain_rows(microsoft, covered) + "\n## Not offered\n\n" + excluded;
}

}  // namespace halftone::test
