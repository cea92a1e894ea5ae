#include "core/cli/figures.h"

#include <cmath>

namespace halftone::cli {

namespace {
std::string percent(double fraction) {
  return fmt::format("{:.2f} %", 100 * fraction);
}
}  // namespace

void add_evaluation(const pipeline::Evaluation &evaluation, const std::string &label, Table &table) {
  table.add({"samples", std::to_string(evaluation.samples)});
  if (!evaluation.skipped.empty()) {
    table.add({"samples skipped", std::to_string(evaluation.skipped.size())});
  }
  if (evaluation.reference_top1) {
    table.add({"float top-1", percent(*evaluation.reference_top1)});
  }
  if (evaluation.top1) {
    std::string change;
    if (evaluation.top1_change_error) {
      change = fmt::format(" ({:+.2f}, standard error {:.2f})", 100 * (*evaluation.top1 - *evaluation.reference_top1),
                           100 * *evaluation.top1_change_error);
    }
    table.add({label + " top-1", percent(*evaluation.top1) + change});
    table.add({label + " top-5", percent(*evaluation.top5)});
  }
  if (evaluation.agreement) {
    table.add({"agrees with float", percent(*evaluation.agreement)});
  }
  for (const pipeline::OutputError &output : evaluation.outputs) {
    table.add({"output '" + output.name + "'",
               fmt::format("noise/signal {:.6f} (SNR {:.2f} dB), cosine {:.6f}, largest difference {:.4g}",
                           output.noise_to_signal, -10 * std::log10(output.noise_to_signal + 1e-30), output.cosine,
                           output.largest)});
  }
}

}  // namespace halftone::cli
