// The YAML of a converted setting, with what a reader should know as comments.
#include <algorithm>

#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include "core/pipeline/ppq_conversion.h"
#include "core/pipeline/yaml_scalar.h"

namespace halftone::pipeline {

namespace {

constexpr std::size_t kWidth = 120;

// A text as YAML writes it: plain where nothing else can be meant, otherwise in double quotes, which JSON's are too.
std::string quoted(const std::string &text) {
  const auto harmless = [](unsigned char c) {
    return std::isalnum(c) != 0 || c == '_' || c == '-' || c == '.' || c == '/';
  };
  const bool plain = !text.empty() && std::ranges::all_of(text, harmless) && text.front() != '-' &&
                     std::holds_alternative<std::string>(plain_scalar(text).value);
  if (plain) return text;
  return nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

std::string inline_text(const Setting &setting) {
  std::vector<std::string> parts;
  if (setting.is_list()) {
    for (const Setting &item : setting.list()) parts.push_back(inline_text(item));
    return fmt::format("[{}]", fmt::join(parts, ", "));
  }
  if (setting.is_map()) {
    for (const auto &[name, child] : setting.map()) parts.push_back(quoted(name) + ": " + inline_text(child));
    return fmt::format("{{{}}}", fmt::join(parts, ", "));
  }
  return std::holds_alternative<std::string>(setting.value) ? quoted(setting.text) : setting.text;
}

// A comment on lines of its own, none of them wider than a page where words allow.
void add_comment(std::string &out, const std::string &indent, const std::string &written) {
  // Names come from files: no character of theirs may end the comment.
  std::string text = written;
  std::ranges::replace_if(
      text, [](unsigned char c) { return c < ' ' || c == 0x7f; }, ' ');
  std::string line = indent + "#";
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find(' ', begin), text.size());
    const std::string word = text.substr(begin, end - begin);
    if (line.size() + 1 + word.size() > kWidth && line.size() > indent.size() + 1) {
      out += line + "\n";
      line = indent + "#";
    }
    line += " " + word;
    begin = end + 1;
  }
  out += line + "\n";
}

void add_pass(std::string &out, const ConvertedPass &pass) {
  for (const std::string &comment : pass.comments) add_comment(out, "  ", comment);
  if (pass.id.empty()) return;
  const std::string mark = pass.live ? "  " : "  # ";
  const std::string behind = pass.counterpart.empty() ? "\n" : "  # " + pass.counterpart + "\n";
  if (!pass.settings.is_map() || pass.settings.map().empty()) {
    out += mark + "- " + pass.id + behind;
    return;
  }
  const std::string line = mark + "- " + pass.id + ": " + inline_text(pass.settings) + behind;
  if (line.size() <= kWidth + 1) {
    out += line;
    return;
  }
  out += mark + "- " + pass.id + ":" + behind;
  for (const auto &[name, child] : pass.settings.map())
    out += mark + "    " + quoted(name) + ": " + inline_text(child) + "\n";
}

void add_samples(std::string &out, const PipelineHead &head) {
  if (head.samples.empty()) {
    out += "# calibration: {path: samples.npy}  # the samples: name them here, or with --set calibration.path=PATH\n";
    return;
  }
  const std::string preprocess = head.preprocess.empty() ? "" : "preprocess: " + quoted(head.preprocess);
  out += "calibration:\n";
  if (head.samples.size() == 1 && head.samples.front().input.empty()) {
    out += "  path: " + quoted(head.samples.front().path) + "\n";
    if (!preprocess.empty()) out += "  " + preprocess + "\n";
    return;
  }
  out += "  inputs:\n";
  for (const auto &[input, path] : head.samples) {
    out += fmt::format("    {}: {{path: {}{}}}\n", quoted(input), quoted(path),
                       preprocess.empty() ? "" : ", " + preprocess);
  }
}

// A node's name as a pattern that nothing else fits.
std::string exactly(const std::string &name) {
  std::string out;
  for (const char c : name) {
    if (c == '*' || c == '?' || c == '[' || c == '\\') out += '\\';
    out += c;
  }
  return out;
}

void add_row(std::string &out, const ConvertedRow &row, const PpqConversion &conversion) {
  if (!row.comment.empty()) add_comment(out, "  ", row.node + ": " + row.comment);
  if (!row.live) return;
  const std::string node = "node: " + quoted(exactly(row.node));
  if (conversion.dispatch_key) {
    out += fmt::format("    - {{{}, to: {}}}\n", conversion.row_match ? "match: {" + node + "}" : node, row.to);
  } else {
    out += fmt::format("  - match: {{{}}}\n    set: {{inputs: {{state: fp32}}, outputs: {{state: fp32}}}}\n", node);
  }
}

void add_dispatch(std::string &out, const PpqConversion &conversion) {
  const bool live_rows = std::ranges::any_of(conversion.rows, &ConvertedRow::live);
  if (conversion.dispatcher != "conservative" && !conversion.dispatch_key) {
    add_comment(out, "", "This build chooses operators as `conservative` does; the setting says:");
    out += "# dispatch: {method: " + conversion.dispatcher + "}\n";
  }
  if (conversion.dispatch_key && (live_rows || conversion.dispatcher_live)) {
    out += "dispatch:\n";
    if (conversion.dispatcher_live) out += "  method: " + conversion.dispatcher + "\n";
    if (live_rows) out += "  table:  # PPQ's dispatching_table\n";
  } else if (live_rows) {
    out += "overrides:  # PPQ's dispatching_table: these operators stay in float\n";
  }
  for (const ConvertedRow &row : conversion.rows) add_row(out, row, conversion);
}

}  // namespace

std::string pipeline_text(const PpqConversion &conversion, const PpqTarget &target, const PipelineHead &head) {
  std::string out;
  add_comment(out, "", head.title);
  for (const std::string &comment : conversion.comments) add_comment(out, "", comment);
  out += "halftone: 1\n";
  out += head.model.empty() ? "model: model.onnx  # the float model: name it here, or with --set model=FILE\n"
                            : "model: " + quoted(head.model) + "\n";
  if (target.platform) {
    out += "platform: " + quoted(target.platform->id);
    out += target.named.empty() ? "\n" : fmt::format("  # {}\n", target.named);
  } else {
    out += "# platform: NAME  # the target, which PPQ's setting does not name; or --set platform=NAME\n";
  }
  add_samples(out, head);
  add_dispatch(out, conversion);
  out += "passes:  # behind each what it is in PPQ\n";
  for (const ConvertedPass &pass : conversion.passes) add_pass(out, pass);
  out += fmt::format("export:\n  - {{format: onnx-qdq, path: {}}}\nconfigs_out: {}\n", quoted(head.output),
                     quoted(head.configs));
  return out;
}

}  // namespace halftone::pipeline
