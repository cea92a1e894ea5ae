#include "tests/unit/pattern/naive_match.h"

#include <algorithm>
#include <map>
#include <numeric>

namespace halftone::pattern::test {
namespace {

using Nodes = std::map<std::size_t, Handle>;   // by operation
using Values = std::map<std::size_t, Handle>;  // by name

class Naive {
 public:
  Naive(const model::Model &model, const Pattern &pattern, const std::set<Handle> &taken)
      : model_(model), pattern_(pattern), taken_(taken) {}

  bool run(Handle root) { return extend({{0, root}}, {}, {0}); }

 private:
  // Gives the operations of `open` their inputs, one operation after another, in every order.
  bool extend(const Nodes &nodes, const Values &values, std::vector<std::size_t> open) {
    if (open.empty()) return is_sound(nodes, values);
    const std::size_t at = open.back();
    open.pop_back();
    const model::Node &node = model_.node(nodes.at(at));
    const Operation &operation = pattern_.operations[at];
    const bool type = operation.types.empty() || std::ranges::any_of(operation.types, [&](const OperatorType &t) {
                        return t.type == node.op_type && t.domain == node.domain;
                      });
    if (!type || taken_.count(nodes.at(at)) != 0) return false;
    std::vector<std::size_t> slots(node.inputs.size());
    std::iota(slots.begin(), slots.end(), std::size_t{0});
    do {
      if (place(operation, node, slots, nodes, values, open)) return true;
    } while (is_commutative(node.domain, node.op_type) && std::next_permutation(slots.begin(), slots.end()));
    return false;
  }

  bool place(const Operation &operation, const model::Node &node, const std::vector<std::size_t> &slots, Nodes nodes,
             Values values, std::vector<std::size_t> open) {
    if (operation.rest == Rest::kNone && slots.size() > operation.inputs.size()) return false;
    for (std::size_t i = 0; i < operation.inputs.size(); ++i) {
      const Term &term = operation.inputs[i];
      if (i >= slots.size()) {
        if (!term.optional) return false;
        continue;
      }
      const Handle value = node.inputs[slots[i]];
      if (term.kind == Term::Kind::kName && !values.emplace(term.index, value).second && values[term.index] != value) {
        return false;
      }
      if (term.kind != Term::Kind::kOperation) continue;
      const Handle producer = model_.value(value).producer;
      if (producer == HT_NONE) return false;
      const auto [known, fresh] = nodes.emplace(term.index, producer);
      if (!fresh && known->second != producer) return false;
      if (fresh) open.push_back(term.index);
    }
    return extend(nodes, values, open);
  }

  // Distinct nodes, and inner values that nothing else sees; names and `_` come from outside.
  bool is_sound(const Nodes &nodes, const Values &values) const {
    std::set<Handle> all;
    for (const auto &[operation, node] : nodes) all.insert(node);
    if (all.size() != pattern_.operations.size()) return false;
    for (const auto &[name, value] : values) {
      if (all.count(model_.value(value).producer) != 0) return false;
    }
    std::size_t inner_reads = 0, wanted_reads = 0;
    for (const auto &[operation, node] : nodes) {
      for (const Handle value : model_.node(node).inputs) inner_reads += all.count(model_.value(value).producer);
      for (const Term &term : pattern_.operations[operation].inputs) {
        wanted_reads += term.kind == Term::Kind::kOperation ? 1 : 0;
      }
      if (operation == 0) continue;
      for (const Handle value : model_.node(node).outputs) {
        const model::Value &v = model_.value(value);
        if (v.is_output) return false;
        for (const model::Use &use : v.consumers) {
          if (all.count(use.node) == 0) return false;
        }
      }
    }
    return inner_reads == wanted_reads;  // `_` and `*` stand for nothing from inside
  }

  const model::Model &model_;
  const Pattern &pattern_;
  const std::set<Handle> &taken_;
};

}  // namespace

bool occurs(const model::Model &model, const Pattern &pattern, Handle root, const std::set<Handle> &taken) {
  return Naive(model, pattern, taken).run(root);
}

}  // namespace halftone::pattern::test
