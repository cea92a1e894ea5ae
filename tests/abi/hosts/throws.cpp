// A pass that throws what it did not mean to: the C++ layer must not let it out, or a host in C would end.
#include <halftone/pass.hpp>

#include <vector>

namespace {

namespace sdk = halftone::sdk;

class Throws final : public sdk::Pass {
 public:
  static void describe(sdk::Description &d) { d.id("throws").title("Throws"); }
  explicit Throws(const sdk::Args &) {}
  void run(const sdk::Context &) override { static_cast<void>(std::vector<int>(1).at(7)); }
};

}  // namespace

HALFTONE_PASS(Throws)
HALFTONE_PLUGIN("halftone.tests.throws", "1.0", "Apache-2.0")
