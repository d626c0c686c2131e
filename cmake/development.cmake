# What our own tests, examples and benchmarks are compiled with. Users of the library get none of it.

add_library(unroll_warnings INTERFACE)
target_compile_options(unroll_warnings INTERFACE
  $<$<CXX_COMPILER_ID:GNU,Clang,AppleClang>:-Wall -Wextra -Wpedantic -Wconversion -Wshadow>
  # g++ 12 takes Eigen's packet loads of small vectors for reads past their end; the sanitizers of `dev` know better.
  $<$<CXX_COMPILER_ID:GNU>:-Wno-array-bounds>)

# Some tests are compiled with -O0 on purpose, and all levels are tested whatever the flags.
target_compile_definitions(unroll_warnings INTERFACE UNROLL_UNOPTIMIZED UNROLL_LEAST_LEVEL=0)

# g++ collects its garbage rarely: a tenth of the time for a tenth of the memory.
target_compile_options(unroll_warnings INTERFACE $<$<CXX_COMPILER_ID:GNU>:SHELL:--param=ggc-min-expand=300>)

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

# The headers of the library, read once for all tests and examples. ccache does not know precompiled headers again, so it goes without.
function(unroll_precompile target)
  if(UNROLL_CCACHE)
    return()
  endif()
  set(kind ${ARGV1})  # nothing, _plain or _unoptimized
  if(NOT TARGET precompiled${kind})
    file(CONFIGURE OUTPUT ${PROJECT_BINARY_DIR}/precompiled.cpp CONTENT "")
    add_library(precompiled${kind} OBJECT ${PROJECT_BINARY_DIR}/precompiled.cpp)
    target_link_libraries(precompiled${kind} PRIVATE unroll::io unroll_warnings ZLIB::ZLIB)
    if(kind)
      target_compile_definitions(precompiled${kind} PRIVATE UNROLL_PLAIN_KERNELS)
    endif()
    if(kind STREQUAL "_unoptimized")
      target_compile_options(precompiled${kind} PRIVATE -O0)
    endif()
    target_precompile_headers(precompiled${kind} PRIVATE <unroll/unroll.hpp>)
  endif()
  target_precompile_headers(${target} REUSE_FROM precompiled${kind})
endfunction()
