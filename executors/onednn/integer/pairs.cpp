// Add, Sub and Mul of two values of one shape.
#include "integer/codes.h"
#include "products.h"

namespace halftone::onednn {
namespace {

using integer::Format;
using integer::Placed;
using integer::PlacedView;

bool is_bytes(const Format &f) {
  return f.dtype == HT_U8 || f.dtype == HT_I8;
}

class PairsOfCodes final : public integer::FastStep {
 public:
  PairsOfCodes(Pairing pairing, const integer::Step &step)
      : pairing_(pairing),
        a_(*step.inputs[0].codes),
        b_(*step.inputs[1].codes),
        to_(*step.outputs[0].codes),
        limits_(*step.limits) {}

  std::optional<Placed> run(std::span<const PlacedView> codes) const override {
    const ht_tensor_view &x = codes[0].view, &y = codes[1].view;
    if (!std::ranges::equal(integer::shape_of(x), integer::shape_of(y))) return {};
    // Where they lie differently, both are brought to the order that the step before the next one likes.
    const bool last = codes[0].channels_last || codes[1].channels_last;
    integer::Tensor moved[2];
    ht_tensor_view views[2] = {x, y};
    for (const std::size_t i : {0U, 1U}) {
      if (!last || codes[i].channels_last) continue;
      moved[i] = integer::channels_last(views[i]);
      views[i] = moved[i].view();
    }
    Placed out{integer::Tensor(to_.dtype, integer::shape_of(x)), last};
    pair_codes(pairing_, side(views[0], a_), side(views[1], b_),
               {to_.scale, to_.zero, limits_.low, limits_.high, to_.dtype == HT_I8}, out.tensor.data<std::uint8_t>(),
               static_cast<std::size_t>(out.tensor.count()));
    return out;
  }

 private:
  static Side side(const ht_tensor_view &codes, const Format &format) {
    return {static_cast<const std::uint8_t *>(codes.data), codes.dtype == HT_I8, format.scale, format.zero};
  }
  Pairing pairing_;
  Format a_, b_, to_;
  integer::Limits limits_;
};

}  // namespace

std::unique_ptr<integer::FastStep> fast_pairs(const sdk::Node &node, const integer::Step &step) {
  const auto &a = step.inputs[0].codes, &b = step.inputs[1].codes;
  const Format &to = *step.outputs[0].codes;
  if (!a || !b || !is_bytes(*a) || !is_bytes(*b) || !is_bytes(to) || to.rounding != HT_ROUND_HALF_EVEN ||
      to.zero < -128 || to.zero > 255)
    return nullptr;
  const Pairing pairing = node.is("Add") ? Pairing::kAdd : node.is("Sub") ? Pairing::kSub : Pairing::kMul;
  return std::make_unique<PairsOfCodes>(pairing, step);
}

}  // namespace halftone::onednn
