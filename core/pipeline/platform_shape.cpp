#include "core/pipeline/platform_shape.h"

#include <limits>

#include "core/pipeline/fusion_spec.h"
#include "core/pipeline/pipeline_shape.h"
#include "core/pipeline/platform_cost.h"
#include "halftone/tensor.h"

namespace halftone::pipeline {
namespace {

using shape::either;
using shape::flag;
using shape::integer;
using shape::map;
using shape::text;
using shape::texts;

constexpr std::int64_t kMostSlot = 999;

Shape scheme() {
  const Shape code = integer(std::numeric_limits<std::int32_t>::min(), std::numeric_limits<std::uint32_t>::max());
  return map({{"kind", shape::choice(kQuantKinds), "integers, or one of the float8 types"},
              {"bits", integer(2, 32), "width of the integers; 8 unless given"},
              {"signed", flag(), "whether there are negative codes; true unless given"},
              {"min", code, "the lowest code in use; the lowest there is unless given"},
              {"max", code, "the highest code in use; the highest there is unless given"},
              {"symmetry", shape::choice(kSymmetries), "whether the range is centred on zero"},
              {"granularity", shape::choice(kGranularities), "what has a scale of its own"},
              {"axis", integer(0, HT_MAX_RANK - 1), "of channels or blocks; weights take that of their operator"},
              {"block_size", integer(1, 1 << 20), "values in a block"},
              {"scale", shape::choice(kScaleForms), "what scales the hardware takes"},
              {"span", shape::choice(kSpans), "narrow: range / min(-min, max); half: 2 range / (max - min)"},
              {"rounding", shape::choice(kRoundings), "how values between two codes are rounded"},
              {"dynamic", flag(), "the range is taken at run time"},
              {"visibility", shape::choice(kVisibilities), "whether exporters write the quantizer"},
              {"observer", shape::meaning(kObserverName, text()), "who finds the range"},
              {"observer_parameters", shape::map_of(text()), "parameters of the observer"},
              {"doc", text(), "a note"}});
}

Shape types(bool whole) {
  Shape out = map({{"activation", scheme(), "activations, and all that has no other type", whole},
                   {"weight", scheme(), "weights of Conv, ConvTranspose, Gemm, MatMul and recurrent operators"},
                   {"bias", either({shape::choice({"fp32"}), scheme()}), "biases; in float when left out or fp32"},
                   {"constant", scheme(), "constants in places of data, such as one side of an Add"},
                   {"input", scheme(), "data that comes from an input of the model"},
                   {"bound", scheme(), "limits of Clip and the fill value of Pad, which borrow their scale"}});
  out.each = std::make_shared<const Shape>(scheme());  // names for rules to use
  return out;
}

Shape slots() {
  const Shape axis = integer(0, HT_MAX_RANK - 1);
  const Shape slot = either({text(), map({{"type", text(), "a name under `types`, or fp32", true},
                                          {"axis", axis, "the axis of channels, other than the operator's"}})});
  return either({text(), shape::map_of(slot, kSlotNumber)});
}

Shape condition() {
  const Shape numbers_of_slots = either({integer(0, kMostSlot), shape::list(integer(0, kMostSlot))});
  Shape out = map({{"kernel", shape::numbers(), "spatial extents of the weight"},
                   {"constant_input", numbers_of_slots, "slots that a constant feeds"},
                   {"dynamic_input", numbers_of_slots, "slots that no constant feeds"},
                   {"input_rank", shape::map_of(integer(0, HT_MAX_RANK), kSlotNumber), "axes of what a slot gets"},
                   {"min_opset", integer(1, 1000), "the lowest opset of the model"}});
  // Any other key is an attribute: a number that every entry equals, a list, or text.
  out.each = std::make_shared<const Shape>(either({text(), shape::list(shape::number())}));
  return out;
}

Shape rule() {
  return map({{"types", texts(), "ONNX operator types; domain.Type outside of ai.onnx", true},
              {"when", condition(), "all must hold"},
              {"computing", flag(), "a weighted operator, where a fusion may start"},
              {"passive", flag(), "the output has the quantization of input 0"},
              {"float", text(), "the reason to leave it in float"},
              {"inputs", slots(), "a type for all slots that carry data, or by slot number"},
              {"outputs", slots(), "a type for all slots that carry data, or by slot number"},
              {"cost", cost_hint_shape(), "what the operator costs, in the unit of the platform's `cost`"},
              {"doc", text(), "a note"}});
}

Shape fusion() {
  return map({{"activations", texts(), "operators that are fused into a weighted one before them"},
              {"passive", flag(), "fuse passive operators too"},
              {"swish", flag(), "fuse x * sigmoid(x)"},
              {"mish", flag(), "fuse x * tanh(softplus(x))"},
              {"patterns", texts(), "fusions as patterns"}});
}

Shape alignment() {
  const Shape method = shape::choice({"none", "to_large", "to_output", "to_input"});
  return map({{"elementwise", method, "of the inputs of Add and its like"},
              {"concat", method, "of the inputs of Concat"},
              {"pooling", method, "of input and output of average pooling"},
              {"resize", method, "of input and output of Resize"},
              {"force_overlap", flag(), "align also what another operator shares"}});
}

Shape costs() {
  return map({{"unit", shape::not_empty(text(), "name what is counted, such as cycles"), "what is counted", true},
              {"float", cost_hint_shape(), "of operators that stay in float"},
              {"doc", text(), "a note"}});
}

Shape integer_mode() {
  return map({{"multiplier", shape::choice({"float32", "float64", "fixed-point", "gemmlowp"}),
               "how sums are brought to the scale of the output"}});
}

// What a descriptor says, and what a variant of it may say anew.
std::vector<Shape::Key> demands(bool whole) {
  return {
      {"types", types(whole), "named types of numbers", whole},
      {"operators", shape::list(rule()), "rules in order, the last that says something wins", whole},
      {"fusion", fusion(), "what the hardware computes in one step"},
      {"fusions", fusions_shape(), "patterns that the hardware computes as one operator, with their points and forms"},
      {"alignment", alignment(), "which scales must be equal"},
      {"cost", costs(), "what operators cost, as a hint to compare choices by"},
      {"integer", integer_mode(), "how the hardware computes on integers"},
      {"dispatcher", dispatcher_shape(), "which operators may be quantized at all"},
      {"pipeline", shape::meaning(kPassList, shape::list(either({text(), shape::map_of(shape::any())}))),
       "the default passes"},
      {"options", shape::map_of(shape::any()), "for the platform's own plug-ins"}};
}

Shape setting() {
  const Shape automatic = map({{"feature", text(), "a feature of processors", true},
                               {"present", text(), "the choice where this machine has it", true},
                               {"absent", text(), "the choice where it has not", true}});
  return map({{"choices", texts(), "what a user may choose", true},
              {"default", text(), "the choice unless given", true},
              {"doc", text(), "what it is about"},
              {"auto", automatic, "what the choice `auto` becomes"}});
}

Shape variant() {
  std::vector<Shape::Key> keys = {{"when", shape::map_of(text()), "settings and choices, all of which must hold", true},
                                  {"note", text(), "what a user should know who chose this"}};
  for (Shape::Key &key : demands(false)) keys.push_back(std::move(key));
  return map(std::move(keys));
}

Shape make_platform() {
  std::vector<Shape::Key> keys = {
      {"halftone-platform", integer(kPlatformVersion, kPlatformVersion), "version of the file format, now 1", true},
      {"id", text(), "the name, that of the file", true},
      {"title", text(), "one line"},
      {"doc", text(), "what it is for"},
      {"settings", shape::map_of(setting()), "what a user may choose"},
      {"variants", shape::list(variant()), "what the choices change"}};
  for (Shape::Key &key : demands(true)) keys.push_back(std::move(key));
  return map(std::move(keys));
}

}  // namespace

const Shape &platform_shape() {
  static const Shape made = make_platform();
  return made;
}

}  // namespace halftone::pipeline
