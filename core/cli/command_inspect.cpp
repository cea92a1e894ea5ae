// `halftone inspect`: what is in a model file, or in a statistics file.
#include <cstdio>
#include <map>
#include <optional>

#include <fmt/core.h>

#include "core/base/error.h"
#include "core/cli/command.h"
#include "core/cli/console.h"
#include "core/cli/match_report.h"
#include "core/cli/quantization_report.h"
#include "core/cli/statistics_report.h"
#include "core/model/onnx_io.h"
#include "core/pipeline/named.h"

namespace halftone::cli {

namespace po = boost::program_options;

namespace {

std::string type_text(const model::ValueType &type) {
  std::string text(model::dtype_name(type.dtype));
  if (!type.has_shape) return text + "[?]";
  text += "[";
  for (std::size_t i = 0; i < type.dims.size(); ++i) {
    const model::Dim &dim = type.dims[i];
    text += i == 0 ? "" : ",";
    text += dim.extent >= 0 ? std::to_string(dim.extent) : (dim.symbol.empty() ? "?" : dim.symbol);
  }
  return text + "]";
}

void print_interface(const model::Model &m, const char *what, const std::vector<model::Handle> &values) {
  for (const model::Handle h : values) {
    const model::Value &value = m.value(h);
    if (value.is_input && value.initializer) continue;
    std::printf("%-10s %s %s\n", what, value.name.c_str(), type_text(value.type).c_str());
  }
}

void print_operators(const model::Model &m) {
  std::map<std::string, std::size_t> counts;
  std::size_t nodes = 0;
  for (const model::Handle graph : m.graphs()) {
    for (const model::Handle h : m.graph(graph).nodes) {
      const model::Node &node = m.node(h);
      ++counts[node.domain.empty() ? node.op_type : node.domain + "." + node.op_type];
      ++nodes;
    }
  }
  std::printf("nodes      %zu\n\n", nodes);
  Table table({"operator", "nodes"});
  for (const auto &[op, count] : counts) table.add({op, std::to_string(count)});
  std::fputs(table.text().c_str(), stdout);
}

// Float parameters, stored integers and Q/DQ nodes tell whether a file is quantized.
void print_parameters(const model::Model &m) {
  std::map<std::string, std::pair<std::size_t, std::uint64_t>> by_type;
  for (const model::Handle graph : m.graphs()) {
    for (const model::Handle h : m.graph(graph).values) {
      const model::Value &value = m.value(h);
      if (!value.initializer) continue;
      auto &[count, bytes] = by_type[std::string(model::dtype_name(value.initializer->dtype()))];
      ++count;
      bytes += value.initializer->bytes().size();
    }
  }
  std::puts("");
  Table table({"parameters", "tensors", "bytes"});
  for (const auto &[type, sum] : by_type) table.add({type, std::to_string(sum.first), bytes_text(sum.second)});
  std::fputs(table.text().c_str(), stdout);
}

// Of the file that is named, which must hold them, or of one that only happens to lie beside the model.
std::optional<ConfigStates> configs_for(const std::string &model, const std::string &named) {
  if (!named.empty()) return read_config_states(named);
  const std::string beside = configs_beside(model);
  if (beside.empty()) return std::nullopt;
  try {
    return read_config_states(beside);
  } catch (const Error &error) {
    std::fprintf(stderr, "halftone: warning: %s\n", error.what());
    return std::nullopt;
  }
}

}  // namespace

int command_inspect(const std::vector<std::string> &arguments) {
  po::options_description options("options");
  options.add_options()("model", po::value<std::string>()->value_name("FILE"), "the model")(
      "nodes", "list every node with the types of its outputs")(
      "configs", po::value<std::string>()->value_name("FILE"),
      "configs that a run wrote (configs_out:, --configs-out); default: NAME.configs.json beside the model")(
      "match", po::value<std::vector<std::string>>()->composing()->value_name("PATTERN"),
      "only list where a pattern occurs, such as 'y = Relu(Conv(*))'; may be repeated");
  po::positional_options_description positional;
  positional.add("model", 1);
  po::variables_map values;
  if (!parse_arguments("inspect", "MODEL [--nodes] [--match PATTERN]", options, positional, arguments, values))
    return kExitOk;
  const std::string path = text_of(values, "model");
  if (path.empty()) fail(Status::kInvalidArgument, "which model? usage: halftone inspect MODEL [--nodes]");
  if (is_statistics_file(path)) {
    for (const char *name : {"nodes", "match", "configs"}) {
      if (values.count(name) != 0)
        fail(Status::kInvalidArgument, "--{} is about models; '{}' holds statistics", name, path);
    }
    print_statistics(path);
    return kExitOk;
  }
  const model::ImportResult imported = pipeline::read_model(path);
  for (const std::string &warning : imported.warnings) std::fprintf(stderr, "halftone: warning: %s\n", warning.c_str());
  const model::Model &m = imported.model;
  if (values.count("match") != 0) {
    print_matches(m, texts_of(values, "match"));
    return kExitOk;
  }
  const std::optional<ConfigStates> configs = configs_for(path, text_of(values, "configs"));
  std::printf("model      %s\n", path.c_str());
  std::printf("producer   %s %s\n", m.producer_name.c_str(), m.producer_version.c_str());
  for (const auto &[domain, version] : m.opsets()) {
    std::printf("opset      %s %lld\n", domain.empty() ? "ai.onnx" : domain.c_str(), static_cast<long long>(version));
  }
  for (const auto &[key, text] : m.metadata) std::printf("metadata   %s: %s\n", key.c_str(), text.c_str());
  print_interface(m, "input", m.graph(m.main_graph()).inputs);
  print_interface(m, "output", m.graph(m.main_graph()).outputs);
  print_operators(m);
  print_parameters(m);
  print_quantization(m);
  if (configs) print_config_states(*configs);
  if (values.count("nodes") != 0) {
    std::puts("");
    Table table({"node", "operator", "output", "type"});
    for (const model::Handle h : m.topological_order(m.main_graph())) {
      const model::Node &node = m.node(h);
      for (const model::Handle out : node.outputs) {
        if (out != HT_NONE) table.add({node.name, node.op_type, m.value(out).name, type_text(m.value(out).type)});
      }
    }
    std::fputs(table.text().c_str(), stdout);
  }
  return kExitOk;
}

}  // namespace halftone::cli
