#include "core/pipeline/yaml_setting.h"

#include <yaml-cpp/yaml.h>

#include <string>
#include <unordered_map>
#include <utility>

#include "core/base/error.h"
#include "core/base/file.h"
#include "core/pipeline/yaml_scalar.h"

namespace halftone::pipeline {
namespace {

constexpr std::size_t kMaxBytes = 16U << 20U;
constexpr std::size_t kMaxDepth = 64;
// Counted after aliases are expanded: a few lines of nested aliases can stand for billions of entries.
constexpr std::size_t kMaxEntries = 250'000;

class Converter {
 public:
  explicit Converter(std::string name) : name_(std::move(name)) {}

  Setting convert(const YAML::Node &node, std::size_t depth) {
    const Location where = location(node.Mark());
    if (++entries_ > kMaxEntries) {
      fail(Status::kInvalidArgument, "{}: more than {} entries after aliases are expanded", where.text(), kMaxEntries);
    }
    if (depth > kMaxDepth) {
      fail(Status::kInvalidArgument, "{}: nested more than {} levels deep", where.text(), kMaxDepth);
    }
    Setting out = node.IsMap()        ? convert_map(node, depth)
                  : node.IsSequence() ? convert_list(node, depth)
                  : node.IsScalar()   ? convert_scalar(node)
                                      : Setting{};
    out.where = where;
    return out;
  }

  Location location(const YAML::Mark &mark) const {
    if (mark.is_null()) return {name_, 0, 0};
    return {name_, mark.line + 1, mark.column + 1};
  }

 private:
  Setting convert_scalar(const YAML::Node &node) const {
    const std::string &tag = node.Tag();
    if (tag.empty() || tag == "?") return plain_scalar(node.Scalar());
    Setting out;
    out.text = node.Scalar();
    out.value = out.text;
    if (tag == "!" || tag == "tag:yaml.org,2002:str") return out;
    fail(Status::kInvalidArgument, "{}: the tag '{}' is not supported; write a plain or quoted value",
         location(node.Mark()).text(), tag);
  }

  Setting convert_list(const YAML::Node &node, std::size_t depth) {
    Setting::List list;
    list.reserve(node.size());
    for (const YAML::Node &item : node) list.push_back(convert(item, depth + 1));
    Setting out;
    out.value = std::move(list);
    return out;
  }

  Setting convert_map(const YAML::Node &node, std::size_t depth) {
    Setting::Map map;
    std::unordered_map<std::string, Location> seen;
    std::vector<YAML::Node> merged;
    for (const auto &pair : node) {
      const Location where = location(pair.first.Mark());
      if (!pair.first.IsScalar())
        fail(Status::kInvalidArgument, "{}: a key must be a plain word or text", where.text());
      const std::string &key = pair.first.Scalar();
      const auto [first, fresh] = seen.emplace(key, where);
      if (!fresh) {
        fail(Status::kInvalidArgument, "{}: key '{}' is written twice; the first one is at {}", where.text(), key,
             first->second.text());
      }
      if (key == "<<" && pair.first.Tag() != "!") {
        merged.push_back(pair.second);
        continue;
      }
      map.emplace_back(key, convert(pair.second, depth + 1));
      map.back().second.key_where = where;
    }
    for (const YAML::Node &source : merged) merge(source, depth, map, seen);
    Setting out;
    out.value = std::move(map);
    return out;
  }

  // Keys that the map has itself win over merged ones, and earlier sources over later ones.
  void merge(const YAML::Node &source, std::size_t depth, Setting::Map &map,
             std::unordered_map<std::string, Location> &seen) {
    if (source.IsSequence()) {
      for (const YAML::Node &item : source) {
        if (!item.IsMap()) fail_merge(item);
        merge(item, depth, map, seen);
      }
      return;
    }
    if (!source.IsMap()) fail_merge(source);
    Setting from = convert(source, depth + 1);
    for (auto &[key, child] : std::get<Setting::Map>(from.value)) {
      if (seen.emplace(key, child.key_where).second) map.emplace_back(key, std::move(child));
    }
  }
  [[noreturn]] void fail_merge(const YAML::Node &node) const {
    fail(Status::kInvalidArgument, "{}: '<<' takes a map or a list of maps", location(node.Mark()).text());
  }

