#include "core/check/check.h"

#include <stdlib.h>

#include <algorithm>

#include "core/base/error.h"
#include "core/base/nearest.h"
#include "core/check/checks.h"
#include "core/check/made_models.h"

namespace halftone::check {

namespace {

namespace fs = std::filesystem;

struct Check {
  CheckName name;
  void (*run)(Workbench &);
};

constexpr Check kChecks[] = {
    {{"load", "the host accepts the file and its descriptor"}, &check_load},
    {{"symbols", "one symbol is exported"}, &check_symbols},
    {{"descriptor", "versions, sizes and promises make sense"}, &check_descriptor},
    {{"documentation", "components and parameters say what they are for"}, &check_documentation},
    {{"parameters", "values of the schema are taken or refused with words, others never arrive"}, &check_parameters},
    {{"memory", "what is created is destroyed"}, &check_memory},
    {{"runs", "made models are processed or refused with words, and the verifier agrees"}, &check_runs},
    {{"determinism", "two runs, and two threads, give the same bits"}, &check_determinism},
    {{"threads", "instances beside each other do not disturb each other, and no thread is left"}, &check_threads},
    {{"surroundings", "floating-point modes, folder, locale and signals stay as they were"}, &check_surroundings},
    {{"cancel", "a cancelled run ends as cancelled"}, &check_cancel},
};

// A folder that is gone with the object.
class Scratch {
 public:
  Scratch() {
    std::string pattern = (fs::temp_directory_path() / "halftone-check-XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr)
      fail(Status::kPermissionDenied, "no folder can be made in '{}'", fs::temp_directory_path().string());
    path_ = pattern;
  }
  ~Scratch() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  Scratch(const Scratch &) = delete;
  Scratch &operator=(const Scratch &) = delete;
  const fs::path &path() const { return path_; }

 private:
  fs::path path_;
};

// Equal findings of one component, of many steps, as one.
std::vector<Finding> merged(std::vector<Finding> findings) {
  constexpr std::size_t kMost = 6;  // of one component in one check
  std::vector<Finding> out;
  for (Finding &finding : findings) {
    const auto count = std::ranges::count(out, finding.component, &Finding::component);
    if (static_cast<std::size_t>(count) < kMost) {
      out.push_back(std::move(finding));
    } else if (static_cast<std::size_t>(count) == kMost) {
      out.push_back({finding.severity, finding.component, "and more of this kind", "mend the findings above first"});
    } else if (finding.severity == Severity::kFailure) {
      std::ranges::find(out.rbegin(), out.rend(), finding.component, &Finding::component)->severity =
          Severity::kFailure;
    }
  }
  return out;
}

}  // namespace

bool CheckResult::failed() const {
  return std::ranges::any_of(findings, [](const Finding &f) { return f.severity == Severity::kFailure; });
}

std::vector<CheckName> check_names() {
  std::vector<CheckName> out;
  for (const Check &check : kChecks) out.push_back(check.name);
  return out;
}

std::vector<CheckResult> check_plugin(const CheckOptions &options,
                                      const std::function<void(const CheckResult &)> &done) {
  std::vector<std::string> names;
  for (const Check &check : kChecks) names.emplace_back(check.name.name);
  if (!options.only.empty() && std::ranges::find(names, options.only) == names.end()) {
    std::string all;
    for (const std::string &name : names) all += (all.empty() ? "" : ", ") + name;
    fail(Status::kInvalidArgument, "there is no check '{}'{}; there are {}", options.only,
         nearest_hint(options.only, names), all);
  }
  const Scratch scratch;
  write_made_models(scratch.path(), options.seed);
  std::vector<CheckResult> results;
  bool loads = true;
  for (const Check &check : kChecks) {
    const bool wanted = options.only.empty() || options.only == check.name.name;
    const bool first = check.run == &check_load;
    if (!wanted && !first) continue;
    CheckResult result;
    result.name = check.name.name;
    if (loads) {
      ChildReport report = run_in_children(
          [&](Reporter &reporter) {
            Workbench bench(options, scratch.path(), reporter);
            check.run(bench);
          },
          options.limit);
      result.steps = report.steps;
      result.done = report.done;
      result.refused = report.refused;
      result.findings = merged(std::move(report.findings));
    } else {
      result.skipped = "it does not load";
    }
    if (first) loads = !result.failed();
    if (!wanted && loads) continue;  // the first is made in any case, and told where it fails
    done(result);
    results.push_back(std::move(result));
  }
  return results;
}

}  // namespace halftone::check
