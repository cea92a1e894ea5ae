// What a worker process offers, what is refused before a run, and what the host does with messages that are damaged.
#include <doctest/doctest.h>

#include <sys/socket.h>
#include <unistd.h>

#include <cfenv>
#include <string>
#include <vector>

#include "core/host/isolation/environment.h"
#include "core/host/isolation/host_link.h"
#include "core/host/isolation/wire_structs.h"
#include "core/host/lent_weights.h"
#include "core/host/service/services.h"
#include "core/host/working_image.h"

using namespace halftone;
using namespace halftone::host;

TEST_CASE("every service is there in a worker process, but for those that hand out functions of the host's process") {
  for (const std::string_view id : service_ids()) {
    CAPTURE(std::string(id));
    if (id == HT_TRAINING_1 || id == HT_OP_GRADIENT_1) {
      CHECK(worker_service(id, ~std::uint64_t{0}) == nullptr);
      CHECK(not_in_worker(id) == "it needs memory of the host's own process");
      continue;
    }
    CHECK(worker_service(id, ~std::uint64_t{0}) != nullptr);
    CHECK(not_in_worker(id).empty());
    CHECK((worker_service(id, 0) == nullptr) == (find_service(id, 0) == nullptr));
  }
  CHECK(worker_service("ht.telepathy/1", ~std::uint64_t{0}) == nullptr);
}

TEST_CASE("structs come out of a message as they went in") {
  const float scales[] = {0.5F, 0.25F};
  const std::int32_t zero_points[] = {1, -1};
  ht_quantizer quantizer{};
  quantizer.struct_size = sizeof quantizer;
  quantizer.kind = HT_QUANT_INTEGER;
  quantizer.quant_min = -128;
  quantizer.count = 2;
  quantizer.scales = scales;
  quantizer.zero_points = zero_points;
  // A blocked tensor: padding lies within its span.
  std::vector<float> data(2 * 8 * 3);
  for (std::size_t i = 0; i < data.size(); ++i) data[i] = static_cast<float>(i);
  const std::int64_t shape[] = {2, 5, 3}, strides[] = {24, 24, 8};
  ht_tensor_view view{sizeof(ht_tensor_view), HT_F32, 3, 0, shape, strides, data.data(), 1, 8, {0, 0}};
  Message message;
  WireWriter writer;
  walk(writer, quantizer);
  walk(writer, view);
  message.payload = writer.take();
  Arena arena;
  WireReader reader(message, arena);
  ht_quantizer read{};
  ht_tensor_view seen{};
  walk(reader, read);
  walk(reader, seen);
  CHECK(reader.at_end());
  CHECK(read.quant_min == -128);
  CHECK(read.scales[1] == 0.25F);
  CHECK(read.zero_points[1] == -1);
  CHECK(read.dynamic == nullptr);
  CHECK(seen.strides[2] == 8);
  CHECK(static_cast<const float *>(seen.data)[47] == 47.0F);

  for (std::size_t length = 0; length < message.payload.size(); ++length) {
    Message cut;
    cut.payload = message.payload.substr(0, length);
    Arena own;
    WireReader short_reader(cut, own);
    const auto read_both = [&] {
      ht_quantizer q{};
      ht_tensor_view v{};
      walk(short_reader, q);
      walk(short_reader, v);
    };
    CHECK_THROWS_AS(read_both(), Error);
  }
}

TEST_CASE("large tensors are shared, and memory that could change is refused") {
  int ends[2];
  REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
  Channel ours{Descriptor(ends[0]), {}}, theirs{Descriptor(ends[1]), {}};
  std::vector<float> data(kSharedFrom, 1.5F);
  const std::int64_t shape[] = {static_cast<std::int64_t>(data.size())};
  ht_tensor_view view{sizeof(ht_tensor_view), HT_F32, 1, 0, shape, nullptr, data.data(), 0, 0, {0, 0}};
  WireWriter writer;
  walk(writer, view);
  Message message;
  message.payload = writer.take();
  message.files = std::move(writer.files);
  REQUIRE(message.files.size() == 1);
  ours.send(message);
  const Message got = theirs.receive();
  Arena arena;
  std::vector<std::shared_ptr<const SharedBytes>> kept;
  WireReader reader(got, arena, &kept);
  ht_tensor_view seen{};
  walk(reader, seen);
  REQUIRE(kept.size() == 1);
  CHECK(seen.data == kept.front()->data());
  CHECK(static_cast<const float *>(seen.data)[data.size() - 1] == 1.5F);

  char name[] = "/tmp/halftone-shared-XXXXXX";
  const Descriptor unsealed(::mkstemp(name));
  ::unlink(name);
  REQUIRE(::ftruncate(unsealed.get(), 4096) == 0);
  CHECK_THROWS_WITH_AS((void)SharedBytes::map(unsealed, 4096),
                       "the memory that the other process sent is not what it says", Error);
}

