#include "network_training.h"

#include <cstdio>
#include <optional>
#include <string>

#include "../batch_order.h"
#include "../block_state.h"
#include "folded_layers.h"
#include "halftone/artefact.hpp"
#include "halftone/memory_share.hpp"
#include "learning_plan.h"
#include "network_score.h"
#include "norm_epochs.h"
#include "sample_split.h"
#include "training_checkpoint.h"
#include "training_identity.h"

namespace halftone::passes {
namespace {

std::string short_number(double x) {
  char text[32];
  (void)std::snprintf(text, sizeof(text), "%.4g", x);
  return text;
}

std::string words_of(Measure measure) {
  return measure == Measure::kLoss ? "loss" : measure == Measure::kTop1 ? "part of missed winners" : "noise/signal";
}

class NetworkTraining {
 public:
  NetworkTraining(const sdk::Context &ctx, const NetworkRecipe &recipe, const std::string &pass)
      : ctx_(ctx),
        recipe_(recipe),
        pass_(pass),
        trainer_(ctx),
        part_(find_network_part(sdk::Graph(ctx), recipe.outputs, recipe.label_weight > 0 || recipe.teacher_weight > 0)),
        plan_(plan_learning(ctx, part_, recipe)),
        folds_(ctx, part_),
        data_(ctx, part_, {recipe.samples, sdk::allowed_memory(ctx, recipe.memory)}),
        losses_(ctx, part_, data_, recipe),
        split_(split_samples(data_.samples(), recipe.validation, mixed(recipe.seed, 1))),
        form_(batch_form(part_, data_, recipe.batch)),
        batch_(form_.samples),
        calls_(recipe.accumulate * (batch_ == recipe.batch ? 1 : recipe.batch)),
        scorer_(part_, data_, losses_, split_.held_out, batch_) {
    // A weight that is stored as its method rounds it is no normalization's any more.
    const bool folds = recipe.batch_norm != NormTraining::kFreeze && recipe.weights.method != "dorefa";
    if (recipe.batch_norm == NormTraining::kDeclared) folds_.keep_declared(ctx);
    folds_.keep_those_of(folds ? plan_.learned : std::vector<ht_handle>{});
    const std::uint64_t each = std::max<std::uint64_t>(batch_ * calls_, 1);
    steps_per_epoch_ = std::max<std::uint64_t>((split_.training.size() + each - 1) / each, 1);
    steps_ = recipe.steps > 0 ? recipe.steps : recipe.epochs * steps_per_epoch_;
    norm_steps_ = norm_steps(recipe, steps_per_epoch_, steps_);
    if (folds_.empty()) check_norms_are_trained(recipe, folds);
  }

  void run() {
    if (plan_.empty()) return ctx_.report("trained", "nothing: no weight or scale of the part can be learned");
    before_ = plain_score();
    std::optional<TrainingCheckpoint> file;
    if (!recipe_.checkpoint.empty()) file.emplace(recipe_.checkpoint, identify_training(ctx_, data_, recipe_, folds_));
    TrainingState state;
    if (file) state = file->load(recipe_.resumes).value_or(TrainingState{});
    open_session(state);
    train(state, file ? &*file : nullptr);
    store(state);
    session_.reset();
    tell(state);
  }

 private:
  // What sessions have in common.
  void fill_frame(sdk::TrainingSetup &setup) const {
    setup.inputs = part_.inputs;
    setup.outputs = part_.outputs;
    setup.memory = sdk::training_memory(ctx_);
    setup.seed = mixed(recipe_.seed, 3);
    setup.shards = form_.shards;
    losses_.declare(setup);
  }

