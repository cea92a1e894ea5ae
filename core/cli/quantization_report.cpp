#include "core/cli/quantization_report.h"

#include <algorithm>
#include <cstdio>
#include <filesystem>

#include <nlohmann/json.hpp>

#include "core/cli/configs_file.h"
#include "core/cli/console.h"
#include "core/pipeline/quantization_state.h"

namespace halftone::cli {

namespace {

using Json = nlohmann::json;

constexpr std::size_t kMostFloatNodes = 20;

void print_tensors(const pipeline::QuantizationState &state) {
  Table table({"quantized", "activations", "weights", "biases"});
  for (const auto &[name, sum] : state.tensors) {
    table.add({name, std::to_string(sum.activations), std::to_string(sum.weights), std::to_string(sum.biases)});
  }
  std::printf("\n%s", table.text().c_str());
}

void print_operators(const pipeline::QuantizationState &state) {
  Table table({"operator", "on integers", "fused", "in float"});
  for (const auto &[name, sum] : state.operators) {
    table.add({name, std::to_string(sum.quantized), std::to_string(sum.fused), std::to_string(sum.in_float)});
  }
  std::printf("\n%s", table.text().c_str());
  if (state.float_nodes.empty()) return;
  std::puts("\nin float:");
  for (std::size_t i = 0; i < std::min(state.float_nodes.size(), kMostFloatNodes); ++i) {
    std::printf("  %s\n", state.float_nodes[i].c_str());
  }
  if (state.float_nodes.size() > kMostFloatNodes) {
    std::printf("  and %zu more\n", state.float_nodes.size() - kMostFloatNodes);
  }
}

}  // namespace

void print_quantization(const model::Model &model) {
  const pipeline::QuantizationState state = pipeline::quantization_state(model);
  std::puts("");
  if (!state.quantized()) {
    std::puts("quantization: none, the model is float");
    return;
  }
  if (!state.integer_nodes.empty()) {
    Table table({"integer operator", "nodes"});
    for (const auto &[name, count] : state.integer_nodes) table.add({name, std::to_string(count)});
    std::printf("quantization: integer operators\n\n%s", table.text().c_str());
  }
  if (state.tensors.empty()) return;
  pipeline::QuantizedTensors sum;
  for (const auto &[name, tensors] : state.tensors) {
    sum.activations += tensors.activations;
    sum.weights += tensors.weights;
    sum.biases += tensors.biases;
  }
  std::printf(
      "quantization: Q/DQ; %zu QuantizeLinear and %zu DequantizeLinear: %zu activations, %zu weights, %zu biases\n",
      state.quantize_nodes, state.dequantize_nodes, sum.activations, sum.weights, sum.biases);
  print_tensors(state);
  print_operators(state);
}

ConfigStates read_config_states(const std::string &file) {
  const Json root = read_configs(file);
  ConfigStates configs{file, root.at("platform").get<std::string>(), {}, {}};
  for (const Json &operation : root.at("operations")) {
    for (const char *direction : {"inputs", "outputs"}) {
      for (const Json &slot : operation.at(direction)) {
        if (!slot.contains("bits")) continue;  // never quantized: shapes, indices
        ++configs.states[slot.at("state").get<std::string>()];
        const std::string pass = slot.value("set_by", "");
        if (!pass.empty()) ++configs.origins[pass];
      }
    }
  }
  return configs;
}

void print_config_states(const ConfigStates &configs) {
  std::printf("\nconfigs: %s, for the platform %s\n\n", configs.file.c_str(), configs.platform.c_str());
  Table table({"state", "configs"});
  for (const auto &[state, count] : configs.states) table.add({state, std::to_string(count)});
  Table from({"scale set by", "configs"});
  for (const auto &[pass, count] : configs.origins) from.add({pass, std::to_string(count)});
  std::printf("%s\n%s", table.text().c_str(), from.text().c_str());
}

std::string configs_beside(const std::string &model_file) {
  std::filesystem::path stem = model_file;
  std::error_code ignored;
  for (int i = 0; i < 3; ++i) {
    const std::string candidate = stem.string() + ".configs.json";
    if (std::filesystem::is_regular_file(candidate, ignored)) return candidate;
    if (!stem.has_extension()) break;
    stem.replace_extension();
  }
  return {};
}

}  // namespace halftone::cli
