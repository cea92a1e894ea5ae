#include <algorithm>
#include <array>

#include "core/quant/config.h"

namespace halftone::quant {
namespace {

constexpr std::size_t kStates = 8;
constexpr std::array<std::string_view, kStates> kNames{"initial",    "activated", "passive-init",  "passive",
                                                       "overlapped", "baked",     "passive-baked", "fp32"};

constexpr std::size_t index_of(State state) {
  return static_cast<std::size_t>(state) - 1;
}

// One row for each state left, one column for each state entered: the table of config.h.
constexpr std::array<std::array<bool, kStates>, kStates> kLegal{{
    {true, true, true, false, true, false, false, true},      // initial
    {true, true, false, true, true, true, false, true},       // activated
    {true, false, true, true, true, false, false, true},      // passive-init
    {true, false, true, true, true, false, true, true},       // passive
    {true, false, false, false, true, false, false, true},    // overlapped
    {false, false, false, false, false, true, false, false},  // baked
    {false, false, false, false, false, false, true, false},  // passive-baked
    {true, false, false, false, false, false, false, true},   // fp32
}};

bool is_state(State state) {
  return index_of(state) < kStates;
}

}  // namespace

std::string_view state_name(State state) {
  return is_state(state) ? kNames[index_of(state)] : "unknown";
}

std::optional<State> state_from_name(std::string_view name) {
  const auto found = std::find(kNames.begin(), kNames.end(), name);
  if (found == kNames.end()) return std::nullopt;
  return static_cast<State>(found - kNames.begin() + 1);
}

bool is_live(State state) {
  return state == State::kActivated || state == State::kPassive;
}

bool is_legal_transition(State from, State to) {
  return is_state(from) && is_state(to) && kLegal[index_of(from)][index_of(to)];
}

}  // namespace halftone::quant
