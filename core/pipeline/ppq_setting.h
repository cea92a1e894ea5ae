// A setting file of PPQ: what QuantizationSetting.to_json() of PPQ 0.6.6 writes. Facts are from PPQ's documentation and
// from files that it wrote.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/setting.h"

namespace halftone::pipeline {

enum class PpqKind { kFlag, kWhole, kNumber, kText, kName, kNames, kGroup, kFree, kOld };

// One key of PPQ's setting tree.
struct PpqKey {
  std::string_view path;    // "equalization_setting.iterations"
  PpqKind kind;             // kName: a text or null; kNames: a list or null; kFree: anything; kOld: of older versions
  std::string_view deflt;   // of 0.6.6, as JSON writes it; of a group, the flag that it belongs to
  std::string_view effect;  // where a key says nothing to Halftone: why
};

// Every key that 0.6.6 has, and those of older versions.
std::span<const PpqKey> ppq_keys();

// A row of the dispatching table: an operation and the number of a TargetPlatform.
struct PpqRow {
  std::string operation;
  std::int64_t platform;
  Location where;
};

class PpqSetting {
 public:
  // `root` is what a file holds. Keys that PPQ does not have go to `warnings` with the nearest name, or are errors when
  // `strict`. Throws InvalidArgument with the place for a value of another type, and for what is no setting of PPQ.
  PpqSetting(Setting root, bool strict, std::vector<std::string> &warnings);

  // Values by path; PPQ's default where the file has none.
  bool flag(std::string_view path) const;
  std::string text(std::string_view path) const;  // empty for null
  Setting value(std::string_view path) const;     // with its place where the file has it
  // Whether the file says something else than PPQ's default.
  bool differs(std::string_view path) const;
  const Setting *written(std::string_view path) const;  // null when the file does not have it
  const std::vector<PpqRow> &rows() const { return rows_; }
  const Location &where() const { return root_.where; }

 private:
  void read_map(const Setting &map, const std::string &prefix, bool strict, std::vector<std::string> &warnings);
  void read_rows(const Setting &table);
  void add_row(const std::string &operation, const Setting &platform);

  Setting root_;
  std::vector<PpqRow> rows_;
};

}  // namespace halftone::pipeline
