#include "core/cli/evaluation_mode.h"

#include <map>
#include <vector>

#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include "core/base/error.h"
#include "core/pipeline/executor_setting.h"
#include "core/pipeline/platform_lookup.h"
#include "core/pipeline/qdq_import.h"

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

void prepare_for(host::Mode mode, const std::string &path, host::WorkingModel &working) {
  if (mode == host::Mode::kFloat) return;
  const pipeline::QdqImport imported = pipeline::import_qdq(working);
  if (imported.activations + imported.parameters != 0) return;
  if (imported.kept != 0) {
    fail(
        Status::kFailedPrecondition,
        "'{}' has {} QuantizeLinear or DequantizeLinear nodes, but none that mode {} could take its scales from: the "
        "scales are computed, or the codes are read by other operators; leave --mode out, which runs the nodes as they "
        "stand",
        path, imported.kept, mode == host::Mode::kInteger ? "integer" : "simulated");
  }
  fail(Status::kFailedPrecondition,
       "'{}' has no QuantizeLinear and DequantizeLinear nodes that mode {} could take its scales from; quantize the "
       "model first, or leave --mode out",
       path, mode == host::Mode::kInteger ? "integer" : "simulated");
}

void add_integer_coverage(host::Mode mode, const host::Session &session, const host::WorkingModel &working,
                          Table &table, nlohmann::ordered_json &figures) {
  if (mode != host::Mode::kInteger) return;
  constexpr std::size_t kNamed = 8;
  host::Context ctx;
  std::size_t sums = 0, codes = 0;
  std::map<std::string, std::size_t> in_float;
  std::vector<std::string> names;
  for (const host::StepTime &step : session.profile(ctx)) {
    if (step.node == HT_NONE) continue;
    const model::Node &node = working.model.node(step.node);
    if (step.how == "float") {
      names.push_back(node.name);
      ++in_float[node.op_type];
    } else {
      if (step.how != "shape" && step.how != "bodies") (step.how == "codes" ? codes : sums) += 1;
      codes += step.fused.size();
    }
  }
  std::vector<std::string> types;
  for (const auto &[type, count] : in_float) types.push_back(fmt::format("{} {}", count, type));
  if (types.size() > kNamed) {
    types.resize(kNamed);
    types.push_back("...");
  }
  const std::string rest =
      names.empty() ? "none in float" : fmt::format("{} in float ({})", names.size(), fmt::join(types, ", "));
  table.add({"nodes", fmt::format("{} by integer sums, {} on codes, {}", sums, codes, rest)});
  figures["integer"] = {{"sums", sums}, {"codes", codes}, {"float", names}};
}

}  // namespace halftone::cli
