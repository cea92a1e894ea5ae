#include <doctest/doctest.h>

#include <cmath>
#include <cstdint>
#include <functional>
#include <random>
#include <string>
#include <vector>

#include <fmt/core.h>

#include "core/base/error.h"
#include "core/model/model.h"
#include "core/quant/arithmetic.h"
#include "core/quant/config.h"

namespace halftone::quant {
namespace {

// A chain of `count` Relu nodes, and a table with an initial config at each node's input and output.
struct Fixture {
  explicit Fixture(int count = 4) {
    Handle previous = model.add_value(model.main_graph(), "x");
    model.mark_input(previous);
    for (int i = 0; i < count; ++i) {
      const Handle next = model.add_value(model.main_graph(), fmt::format("y{}", i));
      const Handle inputs[] = {previous}, outputs[] = {next};
      nodes.push_back(model.add_node(model.main_graph(), "Relu", "", fmt::format("relu{}", i), inputs, outputs));
      in.push_back(table.create({nodes.back(), false, 0}, spec, State::kInitial));
      out.push_back(table.create({nodes.back(), true, 0}, spec, State::kInitial));
      previous = next;
    }
  }

  void set(Handle config, float scale, std::int32_t zero_point = 0) {
    const float scales[] = {scale};
    const std::int32_t zero_points[] = {zero_point};
    table.set_scales(config, scales, zero_points, {"test", "by hand", ""});
  }
  State state(Handle config) const { return table.get(config).state; }

