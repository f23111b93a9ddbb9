// All steps of a SimpleRNN or an LSTM in one call, for processors with vector units.
//
// What a step multiplies stands side by side: the row a = [h, x, 1] times the stacked matrix
// M = [U; W; b] is the pre-activation z of all gates, dz Mᵀ is [dh, dx], and the sum of aᵀ dz
// over all steps is dM. So there is one product, `multiply`, in three places, and the time goes
// into its inner loop, `tile`: 4 rows times 3 vectors of the result stay in registers while it
// runs along the sum. M and Mᵀ are packed once a call, into panels as wide as a tile.
//
// A block of the batch's rows goes through all steps while it is in the cache. Backwards, the
// dz of CHUNK steps are added to dM at once: of all steps, only what was saved is ever read or
// written. Sums start at zero, with x W + b added last; that keeps them exact to 1e-5.
//
// Shapes, after any leading axes of runs: x (batch, steps, features), states (batch, STATES *
// units), M (units + features + 1, GATES * units), saved (steps or 0, batch, SAVED * width), live
// (): through how many last steps a gradient flows. `width` is units, rounded up to LANES.

#include <algorithm>
#include <cstdint>
#include <string_view>
#include <vector>

#include "xla/ffi/api/ffi.h"

namespace ffi = xla::ffi;

namespace {

#ifdef __AVX512F__
constexpr int LANES = 16;
#else
constexpr int LANES = 8;
#endif
constexpr int ROWS = 32;  // of the batch, in a block
constexpr int CHUNK = 4;  // steps

typedef float Vector __attribute__((vector_size(4 * LANES)));
typedef float Unaligned __attribute__((vector_size(4 * LANES), aligned(4), may_alias));
Vector load(const float* p) { return *reinterpret_cast<const Unaligned*>(p); }
void store(float* p, Vector v) { *reinterpret_cast<Unaligned*>(p) = v; }
Vector all(float value) { return Vector{} + value; }
int padded(int n) { return (n + LANES - 1) / LANES * LANES; }

// Zeros, aligned like the cache's lines.
struct alignas(64) Line {
  float values[16];
};
struct Array : std::vector<Line> {
  explicit Array(int64_t size) : vector(size / 16 + 1) {}
  operator float*() { return data()->values; }
};

// --- products ---------------------------------------------------------------------------

// C (R, W vectors) = or += A (R, k) B (k, W vectors); A[r, i] is a[r * ar + i * ai].
template <int R, int W>
void tile(int k, const float* a, int ar, int ai, const float* b, int ldb, float* c, int ldc,
          bool add) {
  Vector sum[R][W] = {}, row[W];
  for (int i = 0; i < k; ++i, a += ai, b += ldb) {
#pragma GCC unroll 4
    for (int w = 0; w < W; ++w) {
      row[w] = load(b + w * LANES);
#ifdef __x86_64__
      asm("" : "+v"(row[w]));  // in a register: GCC would load it again for every r
#endif
    }
#pragma GCC unroll 4
    for (int r = 0; r < R; ++r)
#pragma GCC unroll 4
      for (int w = 0; w < W; ++w) sum[r][w] += a[r * ar] * row[w];
  }
  for (int r = 0; r < R; ++r)
    for (int w = 0; w < W; ++w) {
      float* to = c + r * ldc + w * LANES;
      store(to, add ? load(to) + sum[r][w] : sum[r][w]);
    }
}

// The vectors in the next of the panels that are left: three, and a single one if need be.
int panel(int vectors) { return vectors == 2 || vectors == 4 ? 2 : std::min(vectors, 3); }

// C (rows, n) = or += A (rows, k) B (k, n); B is packed where ldb is 0.
void multiply(int rows, int k, int n, const float* a, int ar, int ai, const float* b, int ldb,
              float* c, int ldc, bool add) {
  static constexpr decltype(&tile<1, 1>) tiles[4][3] = {{tile<1, 1>, tile<1, 2>, tile<1, 3>},
                                                        {tile<2, 1>, tile<2, 2>, tile<2, 3>},
                                                        {tile<3, 1>, tile<3, 2>, tile<3, 3>},
                                                        {tile<4, 1>, tile<4, 2>, tile<4, 3>}};
  for (int column = 0, vectors; column < n; column += vectors * LANES) {
    vectors = panel((n - column) / LANES);
    for (int r = 0; r < rows; r += 4)
      tiles[std::min(rows - r, 4) - 1][vectors - 1](
          k, a + r * ar, ar, ai, b + column * (ldb ? 1 : k), ldb ? ldb : vectors * LANES,
          c + r * ldc + column, ldc, add);
  }
}

// Write a matrix (k, n), a function of row and column, as the panels of a packed B.
template <class Matrix>
void pack(int k, int n, float* to, Matrix matrix) {
  for (int column = 0, width; column < n; column += width) {
    width = panel((n - column) / LANES) * LANES;
    for (int i = 0; i < k; ++i)
      for (int j = 0; j < width; ++j) *to++ = matrix(i, column + j);
  }
}

void copy(int rows, int n, const float* from, int64_t from_stride, float* to, int64_t to_stride) {
  for (int r = 0; r < rows; ++r)
    for (int i = 0; i < n; ++i) to[r * to_stride + i] = from[r * from_stride + i];
}

// --- activations and their slopes -------------------------------------------------------

Vector tanh(Vector x) {  // a rational approximation, within a few units of the last place
  constexpr float LIMIT = 7.90531110763549805f;
  x = x > LIMIT ? all(LIMIT) : x < -LIMIT ? all(-LIMIT) : x;  // NaN stays
  Vector y = x * x, p = all(-2.76076847742355e-16f), q = all(1.19825839466702e-06f);
  for (float c : {2.00018790482477e-13f, -8.60467152213735e-11f, 5.12229709037114e-08f,
                  1.48572235717979e-05f, 6.37261928875436e-04f, 4.89352455891786e-03f})
    p = p * y + c;
  for (float c : {1.18534705686654e-04f, 2.26843463243900e-03f, 4.89352518554385e-03f})
    q = q * y + c;
  return x * p / q;
}

struct Tanh {
  Vector operator()(Vector z) const { return tanh(z); }
  Vector slope(Vector z) const { return 1 - tanh(z) * tanh(z); }
};

struct Relu {  // with any derivative at 0; only that of today, 0, makes 0 of -infinity
  float at_0;
  Vector operator()(Vector z) const { return at_0 ? z * slope(z) : z < 0 ? all(0) : z; }
  Vector slope(Vector z) const { return z > 0 ? all(1) : z < 0 ? all(0) : z == 0 ? all(at_0) : z; }
};

struct Sigmoid {  // the slope of a gate is a function of the activated value
  Vector operator()(Vector z) const { return 0.5f * tanh(0.5f * z) + 0.5f; }
  Vector slope(Vector a) const { return a * (1 - a); }
};

struct HardSigmoid2015 {
  Vector operator()(Vector z) const {
    Vector a = 0.2f * z + 0.5f;
    return a < 0 ? all(0) : a > 1 ? all(1) : a;
  }
  Vector slope(Vector a) const { return (a > 0) & (a < 1) ? all(0.2f) : all(0); }
};

// --- cells: h of z, and backwards dz of dh, in one row of the batch ---------------------

// `before` is what was saved of the step before; its output goes to h. At the first step it is
// null. What is written behind `units` is never read.
template <class Activation>
struct Rnn {  // saves z
  static constexpr int GATES = 1, SAVED = 1, STATES = 1;
  Activation activation;

