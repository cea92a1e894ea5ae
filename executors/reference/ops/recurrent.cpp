#include "ops/recurrent.h"

#include <algorithm>
#include <initializer_list>
#include <map>
#include <utility>

namespace halftone::reference {
namespace {

// Parameters in the order of the functions that have them; a function's own default where there are no more.
class Parameters {
 public:
  explicit Parameters(std::vector<float> values) : values_(std::move(values)) {}
  double take(double deflt) { return next_ < values_.size() ? static_cast<double>(values_[next_++]) : deflt; }

 private:
  std::vector<float> values_;
  std::size_t next_ = 0;
};

// By the name in lower case: the specification does not care for case. alpha and beta default as in ONNX.
Activation activation(std::string name, Parameters &alpha, Parameters &beta) {
  std::transform(name.begin(), name.end(), name.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? char(c + 32) : c; });
  const auto is = [&](std::initializer_list<const char *> names) {
    return std::any_of(names.begin(), names.end(), [&](const char *one) { return name == one; });
  };
  const bool has_alpha = is({"affine", "leakyrelu", "thresholdedrelu", "scaledtanh", "hardsigmoid", "elu"});
  const bool has_beta = is({"affine", "scaledtanh", "hardsigmoid"});
  const double default_alpha = is({"leakyrelu"}) ? 0.01f : is({"hardsigmoid"}) ? 0.2f : 1.0;
  const double default_beta = is({"hardsigmoid"}) ? 0.5 : is({"scaledtanh"}) ? 1.0 : 0.0;
  const double k = has_alpha ? alpha.take(default_alpha) : 0, m = has_beta ? beta.take(default_beta) : 0;
  const std::map<std::string, Activation> known = {
      {"sigmoid", [](double x) { return 1 / (1 + std::exp(-x)); }},
      {"tanh", [](double x) { return std::tanh(x); }},
      {"relu", [](double x) { return std::max(0.0, x); }},
      {"affine", [k, m](double x) { return k * x + m; }},
      {"leakyrelu", [k](double x) { return x >= 0 ? x : k * x; }},
      {"thresholdedrelu", [k](double x) { return x >= k ? x : 0.0; }},
      {"scaledtanh", [k, m](double x) { return k * std::tanh(m * x); }},
      {"hardsigmoid", [k, m](double x) { return std::clamp(k * x + m, 0.0, 1.0); }},
      {"elu", [k](double x) { return x >= 0 ? x : k * std::expm1(x); }},
      {"softsign", [](double x) { return x / (1 + std::fabs(x)); }},
      {"softplus", [](double x) { return std::log1p(std::exp(x)); }}};
  const auto found = known.find(name);
  if (found == known.end()) throw sdk::Failure(HT_UNIMPLEMENTED, "activation '" + name + "'");
  return found->second;
}

}  // namespace

std::vector<Activation> recurrent_activations(const sdk::OpNode &node, const std::vector<std::string> &defaults,
                                              std::size_t directions) {
  std::vector<std::string> names = node.texts("activations");
  Parameters alpha(node.numbers("activation_alpha")), beta(node.numbers("activation_beta"));
  while (names.size() < defaults.size() * directions) names.push_back(defaults[names.size() % defaults.size()]);
  std::vector<Activation> out;
  for (const std::string &name : names) out.push_back(activation(name, alpha, beta));
  return out;
}

}  // namespace halftone::reference