  model::Model model;
  ht_quant_spec spec = make_spec(8, true, HT_ASYMMETRIC);
  ConfigTable table;
  std::vector<Handle> nodes, in, out;
};

std::string complaint(Status status, const std::function<void()> &action) {
  try {
    action();
  } catch (const Error &error) {
    CHECK(error.status() == status);
    return error.message();
  }
  return "accepted";
}

TEST_CASE("configs are found by slot and listed in creation order, with handles that repeat from run to run") {
  Fixture a, b;
  CHECK(a.table.all() == b.table.all());
  CHECK(a.table.all() ==
        std::vector<Handle>{a.in[0], a.out[0], a.in[1], a.out[1], a.in[2], a.out[2], a.in[3], a.out[3]});
  CHECK(a.table.find({a.nodes[2], true, 0}) == a.out[2]);
  CHECK(a.table.find({a.nodes[2], true, 1}) == HT_NONE);
  // Creating again replaces what is there and keeps the handle.
  a.set(a.in[1], 0.5F);
  CHECK(a.table.create({a.nodes[1], false, 0}, a.spec, State::kFp32) == a.in[1]);
  CHECK(a.state(a.in[1]) == State::kFp32);
  CHECK(a.table.scales(a.in[1]).empty());
}

TEST_CASE("a removed config's handle is stale for ever, also when its slot gets a new config") {
  Fixture f;
  f.table.remove(f.in[1]);
  CHECK(f.table.find({f.nodes[1], false, 0}) == HT_NONE);
  const Handle again = f.table.create({f.nodes[1], false, 0}, f.spec, State::kInitial);
  CHECK(again != f.in[1]);
  CHECK(complaint(Status::kNotFound, [&] { f.table.get(f.in[1]); }) != "accepted");
  CHECK(f.table.all().back() == again);
  CHECK(complaint(Status::kNotFound, [&] { f.table.get(f.nodes[0]); }) != "accepted");
}

TEST_CASE("a config begins only in a state that needs no scale") {
  Fixture f;
  const SlotKey key{f.nodes[0], false, 7};
  for (const State state : {State::kActivated, State::kPassive, State::kBaked, State::kPassiveBaked}) {
    CHECK(complaint(Status::kFailedPrecondition, [&] { f.table.create(key, f.spec, state); }) != "accepted");
  }
  ht_quant_spec bad = f.spec;
  bad.bits = 40;
  CHECK(complaint(Status::kInvalidArgument, [&] { f.table.create(key, bad, State::kInitial); }) != "accepted");
  CHECK(f.table.find(key) == HT_NONE);
  ht_quant_spec dynamic = f.spec;
  dynamic.dynamic = 1;
  CHECK(f.state(f.table.create(key, dynamic, State::kActivated)) == State::kActivated);
}

// Brings a fresh config into a state by legal edits.
Handle in_state(Fixture &f, State state) {
  const Handle c = f.in[0];
  if (state == State::kPassiveInit || state == State::kPassive || state == State::kPassiveBaked) {
    f.table.set_state(c, State::kPassiveInit);
  }
  if (state == State::kActivated || state == State::kPassive || state == State::kBaked ||
      state == State::kPassiveBaked) {
    f.set(c, 0.25F);
  }
  if (f.state(c) != state) f.table.set_state(c, state);
  REQUIRE(f.state(c) == state);
  return c;
}

TEST_CASE("set_state allows exactly the legal transitions for which a scale is there") {
  for (std::uint32_t from = 1; from <= 8; ++from) {
    for (std::uint32_t to = 1; to <= 8; ++to) {
      Fixture f;
      const State a = static_cast<State>(from), b = static_cast<State>(to);
      const Handle c = in_state(f, a);
      const bool needs_scale = is_live(b) || b == State::kBaked || b == State::kPassiveBaked;
      const bool possible = is_legal_transition(a, b) && (!needs_scale || !f.table.scales(c).empty());
      const std::string said = complaint(Status::kFailedPrecondition, [&] { f.table.set_state(c, b, "why"); });
      CAPTURE(said);
      CHECK_MESSAGE((said == "accepted") == possible, state_name(a), " to ", state_name(b));
      CHECK(f.state(c) == (possible ? b : a));
      CHECK(f.table.get(c).reason == (possible ? "why" : ""));
      if (possible && b == State::kInitial) CHECK(f.table.scales(c).empty());
    }
  }
}

TEST_CASE("messages name the slot") {
  Fixture f;
  CHECK(complaint(Status::kFailedPrecondition, [&] { f.table.set_state(f.in[0], State::kBaked); }) ==
        "input 0 of node #0: a config cannot go from initial to baked");
  CHECK(describe({f.nodes[1], true, 0}, f.model) == "output 0 of Relu 'relu1'");
}

TEST_CASE("setting scales activates, keeps provenance and is refused where it would not be read") {
  Fixture f;
  f.set(f.in[0], 0.5F, 3);
  CHECK(f.state(f.in[0]) == State::kActivated);
  CHECK(f.table.get(f.in[0]).provenance.pass == "test");
  CHECK(f.table.scales(f.in[0])[0] == 0.5F);
  CHECK(f.table.zero_points(f.in[0])[0] == 3);
  f.table.set_state(f.in[1], State::kPassiveInit);
  f.set(f.in[1], 0.5F);
  CHECK(f.state(f.in[1]) == State::kPassive);
  f.table.set_state(f.in[2], State::kFp32);
  f.set(f.in[2], 0.5F);
  CHECK(f.state(f.in[2]) == State::kFp32);

  f.table.set_state(f.in[0], State::kBaked);
  CHECK(complaint(Status::kFailedPrecondition, [&] { f.set(f.in[0], 1.0F); }) != "accepted");
  f.table.dominate(f.in[3], f.in[1]);
  CHECK(complaint(Status::kFailedPrecondition, [&] { f.set(f.in[3], 1.0F); }) != "accepted");
  f.table.set_master(f.out[3], f.in[1]);
  CHECK(complaint(Status::kFailedPrecondition, [&] { f.set(f.out[3], 1.0F); }) != "accepted");
  // A config's own entries may be handed back.
  f.table.set_scales(f.in[1], f.table.scales(f.in[1]), f.table.zero_points(f.in[1]), {});
  CHECK(f.table.scales(f.in[1])[0] == 0.5F);
}

TEST_CASE("scales that no quantizer could use are refused") {
  Fixture f;
  for (const float scale : {0.0F, -1.0F, INFINITY, NAN}) {
    CHECK(complaint(Status::kInvalidArgument, [&] { f.set(f.in[0], scale); }) != "accepted");
  }
  CHECK(complaint(Status::kInvalidArgument, [&] { f.set(f.in[0], 1.0F, 128); }) ==
        "input 0 of node #0: zero point 128 of entry 0 is outside [-128, 127]");
  const float two[] = {1.0F, 2.0F};
  const std::int32_t zeros[] = {0, 0};
  CHECK(complaint(Status::kInvalidArgument, [&] { f.table.set_scales(f.in[0], two, zeros, {}); }) != "accepted");
  CHECK(complaint(Status::kInvalidArgument, [&] { f.table.set_scales(f.in[0], {}, {}, {}); }) != "accepted");
  CHECK(f.state(f.in[0]) == State::kInitial);
}

TEST_CASE("domination: every member reads the root's scale, and the trees merge") {
  Fixture f;
  f.table.dominate(f.in[0], f.out[0]);
  f.table.dominate(f.in[1], f.out[1]);
  f.table.dominate(f.in[0], f.in[1]);  // merges out[0]'s tree under out[1]
  for (const Handle c : {f.in[0], f.out[0], f.in[1]}) {
    CHECK(f.table.root(c) == f.out[1]);
    CHECK(f.state(c) == State::kOverlapped);
  }
  f.set(f.out[1], 0.125F);
  CHECK(f.table.scales(f.in[0])[0] == 0.125F);
  CHECK_FALSE(f.table.quantizer(f.in[0]).has_value());
  CHECK(f.table.quantizer(f.out[1])->scales[0] == 0.125F);
  f.table.dominate(f.in[0], f.out[1]);  // already so
  CHECK(complaint(Status::kFailedPrecondition, [&] { f.table.dominate(f.out[1], f.in[0]); }) != "accepted");
  CHECK(complaint(Status::kFailedPrecondition, [&] { f.table.dominate(f.out[1], f.out[1]); }) != "accepted");
  // A released config takes along what it dominates.
  f.table.release(f.out[0]);
  CHECK(f.state(f.out[0]) == State::kInitial);
  CHECK(f.table.root(f.in[0]) == f.out[0]);
  CHECK(f.table.root(f.in[1]) == f.out[1]);
}

TEST_CASE("random domination behaves like sets and never makes a cycle") {
  std::mt19937 random(3);
  for (int round = 0; round < 20; ++round) {
    Fixture f(20);
    const std::vector<Handle> all = f.table.all();
    std::vector<std::size_t> set_of(all.size());
    for (std::size_t i = 0; i < all.size(); ++i) set_of[i] = i;
    for (int step = 0; step < 60; ++step) {
      const std::size_t a = random() % all.size(), b = random() % all.size();
      const bool accepted =
          complaint(Status::kFailedPrecondition, [&] { f.table.dominate(all[a], all[b]); }) == "accepted";
      if (set_of[a] != set_of[b]) CHECK(accepted);
      if (!accepted) continue;
      const std::size_t from = set_of[a], to = set_of[b];
      for (std::size_t &s : set_of) s = s == from ? to : s;
    }
    for (std::size_t i = 0; i < all.size(); ++i) {
      for (std::size_t j = 0; j < all.size(); ++j) {
        CHECK((f.table.root(all[i]) == f.table.root(all[j])) == (set_of[i] == set_of[j]));
      }
      const bool is_root = f.table.root(all[i]) == all[i];
      CHECK((f.state(all[i]) == State::kOverlapped) == !is_root);
    }
  }
}

TEST_CASE("masters: slaves settle when the scale arrives, keep their own range, and follow the master's root") {
  Fixture f;
  ht_quant_spec narrow = make_spec(4, true, HT_ASYMMETRIC);
  f.table.set_spec(f.in[1], narrow);
  f.table.set_master(f.in[1], f.out[0]);
  CHECK(f.state(f.in[1]) == State::kPassiveInit);
  f.table.dominate(f.out[0], f.in[2]);  // the master's scale now is in[2]'s
  CHECK(f.table.source(f.in[1]) == f.in[2]);
  f.set(f.in[2], 0.75F, 2);
  CHECK(f.state(f.in[1]) == State::kPassiveInit);
  f.table.settle_slaves();
  CHECK(f.state(f.in[1]) == State::kPassive);
  const auto q = f.table.quantizer(f.in[1]);
  REQUIRE(q.has_value());
  CHECK(q->scales[0] == 0.75F);
  CHECK(q->zero_points[0] == 2);
  CHECK(q->quant_max == 7);
  f.table.set_spec(f.in[2], f.spec);  // loses its scale
  f.table.settle_slaves();
  CHECK(f.state(f.in[1]) == State::kPassiveInit);
  f.set(f.in[2], 0.5F);
  f.table.set_master(f.out[3], f.in[1]);  // a master that borrows itself
  CHECK(f.state(f.out[3]) == State::kPassive);
  CHECK(f.table.scales(f.out[3])[0] == 0.5F);
  f.table.release(f.in[1]);
  CHECK(f.state(f.in[1]) == State::kInitial);
  CHECK(f.table.get(f.in[1]).master == HT_NONE);
}

TEST_CASE("no chain of masters and dominators closes into a cycle") {
  Fixture f;
  f.table.set_master(f.in[0], f.in[1]);
  CHECK(complaint(Status::kFailedPrecondition, [&] { f.table.set_master(f.in[1], f.in[0]); }) != "accepted");
  CHECK(complaint(Status::kFailedPrecondition, [&] { f.table.set_master(f.in[1], f.in[1]); }) != "accepted");
  CHECK(complaint(Status::kFailedPrecondition, [&] { f.table.dominate(f.in[1], f.in[0]); }) != "accepted");
  f.table.dominate(f.in[2], f.in[0]);
  CHECK(complaint(Status::kFailedPrecondition, [&] { f.table.set_master(f.in[1], f.in[2]); }) != "accepted");
  CHECK(complaint(Status::kFailedPrecondition, [&] { f.table.set_master(f.in[2], f.in[3]); }) != "accepted");
  // The other way round is no cycle: the slave goes under its master and stops being a slave.
  f.table.dominate(f.in[0], f.in[1]);
  CHECK(f.table.source(f.in[2]) == f.in[1]);
}

TEST_CASE("leaving a state ends the relation that belongs to it") {
  Fixture f;
  f.table.dominate(f.in[0], f.out[0]);
  f.table.set_state(f.in[0], State::kFp32, "chosen by the dispatcher");
  CHECK(f.table.root(f.in[0]) == f.in[0]);
  f.set(f.out[0], 0.5F);
  f.table.set_master(f.in[1], f.out[0]);
  f.table.set_state(f.in[1], State::kOverlapped);
  CHECK(f.table.get(f.in[1]).master == HT_NONE);
}

TEST_CASE("baked configs are frozen and can still be read") {
  Fixture f;
  f.set(f.in[0], 0.5F);
  f.table.set_state(f.in[0], State::kBaked);
  CHECK(complaint(Status::kFailedPrecondition, [&] { f.table.set_spec(f.in[0], f.spec); }) != "accepted");
  CHECK(complaint(Status::kFailedPrecondition, [&] {
          f.table.create({f.nodes[0], false, 0}, f.spec, State::kInitial);
        }) != "accepted");
  CHECK(complaint(Status::kFailedPrecondition, [&] { f.table.dominate(f.in[0], f.in[1]); }) != "accepted");
  CHECK(complaint(Status::kFailedPrecondition, [&] { f.table.set_master(f.in[0], f.in[1]); }) != "accepted");
  CHECK_FALSE(f.table.quantizer(f.in[0]).has_value());
  CHECK(f.table.quantizer(f.in[0], true)->scales[0] == 0.5F);
}

TEST_CASE("removing configs of a node releases what depended on them") {
  Fixture f;
  f.set(f.out[0], 0.5F, 1);
  f.table.dominate(f.in[1], f.out[0]);
  f.table.set_master(f.in[2], f.out[0]);
  f.table.set_master(f.in[3], f.out[0]);
  f.table.set_state(f.in[3], State::kPassiveBaked);
  f.model.remove_node(f.nodes[0]);
  f.table.remove_slots(f.nodes[0], true, 1, 9);
  CHECK(f.table.all().size() == 8);
  f.table.remove_slots(f.nodes[0], false, 0, 1);
  f.table.remove_slots(f.nodes[0], true, 0, 1);
  CHECK(f.table.find({f.nodes[0], true, 0}) == HT_NONE);
  CHECK(f.table.all().size() == 6);
  CHECK(f.state(f.in[1]) == State::kInitial);
  CHECK(f.table.root(f.in[1]) == f.in[1]);
  CHECK(f.state(f.in[2]) == State::kInitial);
  CHECK(f.table.quantizer(f.in[3], true)->zero_points[0] == 1);  // a baked slave keeps what it was baked with
  CHECK(find_faults(f.table, f.model).empty());
}

TEST_CASE("faults are told as sentences") {
  Fixture f;
  f.set(f.in[0], 0.5F, -100);
  CHECK(find_faults(f.table, f.model).empty());
  f.table.set_spec(f.in[1], make_spec(4, true, HT_ASYMMETRIC));
  f.table.set_master(f.in[1], f.in[0]);
  CHECK(find_faults(f.table, f.model) ==
        std::vector<std::string>{"input 0 of Relu 'relu1': zero point -100 of entry 0 is outside [-8, 7]"});
  f.table.set_spec(f.in[0], f.spec);
  CHECK(find_faults(f.table, f.model) ==
        std::vector<std::string>{"input 0 of Relu 'relu1': it is passive and has no scale"});
  ht_quant_spec power = f.spec;
  power.scale_form = HT_SCALE_POWER_OF_TWO;
  f.table.release(f.in[1]);
  f.table.set_spec(f.in[2], power);
  f.set(f.in[2], 0.3F);
  CHECK(find_faults(f.table, f.model).at(0).find("is not a power of two") != std::string::npos);
  f.set(f.in[2], 0.25F);
  f.table.create({f.nodes[3], false, 5}, f.spec, State::kInitial);
  CHECK(find_faults(f.table, f.model) ==
        std::vector<std::string>{"input 5 of Relu 'relu3': the node has 1 inputs only"});
  f.model.remove_node(f.nodes[2]);
  CHECK(find_faults(f.table, f.model).size() == 3);
}

TEST_CASE("a copy is a value: edits of either side do not show in the other") {
  Fixture f;
  f.set(f.in[0], 0.5F);
  ConfigTable copy = f.table;
  const float scales[] = {2.0F};
  const std::int32_t zero_points[] = {0};
  copy.set_scales(f.in[0], scales, zero_points, {});
  copy.remove(f.in[1]);
  copy.dominate(f.in[2], f.in[3]);
  CHECK(f.table.scales(f.in[0])[0] == 0.5F);
  CHECK(f.table.find({f.nodes[1], false, 0}) == f.in[1]);
  CHECK(f.state(f.in[2]) == State::kInitial);
  f.table.create({f.nodes[0], false, 1}, f.spec, State::kInitial);
  CHECK(copy.find({f.nodes[0], false, 1}) == HT_NONE);
  CHECK(copy.scales(f.in[0])[0] == 2.0F);
}

}  // namespace
}  // namespace halftone::quant
