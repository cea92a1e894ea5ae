#include "core/calibration/collector.h"

#include <algorithm>
#include <chrono>
#include <limits>
#include <utility>

#include "core/calibration/statistics_key.h"

namespace halftone::calibration {

namespace {

// Values in a fixed order, so that workers keep accumulators in plain arrays.
struct RequestLayout {
  std::vector<model::Handle> values;
  std::vector<ValueRequest> requests;
  std::vector<std::string> names;
  std::map<model::Handle, std::size_t> position;

  RequestLayout(const Requests &all, const model::Model &model) {
    for (const auto &[value, request] : all) {
      position[value] = values.size();
      values.push_back(value);
      names.push_back(statistics_name(model, value));
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

// A sequence means something else with other feedback.
Digest digest_of(const Sample &sample, const std::optional<host::Sequence> &sequence) {
  Digester digest;
  if (sequence) {
    digest.add("sequence").add(std::int64_t{sequence->axis});
    for (const auto &[output, input] : sequence->feedback) digest.add(output).add(input);
  }
  for (const ht_tensor_view &input : sample.inputs) {
    const std::span<const std::int64_t> shape(input.shape, input.rank);
    digest.add(std::int64_t{input.dtype});
    for (const std::int64_t extent : shape) digest.add(extent);
    digest.add(std::span(static_cast<const std::byte *>(input.data),
                         model::dtype_bytes(input.dtype, model::element_count(shape))));
  }
  return digest.finish();
}

// Samples that do not go together, such as those with other numbers of channels, are no fault of the one that comes
// second: which that is depends on the workers. So it ends the pass, whatever is done with bad samples.
template <class Body>
void naming(const std::string &value, const Body &body) {
  try {
    body();
  } catch (const Error &error) {
    fail(error.status() == Status::kInvalidArgument ? Status::kFailedPrecondition : error.status(), "value '{}': {}",
         value, error.message());
  }
}

class Collector final : public SampleSink {
 public:
  // The totals are left in `kept` when the flow lets go of its sinks. `may_skip`: a sample that fails half-way is
  // dropped with all that was seen of it.
  Collector(const RequestLayout &layout, const model::Model &model, const Dataset &dataset, bool may_skip,
            std::vector<Accumulator> &kept)
      : layout_(layout),
        model_(model),
        dataset_(dataset),
        may_skip_(may_skip),
        kept_(kept),
        totals_(layout.accumulators()) {
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
    bool finite = false;
    naming(layout_.names[at], [&] { finite = into.observe(tensor); });
    if (!finite) {
      fail(Status::kFailedPrecondition,
           "value '{}' becomes NaN or infinite on sample {}; check the preprocessing and the float model",
           layout_.names[at], index_);
    }
  }

  std::shared_ptr<void> take(host::Context &, const Sample &sample) override {
    for (std::size_t i = 0; i < sample_.size(); ++i) {
      naming(layout_.names[i], [&] { totals_[i].merge(sample_[i]); });
    }
    left_->data = digest_of(sample, dataset_.sequence());
    return std::exchange(left_, nullptr);
  }

 private:
  const RequestLayout &layout_;
  const model::Model &model_;
  const Dataset &dataset_;
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

namespace {

// One pass in parts: after each part everything before `next` is merged, so that it can be kept.
class Pass {
 public:
  Pass(const Dataset &dataset, const host::Session &session, const model::Model &model, const CollectPlan &plan,
       Collected from)
      : dataset_(dataset), session_(session), model_(model), plan_(plan), layout_(plan.requests, model) {
    out_ = std::move(from);
    if (out_.progress.end == 0) begin();
    require_same_data();
    Collection &all = out_.collection;
    all.group = plan.group;
    for (std::size_t i = 0; i < layout_.values.size(); ++i) {
      const ValueRequest &asked = layout_.requests[i];
      Statistics none{Accumulator(asked.request), {}, 0, asked.groups};
      statistics_.push_back(&all.values.try_emplace(layout_.names[i], std::move(none)).first->second);
    }
  }

  Collected run() {
    Progress &progress = out_.progress;
    while (progress.next < progress.end) {
      const std::uint64_t part = std::min(progress.end - progress.next, part_size());
      const auto start = std::chrono::steady_clock::now();
      run_part(part);
      progress.next += part;
      const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - start;
      samples_a_second_ = static_cast<double>(part) / std::max(taken.count(), 1e-6);
      if (plan_.checkpoint) plan_.checkpoint(out_);
    }
    return std::move(out_);
  }

 private:
  // Where a part ends changes no statistic, so it may depend on the time.
  std::uint64_t part_size() const {
    const std::uint64_t first_part = 2 * std::uint64_t{plan_.flow.workers};
    constexpr double kSeconds = 10;
    if (!plan_.checkpoint) return std::numeric_limits<std::uint64_t>::max();
    if (plan_.checkpoint_every != 0) return plan_.checkpoint_every;
    if (samples_a_second_ == 0) return first_part;
    return std::max<std::uint64_t>(1, static_cast<std::uint64_t>(kSeconds * samples_a_second_));
  }

  void begin() {
    Progress &progress = out_.progress;
    progress.dataset = dataset_.count();
    progress.first = progress.next = std::min(plan_.flow.first, progress.dataset);
    progress.end = progress.first + samples_from(progress.first, plan_.flow.limit, progress.dataset);
  }

  // Reading all samples again would cost as much as the pass; the first and the last of those that are in, and the
  // number of all, tell another dataset from this one.
  void require_same_data() const {
    const Progress &progress = out_.progress;
    const auto refuse = [](const std::string &why) {
      fail(Status::kFailedPrecondition, "the samples are not those of the checkpoint: {}; begin anew without --resume",
           why);
    };
    if (progress.dataset != dataset_.count()) {
      refuse(fmt::format("there are {}, there were {}", dataset_.count(), progress.dataset));
    }
    for (const Progress::Mark &mark : progress.marks) {
      host::Context ctx;
      if (!(digest_of(dataset_.read(ctx, mark.index), dataset_.sequence()) == mark.digest)) {
        refuse(fmt::format("{} has other content", dataset_.name(ctx, mark.index)));
      }
    }
  }

  void run_part(std::uint64_t samples) {
    FlowOptions options = plan_.flow;
    options.first = out_.progress.next;
    options.limit = samples;
    if (options.sinks.progress) {
      const Progress &at = out_.progress;
      options.sinks.progress = [&, done = at.next - at.first, all = at.end - at.first](std::uint64_t part,
                                                                                       std::uint64_t) {
        plan_.flow.sinks.progress(done + part, all < kUncounted ? all : 0);
      };
    }
    // A worker makes its own sink, so each has a place of its own.
    const bool may_skip = options.on_bad_sample == BadSample::kSkip;
    std::vector<std::vector<Accumulator>> kept(options.workers);
    std::vector<WatchSink::Gatherers> watched(options.workers);
    const FlowResult flow = run_flow(
        dataset_, session_, options,
        [&](std::uint32_t worker) -> std::unique_ptr<SampleSink> {
          auto sink = std::make_unique<Collector>(layout_, model_, dataset_, may_skip, kept.at(worker));
          if (plan_.watches == nullptr) return sink;
          return std::make_unique<WatchSink>(*plan_.watches, may_skip, std::move(sink), watched.at(worker));
        },
        [this](std::uint64_t index, const std::shared_ptr<void> &left) { reduce_sample(index, left); });
    for (const WatchSink::Gatherers &part : watched) {
      if (plan_.watches != nullptr) merge_kept(watch_ctx_, *plan_.watches, part);
    }
    for (std::vector<Accumulator> &part : kept) {
      for (std::size_t i = 0; i < part.size(); ++i) {
        if (!layout_.requests[i].groups) naming(layout_.names[i], [&] { statistics_[i]->total.merge(part[i]); });
      }
      part = {};
    }
    add_up_groups();
    for (Statistics *statistics : statistics_) statistics->samples += flow.samples;
    std::vector<SkippedSample> &known = out_.progress.skipped;
    known.insert(known.end(), flow.skipped.begin(), flow.skipped.end());
    std::vector<std::string> &messages = out_.collection.skipped;
    for (const SkippedSample &sample : flow.skipped) messages.push_back(sample.reason);
    std::ranges::sort(messages);
  }

  void reduce_sample(std::uint64_t index, const std::shared_ptr<void> &left) {
    if (plan_.watches == nullptr) return reduce(index, *static_cast<const Left *>(left.get()));
    const auto &both = *static_cast<const WatchSink::Left *>(left.get());
    merge_in_order(watch_ctx_, *plan_.watches, both);
    reduce(index, *static_cast<const Left *>(both.inner.get()));
  }

  // In the order of the samples. Groups are of consecutive good ones.
  void reduce(std::uint64_t index, const Left &sample) {
    Collection &all = out_.collection;
    const bool new_group = plan_.group == 0 ? all.samples == 0 : all.samples % plan_.group == 0;
    ++all.samples;
    all.data = sum(all.data, sample.data);
    std::vector<Progress::Mark> &marks = out_.progress.marks;
    if (marks.size() == 2) marks.pop_back();
    marks.push_back({index, sample.data});
    for (std::size_t i = 0; i < sample.groups.size(); ++i) {
      if (!layout_.requests[i].groups) continue;
      std::vector<Accumulator> &groups = statistics_[i]->groups;
      if (new_group) groups.emplace_back(layout_.requests[i].request);
      naming(layout_.names[i], [&] { groups.back().merge(sample.groups[i]); });
    }
  }

  // Once for each part, not for each sample.
  void add_up_groups() {
    for (std::size_t i = 0; i < statistics_.size(); ++i) {
      if (!layout_.requests[i].groups) continue;
      Accumulator &total = statistics_[i]->total;
      total = Accumulator(layout_.requests[i].request);
      for (const Accumulator &group : statistics_[i]->groups) total.merge(group);
    }
  }

  const Dataset &dataset_;
  const host::Session &session_;
  const model::Model &model_;
  const CollectPlan &plan_;
  RequestLayout layout_;
  Collected out_;
  host::Context watch_ctx_;
  double samples_a_second_ = 0;           // of the last part
  std::vector<Statistics *> statistics_;  // of out_, at the layout's positions
};

}  // namespace

Collected collect(const Dataset &dataset, const host::Session &session, const model::Model &model,
                  const CollectPlan &plan, Collected from) {
  return Pass(dataset, session, model, plan, std::move(from)).run();
}

}  // namespace halftone::calibration
