# What our own tests, examples and benchmarks are compiled with. Users of the library get none of it.

add_library(unroll_warnings INTERFACE)
target_compile_options(unroll_warnings INTERFACE
  $<$<CXX_COMPILER_ID:GNU,Clang,AppleClang>:-Wall -Wextra -Wpedantic -Wconversion -Wshadow>
  # g++ 12 takes Eigen's packet loads of small vectors for reads past their end; the sanitizers of `dev` know better.
  $<$<CXX_COMPILER_ID:GNU>:-Wno-array-bounds>)

# Checks by calls instead of inline ones: the kernels compile in half the time.
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_FLAGS MATCHES "fsanitize=address")
  target_compile_options(unroll_warnings INTERFACE "SHELL:--param asan-instrumentation-with-call-threshold=0")
endif()

if(PROJECT_IS_TOP_LEVEL AND NOT DEFINED CMAKE_CXX_COMPILER_LAUNCHER)
  find_program(UNROLL_CCACHE ccache)
  if(UNROLL_CCACHE)
    set(CMAKE_CXX_COMPILER_LAUNCHER ${UNROLL_CCACHE})
  endif()
endif()
