#include <algorithm>
#include <map>

#include "group_search.h"
#include "power_of_two_range.h"

namespace halftone::observers {
namespace {

// How many groups chose each power of two.
class Votes final : public GroupFold {
 public:
  Votes(const ht_quant_spec &spec, int finer) : spec_(spec), finer_(finer) {}
  void add(const Distribution &group) override {
    minimum_ = any_ ? std::min(minimum_, group.minimum) : group.minimum;
    maximum_ = any_ ? std::max(maximum_, group.maximum) : group.maximum;
    any_ = true;
    if (group.minimum == 0 && group.maximum == 0) return;  // nothing to choose from
    if (spec_.kind == HT_QUANT_INTEGER) ++votes_[power_of_two_exponent(group, spec_, finer_)];
  }
  Range range() const override {
    if (votes_.empty()) return {minimum_, maximum_};
    // Of equals the first, which is the coarsest.
    const auto most = std::max_element(votes_.begin(), votes_.end(),
                                       [](const auto &a, const auto &b) { return a.second < b.second; });
    return power_of_two_range(spec_, most->first, minimum_);
  }
  std::unique_ptr<GroupFold> copy() const override { return std::make_unique<Votes>(*this); }

 private:
  ht_quant_spec spec_;
  int finer_;
  double minimum_ = 0, maximum_ = 0;
  bool any_ = false;
  std::map<int, std::uint64_t> votes_;
};

}  // namespace

class PowerOfTwoMode final : public GroupedSearch {
 public:
  static void describe(sdk::Description &d) {
    d.id("power-of-two-mode")
        .title("the power of two that most groups of samples choose")
        .threading(HT_THREADING_FREE)
        .doc(
            "Each `group` of consecutive samples chooses a power of two as the observer `power-of-two` does; the one "
            "that was chosen most often is taken, of equals the coarsest. Groups of zeros do not vote. For the tensor "
            "or for each channel, in a second pass over the data whose memory does not grow with it. Float8 configs "
            "get their extremes.\n"
            "\n"
            "PPQ counterpart: none; MQBench: PoTModeObserver, for symmetric tensors, which counts scales between 2^7 "
            "and 2^-12 only.");
    d.params.integer("finer", "finer powers of two that are tried in each group", 4, 0, 16);
    declare_group(d);
  }
  explicit PowerOfTwoMode(const sdk::Args &args)
      : GroupedSearch(args.integer("group")), finer_(static_cast<int>(args.integer("finer"))) {}

  std::unique_ptr<GroupFold> fold(const ht_quant_spec &spec) const override {
    return std::make_unique<Votes>(spec, finer_);
  }
  std::string rule() const override { return "power-of-two-mode"; }

 private:
  int finer_;
};
HALFTONE_OBSERVER(PowerOfTwoMode)

}  // namespace halftone::observers