TEST_CASE("what a component changed in the process is named and put back") {
  const Environment before;
  CHECK(before.restore().empty());
  std::fesetround(FE_DOWNWARD);
  CHECK(before.restore().find("the rounding mode of floating point") == 0);
  CHECK(std::fegetround() == FE_TONEAREST);
  CHECK(before.restore().empty());
}

TEST_CASE("an image is the model, bit by bit, and a difference is named") {
  WorkingModel working;
  model::Model &m = working.model;
  const model::Handle x = m.add_value(m.main_graph(), "x"), y = m.add_value(m.main_graph(), "y");
  m.mark_input(x);
  const float weights[] = {1.0F, -0.0F};
  const model::Handle w = m.add_initializer(m.main_graph(), "w", model::Tensor::from_floats({2}, weights));
  const model::Handle gone = m.add_value(m.main_graph(), "gone");
  m.remove_value(gone);
  const model::Handle inputs[] = {x, w}, outputs[] = {y};
  const model::Handle node = m.add_node(m.main_graph(), "Mul", "", "mul", inputs, outputs);
  m.set_attribute(node, "note", {std::string("text")});
  m.metadata["halftone.note/a"] = std::string("b");
  ht_quant_spec spec{};
  spec.struct_size = sizeof spec;
  spec.kind = HT_QUANT_INTEGER;
  spec.bits = 8;
  spec.is_signed = 1;
  spec.quant_min = -128;
  spec.quant_max = 127;
  spec.symmetry = HT_SYMMETRIC;
  spec.granularity = HT_PER_TENSOR;
  spec.scale_form = HT_SCALE_FREE;
  spec.span = HT_SPAN_NARROW;
  spec.rounding = HT_ROUND_HALF_EVEN;
  spec.visibility = HT_EXPORT_WHEN_ACTIVE;
  working.configs.create({node, false, 0}, spec, quant::State::kInitial);
  working.float_reasons[node] = std::string("for a test");

  model::TensorTable tensors;
  model::ImageWriter writer(tensors);
  write_working(writer, working);
  model::ImageReader reader(writer.bytes(), "a copy", tensors.all());
  WorkingModel copy = read_working(reader);
  CHECK(reader.at_end());
  CHECK(difference(working, copy).empty());
  CHECK(copy.model.find_value(copy.model.main_graph(), "w") == w);
  CHECK(copy.model.alive(gone) == false);
  CHECK(copy.configs.find({node, false, 0}) != HT_NONE);
  CHECK(copy.model.revision() == m.revision());

  const float other[] = {1.0F, 0.0F};  // equal numbers, other bits
  copy.model.set_initializer(w, model::Tensor::from_floats({2}, other));
  CHECK(difference(working, copy) == "value 'w'");
  copy = working;
  copy.configs.set_reason(copy.configs.find({node, false, 0}), "another");
  CHECK(difference(working, copy) == "the config of input 0 of Mul 'mul'");
  copy = working;
  copy.float_reasons.clear();
  CHECK(difference(working, copy) == "the reason for float of node 'mul'");

  LentWeights lent;
  copy = working;
  lent.lend(copy.model);
  const model::Tensor &lent_tensor = *copy.model.value(w).initializer;
  CHECK_FALSE(lent_tensor.same_storage(*m.value(w).initializer));
  CHECK(lent.take_back(copy.model));
  CHECK(copy.model.value(w).initializer->same_storage(*m.value(w).initializer));
  lent.lend(copy.model);
  const_cast<std::byte *>(copy.model.value(w).initializer->bytes().data())[0] ^= std::byte{1};
  CHECK_FALSE(lent.take_back(copy.model));
  CHECK(difference(working, copy).empty());
}