  void forward(int units, const float* z, float*, float* h, float* saved) const {
    for (int j = 0; j < units; j += LANES) {
      store(h + j, activation(load(z + j)));
      if (saved) store(saved + j, load(z + j));
    }
  }
  void backward(int units, const float* saved, const float* before, const float* dh, float*,
                float* dz, float* h) const {
    for (int j = 0; j < units; j += LANES)
      store(dz + j, load(dh + j) * activation.slope(load(saved + j)));
    if (before) forward(units, before, nullptr, h, nullptr);
  }
};

template <class Gate>
struct Lstm {  // saves the activated i, f, g, o, the c before the step, and tanh of the one after
  static constexpr int GATES = 4, SAVED = 6, STATES = 2;
  Gate gate;

  void forward(int units, const float* z, float* c, float* h, float* saved) const {
    for (int j = 0; j < units; j += LANES) {
      Vector i = gate(load(z + j)), f = gate(load(z + units + j)),
             g = tanh(load(z + 2 * units + j)), o = gate(load(z + 3 * units + j)),
             before = load(c + j), now = f * before + i * g, t = tanh(now);
      store(c + j, now);
      store(h + j, o * t);
      float* to = saved + j;
      if (saved)
        for (Vector v : {i, f, g, o, before, t}) store(to, v), to += padded(units);
    }
  }
  void backward(int units, const float* saved, const float* before, const float* dh, float* dc,
                float* dz, float* h) const {
    const int w = padded(units);
    // From the end, gate after gate: what is written past a gate, the next one writes over.
    for (int j = w - LANES; j >= 0; j -= LANES) {
      const float* at = saved + j;
      Vector i = load(at), f = load(at + w), g = load(at + 2 * w), o = load(at + 3 * w),
             c = load(at + 4 * w), t = load(at + 5 * w), d = load(dh + j),
             e = load(dc + j) + d * o * (1 - t * t);
      store(dz + j, e * g * gate.slope(i));
      store(dz + units + j, e * c * gate.slope(f));
      store(dz + 2 * units + j, e * i * (1 - g * g));
      store(dz + 3 * units + j, d * t * gate.slope(o));
      store(dc + j, e * f);
      if (before) store(h + j, load(before + 3 * w + j) * load(before + 5 * w + j));
    }
  }
};

// --- loops ------------------------------------------------------------------------------

template <class Cell>
struct Loop {
  Cell cell;
  int batch, steps, features, units;
  int width = padded(units), gates = Cell::GATES * units, inputs = units + features;
  int lda = padded(inputs + 1), ldd = padded(inputs), ldz = padded(gates) + LANES;
  int64_t lds = Cell::STATES * units, ld_saved = Cell::SAVED * width;
  int64_t x_size = int64_t(batch) * steps * features, states_size = batch * lds,
          m_size = int64_t(inputs + 1) * gates, saved_size = batch * steps * ld_saved;

