#include "tests/unit/gradients/op_runner.h"

#include <cstdlib>
#include <filesystem>
#include <stdexcept>

#include "core/host/gradient_index.h"
#include "core/host/kernel_index.h"
#include "core/host/registry.h"
#include "core/host/search.h"

namespace halftone::test {
namespace {

struct Plugins {
  host::Registry registry;
  host::KernelIndex kernels;
  host::GradientIndex gradients;

  Plugins() : registry(load()), kernels(registry), gradients(registry) {}
  static host::Registry load() {
    const char *build = std::getenv("HALFTONE_BUILD_DIR");
    const auto folder = std::filesystem::path(build == nullptr ? "." : build) / HALFTONE_PLUGIN_FOLDER;
    host::SearchOptions options;
    options.plugin_paths = {folder / "ht_reference.so", folder / "ht_gradients.so", HALFTONE_OWN_OPERATOR};
    options.use_environment = false;
    options.probe = false;
    return host::load_plugins(options);
  }
};

const Plugins &plugins() {
  static const Plugins loaded;
  return loaded;
}

ht_tensor_view view_of(ht_dtype dtype, const model::Shape &shape, const void *data) {
  ht_tensor_view view{};
  view.struct_size = sizeof(view);
  view.dtype = dtype;
  view.rank = static_cast<std::uint32_t>(shape.size());
  view.shape = shape.data();
  view.data = const_cast<void *>(data);
  return view;
}

std::vector<ht_tensor_view> views_of(const std::vector<model::Tensor> &tensors, std::uint64_t kept) {
  std::vector<ht_tensor_view> views;
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    const bool has_data = (kept >> std::min<std::size_t>(i, 63) & 1) != 0;
    views.push_back(view_of(tensors[i].dtype(), tensors[i].shape(), has_data ? tensors[i].bytes().data() : nullptr));
  }
  return views;
}

}  // namespace

std::vector<const ht_op_gradient *> all_gradients() {
  std::vector<const ht_op_gradient *> out;
  host::each_table<ht_op_gradients>(
      plugins().registry, HT_KIND_OP_GRADIENTS, HT_OP_GRADIENTS_1,
      [&](const auto &table) { out.insert(out.end(), table.gradients, table.gradients + table.gradient_count); });
  return out;
}

std::vector<std::pair<std::string, std::string>> kernel_names() {
  std::vector<std::pair<std::string, std::string>> out;
  host::each_table<ht_op_kernels>(plugins().registry, HT_KIND_OP_KERNELS, HT_OP_KERNELS_1, [&](const auto &table) {
    for (std::uint64_t i = 0; i < table.kernel_count; ++i) {
      out.emplace_back(table.kernels[i]->domain, table.kernels[i]->op_type);
    }
  });
  return out;
}

OpRunner::OpRunner(const OpCase &op) : host_(HT_CAP_GRAPH_READ) {
  model::Model &m = working_.model;
  m.set_opset(op.domain, op.opset);
  std::vector<model::Handle> ins, outs;
  for (std::size_t i = 0; i < op.inputs.size(); ++i) {
    const bool empty = op.inputs[i].dtype() == HT_DTYPE_NONE;
    ins.push_back(empty ? HT_NONE : m.add_value(m.main_graph(), "in" + std::to_string(i)));
  }
  for (std::size_t i = 0; i < op.outputs; ++i) outs.push_back(m.add_value(m.main_graph(), "out" + std::to_string(i)));
  const model::Handle node = m.add_node(m.main_graph(), op.op_type, op.domain, "node", ins, outs);
  for (const auto &[key, value] : op.attributes) m.set_attribute(node, key, value);
  ctx_.working = &working_;
  ctx_.kernels = &plugins().kernels;
  kernel_ = &plugins().kernels.get(op.domain, op.op_type, op.opset);
  gradient_ = &plugins().gradients.get(op.domain, op.op_type, op.opset);
  if (kernel_->prepare(&host_.table, &ctx_, node, &kernel_state_) != HT_OK) throw std::runtime_error(failure());
  if (gradient_->prepare(&host_.table, &ctx_, node, &gradient_state_) != HT_OK) throw std::runtime_error(failure());
}

OpRunner::~OpRunner() {
  if (kernel_state_ != nullptr) kernel_->release(kernel_state_);
  if (gradient_state_ != nullptr) gradient_->release(gradient_state_);
}

std::string OpRunner::failure() {
  std::string text = ctx_.error ? ctx_.error->what() : "nothing was recorded";
  ctx_.forget_error();
  return text;
}

std::vector<model::Tensor> OpRunner::forward(const std::vector<model::Tensor> &inputs) {
  const auto in = views_of(inputs, ~std::uint64_t{0});
  const std::size_t count =
      working_.model.node(working_.model.graph(working_.model.main_graph()).nodes.front()).outputs.size();
  std::vector<ht_tensor_info> infos(count);
  for (ht_tensor_info &info : infos) info.struct_size = sizeof(info);
  if (kernel_->infer(kernel_state_, &ctx_, in.data(), in.size(), infos.data(), infos.size()) != HT_OK) {
    throw std::runtime_error(failure());
  }
  std::vector<model::Tensor> out;
  std::vector<std::vector<std::byte>> bytes(count);
  std::vector<ht_tensor_view> views;
  std::vector<model::Shape> shapes;
  for (const ht_tensor_info &info : infos) shapes.emplace_back(info.shape, info.shape + info.rank);
  for (std::size_t i = 0; i < count; ++i) {
    bytes[i].resize(model::Tensor(infos[i].dtype, shapes[i]).bytes().size());
    views.push_back(view_of(infos[i].dtype, shapes[i], bytes[i].data()));
  }
  if (kernel_->run(kernel_state_, &ctx_, in.data(), in.size(), views.data(), views.size()) != HT_OK) {
    throw std::runtime_error(failure());
  }
  for (std::size_t i = 0; i < count; ++i) out.emplace_back(infos[i].dtype, shapes[i], std::move(bytes[i]));
  return out;
}

std::optional<std::string> OpRunner::backward(const std::vector<model::Tensor> &inputs,
                                              const std::vector<model::Tensor> &outputs,
                                              const std::vector<std::vector<float>> &given, SlotSets kept,
                                              std::uint64_t wanted, std::vector<std::vector<float>> &out) {
  const auto in = views_of(inputs, kept.inputs), of = views_of(outputs, kept.outputs);
  std::vector<ht_tensor_view> dy, dx;
  out.assign(inputs.size(), {});
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    dy.push_back(view_of(given[i].empty() ? HT_DTYPE_NONE : HT_F32, outputs[i].shape(), given[i].data()));
  }
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const bool wants = (wanted >> std::min<std::size_t>(i, 63) & 1) != 0 && inputs[i].dtype() == HT_F32;
    if (wants) out[i].assign(static_cast<std::size_t>(inputs[i].count()), -77.0F);  // to be overwritten
    dx.push_back(view_of(wants ? HT_F32 : HT_DTYPE_NONE, inputs[i].shape(), out[i].data()));
  }
  if (gradient_->backward(gradient_state_, &ctx_, in.data(), in.size(), of.data(), of.size(), dy.data(), dx.data()) ==
      HT_OK) {
    return std::nullopt;
  }
  return failure();
}

}  // namespace halftone::test
