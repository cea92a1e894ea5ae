#include <doctest/doctest.h>

#include <functional>

#include "tests/unit/passes/float_check.h"

namespace halftone::test {
namespace {

using model::Handle;

constexpr std::int64_t kBatch = 2, kHeads = 3, kRows = 5, kKeys = 6, kWidth = 4;

struct AttentionForm {
  int scaling = 0;        // 0: Div behind the product, 1: Mul on q, 2: Mul on q and k, 3: none
  bool from_rows = true;  // heads come out of [B, S, H * D] by Reshape and Transpose
  bool mask = false;
  std::int64_t mask_batch = kBatch, mask_heads = 1;
  std::int64_t softmax_axis = -1;
  Net::Ints key_order = {0, 1, 3, 2};
};

Handle heads_of(Sketch &s, std::int64_t rows, const AttentionForm &form) {
  if (!form.from_rows) return s.input({kBatch, kHeads, rows, kWidth});
  const Handle x = s.input({kBatch, rows, kHeads * kWidth});
  const Handle split = s.node("Reshape", {x, s.integers({kBatch, rows, kHeads, kWidth})});
  return s.node("Transpose", {split}, {Net::ints("perm", {0, 2, 1, 3})});
}

// The scores, before Softmax, are handed to `look`.
void attention(Sketch &s, const AttentionForm &form, const std::function<void(Handle)> &look = {}) {
  Handle q = heads_of(s, kRows, form), k = heads_of(s, kKeys, form);
  const Handle v = heads_of(s, kKeys, form);
  Handle kt = s.node("Transpose", {k}, {Net::ints("perm", form.key_order)});
  if (form.scaling == 1) q = s.node("Mul", {q, s.scalar(0.37)});
  if (form.scaling == 2) {
    q = s.node("Mul", {q, s.scalar(0.7)});
    kt = s.node("Mul", {s.scalar(0.7), kt});
  }
  Handle scores = s.node("MatMul", {q, kt});
  if (form.scaling == 0) scores = s.node("Div", {scores, s.scalar(2)});
  if (form.mask) scores = s.node("Add", {s.weight({form.mask_batch, form.mask_heads, kRows, kKeys}, 3), scores});
  if (look) look(scores);
  const Handle weights = s.node("Softmax", {scores}, {Net::integer("axis", form.softmax_axis)});
  const Handle y = s.node("MatMul", {weights, v});
  s.output(s.node("Transpose", {y}, {Net::ints("perm", {0, 2, 1, 3})}));
}

TEST_CASE("fuse-attention: scales and masks in every place, heads from rows or given") {
  for (int scaling = 0; scaling < 4; ++scaling) {
    for (const bool from_rows : {true, false}) {
      for (const bool mask : {true, false}) {
        Sketch s(static_cast<std::uint64_t>(scaling) + 1);
        attention(s, {scaling, from_rows, mask});
        PassRunner r(s.done());
        run_and_compare(r, "fuse-attention");
        CHECK(r.row("fused") == "1 attentions");
        CHECK(count_of(r, "MultiHeadAttention") == 1);
        CHECK(count_of(r, "MatMul") + count_of(r, "Softmax") + count_of(r, "Mul") + count_of(r, "Div") == 0);
      }
    }
  }
}

TEST_CASE("fuse-attention: masks for each sample, head, both and neither") {
  for (const std::int64_t batch : {std::int64_t{1}, kBatch}) {
    for (const std::int64_t heads : {std::int64_t{1}, kHeads}) {
      Sketch s(8);
      AttentionForm form;
      form.mask = true;
      form.mask_batch = batch;
      form.mask_heads = heads;
      attention(s, form);
      PassRunner r(s.done());
      run_and_compare(r, "fuse-attention");
      CHECK(r.row("fused") == "1 attentions");
      CHECK(count_of(r, "Expand") == (batch != 1 && heads == 1 ? 1 : 0));
    }
  }
}

TEST_CASE("fuse-attention: other axes, readers and shapes stay") {
  const auto kept = [](const std::function<void(Sketch &)> &build) {
    Sketch s(5);
    build(s);
    PassRunner r(s.done());
    run_and_compare(r, "fuse-attention", {}, 1e-6);
    CHECK(r.row("fused") == "0 attentions");
    CHECK(r.row("left") == "1 products of a Softmax that are no such attention");
  };
  kept([](Sketch &s) {
    AttentionForm form;
    form.softmax_axis = 2;
    attention(s, form);
  });
  kept([](Sketch &s) { attention(s, {}, [&](Handle scores) { s.output(scores); }); });
  kept([](Sketch &s) { attention(s, {}, [&](Handle scores) { s.output(s.node("Relu", {scores})); }); });
  kept([](Sketch &s) {  // three axes
    const Handle q = s.input({2, 5, 4}), k = s.input({2, 6, 4}), v = s.input({2, 6, 4});
    const Handle kt = s.node("Transpose", {k}, {Net::ints("perm", {0, 2, 1})});
    s.output(s.node("MatMul", {s.node("Softmax", {s.node("MatMul", {q, kt})}, {Net::integer("axis", -1)}), v}));
  });
  kept([](Sketch &s) {  // one key for all heads
    const Handle q = s.input({2, 3, 5, 4}), k = s.input({2, 1, 6, 4}), v = s.input({2, 3, 6, 4});
    const Handle kt = s.node("Transpose", {k}, {Net::ints("perm", {0, 1, 3, 2})});
    s.output(s.node("MatMul", {s.node("Softmax", {s.node("MatMul", {q, kt})}, {Net::integer("axis", -1)}), v}));
  });
}

}  // namespace
}  // namespace halftone::test
