#include "native.h"

#include <map>

namespace halftone::onednn {
namespace {

std::map<std::string_view, NativeFactory> &table() {
  static std::map<std::string_view, NativeFactory> entries;
  return entries;
}

}  // namespace

NativeEntry::NativeEntry(const char *op_type, NativeFactory factory) {
  table()[op_type] = factory;
}

NativeFactory find_native(std::string_view domain, std::string_view op_type) {
  if (!domain.empty() && domain != "ai.onnx") return nullptr;
  const auto found = table().find(op_type);
  return found == table().end() ? nullptr : found->second;
}

}  // namespace halftone::onednn
