#include "core/calibration/collector.h"

#include <utility>

namespace halftone::calibration {

namespace {

// Values in a fixed order, so that workers keep accumulators in plain arrays.
struct Layout {
  std::vector<model::Handle> values;
  std::vector<ValueRequest> requests;
  std::map<model::Handle, std::size_t> position;

  explicit Layout(const Requests &all) {
    for (const auto &[value, request] : all) {
      position[value] = values.size();
      values.push_back(value);
      requests.push_back(request);
    }
  }

  std::vector<Accumulator> accumulators() const {
    std::vector<Accumulator> list;
    list.reserve(requests.size());
    for (const ValueRequest &request : requests) list.emplace_back(request.request);
    return list;
  }
};

// What one sample leaves for the ordered step.
struct Left {
  std::vector<Accumulator> groups;  // of the values that want groups, at their positions; empty when none does
  Digest data;
};

Digest digest_of(const Sample &sample) {
  Digester digest;
  for (const ht_tensor_view &input : sample.inputs) {
    const std::span<const std::int64_t> shape(input.shape, input.rank);
    digest.add(std::int64_t{input.dtype});
    for (const std::int64_t extent : shape) digest.add(extent);
    digest.add(std::span(static_cast<const std::byte *>(input.data),
                         model::dtype_bytes(input.dtype, model::element_count(shape))));
  }
  return digest.finish();
}

class Collector final : public SampleSink {
 public:
  // The totals are left in `kept` when the flow lets go of its sinks. `may_skip`: a sample that fails half-way is
  // dropped with all that was seen of it.
  Collector(const Layout &layout, const model::Model &model, bool may_skip, std::vector<Accumulator> &kept)
      : layout_(layout), model_(model), may_skip_(may_skip), kept_(kept), totals_(layout.accumulators()) {
    for (const ValueRequest &request : layout.requests) any_groups_ = any_groups_ || request.groups;
  }
  ~Collector() override { kept_ = std::move(totals_); }

  void begin(std::uint64_t index) override {
    index_ = index;
    left_ = std::make_shared<Left>();
    if (may_skip_) sample_ = layout_.accumulators();
    if (any_groups_) left_->groups = layout_.accumulators();
  }

  void value(model::Handle value, const ht_tensor_view &tensor) override {
    const auto found = layout_.position.find(value);
    if (found == layout_.position.end()) return;
    const std::size_t at = found->second;
    // A value that wants groups is summed up by the ordered step, from its groups.
    Accumulator &into = layout_.requests[at].groups ? left_->groups[at] : may_skip_ ? sample_[at] : totals_[at];
    if (!into.observe(tensor)) {
      fail(Status::kFailedPrecondition,
           "value '{}' becomes NaN or infinite on sample {}; check the preprocessing and the float model",
           model_.value(value).name, index_);
    }
  }

  std::shared_ptr<void> take(host::Context &, const Sample &sample) override {
    for (std::size_t i = 0; i < sample_.size(); ++i) totals_[i].merge(sample_[i]);
    left_->data = digest_of(sample);
    return std::exchange(left_, nullptr);
  }

 private:
  const Layout &layout_;
  const model::Model &model_;
  bool may_skip_;
  std::vector<Accumulator> &kept_;
  std::vector<Accumulator> totals_, sample_;
  bool any_groups_ = false;
  std::uint64_t index_ = 0;
  std::shared_ptr<Left> left_;
};

}  // namespace

Request request_of(std::uint32_t wants, std::uint32_t channel_axis) {
  Request request;
  request.histogram = (wants & HT_WANT_HISTOGRAM) != 0;
  request.channel_range = (wants & HT_WANT_CHANNEL_RANGE) != 0;
  request.channel_moments = (wants & HT_WANT_CHANNEL_MOMENTS) != 0;
  request.channel_axis = channel_axis;
  return request;
}

Collection collect(const Dataset &dataset, const host::Session &session, const model::Model &model,
                   const Requests &requests, std::uint64_t group, const FlowOptions &options) {
  const Layout layout(requests);
  Collection out;

  // Groups are of consecutive good samples.
  std::uint64_t taken = 0;
  Digester data;
  const auto reduce = [&](std::uint64_t, const std::shared_ptr<void> &left) {
    const bool new_group = group == 0 ? taken == 0 : taken % group == 0;
    ++taken;
    const Left &sample = *static_cast<const Left *>(left.get());
    data.add(sample.data.hex());
    for (std::size_t i = 0; i < sample.groups.size(); ++i) {
      if (!layout.requests[i].groups) continue;
      std::vector<Accumulator> &groups = out.values[layout.values[i]].groups;
      if (new_group) groups.emplace_back(layout.requests[i].request);
      groups.back().merge(sample.groups[i]);
    }
  };
  // A worker makes its own sink, so each has a place of its own.
  const bool may_skip = options.on_bad_sample == BadSample::kSkip;
  std::vector<std::vector<Accumulator>> kept(options.workers);
  out.flow = run_flow(
      dataset, session, options,
      [&](std::uint32_t worker) -> std::unique_ptr<SampleSink> {
        return std::make_unique<Collector>(layout, model, may_skip, kept.at(worker));
      },
      reduce);
  std::vector<Accumulator> totals = layout.accumulators();
  for (std::vector<Accumulator> &part : kept) {
    for (std::size_t i = 0; i < part.size(); ++i) totals[i].merge(part[i]);
    part = {};
  }
  out.data = data.finish();
  for (std::size_t i = 0; i < layout.values.size(); ++i) {
    Statistics &statistics = out.values[layout.values[i]];
    statistics.total = std::move(totals[i]);
    statistics.samples = out.flow.samples;
    for (const Accumulator &g : statistics.groups) statistics.total.merge(g);
  }
  return out;
}

PlainStatistics::PlainStatistics(const Accumulator &total, std::uint64_t samples) : histogram_(total.histogram()) {
  for (const Fixed128 &sum : total.channel_sum()) sums_.push_back(sum.to_double());
  for (const Fixed128 &sum : total.channel_square_sum()) square_sums_.push_back(sum.to_double());
  view_.struct_size = sizeof(view_);
  view_.sample_count = samples;
  view_.count = total.count();
  view_.zero_count = total.zeros();
  view_.minimum = total.minimum();
  view_.maximum = total.maximum();
  view_.bin_count = histogram_.counts.size();
  view_.edges = histogram_.edges.data();
  view_.counts = histogram_.counts.data();
  view_.channel_count = total.channel_minimum().empty() ? sums_.size() : total.channel_minimum().size();
  view_.channel_minimum = total.channel_minimum().data();
  view_.channel_maximum = total.channel_maximum().data();
  view_.channel_sum = sums_.data();
  view_.channel_square_sum = square_sums_.data();
  view_.channel_elements = total.channel_count();
}

PlainStatistics::PlainStatistics(const Statistics &statistics) : PlainStatistics(statistics.total, statistics.samples) {
  for (const Accumulator &group : statistics.groups) {
    groups_.push_back(std::make_unique<PlainStatistics>(group, 0));
    group_views_.push_back(groups_.back()->get());
  }
  view_.group_count = group_views_.size();
  view_.groups = group_views_.data();
}

}  // namespace halftone::calibration
