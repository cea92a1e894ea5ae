// Gradients of functions of one number without parameters, by their derivatives. At 0, Sqrt's is infinite.
#include <cmath>
#include <numbers>

#include "sums.h"
#include "unary.h"

namespace halftone::gradients {
namespace {

// In terms of the input `v`, or of the output `v`.
#define HALFTONE_DERIVATIVE(Name, kOf, expression)           \
  struct Name {                                              \
    double operator()(double v) const { return expression; } \
  };                                                         \
  using Name##Gradient = kOf<Name>;

HALFTONE_DERIVATIVE(Exp, OfOutput, v)
HALFTONE_DERIVATIVE(Log, OfInput, 1.0 / v)
HALFTONE_DERIVATIVE(Sqrt, OfOutput, 0.5 / v)
HALFTONE_DERIVATIVE(Reciprocal, OfOutput, -v *v)
HALFTONE_DERIVATIVE(Sin, OfInput, std::cos(v))
HALFTONE_DERIVATIVE(Cos, OfInput, -std::sin(v))
HALFTONE_DERIVATIVE(Tan, OfOutput, 1.0 + v * v)
HALFTONE_DERIVATIVE(Asin, OfInput, 1.0 / std::sqrt(1.0 - v * v))
HALFTONE_DERIVATIVE(Acos, OfInput, -1.0 / std::sqrt(1.0 - v * v))
HALFTONE_DERIVATIVE(Atan, OfInput, 1.0 / (1.0 + v * v))
HALFTONE_DERIVATIVE(Sinh, OfInput, std::cosh(v))
HALFTONE_DERIVATIVE(Cosh, OfInput, std::sinh(v))
HALFTONE_DERIVATIVE(Asinh, OfInput, 1.0 / std::sqrt(v * v + 1.0))
HALFTONE_DERIVATIVE(Acosh, OfInput, 1.0 / std::sqrt(v * v - 1.0))
HALFTONE_DERIVATIVE(Atanh, OfInput, 1.0 / (1.0 - v * v))
HALFTONE_DERIVATIVE(Erf, OfInput, 2.0 * std::numbers::inv_sqrtpi * std::exp(-v * v))

}  // namespace
HALFTONE_OP_GRADIENT(ExpGradient, "Exp", 6, kNewest)
HALFTONE_OP_GRADIENT(LogGradient, "Log", 6, kNewest)
HALFTONE_OP_GRADIENT(SqrtGradient, "Sqrt", 6, kNewest)
HALFTONE_OP_GRADIENT(ReciprocalGradient, "Reciprocal", 6, kNewest)
HALFTONE_OP_GRADIENT(SinGradient, "Sin", 7, kNewest)
HALFTONE_OP_GRADIENT(CosGradient, "Cos", 7, kNewest)
HALFTONE_OP_GRADIENT(TanGradient, "Tan", 7, kNewest)
HALFTONE_OP_GRADIENT(AsinGradient, "Asin", 7, kNewest)
HALFTONE_OP_GRADIENT(AcosGradient, "Acos", 7, kNewest)
HALFTONE_OP_GRADIENT(AtanGradient, "Atan", 7, kNewest)
HALFTONE_OP_GRADIENT(SinhGradient, "Sinh", 9, kNewest)
HALFTONE_OP_GRADIENT(CoshGradient, "Cosh", 9, kNewest)
HALFTONE_OP_GRADIENT(AsinhGradient, "Asinh", 9, kNewest)
HALFTONE_OP_GRADIENT(AcoshGradient, "Acosh", 9, kNewest)
HALFTONE_OP_GRADIENT(AtanhGradient, "Atanh", 9, kNewest)
HALFTONE_OP_GRADIENT(ErfGradient, "Erf", 9, kNewest)
}  // namespace halftone::gradients
