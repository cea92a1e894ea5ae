#include "learnables.h"

#include <algorithm>
#include <array>
#include <string>

#include "halftone/fusion.hpp"
#include "halftone/walk.hpp"

namespace halftone::passes {
namespace {

bool has_own_scale(const ht_config_info &info) {
  return is_live(info.state) && info.root != HT_NONE && info.master == HT_NONE && info.scale_count > 0 &&
         info.spec.kind == HT_QUANT_INTEGER && info.spec.dynamic == 0;
}

bool is_stored_float(const sdk::Graph &graph, ht_handle value) {
  const auto tensor = graph.initializer(value);
  return tensor && tensor->dtype == HT_F32 && sdk::count_of(*tensor) > 0;
}

// What an operator of a plug-in does with a tensor is not known here; one that is stored and quantized is its weight.
bool may_hold_weight(const sdk::Node &node, std::uint32_t slot) {
  static constexpr std::array<std::string_view, 4> kProducts = {"Conv", "ConvTranspose", "Gemm", "MatMul"};
  return !node.domain().empty() || (slot <= 1 && std::ranges::find(kProducts, node.op_type()) != kProducts.end());
}

// A weight: an activated config of its own on a stored float32 tensor that takes part in a product.
bool is_weight_slot(const sdk::Graph &graph, const sdk::Configs &configs, const sdk::Node &node, std::uint32_t slot) {
  if (!may_hold_weight(node, slot)) return false;
  if (!is_stored_float(graph, node.input(slot))) return false;
  const ht_handle config = configs.input(node.handle, slot);
  if (config == HT_NONE) return false;
  const ht_config_info info = configs.info(config);
  return info.state == HT_STATE_ACTIVATED && info.root == config && has_own_scale(info) && info.spec.bits <= 16;
}

class Finder {
 public:
  Finder(const sdk::Context &ctx, const FlowGraph &flow, const Block &block, const ScaleUsers &users)
      : graph_(ctx), configs_(ctx), users_(users) {
    for (const std::size_t n : block.nodes) {
      order_.push_back(flow.nodes[n].handle);
      nodes_.insert(order_.back());
    }
  }

  Learnables find() {
    for (const ht_handle handle : order_) {
      const sdk::Node node = graph_.node(handle);
      for (std::uint32_t slot = 0; slot < node.inputs().size(); ++slot) {
        const ht_handle value = node.input(slot);
        if (value == HT_NONE) continue;
        if (graph_.value(value).is_initializer()) {
          add_stored(node, slot);
        } else {
          add_activation(configs_.input(handle, slot));
        }
      }
      for (std::uint32_t slot = 0; slot < node.outputs().size(); ++slot) add_activation(configs_.output(handle, slot));
    }
    return std::move(found_);
  }

 private:
  void add_stored(const sdk::Node &node, std::uint32_t slot) {
    const ht_handle value = node.input(slot);
    if (!is_stored_float(graph_, value) || !seen_.insert(value).second) return;
    const sdk::Value info = graph_.value(value);
    if (info.is_input() || info.is_output()) return;
    for (const ht_use &use : graph_.consumers(value)) {
      if (!nodes_.contains(use.node)) return;
    }
    const ht_handle config = configs_.input(node.handle, slot);
    if (is_weight_slot(graph_, configs_, node, slot)) {
      // One that several slots read would need one scale for all of them.
      if (info.info.consumer_count == 1 && users_.only_in(config, nodes_)) found_.weights.push_back({value, config});
    } else if (is_operand(node, slot, config)) {
      found_.operands.push_back({value, HT_NONE});
    }
  }

  // Not quantized on a scale of its own, which would have to follow.
  bool is_operand(const sdk::Node &node, std::uint32_t slot, ht_handle config) const {
    const std::uint32_t state = configs_.state(config);
    if (state == HT_STATE_BAKED || state == HT_STATE_PASSIVE_BAKED || state == HT_STATE_ACTIVATED) return false;
    if (node.is("Conv") || node.is("ConvTranspose") || node.is("Gemm")) return slot == 2;
    return node.is("Add") || node.is("Sub") || node.is("Mul") || node.is("Div");
  }

  void add_activation(ht_handle config) {
    if (config == HT_NONE) return;
    const ht_config_info info = configs_.info(config);
    if (!is_live(info.state)) return;
    const ht_handle owner = ScaleUsers::owner_of(configs_, info);
    if (!seen_.insert(owner).second) return;
    const ht_config_info own = configs_.info(owner);
    if (!has_own_scale(own)) return;
    if (own.spec.scale_form != HT_SCALE_FREE) return;
    found_.all_quantized.push_back(owner);
    if (users_.only_in(owner, nodes_)) found_.activations.push_back(owner);
  }

  const sdk::Graph graph_;
  const sdk::Configs configs_;
  const ScaleUsers &users_;
  std::vector<ht_handle> order_;
  std::unordered_set<ht_handle> nodes_, seen_;
  Learnables found_;
};

}  // namespace

// A config that another dominates reads that one's; one with a master the master's.
ht_handle ScaleUsers::owner_of(const sdk::Configs &configs, const ht_config_info &info) {
  ht_handle owner = info.root;
  for (ht_handle master = configs.info(owner).master; master != HT_NONE; master = configs.info(owner).master) {
    owner = configs.info(master).root;
  }
  return owner;
}

ScaleUsers::ScaleUsers(const sdk::Context &ctx) {
  const sdk::Configs configs(ctx);
  for (const ht_handle config : configs.all()) {
    const ht_config_info info = configs.info(config);
    if (is_live(info.state)) nodes_[owner_of(configs, info)].push_back(info.node);
  }
  for (const ht_handle fixed : sdk::Fusions(ctx).pinned()) nodes_.erase(fixed);
}

bool ScaleUsers::only_in(ht_handle owner, const std::unordered_set<ht_handle> &nodes) const {
  const auto found = nodes_.find(owner);
  return found != nodes_.end() &&
         std::ranges::all_of(found->second, [&](ht_handle node) { return nodes.contains(node); });
}

bool ScaleUsers::one_alone(ht_handle owner) const {
  const auto found = nodes_.find(owner);
  return found != nodes_.end() && found->second.size() == 1;
}

bool has_own_weight(const sdk::Graph &graph, const sdk::Configs &configs, const sdk::Node &node) {
  return is_weight_slot(graph, configs, node, 0) || is_weight_slot(graph, configs, node, 1);
}

Learnables find_learnables(const sdk::Context &ctx, const FlowGraph &flow, const Block &block,
                           const ScaleUsers &users) {
  return Finder(ctx, flow, block, users).find();
}

void refuse_baked(const sdk::Context &ctx, std::string_view pass) {
  const sdk::Graph graph(ctx);
  const sdk::Configs configs(ctx);
  for (const ht_handle config : configs.all()) {
    const ht_config_info info = configs.info(config);
    if (info.state != HT_STATE_BAKED) continue;
    const sdk::Node node = graph.node(info.node);
    throw sdk::Failure(HT_FAILED_PRECONDITION,
                       "the weight of " + std::string(node.op_type()) + " '" + std::string(node.name()) +
                           "' is stored in quantized form; put " + std::string(pass) + " before parameter-baking",
                       info.node);
  }
}

}  // namespace halftone::passes
