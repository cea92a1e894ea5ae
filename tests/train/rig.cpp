#include "tests/train/rig.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <random>

#include "core/base/error.h"
#include "core/host/instance.h"
#include "core/host/kernel_index.h"
#include "core/host/session.h"
#include "core/pipeline/parallel.h"
#include "core/pipeline/runner.h"
#include "core/pipeline/training.h"
#include "core/pipeline/yaml_setting.h"

namespace halftone::test {
namespace {

ht_tensor_view view_of(const Floats &tensor) {
  ht_tensor_view view{};
  view.struct_size = sizeof(view);
  view.dtype = HT_F32;
  view.rank = static_cast<std::uint32_t>(tensor.shape.size());
  view.shape = tensor.shape.data();
  view.data = const_cast<float *>(tensor.data.data());
  return view;
}

Floats copy_of(const ht_tensor_view &view) {
  Floats out;
  out.shape.assign(view.shape, view.shape + view.rank);
  std::size_t n = 1;
  for (const std::int64_t extent : out.shape) n *= static_cast<std::size_t>(extent);
  const auto *data = static_cast<const float *>(view.data);
  out.data.assign(data, data + n);
  return out;
}

const host::KernelIndex &kernels() {
  static const host::KernelIndex index(built_plugins());
  return index;
}

}  // namespace

const host::Registry &built_plugins() {
  static const host::Registry registry = [] {
    const char *build = std::getenv("HALFTONE_BUILD_DIR");
    host::SearchOptions options;
    options.plugin_paths = {std::filesystem::path(build == nullptr ? "." : build) / HALFTONE_PLUGINS};
    options.use_environment = false;
    options.probe = false;
    return host::load_plugins(options);
  }();
  return registry;
}

std::optional<std::string> shared_models() {
  const char *shared = std::getenv("HALFTONE_SHARED");
  if (shared == nullptr || !std::filesystem::exists(std::string(shared) + "/models")) return std::nullopt;
  return std::string(shared) + "/models";
}

std::string data_file(const std::string &file) {
  std::ifstream in(file, std::ios::binary);
  std::string start(128, '\0');
  in.read(start.data(), static_cast<std::streamsize>(start.size()));
  start.resize(static_cast<std::size_t>(in.gcount()));
  if (start.starts_with("../") && !in) return (std::filesystem::path(file).parent_path() / start).lexically_normal();
  return file;
}

host::WorkingModel run_pipeline(const std::string &yaml) {
  const pipeline::PipelineSpec spec = pipeline::parse_pipeline(pipeline::parse_yaml(yaml, "test"), "/");
  pipeline::Runner runner(built_plugins(), spec, {});
  runner.run_passes();
  return runner.model();
}

struct TrainRig::State {
  explicit State(host::WorkingModel &working, std::uint32_t threads)
      : training(built_plugins(), "native"), parallel(settings(threads)) {
    ctx.component = "test";
    ctx.working = &working;
    ctx.kernels = &kernels();
    ctx.training = &training;
    ctx.parallel = &parallel;
  }
  static pipeline::CalibrationSettings settings(std::uint32_t threads) {
    pipeline::CalibrationSettings s;
    s.threads = threads;
    return s;
  }
  void call(const std::function<ht_status(const ht_trainer &)> &body) {
    host::call_component(ctx, [&] { return body(*trainer); });
  }
  host::Context ctx;
  pipeline::Training training;
  pipeline::Parallel parallel;
  const ht_trainer *trainer = nullptr;
  void *session = nullptr;
};

TrainRig::TrainRig(host::WorkingModel &working, const TrainRequest &request)
    : state_(std::make_unique<State>(working, request.threads)) {
  const host::Instance &instance = state_->training.trainer(state_->ctx);
  state_->trainer = &instance.role<ht_trainer>(HT_TRAINER_1);
  const model::Graph &graph = working.model.graph(working.model.main_graph());
  const std::vector<model::Handle> inputs = request.inputs.empty() ? graph.inputs : request.inputs;
  const std::vector<model::Handle> outputs = request.outputs.empty() ? graph.outputs : request.outputs;
  ht_train_options options{};
  options.struct_size = sizeof(options);
  options.shards = request.shards;
  options.inputs = {inputs.data(), inputs.size()};
  options.outputs = {outputs.data(), outputs.size()};
  options.weights = {request.weights.data(), request.weights.size()};
  options.quantizers = request.quantizers.data();
  options.quantizer_count = request.quantizers.size();
  options.folds = request.folds.data();
  options.fold_count = request.folds.size();
  options.normalizations = {request.normalizations.data(), request.normalizations.size()};
  options.losses = request.losses.data();
  options.loss_count = request.losses.size();
  options.optimizers = request.optimizers.empty() ? nullptr : request.optimizers.data();
  options.optimizer_count = request.optimizers.size();
  options.memory = request.memory;
  options.seed = request.seed;
  state_->call([&](const ht_trainer &t) { return t.open(instance.raw(), &state_->ctx, &options, &state_->session); });
}

TrainRig::~TrainRig() {
  if (state_->session != nullptr) state_->trainer->close(state_->session);
}

namespace {

struct Batch {
  ht_train_batch batch{};
  std::vector<ht_tensor_view> inputs, targets;
  Batch(const std::vector<Floats> &in, const std::vector<Floats> &out, std::uint64_t step) {
    for (const Floats &x : in) inputs.push_back(view_of(x));
    for (const Floats &x : out) targets.push_back(view_of(x));
    batch.struct_size = sizeof(batch);
    batch.step = step;
    finish();
  }
  void finish() {
    batch.inputs = inputs.data();
    batch.input_count = inputs.size();
    batch.targets = targets.data();
    batch.target_count = targets.size();
  }
};

// Labels as a target; `shape` holds the only extent.
Batch with_labels(const std::vector<Floats> &in, const Labels &labels, std::int64_t &shape, std::uint64_t step) {
  Batch b(in, {}, step);
  shape = static_cast<std::int64_t>(labels.data.size());
  ht_tensor_view view{};
  view.struct_size = sizeof(view);
  view.dtype = HT_I64;
  view.rank = 1;
  view.shape = &shape;
  view.data = const_cast<std::int64_t *>(labels.data.data());
  b.targets.push_back(view);
  b.finish();
  return b;
}

ht_status HT_CALL keep(void *user, ht_handle value, const ht_tensor_view *tensor) {
  (*static_cast<std::map<model::Handle, Floats> *>(user))[value] = copy_of(*tensor);
  return HT_OK;
}

}  // namespace

std::map<model::Handle, Floats> TrainRig::evaluate(const std::vector<Floats> &inputs,
                                                   const std::vector<Floats> &targets, ht_train_result *result,
                                                   bool soft) {
  Batch b(inputs, targets, 0);
  b.batch.soft = soft ? 1 : 0;
  b.batch.statistics_batch = statistics_batch;
  std::map<model::Handle, Floats> out;
  state_->call(
      [&](const ht_trainer &t) { return t.evaluate(state_->session, &state_->ctx, &b.batch, &keep, &out, result); });
  return out;
}

double TrainRig::evaluate_labels(const std::vector<Floats> &inputs, const Labels &labels, bool soft) {
  std::int64_t shape = 0;
  Batch b = with_labels(inputs, labels, shape, 0);
  b.batch.soft = soft ? 1 : 0;
  ht_train_result result{};
  state_->call([&](const ht_trainer &t) {
    return t.evaluate(state_->session, &state_->ctx, &b.batch, nullptr, nullptr, &result);
  });
  return result.loss;
}

ht_train_result TrainRig::accumulate(const std::vector<Floats> &inputs, const std::vector<Floats> &targets,
                                     std::uint64_t step) {
  Batch b(inputs, targets, step);
  b.batch.statistics_batch = statistics_batch;
  ht_train_result result{};
  state_->call([&](const ht_trainer &t) { return t.accumulate(state_->session, &state_->ctx, &b.batch, &result); });
  return result;
}

ht_train_result TrainRig::accumulate_labels(const std::vector<Floats> &inputs, const Labels &labels,
                                            std::uint64_t step) {
  std::int64_t shape = 0;
  Batch b = with_labels(inputs, labels, shape, step);
  ht_train_result result{};
  state_->call([&](const ht_trainer &t) { return t.accumulate(state_->session, &state_->ctx, &b.batch, &result); });
  return result;
}

void TrainRig::update(float rate) {
  const std::vector<float> rates(HT_LEARNED_KINDS, rate);
  ht_train_update update{};
  update.struct_size = sizeof(update);
  update.rate_count = HT_LEARNED_KINDS;
  update.rates = rates.data();
  state_->call([&](const ht_trainer &t) { return t.update(state_->session, &state_->ctx, &update); });
}

namespace {

ht_train_subject subject_of(std::uint32_t kind, model::Handle handle, std::uint32_t part) {
  ht_train_subject subject{};
  subject.struct_size = sizeof(subject);
  subject.kind = kind;
  subject.handle = handle;
  subject.part = part;
  return subject;
}

}  // namespace

std::vector<float> TrainRig::read(std::uint32_t kind, model::Handle handle, std::uint32_t part) {
  const ht_train_subject subject = subject_of(kind, handle, part);
  ht_tensor_view view{};
  state_->call([&](const ht_trainer &t) { return t.read(state_->session, &state_->ctx, &subject, &view); });
  return copy_of(view).data;
}

std::vector<float> TrainRig::gradient(std::uint32_t kind, model::Handle handle, std::uint32_t part) {
  const ht_train_subject subject = subject_of(kind, handle, part);
  ht_tensor_view view{};
  state_->call([&](const ht_trainer &t) { return t.gradient(state_->session, &state_->ctx, &subject, &view); });
  return copy_of(view).data;
}

void TrainRig::write(std::uint32_t kind, model::Handle handle, const Floats &values, std::uint32_t part) {
  const ht_train_subject subject = subject_of(kind, handle, part);
  const ht_tensor_view view = view_of(values);
  state_->call([&](const ht_trainer &t) { return t.write(state_->session, &state_->ctx, &subject, &view); });
}

std::vector<std::byte> TrainRig::save() {
  const void *bytes = nullptr;
  std::uint64_t size = 0;
  state_->call([&](const ht_trainer &t) { return t.save(state_->session, &state_->ctx, &bytes, &size); });
  const auto *data = static_cast<const std::byte *>(bytes);
  return {data, data + size};
}

void TrainRig::restore(const std::vector<std::byte> &bytes) {
  state_->call(
      [&](const ht_trainer &t) { return t.restore(state_->session, &state_->ctx, bytes.data(), bytes.size()); });
}

std::vector<model::Handle> weights_of(const model::Model &m, bool biases) {
  std::vector<model::Handle> out;
  for (const model::Handle h : m.topological_order(m.main_graph())) {
    const model::Node &node = m.node(h);
    if (node.op_type != "Conv" && node.op_type != "ConvTranspose" && node.op_type != "Gemm" && node.op_type != "MatMul")
      continue;
    for (std::size_t slot = 1; slot < std::min<std::size_t>(node.inputs.size(), biases ? 3 : 2); ++slot) {
      const model::Handle value = node.inputs[slot];
      if (value == HT_NONE || !m.value(value).initializer) continue;
      if (std::find(out.begin(), out.end(), value) == out.end()) out.push_back(value);
    }
  }
  return out;
}

std::string refusal(host::WorkingModel &working, const TrainRequest &request) {
  try {
    TrainRig rig(working, request);
    return "";
  } catch (const Error &error) {
    return error.message();
  }
}

ht_train_loss loss_of(std::uint32_t kind, model::Handle output, float parameter) {
  ht_train_loss loss{};
  loss.struct_size = sizeof(loss);
  loss.kind = kind;
  loss.output = output;
  loss.weight = 1;
  loss.parameter = parameter;
  return loss;
}

Floats noise(std::vector<std::int64_t> shape, std::uint64_t seed) {
  Floats out{std::move(shape), {}};
  std::size_t n = 1;
  for (const std::int64_t extent : out.shape) n *= static_cast<std::size_t>(extent);
  std::mt19937_64 random(seed);
  for (std::size_t i = 0; i < n; ++i) out.data.push_back(static_cast<float>(random() >> 40) * 0x1p-23F - 1.0F);
  return out;
}

std::map<model::Handle, Floats> execute(host::WorkingModel &working, const std::string &executor, bool simulated,
                                        const Floats &input, const std::vector<model::Handle> &values) {
  host::Context ctx;
  ctx.working = &working;
  ctx.kernels = &kernels();
  const host::Instance instance(built_plugins().get(HT_KIND_EXECUTOR, executor), nullptr, ctx);
  host::SessionRequest request;
  request.mode = simulated ? host::Mode::kSimulated : host::Mode::kFloat;
  request.emits = values;
  const host::Session session(instance, ctx, request);
  std::map<model::Handle, Floats> all;
  const auto rows = static_cast<std::size_t>(input.shape[0]), row = input.data.size() / rows;
  for (std::size_t r = 0; r < rows; ++r) {
    Floats sample{input.shape, {}};
    sample.shape[0] = 1;
    sample.data.assign(input.data.begin() + static_cast<std::ptrdiff_t>(r * row),
                       input.data.begin() + static_cast<std::ptrdiff_t>((r + 1) * row));
    const std::vector<ht_tensor_view> views = {view_of(sample)};
    session.run(ctx, 0, views, [&](model::Handle value, const ht_tensor_view &tensor) {
      Floats &to = all[value];
      const Floats part = copy_of(tensor);
      if (to.shape.empty()) {
        to.shape = part.shape;
      } else {
        to.shape[0] += part.shape[0];
      }
      to.data.insert(to.data.end(), part.data.begin(), part.data.end());
    });
  }
  return all;
}

double distance(const std::vector<float> &got, const std::vector<float> &want) {
  if (got.size() != want.size()) return HUGE_VAL;
  double most = 0, off = 0;
  for (std::size_t i = 0; i < got.size(); ++i) {
    most = std::max(most, std::fabs(double{want[i]}));
    const double d = std::fabs(double{got[i]} - double{want[i]});
    off = d <= off ? off : d;  // NaN stays
  }
  return off / std::max(most, 1e-12);
}

}  // namespace halftone::test
