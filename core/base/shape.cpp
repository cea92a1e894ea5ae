#include "core/base/shape.h"

#include <algorithm>
#include <cmath>
#include <regex>

#include <fmt/ranges.h>

#include "core/base/byte_size.h"
#include "core/base/error.h"
#include "core/base/nearest.h"

namespace halftone {
namespace {

using Form = Shape::Form;

std::string lowered(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return text;
}

std::vector<std::string> names_of(const std::vector<Shape::Key> &keys) {
  std::vector<std::string> names;
  for (const Shape::Key &key : keys) names.push_back(key.name);
  return names;
}

std::string shown(const Setting &setting) {
  if (setting.is_map()) return "a map";
  if (setting.is_list()) return "a list";
  return setting.is_null() ? "empty" : "'" + setting.text + "'";
}

std::string expected(const Shape &shape) {
  switch (shape.form) {
    case Form::kAny:
      return "a value";
    case Form::kText:
      return "a single value";
    case Form::kFlag:
      return "true or false";
    case Form::kInteger:
      return "a whole number";
    case Form::kNumber:
      return "a number";
    case Form::kChoice:
      return fmt::format("one of {}", fmt::join(shape.choices, ", "));
    case Form::kSize:
      return "a size such as 512MiB or 2GiB";
    case Form::kList:
      return "a list";
    case Form::kMap:
      return "a map of keys to values";
    case Form::kEither:
      break;
  }
  std::string all;
  for (const Shape &one : shape.either) all += (all.empty() ? "" : " or ") + expected(one);
  return all;
}

// What messages call a setting, and the path that names what lies below it.
struct Place {
  std::string shown, path;
  Place below(const std::string &key) const {
    std::string longer = path.empty() ? key : path + "." + key;
    return {"`" + longer + "`", std::move(longer)};
  }
  Place entry() const { return {"an entry of " + shown, path}; }
};

class Checker {
 public:
  void check(const Setting &setting, const Shape &shape, const Place &place) const {
    switch (shape.form) {
      case Form::kAny:
        return;
      case Form::kList:
        if (!setting.is_list()) refuse(setting, shape, place);
        for (const Setting &item : setting.list()) {
          if (shape.each) check(item, *shape.each, place.entry());
        }
        return;
      case Form::kMap:
        return check_map(setting, shape, place);
      case Form::kEither:
        return check(setting, alternative(setting, shape, place), place);
      default:
        return check_scalar(setting, shape, place);
    }
  }

 private:
  [[noreturn]] static void refuse(const Setting &setting, const Shape &shape, const Place &place) {
    fail(Status::kInvalidArgument, "{}: {} must be {}, not {}", setting.where.text(), place.shown, expected(shape),
         shown(setting));
  }

  static bool fits_form(const Setting &setting, const Shape &shape) {
    if (shape.form == Form::kAny) return true;
    if (shape.form == Form::kMap) return setting.is_map();
    if (shape.form == Form::kList) return setting.is_list();
    return !setting.is_map() && !setting.is_list();
  }

  static const Shape &alternative(const Setting &setting, const Shape &shape, const Place &place) {
    for (const Shape &one : shape.either) {
      if (fits_form(setting, one)) return one;
    }
    refuse(setting, shape, place);
  }

  void check_map(const Setting &setting, const Shape &shape, const Place &place) const {
    if (!setting.is_map()) refuse(setting, shape, place);
    if (setting.map().empty()) refuse_empty(setting, shape, place);
    for (const Shape::Key &key : shape.keys) {
      if (!key.required || given(setting, key.name) != nullptr) continue;
      fail(Status::kInvalidArgument, "{}: {} needs the key '{}': {}", setting.where.text(), place.shown, key.name,
           key.doc);
    }
    for (const auto &[name, child] : setting.map()) {
      const auto key = std::ranges::find(shape.keys, name, &Shape::Key::name);
      if (key == shape.keys.end() && !takes_other(shape, name)) {
        const std::vector<std::string> names = names_of(shape.keys);
        fail(Status::kInvalidArgument, "{}: {} has no key '{}'{}; it takes: {}{}", child.key_where.text(), place.shown,
             name, nearest_hint(name, names), fmt::join(names, ", "),
             shape.other_keys_called.empty() ? "" : ", or " + shape.other_keys_called);
      }
      if (key != shape.keys.end() && child.is_null()) continue;
      check(child, key == shape.keys.end() ? *shape.each : key->shape, place.below(name));
    }
  }

