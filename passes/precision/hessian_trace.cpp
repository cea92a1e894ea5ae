#include "hessian_trace.h"

#include <algorithm>
#include <cmath>

#include "random_signs.h"

namespace halftone::passes {
namespace {

// Probes between two looks at the tolerance, each of which reads the data again: half as many as there were.
std::uint64_t round_after(std::uint64_t probes) {
  return std::max<std::uint64_t>(8, probes / 2);
}

double along(std::span<const float> gradient, const RandomSigns &signs) {
  double sum = 0;
  for (std::size_t i = 0; i < gradient.size(); ++i) {
    sum += static_cast<double>(signs(i)) * static_cast<double>(gradient[i]);
  }
  return sum;
}

double squared(std::span<const float> gradient) {
  double sum = 0;
  for (const float g : gradient) sum += static_cast<double>(g) * static_cast<double>(g);
  return sum;
}

class Traces {
 public:
  Traces(const LossCurvature &loss, const CurvatureRule &rule)
      : loss_(loss), rule_(rule), sums_(loss.weights()), squares_(loss.weights()) {}

  std::vector<WeightCurvature> estimate(const sdk::Context &ctx) {
    while (probes_ < rule_.most && !precise()) round(ctx, std::min(round_after(probes_), rule_.most - probes_));
    std::vector<WeightCurvature> all;
    for (std::size_t w = 0; w < loss_.weights(); ++w) {
      all.push_back({mean(w), std::sqrt(variance(w)), loss_.matters(w) ? probes_ : 0});
    }
    return all;
  }

 private:
  double mean(std::size_t w) const { return probes_ == 0 ? 0 : sums_[w] / static_cast<double>(probes_); }
  // Of the mean.
  double variance(std::size_t w) const {
    if (probes_ < 2) return 0;
    const auto n = static_cast<double>(probes_);
    return std::max(squares_[w] / n - mean(w) * mean(w), 0.0) / (n - 1);
  }

  bool precise() const {
    if (probes_ < 2) return false;
    double sum = 0, error = 0;
    for (std::size_t w = 0; w < loss_.weights(); ++w) {
      const double scale = loss_.step(w) * loss_.step(w);
      sum += scale * mean(w);
      error += scale * scale * variance(w);
    }
    return std::sqrt(error) <= rule_.tolerance * std::abs(sum);
  }

  RandomSigns signs(std::uint64_t probe, std::size_t weight) const {
    return RandomSigns(sdk::mixed(sdk::mixed(rule_.seed, probe), weight));
  }

  void displace(const LossCurvature::Point &point, std::uint64_t probe, double side) const {
    for (std::size_t w = 0; w < loss_.weights(); ++w) {
      if (loss_.matters(w)) point.displace(w, side, signs(probe, w));
    }
    point.differentiate();
  }

  // v * (H v) of each weight, times rows, of one batch.
  void probe_batch(const LossCurvature::Point &point, std::uint64_t probe, std::vector<double> &found) const {
    if (loss_.by_outputs()) {
      point.aim(sdk::mixed(rule_.seed, probe));
      point.differentiate();
      for (std::size_t w = 0; w < loss_.weights(); ++w) {
        if (loss_.matters(w)) found[w] += point.rows() * squared(point.gradient(w));
      }
      return;
    }
    for (const double side : {1.0, -1.0}) {
      displace(point, probe, side);
      for (std::size_t w = 0; w < loss_.weights(); ++w) {
        if (!loss_.matters(w)) continue;
        const double slope = along(point.gradient(w), signs(probe, w));
        found[w] += point.rows() * side * slope / (2 * loss_.step(w));
      }
    }
  }

  void round(const sdk::Context &ctx, std::uint64_t probes) {
    std::vector<std::vector<double>> found(probes, std::vector<double>(loss_.weights()));
    double rows = 0;
    loss_.for_each(ctx, [&](const LossCurvature::Point &point) {
      for (std::uint64_t p = 0; p < probes; ++p) {
        ctx.poll(probes_ + p, rule_.most);
        probe_batch(point, probes_ + p, found[p]);
      }
      for (std::size_t w = 0; w < loss_.weights() && !loss_.by_outputs(); ++w) {
        if (loss_.matters(w)) point.put_back(w);
      }
      rows += point.rows();
    });
    for (const std::vector<double> &of_probe : found) {
      for (std::size_t w = 0; w < of_probe.size(); ++w) {
        const double trace = of_probe[w] / rows;
        sums_[w] += trace;
        squares_[w] += trace * trace;
      }
    }
    probes_ += probes;
  }

  const LossCurvature &loss_;
  const CurvatureRule &rule_;
  std::vector<double> sums_, squares_;  // over probes, by weight
  std::uint64_t probes_ = 0;
};

}  // namespace

std::vector<WeightCurvature> hessian_traces(const sdk::Context &ctx, const LossCurvature &loss,
                                            const CurvatureRule &rule) {
  return Traces(loss, rule).estimate(ctx);
}

}  // namespace halftone::passes
