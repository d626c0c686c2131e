// What must know of a level that is in the list: tests/kernel/count.sh, which adds `new_level`, compiles and runs this.
#include <algorithm>
#include <cstdio>
#include <type_traits>

#include <unroll/core/matrix.hpp>
#include <unroll/kernel/matmul.hpp>
#include <unroll/stream/kernel/dispatch.hpp>

using namespace unroll;

namespace {

int failed = 0;
void check(bool ok, const char* what) {
  if (!ok) ++failed, std::printf("wrong: %s\n", what);
}

/// The level's name, and the larger of 3 and -4 by its own instruction.
struct WhichLevel {
  template <class Level> static UNROLL_INLINE void run(bool* is_new, float* larger) {
    using V = typename Level::template Vector<float>;
    *is_new = std::is_same_v<Level, detail::NewLevel> && !std::is_same_v<V, Simd<float, 8>> && V::width == 8;
    max(V(3), V(-4)).store(larger, 1);
  }
};

Matrix<float> product() {
  Matrix<float> a(37, 300), b(300, 29), c(37, 29);
  for (Index k = 0; k < a.size(); ++k) a.data()[k] = 0.01F * static_cast<float>(k % 97);
  for (Index k = 0; k < b.size(); ++k) b.data()[k] = 0.02F * static_cast<float>(k % 89) - 0.5F;
  MatmulScratch<float> scratch;
  matmul(c, a, Transpose::no, b, Transpose::no, Accumulate::no, scratch);
  return c;
}

}  // namespace

int main() {
  check(name(SimdLevel::new_level) == "new_level", "the name");
  check(std::find(simd_levels.begin(), simd_levels.end(), SimdLevel::new_level) == simd_levels.end() - 2, "the place");
  check(has_simd_level(SimdLevel::new_level) == has_simd_level(SimdLevel::avx2), "what the processor has");
  const SimdLevel best = simd_level();
  if (!has_simd_level(SimdLevel::avx2)) return std::puts("this processor has no AVX2"), failed;
  check(best == SimdLevel::avx512 || best == SimdLevel::new_level, "the best level");

  bool is_new = true;
  float larger = 0;
  set_simd_level(SimdLevel::avx2);
  detail::dispatch<WhichLevel>(&is_new, &larger);
  check(!is_new && larger == 3, "the level before it");
  const Matrix<float> expected = product();

  set_simd_level(SimdLevel::new_level);
  detail::dispatch<WhichLevel>(&is_new, &larger);
  check(is_new, "the level of a kernel");
#if defined(UNROLL_GCC_X86)
  check(larger == 4, "the instructions of its vectors");
#endif
  check((product().array() == expected.array()).all(), "a product");
  is_new = false;
  detail::dispatch_stream<WhichLevel>(&is_new, &larger);
  check(is_new, "the level of a stream");
  const auto run = detail::stream_function<WhichLevel, bool*, float*>();
  is_new = false;
  if (run != nullptr) run(&is_new, &larger);
  check(is_new, "the function of a stream");
  return failed;
}
