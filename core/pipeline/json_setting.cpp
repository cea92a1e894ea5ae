#include "core/pipeline/json_setting.h"

#include <algorithm>
#include <cctype>
#include <iterator>
#include <limits>

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "core/base/error.h"

namespace halftone::pipeline {

namespace {

constexpr std::size_t kMostDepth = 64;

// The parser says what it found but not where, so its input tells how far it has read.
struct WatchedInput {
  using iterator_category = std::input_iterator_tag;
  using value_type = char;
  using difference_type = std::ptrdiff_t;
  using pointer = const char *;
  using reference = const char &;

  const char *at;
  const char **furthest;

  reference operator*() const { return *at; }
  WatchedInput &operator++() {
    *furthest = std::max(*furthest, ++at);
    return *this;
  }
  WatchedInput operator++(int) {
    WatchedInput before = *this;
    ++*this;
    return before;
  }
  bool operator==(const WatchedInput &other) const { return at == other.at; }
  bool operator!=(const WatchedInput &other) const { return at != other.at; }
};

// Collects the parser's events into a tree.
class Builder {
 public:
  Builder(std::string_view text, std::string_view name) : text_(text), name_(name), furthest_(text.data()) {}

  // The interface that nlohmann::json::sax_parse() calls.
  bool null() { return add({}, word_begin()); }
  bool boolean(bool value) { return add(scalar(value, value ? "true" : "false"), word_begin()); }
  bool number_integer(std::int64_t value) { return add(scalar(value, std::to_string(value)), word_begin()); }
  bool number_unsigned(std::uint64_t value) {
    if (value > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()))
      return add(scalar(static_cast<double>(value), std::to_string(value)), word_begin());
    return number_integer(static_cast<std::int64_t>(value));
  }
  bool number_float(double value, const std::string &written) { return add(scalar(value, written), word_begin()); }
  bool string(const std::string &value) { return add(scalar(value, value), string_begin()); }
  bool binary(const nlohmann::json::binary_t & /*value*/) { return false; }  // JSON has none
  bool start_object(std::size_t /*count*/) { return open(Setting::Map{}); }
  bool start_array(std::size_t /*count*/) { return open(Setting::List{}); }
  bool end_object() { return close(); }
  bool end_array() { return close(); }
  bool key(const std::string &name) {
    const Location where = location(string_begin());
    for (const auto &[other, child] : std::get<Setting::Map>(open_.back().value)) {
      if (other != name) continue;
      fail(Status::kInvalidArgument, "{}: '{}' is written twice; first at {}", where.text(), name,
           child.key_where.text());
    }
    keys_.push_back({name, where});
    return true;
  }
  bool parse_error(std::size_t position, const std::string & /*token*/, const nlohmann::json::exception &error) {
    // What it says of the place comes from here, in the form of other messages.
    std::string_view why = error.what();
    if (const std::size_t colon = why.find(": "); colon != std::string_view::npos) why.remove_prefix(colon + 2);
    fail(Status::kInvalidArgument, "{}: this is no valid JSON: {}",
         location(std::clamp<std::size_t>(position, 1, text_.size() + 1) - 1).text(), why);
  }

  const char **furthest() { return &furthest_; }
  Setting take() { return std::move(done_); }

 private:
  struct Key {
    std::string name;
    Location where;
  };

  template <typename T>
  static Setting scalar(T value, std::string text) {
    Setting out;
    out.value = std::move(value);
    out.text = std::move(text);
    return out;
  }

  std::size_t end() const { return static_cast<std::size_t>(furthest_ - text_.data()); }

  // Where the string begins whose closing quote was read last.
  std::size_t string_begin() const {
    std::size_t at = end() - 1;
    std::size_t slashes = 0;
    do {
      at = text_.rfind('"', at - 1);
      for (slashes = 0; slashes < at && text_[at - 1 - slashes] == '\\';) ++slashes;
    } while (slashes % 2 != 0);
    return at;
  }
  // Where the number or word begins that was read last; of a number one character more was read.
  std::size_t word_begin() const {
    const auto in_word = [](char c) {
      return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-' || c == '+' || c == '.';
    };
    std::size_t at = end();
    while (at > 0 && !in_word(text_[at - 1])) --at;
    while (at > 0 && in_word(text_[at - 1])) --at;
    return at;
  }

  // Positions come in order but for the last few, so that lines are counted once.
  Location location(std::size_t position) {
    if (position < line_begin_) line_ = 1, line_begin_ = 0;
    for (std::size_t feed; (feed = text_.substr(0, position).find('\n', line_begin_)) != std::string_view::npos;)
      ++line_, line_begin_ = feed + 1;
    return {name_, line_, static_cast<int>(position - line_begin_) + 1};
  }

  template <typename T>
  bool open(T empty) {
    if (open_.size() >= kMostDepth) {
      fail(Status::kInvalidArgument, "{}: settings are nested at most {} deep", location(end() - 1).text(), kMostDepth);
    }
    Setting setting;
    setting.value = std::move(empty);
    setting.where = location(end() - 1);
    open_.push_back(std::move(setting));
    return true;
  }
  bool close() {
    Setting setting = std::move(open_.back());
    open_.pop_back();
    return attach(std::move(setting));
  }
  bool add(Setting setting, std::size_t begin) {
    setting.where = location(begin);
    return attach(std::move(setting));
  }
  bool attach(Setting setting) {
    if (open_.empty()) {
      done_ = std::move(setting);
    } else if (auto *list = std::get_if<Setting::List>(&open_.back().value)) {
      list->push_back(std::move(setting));
    } else {
      setting.key_where = keys_.back().where;
      std::get<Setting::Map>(open_.back().value).emplace_back(std::move(keys_.back().name), std::move(setting));
      keys_.pop_back();
    }
    return true;
  }

  std::string_view text_;
  std::string name_;
  const char *furthest_;
  int line_ = 1;
  std::size_t line_begin_ = 0;
  std::vector<Setting> open_;
  std::vector<Key> keys_;  // of the maps that are open and whose value is still to come
  Setting done_;
};

}  // namespace

Setting parse_json(std::string_view text, std::string_view name) {
  Builder builder(text, name);
  const WatchedInput begin{text.data(), builder.furthest()};
  const WatchedInput end{text.data() + text.size(), builder.furthest()};
  nlohmann::json::sax_parse(begin, end, &builder);
  return builder.take();
}

}  // namespace halftone::pipeline
