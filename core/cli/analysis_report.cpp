#include "core/cli/analysis_report.h"

#include <algorithm>
#include <array>

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "core/base/error.h"
#include "core/base/nearest.h"
#include "core/cli/analysis_tables.h"
#include "core/cli/console.h"

namespace halftone::cli {

namespace {

using pipeline::ErrorFigures;
using pipeline::OperatorError;

struct Column {
  const char *name;
  std::optional<ErrorFigures> OperatorError::*figures;
};
// The first that was measured decides the order.
constexpr std::array<Column, 4> kColumns = {{{"layerwise", &OperatorError::layerwise},
                                             {"graphwise", &OperatorError::graphwise},
                                             {"own", &OperatorError::own},
                                             {"inherited", &OperatorError::inherited}}};

// Larger is worse.
double badness(const ErrorFigures &figures, Method method) {
  switch (method) {
    case Method::kCosine:
      return 1 - figures.cosine;
    case Method::kMse:
      return figures.mse;
    default:
      return figures.noise_to_signal;
  }
}

std::string figure_text(const std::optional<ErrorFigures> &figures, Method method) {
  if (!figures) return "";
  switch (method) {
    case Method::kCosine:
      return fmt::format("{:.6f}", figures->cosine);
    case Method::kMse:
      return fmt::format("{:.3g}", figures->mse);
    default:
      return fmt::format("{:.4f} %", 100 * figures->noise_to_signal);
  }
}

// In the platform's unit, one sample; empty where the platform does not know.
std::string cost_of(const pipeline::ModelCost &cost, model::Handle node) {
  const auto line = std::ranges::find(cost.nodes, node, &pipeline::NodeCostLine::node);
  return line == cost.nodes.end() || !line->cost.known ? "" : fmt::format("{:.4g}", line->cost.cost);
}

}  // namespace

Method parse_method(const std::string &name) {
  if (name == "snr") return Method::kSnr;
  if (name == "cosine") return Method::kCosine;
  if (name == "mse") return Method::kMse;
  fail(Status::kInvalidArgument, "--method must be snr, cosine or mse, not '{}'{}", name,
       nearest_hint(name, std::vector<std::string>{"snr", "cosine", "mse"}));
}

std::string error_table(const pipeline::ErrorAnalysis &analysis, Method method, const pipeline::ModelCost *cost) {
  const std::size_t name_room = cost == nullptr ? 27 : 22, bar_room = cost == nullptr ? 12 : 8;
  constexpr std::size_t kType = 12;
  std::vector<Column> columns;
  for (const Column &column : kColumns) {
    const auto has = [&](const OperatorError &op) { return (op.*column.figures).has_value(); };
    if (std::ranges::any_of(analysis.operators, has)) columns.push_back(column);
  }
  if (columns.empty()) return "";
  const auto key = [&](const OperatorError &op) {
    const auto &figures = op.*columns.front().figures;
    return figures ? badness(*figures, method) : -1.0;
  };
  std::vector<const OperatorError *> order;
  double worst = 0;
  for (const OperatorError &op : analysis.operators) {
    order.push_back(&op);
    worst = std::max(worst, key(op));
  }
  std::ranges::stable_sort(order, [&](const auto *a, const auto *b) { return key(*a) > key(*b); });
  std::vector<std::string> header = {"operator", "type", columns.front().name, ""};
  for (std::size_t i = 1; i < columns.size(); ++i) header.emplace_back(columns[i].name);
  if (cost != nullptr) header.emplace_back("cost");
  Table table(header);
  for (const OperatorError *op : order) {
    std::vector<std::string> row = {shortened(op->name.empty() ? op->value : op->name, name_room),
                                    shortened(op->type, kType), figure_text(op->*columns.front().figures, method),
                                    bar_text(worst > 0 ? key(*op) / worst : 0, bar_room)};
    for (std::size_t i = 1; i < columns.size(); ++i) row.push_back(figure_text(op->*columns[i].figures, method));
    if (cost != nullptr) row.push_back(cost_of(*cost, op->node));
    table.add(std::move(row));
  }
  return table.text() + (cost == nullptr ? "" : "cost: " + pipeline::cost_text(*cost) + "\n");
}

void add_samples(std::uint64_t samples, const std::vector<std::string> &skipped, nlohmann::ordered_json &figures) {
  figures["samples"] = samples;
  if (!skipped.empty()) figures["skipped"] = skipped;
}

void add_errors(const pipeline::ErrorAnalysis &analysis, nlohmann::ordered_json &figures) {
  add_samples(analysis.samples, analysis.skipped, figures);
  figures["measured_at"] = analysis.values;
  auto &operators = figures["operators"] = nlohmann::ordered_json::array();
  for (const OperatorError &op : analysis.operators) {
    nlohmann::ordered_json entry = {{"name", op.name}, {"type", op.type}, {"value", op.value}};
    for (const Column &column : kColumns) {
      const auto &error = op.*column.figures;
      if (!error) continue;
      entry[column.name] = {
          {"noise_to_signal", error->noise_to_signal}, {"cosine", error->cosine}, {"mse", error->mse}};
    }
    operators.push_back(std::move(entry));
  }
  figures["analysis_seconds"] = analysis.seconds;
}

}  // namespace halftone::cli
