#include "batch.h"

#include <algorithm>
#include <cstring>

#include "halftone/execution.hpp"
#include "losses/loss.h"
#include "meeting.h"
#include "primitives.h"

namespace halftone::trainer {
namespace {

[[noreturn]] void refuse(const std::string &text) {
  throw sdk::Failure(HT_INVALID_ARGUMENT, text);
}

// Rows of a view, without copying them.
Tensor rows_of(const ht_tensor_view &view, std::size_t first, std::size_t count) {
  Tensor t = borrow(view);
  const std::size_t row = t.shape[0] == 0 ? 0 : t.bytes() / static_cast<std::size_t>(t.shape[0]);
  t.data = std::shared_ptr<std::byte>(t.data, t.data.get() + first * row);
  t.shape[0] = static_cast<std::int64_t>(count);
  return t;
}

void check_rows(const ht_tensor_view &view, std::uint64_t rows, const std::string &what) {
  if (view.dtype != HT_F32 && view.dtype != HT_I64) refuse(what + " is neither float32 nor int64");
  if (view.strides != nullptr || view.block_size != 0) refuse(what + " is not plain and contiguous");
  if (view.rank == 0 || static_cast<std::uint64_t>(view.shape[0]) != rows) {
    refuse(what + " has another number of rows than the first input");
  }
}

void check_target(const ht_train_loss &loss, const Tensor &output, const Tensor &target) {
  check_loss(loss, output.shape);
  const ht_dtype dtype = loss.kind == HT_LOSS_CROSS_ENTROPY ? HT_I64 : HT_F32;
  if (target.dtype == dtype && target.shape == target_shape(loss, output.shape)) return;
  throw sdk::Failure(HT_INVALID_ARGUMENT, "the target of a loss has not the type or shape that its output asks for",
                     loss.output);
}

}  // namespace

Batch::Batch(const sdk::Context &ctx, const Program &program, const ht_train_batch &batch,
             std::span<const ht_train_loss> losses, std::uint32_t shards, std::uint64_t seed)
    : ctx_(ctx), program_(program), batch_(batch), losses_(losses) {
  if (batch.input_count != program.inputs.size()) {
    refuse("a batch has " + std::to_string(batch.input_count) + " inputs where the session takes " +
           std::to_string(program.inputs.size()));
  }
  if (batch.target_count != 0 && batch.target_count != losses.size()) {
    refuse("a batch has " + std::to_string(batch.target_count) + " targets where the session has " +
           std::to_string(losses.size()) + " losses");
  }
  if (batch.input_count == 0 || batch.inputs[0].rank == 0 || batch.inputs[0].shape[0] < 1) {
    refuse("a batch needs an input with at least one row");
  }
  rows_ = static_cast<std::uint64_t>(batch.inputs[0].shape[0]);
  for (std::size_t i = 0; i < batch.input_count; ++i) {
    check_rows(batch.inputs[i], rows_, "input " + std::to_string(i) + " of a batch");
  }
  for (std::size_t i = 0; i < batch.target_count; ++i) {
    check_rows(batch.targets[i], rows_, "target " + std::to_string(i) + " of a batch");
  }
  met_.resize(program.steps.size());
  versions_.resize(program.values.size());
  for (std::size_t i = 0; i < program.values.size(); ++i) {
    const Value &value = program.values[i];
    if (!value.constant.empty()) versions_[i] = 1;
    if (value.parameter >= 0) versions_[i] = program.parameters[static_cast<std::size_t>(value.parameter)].version;
  }
  const std::uint64_t count = std::min<std::uint64_t>(shards, rows_);
  std::uint64_t first = 0;
  for (std::uint64_t s = 0; s < count; ++s) {
    ShardRun run(program.pool, program.values.size(), program.points.size());
    run.rows = static_cast<std::size_t>(rows_ / count + (s < rows_ % count ? 1 : 0));
    run.first_row = static_cast<std::size_t>(first);
    run.batch_rows = static_cast<std::size_t>(rows_);
    run.seed = seed;
    run.number = batch.step;
    run.host = &ctx.host;
    run.versions = &versions_;
    run.parts.resize(program.steps.size());
    run.met = &met_;
    first += run.rows;
    runs_.push_back(std::move(run));
  }
  found_.resize(runs_.size());
}

void Batch::feed(ShardRun &run) const {
  for (std::size_t i = 0; i < program_.values.size(); ++i) {
    const Value &value = program_.values[i];
    if (!value.constant.empty()) run.value[i] = value.constant;
    if (value.parameter >= 0) run.value[i] = program_.parameters[static_cast<std::size_t>(value.parameter)].seen;
  }
  for (std::size_t i = 0; i < program_.inputs.size(); ++i) {
    run.value[static_cast<std::size_t>(program_.inputs[i])] = rows_of(batch_.inputs[i], run.first_row, run.rows);
  }
}

// Types and shapes of what is dropped stay: gradients ask for them.
void Batch::forward(ShardRun &run, const Segments &segments, const Action &action) const {
  const Step &step = *program_.steps[action.at];
  step.forward(run);
  for (const int value : run.kind.keep ? step.dead_kept : step.dead_after) {
    // What an earlier segment made may be read again when that one is computed again.
    const auto number = static_cast<std::size_t>(value);
    if (!run.kind.keep || segments.of_value[number] == action.segment) run.value[number].data.reset();
  }
}

bool Batch::arrived(const ShardRun &run, std::size_t at) const {
  const Step &step = *program_.steps[at];
  return step.backward_runs && std::any_of(step.outputs.begin(), step.outputs.end(), [&](int value) {
           return !run.gradient[static_cast<std::size_t>(value)].empty();
         });
}

void Batch::backward(ShardRun &run, std::size_t at) const {
  const Step &step = *program_.steps[at];
  if (arrived(run, at)) step.backward(run);
  // Nobody before this step reads what it made.
  for (const int value : step.outputs) {
    run.gradient[static_cast<std::size_t>(value)] = Tensor();
    run.value[static_cast<std::size_t>(value)] = Tensor();
  }
}

void Batch::sum(ShardRun &run, const Action &action) const {
  const Meeting &meeting = *program_.steps[action.at]->meeting();
  MeetingSums &part = run.parts[action.at];
  if (action.act == Act::kForwardSums) {
    part.forward = meeting.forward_sums(run);
  } else if (arrived(run, action.at)) {
    part.backward = meeting.backward_sums(run);
  }
}

// In the order of the shards.
void Batch::meet(const Action &action, std::size_t shards) {
  const auto list = action.act == Act::kForwardSums ? &MeetingSums::forward : &MeetingSums::backward;
  std::vector<double> &all = met_[action.at].*list;
  all.clear();
  for (std::size_t s = 0; s < shards; ++s) {
    const std::vector<double> &part = runs_[s].parts[action.at].*list;
    all.resize(std::max(all.size(), part.size()));
    for (std::size_t i = 0; i < part.size(); ++i) all[i] += part[i];
  }
}

// One value has the variance 0, so that nothing of it is left when it is normalized.
void Batch::check_count(const Action &action) const {
  if (action.act != Act::kForwardSums || met_[action.at].forward[0] != 1) return;
  const Step &step = *program_.steps[action.at];
  throw sdk::Failure(HT_INVALID_ARGUMENT,
                     step.label +
                         ": a batch with one value for each channel cannot be normalized by itself; take a "
                         "larger batch, or normalize by the running statistics (`batch_norm: freeze`)",
                     step.graph_node);
}

void Batch::take_losses(ShardRun &run, std::vector<double> &found, bool backward) const {
  found.assign(losses_.size(), 0.0);
  for (std::size_t i = 0; i < losses_.size() && i < batch_.target_count; ++i) {
    const auto number = static_cast<std::size_t>(program_.loss_values[i]);
    const Tensor output = in_order(run.pool, run.value[number], Order::kPlain);
    const Tensor target = rows_of(batch_.targets[i], run.first_row, run.rows);
    if (output.dtype != HT_F32) {
      throw sdk::Failure(HT_INVALID_ARGUMENT, "a loss is taken of a value that is not float32", losses_[i].output);
    }
    check_target(losses_[i], output, target);
    const bool wants = backward && program_.values[number].gradient;
    Tensor gradient = wants ? make_tensor(run.pool, HT_F32, output.shape) : Tensor();
    if (wants) std::fill_n(gradient.floats(), gradient.count(), 0.0F);
    // Outputs may have several rows for each of the batch.
    const auto each = output.shape.empty() ? 0 : static_cast<std::uint64_t>(output.shape[0]) / run.rows;
    const Shard shard{output.shape, run.first_row * each, run.batch_rows * each};
    found[i] =
        loss_of_shard(losses_[i], shard, output.floats(), target.data.get(), wants ? gradient.floats() : nullptr);
    if (wants) run.deliver(program_.loss_values[i], std::move(gradient));
  }
}

void Batch::perform(ShardRun &run, const Action &action, const Segments &segments, std::vector<double> &found,
                    bool with_backward) const {
  switch (action.act) {
    case Act::kForward:
      return forward(run, segments, action);
    case Act::kDrop:
      for (const int value : segments.drop[action.at]) run.value[static_cast<std::size_t>(value)].data.reset();
      return;
    case Act::kLosses:
      return take_losses(run, found, with_backward);
    case Act::kBackward:
      return backward(run, action.at);
    case Act::kForwardSums:
    case Act::kBackwardSums:
      return sum(run, action);
  }
}

void Batch::run(RunKind kind, bool with_backward, const Segments &segments) {
  bool first = true;
  for (const Phase &phase : phases_of(program_, segments, kind, with_backward)) {
    sdk::for_each_piece(ctx_, runs_.size(), 0, [&](const sdk::Context &own, std::uint32_t, std::uint64_t i) {
      const SingleThread guard;
      ShardRun &run = runs_[i];
      run.ctx = own.raw;
      run.kind = kind;
      run.in_place = segments.ends.size() == 1;
      if (first) feed(run);
      for (const Action &action : phase.actions) perform(run, action, segments, found_[i], with_backward);
    });
    if (phase.meets()) {
      meet(phase.actions.back(), runs_.size());
      check_count(phase.actions.back());
    }
    first = false;
  }
}

// The first shard meets none but itself: values have the same sizes.
std::vector<std::size_t> Batch::measure() {
  std::vector<std::size_t> bytes(program_.values.size());
  const Segments all = whole(program_);
  sdk::for_each_piece(ctx_, 1, 0, [&](const sdk::Context &own, std::uint32_t, std::uint64_t) {
    const SingleThread guard;
    ShardRun &run = runs_.front();
    run.ctx = own.raw;
    run.kind = {true, true};
    feed(run);
    for (std::size_t i = 0; i < program_.steps.size(); ++i) {
      const Action sums{Act::kForwardSums, i, 0};
      if (program_.steps[i]->meeting() != nullptr) {
        sum(run, sums);
        meet(sums, 1);
      }
      forward(run, all, {Act::kForward, i, 0});
    }
    for (std::size_t v = 0; v < bytes.size(); ++v) {
      if (all.of_value[v] != Segments::kNone && !run.value[v].empty()) bytes[v] = run.value[v].bytes();
      run.value[v] = Tensor();
    }
  });
  return bytes;
}

std::uint32_t Batch::workers() const {
  std::uint32_t workers = 1;
  sdk::check(ctx_.host.parallel->workers(ctx_.raw, runs_.size(), nullptr, &workers));
  return workers;
}

double Batch::loss() const {
  double sum = 0;
  for (std::size_t i = 0; i < losses_.size(); ++i) {
    for (const std::vector<double> &found : found_) sum += found[i];
  }
  return sum;
}

void Batch::emit(const sdk::TrainEmit &emit) const {
  for (std::size_t i = 0; i < program_.outputs.size(); ++i) {
    std::vector<Tensor> parts;
    Shape shape;
    std::int64_t rows = 0;
    for (const ShardRun &run : runs_) {
      parts.push_back(in_order(program_.pool, run.value[static_cast<std::size_t>(program_.outputs[i])], Order::kPlain));
      shape = parts.back().shape;
      if (shape.empty() && runs_.size() > 1) {
        throw sdk::Failure(HT_UNIMPLEMENTED, "an output has no rows, so that batches of several rows cannot be cut",
                           program_.output_handles[i]);
      }
      rows += shape.empty() ? 1 : shape[0];
    }
    if (!shape.empty()) shape[0] = rows;
    Tensor whole = make_tensor(program_.pool, parts[0].dtype, shape);
    std::size_t at = 0;
    for (const Tensor &part : parts) {
      std::memcpy(whole.data.get() + at, part.data.get(), part.bytes());
      at += part.bytes();
    }
    emit(program_.output_handles[i], whole.view());
  }
}

}  // namespace halftone::trainer
