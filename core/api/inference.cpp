// A model that is run on arrays.
#include <condition_variable>
#include <thread>

#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include "core/api/execution.h"
#include "core/api/failure.h"
#include "core/api/text.h"
#include "core/base/nearest.h"
#include "core/calibration/row_major.h"
#include "core/host/service/table.h"
#include "core/model/dtype.h"

namespace halftone::api {

namespace {

// Numbers of workers that are free.
class Workers {
 public:
  explicit Workers(std::uint32_t count) {
    for (std::uint32_t i = count; i > 0; --i) free_.push_back(i - 1);
  }
  std::uint32_t take() {
    std::unique_lock lock(mutex_);
    freed_.wait(lock, [this] { return !free_.empty(); });
    const std::uint32_t worker = free_.back();
    free_.pop_back();
    return worker;
  }
  void give_back(std::uint32_t worker) {
    {
      const std::scoped_lock lock(mutex_);
      free_.push_back(worker);
    }
    freed_.notify_one();
  }

 private:
  std::mutex mutex_;
  std::condition_variable freed_;
  std::vector<std::uint32_t> free_;
};

bool is_float(ht_dtype type) {
  return type == HT_F32 || type == HT_F64 || type == HT_F16 || type == HT_BF16;
}

std::string shape_text(std::span<const std::int64_t> shape) {
  return fmt::format("[{}]", fmt::join(shape, ","));
}

std::string shape_text(const model::ValueType &type) {
  if (!type.has_shape) return "of any shape";
  std::vector<std::string> extents;
  for (const model::Dim &dim : type.dims)
    extents.push_back(dim.extent >= 0 ? std::to_string(dim.extent) : dim.symbol.empty() ? "?" : dim.symbol);
  return fmt::format("[{}]", fmt::join(extents, ","));
}

void require_fit(const model::Value &value, const ht_tensor_view &view) {
  const ht_dtype wanted = value.type.dtype;
  if (view.rank > HT_MAX_RANK || (view.rank != 0 && view.shape == nullptr))
    fail(Status::kInvalidArgument, "the array for input '{}' has no shape", value.name);
  const std::span<const std::int64_t> shape(view.shape, view.rank);
  bool fits = wanted == HT_DTYPE_NONE || view.dtype == wanted || (is_float(view.dtype) && is_float(wanted));
  if (value.type.has_shape) {
    fits = fits && value.type.dims.size() == shape.size();
    for (std::size_t i = 0; fits && i < shape.size(); ++i)
      fits = value.type.dims[i].extent < 0 || value.type.dims[i].extent == shape[i];
  }
  if (std::ranges::any_of(shape, [](std::int64_t extent) { return extent < 0; })) fits = false;
  if (!fits) {
    fail(Status::kInvalidArgument, "input '{}' takes {} {}, and the array is {} {}", value.name,
         model::dtype_name(wanted), shape_text(value.type), model::dtype_name(view.dtype), shape_text(shape));
  }
  if (view.data == nullptr && model::element_count(shape) != 0)
    fail(Status::kInvalidArgument, "the array for input '{}' has no data", value.name);
}

}  // namespace

}  // namespace halftone::api

struct ht_inference {
  ht_inference(std::shared_ptr<halftone::api::Engine> of, std::uint32_t threads)
      : engine(std::move(of)), kernels(engine->registry()), workers(threads) {}

  std::shared_ptr<halftone::api::Engine> engine;
  halftone::host::KernelIndex kernels;
  halftone::api::ModelContent content;
  std::unique_ptr<halftone::host::Instance> executor;
  std::unique_ptr<halftone::host::Session> session;
  std::vector<halftone::model::Handle> outputs;
  halftone::api::Workers workers;

  const halftone::model::Model &model() const { return content.working.model; }
};

