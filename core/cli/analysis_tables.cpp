#include "core/cli/analysis_tables.h"

#include <algorithm>
#include <cmath>
#include <functional>

#include <fmt/core.h>

#include "core/cli/console.h"

namespace halftone::cli {

namespace {

constexpr std::size_t kName = 18, kPlace = 12, kBar = 6;

std::string fine_percent(double share) {
  return fmt::format("{:.4f} %", 100 * share);
}

std::string number(double value) {
  return fmt::format("{:.3g}", value);
}

// A row without a figure comes last.
template <typename Row>
std::string table_of(std::vector<std::string> header, const std::vector<Row> &rows, std::size_t most, const char *none,
                     const std::function<double(const Row &)> &error,
                     const std::function<std::vector<std::string>(const Row &, const std::string &bar)> &cells) {
  if (rows.empty()) return fmt::format("{}\n", none);
  std::vector<const Row *> order;
  double worst = 0;
  for (const Row &row : rows) {
    order.push_back(&row);
    worst = std::max(worst, error(row));
  }
  std::ranges::stable_sort(order, [&](const Row *a, const Row *b) { return error(*a) > error(*b); });
  Table table(std::move(header));
  for (std::size_t i = 0; i < order.size() && i < most; ++i)
    table.add(cells(*order[i], bar_text(worst > 0 ? error(*order[i]) / worst : 0, kBar)));
  const std::string more =
      rows.size() > most ? fmt::format("and {} more; --json writes all\n", rows.size() - most) : std::string();
  return table.text() + more;
}

}  // namespace

std::string shortened(const std::string &name, std::size_t most) {
  return name.size() <= most ? name : ".." + name.substr(name.size() - most + 2);
}

std::string bar_text(double share, std::size_t most) {
  const double within = std::isfinite(share) ? std::clamp(share, 0.0, 1.0) : 0;
  return std::string(static_cast<std::size_t>(std::ceil(within * static_cast<double>(most))), '#');
}

std::string variables_table(const std::vector<pipeline::Variable> &variables, std::size_t most) {
  using pipeline::Variable;
  return table_of<Variable>(
      {"variable", "at", "noise", "", "min", "max", "codes to", "beyond", "used"}, variables, most,
      "no activation has a scale of its own", [](const Variable &v) { return v.codes ? v.codes->noise_to_signal : -1; },
      [](const Variable &v, const std::string &bar) {
        std::vector<std::string> row = {
            shortened(v.value, kName),
            shortened(fmt::format("{} {}{}", v.type, v.is_output ? "out" : "in", v.slot), kPlace),
            v.codes ? fine_percent(v.codes->noise_to_signal) : "",
            bar,
            number(v.floats.minimum),
            number(v.floats.maximum)};
        if (!v.codes) return row.insert(row.end(), {"", "", ""}), row;
        const double count = static_cast<double>(v.floats.count);
        row.push_back(number(std::max(std::abs(v.codes->low), std::abs(v.codes->high))));
        row.push_back(count > 0 ? fmt::format("{:.1f} %", 100 * static_cast<double>(v.codes->saturated) / count) : "");
        row.push_back(v.codes->codes ? fmt::format("{:.0f} %", 100 * *v.codes->codes) : "");
        return row;
      });
}

std::string parameters_table(const std::vector<pipeline::Parameter> &parameters, std::size_t most) {
  using pipeline::Parameter;
  return table_of<Parameter>(
      {"parameter", "of", "bits", "noise", "", "min", "max", "spread", "beyond"}, parameters, most,
      "no parameter is quantized", [](const Parameter &p) { return p.noise_to_signal; },
      [](const Parameter &p, const std::string &bar) {
        return std::vector<std::string>{shortened(p.value, kName),
                                        shortened(fmt::format("{} in{}", p.type, p.slot), kPlace),
                                        std::to_string(p.bits),
                                        fine_percent(p.noise_to_signal),
                                        bar,
                                        number(p.minimum),
                                        number(p.maximum),
                                        p.spread ? fmt::format("{:.1f}", *p.spread) : "",
                                        std::to_string(p.saturated)};
      });
}

}  // namespace halftone::cli
