// The exporter `tern`: a quantized model as a program of the device.
#include <string>

#include "container.h"
#include "halftone/exporter.hpp"
#include "halftone/target.h"
#include "lowering.h"

namespace sdk = halftone::sdk;

namespace tern {
namespace {

// An option of the platform's descriptor, or what the device needs at least.
std::size_t weight_alignment(const sdk::Context &ctx) {
  constexpr std::int64_t kLeast = 16;
  const ht_str name = sdk::view(std::string_view("options.weight_alignment"));
  ht_value value{};
  sdk::check(ctx.host.target->option(ctx.raw, &name, &value));
  const std::int64_t given = value.kind == HT_VALUE_I64 ? *static_cast<const std::int64_t *>(value.data) : kLeast;
  if (given < kLeast || (given & (given - 1)) != 0) {
    throw sdk::Failure(HT_INVALID_ARGUMENT, "the option weight_alignment of the platform is " + std::to_string(given) +
                                                ", and has to be a power of two of 16 or more");
  }
  return static_cast<std::size_t>(given);
}

class TernExporter final : public sdk::Exporter {
 public:
  static constexpr const char *kExtension = ".tern";

  static void describe(sdk::Description &d) {
    d.id("tern")
        .title("a program for Tern T1")
        .doc(
            "Instructions, weights packed to 6 and 8 bits, multipliers and tables, as FORMAT.md of the example "
            "describes "
            "them. A network with an operator that the device does not have is refused, with the name of the node.")
        .capabilities(HT_CAP_GRAPH_READ | HT_CAP_CONFIG_READ | HT_CAP_FILE_WRITE);
  }
  explicit TernExporter(const sdk::Args &) {}

  void write(const sdk::Context &ctx, const std::string &path) override {
    const std::string bytes = to_bytes(Lowering(ctx, weight_alignment(ctx)).run());
    const ht_str name = sdk::view(std::string_view(path));
    sdk::check(ctx.host.model_io->write_file(ctx.raw, &name, bytes.data(), bytes.size()));
  }
};
HALFTONE_EXPORTER(TernExporter)

}  // namespace
}  // namespace tern
