#include "core/pattern/assignment.h"

#include <algorithm>
#include <utility>

#include "core/pattern/open_inputs.h"

namespace halftone::pattern {
namespace {

// What can be only one thing comes first: inputs with a place of their own and outputs of operations. Only numbers and
// names that occur more than once are tried in several ways; terms that could change places are not.
class Assignment {
 public:
  Assignment(const model::Model &model, const Pattern &pattern, std::span<const Handle> nodes, Constants &constants,
             Attempts &attempts)
      : model_(model),
        pattern_(pattern),
        nodes_(nodes),
        constants_(constants),
        attempts_(attempts),
        bound_(pattern.names.size()),
        uses_(pattern.names.size()) {
    for (const Handle node : nodes_) open_.emplace_back(model_.node(node));
    for (const Operation &operation : pattern_.operations) {
      for (const Term &term : operation.inputs) {
        if (term.kind == Term::Kind::kName) ++uses_[term.index];
      }
    }
  }

  std::optional<std::vector<std::vector<Handle>>> run() {
    for (std::size_t at = 0; at < nodes_.size(); ++at) {
      if (!(any_order(at) ? place_operations(at) : place_in_order(at) && place_rest(at))) return std::nullopt;
    }
    for (std::size_t at = 0; at < nodes_.size(); ++at) collect_choices(at);
    if (!choose()) return std::nullopt;
    for (std::size_t at = 0; at < nodes_.size(); ++at) name_outputs(at);
    std::vector<std::vector<Handle>> values;
    for (const auto &bound : bound_) values.push_back(bound.value_or(std::vector<Handle>{}));
    return values;
  }

 private:
  // A number, or a name that occurs more than once, among inputs in any order.
  struct Choice {
    std::size_t at;
    const Term *term;
    std::size_t same_before;  // the choice before, from 1, for an equal number at the same node; 0: none
    bool placed = false;
    std::size_t slot = kAbsent;
  };

  const model::Node &node(std::size_t at) const { return model_.node(nodes_[at]); }
  bool any_order(std::size_t at) const { return is_commutative(node(at).domain, node(at).op_type); }

  // Terms that stand for one input each; what `...` repeats stands for all that remain.
  std::span<const Term> single_terms(std::size_t at) const {
    const Operation &operation = pattern_.operations[at];
    return std::span(operation.inputs).first(operation.inputs.size() - (operation.rest == Rest::kRepeat ? 1 : 0));
  }

  bool place_in_order(std::size_t at) {
    const std::span<const Term> terms = single_terms(at);
    for (std::size_t slot = 0; slot < terms.size(); ++slot) {
      const Handle value = open_[at].value(slot);
      if (!stands_for(terms[slot], value)) return false;
      if (value != HT_NONE) open_[at].take(slot);
    }
    return true;
  }

  // Binds the name of a term; for a place of its own, where nothing else can be tried.
  bool stands_for(const Term &term, Handle value) {
    if (value == HT_NONE) return term.optional && bind(term, {});
    if (term.kind == Term::Kind::kOperation) return value == output_of(term);
    if (!is_outside(value)) return false;
    if (term.kind == Term::Kind::kNumber) return constants_.is(value, term.number);
    return bind(term, {value});
  }

  bool bind(const Term &term, std::vector<Handle> values) {
    if (term.kind != Term::Kind::kName) return true;
    auto &bound = bound_[term.index];
    if (bound) return *bound == values;
    bound = std::move(values);
    return true;
  }

  // What remains of inputs that have a place of their own.
  bool place_rest(std::size_t at) {
    std::vector<Handle> rest = open_[at].values();
    return std::ranges::all_of(rest, [&](Handle value) { return is_outside(value); }) && is_rest(at, std::move(rest));
  }

  // Whether `*`, `...` or nothing says that these remain.
  bool is_rest(std::size_t at, std::vector<Handle> rest) {
    const Operation &operation = pattern_.operations[at];
    if (operation.rest == Rest::kAny) return true;
    if (operation.rest == Rest::kNone) return rest.empty();
    const Term &repeated = operation.inputs.back();
    const auto fits = [&](Handle value) { return can_repeat(repeated, value); };
    if (rest.empty() || !std::ranges::all_of(rest, fits)) return false;
    if (repeated.kind == Term::Kind::kName) bound_[repeated.index] = std::move(rest);
    return true;
  }

  bool can_repeat(const Term &repeated, Handle value) {
    return repeated.kind != Term::Kind::kNumber || constants_.is(value, repeated.number);
  }

  // Outputs of operations of the pattern stand at some input each, and what remains comes from outside.
  bool place_operations(std::size_t at) {
    for (const Term &term : single_terms(at)) {
      if (term.kind == Term::Kind::kOperation && open_[at].take_value(output_of(term)) == kAbsent) return false;
    }
    return std::ranges::all_of(open_[at].values(), [&](Handle value) { return is_outside(value); });
  }

  bool is_shared(const Term &term) const { return term.kind == Term::Kind::kName && uses_[term.index] > 1; }

  // Numbers that must be there before those that may be absent: equal ones then take inputs from left to right.
  void collect_choices(std::size_t at) {
    if (!any_order(at)) return;
    for (const bool optional : {false, true}) {
      for (const Term &term : single_terms(at)) {
        if (term.kind != Term::Kind::kNumber || term.optional != optional) continue;
        const auto same = std::find_if(choices_.rbegin(), choices_.rend(), [&](const Choice &other) {
          return other.at == at && other.term->number == term.number;
        });
        choices_.push_back({at, &term, static_cast<std::size_t>(choices_.rend() - same)});
      }
    }
    for (const Term &term : single_terms(at)) {
      if (is_shared(term)) choices_.push_back({at, &term, 0});
    }
  }

