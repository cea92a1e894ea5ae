#include "tests/unit/reference/model_runner.h"

#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>

#include "core/host/kernel_index.h"
#include "core/host/registry.h"
#include "core/pipeline/model_to_run.h"

namespace halftone::test {

namespace {

// The plug-in of this build and nothing else.
struct Plugins {
  host::Registry registry;
  host::KernelIndex kernels;

  Plugins() : registry(load()), kernels(registry) {}
  static host::Registry load() {
    const char *build = std::getenv("HALFTONE_BUILD_DIR");
    host::SearchOptions options;
    options.plugin_paths = {std::filesystem::path(build == nullptr ? "." : build) / HALFTONE_REFERENCE_PLUGIN};
    options.use_environment = false;
    options.probe = false;
    return host::load_plugins(options);
  }
};

const Plugins &plugins() {
  static const Plugins loaded;
  return loaded;
}

ht_tensor_view view_of(const model::Tensor &tensor) {
  ht_tensor_view view{};
  view.struct_size = sizeof(view);
  view.dtype = tensor.dtype();
  view.rank = static_cast<std::uint32_t>(tensor.shape().size());
  view.shape = tensor.shape().data();
  view.data = const_cast<std::byte *>(tensor.bytes().data());
  return view;
}

model::Tensor copy_of(const ht_tensor_view &view) {
  model::Shape shape(view.shape, view.shape + view.rank);
  const std::size_t size = model::Tensor(view.dtype, shape).bytes().size();
  std::vector<std::byte> bytes(size);
  if (size != 0) std::memcpy(bytes.data(), view.data, size);
  return model::Tensor(view.dtype, std::move(shape), std::move(bytes));
}

}  // namespace

ModelRunner::ModelRunner(host::WorkingModel &working, const RunRequest &request) {
  ctx_.working = &working;
  ctx_.kernels = &plugins().kernels;
  executor_ = std::make_unique<host::Instance>(plugins().registry.get(HT_KIND_EXECUTOR, "reference"), nullptr, ctx_);
  host::SessionRequest options;
  options.mode = request.mode;
  options.quantized_weights = request.quantized_weights;
  options.emits = request.emits;
  const model::Model &m = working.model;
  if (options.emits.empty()) options.emits = m.graph(m.main_graph()).outputs;
  session_ = std::make_unique<host::Session>(*executor_, ctx_, options);
}

Emitted ModelRunner::run(const std::vector<model::Tensor> &inputs) {
  std::vector<ht_tensor_view> views;
  for (const model::Tensor &input : inputs) views.push_back(view_of(input));
  Emitted out;
  session_->run(ctx_, 0, views,
                [&](model::Handle value, const ht_tensor_view &tensor) { out.emplace_back(value, copy_of(tensor)); });
  return out;
}

model::Model model_to_run(const std::filesystem::path &path) {
  return pipeline::read_model_to_run(path, plugins().kernels).model;
}

const model::Tensor &emitted(const Emitted &all, model::Handle value) {
  for (const auto &[handle, tensor] : all) {
    if (handle == value) return tensor;
  }
  fail(Status::kNotFound, "the value was not emitted");
}

std::string read_bytes(const std::filesystem::path &file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

}  // namespace halftone::test
