// Gemm and MatMul: forward and backward are products of oneDNN. What it is not given goes to the plain kernels: other
// factors than 1, and stacks of matrices whose outer axes differ.
#include <array>
#include <map>

#include "../operators.h"
#include "../primitives.h"
#include "kernel_step.h"

namespace halftone::trainer {
namespace {

// A stack of matrices as they lie; transposing one exchanges its last two axes and strides.
struct Matrices {
  std::int64_t stack = 1, rows = 0, columns = 0;
  bool transposed = false;  // in memory: columns * rows

  Matrices flipped() const { return {stack, columns, rows, !transposed}; }
  api::Desc desc() const {
    const std::int64_t size = rows * columns;
    const std::int64_t row = transposed ? 1 : columns, column = transposed ? rows : 1;
    if (stack == 1) return strided_desc({rows, columns}, {row, column});
    return strided_desc({stack, rows, columns}, {size, row, column});
  }
  auto key() const { return std::array<std::int64_t, 4>{stack, rows, columns, transposed ? 1 : 0}; }
};

// Products by the shapes of their operands; each primitive is made once.
class Products {
 public:
  void run(const Pool &pool, const Matrices &a, const float *a_data, const Matrices &b, const float *b_data,
           float *to) const {
    get(a, b).run(pool, {a_data, b_data, to});
  }

 private:
  const Call &get(const Matrices &a, const Matrices &b) const {
    const std::scoped_lock lock(mutex_);
    Call &known = ready_[{a.key(), b.key()}];
    if (!known) {
      const Matrices to{a.stack, a.rows, b.columns, false};
      const auto desc = api::matmul(cpu(), own_scratchpad(), a.desc(), b.desc(), to.desc());
      known = Call(
          dnnl::matmul(desc), desc.scratchpad_desc(),
          {{DNNL_ARG_SRC, desc.src_desc()}, {DNNL_ARG_WEIGHTS, desc.weights_desc()}, {DNNL_ARG_DST, desc.dst_desc()}});
    }
    return known;
  }
  using Key = std::array<std::int64_t, 4>;
  mutable std::mutex mutex_;
  mutable std::map<std::pair<Key, Key>, Call> ready_;
};

class ProductStep : public StepWithPlainForm {
 public:
  using StepWithPlainForm::StepWithPlainForm;
  void forward(ShardRun &run) const override;
  void backward(ShardRun &run) const override;
  std::uint64_t reads_inputs() const override { return ~std::uint64_t{0}; }
  std::uint64_t reads_outputs() const override { return plain_reads_outputs(); }

 protected:
  // The two operands as they are multiplied; nothing for a form that is left to the plain kernel.
  struct Form {
    Matrices a, b;
    Shape out;
  };
  virtual std::optional<Form> form(const ShardRun &run) const = 0;

