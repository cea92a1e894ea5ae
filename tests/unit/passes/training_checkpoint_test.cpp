// The file of a training's state: files of others beside it, and damage.
#include <doctest/doctest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "halftone/status.hpp"
#include "passes/training/network/training_checkpoint.h"
#include "tests/unit/base/temp_folder.h"

namespace halftone::passes {
namespace {

namespace fs = std::filesystem;

std::string content(const fs::path &file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

TrainingState state_after(std::uint64_t step) {
  TrainingState state;
  state.step = step;
  state.best = 1;
  state.epochs = {{0.5, 0.25, 0.125}, {0.75, 0.5, 0.25}};
  state.session.assign(300, std::byte(step));
  state.best_session.assign(20, std::byte{7});
  return state;
}

TEST_CASE("part files of others beside a checkpoint are neither used nor touched, whatever they are called") {
  const test::TempFolder folder;
  const fs::path file = folder / "state";
  const TrainingCheckpoint checkpoint(file, {1, 2, 3});
  // Whole checkpoints of the same training, further on, under every name that a writer may think of.
  checkpoint.store(state_after(9));
  const std::string further = content(file);
  fs::remove(file);
  const std::string own = "state." + std::to_string(::getpid());
  const std::vector<std::string> others = {"state.part", "state.1.part", own + ".0.part", own + ".1.part",
                                           own + ".part.part"};
  for (const std::string &name : others) folder.write(name, further);
  CHECK_FALSE(checkpoint.load(true).has_value());
  for (const std::uint64_t step : {4U, 5U}) {
    checkpoint.store(state_after(step));
    const auto loaded = checkpoint.load(true);
    REQUIRE(loaded.has_value());
    CHECK(loaded->step == step);
    CHECK(loaded->best == 1);
    CHECK(loaded->epochs.size() == 2);
    CHECK(loaded->session == state_after(step).session);
    CHECK(loaded->best_session == state_after(step).best_session);
  }
  for (const std::string &name : others) CHECK(content(folder / name) == further);
  CHECK(folder.entries() == others.size() + 1);
}

ht_status refusal(const TrainingCheckpoint &checkpoint) {
  try {
    (void)checkpoint.load(true);
    return HT_OK;
  } catch (const sdk::Failure &failure) {
    CHECK(std::string(failure.what()).find("state'") != std::string::npos);
    return failure.status();
  }
}

TEST_CASE("a checkpoint with any byte changed, cut off or added is refused") {
  const test::TempFolder folder;
  const fs::path file = folder / "state";
  const TrainingCheckpoint checkpoint(file, {1, 2, 3});
  checkpoint.store(state_after(4));
  const std::string whole = content(file);
  const std::size_t magic = whole.find('\n') + 1;
  for (std::size_t at = 0; at < whole.size(); ++at) {
    for (const unsigned bit : {0U, 7U}) {
      std::string damaged = whole;
      damaged[at] = static_cast<char>(static_cast<unsigned char>(damaged[at]) ^ (1U << bit));
      folder.write("state", damaged);
      INFO("byte ", at);
      CHECK(refusal(checkpoint) == (at < magic ? HT_INVALID_ARGUMENT : HT_DATA_LOSS));
    }
  }
  for (const std::size_t size : {magic, whole.size() - 8, whole.size() - 1}) {
    folder.write("state", whole.substr(0, size));
    CHECK(refusal(checkpoint) == HT_DATA_LOSS);
  }
  folder.write("state", whole + '\0');
  CHECK(refusal(checkpoint) == HT_DATA_LOSS);
  folder.write("state", whole);
  CHECK(refusal(checkpoint) == HT_OK);
}

}  // namespace
}  // namespace halftone::passes