namespace halftone::api {

namespace {

// Inner values too, by name.
std::vector<model::Handle> outputs_of(const model::Model &m, const ht_inference_options &options) {
  if (options.outputs == nullptr) return m.graph(m.main_graph()).outputs;
  std::vector<model::Handle> outputs;
  for (std::uint64_t i = 0; i < options.output_count; ++i) {
    const std::string name = text_or_empty(options.outputs[i]);
    const model::Handle value = m.find_value(m.main_graph(), name);
    if (value == HT_NONE) {
      std::vector<std::string> known;
      for (const model::Handle h : m.graph(m.main_graph()).values) known.push_back(m.value(h).name);
      fail(Status::kNotFound, "the model has no value '{}'{}", name, nearest_hint(name, known));
    }
    if (m.value(value).initializer)
      fail(Status::kInvalidArgument, "value '{}' is a stored tensor; read it from the graph", name);
    outputs.push_back(value);
  }
  return outputs;
}

std::unique_ptr<ht_inference> open(ht_model &model, const ht_inference_options &options) {
  const auto in_use = model.engine->in_use();
  const host::Mode mode = mode_of(options.mode);
  const std::uint32_t threads =
      options.threads == 0 ? std::max(1U, std::thread::hardware_concurrency()) : options.threads;
  if (threads > 1024) fail(Status::kInvalidArgument, "{} threads are more than 1024", threads);
  auto made = std::make_unique<ht_inference>(model.engine, threads);
  made->content = model.copy();
  const host::Registry &registry = model.engine->registry();
  made->executor = executor_of(registry, made->content, options.executor, options.platform, mode);
  make_ready(registry, made->kernels, mode, made->content);
  made->outputs = outputs_of(made->model(), options);
  host::SessionRequest request;
  request.mode = mode;
  request.workers = threads;
  request.emits = made->outputs;
  std::ranges::sort(request.emits);
  const auto twice = std::ranges::unique(request.emits);
  request.emits.erase(twice.begin(), twice.end());
  made->session = open_session(*made->executor, made->kernels, made->content.working, request, {});
  return made;
}

// What `take` ends the call with.
struct Refused {
  ht_status status;
};

// The caller's structs, each of the size that the first one tells.
std::vector<ht_tensor_view> views_of(const ht_tensor_view *first, std::uint64_t count) {
  std::vector<ht_tensor_view> views;
  for (std::uint64_t i = 0; i < count; ++i) views.push_back(options_of(host::element(first, i)));
  return views;
}

void run(ht_inference &inference, std::vector<ht_tensor_view> views, ht_take_output take, void *user) {
  const model::Model &m = inference.model();
  const std::vector<model::Handle> &inputs = inference.session->inputs();
  if (views.size() != inputs.size()) {
    fail(Status::kInvalidArgument, "the model has {} input{}, and {} array{} given", inputs.size(),
         inputs.size() == 1 ? "" : "s", views.size(), views.size() == 1 ? " is" : "s are");
  }
  std::vector<std::vector<std::byte>> copies(views.size());
  for (std::size_t i = 0; i < views.size(); ++i) {
    require_fit(m.value(inputs[i]), views[i]);
    if (calibration::is_row_major(views[i])) continue;
    copies[i] = calibration::row_major_copy(views[i]);
    views[i].data = copies[i].data();
    views[i].strides = nullptr;
  }
  host::Context ctx;
  const std::uint32_t worker = inference.workers.take();
  try {
    inference.session->run(ctx, worker, views, [&](model::Handle value, const ht_tensor_view &tensor) {
      for (std::size_t i = 0; i < inference.outputs.size(); ++i) {
        if (inference.outputs[i] != value) continue;
        ht_tensor_view plain = tensor;
        std::vector<std::byte> copy;
        if (!calibration::is_row_major(tensor)) {
          copy = calibration::row_major_copy(tensor);
          plain.data = copy.data();
          plain.strides = nullptr;
          plain.block_axis = plain.block_size = 0;
        }
        if (const ht_status status = take(user, i, &plain); status != HT_OK) throw Refused{status};
      }
    });
  } catch (...) {
    inference.workers.give_back(worker);
    throw;
  }
  inference.workers.give_back(worker);
}

nlohmann::ordered_json described(const model::Model &m, const std::vector<model::Handle> &values) {
  nlohmann::ordered_json list = nlohmann::ordered_json::array();
  for (const model::Handle h : values) {
    const model::Value &value = m.value(h);
    nlohmann::ordered_json entry{{"name", value.name}, {"dtype", value.type.dtype}, {"shape", nullptr}};
    if (value.type.has_shape) {
      entry["shape"] = nlohmann::ordered_json::array();
      for (const model::Dim &dim : value.type.dims) entry["shape"].push_back(dim.extent < 0 ? -1 : dim.extent);
    }
    list.push_back(std::move(entry));
  }
  return list;
}

}  // namespace

}  // namespace halftone::api

using namespace halftone;

ht_status HT_CALL ht_inference_open(ht_model *model, const ht_inference_options *options, ht_inference **inference) {
  return api::guarded([&] {
    api::require_given(model, "model");
    api::require_given(inference, "inference");
    *inference = api::open(*model, api::options_of(options)).release();
  });
}

void HT_CALL ht_inference_close(ht_inference *inference) {
  delete inference;
}

ht_status HT_CALL ht_inference_run(ht_inference *inference, const ht_tensor_view *inputs, std::uint64_t count,
                                   ht_take_output take, void *user) {
  ht_status refused = HT_OK;
  const ht_status status = api::guarded([&] {
    api::require_given(inference, "inference");
    if (count != 0) api::require_given(inputs, "inputs");
    if (take == nullptr) fail(Status::kInvalidArgument, "the argument 'take' is null");
    try {
      api::run(*inference, api::views_of(inputs, count), take, user);
    } catch (const api::Refused &by_caller) {
      refused = by_caller.status;
    }
  });
  return status == HT_OK ? refused : status;
}

ht_status HT_CALL ht_inference_names(ht_inference *inference, ht_text **names) {
  return api::guarded([&] {
    api::require_given(inference, "inference");
    const nlohmann::ordered_json out{{"inputs", api::described(inference->model(), inference->session->inputs())},
                                     {"outputs", api::described(inference->model(), inference->outputs)}};
    api::give_text(out.dump(1), names);
  });
}
