// Families of cases: each function makes the model of one case, drawing its shapes and attributes.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "tests/acceptance/operators/case_net.h"

namespace halftone::test {

struct Family {
  std::string name;
  Closeness closeness;
  std::int64_t opset;
  std::function<void(CaseNet &)> make;
};

std::vector<Family> code_families();       // codes in, codes out
std::vector<Family> product_families();    // products of codes
std::vector<Family> microsoft_families();  // float operators of com.microsoft
std::vector<Family> onnx_families();       // operators of ai.onnx that its own tests cover thinly
std::vector<Family> shape_families();      // the same, of operators that choose and move elements

}  // namespace halftone::test
