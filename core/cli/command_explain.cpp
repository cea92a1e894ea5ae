// `halftone explain`: the plan of a pipeline, and after a run who set each scale and why.
#include <algorithm>
#include <cstdio>
#include <filesystem>

#include <nlohmann/json.hpp>

#include "core/base/error.h"
#include "core/cli/command.h"
#include "core/cli/configs_file.h"
#include "core/cli/console.h"
#include "core/cli/run_pipeline.h"

namespace halftone::cli {

namespace po = boost::program_options;

namespace {

using Json = nlohmann::json;

std::string scale_text(const Json &slot) {
  if (!slot.contains("scale") || slot["scale"].is_null() || slot["scale"].empty()) return "";
  const auto scales = slot["scale"].get<std::vector<double>>();
  return scales.size() == 1 ? fmt::format("{:.6g}", scales.front())
                            : fmt::format("{:.4g} .. {:.4g} ({})", *std::ranges::min_element(scales),
                                          *std::ranges::max_element(scales), scales.size());
}

// Who set the scale and by which rule, or why there is none.
std::string why(const Json &slot) {
  std::string text;
  if (slot.contains("set_by")) text += slot["set_by"].get<std::string>();
  if (slot.contains("rule")) text += (text.empty() ? "" : ": ") + slot["rule"].get<std::string>();
  if (slot.contains("reason")) text += (text.empty() ? "" : "; ") + slot["reason"].get<std::string>();
  if (slot.contains("master_or_dominator")) text += " <- " + slot["master_or_dominator"].get<std::string>();
  return text;
}

void add_slots(Table &table, const Json &operation, const char *direction, const char *label) {
  std::size_t number = 0;
  for (const Json &slot : operation.at(direction)) {
    const std::string name = label + std::to_string(number++);
    if (!slot.contains("bits")) continue;  // never quantized: shapes, indices
    table.add({operation.at("op"), operation.at("type"), name, slot.at("state"), scale_text(slot), why(slot)});
  }
}

void print_configs(const std::string &file) {
  const Json root = read_configs(file);
  Table table({"node", "operator", "slot", "state", "scale", "why"});
  Table floats({"node in float", "operator", "why"});
  bool any_float = false;
  for (const Json &operation : root.at("operations")) {
    if (operation.contains("reason")) {
      floats.add({operation.at("op"), operation.at("type"), operation.at("reason")});
      any_float = true;
    }
    add_slots(table, operation, "inputs", "in");
    add_slots(table, operation, "outputs", "out");
  }
  std::printf("\nconfigs of the last run, from %s\n\n%s", file.c_str(), table.text().c_str());
  if (any_float) std::printf("\n%s", floats.text().c_str());
}

}  // namespace

int command_explain(const std::vector<std::string> &arguments) {
  po::options_description options("options");
  options.add_options()("pipeline", po::value<std::string>()->value_name("FILE"), "the pipeline file")(
      "set", po::value<std::vector<std::string>>()->composing()->value_name("KEY=VALUE"),
      "change an entry of the file")(
      "dispatcher", po::value<std::string>()->value_name("NAME"),
      "which nodes may be quantized: conservative, pplnn, aggressive, pointwise, allin or perseus")(
      "configs", po::value<std::string>()->value_name("FILE"),
      "configs that a run wrote (configs_out:, --configs-out); default: the pipeline's configs_out");
  po::positional_options_description positional;
  positional.add("pipeline", 1);
  po::variables_map values;
  if (!parse_arguments("explain", "PIPELINE.yaml [--configs FILE.json]", options, positional, arguments, values))
    return kExitOk;
  const std::string file = text_of(values, "pipeline");
  std::string configs = text_of(values, "configs");
  if (file.empty() && configs.empty()) {
    fail(Status::kInvalidArgument, "which pipeline? usage: halftone explain PIPELINE.yaml [--configs FILE.json]");
  }
  if (!file.empty()) {
    const auto sets = texts_of(values, "set");
    pipeline::PipelineSpec spec = pipeline::read_pipeline(file, sets);
    pipeline::choose_dispatcher(text_of(values, "dispatcher"), spec);
    if (configs.empty() && std::filesystem::exists(spec.configs_out)) configs = spec.configs_out;
    const host::Registry registry = open_registry(values);
    spec.plan_only = true;
    RunOptions options_of_run;
    options_of_run.dry_run = true;
    run_pipeline(registry, std::move(spec), options_of_run);
  }
  if (!configs.empty()) {
    print_configs(configs);
  } else {
    std::puts("\nno run has written its configs yet; name a file with `configs_out:` to see who set each scale");
  }
  return kExitOk;
}

}  // namespace halftone::cli
