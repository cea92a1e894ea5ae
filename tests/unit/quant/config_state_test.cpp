#include <doctest/doctest.h>

#include <cstdint>
#include <set>
#include <string>
#include <utility>

#include "core/quant/config.h"

namespace halftone::quant {
namespace {

TEST_CASE("the transition table, all 64 pairs") {
  using S = State;
  const std::set<std::pair<S, S>> legal{
      {S::kInitial, S::kActivated},    {S::kInitial, S::kPassiveInit},  {S::kInitial, S::kOverlapped},
      {S::kInitial, S::kFp32},         {S::kActivated, S::kInitial},    {S::kActivated, S::kPassive},
      {S::kActivated, S::kOverlapped}, {S::kActivated, S::kBaked},      {S::kActivated, S::kFp32},
      {S::kPassiveInit, S::kInitial},  {S::kPassiveInit, S::kPassive},  {S::kPassiveInit, S::kOverlapped},
      {S::kPassiveInit, S::kFp32},     {S::kPassive, S::kInitial},      {S::kPassive, S::kPassiveInit},
      {S::kPassive, S::kOverlapped},   {S::kPassive, S::kPassiveBaked}, {S::kPassive, S::kFp32},
      {S::kOverlapped, S::kInitial},   {S::kOverlapped, S::kFp32},      {S::kFp32, S::kInitial},
  };
  for (std::uint32_t from = 1; from <= 8; ++from) {
    for (std::uint32_t to = 1; to <= 8; ++to) {
      const State a = static_cast<State>(from), b = static_cast<State>(to);
      CHECK_MESSAGE(is_legal_transition(a, b) == (a == b || legal.contains({a, b})), state_name(a), " to ",
                    state_name(b));
    }
  }
  CHECK_FALSE(is_legal_transition(static_cast<State>(0), State::kInitial));
  CHECK_FALSE(is_legal_transition(State::kInitial, static_cast<State>(9)));
}

TEST_CASE("state names are distinct and lead back") {
  std::set<std::string> names;
  for (std::uint32_t code = 1; code <= 8; ++code) {
    const State state = static_cast<State>(code);
    CHECK(state_from_name(state_name(state)) == state);
    names.emplace(state_name(state));
    CHECK(is_live(state) == (code == HT_STATE_ACTIVATED || code == HT_STATE_PASSIVE));
  }
  CHECK(names.size() == 8);
  CHECK(state_name(State::kPassiveInit) == "passive-init");
  CHECK_FALSE(state_from_name("active").has_value());
}

}  // namespace
}  // namespace halftone::quant