 private:
  void add_bias(const ShardRun &run, float *y, std::size_t rows, std::size_t columns) const;
  void backward_bias(ShardRun &run, const float *dy, std::size_t rows, std::size_t columns) const;
  Products products_;
};

void ProductStep::add_bias(const ShardRun &run, float *y, std::size_t rows, std::size_t columns) const {
  const float *bias = in(run, 2).floats();
  for (std::size_t r = 0; r < rows; ++r) {
    for (std::size_t c = 0; c < columns; ++c) y[r * columns + c] += bias[c];
  }
}

void ProductStep::backward_bias(ShardRun &run, const float *dy, std::size_t rows, std::size_t columns) const {
  Tensor bias = make_tensor(run.pool, HT_F32, in(run, 2).shape);
  float *to = bias.floats();
  std::fill(to, to + columns, 0.0F);
  for (std::size_t r = 0; r < rows; ++r) {
    for (std::size_t c = 0; c < columns; ++c) to[c] += dy[r * columns + c];
  }
  run.deliver(inputs[2], std::move(bias));
}

void ProductStep::forward(ShardRun &run) const {
  const auto f = form(run);
  if (!f) return plain_.forward(run);
  const Tensor a = in_order(run.pool, in(run, 0), Order::kPlain), b = in_order(run.pool, in(run, 1), Order::kPlain);
  Tensor y = make_tensor(run.pool, HT_F32, f->out);
  products_.run(run.pool, f->a, a.floats(), f->b, b.floats(), y.floats());
  if (has_in(2)) add_bias(run, y.floats(), static_cast<std::size_t>(f->a.rows), static_cast<std::size_t>(f->b.columns));
  out(run, 0) = std::move(y);
}

void ProductStep::backward(ShardRun &run) const {
  const auto f = form(run);
  if (!f) return plain_backward(run);
  const Tensor dy = in_order(run.pool, arrived(run, 0), Order::kPlain);
  const Matrices d{f->a.stack, f->a.rows, f->b.columns, false};
  const Tensor a = in_order(run.pool, in(run, 0), Order::kPlain), b = in_order(run.pool, in(run, 1), Order::kPlain);
  if (wanted(0)) {
    Tensor da = make_tensor(run.pool, HT_F32, a.shape);
    if (f->a.transposed) {  // (dY B')' = B dY'
      products_.run(run.pool, f->b, b.floats(), d.flipped(), dy.floats(), da.floats());
    } else {
      products_.run(run.pool, d, dy.floats(), f->b.flipped(), b.floats(), da.floats());
    }
    run.deliver(inputs[0], std::move(da));
  }
  if (wanted(1)) {
    Tensor db = make_tensor(run.pool, HT_F32, b.shape);
    if (f->b.transposed) {  // (A' dY)' = dY' A
      products_.run(run.pool, d.flipped(), dy.floats(), f->a, a.floats(), db.floats());
    } else {
      products_.run(run.pool, f->a.flipped(), a.floats(), d, dy.floats(), db.floats());
    }
    run.deliver(inputs[1], std::move(db));
  }
  if (wanted(2)) backward_bias(run, dy.floats(), static_cast<std::size_t>(d.rows), static_cast<std::size_t>(d.columns));
}

class GemmStep final : public ProductStep {
 public:
  GemmStep(const sdk::Context &ctx, const sdk::OpNode &node)
      : ProductStep(ctx, node.node()),
        flip_a_(node.flag("transA", false)),
        flip_b_(node.flag("transB", false)),
        unit_(node.number("alpha", 1) == 1 && (!node.has_input(2) || node.number("beta", 1) == 1)) {}

 protected:
  std::optional<Form> form(const ShardRun &run) const override {
    const Tensor &a = in(run, 0), &b = in(run, 1);
    if (!unit_ || a.dtype != HT_F32 || a.shape.size() != 2 || b.shape.size() != 2) return std::nullopt;
    if (a.count() == 0 || b.count() == 0) return std::nullopt;
    Form f;
    f.a = flip_a_ ? Matrices{1, a.shape[1], a.shape[0], true} : Matrices{1, a.shape[0], a.shape[1], false};
    f.b = flip_b_ ? Matrices{1, b.shape[1], b.shape[0], true} : Matrices{1, b.shape[0], b.shape[1], false};
    f.out = {f.a.rows, f.b.columns};
    if (f.a.columns != f.b.rows) return std::nullopt;
    if (has_in(2)) {
      const Shape &bias = in(run, 2).shape;
      const bool row =
          !bias.empty() && bias.back() == f.b.columns && count_of(bias) == static_cast<std::size_t>(f.b.columns);
      if (!row) return std::nullopt;
    }
    return f;
  }

 private:
  bool flip_a_, flip_b_, unit_;
};

class MatMulStep final : public ProductStep {
 public:
  MatMulStep(const sdk::Context &ctx, const sdk::OpNode &node) : ProductStep(ctx, node.node()) {}

 protected:
  std::optional<Form> form(const ShardRun &run) const override {
    const Tensor &a = in(run, 0), &b = in(run, 1);
    const std::size_t rank = a.shape.size();
    if (a.dtype != HT_F32 || b.dtype != HT_F32 || rank < 2 || b.shape.size() < 2) return std::nullopt;
    if (a.count() == 0 || b.count() == 0) return std::nullopt;
    const std::int64_t rows = a.shape[rank - 2], inner = a.shape[rank - 1], columns = b.shape.back();
    if (b.shape[b.shape.size() - 2] != inner) return std::nullopt;
    Form f;
    f.out = a.shape;
    f.out.back() = columns;
    const auto stack = static_cast<std::int64_t>(a.count()) / (rows * inner);
    if (b.shape.size() == 2) {  // one matrix for all rows
      f.a = {1, stack * rows, inner, false};
      f.b = {1, inner, columns, false};
      return f;
    }
    if (b.shape.size() != rank || !std::equal(a.shape.begin(), a.shape.end() - 2, b.shape.begin())) return std::nullopt;
    f.a = {stack, rows, inner, false};
    f.b = {stack, inner, columns, false};
    return f;
  }
};

const OperatorEntry kGemm("Gemm", &make_step<GemmStep>);
const OperatorEntry kMatMul("MatMul", &make_step<MatMulStep>);

}  // namespace
}  // namespace halftone::trainer
