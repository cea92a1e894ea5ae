// What a setting may be, as data: files are checked against it before they are read, and `halftone schema` writes it as
// JSON Schema. So what is accepted, what messages list and what an editor offers cannot differ.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/base/setting.h"

namespace halftone {

struct Shape {
  enum class Form { kAny, kText, kFlag, kInteger, kNumber, kChoice, kSize, kList, kMap, kEither };
  struct Key;

  Form form = Form::kAny;
  std::int64_t low = 0, high = 0;     // of an integer
  std::vector<std::string> choices;   // of a choice
  bool any_case = false;              // a choice may be written in any case
  std::vector<Key> keys;              // of a map, in the order in which messages list them
  std::shared_ptr<const Shape> each;  // items of a list; values of a map under other keys, null: there are no others
  std::string other_keys;             // a regular expression of them; empty: any
  std::string other_keys_called;      // what messages call them, where `keys` are listed: "the number of a slot"
  std::vector<Shape> either;          // told apart by being one value, a list or a map
  std::string when_empty;             // not empty: a text or map must not be empty, and what to write instead
  std::string meaning;  // not empty: loaded components say more ("passes"); see core/pipeline/json_schema.h
};

struct Shape::Key {
  std::string name;
  Shape shape;
  std::string doc;
  bool required = false;
};

// A name in a file and what it stands for.
using Codes = std::initializer_list<std::pair<std::string_view, std::uint32_t>>;

namespace shape {
Shape any();
Shape text();     // one value of any type but null
Shape texts();    // one text, or a list of them
Shape flag();     // true or false
Shape number();   // finite
Shape numbers();  // one number, or a list of them
Shape size();     // "512MiB"
Shape integer(std::int64_t low, std::int64_t high);
Shape choice(std::vector<std::string> names);
Shape choice(Codes codes);
Shape list(Shape item);
Shape map(std::vector<Shape::Key> keys);
Shape map_of(Shape each, std::string key_pattern = {});
Shape either(std::vector<Shape> alternatives);
Shape meaning(std::string what, Shape shape);
Shape not_empty(Shape shape, std::string remedy);  // of a text or map
}  // namespace shape

// Throws InvalidArgument with file:line:column, what is allowed and the nearest name. `name` is what messages call the
// setting: "the pipeline"; what lies below is named by its path, "`calibration.limit`". A key without a value counts as
// absent.
void check_shape(const Setting &setting, const Shape &shape, const std::string &name);

// Throws unless the file says that it is of this version of its format; before anything else of it is checked.
void require_version(const Setting &root, const std::string &key, std::int64_t version);

// ---- values of settings that were checked

// The value of a key; null when it is absent or has no value.
const Setting *given(const Setting &map, std::string_view key);
std::string text_at(const Setting &map, std::string_view key, std::string deflt = {});
std::int64_t integer_at(const Setting &map, std::string_view key, std::int64_t deflt);
bool flag_at(const Setting &map, std::string_view key, bool deflt);
// Of a choice that was checked.
std::uint32_t code_of(const Setting &setting, Codes codes);
std::uint32_t code_at(const Setting &map, std::string_view key, Codes codes, std::uint32_t deflt);
double number_of(const Setting &setting);
// One value, or each of a list.
std::vector<std::string> texts_of(const Setting &setting);
std::vector<double> numbers_of(const Setting &setting);
std::int64_t size_of(const Setting &setting);

}  // namespace halftone
