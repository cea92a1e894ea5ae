#include "range_balance.h"

#include <algorithm>
#include <cmath>
#include <set>

namespace halftone::passes {
namespace {

class Balancer {
 public:
  Balancer(ChannelClasses &classes, const BalanceOptions &options)
      : classes_(classes),
        options_(options),
        up_(classes.class_count()),
        down_(classes.class_count()),
        factors_(classes.class_count(), 1.0),
        total_(classes.class_count(), 1.0) {}

  // The largest departure of a factor from 1, as a logarithm.
  double round(const sdk::Context &ctx) {
    double most = 0;
    for (std::size_t i = 0; i < classes_.sites.size(); ++i) {
      ctx.poll(i, classes_.sites.size());
      const ChannelSite &site = classes_.sites[i];
      if (!options_.selects || options_.selects(site)) most = std::max(most, balance(i, site));
    }
    return most;
  }

  Balance result(std::int64_t rounds) const {
    Balance balance{total_, rounds, scaled_sites_.size(), 0};
    for (const double factor : total_) balance.channels += factor != 1 ? 1 : 0;
    return balance;
  }

 private:
  static void raise(std::vector<double> &ranges, const std::vector<std::uint32_t> &ids,
                    const std::vector<double> &peaks, double multiplier) {
    for (std::size_t i = 0; i < ids.size(); ++i) ranges[ids[i]] = std::max(ranges[ids[i]], peaks[i] * multiplier);
  }

  std::vector<std::uint32_t> measure(const ChannelSite &site) {
    std::vector<std::uint32_t> touched;
    for (const std::size_t i : site.upstream)
      touched.insert(touched.end(), classes_.layers[i].out.begin(), classes_.layers[i].out.end());
    for (const std::size_t i : site.downstream)
      touched.insert(touched.end(), classes_.layers[i].in.begin(), classes_.layers[i].in.end());
    std::sort(touched.begin(), touched.end());
    touched.erase(std::unique(touched.begin(), touched.end()), touched.end());
    for (const std::uint32_t id : touched) up_[id] = down_[id] = 0;
    for (const std::size_t i : site.upstream) {
      const LayerChannels &channels = classes_.layers[i];
      if (options_.weights) raise(up_, channels.out, channels.layer.output_peaks(), options_.weight_multiplier);
      if (options_.biases) raise(up_, channels.out, channels.layer.bias_peaks(), options_.bias_multiplier);
      if (options_.activation_peaks.empty()) continue;
      for (const std::uint32_t id : channels.out) {
        const double now = options_.activation_peaks[id] * total_[id];
        up_[id] = std::max(up_[id], now * options_.activation_multiplier);
      }
    }
    for (const std::size_t i : site.downstream) {
      const LayerChannels &channels = classes_.layers[i];
      raise(down_, channels.in, channels.layer.input_peaks(), options_.weight_multiplier);
    }
    return touched;
  }

  double factor(std::uint32_t id) const {
    const double up = up_[id], down = down_[id];
    if (classes_.is_frozen(id) || !(up > 0) || !(down > 0) || up + down < options_.least_range) return 1;
    return std::clamp(std::sqrt(down / up), options_.least_factor, options_.most_factor);
  }

  double balance(std::size_t number, const ChannelSite &site) {
    const std::vector<std::uint32_t> touched = measure(site);
    double most = 0;
    for (const std::uint32_t id : touched) {
      factors_[id] = factor(id);
      total_[id] *= factors_[id];
      most = std::max(most, std::abs(std::log(factors_[id])));
    }
    if (most == 0) return 0;
    classes_.scale(site, factors_);
    scaled_sites_.insert(number);
    return most;
  }

  ChannelClasses &classes_;
  const BalanceOptions &options_;
  std::vector<double> up_, down_, factors_, total_;
  std::set<std::size_t> scaled_sites_;
};

}  // namespace

Balance balance_ranges(const sdk::Context &ctx, ChannelClasses &classes, const BalanceOptions &options) {
  Balancer balancer(classes, options);
  std::int64_t rounds = 0;
  while (rounds < options.rounds) {
    ++rounds;
    if (balancer.round(ctx) <= options.tolerance) break;
  }
  return balancer.result(rounds);
}

}  // namespace halftone::passes
