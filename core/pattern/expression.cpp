#include "core/pattern/expression.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <set>

#include "core/base/error.h"
#include "core/base/nearest.h"
#include "core/pattern/parser.h"

namespace halftone::pattern {
namespace {

bool may_be(const Operation &operation, std::string_view type) {
  return std::ranges::any_of(operation.types,
                             [&](const OperatorType &t) { return t.domain.empty() && t.type == type; });
}

bool is_weighted(const Operation &operation) {
  return may_be(operation, "Conv") || may_be(operation, "ConvTranspose") || may_be(operation, "Gemm");
}

std::string full_name(const OperatorType &type) {
  return type.domain.empty() ? type.type : type.domain + "." + type.type;
}

// Names that an operation of the pattern defines: they lie inside, or are its output.
std::set<std::string> defined_names(const Pattern &pattern) {
  std::set<std::string> names;
  for (const Operation &operation : pattern.operations) {
    for (const std::size_t output : operation.outputs) {
      if (output != Operation::kUnnamed) names.insert(pattern.names[output]);
    }
  }
  return names;
}

// The parameters of a folded normalization go into weight and bias: they are left only where something else reads them.
std::vector<std::string> names_read(const Pattern &pattern, bool with_folded) {
  std::vector<std::string> names;
  for (std::size_t at = 0; at < pattern.operations.size(); ++at) {
    const Operation &operation = pattern.operations[at];
    for (std::size_t i = 0; i < operation.inputs.size(); ++i) {
      const Term &term = operation.inputs[i];
      if (term.kind != Term::Kind::kName || (!with_folded && i > 0 && is_folded_norm(pattern, at))) continue;
      const std::string &name = pattern.names[term.index];
      if (std::ranges::find(names, name) == names.end()) names.push_back(name);
    }
  }
  return names;
}

class Checker {
 public:
  Checker(std::string_view text, const Pattern &of, const Draft &draft)
      : text_(text), of_(of), draft_(draft), own_(draft.pattern), carried_(carried_names(of)) {}

  void run() {
    require_named_inputs();
    for (const Operation &operation : own_.operations) check_operation(operation);
    for (const Place &place : draft_.terms) check_term(place);
    check_output();
    check_lost();
  }

 private:
  [[noreturn]] void fail_here(std::size_t at, const std::string &what) const { fail_at(text_, at, what); }

  void require_named_inputs() const {
    for (std::size_t at = 0; at < of_.operations.size(); ++at) {
      const Operation &operation = of_.operations[at];
      const bool any =
          std::ranges::any_of(operation.inputs, [](const Term &term) { return term.kind == Term::Kind::kAny; });
      if ((any && !is_folded_norm(of_, at)) || operation.rest != Rest::kNone) {
        fail_here(0,
                  fmt::format("the inputs of {} in the pattern '{}' have no names, so that they would be lost; "
                              "write names instead of _, * and ...",
                              operation.types.empty() ? "_" : full_name(operation.types.front()), one_line(of_.text)));
      }
      if (!is_folded_norm(of_, at)) continue;
      const std::size_t layer = operation.inputs[0].index;
      if (of_.operations[layer].inputs.size() < 3) {
        fail_here(0, fmt::format("folding BatchNormalization gives {} a bias that the pattern has no name for; write "
                                 "{}(x, w, b?) there",
                                 full_name(of_.operations[layer].types.front()),
                                 full_name(of_.operations[layer].types.front())));
      }
    }
  }

  void check_operation(const Operation &operation) const {
    if (operation.types.size() != 1) fail_here(0, "each operator of an expression is one type, not several or any");
    if (operation.rest != Rest::kNone) fail_here(0, "an expression names each input; * and ... cannot stand in it");
    for (const AttributeTest &test : operation.attributes) {
      if (!test.equal) fail_here(0, fmt::format("'{}!=' has no meaning in an expression; write =", test.name));
      if (test.name != kAllAttributes) continue;
      const auto &type = std::get<std::string>(test.wanted);
      if (attribute_owner(type + ".x", of_).empty()) {
        fail_here(text_.find(type), fmt::format("the pattern has no {} whose attributes could be taken", type));
      }
    }
  }

  void check_term(const Place &place) const {
    const Term &term = own_.operations[place.operation].inputs[place.input];
    if (term.optional) fail_here(place.at, "an input that is absent leaves its slot empty; write it without '?'");
    if (term.kind == Term::Kind::kAny) fail_here(place.at, "an expression names each input; _ cannot stand in it");
    if (term.kind != Term::Kind::kName) return;
    const std::string &name = own_.names[term.index];
    const bool own = std::ranges::any_of(draft_.definitions, [&](const Definition &d) { return d.name == term.index; });
    if (own || std::ranges::find(carried_, name) != carried_.end()) return;
    const std::vector<std::string> all = names_read(of_, true);
    if (std::ranges::find(all, name) != all.end()) {
      fail_here(place.at, fmt::format("'{}' is gone: BatchNormalization is folded into the operator before it", name));
    }
    if (defined_names(of_).count(name) != 0) {
      fail_here(place.at, fmt::format("'{}' lies inside of the pattern; from outside it reads {}", name,
                                      fmt::join(carried_, ", ")));
    }
    fail_here(place.at, fmt::format("the pattern has no name '{}'{}; it reads {}", name, nearest_hint(name, carried_),
                                    fmt::join(carried_, ", ")));
  }

  void check_output() const {
    const auto &own = own_.operations[0].outputs, &of = of_.operations[0].outputs;
    if (own.empty()) return;
    const std::string &name = own_.names[own.front()];
    if (own.size() > 1) fail_here(0, "what stands for a pattern has one output");
    const std::string wanted = of.empty() ? "" : of_.names[of.front()];
    if (name != wanted) {
      fail_here(0, fmt::format("the output is '{}'; the pattern calls it {}", name,
                               wanted.empty() ? "nothing: leave the name out" : "'" + wanted + "'"));
    }
  }

  void check_lost() const {
    for (const std::string &name : carried_) {
      if (std::ranges::find(own_.names, name) != own_.names.end()) continue;
      fail_here(0, fmt::format("the input '{}' of the pattern would be lost; the expression has to read it", name));
    }
  }

  std::string_view text_;
  const Pattern &of_;
  const Draft &draft_;
  const Pattern &own_;
  std::vector<std::string> carried_;
};

}  // namespace

bool is_folded_norm(const Pattern &pattern, std::size_t at) {
  const Operation &operation = pattern.operations[at];
  if (operation.types.size() != 1 || !may_be(operation, "BatchNormalization") || operation.inputs.empty()) return false;
  const Term &data = operation.inputs[0];
  return data.kind == Term::Kind::kOperation && is_weighted(pattern.operations[data.index]);
}

std::vector<std::string> carried_names(const Pattern &pattern) {
  return names_read(pattern, false);
}

std::string attribute_owner(std::string_view text, const Pattern &pattern) {
  const std::size_t dot = text.rfind('.');
  if (dot == std::string_view::npos) return {};
  const std::string type(text.substr(0, dot));
  for (const Operation &operation : pattern.operations) {
    for (const OperatorType &one : operation.types) {
      if (full_name(one) == type) return type;
    }
  }
  return {};
}

Pattern parse_expression(std::string_view text, const Pattern &of) {
  Draft draft = Parser(text, Parser::Language::kExpression).run();
  Checker(text, of, draft).run();
  return resolve(std::move(draft));
}

}  // namespace halftone::pattern
