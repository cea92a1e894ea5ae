#include "core/pattern/assignment.h"

#include <algorithm>

#include "core/pattern/node_fit.h"

namespace halftone::pattern {
namespace {

// Walks through all terms of all operations; where an order is free it tries one input after another and goes back when
// a later term does not fit.
class Assignment {
 public:
  Assignment(const model::Model &model, const Pattern &pattern, std::span<const Handle> nodes, Constants &constants)
      : model_(model), pattern_(pattern), nodes_(nodes), constants_(constants), bound_(pattern.names.size()) {
    for (const Handle node : nodes_) used_.emplace_back(input_count(model_.node(node)), false);
  }

  std::optional<std::vector<std::vector<Handle>>> run() {
    if (!place(0, 0)) return std::nullopt;
    for (std::size_t i = 0; i < nodes_.size(); ++i) name_outputs(i);
    std::vector<std::vector<Handle>> values;
    for (const auto &bound : bound_) values.push_back(bound.value_or(std::vector<Handle>{}));
    return values;
  }

 private:
  // Terms that stand for one input; what `...` repeats stands for all that remain.
  std::size_t single_terms(const Operation &operation) const {
    return operation.inputs.size() - (operation.rest == Rest::kRepeat ? 1 : 0);
  }

  bool place(std::size_t at, std::size_t term_index) {
    if (at == nodes_.size()) return true;
    const Operation &operation = pattern_.operations[at];
    if (term_index == single_terms(operation)) return finish(at);
    const model::Node &node = model_.node(nodes_[at]);
    const Term &term = operation.inputs[term_index];
    const bool any_order = is_commutative(node.domain, node.op_type);
    const std::size_t count = used_[at].size();
    const std::size_t begin = any_order ? 0 : term_index, end = any_order ? count : std::min(count, term_index + 1);
    for (std::size_t slot = begin; slot < end; ++slot) {
      if (used_[at][slot] || node.inputs[slot] == HT_NONE) continue;
      used_[at][slot] = true;
      if (with(term, node.inputs[slot], [&] { return place(at, term_index + 1); })) return true;
      used_[at][slot] = false;
    }
    if (!term.optional) return false;
    const bool absent = any_order || term_index >= count || node.inputs[term_index] == HT_NONE;
    return absent && with(term, HT_NONE, [&] { return place(at, term_index + 1); });
  }

  // All terms of an operation have their inputs; what remains must be meant by `*` or `...`.
  bool finish(std::size_t at) {
    const Operation &operation = pattern_.operations[at];
    const model::Node &node = model_.node(nodes_[at]);
    std::vector<Handle> rest;
    for (std::size_t slot = 0; slot < used_[at].size(); ++slot) {
      if (!used_[at][slot] && node.inputs[slot] != HT_NONE) rest.push_back(node.inputs[slot]);
    }
    if (!std::ranges::all_of(rest, [&](Handle value) { return is_outside(value); })) return false;
    if (operation.rest == Rest::kAny) return place(at + 1, 0);
    if (operation.rest == Rest::kNone) return rest.empty() && place(at + 1, 0);
    const Term &repeated = operation.inputs.back();
    if (rest.empty()) return false;
    if (repeated.kind == Term::Kind::kNumber) {
      const auto equal = [&](Handle value) { return constants_.is(value, repeated.number); };
      return std::ranges::all_of(rest, equal) && place(at + 1, 0);
    }
    return with_bound(repeated, std::move(rest), [&] { return place(at + 1, 0); });
  }

  // Goes on when the term can stand for the value, HT_NONE for none; undoes what it named when that leads nowhere.
  template <typename Next>
  bool with(const Term &term, Handle value, Next next) {
    if (term.kind == Term::Kind::kOperation) {
      const model::Value &v = model_.value(value);
      return v.producer == nodes_[term.index] && v.producer_slot == term.output && next();
    }
    if (value != HT_NONE && !is_outside(value)) return false;
    if (term.kind == Term::Kind::kNumber) return (value == HT_NONE || constants_.is(value, term.number)) && next();
    return with_bound(term, value == HT_NONE ? std::vector<Handle>{} : std::vector<Handle>{value}, next);
  }

  template <typename Next>
  bool with_bound(const Term &term, std::vector<Handle> values, Next next) {
    if (term.kind != Term::Kind::kName) return next();
    auto &bound = bound_[term.index];
    if (bound) return *bound == values && next();
    bound = std::move(values);
    if (next()) return true;
    bound_[term.index].reset();
    return false;
  }

  bool is_outside(Handle value) const {
    const Handle producer = model_.value(value).producer;
    return producer == HT_NONE || std::ranges::find(nodes_, producer) == nodes_.end();
  }

  void name_outputs(std::size_t at) {
    const std::vector<std::size_t> &names = pattern_.operations[at].outputs;
    const std::vector<Handle> &outputs = model_.node(nodes_[at]).outputs;
    for (std::size_t i = 0; i < names.size(); ++i) {
      if (names[i] != Operation::kUnnamed) bound_[names[i]] = std::vector<Handle>{outputs[i]};
    }
  }

  const model::Model &model_;
  const Pattern &pattern_;
  std::span<const Handle> nodes_;
  Constants &constants_;
  std::vector<std::vector<bool>> used_;                    // for each node, which inputs have a term
  std::vector<std::optional<std::vector<Handle>>> bound_;  // for each name
};

}  // namespace

std::optional<std::vector<std::vector<Handle>>> assign_inputs(const model::Model &model, const Pattern &pattern,
                                                              std::span<const Handle> nodes, Constants &constants) {
  return Assignment(model, pattern, nodes, constants).run();
}

}  // namespace halftone::pattern
