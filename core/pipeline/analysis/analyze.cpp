#include "core/pipeline/analysis/analyze.h"

#include <algorithm>
#include <chrono>
#include <set>

#include "core/base/error.h"
#include "core/base/nearest.h"
#include "core/base/process_memory.h"
#include "core/pipeline/analysis/part_session.h"
#include "core/pipeline/memory_fit.h"

namespace halftone::pipeline {

namespace {

using model::Handle;

// Parameters that the sessions of a pass may hold, before the layout of the executor's own: with more, the operators
// are analysed in several passes over the data, each with a float run of its own.
constexpr std::uint64_t kParameterBytes = std::uint64_t{512} << 20;

// What is measured of one operator.
struct Layer {
  std::size_t number = 0;  // in the result
  Handle node = HT_NONE, output = HT_NONE;
  Cut alone, behind;
  std::uint64_t bytes = 0;
  PartSession own, inherited, layerwise;
};

struct LayerFigures {
  std::optional<ErrorFigures> graphwise, layerwise, own, inherited;
};

struct LayerMeans {
  ErrorMean graphwise, layerwise, own, inherited;
};

void add(ErrorMean &mean, const std::optional<ErrorFigures> &figures) {
  if (figures) mean.add(*figures);
}

void add(LayerMeans &means, const LayerFigures &figures) {
  add(means.graphwise, figures.graphwise);
  add(means.layerwise, figures.layerwise);
  add(means.own, figures.own);
  add(means.inherited, figures.inherited);
}

std::optional<ErrorFigures> mean_of(const ErrorMean &mean) {
  return mean.samples() == 0 ? std::nullopt : std::optional(mean.mean());
}

LayerFigures figures_of(const LayerMeans &means) {
  return {mean_of(means.graphwise), mean_of(means.layerwise), mean_of(means.own), mean_of(means.inherited)};
}

// What one sample leaves for the serial step, by layer of the pass: the mean of its frames.
using Left = std::vector<LayerFigures>;

// The sessions of one pass over the data.
struct Pass {
  std::unique_ptr<host::Session> floats, quantized;
  std::vector<Layer *> layers;
  bool graphwise = false;
};

class LayerSink final : public calibration::SampleSink {
 public:
  LayerSink(const Pass &pass, std::uint32_t worker) : pass_(pass), worker_(worker) {}
  void begin(std::uint64_t) override { means_ = std::vector<LayerMeans>(pass_.layers.size()); }
  void value(Handle value, const ht_tensor_view &tensor) override { floats_[value].store(tensor); }

  // Every frame of a sequence starts from the states of the float model, whatever is quantized.
  void frame(host::Context &ctx, std::span<const ht_tensor_view> fed) override {
    const std::vector<Handle> &inputs = pass_.floats->inputs();
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      floats_[inputs[i]].store(fed[i]);
      if (pass_.quantized) quantized_[inputs[i]].store(fed[i]);
    }
    if (pass_.quantized) {
      pass_.quantized->run_frame(ctx, worker_, fed,
                                 [&](Handle value, const ht_tensor_view &tensor) { quantized_[value].store(tensor); });
    }
    for (std::size_t i = 0; i < pass_.layers.size(); ++i) {
      LayerFigures figures;
      measure(ctx, *pass_.layers[i], figures);
      add(means_[i], figures);
    }
  }

  std::shared_ptr<void> take(host::Context &, const calibration::Sample &) override {
    auto left = std::make_shared<Left>();
    for (const LayerMeans &means : means_) left->push_back(figures_of(means));
    return left;
  }

 private:
  void measure(host::Context &ctx, const Layer &layer, LayerFigures &figures) {
    if (pass_.graphwise) figures.graphwise = error_of(layer.output, quantized_.at(layer.output));
    if (layer.own.session) {
      figures.own = error_at_output(ctx, layer, layer.own, floats_);
      figures.inherited = error_at_output(ctx, layer, layer.inherited, quantized_);
    }
    if (!layer.layerwise.session) return;
    ErrorMean mean;
    layer.layerwise.run(ctx, worker_, floats_, [&](Handle value, const ht_tensor_view &tensor) {
      scratch_.store(tensor);
      if (const auto error = error_of(value, scratch_)) mean.add(*error);
    });
    if (mean.samples() != 0) figures.layerwise = mean.mean();
  }

