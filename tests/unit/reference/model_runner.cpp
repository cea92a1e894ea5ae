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

// The executors of this build and nothing else.
struct Plugins {
  host::Registry registry;
  host::KernelIndex kernels;

  Plugins() : registry(load()), kernels(registry) {}
  static host::Registry load() {
    const char *build = std::getenv("HALFTONE_BUILD_DIR");
    const auto reference = std::filesystem::path(build == nullptr ? "." : build) / HALFTONE_REFERENCE_PLUGIN;
    host::SearchOptions options;
    options.plugin_paths = {reference};
    const auto onednn = reference.parent_path() / "ht_onednn.so";  // in builds of the programs that need it
    if (std::filesystem::exists(onednn)) options.plugin_paths.push_back(onednn);
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

// Where the element with this row-major number lies in a tensor with strides, by the definition in tensor.h.
std::int64_t offset_of(const ht_tensor_view &view, std::int64_t number) {
  std::int64_t offset = 0;
  for (std::uint32_t i = view.rank; i-- > 0;) {
    const std::int64_t at = number % view.shape[i];
    number /= view.shape[i];
    const bool split = view.block_size != 0 && i == view.block_axis;
    offset += split ? at / view.block_size * view.strides[i] + at % view.block_size : at * view.strides[i];
  }
  return offset;
}

// Row-major, whatever layout it came in.
model::Tensor copy_of(const ht_tensor_view &view) {
  model::Tensor out(view.dtype, model::Shape(view.shape, view.shape + view.rank));
  const std::size_t size = out.bytes().size();
  std::vector<std::byte> bytes(size);
  const auto *from = static_cast<const std::byte *>(view.data);
  if (view.strides == nullptr) {
    if (size != 0) std::memcpy(bytes.data(), from, size);
  } else {
    const std::size_t width = out.count() == 0 ? 0 : size / static_cast<std::size_t>(out.count());
    for (std::int64_t i = 0; i < out.count(); ++i) {
      std::memcpy(bytes.data() + static_cast<std::size_t>(i) * width,
                  from + static_cast<std::size_t>(offset_of(view, i)) * width, width);
    }
  }
  return model::Tensor(view.dtype, out.shape(), std::move(bytes));
}

}  // namespace

ModelRunner::ModelRunner(host::WorkingModel &working, const RunRequest &request) {
  ctx_.working = &working;
  ctx_.kernels = &plugins().kernels;
  executor_ =
      std::make_unique<host::Instance>(plugins().registry.get(HT_KIND_EXECUTOR, request.executor), nullptr, ctx_);
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

std::vector<const ht_op_kernel *> all_kernels() {
  std::vector<const ht_op_kernel *> out;
  for (const auto &loaded : plugins().registry.plugins()) {
    for (std::uint64_t i = 0; i < loaded->plugin->component_count; ++i) {
      const host::Component component{loaded->plugin->components[i], loaded.get()};
      if (component.description->kind != HT_KIND_OP_KERNELS) continue;
      const auto *set = static_cast<const ht_op_kernels *>(component.role(HT_OP_KERNELS_1));
      out.insert(out.end(), set->kernels, set->kernels + set->kernel_count);
    }
  }
  return out;
}

std::string read_bytes(const std::filesystem::path &file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

}  // namespace halftone::test
