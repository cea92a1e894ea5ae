// Fake quantization of one quantization point while a network is trained: forward, backward, initialisation.
//
// A fake quantizer has no memory of its own: what is learned is in the PointState, which the session owns, copies into
// checkpoints and hands in. Every function may be called from several threads at once. Results depend on the arguments
// only, never on threads, shards or the processor's vector width.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "halftone/param.h"
#include "halftone/quant.h"
#include "halftone/trainer.h"

namespace halftone::trainer {

// Element (o, g, i) lies at (o * groups + g) * inner + i and belongs to scale g. Per tensor: groups 1. Channels-last
// data: inner 1.
struct Grouping {
  std::size_t outer = 1, groups = 1, inner = 1;
  std::size_t size() const { return outer * groups * inner; }
};

// The scheme of a point: what fake quantization needs of its ht_quant_spec. kind, quant_min, quant_max and rounding
// mean what they mean there.
struct PointSpec {
  std::int64_t quant_min = -128, quant_max = 127;
  std::uint32_t rounding = HT_ROUND_HALF_EVEN;
  bool symmetric = true;      // offsets are not read
  bool power_of_two = false;  // scales have to be 2^n
  bool is_weight = false;
  std::uint32_t kind = HT_QUANT_INTEGER;
};

// What is held of one point. `scales` and `offsets` have one value per group, in the form that the method learns them
// in, which is what an optimizer moves: for most methods scales and zero points themselves, for "tqt" log2 of the
// scale, for "pact" the clipping value. load() and store() convert. Offsets are zero points before they are rounded;
// symmetric points may leave them empty. `rounding` has one value per element for methods that learn it, else none.
struct PointState {
  std::vector<float> scales, offsets, rounding;
};

// Where backward() and regularize() add gradients with respect to what a PointState holds, in its form: `scales` and
// `offsets` one sum per group, in double and in a fixed order; `rounding` one value per element. Null: not wanted.
struct PointGradients {
  double *scales = nullptr, *offsets = nullptr;
  float *rounding = nullptr;
};

// What random numbers depend on (counter based; there is no generator with a state). `first_element`: the position of
// the call's first element in the whole batch, so that any cut into shards draws the same. `point` fits 32 bits.
struct Draw {
  std::uint64_t seed = 0, step = 0, point = 0, first_element = 0;
};

// Fields of ht_train_batch.
struct Regularization {
  float rounding_weight = 0, rounding_beta = 2;
};

class FakeQuantizer {
 public:
  virtual ~FakeQuantizer() = default;

  // Bits 1u << HT_LEARNED_* that the method can learn here: of scale, offset and rounding.
  virtual std::uint32_t learnable() const = 0;

  // From scales and zero points (one per group; zero points may be empty when symmetric) to the state, and back to what
  // a config stores: `offsets` comes out not rounded; settled_offset() rounds. Spans of store() have the state's sizes.
  virtual void load(PointState &state, std::span<const float> scales, std::span<const float> zero_points) const;
  virtual void store(const PointState &state, std::span<float> scales, std::span<float> offsets) const;

  // After load(). `values` is what the point quantizes: the weight (after folds), or for an activation a sample of it
  // where the session has one, else empty. Methods that start from the config's scale leave the state as it is. What a
  // method cannot do without values is left as loaded.
  virtual void initialise(PointState &state, std::span<const float> values, Grouping grouping) const;
  // Whether initialise() was asked to start from the values, so that it does nothing without them.
  virtual bool starts_from_values() const { return false; }

  // y = fake quantized x. `soft`: as while learning (AdaRound's soft rounding, QDrop's dropped elements). x and y may
  // be the same memory.
  virtual void forward(const PointState &state, Grouping grouping, const float *x, float *y, const Draw &draw,
                       bool soft) const = 0;

  // Gradients of what forward() with `soft` and the same draw gave. `x` is forward()'s input, unchanged. `dx` is
  // written (null: not wanted; may be `dy`, not `x`); `gradients` is added to.
  virtual void backward(const PointState &state, Grouping grouping, const float *x, const float *dy, float *dx,
                        PointGradients gradients, const Draw &draw) const = 0;

  // What the sums of scales and offsets are multiplied with before the optimizer (LSQ: 1 / sqrt(N * quant_max)). N:
  // elements that share one scale; of an activation those of one row of the batch.
  virtual double gradient_factor(std::size_t elements_per_scale) const;

  // After an update: scales get their floor and are positive, offsets stay in the range.
  virtual void settle(PointState &state) const;

  // Adds the gradients of the method's own penalty and returns its value, once per batch: AdaRound's regularizer,
  // PACT's decay of the clipping value. 0 for others.
  virtual double regularize(const PointState &state, const Regularization &how, PointGradients gradients) const;

  // The weight to write into the model: the config's plain quantization of it gives exactly what forward() without
  // `soft` gives. Most methods copy; AdaRound and DoReFa write the quantized value. x and w may be the same memory.
  virtual void deploy(const PointState &state, Grouping grouping, const float *x, float *w) const;
};

// The integer zero point of an offset: nearest, ties to even, within [quant_min, quant_max]; as float, which holds it
// exactly for ranges within +-2^24. It is also what forward() uses. Offsets get their gradient straight through it.
float settled_offset(float offset, const PointSpec &spec);

// Makes the method's fake quantizer; `parameters` are by name, missing ones have their defaults. Throws sdk::Failure
// (HT_INVALID_ARGUMENT) for an unknown method, naming the known ones, for an unknown parameter, a value of another type
// or out of its range, and for a point that the method is not for.
std::unique_ptr<FakeQuantizer> make_fake_quantizer(const PointSpec &spec, std::string_view method,
                                                   std::span<const ht_field> parameters);

// A method as `halftone` lists it. Texts live as long as the program.
struct MethodDescription {
  std::string_view name, title, doc, source;
  std::span<const ht_param> parameters;
};
std::span<const MethodDescription> fake_quantizer_methods();

}  // namespace halftone::trainer
