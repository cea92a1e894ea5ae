#include "ops/recurrent.h"

#include <algorithm>
#include <map>

namespace halftone::reference {
namespace {

// By the name in lower case: the specification does not care for case. alpha and beta default as in ONNX.
Activation activation(std::string name, const float *alpha, const float *beta) {
  std::transform(name.begin(), name.end(), name.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? char(c + 32) : c; });
  const auto a = [&](double deflt) { return alpha != nullptr ? static_cast<double>(*alpha) : deflt; };
  const auto b = [&](double deflt) { return beta != nullptr ? static_cast<double>(*beta) : deflt; };
  const std::map<std::string, Activation> known = {
      {"sigmoid", [](double x) { return 1 / (1 + std::exp(-x)); }},
      {"tanh", [](double x) { return std::tanh(x); }},
      {"relu", [](double x) { return std::max(0.0, x); }},
      {"affine", [k = a(1), m = b(0)](double x) { return k * x + m; }},
      {"leakyrelu", [k = a(0.01f)](double x) { return x >= 0 ? x : k * x; }},
      {"thresholdedrelu", [k = a(1)](double x) { return x >= k ? x : 0.0; }},
      {"scaledtanh", [k = a(1), m = b(1)](double x) { return k * std::tanh(m * x); }},
      {"hardsigmoid", [k = a(0.2f), m = b(0.5)](double x) { return std::clamp(k * x + m, 0.0, 1.0); }},
      {"elu", [k = a(1)](double x) { return x >= 0 ? x : k * std::expm1(x); }},
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
  const std::vector<float> alpha = node.numbers("activation_alpha"), beta = node.numbers("activation_beta");
  while (names.size() < defaults.size() * directions) names.push_back(defaults[names.size() % defaults.size()]);
  std::vector<Activation> out;
  for (std::size_t i = 0; i < names.size(); ++i) {
    out.push_back(activation(names[i], i < alpha.size() ? &alpha[i] : nullptr, i < beta.size() ? &beta[i] : nullptr));
  }
  return out;
}

}  // namespace halftone::reference
