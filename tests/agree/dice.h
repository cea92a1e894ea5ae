// Single operators by dice: an operator, shapes, attributes and an element type that go together.
#pragma once

#include <cstdint>
#include <string>

#include "tests/agree/net.h"

namespace halftone::test {

struct DiceCase {
  Net net;
  std::string what;  // for messages: the operator and its main choices
};

// The same case for the same seed.
DiceCase roll_case(std::uint64_t seed);

}  // namespace halftone::test
