// What stands for what: PPQ's settings, platforms, dispatchers and names of methods, and ours. Only tables: to correct
// the conversion of a setting, correct the table.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "core/base/setting.h"

namespace halftone::pipeline {

enum class PpqForm { kAsIs, kNames, kObserver, kAlignment };
// Whether a parameter is written although the setting says what PPQ's default is.
enum class PpqWrite {
  kAlways,
  kChanged,   // no: our default means the same
  kPlatform,  // no: our platform has its own rule; but with a platform made for comparison, or with none
};

struct PpqParameter {
  std::string_view key;    // of PPQ
  std::string_view names;  // of ours; "a|b": whichever the pass has
  PpqForm form = PpqForm::kAsIs;
  PpqWrite write = PpqWrite::kAlways;
  std::string_view option = {};  // of a platform's descriptor, with its own rule
};

// A parameter with which a pass decides as PPQ's does, for platforms made for comparison.
struct PpqLikeness {
  std::string_view parameter, value;  // "{batch}": the samples of PPQ's batches
};

enum class PpqUse {
  kPass,
  kByHand,  // PPQ has the key and does nothing for it: commented out
  kNone,    // no pass, now or later: a comment
};

// One pass of ours for what a setting asks; in the order in which they run.
struct PpqPass {
  std::string_view names;        // ours; "a|b": whichever is there
  std::string_view flags;        // of PPQ, "a&b": all must be on; empty: always runs
  std::string_view counterpart;  // PPQ's pass
  std::span<const PpqParameter> parameters = {};
  std::span<const PpqLikeness> likeness = {};
  std::string_view remark = {};  // what is different
  PpqUse use = PpqUse::kPass;
  std::string_view layers = {};  // the key without whose names it does nothing
  bool implied = false;          // runs without being listed; listed where there is something to say
};
std::span<const PpqPass> ppq_passes();

// Passes of our platforms that PPQ does not have. They are left out where the setting says something to `unless`.
struct PpqExtra {
  std::string_view pass, unless;
};
std::span<const PpqExtra> ppq_extras();

struct PpqPlatform {
  std::string_view name;
  std::int64_t number;
  std::string_view ours;   // for a device; empty: none yet
  std::string_view exact;  // decides as PPQ does; empty: none yet
};
std::span<const PpqPlatform> ppq_platforms();

// "conservative" for whatever PPQ calls it; empty for a name that is none.
std::string_view our_dispatcher(std::string_view name);
// The names that PPQ takes.
std::span<const std::string_view> ppq_dispatchers();

// Null where nothing is to be written (no names; the quantizer's choice). Throws InvalidArgument with the place for a
// method that PPQ does not have.
Setting our_value(const Setting &value, PpqForm form);

}  // namespace halftone::pipeline
