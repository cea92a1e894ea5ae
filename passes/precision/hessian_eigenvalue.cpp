#include <algorithm>
#include <cmath>

#include "halftone/counter_random.hpp"
#include "hessian_trace.h"

namespace halftone::passes {
namespace {

// One weight's iteration.
struct Iteration {
  std::vector<float> direction;  // of length 1
  std::vector<double> image;     // H times it, times the rows so far
  WeightCurvature found;
  bool done = false;
};

double norm_of(const std::vector<double> &values) {
  double sum = 0;
  for (const double x : values) sum += x * x;
  return std::sqrt(sum);
}

class PowerIterations {
 public:
  PowerIterations(const LossCurvature &loss, const CurvatureRule &rule)
      : loss_(loss), rule_(rule), all_(loss.weights()) {
    for (std::size_t w = 0; w < all_.size(); ++w) start(w);
  }

  std::vector<WeightCurvature> estimate(const sdk::Context &ctx) {
    for (std::uint64_t step = 0; step < rule_.most && !finished(); ++step) iterate(ctx, step);
    std::vector<WeightCurvature> found;
    for (const Iteration &each : all_) found.push_back(each.found);
    return found;
  }

 private:
  // Any start that is not orthogonal to what is sought will do; +-1 is not, in general.
  void start(std::size_t w) {
    Iteration &own = all_[w];
    own.done = !loss_.matters(w);
    if (own.done) return;
    const std::size_t n = loss_.elements(w);
    const auto part = static_cast<float>(1 / std::sqrt(static_cast<double>(n)));
    const std::uint64_t key = sdk::mixed(rule_.seed, w);
    for (std::size_t i = 0; i < n; ++i) own.direction.push_back((sdk::mixed(key, i) & 1U) != 0 ? part : -part);
  }

  bool finished() const {
    return std::all_of(all_.begin(), all_.end(), [](const Iteration &each) { return each.done; });
  }

  // The displacement's root mean square is the step: directions have length 1.
  double reach(std::size_t w) const { return std::sqrt(static_cast<double>(loss_.elements(w))); }

  void add_image(const LossCurvature::Point &point, std::size_t w) {
    Iteration &own = all_[w];
    const auto reach_of = static_cast<float>(reach(w));
    const double factor = point.rows() / (2 * loss_.step(w) * reach(w));
    for (const double side : {1.0, -1.0}) {
      point.displace(w, side, [&](std::size_t i) { return reach_of * own.direction[i]; });
      point.differentiate();
      const std::span<const float> gradient = point.gradient(w);
      for (std::size_t i = 0; i < gradient.size(); ++i) {
        own.image[i] += side * factor * static_cast<double>(gradient[i]);
      }
    }
    point.put_back(w);
  }

  void conclude(std::size_t w, double rows) {
    Iteration &own = all_[w];
    double value = 0;
    for (std::size_t i = 0; i < own.image.size(); ++i) {
      own.image[i] /= rows;
      value += own.image[i] * static_cast<double>(own.direction[i]);
    }
    const double before = own.found.value, length = norm_of(own.image);
    own.found.value = value;
    ++own.found.probes;
    own.done = length == 0 || (own.found.probes > 1 && std::abs(value - before) <= rule_.tolerance * std::abs(value));
    for (std::size_t i = 0; i < own.image.size() && !own.done; ++i) {
      own.direction[i] = static_cast<float>(own.image[i] / length);
    }
    own.image.clear();
  }

  void iterate(const sdk::Context &ctx, std::uint64_t step) {
    double rows = 0;
    for (std::size_t w = 0; w < all_.size(); ++w) {
      if (!all_[w].done) all_[w].image.assign(loss_.elements(w), 0);
    }
    loss_.for_each(ctx, [&](const LossCurvature::Point &point) {
      for (std::size_t w = 0; w < all_.size(); ++w) {
        if (all_[w].done) continue;
        ctx.poll(step, rule_.most);
        add_image(point, w);
      }
      rows += point.rows();
    });
    for (std::size_t w = 0; w < all_.size(); ++w) {
      if (!all_[w].done) conclude(w, rows);
    }
  }

  const LossCurvature &loss_;
  const CurvatureRule &rule_;
  std::vector<Iteration> all_;
};

}  // namespace

std::vector<WeightCurvature> hessian_eigenvalues(const sdk::Context &ctx, const LossCurvature &loss,
                                                 const CurvatureRule &rule) {
  return PowerIterations(loss, rule).estimate(ctx);
}

}  // namespace halftone::passes