  // Call f(first, rows) for blocks of the batch of about equal size.
  template <class F>
  void blocks(F f) const {
    for (int64_t i = 0, count = (batch + ROWS - 1) / ROWS; i < count; ++i)
      f(batch * i / count, int(batch * (i + 1) / count - batch * i / count));
  }

  // Write x of step t and 1 behind h.
  void put_inputs(const float* x, int64_t first, int rows, int t, float* a) const {
    copy(rows, features, x + (first * steps + t) * features, steps * features, a + units, lda);
    for (int r = 0; r < rows; ++r) a[r * lda + inputs] = 1;
  }

  void forward(const float* x, const float* states, const float* m, float* last,
               float* saved) const {
    Array packed(int64_t(inputs + 1) * padded(gates));
    pack(inputs + 1, padded(gates), packed,
         [&](int i, int j) { return j < gates ? m[i * gates + j] : 0; });
    blocks([&](int64_t first, int rows) {
      Array a(rows * lda), z(rows * ldz), c(rows * width);
      copy(rows, units, states + first * lds, lds, a, lda);
      copy(rows, lds - units, states + first * lds + units, lds, c, width);
      for (int t = 0; t < steps; ++t) {
        put_inputs(x, first, rows, t, a);
        multiply(rows, inputs + 1, padded(gates), a, lda, 1, packed, 0, z, ldz, false);
        for (int r = 0; r < rows; ++r)
          cell.forward(units, z + r * ldz, c + r * width, a + r * lda,
                       saved ? saved + (int64_t(t) * batch + first + r) * ld_saved : nullptr);
      }
      copy(rows, units, a, lda, last + first * lds, lds);
      copy(rows, lds - units, c, width, last + first * lds + units, lds);
    });
  }