  // For the step that is next. Where normalizations are frozen from then on, this is a session of its own, which goes
  // on from what the one before saved: the same whether training comes here in one go or from a checkpoint.
  void open_session(const TrainingState &state) {
    by_batch_ = state.step < norm_steps_;
    session_.reset();
    sdk::TrainingSetup setup;
    fill_frame(setup);
    for (std::uint32_t kind = 1; kind < HT_LEARNED_KINDS; ++kind) {
      ht_optimizer how =
          recipe_.sgd ? sdk::TrainingSetup::sgd(static_cast<float>(recipe_.momentum)) : sdk::TrainingSetup::adam();
      if (kind == HT_LEARNED_WEIGHT) how.weight_decay = static_cast<float>(recipe_.weight_decay);
      setup.optimizer(kind, how);
    }
    declare(plan_, recipe_, setup);
    folds_.declare(setup, by_batch_);
    session_.emplace(ctx_, trainer_, setup);
    if (!state.session.empty()) session_->restore(ctx_, state.session);
  }

  // Of the model as it stands, by a session that learns nothing.
  NetworkScore plain_score() {
    sdk::TrainingSetup setup;
    fill_frame(setup);
    const sdk::TrainingSession session(ctx_, trainer_, setup);
    return scorer_.score(ctx_, session);
  }

  sdk::TrainingRates rates_at(std::uint64_t step) const {
    sdk::RateSchedule schedule;
    schedule.shape = recipe_.schedule;
    schedule.rate = 1;
    schedule.steps = steps_;
    schedule.warm_up = recipe_.warm_up;
    schedule.every = recipe_.decay_epochs * steps_per_epoch_;
    schedule.factor = recipe_.decay;
    const double factor = schedule.at(step);
    sdk::TrainingRates rates{};
    rates[HT_LEARNED_WEIGHT] = static_cast<float>(recipe_.rate * factor);
    rates[HT_LEARNED_SCALE] = static_cast<float>(recipe_.scale_rate * factor);
    rates[HT_LEARNED_OFFSET] = static_cast<float>(recipe_.offset_rate * factor);
    rates[HT_LEARNED_ROUNDING] = static_cast<float>(recipe_.rounding_rate * factor);
    return rates;
  }

  std::vector<std::size_t> training_classes() const {
    std::vector<std::size_t> classes;
    for (const std::uint64_t sample : split_.training) classes.push_back(data_.classes()[sample]);
    return classes;
  }

  std::vector<std::uint64_t> next_samples(BatchOrder &order) const {
    std::vector<std::uint64_t> samples = order.next();
    for (std::uint64_t &each : samples) each = split_.training[each];
    return samples;
  }

  void step(BatchOrder &order, NetworkBatch &rows, std::uint64_t number) {
    sdk::Annealing anneal;
    anneal.steps = steps_;
    sdk::TrainingBatch batch;
    batch.quantization_weight = static_cast<float>(recipe_.quantization_weight);
    for (std::uint64_t call = 0; call < calls_; ++call) {
      rows.fill(next_samples(order), batch);
      batch.step = number * calls_ + call;
      if (anneal.active(number)) {
        batch.rounding_weight = static_cast<float>(recipe_.regularization);
        batch.rounding_beta = static_cast<float>(anneal.at(number));
      }
      (void)session_->accumulate(ctx_, batch);
    }
    session_->update(ctx_, rates_at(number), static_cast<float>(recipe_.clip), 1.0F / static_cast<float>(calls_));
  }

  std::vector<std::byte> saved() const {
    const std::span<const std::byte> bytes = session_->save(ctx_);
    return {bytes.begin(), bytes.end()};
  }

  void train(TrainingState &state, const TrainingCheckpoint *file) {
    BatchOrder order(training_classes(), batch_, mixed(recipe_.seed, 2));
    for (std::uint64_t i = 0; i < state.step * calls_; ++i) (void)order.next();
    NetworkBatch rows(losses_, data_);
    while (state.step < steps_) {
      ctx_.poll(state.step, steps_);
      if (by_batch_ && state.step == norm_steps_) {
        state.session = saved();
        open_session(state);
      }
      step(order, rows, state.step++);
      const bool epoch = state.step % steps_per_epoch_ == 0 || state.step == steps_;
      if (epoch) judge(state);
      const bool due = recipe_.checkpoint_steps > 0 && state.step % recipe_.checkpoint_steps == 0;
      if (file == nullptr || (!epoch && !due)) continue;
      state.session = saved();
      file->store(state);
    }
  }

