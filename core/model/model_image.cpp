#include "core/model/model_image.h"

#include <memory>
#include <variant>

#include "core/base/digest.h"

namespace halftone::model {

template <typename A>
void walk(A &archive, Tensor &tensor) {
  archive.tensor(tensor);
}

template <typename A>
void walk(A &archive, Dim &dim) {
  walk(archive, dim.extent);
  walk(archive, dim.symbol);
}

template <typename A>
void walk(A &archive, ValueType &type) {
  walk(archive, type.dtype);
  walk(archive, type.has_shape);
  walk(archive, type.dims);
}

template <typename A>
void walk(A &archive, Use &use) {
  walk(archive, use.node);
  walk(archive, use.slot);
}

template <typename A>
void walk(A &, std::monostate &) {}

template <typename A>
void walk(A &archive, Attribute::Subgraphs &subgraphs) {
  walk(archive, subgraphs.graphs);
}

namespace {
template <std::size_t I = 0>
void emplace_kind(Attribute::Data &data, std::size_t kind) {
  if constexpr (I < std::variant_size_v<Attribute::Data>) {
    if (kind == I) {
      data.emplace<I>();
    } else {
      emplace_kind<I + 1>(data, kind);
    }
  }
}
}  // namespace

template <typename A>
void walk(A &archive, Attribute &attribute) {
  std::uint64_t kind = attribute.data.index();
  walk(archive, kind);
  if constexpr (A::kReading) {
    if (kind >= std::variant_size_v<Attribute::Data>) archive.broken();
    emplace_kind(attribute.data, static_cast<std::size_t>(kind));
  }
  std::visit([&](auto &data) { walk(archive, data); }, attribute.data);
}

template <typename A>
void walk(A &archive, Node &node) {
  walk(archive, node.graph);
  walk(archive, node.name);
  walk(archive, node.op_type);
  walk(archive, node.domain);
  walk(archive, node.inputs);
  walk(archive, node.outputs);
  walk(archive, node.attributes);
  walk(archive, node.origin);
}

template <typename A>
void walk(A &archive, Value &value) {
  walk(archive, value.graph);
  walk(archive, value.name);
  walk(archive, value.type);
  walk(archive, value.producer);
  walk(archive, value.producer_slot);
  walk(archive, value.consumers);
  walk(archive, value.initializer);
  walk(archive, value.is_input);
  walk(archive, value.is_output);
}

template <typename A>
void walk(A &archive, Graph &graph) {
  walk(archive, graph.name);
  walk(archive, graph.owner);
  walk(archive, graph.nodes);
  walk(archive, graph.inputs);
  walk(archive, graph.outputs);
  walk(archive, graph.values);
}

std::uint64_t TensorTable::add(const Tensor &tensor) {
  std::string key(reinterpret_cast<const char *>(tensor.shape().data()), tensor.shape().size() * sizeof(std::int64_t));
  key += std::to_string(tensor.dtype());
  if (by_content_) {
    key += Digester().add(tensor.bytes()).finish().hex();
  } else {
    key += fmt::format("@{}", static_cast<const void *>(tensor.bytes().data()));
  }
  const auto [found, is_new] = known_.emplace(std::move(key), tensors_.size());
  if (is_new) tensors_.push_back(tensor);
  return found->second;
}

template <typename A, typename T>
void ModelImage::walk_pool(A &archive, Pool<T> &pool) {
  pool.slots_.resize(static_cast<std::size_t>(archive.count(pool.slots_.size())));
  for (auto &slot : pool.slots_) {
    walk(archive, slot.generation);
    bool there = slot.object != nullptr;
    walk(archive, there);
    if (!there) continue;
    if constexpr (A::kReading) slot.object = std::make_shared<T>();
    walk(archive, *slot.object);
  }
  walk(archive, pool.free_);
}

template <typename A>
void ModelImage::walk_model(A &archive, Model &model) {
  walk(archive, model.name);
  walk(archive, model.producer_name);
  walk(archive, model.producer_version);
  walk(archive, model.ir_version);
  walk(archive, model.metadata);
  walk(archive, model.path);
  walk(archive, model.opsets_);
  walk(archive, model.revision_);
  walk(archive, model.main_);
  walk_pool(archive, model.graphs_);
  walk_pool(archive, model.nodes_);
  walk_pool(archive, model.values_);
}

void ModelImage::write(ImageWriter &writer, const Model &model) {
  Model copy = model;  // walks take what they read into
  walk_model(writer, copy);
}

Model ModelImage::read(ImageReader &reader) {
  Model model;
  model.graphs_ = {};
  model.opsets_.clear();
  walk_model(reader, model);
  if (model.graphs_.find(HandleKind::kGraph, model.main_) == nullptr) reader.broken();
  index_names(model);
  return model;
}

void ModelImage::index_names(Model &model) {
  model.value_names_ = {};
  model.node_names_ = {};
  const auto index = [](const auto &pool, HandleKind kind, NameIndex &names) {
    for (std::uint32_t i = 0; i < pool.slots_.size(); ++i) {
      const auto &slot = pool.slots_[i];
      if (slot.object) names.insert(slot.object->name, make_handle(kind, slot.generation, i));
    }
  };
  index(model.values_, HandleKind::kValue, model.value_names_);
  index(model.nodes_, HandleKind::kNode, model.node_names_);
}

template <typename T, typename Name>
std::string ModelImage::different_object(const Pool<T> &a, const Pool<T> &b, TensorTable &tensors, Name name) {
  for (std::size_t i = 0; i < std::max(a.slots_.size(), b.slots_.size()); ++i) {
    const T *first = i < a.slots_.size() ? a.slots_[i].object.get() : nullptr;
    const T *second = i < b.slots_.size() ? b.slots_[i].object.get() : nullptr;
    if (first == second) continue;
    if (first == nullptr || second == nullptr) return name(first == nullptr ? *second : *first);
    ImageWriter one(tensors), other(tensors);
    halftone::write(one, *first);
    halftone::write(other, *second);
    if (one.bytes() != other.bytes()) return name(*first);
  }
  return {};
}

std::string ModelImage::difference(const Model &a, const Model &b) {
  TensorTable tensors(true);
  const auto node = [](const Node &n) { return fmt::format("node '{}' ({})", n.name, n.op_type); };
  const auto value = [](const Value &v) { return fmt::format("value '{}'", v.name); };
  const auto graph = [](const Graph &g) { return fmt::format("the order of graph '{}'", g.name); };
  if (std::string what = different_object(a.nodes_, b.nodes_, tensors, node); !what.empty()) return what;
  if (std::string what = different_object(a.values_, b.values_, tensors, value); !what.empty()) return what;
  if (std::string what = different_object(a.graphs_, b.graphs_, tensors, graph); !what.empty()) return what;
  if (a.metadata != b.metadata) return "the metadata or notes of the model";
  if (a.opsets_ != b.opsets_) return "the opsets of the model";
  return {};
}

void ModelImage::exchange_tensors(Model &model, const std::function<Tensor(const Tensor &)> &exchange) {
  for (std::uint32_t i = 0; i < model.values_.slots_.size(); ++i) {
    const auto &slot = model.values_.slots_[i];
    if (!slot.object || !slot.object->initializer) continue;
    Tensor other = exchange(*slot.object->initializer);
    if (other.empty()) continue;
    const Handle handle = make_handle(HandleKind::kValue, slot.generation, i);
    model.values_.edit(HandleKind::kValue, handle)->initializer = std::move(other);
  }
  for (std::uint32_t i = 0; i < model.nodes_.slots_.size(); ++i) {
    const std::shared_ptr<Node> node = model.nodes_.slots_[i].object;  // the edit may make it another's alone
    if (!node) continue;
    for (const auto &[name, attribute] : node->attributes) {
      const Tensor *tensor = std::get_if<Tensor>(&attribute.data);
      Tensor other = tensor == nullptr ? Tensor() : exchange(*tensor);
      if (other.empty()) continue;
      const Handle handle = make_handle(HandleKind::kNode, model.nodes_.slots_[i].generation, i);
      model.nodes_.edit(HandleKind::kNode, handle)->attributes.find(name)->second.data = std::move(other);
    }
  }
}

}  // namespace halftone::model
