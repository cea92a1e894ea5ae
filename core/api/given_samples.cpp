#include "core/api/given_samples.h"

#include <algorithm>

#include "core/api/engine.h"
#include "core/api/failure.h"
#include "core/calibration/dataset.h"
#include "core/calibration/row_major.h"
#include "core/model/dtype.h"
#include "core/model/tensor.h"

namespace halftone::api {

namespace {

// Far more than there are workers: samples that nobody asks for, because they are known to be bad, do not pile up.
constexpr std::uint64_t kWindow = 2048;
// As many as are looked at before a pass, until one is whole.
constexpr std::uint64_t kKept = 16;

// One model input of the samples.
class GivenInput final : public calibration::SampleSource {
 public:
  GivenInput(std::shared_ptr<GivenSamples> samples, std::size_t position)
      : samples_(std::move(samples)), position_(position) {}
  std::optional<std::uint64_t> count() const override { return samples_->count(); }
  std::uint64_t settle_count(host::Context &ctx) override { return samples_->settle_count(ctx); }
  std::optional<calibration::StoredSample> read(host::Context &ctx, std::uint64_t index) override {
    return samples_->read(ctx, position_, index);
  }
  std::string name(host::Context &, std::uint64_t index) override {
    return fmt::format("{}[{}]", samples_->name(), index);
  }

 private:
  std::shared_ptr<GivenSamples> samples_;
  std::size_t position_;
};

}  // namespace

// The arrays of one sample.
struct GivenSamples::Row {
  explicit Row(const ht_samples &from) : samples(from) {}
  ~Row() {
    if (held && samples.release != nullptr) samples.release(samples.user, hold);
  }
  Row(const Row &) = delete;
  Row &operator=(const Row &) = delete;

