// `halftone check-plugin`: the validator for authors of plug-ins.
#include <algorithm>
#include <cstdio>
#include <filesystem>

#include <nlohmann/json.hpp>

#include "core/base/error.h"
#include "core/base/file.h"
#include "core/check/check.h"
#include "core/cli/command.h"
#include "core/cli/console.h"
#include "core/cli/data_options.h"
#include "core/pipeline/yaml_setting.h"

namespace halftone::cli {

namespace po = boost::program_options;
namespace fs = std::filesystem;

namespace {

constexpr const char *kCheckPluginUsage =
    "FILE [--only CHECK] [--seed N] [--set COMPONENT.NAME=VALUE ...] [--json FILE]";

void add_parameter(const std::string &text, Setting &parameters) {
  const std::size_t equals = text.find('='), dot = text.substr(0, equals).rfind('.');
  if (equals == std::string::npos || dot == std::string::npos || dot == 0 || dot + 1 == equals) {
    fail(Status::kInvalidArgument, "--set '{}' is not COMPONENT.NAME=VALUE, such as my-reader.shape=3x224x224", text);
  }
  const std::string id = text.substr(0, dot), name = text.substr(dot + 1, equals - dot - 1);
  Setting value = pipeline::parse_yaml(text.substr(equals + 1), "--set " + text.substr(0, equals));
  if (!parameters.is_map()) parameters.value = Setting::Map();
  auto &components = std::get<Setting::Map>(parameters.value);
  for (auto &[known, fields] : components) {
    if (known != id) continue;
    std::get<Setting::Map>(fields.value).emplace_back(name, std::move(value));
    return;
  }
  Setting fields;
  fields.value = Setting::Map{{name, std::move(value)}};
  components.emplace_back(id, std::move(fields));
}

const char *verdict(const check::CheckResult &result) {
  return result.failed()           ? "FAILED"
         : !result.skipped.empty() ? "not made"
         : result.findings.empty() ? "passed"
                                   : "warned";
}

nlohmann::ordered_json json_of(const check::CheckResult &result) {
  nlohmann::ordered_json findings = nlohmann::ordered_json::array();
  for (const check::Finding &finding : result.findings) {
    findings.push_back({{"severity", finding.severity == check::Severity::kFailure ? "failure" : "warning"},
                        {"component", finding.component},
                        {"text", finding.text},
                        {"remedy", finding.remedy}});
  }
  nlohmann::ordered_json out = {{"check", result.name}, {"verdict", verdict(result)}, {"steps", result.steps}};
  if (!result.skipped.empty()) out["skipped"] = result.skipped;
  if (result.done + result.refused > 0) out["runs"] = {{"done", result.done}, {"refused", result.refused}};
  out["findings"] = std::move(findings);
  return out;
}

void print(const check::CheckResult &result) {
  std::string line = fmt::format("{:<14}{:<10}{:>6} steps", result.name, verdict(result), result.steps);
  if (!result.skipped.empty()) line += ": " + result.skipped;
  if (result.done + result.refused > 0)
    line += fmt::format(", {} of {} runs to their end", result.done, result.done + result.refused);
  std::printf("%s\n", line.c_str());
  for (const check::Finding &finding : result.findings) {
    std::printf("  %s: %s%s%s\n    remedy: %s\n", finding.severity == check::Severity::kFailure ? "failure" : "warning",
                finding.component.c_str(), finding.component.empty() ? "" : ": ", finding.text.c_str(),
                finding.remedy.c_str());
  }
  std::fflush(stdout);
}

fs::path existing(const std::string &text) {
  const fs::path file = fs::absolute(text).lexically_normal();
  if (!fs::is_regular_file(file))
    fail(Status::kInvalidArgument, "'{}' is no file; name a plug-in's .so or a NAME.platform.yaml", text);
  if (file.extension() != ".so" && !file.filename().string().ends_with(".platform.yaml"))
    fail(Status::kInvalidArgument, "'{}' is neither a plug-in's .so nor a NAME.platform.yaml", text);
  return file;
}

std::string summary_of(const std::vector<check::CheckResult> &results, const std::string &file, std::uint64_t seed) {
  std::size_t failed = 0, warned = 0;
  for (const check::CheckResult &result : results) {
    failed += result.failed() ? 1 : 0;
    warned += !result.failed() && !result.findings.empty() ? 1 : 0;
  }
  return fmt::format("{}: {} of {} checks failed, {} warned (seed {})", file, failed, results.size(), warned, seed);
}

}  // namespace

int command_check_plugin(const std::vector<std::string> &arguments) {
  po::options_description options("options");
  options.add_options()("file", po::value<std::string>()->value_name("FILE"),
                        "a plug-in's .so, or a NAME.platform.yaml")(
      "only", po::value<std::string>()->value_name("CHECK"), "one check; --list names them")(
      "seed", po::value<std::string>()->value_name("N"), "of made samples and parameters (default: 1)")(
      "set", po::value<std::vector<std::string>>()->composing()->value_name("COMPONENT.NAME=VALUE"),
      "a parameter without which a component cannot work")("timeout", po::value<std::string>()->value_name("SECONDS"),
                                                           "for each step of a check (default: 60)")(
      "json", po::value<std::string>()->value_name("FILE"), "write the findings as JSON")("list", "print the checks");
  po::positional_options_description positional;
  positional.add("file", 1);
  po::variables_map values;
  if (!parse_arguments("check-plugin", kCheckPluginUsage, options, positional, arguments, values)) return kExitOk;
  if (values.count("list") != 0) {
    Table table({"check", "what must hold"});
    for (const check::CheckName &name : check::check_names()) table.add({name.name, name.summary});
    std::fputs(table.text().c_str(), stdout);
    return kExitOk;
  }
  const std::string file = text_of(values, "file");
  if (file.empty())
    fail(Status::kInvalidArgument, "no plug-in is named; usage: halftone check-plugin {}", kCheckPluginUsage);
  check::CheckOptions wanted;
  wanted.file = existing(file);
  wanted.only = text_of(values, "only");
  wanted.seed = whole_number(values, "seed", 1, 0, INT64_MAX);
  wanted.limit = std::chrono::seconds(whole_number(values, "timeout", 60, 1, 86400));
  for (const std::string &text : texts_of(values, "set")) add_parameter(text, wanted.parameters);
  const std::vector<check::CheckResult> results = check::check_plugin(wanted, &print);
  std::printf("%s\n", summary_of(results, file, wanted.seed).c_str());
  const bool failed = std::ranges::any_of(results, &check::CheckResult::failed);
  if (const std::string path = text_of(values, "json"); !path.empty()) {
    nlohmann::ordered_json all = {{"file", file}, {"seed", wanted.seed}, {"passed", !failed}};
    for (const check::CheckResult &result : results) all["checks"].push_back(json_of(result));
    write_file_atomically(path, all.dump(1) + "\n");
  }
  return failed ? kExitFailure : kExitOk;
}

}  // namespace halftone::cli