  std::string name_;
  std::size_t entries_ = 0;
};

// What to look at when the parser of YAML, whose words are terse, gives up at a place.
std::string_view remedy(std::string_view text, const YAML::Mark &mark) {
  const std::size_t at = std::min<std::size_t>(mark.is_null() ? 0 : static_cast<std::size_t>(mark.pos), text.size());
  const std::size_t before = at == 0 ? std::string_view::npos : text.rfind('\n', at - 1);
  const std::size_t begin = before == std::string_view::npos ? 0 : before + 1;
  const std::string_view indent = text.substr(begin, text.find_first_not_of(" \t", begin) - begin);
  if (indent.find('\t') != std::string_view::npos) return "indent with spaces, YAML takes no tabs";
  return "check brackets, quotes and indentation here and in the lines before";
}

// A step of an override's path: into a map by name, or into a list by number.
Setting &descend(Setting &at, const std::string &name, std::string_view source, std::string_view assignment) {
  const auto refuse = [&](const std::string &why) {
    fail(Status::kInvalidArgument, "{} '{}': {}", source, assignment, why);
  };
  if (at.is_list()) {
    auto &list = std::get<Setting::List>(at.value);
    const Setting index = plain_scalar(name);
    const auto *number = std::get_if<std::int64_t>(&index.value);
    if (number == nullptr || *number < 0) {
      refuse(fmt::format("'{}' does not number an entry of the list at {}", name, at.where.text()));
    }
    const auto i = static_cast<std::size_t>(*number);
    if (i > list.size()) {
      refuse(fmt::format("the list at {} has {} {}, numbered from 0", at.where.text(), list.size(),
                         list.size() == 1 ? "entry" : "entries"));
    }
    if (i == list.size()) list.emplace_back();
    return list[i];
  }
  if (at.is_null()) at.value = Setting::Map{};
  if (const auto *text = std::get_if<std::string>(&at.value); text != nullptr && *text == name) {
    at.value = Setting::Map{};
  }
  if (!at.is_map())
    refuse(fmt::format("'{}' at {} is no map, so that it has no entry '{}'", at.text, at.where.text(), name));
  auto &map = std::get<Setting::Map>(at.value);
  for (auto &[key, child] : map) {
    if (key == name) return child;
  }
  map.emplace_back(name, Setting{});
  map.back().second.where = map.back().second.key_where = {fmt::format("{} '{}'", source, assignment), 0, 0};
  return map.back().second;
}

}  // namespace

Setting parse_yaml(std::string_view text, std::string_view name) {
  Converter converter{std::string(name)};
  if (text.size() > kMaxBytes) {
    fail(Status::kInvalidArgument, "{}: {} bytes; settings may have {}", name, text.size(), kMaxBytes);
  }
  try {
    const std::vector<YAML::Node> documents = YAML::LoadAll(std::string(text));
    if (documents.empty()) {
      Setting empty;
      empty.where = {std::string(name), 1, 1};
      return empty;
    }
    if (documents.size() > 1) {
      fail(Status::kInvalidArgument, "{}: a second YAML document begins here; settings are one document",
           converter.location(documents[1].Mark()).text());
    }
    return converter.convert(documents.front(), 0);
  } catch (const YAML::Exception &error) {
    fail(Status::kInvalidArgument, "{}: this is no valid YAML: {}; {}", converter.location(error.mark).text(),
         error.msg, remedy(text, error.mark));
  }
}

Setting parse_yaml_file(const std::filesystem::path &path) {
  return parse_yaml(halftone::read_file(path), path.string());
}

void apply_override(Setting &root, std::string_view assignment, std::string_view source) {
  const std::size_t equals = assignment.find('=');
  if (equals == std::string_view::npos || equals == 0) {
    fail(Status::kInvalidArgument, "{} '{}': expected key=value, such as calibration.limit=64", source, assignment);
  }
  const std::string_view path = assignment.substr(0, equals);
  Setting value = parse_yaml(assignment.substr(equals + 1), source);
  Setting *at = &root;
  for (std::size_t begin = 0; begin <= path.size();) {
    const std::size_t end = std::min(path.find('.', begin), path.size());
    const std::string name(path.substr(begin, end - begin));
    if (name.empty()) fail(Status::kInvalidArgument, "{} '{}': an empty name in the path", source, assignment);
    at = &descend(*at, name, source, assignment);
    begin = end + 1;
  }
  const Location key_where = at->key_where;
  *at = std::move(value);
  at->key_where = key_where;
  // A single value has no line worth naming.
  if (!at->is_map() && !at->is_list()) at->where = {fmt::format("{} '{}'", source, assignment), 0, 0};
}

}  // namespace halftone::pipeline
