#include "core/calibration/statistics_file.h"

#include <doctest/doctest.h>

#include "core/base/error.h"
#include "samples.h"

using namespace halftone;
using namespace halftone::calibration;

namespace {

Request everything() {
  Request request;
  request.histogram = request.channel_range = request.channel_moments = true;
  request.channel_axis = 1;
  return request;
}

// Statistics of samples [first, end), every one with the values that its number gives, in groups of three.
StatisticsFile file_of(std::uint64_t first, std::uint64_t end) {
  StatisticsFile file;
  file.model_name = "net.onnx";
  file.model = Digester().add("net").finish();
  file.executors = {"onednn, avx2"};
  Collected &collected = file.collections.emplace_back();
  collected.collection.executed = Digester().add("executed").finish();
  collected.collection.group = 3;
  for (const char *name : {"a", "b"}) {
    collected.collection.values[name].total = Accumulator(everything());
    collected.collection.values[name].grouped = true;
  }
  for (std::uint64_t i = first; i < end; ++i) {
    std::mt19937 random(static_cast<unsigned>(i));
    for (auto &[name, statistics] : collected.collection.values) {
      test::Tensor tensor{{1, 4, 5}, {}, {}};
      for (int k = 0; k < 20; ++k) tensor.data.push_back(test::moderate(random));
      Accumulator one(everything());
      REQUIRE(one.observe(tensor.view()));
      statistics.total.merge(one);
      if ((i - first) % 3 == 0) statistics.groups.emplace_back(everything());
      statistics.groups.back().merge(one);
      ++statistics.samples;
    }
    collected.collection.data = sum(collected.collection.data, Digester().add(static_cast<std::int64_t>(i)).finish());
    ++collected.collection.samples;
  }
  return file;
}

void check_refused(Status status, const std::string &word, const std::function<void()> &body) {
  try {
    body();
    FAIL_CHECK("nothing was refused; expected: " << word);
  } catch (const Error &error) {
    CHECK(error.status() == status);
    CHECK_MESSAGE(std::string(error.what()).find(word) != std::string::npos, error.what());
  }
}

}  // namespace

TEST_CASE("what is written is read back, and equal contents are equal bytes") {
  const StatisticsFile file = file_of(0, 7);
  const std::string bytes = to_bytes(file);
  CHECK(bytes == to_bytes(file_of(0, 7)));
  const StatisticsFile read = statistics_from_bytes(bytes, "x.htstats");
  CHECK(read.model_name == file.model_name);
  CHECK(read.model == file.model);
  CHECK(read.executors == file.executors);
  REQUIRE(read.collections.size() == 1);
  CHECK(read.collections[0].collection == file.collections[0].collection);
  CHECK_FALSE(read.checkpoint);
  CHECK(to_bytes(read) == bytes);
}

TEST_CASE("a checkpoint keeps how far it came") {
  StatisticsFile file = file_of(0, 6);
  file.checkpoint = true;
  file.collections[0].collection.skipped = {"bad"};
  file.collections[0].progress = {0, 7, 20, 30, {{0, {1, 2}}, {6, {3, 4}}}, {{5, "bad"}}};
  const StatisticsFile read = statistics_from_bytes(to_bytes(file), "x.htstats.partial");
  CHECK(read.checkpoint);
  CHECK(read.collections[0].progress == file.collections[0].progress);
}

TEST_CASE("damaged files are refused, wherever the damage is") {
  const std::string bytes = to_bytes(file_of(0, 2));
  for (std::size_t at = 0; at < bytes.size(); at += at < 64 ? 1 : 97) {
    std::string damaged = bytes;
    damaged[at] = static_cast<char>(damaged[at] ^ 0x24);
    CHECK_THROWS_AS(statistics_from_bytes(damaged, "x.htstats"), Error);
    CHECK_THROWS_AS(statistics_from_bytes(bytes.substr(0, at), "x.htstats"), Error);
  }
  check_refused(Status::kDataLoss, "'x.htstats' is no statistics file", [] { statistics_from_bytes("", "x.htstats"); });
  check_refused(Status::kDataLoss, "no statistics file", [] { statistics_from_bytes("some text", "x.htstats"); });
  check_refused(Status::kDataLoss, "cut off or damaged",
                [&] { statistics_from_bytes(bytes.substr(0, bytes.size() - 1), "x.htstats"); });
  std::string newer = bytes;  // the version follows the format's 19 characters and a tag
  REQUIRE(newer.at(22) == 1);
  newer[22] = 9;
  check_refused(Status::kFailedPrecondition, "version 9", [&] { statistics_from_bytes(newer, "x.htstats"); });
}

