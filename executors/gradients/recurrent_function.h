// The functions of LSTM, GRU and RNN with their derivatives, by the names that ONNX gives them.
#pragma once

#include <string>
#include <vector>

#include "halftone/op_gradient.hpp"

namespace halftone::gradients {

class RecurrentFunction {
 public:
  // Throws for a name that is unknown. Case does not matter.
  RecurrentFunction(std::string name, double alpha, double beta);
  double operator()(double x) const;
  // The derivative; at a bend, from below.
  double slope(double x) const;

 private:
  std::string name_;
  double alpha_, beta_;
};

// The functions of all directions, the cell's defaults where the node names none.
std::vector<RecurrentFunction> recurrent_functions(const sdk::OpNode &node, const std::vector<std::string> &defaults,
                                                   std::size_t directions);

}  // namespace halftone::gradients