  std::optional<ErrorFigures> error_at_output(host::Context &ctx, const Layer &layer, const PartSession &part,
                                              const Values &values) {
    std::optional<ErrorFigures> error;
    part.run(ctx, worker_, values, [&](Handle value, const ht_tensor_view &tensor) {
      if (value != layer.output) return;
      scratch_.store(tensor);
      error = error_of(value, scratch_);
    });
    return error;
  }
  // Nothing for a tensor that is not float32, or has another shape because of the error itself.
  std::optional<ErrorFigures> error_of(Handle value, const StoredTensor &got) const {
    const StoredTensor &want = floats_.at(value);
    if (want.floats().data() == nullptr || got.floats().size() != want.floats().size()) return std::nullopt;
    return compare(got.floats(), want.floats());
  }

  const Pass &pass_;
  std::uint32_t worker_;
  Values floats_, quantized_;
  std::vector<LayerMeans> means_;  // over the frames of a sample, by layer of the pass
  StoredTensor scratch_;
};

class Analyzer {
 public:
  Analyzer(const calibration::Dataset &dataset, const AnalysisRequest &request, const calibration::FlowOptions &options)
      : dataset_(dataset),
        request_(request),
        options_(options),
        model_(request.working->model),
        opener_(request, options.workers, dataset.sequence()) {}

  ErrorAnalysis run() {
    const auto start = std::chrono::steady_clock::now();
    find_values();
    find_layers();
    std::size_t next = 0;
    do run_pass(next);
    while (next < layers_.size());
    for (std::size_t i = 0; i < means_.size(); ++i) {
      OperatorError &result = result_.operators[i];
      LayerFigures figures = figures_of(means_[i]);
      result.graphwise = std::move(figures.graphwise);
      result.layerwise = std::move(figures.layerwise);
      result.own = std::move(figures.own);
      result.inherited = std::move(figures.inherited);
    }
    result_.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    return std::move(result_);
  }

 private:
  void find_values() {
    for (const std::string &name : request_.values) values_.push_back(find_value(name));
    if (values_.empty()) values_ = model_.graph(model_.main_graph()).outputs;
    std::erase_if(values_, [&](Handle value) { return model_.value(value).producer == HT_NONE; });
    for (const Handle value : values_) result_.values.push_back(model_.value(value).name);
  }
  Handle find_value(const std::string &name) const {
    const Handle value = model_.find_value(model_.main_graph(), name);
    if (value != HT_NONE && model_.value(value).producer != HT_NONE) return value;
    std::vector<std::string> known;
    for (const Handle other : model_.graph(model_.main_graph()).values) {
      if (model_.value(other).producer != HT_NONE) known.push_back(model_.value(other).name);
    }
    fail(Status::kInvalidArgument, "{} '{}'{}; the error of layers is measured at results of operators",
         value == HT_NONE ? "the model, as the passes left it, has no value" : "no operator makes the value", name,
         nearest_hint(name, known));
  }

  void find_layers() {
    const Cutter cutter(model_);
    for (const Handle node : quantized_nodes(*request_.working, request_.all_operators)) {
      const model::Node &n = model_.node(node);
      const auto output = std::ranges::find_if(n.outputs, [](Handle value) { return value != HT_NONE; });
      if (output == n.outputs.end()) continue;
      Layer layer;
      layer.number = layers_.size();
      layer.node = node;
      layer.output = *output;
      if (request_.own) layer.alone = cutter.alone(node);
      if (request_.layerwise) layer.behind = cutter.behind(node, values_);
      layer.bytes = 2 * parameter_bytes(model_, layer.alone) + parameter_bytes(model_, layer.behind);
      layers_.push_back(std::move(layer));
      OperatorError error;
      error.node = node;
      error.name = n.name;
      error.type = n.op_type;
      error.value = model_.value(*output).name;
      result_.operators.push_back(std::move(error));
    }
    means_.resize(layers_.size());
    if (!layers_.empty()) return;
    fail(Status::kFailedPrecondition, "no {}operator of the model is quantized, so that there is no error to analyse{}",
         request_.all_operators ? "" : "computing ",
         request_.all_operators ? "" : "; --all takes in the operators that compute no sums of products");
  }

