// docs/operators.md: which operators run, and what ONNX's own tests say of them.
#pragma once

#include <optional>
#include <string>

namespace halftone::test {

// The whole page; nothing where the package with the tests is not installed.
std::optional<std::string> operator_page();

}  // namespace halftone::test
