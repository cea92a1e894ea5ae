#include "core/pattern/neighbourhood.h"

#include <algorithm>
#include <unordered_map>

#include "core/pattern/node_fit.h"

namespace halftone::pattern {
namespace {

class Walk {
 public:
  Walk(const model::Model &model, const Pattern &pattern, const std::function<bool(Handle)> &may_use)
      : model_(model), pattern_(pattern), may_use_(may_use) {}

  Neighbourhood run(Handle root) {
    if (!may_use_(root) || !fits(model_, model_.node(root), pattern_.operations[0])) return {};
    graph_ = model_.node(root).graph;
    give(root, 0);
    for (std::size_t i = 0; i < open_.size(); ++i) {
      if (!expand(open_[i]) && i == 0) return {};
    }
    while (drop_shared()) {
    }
    if (!is_complete()) return {};
    connect();
    return std::move(out_);
  }

 private:
  struct Step {
    std::size_t node, operation;
  };

  // Finds the producers that can stand for the operation's inputs; false when an input finds none.
  bool expand(Step step) {
    const model::Node &node = model_.node(out_.nodes[step.node]);
    const bool any_order = is_commutative(node.domain, node.op_type);
    const std::vector<Term> &terms = pattern_.operations[step.operation].inputs;
    bool complete = true;
    for (std::size_t i = 0; i < terms.size(); ++i) {
      if (terms[i].kind != Term::Kind::kOperation) continue;
      bool found = false;
      const std::size_t begin = any_order ? 0 : i, end = any_order ? node.inputs.size() : i + 1;
      for (std::size_t slot = begin; slot < end && slot < node.inputs.size(); ++slot) {
        found = try_producer(node.inputs[slot], terms[i]) || found;
      }
      complete = complete && found;
    }
    return complete;
  }

  bool try_producer(Handle value, const Term &term) {
    if (value == HT_NONE) return false;
    const model::Value &v = model_.value(value);
    if (v.producer == HT_NONE || v.producer_slot != term.output || v.is_output) return false;
    const model::Node &producer = model_.node(v.producer);
    if (producer.graph != graph_ || !may_use_(v.producer)) return false;
    if (!fits(model_, producer, pattern_.operations[term.index])) return false;
    give(v.producer, term.index);
    return true;
  }

  void give(Handle node, std::size_t operation) {
    const auto [at, fresh] = index_.emplace(node, out_.nodes.size());
    if (fresh) {
      out_.nodes.push_back(node);
      out_.roles.push_back(0);
    }
    const Roles bit = Roles{1} << operation;
    if ((out_.roles[at->second] & bit) != 0) return;
    out_.roles[at->second] |= bit;
    open_.push_back({at->second, operation});
  }

  bool has_role(Handle node) const {
    const auto found = index_.find(node);
    return found != index_.end() && out_.roles[found->second] != 0;
  }

  // An inner node that something outside reads can stand for nothing, and so on for what it reads itself.
  bool drop_shared() {
    bool dropped = false;
    for (std::size_t i = 1; i < out_.nodes.size(); ++i) {
      if (out_.roles[i] == 0 || !is_read_outside(model_.node(out_.nodes[i]))) continue;
      out_.roles[i] = 0;
      dropped = true;
    }
    return dropped;
  }

  bool is_read_outside(const model::Node &node) const {
    return std::ranges::any_of(node.outputs, [&](Handle value) {
      if (value == HT_NONE) return false;
      const model::Value &v = model_.value(value);
      return v.is_output ||
             std::ranges::any_of(v.consumers, [&](const model::Use &use) { return !has_role(use.node); });
    });
  }

  bool is_complete() const {
    Roles all = 0;
    for (const Roles roles : out_.roles) all |= roles;
    return all == (~Roles{0} >> (kMostOperations - pattern_.operations.size()));
  }

  void connect() {
    for (std::size_t consumer = 0; consumer < out_.nodes.size(); ++consumer) {
      const std::size_t first = out_.edges.size();
      const std::vector<Handle> &inputs = model_.node(out_.nodes[consumer]).inputs;
      for (std::uint32_t slot = 0; slot < inputs.size(); ++slot) {
        if (inputs[slot] == HT_NONE) continue;
        const model::Value &value = model_.value(inputs[slot]);
        if (value.producer == HT_NONE || !has_role(value.producer)) continue;
        const std::size_t producer = index_.at(value.producer);
        auto edge = std::find_if(out_.edges.begin() + static_cast<std::ptrdiff_t>(first), out_.edges.end(),
                                 [&](const Edge &e) { return e.producer == producer; });
        if (edge == out_.edges.end()) edge = out_.edges.insert(edge, {producer, consumer, {}});
        edge->links.push_back({value.producer_slot, slot});
      }
    }
  }

  const model::Model &model_;
  const Pattern &pattern_;
  const std::function<bool(Handle)> &may_use_;
  Handle graph_ = HT_NONE;
  Neighbourhood out_;
  std::unordered_map<Handle, std::size_t> index_;
  std::vector<Step> open_;
};

}  // namespace

Neighbourhood neighbourhood_of(const model::Model &model, const Pattern &pattern, Handle root,
                               const std::function<bool(Handle)> &may_use) {
  return Walk(model, pattern, may_use).run(root);
}

}  // namespace halftone::pattern
