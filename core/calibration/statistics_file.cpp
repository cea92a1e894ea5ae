#include "core/calibration/statistics_file.h"

#include <algorithm>

#include <xxhash.h>

#include "calibration/htstats.pb.h"  // generated from htstats.proto
#include "core/base/error.h"
#include "core/base/file.h"

namespace halftone::calibration {
namespace {

constexpr std::string_view kFormat = "halftone statistics";
constexpr std::uint32_t kVersion = 1;

void write(const Digest &digest, htstats::Digest &out) {
  out.set_high(digest.high);
  out.set_low(digest.low);
}

Digest read(const htstats::Digest &digest) {
  return {digest.high(), digest.low()};
}

void write(const Progress &progress, htstats::Progress &out) {
  out.set_first(progress.first);
  out.set_next(progress.next);
  out.set_end(progress.end);
  out.set_dataset(progress.dataset);
  for (const Progress::Mark &mark : progress.marks) {
    htstats::Mark &written = *out.add_marks();
    written.set_index(mark.index);
    write(mark.digest, *written.mutable_digest());
  }
  for (const SkippedSample &sample : progress.skipped) {
    htstats::Skipped &written = *out.add_skipped();
    written.set_index(sample.index);
    written.set_reason(sample.reason);
  }
}

Progress read(const htstats::Progress &in) {
  Progress progress{in.first(), in.next(), in.end(), in.dataset(), {}, {}};
  for (const htstats::Mark &mark : in.marks()) progress.marks.push_back({mark.index(), read(mark.digest())});
  for (const htstats::Skipped &sample : in.skipped()) progress.skipped.push_back({sample.index(), sample.reason()});
  return progress;
}

void write(const Collected &collected, bool checkpoint, htstats::Collection &out) {
  const Collection &collection = collected.collection;
  write(collection.executed, *out.mutable_executed());
  out.set_group(collection.group);
  out.set_samples(collection.samples);
  write(collection.data, *out.mutable_data());
  for (const std::string &message : collection.skipped) out.add_skipped(message);
  for (const auto &[name, statistics] : collection.values) {
    htstats::Value &value = *out.add_values();
    value.set_name(name);
    value.set_grouped(statistics.grouped);
    value.set_total(statistics.total.serialize());
    for (const Accumulator &group : statistics.groups) value.add_groups(group.serialize());
  }
  if (checkpoint) write(collected.progress, *out.mutable_progress());
}

// What a file may not say, whatever its checksum; nothing that reads it later has to doubt it.
void require(bool sound, const std::string &name) {
  if (!sound) fail(Status::kDataLoss, "'{}' contradicts itself; calibrate again", name);
}

// In order, each once, and no other samples than those that are in.
bool skipped_inside(const Progress &progress) {
  std::uint64_t from = progress.first;
  for (const SkippedSample &sample : progress.skipped) {
    if (sample.index < from || sample.index >= progress.next) return false;
    from = sample.index + 1;
  }
  return true;
}

Statistics read(const htstats::Value &in, const htstats::Collection &collection, const std::string &name) {
  Statistics statistics{Accumulator::deserialize(in.total()), {}, collection.samples(), in.grouped()};
  for (const std::string &group : in.groups()) {
    statistics.groups.push_back(Accumulator::deserialize(group));
    require(statistics.groups.back().request() == statistics.total.request(), name);
  }
  const std::uint64_t group = collection.group();
  const std::uint64_t groups = group == 0 ? 0 : (collection.samples() + group - 1) / group;
  require(statistics.groups.size() == (in.grouped() ? groups : 0) && (group != 0 || !in.grouped()), name);
  return statistics;
}

Collected read(const htstats::Collection &in, bool checkpoint, const std::string &name) {
  Collected collected;
  Collection &collection = collected.collection;
  collection.executed = read(in.executed());
  collection.group = in.group();
  collection.samples = in.samples();
  collection.data = read(in.data());
  collection.skipped.assign(in.skipped().begin(), in.skipped().end());
  for (const htstats::Value &value : in.values()) {
    require(collection.values.emplace(value.name(), read(value, in, name)).second, name);
  }
  require(in.has_progress() == checkpoint, name);
  if (!checkpoint) return collected;
  collected.progress = read(in.progress());
  const Progress &p = collected.progress;
  if (p.skipped.empty() && !collection.skipped.empty()) {
    fail(Status::kFailedPrecondition,
         "'{}' is a checkpoint of an older version of this program, which did not say which samples it had skipped; "
         "remove it to begin anew",
         name);
  }
  require(p.first < p.end && p.first <= p.next && p.next <= p.end && p.end <= p.dataset && p.marks.size() <= 2 &&
              p.next - p.first == collection.samples + collection.skipped.size() &&
              p.skipped.size() == collection.skipped.size() && skipped_inside(p),
          name);
  return collected;
}

bool before(const Collected &a, const Collected &b) {
  return std::pair(a.collection.executed, a.collection.group) < std::pair(b.collection.executed, b.collection.group);
}

template <class Message>
std::string bytes_of(const Message &message) {
  std::string bytes;
  if (!message.SerializeToString(&bytes)) {
    fail(
        Status::kResourceExhausted,
        "the statistics need more than the 2 GiB that a statistics file holds; observe for fewer platforms, or without "
        "groups");
  }
  return bytes;
}

}  // namespace

std::string to_bytes(const StatisticsFile &file) {
  htstats::Content content;
  content.set_model_name(file.model_name);
  write(file.model, *content.mutable_model());
  for (const std::string &executor : file.executors) content.add_executors(executor);
  std::vector<const Collected *> sorted;
  for (const Collected &collected : file.collections) sorted.push_back(&collected);
  std::ranges::sort(sorted, [](const Collected *a, const Collected *b) { return before(*a, *b); });
  for (const Collected *collected : sorted) write(*collected, file.checkpoint, *content.add_collections());
  content.set_checkpoint(file.checkpoint);
  htstats::File out;
  out.set_format(std::string(kFormat));
  out.set_version(kVersion);
  out.set_content(bytes_of(content));
  out.set_checksum(XXH3_64bits(out.content().data(), out.content().size()));
  return bytes_of(out);
}

StatisticsFile statistics_from_bytes(std::string_view bytes, const std::string &name) {
  htstats::File file;
  const bool whole = bytes.size() <= INT32_MAX && file.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()));
  if (file.format() != kFormat) {
    fail(Status::kDataLoss, "'{}' is no statistics file; `halftone calibrate` writes one", name);
  }
  if (file.version() != kVersion) {
    fail(Status::kFailedPrecondition,
         "'{}' is a statistics file of version {}, this program reads version {}; use the "
         "program that wrote it, or a newer one",
         name, file.version(), kVersion);
  }
  htstats::Content content;
  if (!whole || file.checksum() != XXH3_64bits(file.content().data(), file.content().size()) ||
      !content.ParseFromString(file.content())) {
    fail(Status::kDataLoss, "'{}' is cut off or damaged; copy it again, or calibrate again", name);
  }
  StatisticsFile result;
  result.model_name = content.model_name();
  result.model = read(content.model());
  result.executors.assign(content.executors().begin(), content.executors().end());
  result.checkpoint = content.checkpoint();
  try {
    for (const htstats::Collection &collection : content.collections())
      result.collections.push_back(read(collection, result.checkpoint, name));
  } catch (Error &error) {
    error.note("in '" + name + "'");
    throw;
  }
  for (std::size_t i = 1; i < result.collections.size(); ++i)
    require(before(result.collections[i - 1], result.collections[i]), name);
  return result;
}

