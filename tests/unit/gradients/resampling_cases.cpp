// Resize and Upsample in all their modes.
#include "tests/unit/gradients/cases.h"

namespace halftone::test {

std::vector<OpCase> resampling_cases() {
  std::vector<OpCase> out;
  std::uint32_t salt = 850;
  const auto any = [&](model::Shape shape) { return noise(std::move(shape), ++salt); };
  for (const char *mode : {"nearest", "linear", "cubic"}) {
    for (const char *coordinates : {"half_pixel", "align_corners", "asymmetric", "pytorch_half_pixel"}) {
      const Attributes attributes = {{"mode", text(mode)}, {"coordinate_transformation_mode", text(coordinates)}};
      out.push_back({.op_type = "Resize",
                     .opset = 19,
                     .attributes = attributes,
                     .inputs = {any({1, 2, 3, 4}), nothing(), floats({1, 1, 2, 1.5F})},
                     .floats = {2}});
      out.push_back({.op_type = "Resize",
                     .opset = 19,
                     .attributes = attributes,
                     .inputs = {any({1, 2, 5, 4}), nothing(), nothing(), ints({1, 2, 3, 6})}});
    }
    out.push_back({.op_type = "Upsample",
                   .opset = 9,
                   .attributes = {{"mode", text(mode)}},
                   .inputs = {any({1, 1, 2, 3}), floats({1, 1, 2, 3})},
                   .floats = {1}});
  }
  for (const char *mode : {"linear", "cubic"}) {
    out.push_back({.op_type = "Resize",
                   .opset = 19,
                   .attributes = {{"mode", text(mode)}, {"antialias", whole(1)}},
                   .inputs = {any({1, 1, 6, 5}), nothing(), floats({1, 1, 0.5F, 0.6F})},
                   .floats = {2}});
    out.push_back({.op_type = "Resize",
                   .opset = 19,
                   .attributes = {{"mode", text(mode)}, {"exclude_outside", whole(1)}},
                   .inputs = {any({1, 1, 3, 3}), nothing(), floats({1, 1, 2, 2})},
                   .floats = {2}});
    out.push_back(
        {.op_type = "Resize",
         .opset = 19,
         .attributes = {{"mode", text(mode)},
                        {"coordinate_transformation_mode", text("tf_crop_and_resize")},
                        {"extrapolation_value", real(3.0F)}},
         .inputs = {any({1, 1, 4, 4}), floats({0, 0, 0.2F, 0.4F, 1, 1, 1.2F, 0.9F}), nothing(), ints({1, 1, 3, 3})},
         .floats = {1}});
  }
  for (const char *mode : {"linear", "nearest", "cubic"}) {
    for (const char *padding : {"zeros", "border", "reflection"}) {
      for (const std::int64_t align : {0, 1}) {
        const Attributes attributes = {
            {"mode", text(mode)}, {"padding_mode", text(padding)}, {"align_corners", whole(align)}};
        out.push_back({.op_type = "GridSample",
                       .opset = 20,
                       .attributes = attributes,
                       .inputs = {any({1, 2, 3, 4}), noise({1, 2, 3, 2}, ++salt, -1.4, 1.4)}});
      }
    }
  }
  out.push_back({.op_type = "GridSample",
                 .opset = 20,
                 .inputs = {any({1, 2, 2, 3, 3}), noise({1, 2, 1, 2, 3}, ++salt, -1.2, 1.2)}});
  return out;
}

}  // namespace halftone::test
