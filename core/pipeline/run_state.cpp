#include "core/pipeline/run_state.h"

#include <algorithm>
#include <cstring>
#include <vector>

#include "core/base/error.h"
#include "core/base/file.h"
#include "core/host/working_image.h"
#include "core/model/dtype.h"

namespace halftone {

// Walks of the standard types; a Location is told only in messages of the run that it is of.
template <typename A>
void walk(A &archive, Location &where) {
  walk(archive, where.file);
  walk(archive, where.line);
  walk(archive, where.column);
}

}  // namespace halftone

namespace halftone::pipeline {

template <typename A>
void walk(A &archive, ChosenObservers::Choice &choice) {
  walk(archive, choice.observer);
  walk(archive, choice.parameters);
  walk(archive, choice.rule);
}

namespace {

constexpr char kMagic[8] = {'h', 't', 's', 't', 'a', 't', 'e', '1'};
constexpr std::size_t kAlignment = 64;

struct Header {
  char magic[8];
  std::uint64_t structure_bytes, table_bytes;
};

// A tensor in the file: its bytes are at `offset` behind the structure.
struct Place {
  ht_dtype dtype = HT_DTYPE_NONE;
  model::Shape shape;
  std::uint64_t offset = 0, size = 0;
};

template <typename A>
void walk(A &archive, Place &place) {
  walk(archive, place.dtype);
  walk(archive, place.shape);
  walk(archive, place.offset);
  walk(archive, place.size);
}

std::uint64_t aligned(std::uint64_t offset) {
  return (offset + kAlignment - 1) / kAlignment * kAlignment;
}

std::string structure_of(const RunState &state, model::TensorTable &tensors) {
  model::ImageWriter writer(tensors);
  host::write_working(writer, state.model);
  bool there = state.calibrated.has_value();
  walk(writer, there);
  if (there) host::write_working(writer, *state.calibrated);
  halftone::write(writer, state.chosen.all());
  std::vector<std::string> facts(state.facts.begin(), state.facts.end());
  walk(writer, facts);
  return writer.take();
}

void pad(AtomicFile &file, std::uint64_t &written) {
  const std::string zeros(static_cast<std::size_t>(aligned(written) - written), '\0');
  file.write(zeros);
  written += zeros.size();
}

std::vector<model::Tensor> map_tensors(const std::vector<Place> &places, std::uint64_t start,
                                       const std::shared_ptr<const MappedFile> &map, const std::string &what) {
  std::vector<model::Tensor> tensors;
  const std::span<const std::byte> bytes = map->bytes();
  for (const Place &place : places) {
    const bool inside = start <= bytes.size() && place.offset <= bytes.size() - start &&
                        place.size <= bytes.size() - start - place.offset;
    if (!inside) fail(Status::kDataLoss, "{} is damaged: a tensor lies behind its end", what);
    if (place.dtype == HT_DTYPE_NONE) {
      tensors.emplace_back();
      continue;
    }
    tensors.emplace_back(
        place.dtype, place.shape,
        bytes.subspan(static_cast<std::size_t>(start + place.offset), static_cast<std::size_t>(place.size)), map);
  }
  return tensors;
}

}  // namespace

void write_state(const RunState &state, const std::filesystem::path &path) {
  model::TensorTable tensors;
  const std::string structure = structure_of(state, tensors);
  std::vector<Place> places;
  std::uint64_t end = 0;
  for (const model::Tensor &tensor : tensors.all()) {
    places.push_back({tensor.dtype(), tensor.shape(), end, tensor.bytes().size()});
    end = aligned(end + tensor.bytes().size());
  }
  ByteWriter table;
  walk(table, places);
  Header header{};
  std::memcpy(header.magic, kMagic, sizeof kMagic);
  header.structure_bytes = structure.size();
  header.table_bytes = table.bytes().size();
  AtomicFile file(path);
  std::uint64_t written = sizeof header + structure.size() + table.bytes().size();
  file.write(std::string_view(reinterpret_cast<const char *>(&header), sizeof header));
  file.write(structure);
  file.write(table.bytes());
  pad(file, written);
  for (const model::Tensor &tensor : tensors.all()) {
    file.write(tensor.bytes());
    written += tensor.bytes().size();
    pad(file, written);
  }
  file.commit();
}

RunState read_state(const std::filesystem::path &path) {
  const std::string what = "the state '" + path.string() + "'";
  const std::shared_ptr<const MappedFile> map = MappedFile::open(path);
  const std::span<const std::byte> bytes = map->bytes();
  const std::string_view text(reinterpret_cast<const char *>(bytes.data()), bytes.size());
  Header header{};
  if (text.size() < sizeof header || std::memcmp(text.data(), kMagic, sizeof kMagic) != 0) {
    fail(Status::kInvalidArgument, "{} is no state of a run that this version of Halftone wrote", what);
  }
  std::memcpy(&header, text.data(), sizeof header);
  const std::uint64_t left = text.size() - sizeof header;
  if (header.structure_bytes > left || header.table_bytes > left - header.structure_bytes) {
    fail(Status::kDataLoss, "{} is damaged: it ends too early", what);
  }
  const std::string_view structure = text.substr(sizeof header, static_cast<std::size_t>(header.structure_bytes));
  ByteReader table(text.substr(sizeof header + structure.size(), static_cast<std::size_t>(header.table_bytes)), what);
  std::vector<Place> places;
  walk(table, places);
  const std::uint64_t start = aligned(sizeof header + header.structure_bytes + header.table_bytes);
  const std::vector<model::Tensor> tensors = map_tensors(places, start, map, what);
  model::ImageReader reader(structure, what, tensors);
  RunState state;
  state.model = host::read_working(reader);
  bool there = false;
  walk(reader, there);
  if (there) state.calibrated = host::read_working(reader);
  walk(reader, state.chosen.all());
  std::vector<std::string> facts;
  walk(reader, facts);
  state.facts = {facts.begin(), facts.end()};
  return state;
}

}  // namespace halftone::pipeline