StatisticsFile read_statistics(const std::filesystem::path &path) {
  return statistics_from_bytes(read_file(path), path.string());
}

void merge(StatisticsFile &into, const StatisticsFile &other) {
  if (!(into.model == other.model)) {
    fail(Status::kInvalidArgument, "they are of two models, '{}' and '{}' (graph or weights differ)", into.model_name,
         other.model_name);
  }
  if (into.checkpoint || other.checkpoint) {
    fail(Status::kFailedPrecondition,
         "one is a checkpoint of a calibration that has not come to its end; finish it "
         "with --resume");
  }
  std::ranges::sort(into.collections, before);
  std::vector<const Collected *> added;
  for (const Collected &collected : other.collections) added.push_back(&collected);
  std::ranges::sort(added, [](const Collected *a, const Collected *b) { return before(*a, *b); });
  if (into.collections.size() != added.size()) {
    fail(Status::kInvalidArgument, "they were calibrated for different platforms");
  }
  for (std::size_t i = 0; i < added.size(); ++i) merge(into.collections[i].collection, added[i]->collection);
  for (const std::string &executor : other.executors) {
    if (std::ranges::find(into.executors, executor) == into.executors.end()) into.executors.push_back(executor);
  }
  std::ranges::sort(into.executors);
}

}  // namespace halftone::calibration
