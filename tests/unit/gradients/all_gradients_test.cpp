// Every registered gradient against central differences of the reference kernel in float64, over all input slots, and
// what it declares to read against what it was seen to need.
#include <doctest/doctest.h>

#include <algorithm>
#include <map>

#include "tests/unit/gradients/cases.h"

namespace halftone::test {
namespace {

struct Seen {
  std::uint64_t inputs = 0, outputs = 0;                // slots that the cases had
  std::uint64_t needed_inputs = 0, needed_outputs = 0;  // slots without which one failed
  int cases = 0;
};

std::uint64_t first(std::size_t count) {
  return count >= 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << count) - 1;
}

}  // namespace

TEST_CASE("every gradient agrees with differences and reads what it declares") {
  const auto all = all_gradients();
  REQUIRE(!all.empty());
  std::map<const ht_op_gradient *, Seen> seen;
  for (const auto &family :
       {elementwise_cases(), binary_cases(), constant_cases(), window_cases(), reduction_cases(), normalization_cases(),
        movement_cases(), index_cases(), product_cases(), convolution_cases(), resampling_cases(), sequence_cases()}) {
    for (const OpCase &op : family) {
      const auto found = std::ranges::find_if(all, [&](const ht_op_gradient *gradient) {
        return op.domain == gradient->domain && op.op_type == gradient->op_type && gradient->since_opset <= op.opset &&
               op.opset <= gradient->until_opset;
      });
      REQUIRE_MESSAGE(found != all.end(), op.op_type);
      SlotSets needed;
      try {
        needed = check_gradient(op);
      } catch (const std::exception &error) {
        FAIL_CHECK(op.op_type, ": ", error.what());
      }
      Seen &record = seen[*found];
      ++record.cases;
      record.inputs |= first(op.inputs.size());
      record.outputs |= first(op.outputs);
      record.needed_inputs |= needed.inputs;
      record.needed_outputs |= needed.outputs;
    }
  }
  for (const ht_op_gradient *gradient : all) {
    const std::string name = gradient->op_type;
    CAPTURE(name);
    const Seen &record = seen[gradient];
    CHECK_MESSAGE(record.cases > 0, name, " has no case");
    CHECK_MESSAGE((gradient->reads_inputs & record.inputs) == record.needed_inputs, name);
    CHECK_MESSAGE((gradient->reads_outputs & record.outputs) == record.needed_outputs, name);
  }
}

}  // namespace halftone::test
