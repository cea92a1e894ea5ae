#include "npy_header.h"

#include <array>
#include <cstring>
#include <string_view>
#include <utility>

#include "halftone/status.hpp"
#include "sample_type.h"

namespace halftone::readers {
namespace {

constexpr std::size_t kMaxHeader = 1U << 20U;

// The header is a Python dictionary of three known keys; this reads exactly that much of Python.
class Dictionary {
 public:
  Dictionary(const std::string &text, const std::string &name) : text_(text), name_(name) {}

  NpyHeader parse() {
    bool has_descr = false, has_order = false, has_shape = false;
    expect('{');
    while (!accept('}')) {
      const std::string key = quoted();
      expect(':');
      bool *seen = key == "descr"           ? &has_descr
                   : key == "fortran_order" ? &has_order
                   : key == "shape"         ? &has_shape
                                            : nullptr;
      if (seen == nullptr || *seen) broken("the key '" + key + "' is unknown or written twice");
      *seen = true;
      if (seen == &has_descr) {
        descr();
      } else if (seen == &has_order) {
        order();
      } else {
        shape();
      }
      if (!accept(',')) {
        expect('}');
        break;
      }
    }
    skip_space();
    if (at_ != text_.size()) broken("text after the dictionary");
    if (!has_descr || !has_order || !has_shape) broken("one of descr, fortran_order and shape is missing");
    return std::move(out_);
  }

 private:
  [[noreturn]] void broken(const std::string &why) const {
    throw sdk::Failure(HT_DATA_LOSS, name_ + " has a broken .npy header: " + why + "; save it again");
  }
  [[noreturn]] void unusable(const std::string &why) const {
    throw sdk::Failure(HT_INVALID_ARGUMENT, name_ + ": " + why);
  }
  void skip_space() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\n' || text_[at_] == '\t')) ++at_;
  }
  bool accept(char c) {
    skip_space();
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  void expect(char c) {
    if (!accept(c)) broken(std::string("expected '") + c + "' at byte " + std::to_string(at_));
  }
  std::string quoted() {
    skip_space();
    const char quote = at_ < text_.size() ? text_[at_] : '\0';
    if (quote != '\'' && quote != '"') broken("expected a quoted word at byte " + std::to_string(at_));
    const std::size_t end = text_.find(quote, at_ + 1);
    if (end == std::string::npos) broken("a quote is never closed");
    std::string word = text_.substr(at_ + 1, end - at_ - 1);
    at_ = end + 1;
    return word;
  }

  void descr() {
    skip_space();
    if (at_ < text_.size() && text_[at_] == '[') unusable("arrays of structures are not samples; save plain numbers");
    const std::string code = quoted();
    constexpr std::array<std::pair<std::string_view, ht_dtype>, 12> kCodes = {{{"u1", HT_U8},
                                                                               {"i1", HT_I8},
                                                                               {"b1", HT_BOOL},
                                                                               {"u2", HT_U16},
                                                                               {"i2", HT_I16},
                                                                               {"u4", HT_U32},
                                                                               {"i4", HT_I32},
                                                                               {"u8", HT_U64},
                                                                               {"i8", HT_I64},
                                                                               {"f2", HT_F16},
                                                                               {"f4", HT_F32},
                                                                               {"f8", HT_F64}}};
    const std::string_view order_mark = "<>|=";
    const bool marked = !code.empty() && order_mark.find(code[0]) != std::string_view::npos;
    const std::string_view type = std::string_view(code).substr(marked ? 1 : 0);
    if (!type.empty() && type[0] == 'O') unusable("it holds pickled Python objects; save an array of numbers");
    for (const auto &[name, dtype] : kCodes) {
      if (type == name) out_.dtype = dtype;
    }
    if (out_.dtype == HT_DTYPE_NONE)
      unusable("elements of type '" + code + "' cannot be samples; save an array of real numbers");
    if (marked && code[0] == '>' && element_bytes(out_.dtype) > 1) {
      unusable("it is big-endian ('" + code + "'); save it with x.astype('<" + std::string(type) + "')");
    }
  }

  void order() {
    skip_space();
    if (text_.compare(at_, 5, "False") == 0) {
      at_ += 5;
    } else if (text_.compare(at_, 4, "True") == 0) {
      unusable("it is in Fortran order; save it with numpy.ascontiguousarray(x)");
    } else {
      broken("fortran_order is neither True nor False");
    }
  }

  void shape() {
    expect('(');
    while (!accept(')')) {
      out_.shape.push_back(extent());
      if (out_.shape.size() > HT_MAX_RANK) unusable("it has more than " + std::to_string(HT_MAX_RANK) + " axes");
      if (!accept(',')) {
        expect(')');
        break;
      }
    }
  }
  std::int64_t extent() {
    skip_space();
    std::int64_t value = 0;
    const std::size_t begin = at_;
    while (at_ < text_.size() && text_[at_] >= '0' && text_[at_] <= '9') {
      if (value > (std::int64_t{1} << 58)) broken("an extent of the shape is too large");
      value = value * 10 + (text_[at_++] - '0');
    }
    if (at_ == begin) broken("the shape is not a tuple of numbers");
    if (at_ < text_.size() && text_[at_] == 'L') ++at_;  // long integers of Python 2
    return value;
  }

  const std::string &text_;
  const std::string &name_;
  std::size_t at_ = 0;
  NpyHeader out_;
};

}  // namespace

NpyHeader parse_npy_dictionary(const std::string &text, const std::string &name) {
  return Dictionary(text, name).parse();
}

NpyHeader read_npy_header(const ByteSource &file, const std::string &name) {
  constexpr std::string_view kMagic = "\x93NUMPY";
  std::array<unsigned char, 12> head{};
  if (file.size() < 10) throw sdk::Failure(HT_DATA_LOSS, name + " is too short for a .npy file");
  const std::size_t have = std::min<std::size_t>(head.size(), file.size());
  file.read(0, std::as_writable_bytes(std::span(head).first(have)));
  if (std::memcmp(head.data(), kMagic.data(), kMagic.size()) != 0) {
    throw sdk::Failure(HT_DATA_LOSS, name + " is not a .npy file: it does not begin with \\x93NUMPY");
  }
  const unsigned version = head[6];
  if (version < 1 || version > 3) {
    throw sdk::Failure(HT_INVALID_ARGUMENT,
                       name + " has .npy version " + std::to_string(version) + "; 1 to 3 are known");
  }
  const std::size_t prefix = version == 1 ? 10 : 12;
  std::size_t length = head[8] + (std::size_t{head[9]} << 8U);
  if (version > 1) length += (std::size_t{head[10]} << 16U) + (std::size_t{head[11]} << 24U);
  if (length > kMaxHeader || prefix + length > file.size()) {
    throw sdk::Failure(HT_DATA_LOSS, name + " is truncated inside its header");
  }
  std::string text(length, '\0');
  file.read(prefix, std::as_writable_bytes(std::span(text)));
  NpyHeader header = parse_npy_dictionary(text, name);
  header.data_offset = prefix + length;
  const std::uint64_t wanted = tensor_bytes(header.dtype, header.shape, name);
  if (file.size() - header.data_offset < wanted) {
    throw sdk::Failure(HT_DATA_LOSS, name + " is truncated: its header promises " + std::to_string(wanted) +
                                         " bytes of data, it has " + std::to_string(file.size() - header.data_offset) +
                                         "; copy or save it again");
  }
  return header;
}

}  // namespace halftone::readers
