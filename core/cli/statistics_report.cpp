#include "core/cli/statistics_report.h"

#include <cstdio>

#include <fmt/core.h>

#include "core/base/error.h"
#include "core/calibration/statistics_file.h"
#include "core/cli/console.h"

namespace halftone::cli {
namespace {

std::string kinds_text(const calibration::Statistics &statistics) {
  const calibration::Request &request = statistics.total.request();
  std::string text = request.histogram ? "histogram" : "range";
  if (request.channel_range) text += ", range by channel";
  if (request.channel_moments) text += ", moments by channel";
  if (!statistics.groups.empty()) text += fmt::format(", {} groups", statistics.groups.size());
  return text;
}

void print_collection(const calibration::Collected &collected) {
  const calibration::Collection &collection = collected.collection;
  std::printf("\ngraph      %s\n", collection.executed.hex().c_str());
  std::printf("samples    %llu\n", static_cast<unsigned long long>(collection.samples));
  if (collected.progress.end != 0) {
    std::printf("checkpoint: samples %llu to %llu of %llu to %llu are in\n",
                static_cast<unsigned long long>(collected.progress.first),
                static_cast<unsigned long long>(collected.progress.next - 1),
                static_cast<unsigned long long>(collected.progress.first),
                static_cast<unsigned long long>(collected.progress.end - 1));
  }
  if (!collection.skipped.empty()) {
    std::printf("skipped    %zu\n", collection.skipped.size());
    for (const std::string &message : collection.skipped) std::printf("  %s\n", message.c_str());
  }
  if (collection.group != 0) std::printf("groups of  %llu\n", static_cast<unsigned long long>(collection.group));
  Table table({"value", "elements", "minimum", "maximum", "zeros %", "kept"});
  for (const auto &[name, statistics] : collection.values) {
    const calibration::Accumulator &a = statistics.total;
    const double zeros = a.count() == 0 ? 0.0 : 100.0 * static_cast<double>(a.zeros()) / static_cast<double>(a.count());
    table.add({name, std::to_string(a.count()), fmt::format("{:.6g}", a.minimum()), fmt::format("{:.6g}", a.maximum()),
               fmt::format("{:.2f}", zeros), kinds_text(statistics)});
  }
  std::fputs(table.text().c_str(), stdout);
}

}  // namespace

bool is_statistics_file(const std::string &path) {
  return path.ends_with(".htstats") || path.ends_with(".htstats.partial");
}

void print_statistics(const std::string &path) {
  const calibration::StatisticsFile file = calibration::read_statistics(path);
  std::printf("statistics %s\n", path.c_str());
  std::printf("of model   %s\n", file.model_name.c_str());
  for (const std::string &executor : file.executors) std::printf("computed by %s\n", executor.c_str());
  for (const calibration::Collected &collected : file.collections) print_collection(collected);
}

}  // namespace halftone::cli
