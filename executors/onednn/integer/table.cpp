// Functions of one code of 8 bits, in whatever order the codes lie.
#include "integer/tables.h"
#include "lookup.h"
#include "products.h"

namespace halftone::onednn {
namespace {

using integer::Placed;
using integer::PlacedView;
using integer::Tensor;

class Table final : public integer::FastStep {
 public:
  explicit Table(const integer::Step &step)
      : dtype_(step.outputs[0].codes->dtype), table_(byte_table(*step.inputs[0].codes, step.tables[0])) {}
  std::optional<Placed> run(std::span<const PlacedView> codes) const override {
    Placed out{Tensor(dtype_, integer::shape_of(codes[0].view)), codes[0].channels_last};
    look_up(table_, static_cast<const std::uint8_t *>(codes[0].view.data), out.tensor.data<std::uint8_t>(),
            static_cast<std::size_t>(out.tensor.count()));
    return out;
  }

 private:
  ht_dtype dtype_;
  ByteTable table_;
};

}  // namespace

std::unique_ptr<integer::FastStep> fast_table(const integer::Step &step) {
  if (!integer::has_table(*step.outputs[0].codes)) return nullptr;
  return std::make_unique<Table>(step);
}

}  // namespace halftone::onednn