  // As many layers from `next` on as go into one pass; at least one.
  void run_pass(std::size_t &next) {
    Pass pass;
    pass.graphwise = request_.graphwise;
    std::uint64_t bytes = 0;
    const std::uint64_t most = most_parameters();
    while (next < layers_.size() && (pass.layers.empty() || bytes + layers_[next].bytes <= most)) {
      Layer &layer = layers_[next++];
      bytes += layer.bytes;
      open(layer);
      pass.layers.push_back(&layer);
    }
    pass.floats = opener_.whole(false, emits_of(pass, false));
    if (request_.graphwise || request_.own) pass.quantized = opener_.whole(true, emits_of(pass, true));
    calibration::FlowOptions options = options_;
    if (request_.memory_budget) keep_to_budget(pass, options);
    const calibration::FlowResult flow = calibration::run_flow(
        dataset_, *pass.floats, options,
        [&](std::uint32_t worker) { return std::make_unique<LayerSink>(pass, worker); },
        [&](std::uint64_t, const std::shared_ptr<void> &left) {
          const Left &figures = *static_cast<const Left *>(left.get());
          for (std::size_t i = 0; i < figures.size(); ++i) add(means_[pass.layers[i]->number], figures[i]);
        });
    result_.samples = flow.samples;
    result_.skipped = calibration::reasons_of(flow.skipped);
    for (Layer *layer : pass.layers) {
      for (PartSession *part : {&layer->own, &layer->inherited, &layer->layerwise}) *part = PartSession();
    }
  }

  // Within a budget, a quarter of what it leaves: sessions are opened before it is known what their tensors take.
  std::uint64_t most_parameters() const {
    if (!request_.memory_budget) return kParameterBytes;
    const std::uint64_t held = resident_memory();
    return std::min(kParameterBytes, *request_.memory_budget > held ? (*request_.memory_budget - held) / 4 : 0);
  }

  void keep_to_budget(const Pass &pass, calibration::FlowOptions &options) const {
    AnalysisSessions sessions;
    sessions.whole.push_back(pass.floats.get());
    if (pass.quantized) sessions.whole.push_back(pass.quantized.get());
    sessions.copies = sessions.whole.size();
    for (const Layer *layer : pass.layers) {
      for (const PartSession *part : {&layer->own, &layer->inherited, &layer->layerwise}) {
        if (part->session) sessions.parts.push_back(part->session.get());
      }
    }
    const calibration::MemoryPlan plan = fit_analysis(sessions, dataset_, *request_.memory_budget, options);
    if (options.sinks.notice) options.sinks.notice(plan.text());
  }

  void open(Layer &layer) {
    if (request_.own) {
      layer.own = opener_.part(layer.alone, layer.node);
      layer.inherited = opener_.part(layer.alone, HT_NONE);
    }
    if (!layer.behind.emits.empty()) layer.layerwise = opener_.part(layer.behind, layer.node);
  }

  // What has to be kept of a sample in float, or of the quantized run.
  std::vector<Handle> emits_of(const Pass &pass, bool quantized) const {
    std::set<Handle> values;
    for (const Layer *layer : pass.layers) {
      values.insert(layer->output);
      values.insert(layer->alone.feeds.begin(), layer->alone.feeds.end());
      if (quantized) continue;
      values.insert(layer->behind.feeds.begin(), layer->behind.feeds.end());
      values.insert(layer->behind.emits.begin(), layer->behind.emits.end());
    }
    std::erase_if(values, [&](Handle value) { return model_.value(value).producer == HT_NONE; });
    return {values.begin(), values.end()};
  }

  const calibration::Dataset &dataset_;
  const AnalysisRequest &request_;
  const calibration::FlowOptions &options_;
  const model::Model &model_;
  PartOpener opener_;
  std::vector<Handle> values_;
  std::vector<Layer> layers_;
  std::vector<LayerMeans> means_;
  ErrorAnalysis result_;
};

}  // namespace

ErrorAnalysis analyze_errors(const calibration::Dataset &dataset, const AnalysisRequest &request,
                             const calibration::FlowOptions &options) {
  return Analyzer(dataset, request, options).run();
}

}  // namespace halftone::pipeline
