// The most multiply-adds that a core does: vectors in registers, no memory.
typedef float Vector __attribute__((vector_size(
#ifdef __AVX512F__
    64
#else
    32
#endif
    )));

#ifdef __x86_64__
#define KEEP(v) asm("" : "+v"(v))  // in a register, of a value that the compiler does not know
#else
#define KEEP(v) asm("" : "+w"(v))
#endif

extern "C" double peak(long rounds) {  // returns the number of floating-point operations
  Vector sums[12], a = Vector{} + 0.999f, b = Vector{} + 0.001f;
  for (auto& sum : sums) {
    sum = Vector{};
    KEEP(sum);
  }
  KEEP(a);
  KEEP(b);
  for (long i = 0; i < rounds; ++i)
#pragma GCC unroll 12
    for (auto& sum : sums) sum = sum * a + b;
  for (auto& sum : sums) KEEP(sum);
  return 2.0 * rounds * 12 * sizeof(Vector) / sizeof(float);
}
