// A platform with code in C++: the descriptor as text, and the rules of single nodes where data cannot say them.
#pragma once

#include <cstdint>
#include <span>

#include "halftone/component.hpp"
#include "halftone/config.hpp"
#include "halftone/graph.hpp"

namespace halftone::sdk {

// The rule that the descriptor gave for a node, to be changed in place.
class NodeRule {
 public:
  NodeRule(ht_node_rule &rule, ht_slot_rule *inputs, ht_slot_rule *outputs)
      : rule_(rule), inputs_(inputs), outputs_(outputs) {}
  bool quantized() const { return rule_.quantized != 0; }
  std::span<ht_slot_rule> inputs() const { return {inputs_, static_cast<std::size_t>(rule_.input_count)}; }
  std::span<ht_slot_rule> outputs() const { return {outputs_, static_cast<std::size_t>(rule_.output_count)}; }
  // The node stays in float; `reason` is what `halftone explain` prints, and lives until the call returns.
  void keep_in_float(ht_str reason) const {
    rule_.quantized = 0;
    rule_.reason = reason;
  }

 private:
  ht_node_rule &rule_;
  ht_slot_rule *inputs_, *outputs_;
};

// Derive and define `static constexpr const char *kDescriptor`, the YAML text. Declares HT_CAP_GRAPH_READ.
class Platform {
 public:
  static constexpr std::uint32_t kKind = HT_KIND_PLATFORM;
  static constexpr const char *kRole = HT_PLATFORM_1;
  virtual ~Platform() = default;
  // Called for every node whose rule somebody asks for, so keep it short. Must give the same for the same node.
  virtual void refine(const Context &ctx, const Node &node, const NodeRule &rule) = 0;

  template <typename T>
  static const ht_platform *role_table() {
    static const ht_platform table = {sizeof(ht_platform), 0, T::kDescriptor,
                                      [](void *instance, ht_ctx *raw, ht_handle node, ht_node_rule *rule,
                                         ht_slot_rule *inputs, ht_slot_rule *outputs) noexcept -> ht_status {
                                        auto *self = static_cast<Instance<T> *>(instance);
                                        return guarded(self->host.raw, raw, [&] {
                                          const Context ctx(self->host, raw);
                                          const Graph graph(ctx);
                                          self->object.refine(ctx, graph.node(node), NodeRule(*rule, inputs, outputs));
                                        });
                                      }};
    return &table;
  }
};

}  // namespace halftone::sdk

#define HALFTONE_PLATFORM(Class) HALFTONE_COMPONENT(Class)
