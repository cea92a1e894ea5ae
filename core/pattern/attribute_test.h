// A demand on an attribute of a node: `Conv[group=1, kernel_shape=[3, 3]]`.
#pragma once

#include <string>
#include <variant>
#include <vector>

#include "core/model/model.h"

namespace halftone::pattern {

struct AttributeTest {
  // A number that every entry equals, a text, or a whole list.
  using Wanted = std::variant<double, std::string, std::vector<double>, std::vector<std::string>>;

  std::string name;
  bool equal = true;  // `=`; otherwise `!=`
  Wanted wanted;
  bool real = false;  // numbers are written with a point or an exponent: 2.0, 1e-5

  // An attribute that is not written has ONNX's default. One that has none equals nothing; of one that is not known
  // before a run, such as pads beside auto_pad, neither `=` nor `!=` holds.
  bool holds(const model::Model &model, const model::Node &node) const;
};

// Integers are equal when they are; floats within a relative 0.001, so that 0.7979 stands for the square root of 2/pi
// and 0 only for 0.
bool equals(double have, double wanted, bool integer);

}  // namespace halftone::pattern
