#include "core/pipeline/sockets.h"

#include <doctest/doctest.h>

#include "halftone/target.h"

using halftone::pipeline::socket_of;

TEST_CASE("slots that carry shapes, indices and conditions are never data") {
  CHECK(socket_of("Reshape").input(0) == HT_SLOT_ACTIVATION);
  CHECK(socket_of("Reshape").input(1) == HT_SLOT_NONE);
  CHECK(socket_of("Resize").input(3) == HT_SLOT_NONE);
  CHECK(socket_of("Gather").input(1) == HT_SLOT_NONE);
  CHECK(socket_of("TopK").output(1) == HT_SLOT_NONE);
  CHECK(socket_of("Shape").input(0) == HT_SLOT_NONE);
  CHECK(socket_of("Where").input(0) == HT_SLOT_NONE);
  CHECK(socket_of("Where").input(2) == HT_SLOT_ACTIVATION);
  CHECK(socket_of("Greater").output(0) == HT_SLOT_NONE);
}

TEST_CASE("weights, biases and bounds have their own roles") {
  CHECK(socket_of("Conv").input(1) == HT_SLOT_WEIGHT);
  CHECK(socket_of("Conv").input(2) == HT_SLOT_BIAS);
  CHECK(socket_of("MatMul").input(1) == HT_SLOT_WEIGHT);
  CHECK(socket_of("Clip").input(2) == HT_SLOT_BOUND);
  CHECK(socket_of("Pad").input(1) == HT_SLOT_NONE);
  CHECK(socket_of("Pad").input(2) == HT_SLOT_BOUND);
}

TEST_CASE("variadic operators have data throughout") {
  CHECK(socket_of("Concat").input(17) == HT_SLOT_ACTIVATION);
  CHECK(socket_of("Split").output(5) == HT_SLOT_ACTIVATION);
  CHECK(socket_of("NotAnOperator").input(0) == HT_SLOT_ACTIVATION);
}
