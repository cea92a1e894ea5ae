#include "core/cli/evaluation_mode.h"

#include <vector>

#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include "core/base/error.h"
#include "core/pipeline/evaluation_json.h"
#include "core/pipeline/executor_setting.h"
#include "core/pipeline/platform_lookup.h"

namespace halftone::cli {

host::Mode mode_named(const std::string &text) {
  if (text == "float") return host::Mode::kFloat;
  if (text == "simulated") return host::Mode::kSimulated;
  if (text == "integer") return host::Mode::kInteger;
  fail(Status::kInvalidArgument, "--mode must be float, simulated or integer, not '{}'", text);
}

Setting arithmetic_of(const host::Registry &registry, const host::Component &executor, host::Mode mode,
                      const std::string &platform) {
  if (platform.empty()) return {};
  if (mode != host::Mode::kInteger) {
    fail(Status::kInvalidArgument, "--platform says how integer mode computes; give --mode integer, or leave it out");
  }
  const pipeline::PlatformDescriptor descriptor = pipeline::find_platform(registry, platform, {});
  return pipeline::executor_settings(executor, &descriptor);
}

void add_integer_coverage(host::Mode mode, const host::Session &session, const host::WorkingModel &working,
                          Table &table, nlohmann::ordered_json &figures) {
  if (mode != host::Mode::kInteger) return;
  constexpr std::size_t kNamed = 8;
  const pipeline::IntegerCoverage coverage = pipeline::integer_coverage(session, working);
  std::vector<std::string> types;
  for (const auto &[type, count] : coverage.float_types) types.push_back(fmt::format("{} {}", count, type));
  if (types.size() > kNamed) {
    types.resize(kNamed);
    types.push_back("...");
  }
  const std::size_t floats = coverage.float_nodes.size();
  const std::string rest =
      floats == 0 ? "none in float" : fmt::format("{} in float ({})", floats, fmt::join(types, ", "));
  table.add({"nodes", fmt::format("{} by integer sums, {} on codes, {}", coverage.sums, coverage.codes, rest)});
  pipeline::add_figures(coverage, figures);
}

}  // namespace halftone::cli