  bool choose() {
    attempts_.count();
    Choice *choice = next_choice();
    if (choice == nullptr) return finish();
    choice->placed = true;
    const bool done = choice->term->kind == Term::Kind::kNumber ? choose_constant(*choice)
                      : bound_[choice->term->index]             ? choose_bound(*choice)
                                                                : choose_value(*choice);
    choice->placed = done;
    return done;
  }

  // A name whose value is known, then numbers, then names.
  Choice *next_choice() {
    Choice *next = nullptr;
    for (Choice &choice : choices_) {
      if (choice.placed) continue;
      const bool number = choice.term->kind == Term::Kind::kNumber;
      if (!number && bound_[choice.term->index]) return &choice;
      if (next == nullptr || (number && next->term->kind != Term::Kind::kNumber)) next = &choice;
    }
    return next;
  }

  bool choose_constant(Choice &choice) {
    std::size_t begin = 0;
    if (choice.same_before > 0) {
      const std::size_t before = choices_[choice.same_before - 1].slot;
      begin = before == kAbsent ? kAbsent : before + 1;
    }
    const auto next = [&](Handle value) { return constants_.is(value, choice.term->number) && choose(); };
    return choose_slot(choice, begin, next) || (choice.term->optional && choose());
  }

  bool choose_bound(Choice &choice) {
    const std::vector<Handle> &bound = *bound_[choice.term->index];
    if (bound.empty()) return choice.term->optional && choose();
    const std::size_t slot = open_[choice.at].take_value(bound.front());
    if (slot == kAbsent) return false;
    if (choose()) return true;
    open_[choice.at].give_back(slot);
    return false;
  }

  bool choose_value(Choice &choice) {
    auto &bound = bound_[choice.term->index];
    const auto next = [&](Handle value) {
      bound = std::vector<Handle>{value};
      return choose();
    };
    if (choose_slot(choice, 0, next)) return true;
    if (choice.term->optional) {
      bound = std::vector<Handle>{};
      if (choose()) return true;
    }
    bound.reset();
    return false;
  }

  // Tries the free inputs from `begin` on, equal ones once.
  template <typename Next>
  bool choose_slot(Choice &choice, std::size_t begin, Next next) {
    std::vector<Handle> tried;
    for (const std::size_t slot : open_[choice.at].slots()) {
      const Handle value = open_[choice.at].value(slot);
      if (slot < begin || std::ranges::find(tried, value) != tried.end()) continue;
      tried.push_back(value);
      choice.slot = slot;
      open_[choice.at].take(slot);
      if (next(value)) return true;
      open_[choice.at].give_back(slot);
    }
    choice.slot = kAbsent;
    return false;
  }

  bool finish() {
    for (std::size_t at = 0; at < nodes_.size(); ++at) {
      if (any_order(at) && !share_rest(at)) return false;
    }
    return true;
  }

  // Nothing is left but terms that could change places, and the rest.
  bool share_rest(std::size_t at) {
    const Operation &operation = pattern_.operations[at];
    std::vector<const Term *> terms;
    std::vector<bool> optional, must;
    for (const Term &term : single_terms(at)) {
      if (term.kind != Term::Kind::kAny && (term.kind != Term::Kind::kName || is_shared(term))) continue;
      terms.push_back(&term);
      optional.push_back(term.optional);
    }
    std::vector<Handle> values = open_[at].values();
    for (const Handle value : values) {
      must.push_back(operation.rest == Rest::kNone ||
                     (operation.rest == Rest::kRepeat && !can_repeat(operation.inputs.back(), value)));
    }
    const auto shares = share_out(optional, must, operation.rest == Rest::kRepeat);
    if (!shares) return false;
    for (std::size_t i = 0; i < terms.size(); ++i) {
      const std::size_t share = (*shares)[i];
      std::vector<Handle> value;
      if (share != kAbsent) value.push_back(std::exchange(values[share], HT_NONE));
      if (terms[i]->kind == Term::Kind::kName) bound_[terms[i]->index] = std::move(value);
    }
    std::erase(values, HT_NONE);
    return is_rest(at, std::move(values));
  }

  Handle output_of(const Term &term) const {
    const std::vector<Handle> &outputs = node(term.index).outputs;
    return term.output < outputs.size() ? outputs[term.output] : HT_NONE;
  }

  bool is_outside(Handle value) const {
    const Handle producer = model_.value(value).producer;
    return producer == HT_NONE || std::ranges::find(nodes_, producer) == nodes_.end();
  }

  void name_outputs(std::size_t at) {
    const std::vector<std::size_t> &names = pattern_.operations[at].outputs;
    for (std::size_t i = 0; i < names.size(); ++i) {
      if (names[i] != Operation::kUnnamed) bound_[names[i]] = std::vector<Handle>{node(at).outputs[i]};
    }
  }

  const model::Model &model_;
  const Pattern &pattern_;
  std::span<const Handle> nodes_;
  Constants &constants_;
  Attempts &attempts_;
  std::vector<OpenInputs> open_;                           // of each node
  std::vector<std::optional<std::vector<Handle>>> bound_;  // for each name
  std::vector<std::size_t> uses_;                          // of each name, in the places of inputs
  std::vector<Choice> choices_;
};

}  // namespace

std::optional<std::vector<std::vector<Handle>>> assign_inputs(const model::Model &model, const Pattern &pattern,
                                                              std::span<const Handle> nodes, Constants &constants,
                                                              Attempts &attempts) {
  return Assignment(model, pattern, nodes, constants, attempts).run();
}

}  // namespace halftone::pattern