  void backward(const float* x, const float* states, const float* m, const float* saved,
                const float* dlast, int live, float* dx, float* dstates, float* dm) const {
    const int end = steps - live;
    Array packed(int64_t(gates) * ldd), sum(int64_t(inputs + 1) * ldz);
    pack(gates, ldd, packed, [&](int i, int j) { return j < inputs ? m[j * gates + i] : 0; });
    std::fill_n(dx, x_size, 0.0f);
    std::fill_n(dstates, states_size, 0.0f);
    blocks([&](int64_t first, int rows) {
      Array a(CHUNK * rows * lda), dz(CHUNK * rows * ldz), d(rows * ldd), dc(rows * width);
      auto of = [&](int t, int r) { return saved + (int64_t(t) * batch + first + r) * ld_saved; };
      copy(rows, units, dlast + first * lds, lds, d, ldd);
      copy(rows, lds - units, dlast + first * lds + units, lds, dc, width);
      for (int t = steps - 1, gathered = 0; t >= end; --t) {  // gathered: rows of a and dz
        float *a_t = a + gathered * lda, *dz_t = dz + gathered * ldz;
        if (t == 0) copy(rows, units, states + first * lds, lds, a_t, lda);
        for (int r = 0; r < rows; ++r)
          cell.backward(units, of(t, r), t ? of(t - 1, r) : nullptr, d + r * ldd, dc + r * width,
                        dz_t + r * ldz, a_t + r * lda);
        put_inputs(x, first, rows, t, a_t);
        multiply(rows, gates, ldd, dz_t, ldz, 1, packed, 0, d, ldd, false);
        copy(rows, features, d + units, ldd, dx + (first * steps + t) * features,
             steps * features);
        gathered += rows;
        if (gathered < CHUNK * rows && t > end) continue;
        multiply(inputs + 1, gathered, padded(gates), a, 1, lda, dz, ldz, sum, ldz, true);
        gathered = 0;
      }
      if (live < steps) return;
      copy(rows, units, d, ldd, dstates + first * lds, lds);
      copy(rows, lds - units, dc, width, dstates + first * lds + units, lds);
    });
    copy(inputs + 1, gates, sum, ldz, dm, gates);
  }
};

// --- calls ------------------------------------------------------------------------------

using Floats = ffi::Buffer<ffi::F32>;
using Integers = ffi::Buffer<ffi::S32>;

// Call f(loop, run) for every run, with the loop that the activation and the shapes tell.
template <class F>
ffi::Error each_run(Floats x, Floats m, std::string_view activation, float at_0, F f) {
  auto dims = x.dimensions();
  const int axes = dims.size(), batch = dims[axes - 3], steps = dims[axes - 2];
  auto call = [&](auto cell) {
    using Cell = decltype(cell);
    const int units = m.dimensions().back() / Cell::GATES;
    const Loop<Cell> loop{cell, batch, steps, int(dims.back()), units};
    for (int64_t run = 0; run * loop.x_size < int64_t(x.element_count()); ++run) f(loop, run);
    return ffi::Error::Success();
  };
  if (activation == "relu") return call(Rnn<Relu>{{at_0}});
  if (activation == "tanh") return call(Rnn<Tanh>{});
  if (activation == "sigmoid") return call(Lstm<Sigmoid>{});
  if (activation == "hard_sigmoid_2015") return call(Lstm<HardSigmoid2015>{});
  return ffi::Error::InvalidArgument("unknown activation");
}

ffi::Error forward(Floats x, Floats states, Floats m, ffi::Result<Floats> last,
                   ffi::Result<Floats> saved, std::string_view activation, float at_0) {
  return each_run(x, m, activation, at_0, [&](const auto& l, int64_t i) {
    float* save = saved->element_count() ? saved->typed_data() + i * l.saved_size : nullptr;
    l.forward(x.typed_data() + i * l.x_size, states.typed_data() + i * l.states_size,
              m.typed_data() + i * l.m_size, last->typed_data() + i * l.states_size, save);
  });
}

ffi::Error backward(Floats x, Floats states, Floats m, Floats saved, Floats dlast, Integers live,
                    ffi::Result<Floats> dx, ffi::Result<Floats> dstates, ffi::Result<Floats> dm,
                    std::string_view activation, float at_0) {
  return each_run(x, m, activation, at_0, [&](const auto& l, int64_t i) {
    l.backward(x.typed_data() + i * l.x_size, states.typed_data() + i * l.states_size,
               m.typed_data() + i * l.m_size, saved.typed_data() + i * l.saved_size,
               dlast.typed_data() + i * l.states_size,
               std::clamp(live.typed_data()[i], 0, l.steps), dx->typed_data() + i * l.x_size,
               dstates->typed_data() + i * l.states_size, dm->typed_data() + i * l.m_size);
  });
}

auto arguments() { return ffi::Ffi::Bind().Arg<Floats>().Arg<Floats>().Arg<Floats>(); }

}  // namespace

extern "C" int lanes() { return LANES; }

XLA_FFI_DEFINE_HANDLER_SYMBOL(irnn_forward, forward,
                              arguments().Ret<Floats>().Ret<Floats>()
                                  .Attr<std::string_view>("activation").Attr<float>("at_0"));

XLA_FFI_DEFINE_HANDLER_SYMBOL(irnn_backward, backward,
                              arguments().Arg<Floats>().Arg<Floats>().Arg<Integers>()
                                  .Ret<Floats>().Ret<Floats>().Ret<Floats>()
                                  .Attr<std::string_view>("activation").Attr<float>("at_0"));