  // Names that are no keys, where there are keys too, must look as they should; a map of nothing but names is checked
  // by who reads it, who knows more about them.
  static bool takes_other(const Shape &shape, const std::string &name) {
    if (!shape.each || shape.keys.empty() || shape.other_keys.empty()) return shape.each != nullptr;
    return std::regex_match(name, std::regex(shape.other_keys));
  }

  void check_scalar(const Setting &setting, const Shape &shape, const Place &place) const {
    if (!fits_form(setting, shape) || setting.is_null()) refuse(setting, shape, place);
    const auto *integer = std::get_if<std::int64_t>(&setting.value);
    std::int64_t bytes = 0;
    switch (shape.form) {
      case Form::kFlag:
        if (!std::holds_alternative<bool>(setting.value)) refuse(setting, shape, place);
        return;
      case Form::kInteger:
        if (integer == nullptr) refuse(setting, shape, place);
        return check_range(setting, *integer, shape, place);
      case Form::kNumber: {
        const auto *number = std::get_if<double>(&setting.value);
        if (integer == nullptr && (number == nullptr || !std::isfinite(*number))) refuse(setting, shape, place);
        return;
      }
      case Form::kSize:
        if (!parse_size(setting.text, bytes)) refuse(setting, shape, place);
        return;
      case Form::kChoice:
        return check_choice(setting, shape, place);
      default:
        if (setting.text.empty()) refuse_empty(setting, shape, place);
        return;
    }
  }

  static void refuse_empty(const Setting &setting, const Shape &shape, const Place &place) {
    if (shape.when_empty.empty()) return;
    fail(Status::kInvalidArgument, "{}: {} is empty; {}", setting.where.text(), place.shown, shape.when_empty);
  }

  static void check_range(const Setting &setting, std::int64_t value, const Shape &shape, const Place &place) {
    if (value >= shape.low && value <= shape.high) return;
    const std::string range = shape.low == shape.high ? fmt::format("{}", shape.low)
                                                      : fmt::format("between {} and {}", shape.low, shape.high);
    fail(Status::kInvalidArgument, "{}: {} must be {}, not {}", setting.where.text(), place.shown, range, value);
  }

