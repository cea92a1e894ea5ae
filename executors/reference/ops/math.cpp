// Functions of one number without parameters. Source: the ONNX operators of these names.
#include <cmath>

#include "ops/unary.h"
#include "ops/version.h"

namespace halftone::reference {
namespace {

#define HALFTONE_FLOAT_FUNCTION(Name, expression)            \
  struct Name {                                              \
    double operator()(double x) const { return expression; } \
  };                                                         \
  using Name##Kernel = FloatUnary<Name>;

HALFTONE_FLOAT_FUNCTION(Exp, std::exp(x))
HALFTONE_FLOAT_FUNCTION(Log, std::log(x))
HALFTONE_FLOAT_FUNCTION(Sqrt, std::sqrt(x))
HALFTONE_FLOAT_FUNCTION(Reciprocal, 1.0 / x)
HALFTONE_FLOAT_FUNCTION(Floor, std::floor(x))
HALFTONE_FLOAT_FUNCTION(Ceil, std::ceil(x))
HALFTONE_FLOAT_FUNCTION(Round, std::nearbyint(x))
HALFTONE_FLOAT_FUNCTION(Sin, std::sin(x))
HALFTONE_FLOAT_FUNCTION(Cos, std::cos(x))
HALFTONE_FLOAT_FUNCTION(Tan, std::tan(x))
HALFTONE_FLOAT_FUNCTION(Asin, std::asin(x))
HALFTONE_FLOAT_FUNCTION(Acos, std::acos(x))
HALFTONE_FLOAT_FUNCTION(Atan, std::atan(x))
HALFTONE_FLOAT_FUNCTION(Sinh, std::sinh(x))
HALFTONE_FLOAT_FUNCTION(Cosh, std::cosh(x))
HALFTONE_FLOAT_FUNCTION(Asinh, std::asinh(x))
HALFTONE_FLOAT_FUNCTION(Acosh, std::acosh(x))
HALFTONE_FLOAT_FUNCTION(Atanh, std::atanh(x))
HALFTONE_FLOAT_FUNCTION(Erf, std::erf(x))

}  // namespace
HALFTONE_OP_KERNEL(ExpKernel, "Exp", 6, kNewest)
HALFTONE_OP_KERNEL(LogKernel, "Log", 6, kNewest)
HALFTONE_OP_KERNEL(SqrtKernel, "Sqrt", 6, kNewest)
HALFTONE_OP_KERNEL(ReciprocalKernel, "Reciprocal", 6, kNewest)
HALFTONE_OP_KERNEL(FloorKernel, "Floor", 6, kNewest)
HALFTONE_OP_KERNEL(CeilKernel, "Ceil", 6, kNewest)
HALFTONE_OP_KERNEL(RoundKernel, "Round", 11, kNewest)
HALFTONE_OP_KERNEL(SinKernel, "Sin", 7, kNewest)
HALFTONE_OP_KERNEL(CosKernel, "Cos", 7, kNewest)
HALFTONE_OP_KERNEL(TanKernel, "Tan", 7, kNewest)
HALFTONE_OP_KERNEL(AsinKernel, "Asin", 7, kNewest)
HALFTONE_OP_KERNEL(AcosKernel, "Acos", 7, kNewest)
HALFTONE_OP_KERNEL(AtanKernel, "Atan", 7, kNewest)
HALFTONE_OP_KERNEL(SinhKernel, "Sinh", 9, kNewest)
HALFTONE_OP_KERNEL(CoshKernel, "Cosh", 9, kNewest)
HALFTONE_OP_KERNEL(AsinhKernel, "Asinh", 9, kNewest)
HALFTONE_OP_KERNEL(AcoshKernel, "Acosh", 9, kNewest)
HALFTONE_OP_KERNEL(AtanhKernel, "Atanh", 9, kNewest)
HALFTONE_OP_KERNEL(ErfKernel, "Erf", 9, kNewest)
}  // namespace halftone::reference