  void judge(TrainingState &state) {
    state.epochs.push_back(scorer_.score(ctx_, *session_));
    const NetworkScore &best = state.best == 0 ? before_ : state.epochs[state.best - 1];
    if (!state.epochs.back().better_than(best, recipe_.measure)) return;
    state.best = state.epochs.size();
    state.best_session = saved();
  }

  // What is stored is judged once more as what it is: plain weights and scales.
  void store(TrainingState &state) {
    if (state.best == 0) return;
    session_->restore(ctx_, state.best_session);
    const BlockState old(ctx_, plan_.touched());
    write_network(ctx_, *session_, plan_, "learned by " + pass_);
    after_ = plain_score();
    if (after_.better_than(before_, recipe_.measure)) return folds_.note(ctx_, *session_, true);
    old.put_back(ctx_);
    state.best = 0;
  }

  void tell(const TrainingState &state) const {
    const std::string measure = words_of(recipe_.measure);
    const auto of = [&](const NetworkScore &score) { return short_number(score.by(recipe_.measure)); };
    if (state.best == 0) {
      ctx_.report("taken back", "no epoch is better than the model before: " + measure + " " + of(before_));
    } else {
      ctx_.report("trained", std::to_string(plan_.learned.size() + plan_.rounded.size()) + " tensors, " +
                                 std::to_string(plan_.points.size()) + " quantizers, " + std::to_string(state.step) +
                                 " steps; best: epoch " + std::to_string(state.best) + " of " +
                                 std::to_string(state.epochs.size()));
      ctx_.report(measure, of(before_) + " -> " + of(after_) + " on " + std::to_string(split_.held_out.size()) +
                               (split_.held_out == split_.training ? " samples" : " samples held out"));
    }
    if (recipe_.batch_norm == NormTraining::kTrain || !folds_.empty())
      ctx_.report("normalized by the batch", std::to_string(folds_.count()) + " layers" + until());
    if (plan_.not_for > 0) {
      ctx_.report("method", "the asked one is not for " + std::to_string(plan_.not_for) +
                                " quantizers; their scales are learned by lsq or stay");
    }
    sdk::write_artefact(ctx_, "epochs.json", epochs_json(state));
  }

  std::string until() const {
    if (recipe_.batch_norm_epochs == 0) return {};
    return ", frozen after epoch " + std::to_string(recipe_.batch_norm_epochs);
  }

  std::string epochs_json(const TrainingState &state) const {
    const auto row = [](const NetworkScore &score) {
      char text[160];
      (void)std::snprintf(text, sizeof(text), "{\"loss\": %.9g, \"noise_to_signal\": %.9g, \"missed\": %.9g}",
                          score.loss, score.noise, score.misses);
      return std::string(text);
    };
    std::string text =
        "{\n \"before\": " + row(before_) + ",\n \"best\": " + std::to_string(state.best) + ",\n \"epochs\": [";
    for (std::size_t i = 0; i < state.epochs.size(); ++i) text += (i == 0 ? "\n  " : ",\n  ") + row(state.epochs[i]);
    return text + "\n ]\n}\n";
  }

  const sdk::Context &ctx_;
  const NetworkRecipe &recipe_;
  const std::string &pass_;
  const sdk::Trainer trainer_;
  const NetworkPart part_;
  const LearningPlan plan_;
  FoldedLayers folds_;
  const NetworkData data_;
  const NetworkLosses losses_;
  const SampleSplit split_;
  const BatchForm form_;
  const std::uint64_t batch_, calls_;
  NetworkScorer scorer_;
  std::uint64_t steps_per_epoch_ = 1, steps_ = 1;
  std::uint64_t norm_steps_ = 1;  // before which folded normalizations go by the batch
  bool by_batch_ = true;          // in this session
  std::optional<sdk::TrainingSession> session_;
  NetworkScore before_, after_;
};

}  // namespace

void train_network(const sdk::Context &ctx, const NetworkRecipe &recipe, const std::string &pass) {
  refuse_baked(ctx, pass);
  NetworkTraining(ctx, recipe, pass).run();
}

}  // namespace halftone::passes
