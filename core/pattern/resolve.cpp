#include <algorithm>
#include <optional>
#include <utility>

#include "core/base/error.h"
#include "core/pattern/parser.h"

namespace halftone::pattern {
namespace {

class Resolver {
 public:
  explicit Resolver(Draft draft) : draft_(std::move(draft)), pattern_(draft_.pattern) {}

  Pattern run() {
    check_definitions();
    for (const Place &place : draft_.terms) link(place);
    check_lists();
    visited_.resize(pattern_.operations.size(), Visit::kNew);
    visit(0);
    for (const std::size_t operation : draft_.statements) {
      if (visited_[operation] == Visit::kNew) unused(operation);
    }
    return std::move(pattern_);
  }

 private:
  enum class Visit { kNew, kOpen, kDone };

  [[noreturn]] void fail_here(std::size_t at, const std::string &what) const { fail_at(pattern_.text, at, what); }
  const std::string &name(std::size_t index) const { return pattern_.names[index]; }

  const Definition *definition_of(std::size_t name) const {
    const auto found = std::ranges::find(draft_.definitions, name, &Definition::name);
    return found == draft_.definitions.end() ? nullptr : &*found;
  }

  void check_definitions() const {
    for (const Definition &definition : draft_.definitions) {
      if (definition_of(definition.name) == &definition) continue;
      fail_here(definition.at,
                fmt::format("'{}' stands for something already; give this one another name", name(definition.name)));
    }
  }

  // A name that a `where` defines becomes the output of its operation.
  void link(const Place &place) {
    Operation &operation = pattern_.operations[place.operation];
    Term &term = operation.inputs[place.input];
    if (term.kind != Term::Kind::kName) return;
    const Definition *definition = definition_of(term.index);
    if (definition == nullptr) return;
    const bool repeated = operation.rest == Rest::kRepeat && place.input + 1 == operation.inputs.size();
    if (term.optional || repeated) {
      fail_here(place.at, fmt::format("'{}' is an operator's output, which cannot be {}", name(term.index),
                                      term.optional ? "optional" : "repeated by '...'"));
    }
    term.kind = Term::Kind::kOperation;
    term.index = definition->operation;
    term.output = definition->output;
  }

  // A name before `...` stands for a list.
  void check_lists() const {
    for (const Place &place : draft_.terms) {
      const Operation &operation = pattern_.operations[place.operation];
      const Term &term = operation.inputs[place.input];
      const bool repeated = operation.rest == Rest::kRepeat && place.input + 1 == operation.inputs.size();
      if (!repeated || term.kind != Term::Kind::kName) continue;
      for (const Place &other : draft_.terms) {
        const Term &use = pattern_.operations[other.operation].inputs[other.input];
        if (&use == &term || use.kind != Term::Kind::kName || use.index != term.index) continue;
        fail_here(std::max(other.at, place.at),
                  fmt::format("'{}' stands for all inputs that '...' repeats, and here for another one; use two names",
                              name(term.index)));
      }
    }
  }

  void visit(std::size_t at) {
    visited_[at] = Visit::kOpen;
    const auto &inputs = pattern_.operations[at].inputs;
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      if (inputs[i].kind != Term::Kind::kOperation) continue;
      const std::size_t child = inputs[i].index;
      if (visited_[child] == Visit::kOpen) {
        const auto place =
            std::ranges::find_if(draft_.terms, [&](const Place &p) { return p.operation == at && p.input == i; });
        fail_here(place->at, "what this name stands for depends on its own output; break the circle");
      }
      if (visited_[child] == Visit::kNew) visit(child);
    }
    visited_[at] = Visit::kDone;
  }

  [[noreturn]] void unused(std::size_t operation) const {
    const auto definition = std::ranges::find(draft_.definitions, operation, &Definition::operation);
    if (definition == draft_.definitions.end()) {
      fail_here(pattern_.text.size(), "a clause of where names no output that the pattern uses; leave it out");
    }
    fail_here(definition->at, fmt::format("no input is '{}'; use the name before where, or leave the clause out",
                                          name(definition->name)));
  }

  Draft draft_;
  Pattern &pattern_;
  std::vector<Visit> visited_;
};

}  // namespace

Pattern resolve(Draft draft) {
  return Resolver(std::move(draft)).run();
}

Pattern parse(std::string_view text) {
  return resolve(Parser(text).run());
}

Pattern parse_fusion(std::string_view text) {
  Pattern pattern = parse(text);
  if (pattern.operations.size() == 1) {
    fail_at(text, tokens_of(text).front().at,
            "this is one operator alone, and a fusion needs two or more; write what comes before it into its "
            "parentheses, for instance Relu(Conv(*))");
  }
  return pattern;
}

}  // namespace halftone::pattern
