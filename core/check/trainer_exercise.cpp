// A trainer learns the weights of a small network on a made batch: the same bytes each time and by any number of
// threads, and a loss that falls.
#include <cmath>
#include <memory>

#include "core/base/digest.h"
#include "core/check/exercise.h"
#include "core/check/made_tensors.h"
#include "core/host/kernel_index.h"
#include "core/pipeline/parallel.h"
#include "core/pipeline/training.h"
#include "halftone/trainer.h"

namespace halftone::check {

namespace {

constexpr std::int64_t kRows = 6, kIn = 4, kOut = 3;
constexpr int kSteps = 20;

// x [rows, 4] -> MatMul(w) -> Relu -> MatMul(v) -> y [rows, 3].
struct Network {
  host::WorkingModel working;
  model::Handle x = HT_NONE, w = HT_NONE, v = HT_NONE, y = HT_NONE;

  Network() {
    model::Model &m = working.model;
    const model::Handle graph = m.main_graph();
    m.set_opset("", 13);
    x = m.add_value(graph, "x");
    m.mark_input(x);
    model::ValueType type;
    type.dtype = HT_F32;
    type.has_shape = true;
    type.dims = {{-1, "N"}, {kIn, {}}};
    m.set_type(x, type);
    w = stored("w", {kIn, kIn}, 0);
    v = stored("v", {kIn, kOut}, 3);
    const model::Handle first = m.add_value(graph, "first"), kept = m.add_value(graph, "kept");
    y = m.add_value(graph, "y");
    m.add_node(graph, "MatMul", "", "one", std::vector{x, w}, std::vector{first});
    m.add_node(graph, "Relu", "", "two", std::vector{first}, std::vector{kept});
    m.add_node(graph, "MatMul", "", "three", std::vector{kept, v}, std::vector{y});
    m.mark_output(y);
  }
  model::Handle stored(const char *name, const model::Shape &shape, std::size_t from) {
    std::vector<float> values(static_cast<std::size_t>(model::element_count(shape)));
    for (std::size_t i = 0; i < values.size(); ++i)
      values[i] = 0.25F * kMadeValues[(5 * i + from) % std::size(kMadeValues)];
    return working.model.add_initializer(working.model.main_graph(), name, model::Tensor::from_floats(shape, values));
  }
};

model::Tensor rows_of(std::int64_t width, std::size_t from) {
  std::vector<float> values(static_cast<std::size_t>(kRows * width));
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = kMadeValues[(3 * i + from) % std::size(kMadeValues)];
  return model::Tensor::from_floats({kRows, width}, values);
}

class Lesson {
 public:
  Lesson(Workbench &bench, const Subject &subject, const Terms &terms)
      : kernels_(bench.registry()),
        training_(bench.registry(), subject.id),
        parallel_(settings_of(terms)),
        trainer_(subject.component->role(HT_TRAINER_1)) {
    ctx_.working = &network_.working;
    ctx_.kernels = &kernels_;
    ctx_.parallel = &parallel_;
    ctx_.training = &training_;
    ctx_.component = subject.id;
    instance_ = std::make_unique<host::Instance>(*subject.component, &terms.parameters, ctx_);
  }
  ~Lesson() {
    if (session_ != nullptr) table().close(session_);
  }
  Lesson(const Lesson &) = delete;
  Lesson &operator=(const Lesson &) = delete;

  std::string run() {
    open();
    const double before = step(false).loss;
    for (int i = 0; i < kSteps; ++i) step(true);
    const double after = step(false).loss;
    if (!(after < before)) fail(Status::kInternal, "{} steps take the loss from {} to {}", kSteps, before, after);
    Digester digester;
    for (const model::Handle weight : {network_.w, network_.v}) {
      const std::vector<float> learned = read(weight);
      digester.add(std::as_bytes(std::span(learned)));
    }
    return digester.finish().hex();
  }

 private:
  static pipeline::CalibrationSettings settings_of(const Terms &terms) {
    pipeline::CalibrationSettings settings;
    settings.threads = terms.threads;
    return settings;
  }
  const ht_trainer &table() const { return *static_cast<const ht_trainer *>(trainer_); }

  void open() {
    const ht_handle weights[] = {network_.w, network_.v};
    ht_train_loss loss{};
    loss.struct_size = sizeof(loss);
    loss.kind = HT_LOSS_MSE;
    loss.output = network_.y;
    loss.weight = 1;
    loss.parameter = 2;
    ht_train_options options{};
    options.struct_size = sizeof(options);
    options.inputs = {&network_.x, 1};
    options.outputs = {&network_.y, 1};
    options.weights = {weights, 2};
    options.losses = &loss;
    options.loss_count = 1;
    host::call_component(ctx_, [&] { return table().open(instance_->raw(), &ctx_, &options, &session_); });
  }

  // A step of training, or only the loss.
  ht_train_result step(bool learns) {
    const ht_tensor_view input = view_of(inputs_), target = view_of(targets_);
    ht_train_batch batch{};
    batch.struct_size = sizeof(batch);
    batch.inputs = &input;
    batch.input_count = 1;
    batch.targets = &target;
    batch.target_count = 1;
    batch.step = taken_++;
    ht_train_result result{};
    result.struct_size = sizeof(result);
    host::call_component(ctx_, [&] {
      return learns ? table().accumulate(session_, &ctx_, &batch, &result)
                    : table().evaluate(session_, &ctx_, &batch, nullptr, nullptr, &result);
    });
    if (result.rows != static_cast<std::uint64_t>(kRows) || !std::isfinite(result.loss)) {
      fail(Status::kInternal, "a batch of {} rows gives {} rows and a loss of {}", kRows, result.rows, result.loss);
    }
    if (!learns) return result;
    const float rates[] = {0, 0.02F};
    ht_train_update update{};
    update.struct_size = sizeof(update);
    update.rates = rates;
    update.rate_count = 2;
    host::call_component(ctx_, [&] { return table().update(session_, &ctx_, &update); });
    return result;
  }

  std::vector<float> read(model::Handle weight) {
    ht_train_subject subject{};
    subject.struct_size = sizeof(subject);
    subject.kind = HT_LEARNED_WEIGHT;
    subject.handle = weight;
    ht_tensor_view view{};
    view.struct_size = sizeof(view);
    host::call_component(ctx_, [&] { return table().read(session_, &ctx_, &subject, &view); });
    if (view.dtype != HT_F32 || view.data == nullptr || view.rank != 2) {
      fail(Status::kInternal, "read() gives a weight in another form than it has in the model");
    }
    const auto *data = static_cast<const float *>(view.data);
    return {data, data + view.shape[0] * view.shape[1]};
  }

  Network network_;
  host::KernelIndex kernels_;
  pipeline::Training training_;
  pipeline::Parallel parallel_;
  const void *trainer_;
  host::Context ctx_;
  std::unique_ptr<host::Instance> instance_;
  model::Tensor inputs_ = rows_of(kIn, 0), targets_ = rows_of(kOut, 1);
  void *session_ = nullptr;
  std::uint64_t taken_ = 0;
};

}  // namespace

std::vector<Exercise> trainer_exercises(Workbench &bench, const Subject &subject) {
  return {{"on two products", [&bench, subject](const Terms &terms) {
             try {
               return Attempt{Attempt::Result::kDone, {}, Lesson(bench, subject, terms).run(), 0};
             } catch (const Error &error) {
               return attempt_of(error, subject, true);
             }
           }}};
}

}  // namespace halftone::check
