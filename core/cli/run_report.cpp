#include "core/cli/run_report.h"

#include <map>
#include <set>

#include "core/cli/console.h"
#include "core/cli/figures.h"
#include "core/cli/html.h"
#include "core/cli/plan_table.h"
#include "core/pipeline/platform_lookup.h"

namespace halftone::cli {

namespace {

std::string section(const char *id, const std::string &heading, const std::string &content) {
  return fmt::format("<section id=\"{}\">\n<h2>{}</h2>\n{}</section>\n", id, html_text(heading), content);
}

std::string paragraph(const std::string &text) {
  return "<p>" + html_text(text) + "</p>\n";
}

std::string summary(const pipeline::Runner &runner, const RunFigures &figures) {
  const pipeline::PipelineSpec &spec = runner.spec();
  Table table({"", ""});
  table.add({"model", spec.model.string()});
  if (runner.platform() != nullptr) {
    table.add({"platform", pipeline::platform_text(*runner.platform())});
    for (const std::string &note : runner.platform()->notes) table.add({"", note});
  }
  for (const pipeline::InputSpec &input : spec.calibration.inputs)
    table.add({input.name.empty() ? "calibration" : "calibration of " + input.name, input.path});
  if (!spec.statistics_in.empty()) table.add({"statistics", spec.statistics_in});
  table.add({"executor", spec.executor});
  table.add({"float model", bytes_text(figures.float_bytes)});
  for (std::size_t i = 0; i < spec.exports.size() && i < figures.exported_bytes.size(); ++i) {
    const std::uint64_t bytes = figures.exported_bytes[i];
    table.add({spec.exports[i].format,
               fmt::format("{}: {}, {:.2f}x smaller", spec.exports[i].path, bytes_text(bytes),
                           bytes == 0 ? 0.0 : static_cast<double>(figures.float_bytes) / static_cast<double>(bytes))});
  }
  std::string warnings;
  for (const std::string &warning : runner.warnings()) warnings += paragraph("warning: " + warning);
  for (const std::string &warning : figures.warnings) warnings += paragraph("warning: " + warning);
  return section("summary", "Summary", html_table(table) + warnings);
}

std::string evaluation(const RunFigures &figures) {
  if (!figures.evaluation) return {};
  Table table({"figure", "value"});
  add_evaluation(*figures.evaluation, "quantized", table);
  return section("evaluation", "Evaluation: the float against the quantized model", html_table(table));
}

std::string passes(const pipeline::Runner &runner, const RunFigures &figures) {
  Table found({"step", "pass", "reported"});
  for (std::size_t i = 0; i < figures.steps.size(); ++i) {
    std::string text;
    if (!figures.steps[i].failure.empty()) text = "failed and was left out: " + figures.steps[i].failure;
    for (const auto &[key, value] : figures.steps[i].rows)
      text += fmt::format("{}{} {}", text.empty() ? "" : "; ", key, value);
    found.add({std::to_string(i + 1), figures.steps[i].id, text});
  }
  return section("passes", "Passes", html_table(plan_table(runner)) + "<h3>What they did</h3>\n" + html_table(found));
}

std::string configs(const pipeline::Runner &runner) {
  const host::WorkingModel &working = runner.model();
  std::map<std::string, std::size_t> states, origins;
  for (const model::Handle handle : working.configs.all()) {
    const quant::Config &config = working.configs.get(handle);
    ++states[std::string(quant::state_name(config.state))];
    if (!config.provenance.pass.empty()) ++origins[config.provenance.pass];
  }
  Table by_state({"state", "inputs and outputs"}), by_pass({"scale set by", "inputs and outputs"});
  for (const auto &[state, count] : states) by_state.add({state, std::to_string(count)});
  for (const auto &[pass, count] : origins) by_pass.add({pass, std::to_string(count)});
  return section("configs", "Quantization configs",
                 states.empty() ? paragraph("There are none.") : html_table(by_state) + html_table(by_pass));
}

std::string operators(const pipeline::Runner &runner) {
  const host::WorkingModel &working = runner.model();
  const model::Model &m = working.model;
  std::set<model::Handle> quantized;
  std::map<model::Handle, std::string> reasons = working.float_reasons;
  for (const model::Handle handle : working.configs.all()) {
    const quant::Config &config = working.configs.get(handle);
    if (config.state != quant::State::kFp32) quantized.insert(config.key.node);
    if (config.state == quant::State::kFp32) reasons.try_emplace(config.key.node, config.reason);
  }
  std::map<std::string, std::pair<std::size_t, std::size_t>> types;  // quantized, in float
  Table floats({"operator", "type", "why it stays in float"});
  for (const model::Handle handle : m.topological_order(m.main_graph())) {
    const model::Node &node = m.node(handle);
    auto &[inside, in_float] = types[node.op_type];
    ++(quantized.contains(handle) ? inside : in_float);
    if (quantized.contains(handle)) continue;
    const auto reason = reasons.find(handle);
    floats.add({node.name, node.op_type,
                reason == reasons.end() ? "none of its inputs and outputs is quantized" : reason->second});
  }
  Table counts({"operator", "quantized", "in float"});
  for (const auto &[type, count] : types) counts.add({type, std::to_string(count.first), std::to_string(count.second)});
  const std::string left = floats.rows().size() == 1 ? paragraph("None.") : html_table(floats);
  return section("operators", "Operators", html_table(counts) + "<h3>Left in float</h3>\n" + left);
}

std::string times(const RunFigures &figures) {
  Table table({"pass", "seconds"});
  for (const pipeline::StepReport &step : figures.steps) table.add({step.id, fmt::format("{:.3f}", step.seconds)});
  table.add({"all, reading and writing included", fmt::format("{:.3f}", figures.seconds)});
  if (figures.evaluation) table.add({"evaluation", fmt::format("{:.3f}", figures.evaluation->seconds)});
  return section("times", "Times and memory",
                 html_table(table) + paragraph("peak memory: " + bytes_text(figures.peak_memory)));
}

}  // namespace

std::string run_report(const pipeline::Runner &runner, const RunFigures &figures) {
  const std::string title = "Quantization of " + runner.spec().model.filename().string();
  return html_page(title, summary(runner, figures) + evaluation(figures) + passes(runner, figures) + configs(runner) +
                              operators(runner) + times(figures));
}

}  // namespace halftone::cli
