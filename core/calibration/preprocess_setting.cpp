#include <fmt/ranges.h>

#include <algorithm>

#include "core/base/error.h"
#include "core/base/nearest.h"
#include "core/base/typed_setting.h"
#include "core/calibration/preprocess.h"

namespace halftone::calibration {
namespace {

const std::vector<std::string> kKeys = {"resize", "center_crop", "channel_order", "scale", "mean", "std",
                                        "from",   "to",          "gray_to_3"};
// What meta.json files and notes beside a model say about it besides.
const std::vector<std::string> kPassedOver = {
    "layout", "formula", "classes", "class_names", "input",  "output",  "inputs", "outputs", "decode", "alphabet",
    "calib",  "test",    "name",    "doc",         "source", "license", "labels", "note",    "notes"};

std::string lowered(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return text;
}

std::uint32_t choice(const Setting &setting, std::string_view what, Choices choices) {
  Setting folded = setting;
  folded.text = lowered(setting.text);
  return read_choice(folded, what, choices);
}

// One extent for both sides, or height and width.
std::vector<std::int64_t> sides(const Setting &setting, std::string_view what) {
  constexpr std::int64_t kMost = 1 << 16;
  if (!setting.is_list()) return {read_integer(setting, what, 1, kMost)};
  if (setting.list().size() != 2) {
    fail(Status::kInvalidArgument, "{}: {} takes one number, or height and width", setting.where.text(), what);
  }
  return {read_integer(setting.list()[0], what, 1, kMost), read_integer(setting.list()[1], what, 1, kMost)};
}

std::vector<float> floats(const Setting &setting, std::string_view what) {
  std::vector<float> out;
  for (const double v : read_numbers(setting, what)) out.push_back(static_cast<float>(v));
  if (out.empty()) fail(Status::kInvalidArgument, "{}: {} is an empty list", setting.where.text(), what);
  return out;
}

Preprocess::Layout layout(const Setting &setting, std::string_view what) {
  const std::uint32_t code = choice(setting, what, {{"nchw", 1}, {"chw", 1}, {"nhwc", 2}, {"hwc", 2}});
  return code == 1 ? Preprocess::Layout::kChannelsFirst : Preprocess::Layout::kChannelsLast;
}

void read_key(const std::string &key, const Setting &value, Preprocess &out) {
  const std::string what = "'" + key + "'";
  if (key == "resize") {
    const std::vector<std::int64_t> extent = sides(value, what);
    if (extent.size() == 1) {
      out.resize_short = extent[0];
    } else {
      out.resize_to = extent;
    }
  } else if (key == "center_crop") {
    out.crop = sides(value, what);
    if (out.crop.size() == 1) out.crop.push_back(out.crop[0]);
  } else if (key == "channel_order") {
    out.reverse_channels = choice(value, what, {{"rgb", 0}, {"bgr", 1}}) == 1;
  } else if (key == "scale") {
    out.scale = static_cast<float>(read_number(value, what));
  } else if (key == "mean") {
    out.mean = floats(value, what);
  } else if (key == "std") {
    out.std = floats(value, what);
    if (std::any_of(out.std.begin(), out.std.end(), [](float v) { return !(v > 0.0F); })) {
      fail(Status::kInvalidArgument, "{}: 'std' must be above 0", value.where.text());
    }
  } else if (key == "from") {
    out.from = layout(value, what);
  } else if (key == "to") {
    out.to = layout(value, what);
  } else {
    out.gray_to_3 = read_bool(value, what);
  }
}

}  // namespace

Preprocess parse_preprocess(const Setting &setting) {
  Preprocess out;
  if (setting.is_null()) return out;
  for (const auto &[key, value] : read_map(setting, "'preprocess'")) {
    if (std::find(kPassedOver.begin(), kPassedOver.end(), key) != kPassedOver.end()) continue;
    if (std::find(kKeys.begin(), kKeys.end(), key) == kKeys.end()) {
      fail(Status::kInvalidArgument, "{}: unknown key '{}' in 'preprocess'{}; allowed: {}", value.key_where.text(), key,
           nearest_hint(key, kKeys), fmt::join(kKeys, ", "));
    }
    read_key(key, value, out);
  }
  if (out.mean.size() > 1 && out.std.size() > 1 && out.mean.size() != out.std.size()) {
    fail(Status::kInvalidArgument, "{}: 'mean' has {} values and 'std' has {}", setting.where.text(), out.mean.size(),
         out.std.size());
  }
  return out;
}

}  // namespace halftone::calibration