TEST_CASE("files that contradict themselves are refused, whatever their checksum") {
  const auto refused = [](const std::function<void(StatisticsFile &)> &change) {
    StatisticsFile file = file_of(0, 7);
    change(file);
    check_refused(Status::kDataLoss, "'x.htstats' contradicts itself",
                  [&] { statistics_from_bytes(to_bytes(file), "x.htstats"); });
  };
  refused([](StatisticsFile &f) { f.collections[0].collection.group = 0; });
  refused([](StatisticsFile &f) { f.collections[0].collection.group = 7; });
  refused([](StatisticsFile &f) { f.collections[0].collection.samples = 20; });
  refused([](StatisticsFile &f) { f.collections[0].collection.values["a"].groups.pop_back(); });
  refused([](StatisticsFile &f) { f.collections[0].collection.values["a"].grouped = false; });
  refused([](StatisticsFile &f) { f.collections[0].collection.values["a"].groups[1] = Accumulator(Request{}); });
  refused([](StatisticsFile &f) { f.collections.push_back(f.collections[0]); });
  refused([](StatisticsFile &f) { f.checkpoint = true; });  // without progress
  refused([](StatisticsFile &f) {
    f.checkpoint = true;
    f.collections[0].progress = {0, 7, 5, 9, {}, {}};
  });
  for (const std::vector<SkippedSample> &skipped :
       {std::vector<SkippedSample>{{19, "bad"}}, {{3, "bad"}, {3, "bad"}}}) {
    refused([&](StatisticsFile &f) {
      f.checkpoint = true;
      f.collections[0].collection.skipped.assign(skipped.size(), "bad");
      const std::uint64_t next = f.collections[0].collection.samples + f.collections[0].collection.skipped.size();
      f.collections[0].progress = {0, next, 20, 30, {}, skipped};
    });
  }
}

TEST_CASE("a checkpoint from before skipped samples were numbered is of an older version") {
  StatisticsFile file = file_of(0, 6);
  file.checkpoint = true;
  file.collections[0].collection.skipped = {"bad"};
  file.collections[0].progress = {0, 7, 20, 30, {}, {}};
  check_refused(Status::kFailedPrecondition,
                "'x.partial' is a checkpoint of an older version of this program, which did not say which samples it "
                "had skipped; remove it to begin anew",
                [&] { statistics_from_bytes(to_bytes(file), "x.partial"); });
}

TEST_CASE("shards joined are the whole, in any order but that of groups") {
  const std::string whole = to_bytes(file_of(0, 14));
  const auto without_groups = [](StatisticsFile file) {
    for (auto &[name, statistics] : file.collections[0].collection.values) {
      statistics.groups.clear();
      statistics.grouped = false;
    }
    return file;
  };
  StatisticsFile turned = without_groups(file_of(9, 14));
  merge(turned, without_groups(file_of(0, 4)));
  merge(turned, without_groups(file_of(4, 9)));
  CHECK(to_bytes(turned) == to_bytes(without_groups(file_of(0, 14))));
  StatisticsFile joined = file_of(0, 6);
  merge(joined, file_of(6, 9));
  merge(joined, file_of(9, 14));
  CHECK(to_bytes(joined) == whole);
  check_refused(Status::kInvalidArgument, "whole number of groups of 3", [&] { merge(joined, file_of(20, 21)); });
}

TEST_CASE("what does not belong together is not joined") {
  const StatisticsFile first = file_of(0, 3);
  const auto refused = [&](const StatisticsFile &other, Status status, const std::string &word) {
    StatisticsFile into = first;
    check_refused(status, word, [&] { merge(into, other); });
  };
  refused(file_of(0, 3), Status::kFailedPrecondition, "same samples");
  StatisticsFile other = file_of(3, 6);
  other.model = {1, 1};
  other.model_name = "other.onnx";
  refused(other, Status::kInvalidArgument, "two models, 'net.onnx' and 'other.onnx'");
  other = file_of(3, 6);
  other.checkpoint = true;
  refused(other, Status::kFailedPrecondition, "has not come to its end");
  other = file_of(3, 6);
  other.collections.clear();
  refused(other, Status::kInvalidArgument, "different platforms");
  other = file_of(3, 6);
  other.collections[0].collection.values.erase("a");
  refused(other, Status::kInvalidArgument, "value 'a'");
  other = file_of(3, 6);
  other.collections[0].collection.values["c"] = {};
  refused(other, Status::kInvalidArgument, "value 'c'");
  other = file_of(3, 6);
  other.collections[0].collection.values["b"].total = Accumulator(Request{});
  refused(other, Status::kInvalidArgument, "value 'b'");
  other = file_of(3, 6);
  other.collections[0].collection.group = 4;
  refused(other, Status::kInvalidArgument, "groups of 3 samples, the other of 4");
  other = file_of(3, 6);
  other.collections[0].collection.executed = {1, 1};
  refused(other, Status::kInvalidArgument, "other models");
}

TEST_CASE("the digest of samples does not depend on their order") {
  const Digest a = Digester().add("a").finish(), b = Digester().add("b").finish(), c = {~0ULL, ~0ULL};
  CHECK(sum(a, b) == sum(b, a));
  CHECK(sum(sum(a, b), c) == sum(a, sum(c, b)));
  CHECK(sum({0, ~0ULL}, {0, 1}) == Digest{1, 0});
  CHECK_FALSE(sum(a, a) == sum(b, b));
}
