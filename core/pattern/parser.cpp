#include "core/pattern/parser.h"

#include <algorithm>
#include <utility>

#include "core/base/error.h"
#include "core/base/nearest.h"
#include "core/model/onnx_io.h"

namespace halftone::pattern {
namespace {

std::string shown(const Token &token) {
  switch (token.kind) {
    case Token::Kind::kEnd:
      return "the end of the pattern";
    case Token::Kind::kText:
      return fmt::format("the text '{}'", token.text);
    default:
      return fmt::format("'{}'", token.text);
  }
}

bool is_keyword(std::string_view word) {
  return word == "where" || word == "and";
}

}  // namespace

bool Parser::is_mark(const Token &token, std::string_view mark) const {
  return token.kind == Token::Kind::kMark && token.text == mark;
}

bool Parser::accept(std::string_view mark) {
  if (!is_mark(now(), mark)) return false;
  ++at_;
  return true;
}

bool Parser::accept_word(std::string_view word) {
  if (now().kind != Token::Kind::kWord || now().text != word) return false;
  ++at_;
  return true;
}

void Parser::unexpected(std::string_view wanted, std::string_view remedy) const {
  fail_at(text_, now().at, fmt::format("expected {}, found {}; {}", wanted, shown(now()), remedy));
}

void Parser::expect(std::string_view mark, std::string_view why) {
  if (!accept(mark)) unexpected(fmt::format("'{}'", mark), why);
}

Draft Parser::run() {
  draft_.pattern.text = std::string(text_);
  if (now().kind == Token::Kind::kEnd) {
    fail_at(text_, 0, "a pattern needs an operator; write for instance y = Relu(Conv(*))");
  }
  statement(true);
  if (accept_word("where")) {
    do {
      statement(false);
    } while (accept(",") || accept_word("and"));
    if (now().kind != Token::Kind::kEnd) {
      unexpected("',', 'and' or the end of the pattern", "clauses are separated by commas");
    }
  }
  if (now().kind != Token::Kind::kEnd) {
    unexpected("'where' or the end of the pattern",
               "what an input stands for goes into its parentheses or after where");
  }
  return std::move(draft_);
}

// `a, b = Split(x)`; the root may do without names.
void Parser::statement(bool is_root) {
  std::vector<Definition> names;
  const bool named = now().kind == Token::Kind::kWord && (is_mark(ahead(1), "=") || is_mark(ahead(1), ","));
  if (!is_root && !named) unexpected("a name and '='", "a clause of where says what a name stands for: t = Conv(*)");
  if (named) {
    do {
      if (now().kind != Token::Kind::kWord) unexpected("a name", "outputs have names, or _ for one without");
      const Token &word = now();
      const std::size_t name = word.text == "_" ? Operation::kUnnamed : name_index(word);
      names.push_back({name, 0, static_cast<std::uint32_t>(names.size()), word.at});
      ++at_;
    } while (accept(","));
    expect("=", "names of outputs are followed by '=' and an operator");
  }
  const std::size_t made = operation();
  if (!is_root) draft_.statements.push_back(made);
  for (Definition &definition : names) {
    definition.operation = made;
    draft_.pattern.operations[made].outputs.push_back(definition.name);
    if (definition.name != Operation::kUnnamed) draft_.definitions.push_back(definition);
  }
}

std::size_t Parser::operation() {
  const std::size_t begin = now().at;
  const std::size_t made = draft_.pattern.operations.size();
  if (made == kMostOperations) {
    fail_at(text_, begin, fmt::format("this is operator {}; a pattern has at most {}", made + 1, kMostOperations));
  }
  draft_.pattern.operations.emplace_back();
  auto types = operator_types();
  auto attributes = accept("[") ? attribute_tests(types) : std::vector<AttributeTest>();
  expect("(", "inputs of an operator stand in parentheses: Relu(x), or Relu(*) for any");
  draft_.pattern.operations[made].types = std::move(types);
  draft_.pattern.operations[made].attributes = std::move(attributes);
  inputs(made);
  return made;
}

std::vector<OperatorType> Parser::operator_types() {
  std::vector<OperatorType> types;
  if (accept("{")) {
    do {
      types.push_back(operator_type());
    } while (accept("|"));
    expect("}", "alternatives look like {Conv|Gemm}");
    return types;
  }
  if (accept_word("_")) return types;  // any operator
  types.push_back(operator_type());
  return types;
}

OperatorType Parser::operator_type() {
  const Token word = now();
  if (word.kind != Token::Kind::kWord || word.text == "_" || is_keyword(word.text)) {
    unexpected("an operator type", "write for instance Conv, {Conv|Gemm} or com.vendor.Op");
  }
  ++at_;
  const std::size_t dot = word.text.rfind('.');
  if (dot == std::string_view::npos) return {"", std::string(word.text)};
  const std::string_view domain = word.text.substr(0, dot);
  return {std::string(domain == "ai.onnx" ? "" : domain), std::string(word.text.substr(dot + 1))};
}

// One of the alternatives has to know the attribute; of operators that ONNX does not know nothing is.
void Parser::check_attribute(const std::vector<OperatorType> &types) const {
  std::vector<std::string> names;
  for (const OperatorType &type : types) {
    const auto known = type.domain.empty() ? model::attribute_names("", type.type) : std::nullopt;
    if (!known) return;
    names.insert(names.end(), known->begin(), known->end());
  }
  if (types.empty() || std::ranges::find(names, now().text) != names.end()) return;
  std::string operators;
  for (const OperatorType &type : types) operators.append(operators.empty() ? "" : " or ").append(type.type);
  fail_at(text_, now().at,
          fmt::format("{} has no attribute '{}'{}; write one that ONNX knows", operators, now().text,
                      nearest_hint(now().text, names)));
}

AttributeTest Parser::attribute_test(const std::vector<OperatorType> &types) {
  if (now().kind != Token::Kind::kWord) unexpected("the name of an attribute", "write for instance Conv[group=1](*)");
  AttributeTest test;
  if (language_ == Language::kExpression && is_mark(ahead(1), ".*")) {
    test.name.push_back('*');
    test.wanted = std::string(now().text);
    at_ += 2;
    return test;
  }
  check_attribute(types);
  test.name = std::string(now().text);
  ++at_;
  test.equal = !accept("!=");
  if (test.equal) expect("=", "an attribute is followed by = or != and a value");
  const std::size_t begin = now().at;
  test.wanted = wanted();
  test.real = text_.substr(begin, now().at - begin).find_first_of(".eE") != std::string_view::npos;
  return test;
}

std::vector<AttributeTest> Parser::attribute_tests(const std::vector<OperatorType> &types) {
  std::vector<AttributeTest> tests;
  do {
    tests.push_back(attribute_test(types));
  } while (accept(","));
  expect("]", "attributes are separated by commas and end with ']'");
  return tests;
}

AttributeTest::Wanted Parser::wanted() {
  if (accept("[")) return wanted_list();
  const Token token = now();
  if (token.kind != Token::Kind::kNumber && token.kind != Token::Kind::kText && token.kind != Token::Kind::kWord) {
    unexpected("a value", "a value is a number, a text such as 'linear', or a list such as [3, 3]");
  }
  ++at_;
  if (token.kind == Token::Kind::kNumber) return token.number;
  // ONNX's flags are integers.
  if (token.kind == Token::Kind::kWord && token.text == "true") return 1.0;
  if (token.kind == Token::Kind::kWord && token.text == "false") return 0.0;
  return std::string(token.text);
}

AttributeTest::Wanted Parser::wanted_list() {
  std::vector<double> numbers;
  std::vector<std::string> texts;
  while (!is_mark(now(), "]")) {
    if (now().kind == Token::Kind::kNumber && texts.empty()) {
      numbers.push_back(now().number);
    } else if (now().kind == Token::Kind::kText && numbers.empty()) {
      texts.emplace_back(now().text);
    } else {
      unexpected("a number or a text in quotes", "a list has numbers only, or texts only: [3, 3]");
    }
    ++at_;
    if (!accept(",")) break;
  }
  expect("]", "entries of a list are separated by commas and end with ']'");
  if (texts.empty()) return numbers;
  return texts;
}

void Parser::inputs(std::size_t made) {
  if (accept(")")) return;
  do {
    if (is_mark(now(), "*")) {
      rest(made, Rest::kAny);
    } else if (is_mark(now(), "...")) {
      rest(made, Rest::kRepeat);
    } else {
      term(made);
    }
    if (draft_.pattern.operations[made].rest != Rest::kNone) break;
  } while (accept(","));
  expect(")", draft_.pattern.operations[made].rest == Rest::kNone ? "inputs are separated by commas and end with ')'"
                                                                  : "'*' and '...' come last");
}

void Parser::rest(std::size_t made, Rest kind) {
  Operation &operation = draft_.pattern.operations[made];
  if (kind == Rest::kRepeat) {
    const bool repeatable = !operation.inputs.empty() && operation.inputs.back().kind != Term::Kind::kOperation;
    if (!repeatable || operation.inputs.back().optional) {
      fail_at(text_, now().at, "'...' repeats the input before it, which is a name, _ or a number: Concat(t, ...)");
    }
  }
  operation.rest = kind;
  ++at_;
}

void Parser::term(std::size_t made) {
  const Token token = now();
  const bool opens = is_mark(ahead(1), "(") || is_mark(ahead(1), "[");
  Term term;
  if (is_mark(token, "{") || (token.kind == Token::Kind::kWord && opens)) {
    term.kind = Term::Kind::kOperation;
    term.index = operation();
  } else if (token.kind == Token::Kind::kNumber) {
    term.kind = Term::Kind::kNumber;
    term.number = token.number;
    ++at_;
  } else if (token.kind == Token::Kind::kWord && token.text == "_") {
    ++at_;
  } else if (token.kind == Token::Kind::kWord) {
    term.kind = Term::Kind::kName;
    term.index = name_index(token);
    ++at_;
  } else {
    unexpected("an input", "an input is an operator with its inputs, a name, a number, _, or * for all that remain");
  }
  const std::size_t mark = now().at;
  term.optional = accept("?");
  if (term.optional && term.kind == Term::Kind::kOperation) {
    fail_at(text_, mark, "an operator cannot be optional; only a name, _ or a number can. Write two patterns");
  }
  auto &inputs = draft_.pattern.operations[made].inputs;
  draft_.terms.push_back({made, inputs.size(), token.at});
  inputs.push_back(term);
}

std::size_t Parser::name_index(const Token &word) {
  if (is_keyword(word.text)) {
    fail_at(text_, word.at, fmt::format("'{}' cannot be a name; something is missing before it", word.text));
  }
  if (word.text.find_first_of(".-") != std::string_view::npos) {
    fail_at(text_, word.at,
            fmt::format("'{}' is no name of a value, which has letters, digits and _; an operator is followed by its "
                        "inputs in parentheses",
                        word.text));
  }
  if (model::is_known_operator("", word.text, model::linked_opset())) {
    fail_at(
        text_, word.at,
        fmt::format("'{0}' is an operator, not a name of a value; write {0}(*) for one with any inputs", word.text));
  }
  auto &names = draft_.pattern.names;
  const auto found = std::ranges::find(names, word.text);
  if (found != names.end()) return static_cast<std::size_t>(found - names.begin());
  names.emplace_back(word.text);
  return names.size() - 1;
}

}  // namespace halftone::pattern
