#include <algorithm>
#include <array>

#include "core/base/error.h"
#include "core/base/shape.h"
#include "core/calibration/preprocess.h"

namespace halftone::calibration {
namespace {

constexpr std::int64_t kMostPixels = 1 << 16;
const Codes kOrders = {{"rgb", 0}, {"bgr", 1}};
const Codes kLayouts = {{"nchw", 1}, {"chw", 1}, {"nhwc", 2}, {"hwc", 2}};
// What meta.json files and notes beside a model say about it besides.
constexpr std::array kPassedOver = {"layout",  "formula", "classes",  "class_names", "input", "output", "inputs",
                                    "outputs", "decode",  "alphabet", "calib",       "test",  "name",   "doc",
                                    "source",  "license", "labels",   "note",        "notes"};

Shape make_shape() {
  const Shape sides = shape::either({shape::integer(1, kMostPixels), shape::list(shape::integer(1, kMostPixels))});
  Shape order = shape::choice(kOrders), layout = shape::choice(kLayouts);
  order.any_case = layout.any_case = true;
  return shape::map({
      {"resize", sides, "the length of the shorter side, or height and width"},
      {"center_crop", sides, "one number, or height and width"},
      {"channel_order", order, "what the model takes; pictures are read as rgb"},
      {"scale", shape::number(), "factor of every value, before mean and std"},
      {"mean", shape::numbers(), "one value, or one for each channel"},
      {"std", shape::numbers(), "one value, or one for each channel, above 0"},
      {"from", layout, "the layout of the samples; guessed when left out"},
      {"to", layout, "the layout that the model takes; guessed when left out"},
      {"gray_to_3", shape::flag(), "one channel becomes three"},
  });
}

// One extent for both sides, or height and width.
std::vector<std::int64_t> sides(const Setting &setting, std::string_view what) {
  std::vector<std::int64_t> extents;
  for (const double extent : numbers_of(setting)) extents.push_back(static_cast<std::int64_t>(extent));
  if (setting.is_list() && extents.size() != 2) {
    fail(Status::kInvalidArgument, "{}: `{}` takes one number, or height and width", setting.where.text(), what);
  }
  return extents;
}

std::vector<float> floats(const Setting &setting, std::string_view what) {
  std::vector<float> out;
  for (const double v : numbers_of(setting)) out.push_back(static_cast<float>(v));
  if (out.empty()) fail(Status::kInvalidArgument, "{}: `{}` is an empty list", setting.where.text(), what);
  return out;
}

Preprocess::Layout layout_at(const Setting &setting, std::string_view key) {
  const std::uint32_t code = code_at(setting, key, kLayouts, 0);
  return code == 0   ? Preprocess::Layout::kGuess
         : code == 1 ? Preprocess::Layout::kChannelsFirst
                     : Preprocess::Layout::kChannelsLast;
}

void read_pictures(const Setting &setting, Preprocess &out) {
  if (const Setting *resize = given(setting, "resize")) {
    const std::vector<std::int64_t> extent = sides(*resize, "resize");
    if (extent.size() == 1) {
      out.resize_short = extent[0];
    } else {
      out.resize_to = extent;
    }
  }
  if (const Setting *crop = given(setting, "center_crop")) {
    out.crop = sides(*crop, "center_crop");
    if (out.crop.size() == 1) out.crop.push_back(out.crop[0]);
  }
  out.reverse_channels = code_at(setting, "channel_order", kOrders, 0) == 1;
  out.gray_to_3 = flag_at(setting, "gray_to_3", false);
}

void read_values(const Setting &setting, Preprocess &out) {
  if (const Setting *scale = given(setting, "scale")) out.scale = static_cast<float>(number_of(*scale));
  if (const Setting *mean = given(setting, "mean")) out.mean = floats(*mean, "mean");
  if (const Setting *std = given(setting, "std")) {
    out.std = floats(*std, "std");
    if (std::any_of(out.std.begin(), out.std.end(), [](float v) { return !(v > 0.0F); })) {
      fail(Status::kInvalidArgument, "{}: `std` must be above 0", std->where.text());
    }
  }
  if (out.mean.size() > 1 && out.std.size() > 1 && out.mean.size() != out.std.size()) {
    fail(Status::kInvalidArgument, "{}: `mean` has {} values and `std` has {}", setting.where.text(), out.mean.size(),
         out.std.size());
  }
}

}  // namespace

const Shape &preprocess_shape() {
  static const Shape made = make_shape();
  return made;
}

std::span<const char *const> passed_over_keys() {
  return kPassedOver;
}

Preprocess parse_preprocess(const Setting &setting) {
  Preprocess out;
  if (setting.is_null()) return out;
  Setting known = setting;
  if (auto *map = std::get_if<Setting::Map>(&known.value)) {
    std::erase_if(*map, [](const auto &entry) { return std::ranges::count(kPassedOver, entry.first) != 0; });
  }
  check_shape(known, preprocess_shape(), "`preprocess`");
  read_pictures(known, out);
  read_values(known, out);
  out.from = layout_at(known, "from");
  out.to = layout_at(known, "to");
  return out;
}

}  // namespace halftone::calibration