  const ht_samples &samples;
  std::vector<std::vector<std::int64_t>> shapes;
  std::vector<std::vector<std::byte>> copies;  // of what is not held, or does not lie in row-major order
  std::vector<ht_tensor_view> views;
  void *hold = nullptr;
  bool held = false;
};

GivenSamples::GivenSamples(const ht_samples *samples, std::string name)
    : samples_(options_of(samples)), name_(std::move(name)) {
  if (samples_.next == nullptr) fail(Status::kInvalidArgument, "{}: 'next' is null", name_);
  if (samples_.rewind == nullptr && samples_.once == 0) {
    fail(Status::kInvalidArgument, "{}: 'rewind' is null; set 'once' where samples cannot begin anew", name_);
  }
  if (samples_.inputs == nullptr) samples_.input_count = 1;
  for (std::uint64_t i = 0; i < samples_.input_count; ++i) {
    inputs_.push_back(samples_.inputs == nullptr ? std::string() : text_or_empty(samples_.inputs[i]));
  }
  if (inputs_.empty()) fail(Status::kInvalidArgument, "{} are for no input; name those of the model", name_);
  if (samples_.count != 0) count_ = samples_.count;
}

std::optional<std::uint64_t> GivenSamples::count() const {
  const std::scoped_lock lock(mutex_);
  return count_;
}

std::uint64_t GivenSamples::settle_count(host::Context &ctx) {
  const std::scoped_lock lock(mutex_);
  if (count_) return *count_;
  while (pull(ctx)) {
  }
  return *count_;
}

void GivenSamples::begin_anew(host::Context &ctx) {
  if (begun_ && samples_.once != 0) {
    fail(Status::kFailedPrecondition,
         "{} can be gone through only once, and this work goes through them again; give what can begin anew, such as a "
         "list",
         name_);
  }
  ctx.component = name_;
  broken_.reset();
  if (samples_.rewind != nullptr) {
    host::call_component(ctx, [&] { return samples_.rewind(samples_.user, &host_.table, &ctx); });
  }
  begun_ = true;
  next_ = 0;
  waiting_.clear();
}

void GivenSamples::require_array(const ht_tensor_view &view, std::size_t position) const {
  const auto refuse = [&](const char *what) {
    fail(Status::kDataLoss, "sample '{}[{}]': the array of input '{}' {}", name_, next_, inputs_[position], what);
  };
  if (view.rank > HT_MAX_RANK) refuse("has more than 16 axes");
  if (view.rank != 0 && view.shape == nullptr) refuse("has no shape");
  if (std::any_of(view.shape, view.shape + view.rank, [](std::int64_t n) { return n < 0; }))
    refuse("has a negative extent");
  if (view.dtype == HT_DTYPE_NONE || view.dtype == HT_STRING || model::dtype_name(view.dtype).empty())
    refuse("has an element type that no array has");
  if (view.data == nullptr && model::element_count({view.shape, view.rank}) != 0) refuse("has no data");
}

// The next sample, or null behind the last. Called with the lock held.
std::shared_ptr<const GivenSamples::Row> GivenSamples::pull(host::Context &ctx) {
  if (!begun_) begin_anew(ctx);
  if (broken_) throw Error(*broken_);
  auto row = std::make_shared<Row>(samples_);
  row->views.assign(inputs_.size(), ht_tensor_view{});
  for (ht_tensor_view &view : row->views) view.struct_size = sizeof(view);
  std::vector<ht_tensor_view *> arrays;
  for (ht_tensor_view &view : row->views) arrays.push_back(&view);
  std::uint32_t got = 0;
  ctx.component = name_;
  try {
    host::call_component(
        ctx, [&] { return samples_.next(samples_.user, &host_.table, &ctx, arrays.data(), &row->hold, &got); });
    if (got == 0) {
      if (count_ && *count_ > next_)
        fail(Status::kDataLoss, "{} end after {}; {} were announced", name_, next_, *count_);
      count_ = next_;
      return nullptr;
    }
    row->held = samples_.release != nullptr;
    row->shapes.resize(inputs_.size());
    row->copies.resize(inputs_.size());
    for (std::size_t i = 0; i < inputs_.size(); ++i) {
      ht_tensor_view &view = row->views[i];
      require_array(view, i);
      row->shapes[i].assign(view.shape, view.shape + view.rank);
      if (!row->held || !calibration::is_row_major(view)) {
        row->copies[i] = calibration::row_major_copy(view);
        view.data = row->copies[i].data();
      }
      view.shape = row->shapes[i].data();
      view.strides = nullptr;
    }
  } catch (const Error &error) {
    broken_ = error;
    throw;
  }
  if (next_ < kKept) kept_[next_] = row;
  if (next_ == kWindow) kept_.erase(kept_.upper_bound(0), kept_.end());
  ++next_;
  return row;
}

std::shared_ptr<const GivenSamples::Row> GivenSamples::row(host::Context &ctx, std::uint64_t index) {
  const std::scoped_lock lock(mutex_);
  const auto waits = waiting_.find(index);
  if (waits != waiting_.end()) {
    std::shared_ptr<const Row> row = waits->second.row;
    if (--waits->second.readers == 0) waiting_.erase(waits);
    return row;
  }
  if (const auto kept = kept_.find(index); kept != kept_.end()) return kept->second;
  if (count_ && index >= *count_) return nullptr;
  if (begun_ && index < next_) begin_anew(ctx);
  for (;;) {
    std::shared_ptr<const Row> row = pull(ctx);
    if (!row) return nullptr;
    const std::uint64_t number = next_ - 1;
    const std::size_t readers = number == index ? inputs_.size() - 1 : inputs_.size();
    if (readers != 0 && number >= kKept) waiting_.emplace(number, Waiting{row, readers});
    while (!waiting_.empty() && waiting_.begin()->first + kWindow < number) waiting_.erase(waiting_.begin());
    if (number == index) return row;
  }
}

std::optional<calibration::StoredSample> GivenSamples::read(host::Context &ctx, std::size_t position,
                                                            std::uint64_t index) {
  const std::shared_ptr<const Row> found = row(ctx, index);
  if (!found) return std::nullopt;
  return calibration::StoredSample{found->views[position], found};
}

void GivenSamples::enter(pipeline::DataSpec &data) {
  if (data.memory_budget && samples_.count == 0) {
    fail(Status::kInvalidArgument,
         "{} do not say how many they are, and a memory budget asks for that; give their number", name_);
  }
  std::vector<pipeline::InputSpec> inputs;
  for (std::size_t i = 0; i < inputs_.size(); ++i) {
    const auto named = std::ranges::find(data.inputs, inputs_[i], &pipeline::InputSpec::name);
    pipeline::InputSpec input = named != data.inputs.end() ? *named
                                : data.inputs.empty()      ? pipeline::InputSpec()
                                                           : data.inputs.front();
    input.name = inputs_[i];
    input.path = name_;
    input.reader.clear();
    input.given = std::make_shared<GivenInput>(shared_from_this(), i);
    inputs.push_back(std::move(input));
  }
  data.inputs = std::move(inputs);
}

}  // namespace halftone::api
