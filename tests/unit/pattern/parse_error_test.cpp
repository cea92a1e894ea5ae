// Each mistake in a pattern: where it is, what was expected, and what to do.
#include <doctest/doctest.h>

#include <string>

#include "core/base/error.h"
#include "core/pattern/pattern.h"

namespace halftone::pattern {
namespace {

// The message without the quotation of the pattern.
std::string message(std::string_view text) {
  try {
    (void)parse(text);
  } catch (const Error &error) {
    CHECK(error.status() == Status::kInvalidArgument);
    const std::string what = error.message();
    const std::size_t at = what.find("' at ");
    return what.starts_with("pattern '") && at != std::string::npos ? what.substr(at + 5) : what;
  }
  return "no error";
}

TEST_CASE("the whole message") {
  CHECK_THROWS_WITH_AS((void)parse("y = Relu(Conv(x w))"),
                       "pattern 'y = Relu(Conv(x w))' at 1:17: expected ')', found 'w'; inputs are separated by commas "
                       "and end with ')'",
                       Error);
}

TEST_CASE("a pattern of several lines is quoted as one, without its comments") {
  CHECK_THROWS_WITH_AS((void)parse("# swish\ny = Mul(t,  # gate\n\tSigmoid t)"),
                       "pattern 'y = Mul(t, Sigmoid t)' at 3:2: 'Sigmoid' is an operator, not a name of a value; write "
                       "Sigmoid(*) for one with any inputs",
                       Error);
}

TEST_CASE("lines and columns are counted in characters") {
  CHECK(message("y = Mul(t,\n  Sigmoid(t)\n") ==
        "3:1: expected ')', found the end of the pattern; inputs are separated by commas and end with ')'");
  CHECK(message("Resize[mode='ü'](x) y") ==
        "1:21: expected 'where' or the end of the pattern, found 'y'; what an input stands for goes into its "
        "parentheses or after where");
}

TEST_CASE("nothing, and what is no pattern") {
  CHECK(message("") == "1:1: a pattern needs an operator; write for instance y = Relu(Conv(*))");
  CHECK(message("  # only a comment") == message(""));
  CHECK(message("Relu(x) & 3") == "1:9: '&' has no meaning in a pattern; texts stand in quotes");
  CHECK(message("Relu(x) ü") == "1:9: 'ü' has no meaning in a pattern; texts stand in quotes");
  CHECK(message("y = 3") ==
        "1:5: expected an operator type, found '3'; write for instance Conv, {Conv|Gemm} or com.vendor.Op");
}

TEST_CASE("parentheses") {
  CHECK(message("Relu") ==
        "1:5: expected '(', found the end of the pattern; inputs of an operator stand in parentheses: Relu(x), or "
        "Relu(*) for any");
  CHECK(message("y = Relu(Conv)") ==
        "1:10: 'Conv' is an operator, not a name of a value; write Conv(*) for one with any inputs");
  CHECK(message("y = Relu(com.vendor.Op)") ==
        "1:10: 'com.vendor.Op' is no name of a value, which has letters, digits and _; an operator is followed by its "
        "inputs in parentheses");
  CHECK(message("Relu(,x)") ==
        "1:6: expected an input, found ','; an input is an operator with its inputs, a name, a number, _, or * for all "
        "that remain");
  CHECK(message("Relu(x))") ==
        "1:8: expected 'where' or the end of the pattern, found ')'; what an input stands for goes into its "
        "parentheses or after where");
}

TEST_CASE("alternatives") {
  CHECK(message("{Conv|}(x)") ==
        "1:7: expected an operator type, found '}'; write for instance Conv, {Conv|Gemm} or com.vendor.Op");
  CHECK(message("{Conv, Gemm}(x)") == "1:6: expected '}', found ','; alternatives look like {Conv|Gemm}");
  CHECK(message("{_|Conv}(x)") ==
        "1:2: expected an operator type, found '_'; write for instance Conv, {Conv|Gemm} or com.vendor.Op");
}

TEST_CASE("attributes") {
  CHECK(message("Conv[](x)") ==
        "1:6: expected the name of an attribute, found ']'; write for instance Conv[group=1](*)");
  CHECK(message("Conv[group](x)") == "1:11: expected '=', found ']'; an attribute is followed by = or != and a value");
  CHECK(message("Conv[group=](x)") ==
        "1:12: expected a value, found ']'; a value is a number, a text such as 'linear', or a list such as [3, 3]");
  CHECK(message("Conv[pads=[1, 'a']](x)") ==
        "1:15: expected a number or a text in quotes, found the text 'a'; a list has numbers only, or texts only: [3, "
        "3]");
  CHECK(message("Conv[group=1(x)") ==
        "1:13: expected ']', found '('; attributes are separated by commas and end with ']'");
  CHECK(message("Resize[mode='linear](x)") == "1:13: this quote is never closed; add one at its end");
}

TEST_CASE("attributes that ONNX's operators do not have") {
  CHECK(message("Relu(Conv[gruop!=1](*))") ==
        "1:11: Conv has no attribute 'gruop' (did you mean 'group'?); write one that ONNX knows");
  CHECK(message("{Conv|Gemm}[transC=1](*)").starts_with("1:13: Conv or Gemm has no attribute 'transC' (did you mean"));
  for (const char *text : {"{Conv|Gemm}[transB=1](*)", "Resize[coordinate_transformation_mode=asymmetric](*)",
                           "{Conv|com.vendor.Conv}[gruop=1](*)", "com.vendor.Conv[gruop=1](*)", "_[gruop=1](*)",
                           "NoSuchOperator[gruop=1](*)", "Upsample[scales=2](*)", "Clip[min=0](*)"}) {
    CHECK(message(text) == "no error");
  }
}

TEST_CASE("a fusion has two operators or more") {
  CHECK(parse_fusion("Relu(Conv(*))").operations.size() == 2);
  CHECK_THROWS_WITH_AS((void)parse_fusion("# alone\n y = Relu(x)"),
                       "pattern 'y = Relu(x)' at 2:2: this is one operator alone, and a fusion needs two or more; "
                       "write what comes before it into its parentheses, for instance Relu(Conv(*))",
                       Error);
}

TEST_CASE("numbers") {
  CHECK(message("Clip(x, 0, 6e999)") ==
        "1:12: this is no number that fits a double; write for instance 6, -1.5 or 1e-5");
  CHECK(message("Clip(x, 0, 6x)") == "1:12: this is no number that fits a double; write for instance 6, -1.5 or 1e-5");
}

TEST_CASE("optional inputs, rests and repetitions") {
  CHECK(message("Relu(Conv(*)?)") ==
        "1:13: an operator cannot be optional; only a name, _ or a number can. Write two patterns");
  CHECK(message("Relu(t?) where t = Conv(*)") == "1:6: 't' is an operator's output, which cannot be optional");
  CHECK(message("Concat(*, x)") == "1:9: expected ')', found ','; '*' and '...' come last");
  CHECK(message("Concat(...)") ==
        "1:8: '...' repeats the input before it, which is a name, _ or a number: Concat(t, ...)");
  CHECK(message("Concat(Relu(x), ...)") ==
        "1:17: '...' repeats the input before it, which is a name, _ or a number: Concat(t, ...)");
  CHECK(message("Concat(t, ...) where t = Relu(x)") ==
        "1:8: 't' is an operator's output, which cannot be repeated by '...'");
  CHECK(message("Add(t, Concat(t, ...))") ==
        "1:15: 't' stands for all inputs that '...' repeats, and here for another one; use two names");
}

TEST_CASE("where") {
  CHECK(message("y = Relu(t) where") ==
        "1:18: expected a name and '=', found the end of the pattern; a clause of where says what a name stands for: t "
        "= Conv(*)");
  CHECK(message("y = Relu(t) where Conv(*)") ==
        "1:19: expected a name and '=', found 'Conv'; a clause of where says what a name stands for: t = Conv(*)");
  CHECK(message("y = Relu(t) where t = Conv(*) u = Relu(*)") ==
        "1:31: expected ',', 'and' or the end of the pattern, found 'u'; clauses are separated by commas");
  CHECK(message("y = Relu(t) where u = Conv(*)") ==
        "1:19: no input is 'u'; use the name before where, or leave the clause out");
  CHECK(message("y = Relu(t) where _ = Conv(*)") ==
        "1:30: a clause of where names no output that the pattern uses; leave it out");
  CHECK(message("y = Relu(t) where t = Conv(*), t = Gemm(*)") ==
        "1:32: 't' stands for something already; give this one another name");
  CHECK(message("y = Relu(t) where t = Tanh(u), u = Elu(t)") ==
        "1:40: what this name stands for depends on its own output; break the circle");
  CHECK(message("y = Relu(y)") == "1:10: what this name stands for depends on its own output; break the circle");
  CHECK(message("y = Relu(where)") == "1:10: 'where' cannot be a name; something is missing before it");
  CHECK(message("Relu = Conv(*)") ==
        "1:1: 'Relu' is an operator, not a name of a value; write Relu(*) for one with any inputs");
}

TEST_CASE("a pattern has an end") {
  std::string text = "x";
  for (int i = 0; i < 64; ++i) text = "Relu(" + text + ")";
  CHECK(parse(text).operations.size() == 64);
  CHECK(message("Relu(" + text + ")") == "1:321: this is operator 65; a pattern has at most 64");
}

}  // namespace
}  // namespace halftone::pattern
