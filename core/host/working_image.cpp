#include "core/host/working_image.h"

#include <algorithm>

#include "core/quant/config_image.h"

namespace halftone::host {

template <typename A>
void walk(A &archive, Dispatch &dispatch) {
  walk(archive, dispatch.verdict);
  walk(archive, dispatch.reason);
}

namespace {

// The node of the first entry that only one of two maps has, or that differs.
template <typename Map, typename Same>
std::string different_entry(const Map &a, const Map &b, const model::Model &model, const char *what, Same same) {
  const auto name = [&](model::Handle node) { return fmt::format("{} node '{}'", what, model.node(node).name); };
  for (const auto &[node, value] : a) {
    const auto other = b.find(node);
    if (other == b.end() || !same(value, other->second)) return name(node);
  }
  for (const auto &[node, value] : b) {
    if (!a.contains(node)) return name(node);
  }
  return {};
}

}  // namespace

void write_working(model::ImageWriter &writer, const WorkingModel &working) {
  model::ModelImage::write(writer, working.model);
  quant::ConfigImage::write(writer, working.configs);
  halftone::write(writer, working.float_reasons);
  halftone::write(writer, working.dispatch);
}

WorkingModel read_working(model::ImageReader &reader) {
  WorkingModel working;
  working.model = model::ModelImage::read(reader);
  working.configs = quant::ConfigImage::read(reader);
  walk(reader, working.float_reasons);
  walk(reader, working.dispatch);
  return working;
}

std::string difference(const WorkingModel &a, const WorkingModel &b) {
  if (std::string what = model::ModelImage::difference(a.model, b.model); !what.empty()) return what;
  if (std::string what = quant::ConfigImage::difference(a.configs, b.configs, a.model); !what.empty()) return what;
  const auto same_text = [](const std::string &one, const std::string &other) { return one == other; };
  const auto same_verdict = [](const Dispatch &one, const Dispatch &other) {
    return one.verdict == other.verdict && one.reason == other.reason;
  };
  std::string what = different_entry(a.float_reasons, b.float_reasons, a.model, "the reason for float of", same_text);
  if (what.empty()) what = different_entry(a.dispatch, b.dispatch, a.model, "the dispatch of", same_verdict);
  return what;
}

}  // namespace halftone::host
