// LSQ+: LSQ with a learned offset. The paper's offset beta is in the unit of x: y = code * s + beta. Here it is the
// zero point z = -beta / s, in codes, because integer hardware has whole zero points: forward rounds z to the nearest
// one (ties to even, within the range) and the gradient goes straight through that. dy/dz = -s where a code is clipped
// and 0 inside, which is -s times the paper's dy/dbeta; the scale's gradient is taken with z held, so beyond the range
// it is low or high counted from z, as in PyTorch's learnable fake quantizer.
#include <algorithm>
#include <cmath>

#include "group_statistics.h"
#include "lsq.h"
#include "wide_steps.h"

namespace halftone::trainer {
namespace {

struct Fit {
  double scale, zero, error;
};

class LsqPlus final : public LearnedStep {
 public:
  LsqPlus(const PointSpec &spec, const MethodArguments &arguments)
      : LearnedStep(spec, arguments, true), from_values_(arguments.choice("initial") == "values") {
    refuse_power_of_two(spec, "lsq-plus");
    refuse_float8(spec, "lsq-plus");
  }

  bool starts_from_values() const override { return from_values_; }
  void initialise(PointState &state, std::span<const float> values, Grouping grouping) const override {
    if (!from_values_ || values.empty()) return;
    for (std::size_t g = 0; g < grouping.groups; ++g) {
      const GroupStatistics s = statistics_of_group(values, grouping, g);
      if (spec().is_weight && spec().symmetric) {
        const double reach = std::max(std::fabs(s.mean - 3 * s.deviation), std::fabs(s.mean + 3 * s.deviation));
        const double half = static_cast<double>(spec().quant_max - spec().quant_min + 1) / 2;
        state.scales[g] = std::max(static_cast<float>(reach / half), kLeastScale);
        continue;
      }
      const Fit fit = best_fit(values, grouping, g, s);
      state.scales[g] = static_cast<float>(fit.scale);
      if (!spec().symmetric) state.offsets[g] = static_cast<float>(fit.zero);
    }
  }

 private:
  double code(double x, double scale, double zero) const {
    return std::clamp(rounded(x / scale, spec().rounding) + zero, static_cast<double>(spec().quant_min),
                      static_cast<double>(spec().quant_max));
  }

  double error_of(std::span<const float> values, Grouping grouping, std::size_t group, double scale,
                  double zero) const {
    double sum = 0;
    each_of_group(values, grouping, group, [&](double x) {
      const double off = (code(x, scale, zero) - zero) * scale - x;
      sum += off * off;
    });
    return sum;
  }

  // The line x = scale * (code - zero) of least squares through the codes that `now` gives.
  Fit refined(std::span<const float> values, Grouping grouping, std::size_t group, const Fit &now) const {
    double count = 0, codes = 0, sum = 0, squares = 0, products = 0;
    each_of_group(values, grouping, group, [&](double x) {
      const double c = code(x, now.scale, now.zero) - (spec().symmetric ? now.zero : 0.0);
      count += 1, codes += c, sum += x, squares += c * c, products += c * x;
    });
    Fit next = now;
    if (spec().symmetric) {
      if (squares > 0) next.scale = products / squares;
    } else if (const double spread = squares - codes * codes / count; spread > 0) {
      next.scale = (products - codes * sum / count) / spread;
      if (next.scale > 0) next.zero = codes / count - sum / count / next.scale;
      next.zero = std::clamp(std::nearbyint(next.zero), static_cast<double>(spec().quant_min),
                             static_cast<double>(spec().quant_max));
    }
    if (!(next.scale >= static_cast<double>(kLeastScale))) next.scale = now.scale;
    next.error = error_of(values, grouping, group, next.scale, next.zero);
    return next;
  }

  // From the range of the values, codes and line in turn until the squared error stops falling. The paper minimizes the
  // same error by gradient descent.
  Fit best_fit(std::span<const float> values, Grouping grouping, std::size_t group, const GroupStatistics &s) const {
    const auto least = static_cast<double>(spec().quant_min), most = static_cast<double>(spec().quant_max);
    Fit best{0, 0, 0};
    const double low = std::min(s.least, 0.0), high = std::max(s.most, 0.0);
    if (spec().symmetric) {
      best.scale = std::max(most > 0 ? high / most : 0.0, least < 0 ? low / least : 0.0);
    } else {
      best.scale = (high - low) / (most - least);
    }
    best.scale = std::max(best.scale, static_cast<double>(kLeastScale));
    if (!spec().symmetric) best.zero = std::clamp(std::nearbyint(least - low / best.scale), least, most);
    best.error = error_of(values, grouping, group, best.scale, best.zero);
    constexpr int kMostRounds = 100;
    for (int round = 0; round < kMostRounds; ++round) {
      const Fit next = refined(values, grouping, group, best);
      if (!(next.error < best.error)) break;
      best = next;
    }
    return best;
  }

  bool from_values_;
};

const sdk::Params &lsq_plus_parameters() {
  static const sdk::Params table = [] {
    sdk::Params p;
    add_learned_step_parameters(p);
    p.choice("initial",
             "where scale and offset start: 'config' at the calibrated ones; 'values' for symmetric weights at "
             "max(|mean - 3 sigma|, |mean + 3 sigma|) / 2^(bits - 1), of others where their squared error is least; "
             "activations start at the calibrated ones only",
             "config", {"config", "values"});
    return p;
  }();
  return table;
}

}  // namespace

const Method &lsq_plus_method() {
  static const Method method{"lsq-plus",
                             "Scale and offset are learned",
                             "Learns the step size and, of asymmetric points, the zero point.",
                             "Bhalgat et al. 2020, arXiv:2004.09576",
                             &lsq_plus_parameters,
                             [](const PointSpec &spec, const MethodArguments &arguments) {
                               return std::unique_ptr<FakeQuantizer>(std::make_unique<LsqPlus>(spec, arguments));
                             }};
  return method;
}

}  // namespace halftone::trainer