  static void check_choice(const Setting &setting, const Shape &shape, const Place &place) {
    const std::string text = shape.any_case ? lowered(setting.text) : setting.text;
    if (std::ranges::find(shape.choices, text) != shape.choices.end()) return;
    fail(Status::kInvalidArgument, "{}: {} must be {}, not '{}'{}", setting.where.text(), place.shown, expected(shape),
         setting.text, nearest_hint(text, shape.choices));
  }
};

Shape of_form(Form form) {
  Shape out;
  out.form = form;
  return out;
}

}  // namespace

void check_shape(const Setting &setting, const Shape &shape, const std::string &name) {
  const bool quoted = name.size() > 2 && name.front() == '`' && name.back() == '`';
  Checker().check(setting, shape, {name, quoted ? name.substr(1, name.size() - 2) : std::string()});
}

void require_version(const Setting &root, const std::string &key, std::int64_t version) {
  const Setting *found = given(root, key);
  if (found == nullptr) return;  // the shape of the file says that it must be there
  const auto *number = std::get_if<std::int64_t>(&found->value);
  if (number != nullptr && *number == version) return;
  fail(Status::kInvalidArgument, "{}: this is file format {}; this program reads `{}: {}`", found->where.text(),
       shown(*found), key, version);
}

namespace shape {

Shape any() {
  return {};
}
Shape text() {
  return of_form(Form::kText);
}
Shape flag() {
  return of_form(Form::kFlag);
}
Shape number() {
  return of_form(Form::kNumber);
}
Shape size() {
  return of_form(Form::kSize);
}
Shape texts() {
  return either({text(), list(text())});
}
Shape numbers() {
  return either({number(), list(number())});
}

Shape integer(std::int64_t low, std::int64_t high) {
  Shape out = of_form(Form::kInteger);
  out.low = low;
  out.high = high;
  return out;
}

Shape choice(std::vector<std::string> names) {
  Shape out = of_form(Form::kChoice);
  out.choices = std::move(names);
  return out;
}

Shape choice(Codes codes) {
  Shape out = of_form(Form::kChoice);
  for (const auto &[name, code] : codes) out.choices.emplace_back(name);
  return out;
}

Shape list(Shape item) {
  Shape out = of_form(Form::kList);
  out.each = std::make_shared<const Shape>(std::move(item));
  return out;
}

Shape map(std::vector<Shape::Key> keys) {
  Shape out = of_form(Form::kMap);
  out.keys = std::move(keys);
  return out;
}

Shape map_of(Shape each, std::string key_pattern) {
  Shape out = of_form(Form::kMap);
  out.each = std::make_shared<const Shape>(std::move(each));
  out.other_keys = std::move(key_pattern);
  return out;
}

Shape either(std::vector<Shape> alternatives) {
  Shape out = of_form(Form::kEither);
  out.either = std::move(alternatives);
  return out;
}

Shape meaning(std::string what, Shape shape) {
  shape.meaning = std::move(what);
  return shape;
}

Shape not_empty(Shape shape, std::string remedy) {
  shape.when_empty = std::move(remedy);
  return shape;
}

}  // namespace shape

const Setting *given(const Setting &map, std::string_view key) {
  const Setting *found = map.find(key);
  return found == nullptr || found->is_null() ? nullptr : found;
}

std::string text_at(const Setting &map, std::string_view key, std::string deflt) {
  const Setting *found = given(map, key);
  return found == nullptr ? deflt : found->text;
}

std::int64_t integer_at(const Setting &map, std::string_view key, std::int64_t deflt) {
  const Setting *found = given(map, key);
  return found == nullptr ? deflt : std::get<std::int64_t>(found->value);
}

bool flag_at(const Setting &map, std::string_view key, bool deflt) {
  const Setting *found = given(map, key);
  return found == nullptr ? deflt : std::get<bool>(found->value);
}

std::uint32_t code_of(const Setting &setting, Codes codes) {
  const std::string text = lowered(setting.text);
  for (const auto &[name, code] : codes) {
    if (name == text) return code;
  }
  fail(Status::kInternal, "'{}' is none of the choices", setting.text);
}

std::uint32_t code_at(const Setting &map, std::string_view key, Codes codes, std::uint32_t deflt) {
  const Setting *found = given(map, key);
  return found == nullptr ? deflt : code_of(*found, codes);
}

double number_of(const Setting &setting) {
  const auto *integer = std::get_if<std::int64_t>(&setting.value);
  return integer != nullptr ? static_cast<double>(*integer) : std::get<double>(setting.value);
}

std::vector<std::string> texts_of(const Setting &setting) {
  if (!setting.is_list()) return {setting.text};
  std::vector<std::string> out;
  for (const Setting &item : setting.list()) out.push_back(item.text);
  return out;
}

std::vector<double> numbers_of(const Setting &setting) {
  if (!setting.is_list()) return {number_of(setting)};
  std::vector<double> out;
  for (const Setting &item : setting.list()) out.push_back(number_of(item));
  return out;
}

std::int64_t size_of(const Setting &setting) {
  std::int64_t bytes = 0;
  parse_size(setting.text, bytes);
  return bytes;
}

}  // namespace halftone
